"""The monthly report to be read: job summary and the issue that is kept up to date."""

from collections.abc import Iterator, Mapping, Sequence
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, Final

from tta_orchestrate.domain.headline import count
from tta_orchestrate.domain.sanitiser import code_cell, markdown

MARKER: Final = "<!-- tta-orchestrate: monthly report -->"
"""By this line the issue is found again."""
_MOST_ROWS: Final = 50
_RATES: Final = {
    "done": "planned units done",
    "gate_pass": "first answers that passed their gates",
    "escalated": "units escalated to the orchestrator",
    "judge_score": "judge's mean score",
    "accepted": "findings accepted by people",
}


def text(document: Mapping[str, Any]) -> str:
    """Return the page."""
    parts = [
        MARKER,
        f"# Spend and quality, {document['month']}",
        _headline(document),
        _warnings(document),
        _limits(document["limits"]),
        _savings(document["savings"]),
        _quality(document["quality"]),
        *(_groups(name, document[f"by_{name}"]) for name in ("mode", "model", "repository", "outcome")),
        _history(document["history"]),
        f"As of {document['as_of']}; days in {document['zone']}.",
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def percent(share: str | None) -> str:
    """Return a share as a percentage with one decimal, ``–`` when there is none."""
    return "–" if share is None else f"{Decimal(share) * 100:.1f} %"


def money(amount: str | None) -> str:
    """Return dollars for people: cents, below a dollar up to six places; ``–`` when there is none."""
    if amount is None:
        return "–"
    value = Decimal(amount)
    places = "0.01" if value >= 1 or value == value.quantize(Decimal("0.01")) else "0.000001"
    shown = f"{value.quantize(Decimal(places), ROUND_HALF_UP):,f}"
    return f"${shown.rstrip('0') if places != '0.01' else shown}"


def _headline(document: Mapping[str, Any]) -> str:
    totals, ahead = document["totals"], document["forecast"]["cash_usd"]
    coming = (
        f"at this pace **{money(ahead)}** by the end of the month" if ahead else "too early in the month for a forecast"
    )
    return (
        f"**{money(totals['cash_usd'])}** billed or set aside in {count(totals['runs'], 'run')} "
        f"({count(totals['calls'], 'model call')}; {money(totals['list_usd'])} at list prices); {coming}."
    )


def _warnings(document: Mapping[str, Any]) -> str:
    return "\n".join(f"> {line}" for line in _warning_lines(document))


def _warning_lines(document: Mapping[str, Any]) -> Iterator[str]:
    totals = document["totals"]
    if totals["expired_usd"] != "0.00":
        yield f"{money(totals['expired_usd'])} were set aside by runs that never settled: they count as spent."
    if document["unreadable_lines"]:
        lines = count(document["unreadable_lines"], "line")
        yield f"{lines} of the ledger cannot be read; the sums may be too low."


def _limits(limits: Sequence[Mapping[str, Any]]) -> str:
    if not limits:
        return ""
    lines = ["## Limits", "", "| Limit | Spent | Of | Used | Forecast | State |", "|---|--:|--:|--:|--:|---|"]
    for one in limits:
        kind = "hard" if one["hard"] else "soft"
        state = "reached" if one["reached"] else "will be passed" if one["forecast_over"] else "open"
        ahead = money(one["forecast_usd"])
        spent = f"{money(one['spent_usd'])} | {money(one['limit_usd'])} | {percent(one['share'])} | {ahead}"
        lines.append(f"| {markdown(one['name'])} ({kind}) | {spent} | {state} |")
    return "\n".join(lines)


def _savings(rows: Sequence[Mapping[str, Any]]) -> str:
    if not rows:
        return "Savings: none stated, no run named a baseline."
    lines = ["## Savings", "", "| Against | Basis | n | Work | Baseline | Saving |", "|---|---|--:|--:|--:|--:|"]
    for one in rows[:_MOST_ROWS]:
        spread = f" ({one['interval'][0]} to {one['interval'][1]}, 95 %)" if one["interval"] else ""
        saved = "no ratio" if one["percent"] is None else f"{one['percent']} %{spread}"
        lines.append(
            f"| {code_cell(one['against'])} | {markdown(one['note'])} | {one['n']:,} | {money(one['work_usd'])} "
            f"| {money(one['baseline_usd'])} | {saved} |"
        )
    return "\n".join([*lines, "", "At list prices. A negative figure is a loss."])


def _quality(quality: Mapping[str, Any]) -> str:
    counts = quality["counts"]
    rests_on = {
        "done": counts["planned"],
        "gate_pass": counts["gated"],
        "escalated": counts["gated"],
        "judge_score": counts["judged"],
        "accepted": counts["accepted"] + counts["dismissed"],
    }
    lines = ["## Quality", "", "| What | Rate | n |", "|---|--:|--:|"]
    lines += [f"| {words} | {percent(quality[name])} | {rests_on[name]:,} |" for name, words in _RATES.items()]
    if quality["trend"]:
        lines += ["", "| Day | Gates passed | smoothed | Judge | smoothed | Accepted | smoothed |"]
        lines += ["|---|--:|--:|--:|--:|--:|--:|", *map(_trend, quality["trend"])]
    return "\n".join(lines)


def _trend(row: Mapping[str, Any]) -> str:
    names = ("gate_pass", "ewma", "judge_score", "judge_ewma", "accepted", "accepted_ewma")
    return f"| {row['day']} | {' | '.join(percent(row[name]) for name in names)} |"


def _billed(row: Mapping[str, Any]) -> str:
    return f"{money(row['cash_usd'])} | {money(row['list_usd'])}"


def _groups(name: str, rows: Sequence[Mapping[str, Any]]) -> str:
    if not rows:
        return ""
    lines = [f"## By {name}", "", f"| {name.capitalize()} | Runs | Calls | Errors | Input | Output | Billed | List |"]
    lines += ["|---|--:|--:|--:|--:|--:|--:|--:|"]
    for row in rows[:_MOST_ROWS]:
        lines.append(
            f"| {code_cell(row['name'])} | {row['runs']:,} | {row['calls']:,} | {row['errors']:,} "
            f"| {row['input_tokens']:,} | {row['output_tokens']:,} | {_billed(row)} |"
        )
    if len(rows) > _MOST_ROWS:
        lines.append(f"| {len(rows) - _MOST_ROWS:,} more in report.json | | | | | | | |")
    return "\n".join(lines)


def _history(rows: Sequence[Mapping[str, Any]]) -> str:
    lines = ["## Months", "", "| Month | Runs | Billed | List | Gate pass |", "|---|--:|--:|--:|--:|"]
    for row in rows:
        rate = percent(row["gate_pass"])
        lines.append(
            f"| {row['month']} | {row['runs']:,} | {money(row['cash_usd'])} | {money(row['list_usd'])} | {rate} |"
        )
    return "\n".join(lines)
