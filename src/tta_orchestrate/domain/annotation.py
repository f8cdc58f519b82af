"""A finding as the Checks API and the runner show it: beside a line, in plain words, within their limits."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from tta_orchestrate.domain.change import Side
from tta_orchestrate.domain.finding import Finding, Severity
from tta_orchestrate.domain.sanitiser import log_lines, quiet, utf8

TITLE_LIMIT: Final = 255
"""Characters of an annotation's title (REST API, "Create a check run")."""
MESSAGE_LIMIT: Final = 8_000
"""Bytes; the API takes 64 KB, but nobody reads that, and the runner cuts at 4,096 characters."""
DETAILS_LIMIT: Final = 64 * 1024 - 1
"""Bytes of ``raw_details``."""


class Level(StrEnum):
    """The words of the Checks API, mildest first."""

    NOTICE = "notice"
    WARNING = "warning"
    FAILURE = "failure"


_LEVELS: Final = {
    Severity.CRITICAL: Level.FAILURE,
    Severity.HIGH: Level.FAILURE,
    Severity.MEDIUM: Level.WARNING,
    Severity.LOW: Level.NOTICE,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Annotation:
    """A remark on whole lines ``start_line..end_line`` (1-based, inclusive) of the head commit's file."""

    path: str
    start_line: int
    end_line: int
    level: Level
    title: str
    message: str
    raw_details: str = ""


def annotation(finding: Finding) -> Annotation:
    """Return *finding* as an annotation; every text in it is safe to show."""
    start = max(1, finding.start_line)
    removed = "removed line: " if finding.side is Side.LEFT else ""
    return Annotation(
        path=utf8(finding.path),
        start_line=start,
        end_line=max(start, finding.end_line),
        level=_LEVELS[finding.severity],
        title=quiet(f"{removed}{finding.title} ({finding.rule})", TITLE_LIMIT),
        message=quiet(finding.message, MESSAGE_LIMIT) or quiet(finding.title, MESSAGE_LIMIT) or finding.rule,
        raw_details=_suggestion(finding),
    )


def annotations(findings: Iterable[Finding]) -> list[Annotation]:
    """Return one annotation per finding, in the same order."""
    return [annotation(finding) for finding in findings]


def worst_first(items: Iterable[Annotation]) -> list[Annotation]:
    """Return *items* with failures first, then warnings, then notices; otherwise in the order they came in."""
    order = [Level.FAILURE, Level.WARNING, Level.NOTICE]
    return sorted(items, key=lambda item: order.index(item.level))


def _suggestion(finding: Finding) -> str:
    if finding.suggestion is None:
        return ""
    text = "\n".join(["Suggestion:", *log_lines(finding.suggestion.text)])
    encoded = text.encode()
    return text if len(encoded) <= DETAILS_LIMIT else encoded[:DETAILS_LIMIT].decode(errors="ignore")
