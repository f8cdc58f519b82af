"""``changes.patch``: what a run proposes to change, for ``git apply``."""

from typing import Final

from tta_orchestrate.domain.report import Report
from tta_orchestrate.ports import Sink


class ChangesPatch:
    """The patch, verbatim: anything else would not apply."""

    filename = "changes.patch"

    def applies(self, report: Report) -> bool:
        """Whether the run proposes anything."""
        return bool(report.patch)

    def render(self, report: Report) -> str:
        """Return the unified diff as it is."""
        return report.patch


SINK: Final[Sink] = ChangesPatch()
