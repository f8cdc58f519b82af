"""Section ``cost_tracking``: limits, alerts, prices."""

from decimal import Decimal

from pydantic import Field

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
    budget_limit_usd: Decimal = Field(default=Decimal("100.0"), ge=0)
    """Hard limit of a calendar month (UTC), in US dollars."""
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
