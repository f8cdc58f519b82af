"""Which alerts are due after a run: a pure look at the books. Each is told once a period, over all runs."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal

from tta_orchestrate.domain.accounts import elapsed_share
from tta_orchestrate.domain.cost import Call, NanoUsd, usd
from tta_orchestrate.domain.ledger import Book, Entry, Limit, Phase, Window, stands
from tta_orchestrate.domain.quality_trend import GATES, PPM, drops, places

FEWEST_FAILURES = 3
"""Failures in a row, the last calls to a provider, after which it counts as given up."""
_EARLIEST = Decimal("0.1")
"""Share of a month before which a forecast is noise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """One thing to tell. Amounts and names of limits, models and providers; never prompts, code or paths."""

    rule: str
    period: str
    title: str
    text: str
    severe: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What is watched."""

    limits: tuple[Limit, ...] = ()
    thresholds: tuple[Decimal, ...] = ()
    forecast: bool = True
    quality_drop_ppm: int = 0
    """0: not watched."""
    retirement_days: int = 0
    retires: Mapping[str, date] = field(default_factory=dict)
    """When each model that is configured is retired."""
    prices: bool = True
    breaker: bool = True
    zone: str = "UTC"


def due(book: Book, rules: Rules, run: Entry, calls: Sequence[Call], now: datetime) -> tuple[Alert, ...]:
    """Return every alert whose condition holds after *run*; told ones are sorted out by their entries' keys."""
    found: list[Alert] = [*_limits(book, rules, run, now)]
    if rules.quality_drop_ppm:
        found += _quality(book, rules.quality_drop_ppm, run)
    found += _retirements(rules, now, run)
    if rules.prices:
        found += _prices(book, run)
    if rules.breaker:
        found += _breakers(calls, run)
    return tuple(found)


def entry(alert: Alert, run: Entry, now: datetime) -> Entry:
    """Return the entry by which nobody tells *alert* again in its period."""
    return Entry(
        run_id=alert.period,
        attempt=0,
        job=alert.rule,
        phase=Phase.ALERT,
        at=now,
        day=run.day,
        repository=run.repository,
    )


def _limits(book: Book, rules: Rules, run: Entry, now: datetime) -> Iterator[Alert]:
    standing = stands(book.entries, now)
    for limit in rules.limits:
        if limit.amount <= 0:
            continue
        spent = limit.drawn(standing, run.day)
        period = run.day if limit.window is Window.DAY else run.month
        share = Decimal(spent) / Decimal(limit.amount)
        for threshold in sorted(set(rules.thresholds), reverse=True):
            if share >= threshold:
                yield _threshold(limit, threshold, spent, period)
                break  # the highest one says it all
        if rules.forecast and limit.window is Window.MONTH and spent < limit.amount:
            yield from _forecast(limit, spent, run, rules, now)


def _threshold(limit: Limit, threshold: Decimal, spent: NanoUsd, period: str) -> Alert:
    percent = f"{(threshold * 100).normalize():f} %"
    effect = "no model is called any more" if limit.hard and threshold >= 1 else "runs go on"
    return Alert(
        rule=f"{limit.name} at {percent}",
        period=period,
        title=f"Spend of the {limit.name} is at {percent} of its limit",
        text=f"${usd(spent)} of ${usd(limit.amount)} are spent or set aside ({period}); {effect}.",
        severe=threshold >= 1,
    )


def _forecast(limit: Limit, spent: NanoUsd, run: Entry, rules: Rules, now: datetime) -> Iterator[Alert]:
    elapsed = elapsed_share(run.month, now, rules.zone)
    if elapsed < _EARLIEST:
        return
    ahead = NanoUsd(int(spent / elapsed))
    if ahead > limit.amount:
        yield Alert(
            rule=f"{limit.name} forecast",
            period=run.month,
            title=f"At this pace the {limit.name} passes its limit",
            text=f"${usd(spent)} are spent; the forecast for {run.month} is ${usd(ahead)} of ${usd(limit.amount)}.",
        )


def _quality(book: Book, tolerated: int, run: Entry) -> Iterator[Alert]:
    settled = [one for one in book.entries if one.phase is Phase.SETTLE and one.mode == run.mode]
    for measure, fallen in drops(settled).items():
        if fallen >= tolerated:
            yield Alert(
                rule=f"quality of {run.mode}" if measure == GATES else f"{measure} of {run.mode}",
                period=run.month,
                title=f"The quality of {run.mode} has dropped",
                text=f"The smoothed {_MEASURED[measure]} fell by {places(fallen)} below the best of {run.month}.",
            )


_MEASURED = {
    GATES: "share of first answers that pass their gates",
    "judge_score": "score that the judge gives",
    "accepted": "share of findings that people accept",
}


def _retirements(rules: Rules, now: datetime, run: Entry) -> Iterator[Alert]:
    if not rules.retirement_days:
        return
    for model, last in sorted(rules.retires.items()):
        left = (last - now.date()).days
        if left <= rules.retirement_days:
            when = f"is retired on {last}" if left >= 0 else f"was retired on {last}"
            yield Alert(
                rule=f"retirement of {model}",
                period=run.month,
                title=f"{model} {when}",
                text="Name its successor in the configuration; `tta-orchestrate models` lists it.",
                severe=left < 0,
            )


def _prices(book: Book, run: Entry) -> Iterator[Alert]:
    before = [one for one in book.entries if one.phase is Phase.SETTLE and one.price_data and one.run != run.run]
    last = max(before, key=lambda one: one.at, default=None)
    if last is not None and run.price_data and last.price_data != run.price_data:
        yield Alert(
            rule=f"prices {run.price_data}",
            period=run.month,
            title="The price data has changed",
            text=f"From {last.price_data} to {run.price_data}: the same work may cost another amount.",
        )


def _breakers(calls: Iterable[Call], run: Entry) -> Iterator[Alert]:
    tail: dict[tuple[str, str], int] = {}
    for call in calls:
        if call.in_batch:  # how a batch ended says nothing about calls of today
            continue
        who = (call.provider, call.request_model)
        tail[who] = 0 if call.outcome == "ok" or call.cached else tail.get(who, 0) + 1
    for (provider, model), failures in sorted(tail.items()):
        if failures >= FEWEST_FAILURES:
            yield Alert(
                rule=f"breaker of {provider} {model}",
                period=run.day,
                title=f"{provider} was given up for {model}",
                text=f"The last {failures} calls failed; other models took over, or the work is reported as not done.",
            )


def ppm(share: float) -> int:
    """Return a share as millionths."""
    return int(Decimal(str(share)) * PPM)
