"""The report on the terminal: a table where a person looks, one line a finding where a program or a log does."""

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final, TextIO

from tta_orchestrate.domain.cost import usd
from tta_orchestrate.domain.finding import Finding, Severity
from tta_orchestrate.domain.headline import BADGES, count, looked_at, verdict, who_looked, worst_first
from tta_orchestrate.domain.redaction import presentable_report
from tta_orchestrate.domain.report import Report
from tta_orchestrate.domain.sanitiser import ZERO_WIDTH_SPACE, log_line, plain

_STYLES: Final = {
    Severity.CRITICAL: "bold white on red",
    Severity.HIGH: "bold red",
    Severity.MEDIUM: "yellow",
    Severity.LOW: "cyan",
}
_MOST_NAMED: Final = 20
"""Failures and notices that are printed; all of them are in the files."""


def is_rich(out: TextIO, environ: Mapping[str, str]) -> bool:
    """Whether *out* is a terminal that a person looks at; a CI log, a pipe or an ASCII terminal is not."""
    unicode = (getattr(out, "encoding", None) or "").lower().replace("-", "") == "utf8"
    return out.isatty() and unicode and not environ.get("CI") and environ.get("TERM") != "dumb"


def show(report: Report, files: Sequence[Path], out: TextIO, environ: Mapping[str, str] = os.environ) -> None:
    """Print the verdict, the findings, what was not done, and where the *files* are.

    ``NO_COLOR`` (any value but the empty one, see no-color.org) keeps the table without colours.
    """
    report = presentable_report(report)
    if is_rich(out, environ):
        _show_rich(report, files, out, no_color=bool(environ.get("NO_COLOR")))
        return
    encoding = getattr(out, "encoding", None) or "utf-8"
    for line in plain_lines(report, files):
        safe = log_line(line)
        print(safe.encode(encoding, "backslashreplace").decode(encoding), file=out)


def plain_lines(report: Report, files: Sequence[Path]) -> Iterator[str]:
    """Yield what a log gets: findings first, as ``path:line: severity rule: title``, then the verdict."""
    report = presentable_report(report)
    for one in worst_first(report):
        yield f"{_place(one)}: {one.severity.value} {plain(one.rule, 100)}: {plain(one.title, 300)}"
    yield from _asides(report)
    yield f"outcome: {report.verdict.outcome.value}"
    yield plain(verdict(report), 600)
    yield from _footer(report, files)


def _place(one: Finding) -> str:
    return f"{plain(one.path, 500)}:{one.start_line}"


def _asides(report: Report) -> Iterator[str]:
    for failure in report.failures[:_MOST_NAMED]:
        yield f"not done: {plain(failure.unit, 200)} {plain(failure.path, 300)}: {plain(failure.reason, 500)}"
    for notice in report.notices[:_MOST_NAMED]:
        yield f"notice: {plain(notice, 800)}"
    more = sum(max(len(one) - _MOST_NAMED, 0) for one in (report.failures, report.notices))
    if more:
        yield f"{more:,} more in findings.json"


def _footer(report: Report, files: Sequence[Path]) -> Iterator[str]:
    yield f"who looked: {plain(who_looked(report), 1000)}"
    yield f"looked at: {looked_at(report)}"
    if report.skipped or report.rejected:
        rejected = count(len(report.rejected), "claim")
        yield f"left out: {len(report.skipped):,} on purpose; {rejected} rejected"
    calls = count(len(report.cost.calls), "model call") if report.cost.calls else "no model was called"
    yield f"cost: ${usd(report.cost.cash)} ({calls})"
    if files:
        names = ", ".join(plain(one.name, 100) for one in files)
        yield f"reports: {plain(str(files[0].parent), 500)}/ ({names})"


def _show_rich(report: Report, files: Sequence[Path], out: TextIO, *, no_color: bool) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console(file=out, no_color=no_color, markup=False, emoji=False, highlight=False)
    if report.findings:
        table = Table("severity", "where", "rule", "what", box=None, padding=(0, 2, 0, 0), header_style="dim")
        for one in worst_first(report):
            cells = (_place(one), plain(one.rule, 100), plain(one.title, 300))
            table.add_row(Text(one.severity.value, _STYLES[one.severity]), *(Text(_wrappable(cell)) for cell in cells))
        console.print(table)
        console.print()
    for line in _asides(report):
        console.print(Text(_wrappable(line), "yellow"))
    console.print(Text(f"{BADGES[report.verdict.outcome]} {_wrappable(plain(verdict(report), 600))}", "bold"))
    for line in _footer(report, files):
        console.print(Text(_wrappable(line), "dim"))


def _wrappable(text: str) -> str:
    """Return *text* harmless wherever it is wrapped: any of its words may come to stand at the start of a line."""
    return text.replace("::", f":{ZERO_WIDTH_SPACE}:")
