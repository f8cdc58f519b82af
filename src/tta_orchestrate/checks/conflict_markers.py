"""Leftover conflict markers, as git writes them: a block, so that an underline of ``=======`` is no alarm."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from tta_orchestrate.domain.finding import Candidate, Category, Rule, Severity
from tta_orchestrate.ports import Check, CheckResult, SourceFile

RULE: Final = Rule(
    id="conflict-markers/leftover",
    title="Merge conflict left in the file",
    category=Category.BUG,
    severity=Severity.HIGH,
    why="Both versions and the markers are in the file; one of them was to be chosen.",
    confidence=0.98,
)
_MARKER: Final = re.compile(r"^(?:(<<<<<<<) \S|(\|\|\|\|\|\|\|)(?: |$)|(=======)$|(>>>>>>>) \S)")


def _kind(text: str) -> str:
    match = _MARKER.match(text.rstrip("\r"))
    return match[0][:1] if match else ""


def _blocks(marks: Sequence[tuple[int, str, str]]) -> Iterator[tuple[int, str]]:
    """Yield the marker lines that belong to a block: ``<`` … ``=`` … ``>``, or a part of one that a merge left."""
    opened: list[tuple[int, str, str]] = []
    for mark in marks:
        match mark[1], opened and opened[-1][1]:
            case "<", _:
                yield from _torn(opened)
                opened = [mark]
            case ("|", "<") | ("=", "<" | "|"):
                opened.append(mark)
            case ">", "=":
                yield opened[0][0], opened[0][2]
                opened = []
            case ">", _:
                yield from _torn(opened)
                yield mark[0], mark[2]
                opened = []
            case _:
                pass
    yield from _torn(opened)


def _torn(opened: Sequence[tuple[int, str, str]]) -> Iterator[tuple[int, str]]:
    if opened:
        yield opened[0][0], opened[0][2]


class ConflictMarkersCheck:
    """One finding for each conflict, at its first marker."""

    name = "conflict-markers"
    rules: Mapping[str, Rule] = {RULE.id: RULE}

    def applies(self, file: SourceFile) -> bool:
        """Any text can hold one."""
        return not file.change.binary

    def run(self, files: Sequence[SourceFile]) -> CheckResult:
        """Look at the whole text where it is known, else at the added lines."""
        return CheckResult(candidates=[found for file in files for found in self._in_file(file)])

    def _in_file(self, file: SourceFile) -> Iterator[Candidate]:
        if file.text is not None and "<<<<<<< " not in file.text and ">>>>>>> " not in file.text:
            return
        marks = [(number, kind, text) for number, text in file.lines() if (kind := _kind(text))]
        for number, text in _blocks(marks):
            yield file.claim(RULE, quote=text, start=number)


CHECK: Final[Check] = ConflictMarkersCheck()
