"""The root of the configuration: ``orchestration`` in ``.tta/orchestration-config.yaml``."""

from pydantic import Field

from tta_orchestrate.settings.alerts import Alerts
from tta_orchestrate.settings.cost_tracking import CostTracking
from tta_orchestrate.settings.docgen import Docgen
from tta_orchestrate.settings.models import Calls, Executor, FallbackStrategy, Orchestrator
from tta_orchestrate.settings.review import Review
from tta_orchestrate.settings.run import Run
from tta_orchestrate.settings.section import Section
from tta_orchestrate.settings.telemetry import Telemetry
from tta_orchestrate.settings.test_gen import TestGen


class Settings(Section):
    """Everything that steers a run."""

    enabled: bool = True
    """Off: every run ends at once as ``skipped``."""
    prefer_free_models: bool = True
    """Try executors that cost nothing first."""
    quality_threshold: float = Field(default=0.85, ge=0, le=1)
    """The judge's bar on what the gates could not decide; below it: repair, then escalate, then report."""
    orchestrator: Orchestrator = Orchestrator()
    executors: tuple[Executor, ...] = ()
    """The models for the bulk work, cheapest first."""
    fallback_strategy: FallbackStrategy = FallbackStrategy()
    calls: Calls = Calls()
    cost_tracking: CostTracking = CostTracking()
    review: Review = Review()
    test_gen: TestGen = TestGen()
    docgen: Docgen = Docgen()
    run: Run = Run()
    alerts: Alerts = Alerts()
    telemetry: Telemetry = Telemetry()
