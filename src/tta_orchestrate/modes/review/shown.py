"""What a model gets to see of a changed file: the same lines, without secrets, hidden characters or our own tags.

Line by line the same numbers as the real file, so that a claim about what was shown is a claim about the file.
"""

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from tta_orchestrate.domain.change import ChangedFile, Hunk, Side
from tta_orchestrate.domain.evidence import FileEvidence
from tta_orchestrate.domain.fence import unfenced
from tta_orchestrate.domain.finding import Candidate
from tta_orchestrate.domain.sanitiser import visible
from tta_orchestrate.domain.secrets import find_secrets
from tta_orchestrate.ports import SourceFile


@dataclass(frozen=True, slots=True)
class Shown:
    """One changed file as models see it; ``real`` is the file as it is."""

    path: str
    """The path as prompts write it."""
    real: SourceFile
    evidence: FileEvidence
    """Shown lines on both sides."""
    secrets: Mapping[tuple[Side, int], tuple[str, ...]]
    """Secret values by the line they stand on."""

    def of_real(self, candidate: Candidate, real: FileEvidence) -> Candidate:
        """Return *candidate*, which quotes shown lines, with the real lines as its quote and their secrets named.

        A suggestion for lines that were not shown as they are is dropped: the model could not know what it replaces.
        """
        numbers = range(candidate.start_line, candidate.end_line + 1)
        lines = real.lines(candidate.side)
        quote = "\n".join(lines[n] for n in numbers)
        hidden = tuple(s for n in numbers for s in self.secrets.get((candidate.side, n), ()))
        kept = candidate.suggestion if quote.replace("\r", "") == candidate.quote else None
        return replace(candidate, path=self.real.path, quote=quote, redact=hidden, suggestion=kept)


def show(file: SourceFile) -> Shown:
    """Return *file* as models see it."""
    redactor = _Redactor()
    if file.text is None:
        sides = {Side.RIGHT: redactor.numbered(_known(file.change, Side.RIGHT), Side.RIGHT)}
    else:
        sides = {Side.RIGHT: redactor.numbered(dict(enumerate(file.text.split("\n"), 1)), Side.RIGHT)}
    sides[Side.LEFT] = redactor.numbered(_known(file.change, Side.LEFT), Side.LEFT)
    hunks = tuple(_hunk(hunk, sides) for hunk in file.change.hunks)
    text = None if file.text is None else "\n".join(sides[Side.RIGHT].values())
    change = replace(file.change, hunks=hunks)
    path = unfenced(visible(file.path.replace("\t", " ")))
    return Shown(path=path, real=file, evidence=FileEvidence(change, text), secrets=redactor.found)


def _known(change: ChangedFile, side: Side) -> dict[int, str]:
    numbered = (line for hunk in change.hunks for line in hunk.lines())
    pairs = ((line.new if side is Side.RIGHT else line.old, line.text) for line in numbered)
    return {number: text for number, text in pairs if number is not None}


def _hunk(hunk: Hunk, sides: Mapping[Side, Mapping[int, str]]) -> Hunk:
    body = tuple(
        line.kind + (sides[Side.LEFT][line.old] if line.new is None and line.old else sides[Side.RIGHT][line.new or 0])
        for line in hunk.lines()
    )
    return replace(hunk, body=body, section=inert(hunk.section))


def inert(line: str) -> str:
    """Return one line as models see it: hidden characters written out, our own tags broken."""
    return unfenced(visible(line.rstrip("\r")))


class _Redactor:
    """Gives each distinct secret of a file one name, in the order in which they are met."""

    def __init__(self) -> None:
        self._names: dict[str, str] = {}
        self.found: dict[tuple[Side, int], tuple[str, ...]] = {}

    def numbered(self, lines: Mapping[int, str], side: Side) -> dict[int, str]:
        """Return *lines* by number, secrets replaced by tokens; as many lines as before."""
        numbers, shown = list(lines), list(lines.values())
        starts = _offsets(shown)
        for match in reversed(list(find_secrets("\n".join(shown)))):
            first = bisect_right(starts, match.start) - 1
            last = bisect_right(starts, match.end - 1) - 1
            for row in range(first, last + 1):
                begin = max(match.start - starts[row], 0)
                end = min(match.end - starts[row], len(lines[numbers[row]]))
                value = lines[numbers[row]][begin:end]
                shown[row] = shown[row][:begin] + self._name(value, match.kind) + shown[row][end:]
                self.found[side, numbers[row]] = (*self.found.get((side, numbers[row]), ()), value)
        return {number: inert(line) for number, line in zip(numbers, shown, strict=True)}

    def _name(self, value: str, kind: str) -> str:
        return self._names.setdefault(value, f"\u2039SECRET:{kind}#{len(self._names) + 1}\u203a")


def _offsets(lines: Sequence[str]) -> list[int]:
    at, found = 0, []
    for line in lines:
        found.append(at)
        at += len(line) + 1
    return found


def shown_files(files: Iterable[SourceFile]) -> dict[str, Shown]:
    """Return all *files* as models see them, by real path."""
    return {file.path: show(file) for file in files}
