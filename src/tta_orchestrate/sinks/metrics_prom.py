"""``metrics.prom``: the run's metrics in Prometheus' text format, for a textfile collector or a Pushgateway."""

from typing import Final

from tta_orchestrate.domain.redaction import presentable_report
from tta_orchestrate.domain.report import Report
from tta_orchestrate.ports import Sink
from tta_orchestrate.telemetry.exposition import text
from tta_orchestrate.telemetry.samples import samples


class MetricsProm:
    """Metrics without a server."""

    filename = "metrics.prom"

    def applies(self, report: Report) -> bool:  # noqa: ARG002 -- every run counts
        """Return true."""
        return True

    def render(self, report: Report) -> str:
        """Return the file."""
        return text(samples(presentable_report(report)))


SINK: Final[Sink] = MetricsProm()
