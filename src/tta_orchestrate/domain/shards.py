"""Work in balanced parts, one for each job of a ``strategy.matrix``; and the parts' reports as one.

Balance: longest processing time first (Graham 1969): the heaviest file goes to the lightest part, at most 4/3 of the
best possible.
"""

import heapq
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from tta_orchestrate.domain.cost import Baseline, BudgetState, CostReport, NanoUsd, usd
from tta_orchestrate.domain.outcome import Outcome, Tally, conclude, decide
from tta_orchestrate.domain.report import Coverage, Failure, Report, Skipped, SkipReason
from tta_orchestrate.domain.skips import NOT_ASKED_FOR

MOST: Final = 256
"""Jobs that one matrix may have (GitHub)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One file with the input tokens that it takes, and what they cost at most."""

    path: str
    tokens: int
    cost: NanoUsd = NanoUsd(0)  # noqa: RUF009 -- a number


@dataclass(frozen=True, slots=True, kw_only=True)
class Shard:
    """One part; ``number`` counts from 1."""

    number: int
    of: int
    items: tuple[Item, ...]

    @property
    def tokens(self) -> int:
        """All its tokens."""
        return sum(item.tokens for item in self.items)

    @property
    def cost(self) -> NanoUsd:
        """What it costs at most."""
        return NanoUsd(sum(item.cost for item in self.items))


def balance(items: Iterable[Item], shards: int) -> tuple[Shard, ...]:
    """Return *items* in at most *shards* parts, none empty; the same items give the same parts."""
    ordered = sorted(items, key=lambda item: (-max(item.cost, 0), -item.tokens, item.path))
    count = max(1, min(shards, MOST, len(ordered)))
    loads = [(0, 0, index) for index in range(count)]
    parts: list[list[Item]] = [[] for _ in range(count)]
    for item in ordered:
        cost, tokens, index = heapq.heappop(loads)
        parts[index].append(item)
        heapq.heappush(loads, (cost + item.cost, tokens + item.tokens + 1, index))
    return tuple(
        Shard(number=index + 1, of=count, items=tuple(sorted(part, key=lambda item: item.path)))
        for index, part in enumerate(parts)
    )


def enough(items: Sequence[Item], tokens_each: int) -> int:
    """Return how many parts of about *tokens_each* tokens the work makes."""
    return max(1, min(MOST, -(-sum(item.tokens for item in items) // max(1, tokens_each))))


def matrix(shards: Sequence[Shard]) -> dict[str, Any]:
    """Return the value of ``strategy.matrix``: numbers only, the paths stand in the plan."""
    return {
        "include": [
            {
                "shard": one.number,
                "of": one.of,
                "files": len(one.items),
                "tokens": one.tokens,
                "cost_usd": usd(one.cost),
            }
            for one in shards
        ]
    }


def joined(reports: Sequence[Report], missing: Sequence[int] = ()) -> Report:
    """Return one report of all *reports* of the same work; each number in *missing* is a part that left none."""
    first = reports[0]
    failures = (*(one for report in reports for one in report.failures), *map(_missing, missing))
    coverage = _coverage([report.coverage for report in reports], len(missing))
    findings = {one.fingerprint: one for report in reports for one in report.findings}
    ordered = sorted(findings.values(), key=lambda one: (one.path, one.start_line, one.rule, one.fingerprint))
    outcome = _outcome(reports, coverage, len(ordered))
    return Report(
        mode=first.mode,
        verdict=conclude(outcome, fail_on_met=any(report.verdict.exit_code == 1 for report in reports)),
        findings=tuple(ordered),
        rejected=tuple(dict.fromkeys(one for report in reports for one in report.rejected)),
        skipped=_skipped(reports),
        failures=failures,
        coverage=coverage,
        subject=first.subject,
        cost=_cost([report.cost for report in reports]),
        notices=tuple(dict.fromkeys(one for report in reports for one in report.notices)),
    )


def _missing(number: int) -> Failure:
    return Failure(unit=f"shard {number}", path="", reason="this part left no report: its job failed, or never ran")


def _outcome(reports: Sequence[Report], coverage: Coverage, findings: int) -> Outcome:
    if any(report.verdict.outcome is Outcome.CONFIG_ERROR for report in reports):
        return Outcome.CONFIG_ERROR
    outcome = decide(Tally(planned=coverage.units_planned, done=coverage.units_done, findings=findings))
    if outcome in {Outcome.CLEAN, Outcome.FINDINGS} and any(
        report.verdict.outcome in {Outcome.PARTIAL, Outcome.UNAVAILABLE} for report in reports
    ):
        return Outcome.PARTIAL
    return outcome


def _coverage(parts: Sequence[Coverage], missing: int) -> Coverage:
    """Every part knows the whole change, and has looked at its own share."""
    return Coverage(
        files_changed=max(one.files_changed for one in parts),
        files_reviewed=sum(one.files_reviewed for one in parts),
        lines_changed=max(one.lines_changed for one in parts),
        lines_reviewed=sum(one.lines_reviewed for one in parts),
        units_planned=sum(one.units_planned for one in parts) + missing,
        units_done=sum(one.units_done for one in parts),
        performed_by=tuple(dict.fromkeys(name for one in parts for name in one.performed_by)),
    )


def _skipped(reports: Sequence[Report]) -> tuple[Skipped, ...]:
    """What a part left to another one was not skipped; what every part left to another one was."""
    real: dict[Skipped, None] = {}
    left: dict[str, int] = {}
    for report in reports:
        for one in report.skipped:
            if one.reason is SkipReason.IGNORED and one.detail == NOT_ASKED_FOR:
                left[one.path] = left.get(one.path, 0) + 1
            else:
                real[one] = None
    nobody = (path for path, count in left.items() if count == len(reports))
    return (*real, *(Skipped(path=path, reason=SkipReason.IGNORED, detail=NOT_ASKED_FOR) for path in nobody))


def _cost(costs: Sequence[CostReport]) -> CostReport:
    budgets: dict[tuple[str, bool], BudgetState] = {}
    for state in (state for cost in costs for state in cost.budgets):
        known = budgets.get((state.name, state.hard))
        budgets[state.name, state.hard] = _wider(known, state) if known else state
    return CostReport(
        calls=tuple(call for cost in costs for call in cost.calls),
        budgets=tuple(budgets.values()),
        baselines=_baselines(costs),
        price_data=", ".join(dict.fromkeys(cost.price_data for cost in costs if cost.price_data)),
        notes=tuple(dict.fromkeys(note for cost in costs for note in cost.notes)),
    )


def _wider(one: BudgetState, other: BudgetState) -> BudgetState:
    """Each part has a run limit of its own: limits and spends add up; of shared limits the furthest stand counts."""
    if one.name == "run":
        return replace(
            one,
            limit=NanoUsd(one.limit + other.limit),
            settled=NanoUsd(one.settled + other.settled),
            reached=one.reached or other.reached,
        )
    return max(one, other, key=lambda state: state.settled)


def _baselines(costs: Sequence[CostReport]) -> tuple[Baseline, ...]:
    found: dict[tuple[str, str], Baseline] = {}
    for one in (one for cost in costs for one in cost.baselines):
        known = found.get((one.name, one.basis))
        found[one.name, one.basis] = _sum(known, one) if known else one
    return tuple(found.values())


def _sum(one: Baseline, other: Baseline) -> Baseline:
    total = NanoUsd(one.list_price + other.list_price)
    return replace(one, list_price=total, tasks=one.tasks + other.tasks, interval=None)
