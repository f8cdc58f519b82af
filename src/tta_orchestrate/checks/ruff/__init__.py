"""Python bugs and holes, by ruff: its rules of ``rules.py`` and nothing the change could configure.

Suggestions come from ruff's *safe* fixes alone, widened to whole lines, and only when the file still parses.
"""

import ast
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import PurePosixPath
from typing import Final

from tta_orchestrate.checks.ruff.rules import RULES, SHELL_RULES
from tta_orchestrate.domain.finding import Candidate, Rule, Severity, Suggestion
from tta_orchestrate.domain.report import Skipped, SkipReason
from tta_orchestrate.ports import Check, CheckResult, SourceFile
from tta_orchestrate.workspace.ruff import (
    SYNTAX_ERROR,
    UNREADABLE,
    Answer,
    Diagnostic,
    Edit,
    RuffError,
    as_shown,
    check,
)

_SUFFIXES: Final = frozenset({".py", ".pyi"})


def _suffix(path: str) -> str:
    return PurePosixPath(path).suffix.lower()


def _parses(text: str) -> bool:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return True


def _offset(starts: Sequence[int], position: tuple[int, int]) -> int:
    row, column = position
    return starts[min(row, len(starts)) - 1] + column - 1


def _apply(text: str, starts: Sequence[int], edits: Sequence[Edit]) -> str | None:
    """Return *text* with *edits* made, ``None`` when they overlap."""
    parts: list[str] = []
    at = 0
    for edit in sorted(edits, key=lambda e: (e.start, e.end)):
        start, end = _offset(starts, edit.start), _offset(starts, edit.end)
        if start < at or end < start or end > len(text):
            return None
        parts += (text[at:start], edit.text)
        at = end
    return "".join((*parts, text[at:]))


def suggest(text: str, lines: Sequence[str], start: int, end: int, edits: Sequence[Edit]) -> Suggestion | None:
    """Return *edits* as the replacement of exactly the lines *start* to *end*, or ``None`` when that cannot be.

    All edits lie within those lines, the lines around stay as they are, the result parses and is another text.
    """
    starts = [0]
    for line in lines:
        starts.append(starts[-1] + len(line) + 1)
    inside = (start, 1) <= min((e.start for e in edits), default=(0, 0)) and max(e.end for e in edits) <= (end + 1, 1)
    changed = _apply(text, starts, edits) if inside else None
    if changed is None or changed == text:
        return None
    head, tail = "".join(f"{line}\n" for line in lines[: start - 1]), "".join(f"\n{line}" for line in lines[end:])
    if not changed.startswith(head) or not changed.endswith(tail) or len(changed) < len(head) + len(tail):
        return None
    if not _parses(changed):
        return None
    return Suggestion(start_line=start, end_line=end, text=changed[len(head) : len(changed) - len(tail)])


class RuffCheck:
    """One process for all files; a file that crashes ruff is a failure of its own."""

    name = "ruff"
    rules: Mapping[str, Rule] = {rule.id: rule for rule in RULES.values()}

    def __init__(self, runner: Callable[..., Answer] = check) -> None:
        self._runner = runner

    def applies(self, file: SourceFile) -> bool:
        """Python sources and stubs; notebooks are not read."""
        return _suffix(file.path) in _SUFFIXES and not file.change.binary

    def run(self, files: Sequence[SourceFile]) -> CheckResult:
        """Check all *files* whose text is known."""
        skipped = [
            Skipped(path=file.path, reason=SkipReason.NEEDS_FILE, detail="ruff reads whole files")
            for file in files
            if file.text is None
        ]
        known = [(file, file.text) for file in files if file.text is not None]
        if not known:
            return CheckResult(skipped=skipped)
        try:
            answer = self._runner(((_suffix(file.path), text) for file, text in known), select=list(RULES))
        except RuffError as error:
            return CheckResult(skipped=skipped, failures={file.path: str(error) for file, _ in known})
        by_file: dict[int, list[Diagnostic]] = {}
        for diagnostic in answer.diagnostics:
            by_file.setdefault(diagnostic.file, []).append(diagnostic)
        failures = {known[index][0].path: reason for index, reason in answer.crashed.items()}
        candidates: list[Candidate] = []
        for index, found in sorted(by_file.items()):
            file, text = known[index]
            codes = {diagnostic.code for diagnostic in found}
            if UNREADABLE in codes:
                failures[file.path] = "ruff could not read it"
            if SYNTAX_ERROR in codes:
                detail = "ruff cannot parse it"
                skipped.append(Skipped(path=file.path, reason=SkipReason.UNSUPPORTED, detail=detail))
            candidates += _claims(file, text, found)
        return CheckResult(candidates=candidates, skipped=skipped, failures=failures)


def _span(item: Diagnostic, count: int) -> tuple[int, int]:
    start = min(item.start[0], count)
    end = item.end[0] - (item.end[1] == 1 and item.end[0] > start)
    return start, max(start, min(end, count))


def _claims(file: SourceFile, text: str, found: Sequence[Diagnostic]) -> Iterator[Candidate]:
    lines = text.split("\n")
    plain = as_shown(text) == text and not text.startswith("\ufeff")
    for item in sorted(found, key=lambda d: (d.start, d.end, d.code)):
        rule = RULES.get(item.code)
        if rule is None:
            continue
        start, end = _span(item, len(lines))
        claim = file.claim(
            rule,
            quote="\n".join(lines[start - 1 : end]),
            start=start,
            end=end,
            message=f"{item.message.rstrip('.')}. {rule.why}",
            suggestion=suggest(text, lines, start, end, item.fix) if item.fix and plain else None,
        )
        safe = item.code in SHELL_RULES and "seems safe" in item.message
        yield replace(claim, help_url=item.url, severity=Severity.LOW if safe else claim.severity)


CHECK: Final[Check] = RuffCheck()
