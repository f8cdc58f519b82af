"""From a finished run to its entry in the books: sums by model, quality as counts, no names of files or people."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from typing import Final

from tta_orchestrate.domain.cost import Call, CostReport, NanoUsd, Usage
from tta_orchestrate.domain.cost_summary import BASELINE_STAGE, compared
from tta_orchestrate.domain.ledger import BaselineShare, Entry, Envelope, ModelShare, Phase, Quality
from tta_orchestrate.domain.report import Report

_NO_FIRST_ANSWERS: Final = frozenset({"judge", "repair", "escalate"})
QUALITY_KEY: Final = "quality"
"""``Report.extra["quality"]``: what only the engine and people know (``judged``, ``judge_ppm``, ``accepted`` …)."""


def settlement(envelope: Envelope, report: Report, now: datetime) -> Entry:
    """Return the ``settle`` entry of a run that spent what *report* says, less what other entries book."""
    who, cost = envelope.identity, own(report.cost)
    return Entry(
        run_id=who.run_id,
        attempt=who.attempt,
        job=who.job,
        phase=Phase.SETTLE,
        at=now,
        day=envelope.day,
        repository=who.repository,
        mode=who.mode,
        cash=cost.cash,
        list_price=cost.list_price,
        usage=cost.usage,
        by_model=by_model(cost.calls),
        calls=len(cost.calls),
        errors=sum(call.outcome != "ok" for call in cost.calls),
        price_data=cost.price_data,
        baselines=_baselines(report.cost),
        quality=quality(report),
        outcome=report.verdict.outcome.value,
        sample=NanoUsd(sum(call.cash for call in cost.calls if call.stage == BASELINE_STAGE)),
    )


def own(cost: CostReport) -> CostReport:
    """Return the part of *cost* that no other entry books: an earlier attempt's, or a batch's.

    Baselines are stated of whole runs alone.
    """
    mine = tuple(call for call in cost.calls[cost.resumed :] if not call.in_batch)
    return replace(cost, calls=mine, baselines=() if cost.resumed else cost.baselines, resumed=0)


def by_model(calls: Iterable[Call]) -> tuple[ModelShare, ...]:
    """Return the share of each model by the name it was asked by: limits of models go by that name."""
    groups: dict[str, list[Call]] = {}
    for call in calls:
        groups.setdefault(call.request_model, []).append(call)
    return tuple(
        ModelShare(
            model=name,
            calls=len(group),
            errors=sum(call.outcome != "ok" for call in group),
            cash=NanoUsd(sum(call.cash for call in group)),
            list_price=NanoUsd(sum(call.list_price for call in group)),
            usage=sum((call.usage for call in group), Usage()),
        )
        for name, group in sorted(groups.items())
    )


def _baselines(cost: CostReport) -> tuple[BaselineShare, ...]:
    return tuple(
        BaselineShare(
            name=one.name,
            measured=one.basis == "measured",
            list_price=one.list_price,
            work=compared(one, cost),
            tasks=one.tasks,
        )
        for one in cost.baselines
    )


def quality(report: Report) -> Quality:
    """Return the counts of a run: units, first answers that passed their gates, escalations, findings."""
    fresh = (call for call in own(report.cost).calls if call.outcome == "ok" and not call.cached)
    calls = [call for call in fresh if call.stage != BASELINE_STAGE]
    bulk = {call.unit for call in calls if call.stage not in _NO_FIRST_ANSWERS}
    again = {call.unit for call in calls if call.stage in {"repair", "escalate"}}
    escalated = {call.unit for call in calls if call.stage == "escalate"}
    said = report.extra.get(QUALITY_KEY, {})
    if not any(call.stage == "judge" for call in calls):  # verdicts of an earlier attempt are told there
        said = {name: value for name, value in said.items() if not name.startswith("judge")}
    known = {name: value for name in Quality.__slots__ if type(value := said.get(name)) is int and value >= 0}
    return Quality(
        **{
            "planned": report.coverage.units_planned,
            "done": report.coverage.units_done,
            "gated": len(bulk),
            "passed": len(bulk - again),
            "escalated": len(escalated),
            "findings": len(report.findings),
            **known,
        }
    )
