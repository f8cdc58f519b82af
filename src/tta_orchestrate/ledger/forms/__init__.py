"""The monthly report as files: Markdown, JSON, CSV, and one HTML page. Each renders the same document."""

import csv
import io
from collections.abc import Mapping, Sequence
from typing import Any, Final

from tta_orchestrate.domain.ledger import Stand
from tta_orchestrate.domain.quality_trend import places
from tta_orchestrate.domain.sanitiser import json_text
from tta_orchestrate.ledger.forms.dashboard import page
from tta_orchestrate.ledger.forms.markdown import text

JSON: Final = "report.json"
MARKDOWN: Final = "report.md"
CSV: Final = "report.csv"
HTML: Final = "report.html"
_COLUMNS: Final = (
    *("day", "run", "attempt", "job", "repository", "mode", "phase", "outcome", "calls", "errors", "cash_nano_usd"),
    *("cash_usd", "list_usd", "input_tokens", "output_tokens", "gated", "passed", "escalated", "findings"),
    *("judged", "judge_score_sum", "accepted", "dismissed"),
)
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")


def render(document: Mapping[str, Any], standing: Sequence[Stand]) -> dict[str, str]:
    """Return the text of each of the four files by its name."""
    return {JSON: json_text(document), MARKDOWN: text(document), CSV: table(standing), HTML: page(document)}


def table(standing: Sequence[Stand]) -> str:
    """Return one line for each run, money in nano-dollars as well as dollars; safe to open in a spreadsheet."""
    from tta_orchestrate.domain.cost import usd

    out = io.StringIO()
    write = csv.writer(out, lineterminator="\n").writerow
    write(_COLUMNS)
    for entry in sorted((one.entry for one in standing), key=lambda one: (one.day, one.run)):
        names = (entry.day, entry.run_id, str(entry.attempt), entry.job, entry.repository, entry.mode)
        money = (entry.cash, usd(entry.cash), usd(entry.list_price))
        quality = entry.quality
        write(
            (
                *(_cell(name) for name in (*names, entry.phase.value, entry.outcome)),
                *(entry.calls, entry.errors, *money, entry.usage.input_tokens, entry.usage.output_tokens),
                *(quality.gated, quality.passed, quality.escalated, quality.findings),
                *(quality.judged, places(quality.judge_ppm), quality.accepted, quality.dismissed),
            )
        )
    return out.getvalue()


def _cell(text: str) -> str:
    """Keep a spreadsheet from reading a name as a formula."""
    return f"'{text}" if text.startswith(_FORMULA) else text
