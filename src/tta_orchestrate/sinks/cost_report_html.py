"""``cost-report.html``: the figures of ``cost-report.json`` as one page with charts; it loads nothing from anywhere."""

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from html import escape
from typing import Any, Final

from tta_orchestrate.domain.bars import bar
from tta_orchestrate.domain.cost_summary import document
from tta_orchestrate.domain.headline import TITLES, count
from tta_orchestrate.domain.report import Report
from tta_orchestrate.domain.sanitiser import plain, utf8
from tta_orchestrate.ports import Sink

_MOST_UNITS: Final = 40
_TOKENS: Final = (
    ("fresh", "fresh input"),
    ("cached", "cached input"),
    ("written", "written to the cache"),
    ("output", "output"),
    ("thinking", "thinking"),
)


class CostReportHtml:
    """The cost of a run, for people who like to see it."""

    filename = "cost-report.html"

    def applies(self, report: Report) -> bool:  # noqa: ARG002 -- see cost_report_json
        """Return true: every run accounts for its money."""
        return True

    def render(self, report: Report) -> str:
        """Return the page."""
        cost = document(report.cost)
        title = f"Cost of {TITLES.get(report.mode, report.mode)}"
        if not cost["calls"]:
            body = "<p>No model was called: this run cost nothing.</p>" + _notes(cost)
        else:
            body = "".join(
                (
                    _tiles(cost),
                    _comparison(cost),
                    _budgets(cost["budget"]),
                    _money("By model", cost["by_model"]),
                    _tokens(cost["by_model"]),
                    _money("By stage", cost["by_stage"]),
                    _money("By role", cost["by_role"]),
                    _waste(cost),
                    _units(cost["calls"]),
                    _notes(cost),
                )
            )
        return _page(title, body)


def _page(title: str, body: str) -> str:
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">"
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta name="color-scheme" content="light dark">'
        f"<title>{_safe(title)}</title><style>{_STYLE}</style></head>\n"
        f"<body><main><h1>{_safe(title)}</h1>\n{body}</main></body></html>\n"
    )


def _tiles(cost: Mapping[str, Any]) -> str:
    totals, savings = cost["totals"], cost["savings"]
    cached = Decimal(totals["cache_read_tokens"]) / max(1, totals["input_tokens"]) * 100
    percent = savings["percent"]
    tiles = [
        ("Billed", _usd(totals["cash_usd"]), f"{_usd(totals['list_usd'])} at list prices"),
        (
            "Saved",
            f"{percent} %" if percent is not None else "not known",
            f"{savings['basis']}, n = {savings['n']}" if percent is not None else savings["explanation"],
        ),
        ("Calls", f"{totals['calls']:,}", f"{cost['waste']['retries']['calls']:,} were retries"),
        ("Tokens in", f"{totals['input_tokens']:,}", f"{cached:.0f} % from prompt caches"),
        ("Tokens out", f"{totals['output_tokens']:,}", f"{totals['thinking_tokens']:,} of them thinking"),
    ]
    cells = (
        f'<div class="tile"><b>{_safe(name)}</b><strong>{_safe(value)}</strong><small>{_safe(note)}</small></div>'
        for name, value, note in tiles
    )
    return f'<section class="tiles">{"".join(cells)}</section>\n'


def _comparison(cost: Mapping[str, Any]) -> str:
    if not cost["baseline"]:
        return ""
    rows = [("this run, at list prices", cost["totals"]["list_usd"], "work", "")]
    rows += [
        (row["name"], row["list_usd"], "other", f"{row['basis']}, n = {row['n']}; saved {row['savings_percent']} %")
        for row in cost["baseline"]
    ]
    whole = max(_nano(amount) for _, amount, _, _ in rows)
    bars = (
        _row(name, bar([(kind, _nano(amount))], whole, f"{name}: {_usd(amount)}"), _usd(amount), note)
        for name, amount, kind, note in rows
    )
    why = "The baseline is modelled from token counts, not run; it has no second reader and uses the prompt cache."
    told = why if all(row["basis"] == "modelled" for row in cost["baseline"]) else ""
    return _section("Against the strong model alone", bars, told)


def _budgets(budgets: Sequence[Mapping[str, Any]]) -> str:
    rows = []
    for state in budgets:
        kind = "hard limit" if state["hard"] else "warning at"
        full = "over" if state["reached"] else "work"
        label = f"{state['name']}: {_usd(state['settled_usd'])} of {_usd(state['limit_usd'])}"
        drawn = bar(
            [(full, min(_nano(state["settled_usd"]), _nano(state["limit_usd"])))], _nano(state["limit_usd"]), label
        )
        rows.append(
            _row(
                f"{state['name']}, {kind} {_usd(state['limit_usd'])}",
                drawn,
                _usd(state["settled_usd"]),
                "reached: something was left out or warned about" if state["reached"] else "",
            )
        )
    return _section("Budget", rows) if rows else ""


