"""Grafana dashboards, made from the names that are emitted: one on Prometheus, one on the ledger's ``report.json``."""

from typing import Any, Final

from tta_orchestrate.telemetry.semconv import BY_NAME, DURATION

_COST = BY_NAME["tta.cost.usd"].prometheus
_TOKENS = BY_NAME["tta.tokens"].prometheus
_CALLS = BY_NAME["tta.calls"].prometheus
_RUNS = BY_NAME["tta.runs"].prometheus
_UNITS = BY_NAME["tta.units"].prometheus
_GATED = BY_NAME["tta.gated"].prometheus
_FINDINGS = BY_NAME["tta.findings"].prometheus
_SPENT = BY_NAME["tta.budget.spent.usd"].prometheus
_LIMIT = BY_NAME["tta.budget.limit.usd"].prometheus
_SECONDS = BY_NAME[DURATION].prometheus

PROMETHEUS_PANELS: Final = (
    ("Billed, by model", "currencyUSD", f'sum by (model) ({_COST}{{price="cash"}})'),
    ("At list prices, by mode", "currencyUSD", f'sum by (mode) ({_COST}{{price="list"}})'),
    ("Limits used", "percentunit", f"max by (limit, hard) ({_SPENT} / ({_LIMIT} > 0))"),
    ("Runs, by outcome", "short", f"sum by (mode, outcome) ({_RUNS})"),
    ("Tokens, by kind", "short", f"sum by (type) ({_TOKENS})"),
    ("Calls, by outcome", "short", f"sum by (model, outcome) ({_CALLS})"),
    ("Gate pass rate", "percentunit", f'sum by (mode) ({_GATED}{{result="passed"}}) / (sum by (mode) ({_GATED}) > 0)'),
    ("Units not done", "short", f'sum by (mode) ({_UNITS}{{state="not_done"}})'),
    ("Findings, by severity", "short", f"sum by (severity) ({_FINDINGS})"),
    ("Seconds a call, 95th percentile", "s", f"histogram_quantile(0.95, sum by (le, model) ({_SECONDS}_bucket))"),
)
"""Title, Grafana's unit, PromQL."""

LEDGER_PANELS: Final = (
    ("Billed this month", "stat", "totals", "cash_usd"),
    ("Forecast", "stat", "forecast", "cash_usd"),
    ("Spend a day", "timeseries", "by_day", "cash_usd"),
    ("By model", "table", "by_model", "cash_usd"),
    ("By mode", "table", "by_mode", "cash_usd"),
    ("Limits", "table", "limits", "spent_usd"),
    ("Savings", "table", "savings", "percent"),
    ("Quality", "timeseries", "quality.trend", "ewma"),
    ("Months", "table", "history", "cash_usd"),
)
"""Title, Grafana's panel, place in ``report.json``, the figure."""


def prometheus() -> dict[str, Any]:
    """Return the dashboard on Prometheus."""
    panels = [
        _panel(index, "timeseries", title, unit=unit, target={"expr": query, "datasource": _source("prometheus")})
        for index, (title, unit, query) in enumerate(PROMETHEUS_PANELS)
    ]
    return _dashboard("tta-orchestrate", "tta-orchestrate", "prometheus", panels)


def ledger() -> dict[str, Any]:
    """Return the dashboard on ``report.json``, by the Infinity data source: no server of ours, only a file at a URL."""
    panels = []
    for index, (title, kind, root, figure) in enumerate(LEDGER_PANELS):
        target = {
            "datasource": _source("yesoreyeram-infinity-datasource"),
            "type": "json",
            "source": "url",
            "url": "${report_url}",
            "root_selector": root,
            "format": "table",
            "columns": [{"selector": figure, "text": figure, "type": "number"}, *_label(root)],
        }
        panels.append(_panel(index, kind, title, unit="short", target=target))
    board = _dashboard("tta-orchestrate: the ledger", "tta-ledger", "yesoreyeram-infinity-datasource", panels)
    address = {"name": "report_url", "type": "textbox", "label": "Address of report.json"}
    board["templating"]["list"].append(address)
    return board


def _label(root: str) -> list[dict[str, str]]:
    names = {"by_day": "day", "quality.trend": "day", "history": "month", "savings": "against"}
    if root in {"totals", "forecast"}:
        return []
    name = names.get(root, "name")
    return [{"selector": name, "text": name, "type": "timestamp" if name == "day" else "string"}]


def _source(kind: str) -> dict[str, str]:
    return {"type": kind, "uid": "${source}"}


def _panel(index: int, kind: str, title: str, *, unit: str, target: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": index + 1,
        "type": kind,
        "title": title,
        "gridPos": {"h": 8, "w": 12, "x": 12 * (index % 2), "y": 8 * (index // 2)},
        "fieldConfig": {"defaults": {"unit": unit}, "overrides": []},
        "targets": [{"refId": "A", **target}],
    }


def _dashboard(title: str, uid: str, source: str, panels: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "uid": uid,
        "title": title,
        "schemaVersion": 39,
        "tags": ["tta"],
        "time": {"from": "now-30d", "to": "now"},
        "templating": {"list": [{"name": "source", "type": "datasource", "query": source}]},
        "panels": panels,
    }
