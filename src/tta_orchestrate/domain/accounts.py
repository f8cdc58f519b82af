"""A month in figures, from the books: spend, forecast, limits, savings, quality, history. Plain data, ready for JSON.

Money is decimal strings of US dollars, shares are decimal strings with fixed places, so that every form prints the
same characters. Every group adds up to the totals.
"""

from calendar import monthrange
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, Final
from zoneinfo import ZoneInfo

from tta_orchestrate.domain.cost import NanoUsd, Usage, usd
from tta_orchestrate.domain.ledger import Entry, Limit, ModelShare, Quality, Stand, Window, stands
from tta_orchestrate.domain.quality_trend import trend
from tta_orchestrate.domain.sampling import Random, savings

SCHEMA_VERSION: Final = "1.0"
HISTORY: Final = 12
"""Months that the history goes back, the month itself included."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What is asked of the books."""

    month: str
    now: datetime
    limits: tuple[Limit, ...] = ()
    zone: str = "UTC"
    random: Random
    """Of the bootstrap; seed it for the same interval every time."""


def accounts(entries: Iterable[Entry], question: Question, unreadable: int = 0) -> dict[str, Any]:
    """Return the whole report on one month; *entries* may reach back further, for the history."""
    standing = stands(entries, question.now)
    here = sorted((one for one in standing if one.entry.month == question.month), key=lambda one: one.entry.day)
    total = sums(here)
    return {
        "schema_version": SCHEMA_VERSION,
        "month": question.month,
        "as_of": question.now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "zone": question.zone,
        "totals": total,
        "forecast": forecast(_cash(here), question),
        "limits": [_limit(one, here, question) for one in question.limits],
        "by_mode": groups(here, _mode),
        "by_model": _by_model(here),
        "by_repository": groups(here, lambda one: one.repository or "unknown"),
        "by_outcome": groups(here, lambda one: one.outcome or "not settled"),
        "by_day": _by_day(here, question),
        "savings": savings([one.entry for one in here], question.random),
        "quality": _quality(here),
        "history": _history(standing, question.month),
        "unreadable_lines": unreadable,
    }


def sums(standing: Iterable[Stand]) -> dict[str, Any]:
    """Return the sums of *standing*."""
    standing = tuple(standing)
    cash = {
        "cash_usd": _cash(standing),
        "list_usd": sum(one.entry.list_price for one in standing),
        "open_usd": _cash(one for one in standing if one.is_open),
        "expired_usd": _cash(one for one in standing if one.is_expired),
        "sample_usd": sum(one.entry.sample for one in standing),
    }
    return {
        "runs": sum(one.entry.batch is None for one in standing),
        "calls": sum(one.entry.calls for one in standing),
        "errors": sum(one.entry.errors for one in standing),
        **{name: usd(NanoUsd(amount)) for name, amount in cash.items()},
        **_tokens(one.entry.usage for one in standing),
    }


def _tokens(usages: Iterable[Usage]) -> dict[str, int]:
    usages = tuple(usages)
    return {name: sum(getattr(one, name) for one in usages) for name in Usage.__slots__}


def _cash(standing: Iterable[Stand]) -> int:
    return sum(one.entry.cash for one in standing)


def groups(standing: Iterable[Stand], key: Callable[[Entry], str]) -> list[dict[str, Any]]:
    """Return sums by *key*, dearest first."""
    found: dict[str, list[Stand]] = {}
    for one in standing:
        found.setdefault(key(one.entry), []).append(one)
    ordered = sorted(found, key=lambda name: (-_cash(found[name]), name))
    return [{"name": name, **sums(found[name])} for name in ordered]


def _mode(entry: Entry) -> str:
    return entry.mode or "unknown"


def _by_model(standing: Iterable[Stand]) -> list[dict[str, Any]]:
    """Return sums by model over settled runs; reservations belong to no model yet."""
    found: dict[str, list[ModelShare]] = {}
    for one in standing:
        for share in one.entry.by_model if not (one.is_open or one.is_expired) else ():
            found.setdefault(share.model, []).append(share)
    rows = [
        {
            "name": name,
            "runs": len(shares),
            "calls": sum(share.calls for share in shares),
            "errors": sum(share.errors for share in shares),
            "cash_usd": usd(NanoUsd(sum(share.cash for share in shares))),
            "list_usd": usd(NanoUsd(sum(share.list_price for share in shares))),
            **_tokens(share.usage for share in shares),
        }
        for name, shares in found.items()
    ]
    return sorted(rows, key=lambda row: (-Decimal(row["cash_usd"]), -Decimal(row["list_usd"]), row["name"]))


def days_of(month: str) -> list[str]:
    """Return every date of *month* as text."""
    year, number = map(int, month.split("-"))
    return [f"{month}-{day:02}" for day in range(1, monthrange(year, number)[1] + 1)]


