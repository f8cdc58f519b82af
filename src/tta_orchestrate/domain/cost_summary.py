"""What a run cost, as the document that ``cost-report.json`` holds: sums by model, stage and role, waste, savings.

Money is decimal strings of US dollars; every group adds up to the totals.
"""

from collections.abc import Callable, Iterable
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, Final

from tta_orchestrate.domain.cost import Baseline, BudgetState, Call, CostReport, NanoUsd, Usage, usd

SCHEMA_VERSION: Final = "1.0"
BASELINE_STAGE: Final = "baseline"
"""Calls made only to measure a baseline: paid, hence in the totals, but no part of the work that is compared."""


def document(cost: CostReport) -> dict[str, Any]:
    """Return the whole report as plain data, in the order of its schema (``schema/cost-report.schema.json``)."""
    return {
        "schema_version": SCHEMA_VERSION,
        "calls": [_call(call) for call in cost.calls],
        "totals": _sums(cost.calls),
        "by_model": _groups(cost.calls, lambda call: call.response_model or call.request_model),
        "by_stage": _groups(cost.calls, lambda call: call.stage),
        "by_role": _groups(cost.calls, lambda call: call.role),
        "by_price_basis": _groups(cost.calls, lambda call: call.price_basis),
        "waste": _waste(cost.calls),
        "budget": [_budget(state) for state in cost.budgets],
        "baseline": [_baseline(baseline, cost) for baseline in cost.baselines],
        "savings": savings(cost),
        "price_data": cost.price_data,
        "notes": list(cost.notes),
    }


def savings(cost: CostReport) -> dict[str, Any]:
    """Return the saving against the first baseline: 1 - list cost / baseline, a ratio of sums; negative ones stay.

    ``percent`` is ``None`` when there is nothing to compare, and ``explanation`` says why.
    """
    if not cost.calls:
        return _no_savings("no model was called; nothing to compare")
    if not cost.baselines:
        return _no_savings("no baseline was named; nothing to compare with")
    first = cost.baselines[0]
    percent = saved_percent(first, cost)
    if percent is None:
        return _no_savings(f"the baseline {first.name} costs nothing; no ratio exists")
    worked = usd(compared(first, cost))
    return {
        "percent": percent,
        "against": first.name,
        "basis": first.basis,
        "n": first.tasks,
        "interval": None if first.interval is None else list(first.interval),
        "explanation": f"1 - {worked} / {usd(first.list_price)} US dollars at list prices; {first.basis}",
    }


def _no_savings(why: str) -> dict[str, Any]:
    return {"percent": None, "against": None, "basis": None, "n": 0, "interval": None, "explanation": why}


def saved_percent(baseline: Baseline, cost: CostReport) -> str | None:
    """Return the saving in percent with one decimal, ``None`` against a baseline of nothing."""
    if baseline.list_price <= 0:
        return None
    ratio = 1 - Decimal(compared(baseline, cost)) / Decimal(baseline.list_price)
    rounded = (ratio * 100).quantize(Decimal("0.1"), rounding=ROUND_HALF_UP)
    return f"{rounded + 0:f}"


def compared(baseline: Baseline, cost: CostReport) -> NanoUsd:
    """Return the list price of the work that *baseline* stands beside: all of it, or the units that were measured."""
    work = [call for call in cost.calls if call.stage != BASELINE_STAGE]
    if baseline.basis == "measured":
        units = {call.unit for call in cost.calls if call.stage == BASELINE_STAGE and call.outcome == "ok"}
        work = [call for call in work if call.unit in units]
    return NanoUsd(sum(call.list_price for call in work))


def _usage(usage: Usage) -> dict[str, int]:
    return {
        "input_tokens": usage.input_tokens,
        "cache_read_tokens": usage.cache_read_tokens,
        "cache_write_5m_tokens": usage.cache_write_5m_tokens,
        "cache_write_1h_tokens": usage.cache_write_1h_tokens,
        "output_tokens": usage.output_tokens,
        "thinking_tokens": usage.thinking_tokens,
    }


def _sums(calls: Iterable[Call]) -> dict[str, Any]:
    cost = CostReport(calls=tuple(calls))
    return {
        "calls": len(cost.calls),
        "cash_usd": usd(cost.cash),
        "list_usd": usd(cost.list_price),
        **_usage(cost.usage),
    }


def _groups(calls: Iterable[Call], key: Callable[[Call], str]) -> list[dict[str, Any]]:
    groups: dict[str, list[Call]] = {}
    for call in calls:
        groups.setdefault(key(call), []).append(call)
    return [{"name": name, **_sums(groups[name])} for name in sorted(groups)]


def _waste(calls: Iterable[Call]) -> dict[str, Any]:
    """Return what was paid for nothing: failed calls; and retries, most of which are of use."""
    calls = tuple(calls)
    return {
        "failed": _sums(call for call in calls if call.outcome != "ok"),
        "retries": _sums(call for call in calls if call.attempt > 1),
    }


def _call(call: Call) -> dict[str, Any]:
    return {
        "provider": call.provider,
        "request_model": call.request_model,
        "response_model": call.response_model,
        "role": call.role,
        "stage": call.stage,
        "unit": call.unit,
        "outcome": call.outcome,
        "attempt": call.attempt,
        "cached": call.cached,
        "started_at": call.started_at,
        "duration_ms": call.duration_ms,
        "finish_reason": call.finish_reason,
        "price_basis": call.price_basis,
        "cash_usd": usd(call.cash),
        "list_usd": usd(call.list_price),
        **_usage(call.usage),
    }


def _budget(state: BudgetState) -> dict[str, Any]:
    return {
        "name": state.name,
        "limit_usd": usd(state.limit),
        "settled_usd": usd(state.settled),
        "hard": state.hard,
        "reached": state.reached,
    }


def _baseline(baseline: Baseline, cost: CostReport) -> dict[str, Any]:
    return {
        "name": baseline.name,
        "basis": baseline.basis,
        "list_usd": usd(baseline.list_price),
        "n": baseline.tasks,
        "interval": None if baseline.interval is None else list(baseline.interval),
        "savings_percent": saved_percent(baseline, cost) if cost.calls else None,
    }
