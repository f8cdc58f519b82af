"""The process: runs the command line, turns every expected failure into one clear message and its exit code."""

import sys

from tta_orchestrate.cli import streams
from tta_orchestrate.cli.app import run
from tta_orchestrate.errors import DeliveryError


def main() -> None:
    """Entry point of the console script and of ``python -m tta_orchestrate``."""
    streams.open_missing()
    code = run(sys.argv[1:])
    arrived = streams.flush(sys.stdout)
    sys.exit(code if arrived else code or DeliveryError.exit_code)


if __name__ == "__main__":
    main()