def _money(title: str, groups: Sequence[Mapping[str, Any]]) -> str:
    whole = max((_nano(group["list_usd"]) for group in groups), default=0)
    rows = []
    for group in sorted(groups, key=lambda group: -_nano(group["list_usd"])):
        cash, listed = _nano(group["cash_usd"]), _nano(group["list_usd"])
        label = f"{group['name']}: billed {_usd(group['cash_usd'])}, list {_usd(group['list_usd'])}"
        drawn = bar([("work", cash), ("free", listed - cash)], whole, label)
        note = f"{count(group['calls'], 'call')}; list {_usd(group['list_usd'])}"
        rows.append(_row(group["name"], drawn, _usd(group["cash_usd"]), note))
    return _section(title, rows, legend=(("work", "billed"), ("free", "free of charge, at list price")))


def _tokens(groups: Sequence[Mapping[str, Any]]) -> str:
    split = {group["name"]: _split(group) for group in groups}
    whole = max((sum(parts.values()) for parts in split.values()), default=0)
    rows = []
    for name, parts in sorted(split.items(), key=lambda item: -sum(item[1].values())):
        told = ", ".join(f"{parts[key]:,} {word}" for key, word in _TOKENS if parts[key])
        rows.append(_row(name, bar(list(parts.items()), whole, f"{name}: {told}"), f"{sum(parts.values()):,}", told))
    return _section("Tokens by model", rows, legend=_TOKENS)


def _split(group: Mapping[str, Any]) -> dict[str, int]:
    written = group["cache_write_5m_tokens"] + group["cache_write_1h_tokens"]
    return {
        "fresh": group["input_tokens"] - group["cache_read_tokens"] - written,
        "cached": group["cache_read_tokens"],
        "written": written,
        "output": group["output_tokens"] - group["thinking_tokens"],
        "thinking": group["thinking_tokens"],
    }


def _waste(cost: Mapping[str, Any]) -> str:
    failed: dict[str, int] = {}
    for call in cost["calls"]:
        if call["outcome"] != "ok":
            failed[call["outcome"]] = failed.get(call["outcome"], 0) + 1
    if not failed:
        return '<section><h2>Waste</h2><p class="told">No call failed.</p></section>\n'
    whole = max(failed.values())
    rows = [
        _row(name, bar([("over", number)], whole, f"{name}: {number}"), f"{number:,}", "")
        for name, number in sorted(failed.items(), key=lambda item: (-item[1], item[0]))
    ]
    paid = cost["waste"]["failed"]["cash_usd"]
    return _section("Waste: calls that gave no answer", rows, f"{_usd(paid)} was billed, or may have been, for them.")


def _units(calls: Iterable[Mapping[str, Any]]) -> str:
    units: dict[str, list[Mapping[str, Any]]] = {}
    for call in calls:
        units.setdefault(call["unit"], []).append(call)
    dearest = sorted(units.items(), key=lambda item: (-sum(_nano(c["list_usd"]) for c in item[1]), item[0]))
    rows = "".join(
        f"<tr><td>{_safe(unit)}</td><td>{_safe(', '.join(dict.fromkeys(c['stage'] for c in own)))}"
        f"</td><td>{len(own)}</td><td>{_usd_of(own, 'cash_usd')}</td><td>{_usd_of(own, 'list_usd')}</td></tr>"
        for unit, own in dearest[:_MOST_UNITS]
    )
    head = "<tr><th>Unit</th><th>Stages</th><th>Calls</th><th>Billed</th><th>List</th></tr>"
    more = f"<p class=told>and {len(dearest) - _MOST_UNITS:,} cheaper ones</p>" if len(dearest) > _MOST_UNITS else ""
    return f'<section><h2>Dearest units</h2><div class="wide"><table>{head}{rows}</table></div>{more}</section>\n'


def _notes(cost: Mapping[str, Any]) -> str:
    notes = [*cost["notes"], *([f"Prices: {cost['price_data']}."] if cost["price_data"] else [])]
    if not notes:
        return ""
    return f"<section><h2>Notes</h2><ul>{''.join(f'<li>{_safe(note)}</li>' for note in notes)}</ul></section>\n"


