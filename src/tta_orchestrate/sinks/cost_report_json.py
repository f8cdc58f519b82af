"""``cost-report.json``: every call and every sum; ``schema/cost-report.schema.json`` describes it."""

from typing import Final

from tta_orchestrate.domain.cost_summary import document
from tta_orchestrate.domain.report import Report
from tta_orchestrate.domain.sanitiser import json_text
from tta_orchestrate.ports import Sink


class CostReportJson:
    """The cost of a run, for programs."""

    filename = "cost-report.json"

    def applies(self, report: Report) -> bool:  # noqa: ARG002 -- "nothing was spent" is a statement, too
        """Return true: every run accounts for its money."""
        return True

    def render(self, report: Report) -> str:
        """Return the document."""
        return json_text(document(report.cost))


SINK: Final[Sink] = CostReportJson()
