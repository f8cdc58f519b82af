"""``cost-report.md``: the same figures as ``cost-report.json``, to be read."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from tta_orchestrate.domain.cost import STANDARD
from tta_orchestrate.domain.cost_summary import document
from tta_orchestrate.domain.headline import count
from tta_orchestrate.domain.report import Report
from tta_orchestrate.domain.sanitiser import code_cell, markdown
from tta_orchestrate.ports import Sink

_MOST_ROWS: Final = 200


class CostReportMd:
    """The cost of a run, for people."""

    filename = "cost-report.md"

    def applies(self, report: Report) -> bool:  # noqa: ARG002 -- see cost_report_json
        """Return true: every run accounts for its money."""
        return True

    def render(self, report: Report) -> str:
        """Return the page."""
        cost = document(report.cost)
        parts = [
            "# Cost report",
            _totals(cost),
            _savings(cost),
            _budgets(cost["budget"]),
            *(_table(f"By {by}", by.capitalize(), cost[f"by_{by}"]) for by in ("model", "stage", "role")),
            _bases(cost["by_price_basis"]),
            _waste(cost["waste"]),
            _notes(cost),
        ]
        return "\n\n".join(part for part in parts if part) + "\n"


def _bases(groups: Sequence[Mapping[str, Any]]) -> str:
    """Return the sums by price basis, once there is another one than the standard price."""
    return _table("By price", "Price", groups) if any(one["name"] != STANDARD for one in groups) else ""


def _totals(cost: Mapping[str, Any]) -> str:
    totals = cost["totals"]
    if not cost["calls"]:
        return f"**${totals['cash_usd']}**: no model was called."
    return (
        f"**${totals['cash_usd']}** billed, ${totals['list_usd']} at list prices: {count(totals['calls'], 'call')}, "
        f"{count(totals['input_tokens'], 'input token')} ({totals['cache_read_tokens']:,} from the cache), "
        f"{count(totals['output_tokens'], 'output token')}."
    )


def _savings(cost: Mapping[str, Any]) -> str:
    saved = cost["savings"]
    if saved["percent"] is None:
        return f"Savings: none stated, {markdown(saved['explanation'])}."
    lines = ["## Savings", "", "| Against | Basis | n | Baseline | Saving |", "|---|---|--:|--:|--:|"]
    for one in cost["baseline"]:
        interval = f" ({markdown(one['interval'][0])} to {markdown(one['interval'][1])})" if one["interval"] else ""
        percent = f"{one['savings_percent']} %" if one["savings_percent"] else "no ratio"
        lines.append(
            f"| {markdown(one['name'])} | {markdown(one['basis'])} | {one['n']:,} | ${one['list_usd']} "
            f"| {percent}{interval} |"
        )
    return "\n".join(
        [*lines, "", "At list prices, calls of the baseline itself left out. A negative figure is a loss."]
    )


def _budgets(budgets: Sequence[Mapping[str, Any]]) -> str:
    if not budgets:
        return ""
    lines = ["## Budget", "", "| Limit | Spent | Of | State |", "|---|--:|--:|---|"]
    for one in budgets[:_MOST_ROWS]:
        state = f"{'hard' if one['hard'] else 'soft'}{', reached' if one['reached'] else ''}"
        lines.append(f"| {markdown(one['name'])} | ${one['settled_usd']} | ${one['limit_usd']} | {state} |")
    return "\n".join(lines)


def _row(name: str, sums: Mapping[str, Any]) -> str:
    return (
        f"| {name} | {sums['calls']:,} | {sums['input_tokens']:,} | {sums['output_tokens']:,} "
        f"| ${sums['cash_usd']} | ${sums['list_usd']} |"
    )


def _table(title: str, first: str, groups: Sequence[Mapping[str, Any]]) -> str:
    if not groups:
        return ""
    rows: Iterable[str] = (_row(code_cell(one["name"]), one) for one in groups[:_MOST_ROWS])
    more = [f"| {len(groups) - _MOST_ROWS:,} more in cost-report.json | | | | | |"] if len(groups) > _MOST_ROWS else []
    head = [f"## {title}", "", f"| {first} | Calls | Input tokens | Output tokens | Billed | List |"]
    return "\n".join([*head, "|---|--:|--:|--:|--:|--:|", *rows, *more])


def _waste(waste: Mapping[str, Any]) -> str:
    if not waste["failed"]["calls"] and not waste["retries"]["calls"]:
        return ""
    head = [
        "## Waste",
        "",
        "| What | Calls | Input tokens | Output tokens | Billed | List |",
        "|---|--:|--:|--:|--:|--:|",
    ]
    return "\n".join([*head, _row("failed calls", waste["failed"]), _row("retries", waste["retries"])])


def _notes(cost: Mapping[str, Any]) -> str:
    notes = [f"Prices: {markdown(cost['price_data'])}."] if cost["price_data"] else []
    return "\n".join(f"- {note}" for note in [*notes, *(markdown(one) for one in cost["notes"][:_MOST_ROWS])])


SINK: Final[Sink] = CostReportMd()
