"""``summary.md``: the report as a page on GitHub (job summary, check run, comment): verdict first, details folded."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final, TypeVar

from tta_orchestrate.domain import generated_tests
from tta_orchestrate.domain.change import Side
from tta_orchestrate.domain.cost import BATCH, BATCH_FULL, Call, usd
from tta_orchestrate.domain.cost_summary import savings
from tta_orchestrate.domain.finding import Finding, Rejected, Severity
from tta_orchestrate.domain.headline import (
    BADGES,
    TITLES,
    by_severity,
    count,
    looked_at,
    verdict,
    who_looked,
    worst_first,
)
from tta_orchestrate.domain.redaction import presentable_report
from tta_orchestrate.domain.report import Failure, Report, Skipped, Subject
from tta_orchestrate.domain.sanitiser import code_block, code_cell, code_span, link, markdown, paragraphs, place_url
from tta_orchestrate.ports import Sink

DEFAULT_BUDGET: Final = 900_000
"""Bytes. GitHub drops a job summary over 1 MiB whole; what else a step writes there needs room, too."""

_DOTS: Final = {Severity.CRITICAL: "🔴", Severity.HIGH: "🟠", Severity.MEDIUM: "🟡", Severity.LOW: "🔵"}
_LANGUAGES: Final = {
    "py": "python",
    "pyi": "python",
    "yml": "yaml",
    "js": "javascript",
    "ts": "typescript",
    "rs": "rust",
    "sh": "bash",
    "kt": "kotlin",
    "rb": "ruby",
    "h": "c",
    "cc": "cpp",
    "cs": "csharp",
}
_SECTIONS: Final[dict[str, Callable[[Report, int], str]]] = {"test-gen": generated_tests.section}
"""What a mode adds of its own, made from ``Report.extra`` in at most so many bytes."""
T = TypeVar("T")


class SummaryMd:
    """The page a person reads."""

    filename = "summary.md"

    def applies(self, report: Report) -> bool:  # noqa: ARG002 -- every run has a verdict
        """Return true: what was not done is told here as well."""
        return True

    def render(self, report: Report) -> str:
        """Return the page within the default budget."""
        return summary(report)


def summary(report: Report, budget: int = DEFAULT_BUDGET) -> str:
    """Return the page in at most *budget* bytes (>= 8,000): findings give way first, then lists; no block is cut.

    The check run's 65,535 characters and the job summary's 1 MiB are met by passing a smaller *budget*.
    """
    report = presentable_report(report)
    head = _head(report)
    room = budget - _size(head)
    failures = _failures(report.failures, min(room // 4, 60_000))
    own = _SECTIONS.get(report.mode, _no_section)(report, room // 4)
    tail = [
        _proposal(report, room // 16),
        _walkthrough(report, room // 8),
        _history(report, room // 16),
        _notices(report.notices, room // 16),
        _skipped(report.skipped, room // 8),
        _rejected(report.rejected, room // 8),
        _cost(report),
    ]
    room -= _size(own) + _size(failures) + sum(_size(part) for part in tail)
    folded = _folded(report, room // 4)
    parts = [head, own, failures, _findings(report, room - _size(folded) - 200), folded, *tail]
    return "\n\n".join(part for part in parts if part) + "\n"


def _no_section(report: Report, room: int) -> str:  # noqa: ARG001 -- most modes have none
    return ""


def _size(text: str) -> int:
    return len(text.encode()) + 2


def _fill(items: Sequence[T], render: Callable[[T], str], room: int, more: str) -> list[str]:
    """Render *items* until *room* is used up; the rest is counted in one last line (``{}`` in *more*)."""
    kept: list[str] = []
    room -= len(more) + 20
    for item in items:
        text = render(item)
        room -= _size(text)
        if room < 0:
            return [*kept, more.format(f"{len(items) - len(kept):,}")]
        kept.append(text)
    return kept


def _fold(title: str, body: str) -> str:
    return f"<details>\n<summary>{title}</summary>\n\n{body}\n\n</details>"


def _head(report: Report) -> str:
    title = TITLES.get(report.mode) or markdown(report.mode, 50)
    lines = [f"## {BADGES[report.verdict.outcome]} {title} · {markdown(verdict(report), 600)}"]
    if report.subject.title:
        lines.append(f"**{markdown(report.subject.title, 300)}**")
    lines.append(f"**Who looked:** {markdown(who_looked(report), 1500)}  \n**Looked at:** {looked_at(report)}")
    counts = by_severity(report)
    if counts:
        names = " | ".join(f"{_DOTS[one]} {one.value}" for one in counts)
        numbers = " | ".join(f"{number:,}" for number in counts.values())
        lines.append(f"| {names} |\n|{' --: |' * len(counts)}\n| {numbers} |")
    return "\n\n".join(lines)


def _findings(report: Report, room: int) -> str:
    blocks: Iterable[str] = _fill(
        [one for one in worst_first(report) if not one.folded],
        lambda one: _finding(one, report.subject),
        room,
        "**{} more in `findings.json`.**",
    )
    return "\n\n".join(blocks)


def _folded(report: Report, room: int) -> str:
    """What is too uncertain to stand in the way: a line each, behind a fold."""
    uncertain = [one for one in worst_first(report) if one.folded]
    if not uncertain:
        return ""
    rows = _fill(uncertain, lambda one: _folded_row(one, report.subject), room, "| {} more in findings.json | | | |")
    body = "\n".join(["| Severity | Where | What | Sure |", "|---|---|---|--:|", *rows])
    return _fold(f"Less certain ({len(uncertain):,})", body)


def _folded_row(one: Finding, subject: Subject) -> str:
    url = place_url(subject, one.path, one.start_line, one.end_line, one.side)
    place = link(code_cell(_place(one), 300), url, subject)
    said = markdown(f"{one.title}: {one.message}" if one.message.strip() != one.title.strip() else one.title, 500)
    return f"| {one.severity.value} | {place} | {said} | {one.confidence:.0%} |"


def _entries(value: object) -> list[Mapping[str, Any]]:
    return [entry for entry in value if isinstance(entry, Mapping)] if isinstance(value, list | tuple) else []


def _proposal(report: Report, room: int) -> str:
    """What a model proposes as the description of the pull request."""
    proposal = report.extra.get("description")
    if not isinstance(proposal, Mapping):
        return ""
    labels = " ".join(code_span(str(one), 50) for one in proposal.get("labels", ()))
    body = (
        f"**{markdown(str(proposal.get('title', '')), 200)}**\n\n{paragraphs(str(proposal.get('summary', '')), room)}"
    )
    return _fold("Proposed description", body + (f"\n\nLabels: {labels}" if labels else ""))


def _walkthrough(report: Report, room: int) -> str:
    """The changed files: how much, where, how risky, what was found."""
    entries = _entries(report.extra.get("walkthrough"))
    if not entries:
        return ""
    rows = _fill(entries, _walkthrough_row, room, "| {} more in findings.json | | | | |")
    body = "\n".join(["| File | Lines | Risk | In | Findings |", "|---|--:|---|---|--:|", *rows])
    return _fold(f"Walkthrough by file ({len(entries):,})", body)


def _walkthrough_row(entry: Mapping[str, Any]) -> str:
    what = markdown(str(entry.get("what") or ", ".join(map(str, entry.get("symbols", ())))), 200)
    lines = f"+{entry.get('added', 0)} -{entry.get('removed', 0)}"
    place, risk = code_cell(str(entry.get("path", "")), 300), markdown(str(entry.get("risk", "")), 20)
    return f"| {place} | {lines} | {risk} | {what} | {entry.get('findings', 0)} |"


def _history(report: Report, room: int) -> str:
    """What changed since the review before: only where there is one."""
    history = report.extra.get("history")
    if not isinstance(history, Mapping) or not history.get("previous_head"):
        return ""
    fixed = _entries(history.get("fixed"))
    line = (
        f"**Since the last review:** {history.get('new', 0)} new, {history.get('still_there', 0)} still there, "
        f"{len(fixed):,} fixed."
    )
    if not fixed:
        return line
    rows = _fill(fixed, _fixed_row, room, "- {} more in findings.json")
    return f"{line}\n\n{_fold(f'Fixed ({len(fixed):,})', chr(10).join(rows))}"


def _fixed_row(entry: Mapping[str, Any]) -> str:
    return f"- {code_span(str(entry.get('path', '')), 300)} {markdown(str(entry.get('title', '')), 200)}"


def _place(one: Finding) -> str:
    lines = f"{one.start_line}" + (f"-{one.end_line}" if one.end_line > one.start_line else "")
    return f"{one.path}:{lines}"


def _finding(one: Finding, subject: Subject) -> str:
    url = place_url(subject, one.path, one.start_line, one.end_line, one.side)
    place = link(code_span(_place(one), 300), url, subject)
    facts = [
        place,
        code_span(one.rule, 100),
        one.category.value,
        f"{one.confidence:.0%} sure",
        markdown(one.source, 100),
    ]
    if one.side is Side.LEFT:
        facts[0] += " before the change"
    if one.symbol:
        facts.insert(1, f"in {code_span(one.symbol, 150)}")
    parts = [
        f"### {_DOTS[one.severity]} {markdown(one.title, 300) or 'Finding'}",
        f"{one.severity.value} · {' · '.join(facts)}",
    ]
    if one.message.strip() and one.message.strip() != one.title.strip():
        parts.append(paragraphs(one.message))
    return "\n\n".join([*parts, _evidence(one)])


def _evidence(one: Finding) -> str:
    suffix = one.path.rsplit(".", 1)[-1].lower()
    language = _LANGUAGES.get(suffix, suffix)
    body = code_block(one.quote, language)
    if one.suggestion is None:
        return _fold("Code", body)
    proposed = code_block(one.suggestion.text, language) if one.suggestion.text else "*(remove these lines)*"
    return _fold("Code and suggestion", f"{body}\n\nSuggested instead:\n\n{proposed}")


def _failures(failures: Sequence[Failure], room: int) -> str:
    if not failures:
        return ""
    head = f"### Not done ({len(failures):,})\n\n| What | File | Why |\n|---|---|---|"
    rows = _fill(failures, _failure, room, "| {} more in findings.json | | |")
    return "\n".join([head, *rows])


def _failure(one: Failure) -> str:
    path = code_cell(one.path, 300) if one.path else ""
    return f"| {markdown(one.unit, 200)} | {path} | {markdown(one.reason, 500)} |"


def _notices(notices: Sequence[str], room: int) -> str:
    if not notices:
        return ""
    return "\n".join(["### Notices", "", *_fill(notices, lambda one: f"- {markdown(one, 800)}", room, "- {} more")])


def _skipped(skipped: Sequence[Skipped], room: int) -> str:
    if not skipped:
        return ""
    ordered = sorted(skipped, key=lambda one: (one.reason, one.path))
    rows = _fill(ordered, _skip, room, "| {} more in findings.json | | |")
    body = "\n".join(["| Reason | File | Detail |", "|---|---|---|", *rows])
    return _fold(f"Left out on purpose ({len(skipped):,})", body)


def _skip(one: Skipped) -> str:
    return f"| {one.reason.value} | {code_cell(one.path, 300)} | {markdown(one.detail, 300)} |"


def _rejected(rejected: Sequence[Rejected], room: int) -> str:
    if not rejected:
        return ""
    rows = _fill(rejected, _reject, room, "| {} more in findings.json | | | |")
    body = "\n".join(["| Why | Where | Rule | Claim |", "|---|---|---|---|", *rows])
    return _fold(f"{count(len(rejected), 'claim')} rejected", body)


def _reject(one: Rejected) -> str:
    claim = one.candidate
    why = f"{one.reason.value}{f': {markdown(one.detail, 200)}' if one.detail else ''}"
    place = code_cell(f"{claim.path}:{claim.start_line}", 300)
    return f"| {why} | {place} | {code_cell(claim.rule, 100)} | {markdown(claim.title, 200)} |"


def _cost(report: Report) -> str:
    cost = report.cost
    if not cost.calls:
        return "**Cost:** $0.00, no model was called."
    saved = savings(cost)
    words = saved["explanation"] if saved["percent"] is None else f"{saved['percent']} % against {saved['against']}"
    basis = "" if saved["percent"] is None else f" ({saved['basis']}, n = {saved['n']:,})"
    return (
        f"**Cost:** ${usd(cost.cash)} billed, ${usd(cost.list_price)} at list prices, "
        f"{count(len(cost.calls), 'call')}{_batched(cost.calls)}. "
        f"**Savings:** {markdown(f'{words}{basis}', 400)}. Details: `cost-report.md`."
    )


def _batched(calls: Sequence[Call]) -> str:
    """Say how many calls came from batches, and at which price."""
    half, full = (sum(call.price_basis == basis for call in calls) for basis in (BATCH, BATCH_FULL))
    told = [f"{half:,} in batches at the batch price"] if half else []
    told += [f"{full:,} in batches at the full price"] if full else []
    return f", {', '.join(told)}" if told else ""


SINK: Final[Sink] = SummaryMd()
