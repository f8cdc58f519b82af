"""Section ``cost_tracking``: limits, alerts, prices."""

from decimal import Decimal

from pydantic import Field

from tta_orchestrate.settings.section import Section


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
