"""The monthly report as one page that needs nothing else: no network, no script, light and dark.

Every figure stands in ``<data value="…" data-path="PATH">``, where PATH is its place in ``report.json``.
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from html import escape
from typing import Any, Final

from tta_orchestrate.domain.sanitiser import plain
from tta_orchestrate.ledger.forms.charts import bars, legend, lines
from tta_orchestrate.ledger.forms.markdown import money, percent

_POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
_MOST_ROWS: Final = 50
_STYLE: Final = """
:root{color-scheme:light dark;--bg:#fff;--fg:#1f2328;--dim:#59636e;--line:#d1d9e0;--card:#f6f8fa;
--s0:#0969da;--s1:#1a7f37;--s2:#bc4c00;--s3:#8250df;--s4:#bf3989;--s5:#6e7781;--bad:#b3261e}
@media(prefers-color-scheme:dark){:root{--bg:#0d1117;--fg:#f0f6fc;--dim:#9198a1;--line:#3d444d;--card:#151b23;
--s0:#4493f8;--s1:#3fb950;--s2:#f0883e;--s3:#ab7df8;--s4:#f778ba;--s5:#9198a1;--bad:#ff8a80}}
*{box-sizing:border-box}body{margin:0 auto;max-width:76rem;padding:1.5rem;background:var(--bg);color:var(--fg);
font:15px/1.5 system-ui,sans-serif}h1{font-size:1.5rem;margin:0 0 .25rem}h2{font-size:1.05rem;margin:0 0 .5rem}
p.dim{color:var(--dim);margin:.25rem 0 1rem}.cards{display:grid;gap:.75rem;margin-bottom:.75rem;
grid-template-columns:repeat(auto-fit,minmax(10.5rem,1fr))}.grid2{display:grid;gap:.75rem;
grid-template-columns:repeat(auto-fit,minmax(min(32rem,100%),1fr))}section,.cards>div{background:var(--card);
border:1px solid var(--line);border-radius:8px;padding:.9rem 1rem;overflow-x:auto}.cards b{display:block;
font-size:1.35rem;font-variant-numeric:tabular-nums}.cards span{color:var(--dim)}table{border-collapse:collapse;
width:100%;font-variant-numeric:tabular-nums}th,td{padding:.25rem .5rem;border-bottom:1px solid var(--line);
text-align:right;white-space:nowrap}th:first-child,td:first-child{text-align:left;white-space:normal;
overflow-wrap:anywhere;min-width:9rem}th{color:var(--dim);font-weight:500}svg{width:100%;height:auto;display:block}
svg text{fill:var(--dim);font-size:11px}.scale{text-anchor:end;dominant-baseline:middle}.tick{text-anchor:middle}
line.grid{stroke:var(--line)}polyline{fill:none;stroke-width:2}.bad{color:var(--bad)}.legend{list-style:none;
display:flex;flex-wrap:wrap;gap:.25rem 1rem;margin:.5rem 0 0;padding:0;color:var(--dim)}.legend span{display:
inline-block;width:.75em;height:.75em;border-radius:2px;margin-right:.4em}
""" + "".join(f".f{i}{{fill:var(--s{i})}}.l{i}{{stroke:var(--s{i})}}.b{i}{{background:var(--s{i})}}" for i in range(6))


def page(document: Mapping[str, Any]) -> str:
    """Return the whole page."""
    title = f"Spend and quality, {document['month']}"
    zone = words(document["zone"])
    body = [
        f"<h1>{escape(title)}</h1><p class='dim'>As of {words(document['as_of'])}; days in {zone}.</p>",
        _cards(document),
        "<div class='grid2'>",
        _section("Spend over the month", _cumulative(document)),
        _section("Spend a day, by mode", _daily(document)),
        _section("Quality by day", _trend(document["quality"])),
        _section("Months", _months(document["history"])),
        _section("Limits", _limits(document["limits"])),
        _section("Savings", _savings(document["savings"])),
        _section("Quality", _rates(document["quality"])),
        *(_section(f"By {name}", _groups(f"by_{name}", document[f"by_{name}"])) for name in _DIMENSIONS),
        "</div>",
    ]
    head = (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head><body>"
    )
    return head + "\n".join(body) + "</body></html>\n"


_COUNTS: Final = ("runs", "calls", "input_tokens", "output_tokens")
_DIMENSIONS: Final = ("model", "mode", "repository", "outcome")


def words(text: str) -> str:
    """Return untrusted *text* as HTML text."""
    return escape(plain(text, 300))


def _data(path: str, value: Any, shown: str = "") -> str:
    if value is None:
        return "–"
    raw = str(value).lower() if isinstance(value, bool) else str(value)
    return f'<data value="{escape(raw)}" data-path="{escape(path)}">{escape(shown or raw)}</data>'


def _money(path: str, value: str | None) -> str:
    return _data(path, value, money(value))


def _share(path: str, value: str | None) -> str:
    return _data(path, value, percent(value))


def _section(title: str, content: str) -> str:
    return f"<section><h2>{escape(title)}</h2>{content}</section>" if content else ""


def _cards(document: Mapping[str, Any]) -> str:
    totals, ahead, quality = document["totals"], document["forecast"], document["quality"]
    cards = [
        (_money("totals.cash_usd", totals["cash_usd"]), "billed or set aside"),
        (_money("forecast.cash_usd", ahead["cash_usd"]), "forecast for the month"),
        (_money("totals.list_usd", totals["list_usd"]), "at list prices"),
        (_data("totals.runs", totals["runs"], f"{totals['runs']:,}"), "runs"),
        (_data("totals.calls", totals["calls"], f"{totals['calls']:,}"), "model calls"),
        (_share("quality.gate_pass", quality["gate_pass"]), "passed their gates at once"),
    ]
    if totals["expired_usd"] != "0.00":
        cards.append((_money("totals.expired_usd", totals["expired_usd"]), "never settled, counts as spent"))
    if document["unreadable_lines"]:
        cards.append((_data("unreadable_lines", document["unreadable_lines"]), "unreadable lines: sums may be too low"))
    return (
        f"<div class='cards'>{''.join(f'<div><b>{value}</b><span>{name}</span></div>' for value, name in cards)}</div>"
    )


def _cumulative(document: Mapping[str, Any]) -> str:
    from tta_orchestrate.domain.accounts import days_of

    days = days_of(document["month"])
    spent = {row["day"]: Decimal(row["cumulative_usd"]) for row in document["by_day"]}
    series: dict[str, list[Decimal | None]] = {"spent": [spent.get(day) for day in days]}
    known = [index for index, day in enumerate(days) if day in spent]
    ahead = document["forecast"]["cash_usd"]
    if ahead and known and known[-1] < len(days) - 1:
        series["forecast"] = _towards(known[-1], spent[days[known[-1]]], Decimal(ahead), len(days))
    month = next((one for one in document["limits"] if one["name"] == "month" and one["hard"]), None)
    if month is not None:
        series["limit of the month"] = [Decimal(month["limit_usd"])] * len(days)
    return lines("Spend over the month", [day[8:] for day in days], series, "$") + legend(tuple(series))


def _towards(last: int, now: Decimal, end: Decimal, days: int) -> list[Decimal | None]:
    slope = (end - now) / (days - 1 - last)
    return [None if index < last else now + slope * (index - last) for index in range(days)]


def _daily(document: Mapping[str, Any]) -> str:
    modes = [plain(row["name"], 60) for row in document["by_mode"]]
    columns = [
        (row["day"][8:], {plain(mode, 60): Decimal(cash) for mode, cash in row["by_mode"].items()})
        for row in document["by_day"]
    ]
    return bars("Spend a day, by mode", columns, modes, "$") + legend(modes) if columns else ""


def _trend(quality: Mapping[str, Any]) -> str:
    rows = quality["trend"]
    if not rows:
        return "<p class='dim'>Nothing was gated, judged or decided this month.</p>"
    named = {
        "gates passed": "gate_pass",
        "smoothed (EWMA)": "ewma",
        "judge's score": "judge_score",
        "accepted by people": "accepted",
    }
    series: dict[str, list[Decimal | None]] = {
        words: [None if row[name] is None else Decimal(row[name]) for row in rows] for words, name in named.items()
    }
    labels = [row["day"][8:] for row in rows]
    return lines("Quality by day", labels, series, "", Decimal(1)) + legend(tuple(series)) + _by_day(rows)


def _by_day(rows: Sequence[Mapping[str, Any]]) -> str:
    names = ("gate_pass", "ewma", "judge_score", "judge_ewma", "accepted", "accepted_ewma")
    table = (
        (words(row["day"]), *(_share(f"quality.trend.{i}.{name}", row[name]) for name in names))
        for i, row in enumerate(rows)
    )
    heads = ("Day", "Gates passed", "smoothed", "Judge", "smoothed", "Accepted", "smoothed")
    return _table(heads, table)


def _months(history: Sequence[Mapping[str, Any]]) -> str:
    columns = [(row["month"], {"billed": Decimal(row["cash_usd"])}) for row in history]
    rows = (
        (
            words(row["month"]),
            _data(f"history.{i}.runs", row["runs"], f"{row['runs']:,}"),
            _money(f"history.{i}.cash_usd", row["cash_usd"]),
            _share(f"history.{i}.gate_pass", row["gate_pass"]),
        )
        for i, row in enumerate(history)
    )
    return bars("Months", columns, ["billed"], "$") + _table(("Month", "Runs", "Billed", "Gate pass"), rows)


def _limits(limits: Sequence[Mapping[str, Any]]) -> str:
    rows = []
    for i, one in enumerate(limits):
        at = f"limits.{i}"
        state = "reached" if one["reached"] else "will be passed" if one["forecast_over"] else "open"
        rows.append(
            (
                words(f"{one['name']} ({'hard' if one['hard'] else 'soft'})"),
                _money(f"{at}.spent_usd", one["spent_usd"]),
                _money(f"{at}.limit_usd", one["limit_usd"]),
                _share(f"{at}.share", one["share"]),
                _money(f"{at}.forecast_usd", one["forecast_usd"]),
                state if state == "open" else f"<b class='bad'>{state}</b>",
            )
        )
    return _table(("Limit", "Spent", "Of", "Used", "Forecast", "State"), rows) if rows else ""


def _savings(found: Sequence[Mapping[str, Any]]) -> str:
    if not found:
        return "<p class='dim'>None stated: no run named a baseline.</p>"
    rows = []
    for i, one in enumerate(found[:_MOST_ROWS]):
        at = f"savings.{i}"
        low, high = one["interval"] or (None, None)
        spread = f"{_data(f'{at}.interval.0', low)} to {_data(f'{at}.interval.1', high)} %" if one["interval"] else "–"
        rows.append(
            (
                words(f"{one['against']}: {one['note']}"),
                _data(f"{at}.n", one["n"], f"{one['n']:,}"),
                _money(f"{at}.work_usd", one["work_usd"]),
                _money(f"{at}.baseline_usd", one["baseline_usd"]),
                _data(f"{at}.percent", one["percent"], f"{one['percent']} %"),
                spread,
            )
        )
    return _table(("Against", "n", "Work", "Baseline", "Saving", "95 % interval"), rows)


def _rates(quality: Mapping[str, Any]) -> str:
    names = {
        "done": "Planned units done",
        "gate_pass": "First answers that passed their gates",
        "escalated": "Escalated to the orchestrator",
        "judge_score": "Judge's mean score",
        "accepted": "Findings accepted by people",
    }
    rows = ((text, _share(f"quality.{name}", quality[name])) for name, text in names.items())
    return _table(("What", "Rate"), rows)


def _groups(key: str, found: Sequence[Mapping[str, Any]]) -> str:
    rows = []
    for i, row in enumerate(found[:_MOST_ROWS]):
        at = f"{key}.{i}"
        rows.append(
            (
                words(row["name"]),
                *(_data(f"{at}.{name}", row[name], f"{row[name]:,}") for name in _COUNTS),
                _money(f"{at}.cash_usd", row["cash_usd"]),
                _money(f"{at}.list_usd", row["list_usd"]),
            )
        )
    return _table(("Name", "Runs", "Calls", "Input", "Output", "Billed", "List"), rows) if rows else ""


def _table(head: Sequence[str], rows: Any) -> str:
    titles = "".join(f"<th scope='col'>{escape(one)}</th>" for one in head)
    body = "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>" for row in rows)
    return f"<table><thead><tr>{titles}</tr></thead><tbody>{body}</tbody></table>"
