"""Names of everything that is emitted, in one place.

``gen_ai.*`` follows the GenAI conventions of OpenTelemetry, all of them still *Development* and moving; this is a
pinned snapshot of ``open-telemetry/semantic-conventions-genai`` as of 2026-11: ``cache_creation`` is already
``cache_write``, and ``gen_ai.usage.cost.*`` is only a proposal (written when asked for). ``tta.*`` are our own; their
units stand in the name and nowhere else, so that an OTLP endpoint of Prometheus and ``metrics.prom`` agree on names.
"""

from dataclasses import dataclass
from typing import Final

SNAPSHOT: Final = "semantic-conventions-genai, November 2026"

OPERATION: Final = "gen_ai.operation.name"
PROVIDER: Final = "gen_ai.provider.name"
REQUEST_MODEL: Final = "gen_ai.request.model"
RESPONSE_MODEL: Final = "gen_ai.response.model"
FINISH_REASONS: Final = "gen_ai.response.finish_reasons"
INPUT_TOKENS: Final = "gen_ai.usage.input_tokens"
"""Cached tokens included."""
OUTPUT_TOKENS: Final = "gen_ai.usage.output_tokens"
CACHE_READ_TOKENS: Final = "gen_ai.usage.cache_read.input_tokens"
CACHE_WRITE_TOKENS: Final = "gen_ai.usage.cache_write.input_tokens"
COST_AMOUNT: Final = "gen_ai.usage.cost.amount"
COST_CURRENCY: Final = "gen_ai.usage.cost.currency"
COST_SOURCE: Final = "gen_ai.usage.cost.source"
ERROR_TYPE: Final = "error.type"

PROVIDERS: Final = {"google-ai-studio": "gcp.gemini"}
"""Where the convention's name of a provider is not ours."""

RUN_SPAN: Final = "tta.run"
STAGE_SPAN: Final = "tta.stage"
MODE: Final = "tta.mode"
OUTCOME: Final = "tta.outcome"
REPOSITORY: Final = "tta.repository"
STAGE: Final = "tta.stage.name"
ROLE: Final = "tta.role"
ATTEMPT: Final = "tta.attempt"
CASH_USD: Final = "tta.cost.cash_usd"
LIST_USD: Final = "tta.cost.list_usd"

DURATION: Final = "gen_ai.client.operation.duration"
DURATION_BUCKETS: Final = (0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92)
"""Seconds; the convention's own advice."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Instrument:
    """One metric of ours."""

    name: str
    kind: str
    """``counter``, ``gauge`` or ``histogram``."""
    help: str
    labels: tuple[str, ...]

    @property
    def prometheus(self) -> str:
        """The name in Prometheus."""
        name = self.name.replace(".", "_")
        if self.kind == "counter":
            return f"{name}_total"
        return f"{name}_seconds" if self.kind == "histogram" else name


INSTRUMENTS: Final = (
    Instrument(name="tta.runs", kind="counter", help="Runs by outcome.", labels=("mode", "outcome")),
    Instrument(
        name="tta.cost.usd",
        kind="counter",
        help="US dollars: cash is billed, list is the published price.",
        labels=("mode", "model", "price"),
    ),
    Instrument(name="tta.tokens", kind="counter", help="Tokens by kind.", labels=("mode", "model", "type")),
    Instrument(name="tta.calls", kind="counter", help="Model calls by outcome.", labels=("mode", "model", "outcome")),
    Instrument(name="tta.units", kind="counter", help="Planned units by state.", labels=("mode", "state")),
    Instrument(name="tta.findings", kind="counter", help="Findings by severity.", labels=("mode", "severity")),
    Instrument(
        name="tta.gated",
        kind="counter",
        help="First answers of models, at the gates.",
        labels=("mode", "result"),
    ),
    Instrument(name="tta.budget.limit.usd", kind="gauge", help="Limits.", labels=("limit", "hard")),
    Instrument(name="tta.budget.spent.usd", kind="gauge", help="Drawn on each limit.", labels=("limit", "hard")),
    Instrument(name=DURATION, kind="histogram", help="Seconds a model call took.", labels=("mode", "model")),
)
BY_NAME: Final = {one.name: one for one in INSTRUMENTS}