def _section(title: str, rows: Iterable[str], told: str = "", *, legend: Sequence[tuple[str, str]] = ()) -> str:
    key = "".join(f'<span><i class="{name}"></i>{_safe(word)}</span>' for name, word in legend)
    key = f'<p class="legend">{key}</p>' if key else ""
    text = f'<p class="told">{_safe(told)}</p>' if told else ""
    return f"<section><h2>{_safe(title)}</h2>{text}{key}{''.join(rows)}</section>\n"


def _row(name: str, drawn: str, amount: str, note: str) -> str:
    small = f"<small>{_safe(note)}</small>" if note else ""
    return (
        f'<div class="row"><span class="name">{_safe(name)}</span>{drawn}'
        f'<span class="amount">{_safe(amount)}</span>{small}</div>'
    )


def _safe(text: object) -> str:
    """Escape for HTML after the sanitiser has made *text* one harmless line."""
    return escape(utf8(plain(str(text), 400)))


def _nano(usd: str) -> int:
    return int(Decimal(usd) * 10**9)


def _usd(amount: str) -> str:
    return f"${amount}"


def _usd_of(calls: Iterable[Mapping[str, Any]], key: str) -> str:
    total = sum((Decimal(call[key]) for call in calls), Decimal(0))
    return _safe(f"${total:f}")


_STYLE: Final = """
:root{color-scheme:light dark;--bg:#fff;--ink:#1b1f24;--dim:#59636e;--line:#d6dce2;--track:#eef1f4;--work:#0969da;
--free:#8ec7ff;--other:#8c959f;--over:#cf222e;--fresh:#0969da;--cached:#2da44e;--written:#bf8700;--output:#8250df;
--thinking:#c297ff}
@media(prefers-color-scheme:dark){:root{--bg:#0d1117;--ink:#e6edf3;--dim:#9aa5b1;--line:#30363d;--track:#1c2330;
--work:#4493f8;--free:#234b80;--other:#6e7781;--over:#f85149;--fresh:#4493f8;--cached:#3fb950;--written:#d29922;
--output:#ab7df8;--thinking:#6e40c9}}
*{box-sizing:border-box}
body{margin:0;background:var(--bg);color:var(--ink);font:15px/1.45 system-ui,sans-serif}
main{max-width:60rem;margin:0 auto;padding:1.5rem 1rem 4rem}
h1{font-size:1.6rem;margin:.2rem 0 1rem}
h2{font-size:1.1rem;margin:0 0 .5rem}
section{margin:0 0 2rem}
.tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(10rem,1fr));gap:.75rem}
.tile{border:1px solid var(--line);border-radius:.5rem;padding:.7rem .9rem;display:flex;flex-direction:column}
.tile b{font-weight:500;color:var(--dim)}
.tile strong{font-size:clamp(1rem,4.6vw,1.3rem);font-variant-numeric:tabular-nums;overflow-wrap:anywhere}
small,.told,.legend{color:var(--dim);font-size:.85rem}
.told{margin:0 0 .5rem}
.row{display:grid;grid-template-columns:minmax(8rem,16rem) 1fr 7.5rem;gap:0 .75rem;align-items:center;
padding:.3rem 0}
.row .name{overflow-wrap:anywhere}
.row .amount{text-align:right;font-variant-numeric:tabular-nums}
.row small{grid-column:2/4}
.bar{width:100%;height:1rem;display:block;border-radius:.2rem;overflow:hidden}
.legend{display:flex;flex-wrap:wrap;gap:.2rem 1rem;margin:0 0 .4rem}
.legend i{display:inline-block;width:.8em;height:.8em;border-radius:.15em;margin-right:.4em;vertical-align:-.05em}
.track{fill:var(--track)}
.work{fill:var(--work);background:var(--work)}.free{fill:var(--free);background:var(--free)}
.other{fill:var(--other)}.over{fill:var(--over)}
.fresh{fill:var(--fresh);background:var(--fresh)}.cached{fill:var(--cached);background:var(--cached)}
.written{fill:var(--written);background:var(--written)}.output{fill:var(--output);background:var(--output)}
.thinking{fill:var(--thinking);background:var(--thinking)}
.wide{overflow-x:auto}
table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums}
th,td{text-align:left;padding:.3rem .6rem;border-bottom:1px solid var(--line);vertical-align:top}
th{color:var(--dim);font-weight:500}
td:first-child{overflow-wrap:anywhere;min-width:8rem}
th:nth-child(n+3),td:nth-child(n+3){text-align:right;white-space:nowrap}
ul{padding-left:1.2rem;margin:0}
@media(max-width:36rem){.row{grid-template-columns:1fr auto}.row .name{grid-row:1;grid-column:1}
.row .amount{grid-row:1;grid-column:2}.bar,.row small{grid-column:1/3}}
@media print{main{max-width:none}}
"""

SINK: Final[Sink] = CostReportHtml()
