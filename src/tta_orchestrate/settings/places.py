"""Where a configuration stands; free of imports, so that the command line can name it at once."""

from typing import Final

ROOT: Final = "orchestration"
DEFAULT_PATHS: Final = (".tta/orchestration-config.yaml", ".tta/orchestration-config.yml")
"""Where a configuration is looked for, in this order, when none is named."""
