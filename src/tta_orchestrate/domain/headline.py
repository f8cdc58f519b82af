"""The verdict in words: the same few sentences in every sink and on the terminal."""

from collections import Counter
from collections.abc import Mapping
from typing import Final

from tta_orchestrate.domain.finding import Finding, Severity
from tta_orchestrate.domain.outcome import Conclusion, Outcome
from tta_orchestrate.domain.report import Report

TITLES: Final[Mapping[str, str]] = {"review": "Review", "test-gen": "Test generation", "docgen": "Documentation"}

_COUNTED: Final[Mapping[str, tuple[str, str, str]]] = {
    "review": ("changed file", "", "changed line"),
    "test-gen": ("file", "tests run ", "line"),
}
"""What a mode counts: files, and lines (with the words before their number) where it counts them."""

BADGES: Final[Mapping[Outcome, str]] = {
    Outcome.CLEAN: "✅",
    Outcome.FINDINGS: "🔎",
    Outcome.PARTIAL: "🟡",
    Outcome.SKIPPED: "⚪",
    Outcome.UNAVAILABLE: "🟠",
    Outcome.CONFIG_ERROR: "🛑",
}


def count(number: int, noun: str) -> str:
    """Return *number* with its noun: ``1 finding``, ``2,000 findings``."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def worst_first(report: Report) -> tuple[Finding, ...]:
    """Return the findings by severity, then by place."""
    return tuple(sorted(report.findings, key=lambda one: (one.severity.rank, one.path, one.start_line, one.rule)))


def by_severity(report: Report) -> dict[Severity, int]:
    """Count the findings of each severity that occurs, worst first."""
    counts = Counter(one.severity for one in report.findings)
    return {severity: counts[severity] for severity in Severity if counts[severity]}


def tally(report: Report) -> str:
    """Return ``3 findings: 1 critical, 2 low``."""
    parts = ", ".join(f"{number:,} {severity}" for severity, number in by_severity(report).items())
    return f"{count(len(report.findings), 'finding')}{': ' if parts else ''}{parts}"


def verdict(report: Report) -> str:
    """Return one sentence: what the outcome is, and what it rests on."""
    seen = report.coverage
    units = f"{seen.units_done:,} of {count(seen.units_planned, 'planned unit')}"
    match report.verdict.outcome:
        case Outcome.CLEAN:
            return f"Clean: {units} done, nothing found."
        case Outcome.FINDINGS:
            policy = "The fail_on policy is met." if report.verdict.conclusion is Conclusion.FAILURE else "Advisory."
            return f"{tally(report)}. {policy}"
        case Outcome.PARTIAL:
            return f"Partial: only {units} done; {tally(report)} so far."
        case Outcome.SKIPPED:
            return f"Nothing to do: {_what_there_was(report)}."
        case Outcome.UNAVAILABLE:
            return f"Not done: none of {count(seen.units_planned, 'planned unit')} could be done. This is no approval."
        case Outcome.CONFIG_ERROR:
            return "Not started: the configuration or the inputs are wrong."


def _what_there_was(report: Report) -> str:
    files = count(report.coverage.files_changed, "changed file")
    reasons = Counter(one.reason for one in report.skipped)
    if not reasons:
        return f"{files}, none of them for this mode" if report.coverage.files_changed else "no file is changed"
    listed = ", ".join(f"{number:,} {reason.value}" for reason, number in sorted(reasons.items()))
    return f"{files}, all left out ({listed})"


def looked_at(report: Report) -> str:
    """Return how much was looked at, in the words of the mode."""
    seen = report.coverage
    file, before, line = _COUNTED.get(report.mode, ("file", "", ""))
    parts = [f"{seen.files_reviewed:,} of {count(seen.files_changed, file)}"]
    if line:
        parts.append(f"{before}{seen.lines_reviewed:,} of {count(seen.lines_changed, line)}")
    return ", ".join((*parts, f"{seen.units_done:,} of {count(seen.units_planned, 'unit')}"))


def models(report: Report) -> tuple[str, ...]:
    """Return the models that gave a valid answer, by the names they answered with."""
    answered = (call for call in report.cost.calls if call.outcome == "ok")
    return tuple(dict.fromkeys(call.response_model or call.request_model for call in answered))


def who_looked(report: Report) -> str:
    """Return who looked, and plainly so when no model did."""
    subject = "change" if report.mode == "review" else "code"
    names = ", ".join(report.coverage.performed_by) or "nobody"
    if models(report):
        return names
    if report.cost.calls:
        return f"{names} (every model call failed, no model has read this {subject})"
    return f"{names} (local checks only, no model has read this {subject})"
