"""Section ``cost_tracking``: limits, alerts, prices."""

from decimal import Decimal

from pydantic import Field

from tta_orchestrate.settings.ledger import LedgerSettings, OnLimit, SpendingLimit, Zone
from tta_orchestrate.settings.section import Section


class Price(Section):
    """The price of one model, US dollars per million tokens."""

    model: str = Field(min_length=1)
    """Name as it is sent to the provider."""
    input_usd_per_mtok: Decimal = Field(ge=0)
    """Fresh input."""
    output_usd_per_mtok: Decimal = Field(ge=0)
    """Output, thinking included."""
    cache_read_usd_per_mtok: Decimal | None = Field(default=None, ge=0)
    """Input from the prompt cache; the input price when it is not given."""
    cache_write_usd_per_mtok: Decimal | None = Field(default=None, ge=0)
    """Input that is written to the prompt cache; the input price when it is not given."""


class CostTracking(Section):
    """What may be spent, and when somebody is told."""

    enabled: bool = True
    """Keep books across runs."""
    ledger: LedgerSettings = LedgerSettings()
    """Where they are kept."""
    limits: tuple[SpendingLimit, ...] = Field(
        default=(), examples=[[{"window": "day", "limit_usd": 5, "mode": "review"}]]
    )
    """Further limits of days and months."""
    zone: Zone = "UTC"
    """Time zone in which days and months begin."""
    on_limit: OnLimit = OnLimit.LOCAL
    """A hard limit is used up: `local` does the work that needs no model, `skip` nothing, `fail` fails the run."""
    baseline_sample_rate: Decimal = Field(default=Decimal(0), ge=0, le=1)
    """Share of the work that the orchestrator also does alone, so that savings are measured; 0.03 is a good start."""
    baseline_sample_limit_usd: Decimal = Field(default=Decimal("1.0"), ge=0)
    """Hard limit of a calendar month for that sample, in US dollars."""
    budget_limit_usd: Decimal = Field(default=Decimal("100.0"), ge=0)
    """Hard limit of a calendar month, in US dollars."""
    run_limit_usd: Decimal = Field(default=Decimal("1.0"), ge=0)
    """Hard limit of one run, in US dollars; input ``budget-usd`` and ``--budget-usd`` set the same."""
    alert_threshold: float = Field(default=0.8, ge=0, le=1)
    """Share of the monthly limit at which an alert goes out."""
    call_limit_usd: Decimal | None = Field(default=None, gt=0)
    """Hard limit of the worst case of one call, in US dollars; none by default."""
    run_warning_usd: Decimal | None = Field(default=None, ge=0)
    """Soft limit of one run: only reported."""
    prices: tuple[Price, ...] = ()
    """Own prices; they win over the published ones. A model without any price is refused."""