def _by_day(standing: Sequence[Stand], question: Question) -> list[dict[str, Any]]:
    today = question.now.astimezone(_zone(question.zone)).date().isoformat()
    found: dict[str, list[Stand]] = {day: [] for day in days_of(question.month) if day <= today}
    for one in standing:
        found.setdefault(one.entry.day, []).append(one)
    running = 0
    rows = []
    for day in sorted(found):
        running += _cash(found[day])
        rows.append(
            {
                "day": day,
                "runs": len(found[day]),
                "cash_usd": usd(NanoUsd(_cash(found[day]))),
                "cumulative_usd": usd(NanoUsd(running)),
                "by_mode": {row["name"]: row["cash_usd"] for row in groups(found[day], _mode)},
            }
        )
    return rows


def forecast(cash: int, question: Question) -> dict[str, Any]:
    """Return the month's end at this pace: spend divided by the elapsed share of the month.

    In the first day of the month there is no pace yet, and ``cash_usd`` is ``None``.
    """
    elapsed = elapsed_share(question.month, question.now, question.zone)
    first_day = Decimal(1) / len(days_of(question.month))
    amount = None if elapsed < first_day else NanoUsd(int((cash / elapsed).to_integral_value(ROUND_HALF_UP)))
    return {
        "cash_usd": None if amount is None else usd(amount),
        "elapsed": share(elapsed),
        "method": "spend divided by the elapsed share of the month",
    }


def elapsed_share(month: str, now: datetime, zone: str) -> Decimal:
    """Return how much of *month* is over in *zone*, 0 to 1."""
    start = datetime.combine(date.fromisoformat(f"{month}-01"), datetime.min.time(), _zone(zone))
    following = (start.date() + timedelta(days=32)).replace(day=1)
    end = datetime.combine(following, datetime.min.time(), _zone(zone))
    over = Decimal(int((now - start).total_seconds())) / Decimal(int((end - start).total_seconds()))
    return min(Decimal(1), max(Decimal(0), over))


def _zone(name: str) -> Any:
    return UTC if name == "UTC" else ZoneInfo(name)


def share(value: Decimal | None) -> str | None:
    """Return a share with four places, ``None`` when there is none."""
    return None if value is None else f"{value.quantize(Decimal('0.0001'), ROUND_HALF_UP):f}"


def ratio(part: int, whole: int) -> str | None:
    """Return *part* of *whole* with four places, ``None`` of nothing."""
    return share(Decimal(part) / Decimal(whole)) if whole else None


def _limit(limit: Limit, standing: Sequence[Stand], question: Question) -> dict[str, Any]:
    today = question.now.astimezone(_zone(question.zone)).date().isoformat()
    day = today if today.startswith(question.month) else days_of(question.month)[-1]
    spent = limit.drawn(standing, day)
    ahead = forecast(spent, question)["cash_usd"] if limit.window is Window.MONTH else None
    return {
        "name": limit.name,
        "window": limit.window.value,
        "mode": limit.mode,
        "model": limit.model,
        "hard": limit.hard,
        "limit_usd": usd(limit.amount),
        "spent_usd": usd(spent),
        "share": ratio(spent, limit.amount),
        "reached": spent >= limit.amount,
        "forecast_usd": ahead,
        "forecast_over": None if ahead is None else Decimal(ahead) > Decimal(usd(limit.amount)),
    }


def _quality(standing: Sequence[Stand]) -> dict[str, Any]:
    settled = [one.entry for one in standing if not (one.is_open or one.is_expired)]
    total = sum((entry.quality for entry in settled), Quality())
    return {
        **rates(total),
        "counts": {name: getattr(total, name) for name in Quality.__slots__},
        "trend": trend(settled),
    }


def rates(total: Quality) -> dict[str, str | None]:
    """Return the five rates; ``None`` where nothing was counted."""
    return {
        "done": ratio(total.done, total.planned),
        "gate_pass": ratio(total.passed, total.gated),
        "escalated": ratio(total.escalated, total.gated),
        "judge_score": ratio(total.judge_ppm, total.judged * 1_000_000),
        "accepted": ratio(total.accepted, total.accepted + total.dismissed),
    }


def months_back(month: str, count: int) -> list[str]:
    """Return the *count* months that end with *month*, oldest first."""
    year, number = map(int, month.split("-"))
    indices = range(year * 12 + number - count, year * 12 + number)
    return [f"{index // 12:04}-{index % 12 + 1:02}" for index in indices]


def _history(standing: Iterable[Stand], month: str) -> list[dict[str, Any]]:
    months: dict[str, list[Stand]] = {name: [] for name in months_back(month, HISTORY)}
    for one in standing:
        if one.entry.month in months:
            months[one.entry.month].append(one)
    return [
        {
            "month": name,
            "runs": len(found),
            "cash_usd": usd(NanoUsd(_cash(found))),
            "list_usd": usd(NanoUsd(sum(one.entry.list_price for one in found))),
            "gate_pass": rates(sum((one.entry.quality for one in found), Quality()))["gate_pass"],
        }
        for name, found in months.items()
        if found or name == month
    ]
