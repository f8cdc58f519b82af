"""The evidence gate: a claim is believed only where its words stand.

The file must be in the change, the lines must exist, the quote must stand there. A quote that stands at exactly one
other place of the same side is moved there (models miscount lines, they rarely misquote); everything else is rejected
with a reason. Nothing is guessed.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cached_property

from tta_orchestrate.domain.change import ChangedFile, Side
from tta_orchestrate.domain.finding import Candidate, Finding, Rejected, Rejection, Suggestion, fingerprint
from tta_orchestrate.domain.parsing import parse_error
from tta_orchestrate.domain.redaction import mask
from tta_orchestrate.domain.symbols import SymbolAt, symbol_lookup


class Scope(StrEnum):
    """What is reported: only claims that touch changed lines, or all claims about changed files."""

    CHANGED = "changed"
    FILE = "file"


@dataclass(frozen=True)
class FileEvidence:
    """What is known of one changed file: the change, and its whole text at head unless only a diff was given."""

    change: ChangedFile
    text: str | None
    symbols: Callable[[str, str], SymbolAt] = symbol_lookup
    """From path and text to the lookup of enclosing symbols."""

    @cached_property
    def right(self) -> Mapping[int, str]:
        """Known lines at head by number; all of them when the text is known."""
        if self.text is None:
            return self._from_hunks(Side.RIGHT)
        lines = self.text.split("\n")
        if lines[-1] == "":
            lines.pop()
        return dict(enumerate(lines, start=1))

    @cached_property
    def left(self) -> Mapping[int, str]:
        """Known lines at base by number: those that the hunks show."""
        return self._from_hunks(Side.LEFT)

    @cached_property
    def symbol_at(self) -> SymbolAt:
        """The enclosing symbol of a line at head; from the hunk headings when only the diff is known."""
        if self.text is not None:
            return self.symbols(self.change.path, self.text)
        sections = [(h.new_start, h.new_start + max(h.new_count, 1), h.section.strip()) for h in self.change.hunks]
        return lambda line: next((name for first, end, name in sections if first <= line < end), "")

    @cached_property
    def _changed(self) -> Mapping[Side, frozenset[int]]:
        return {side: self.change.changed_lines(side) for side in Side}

    def lines(self, side: Side) -> Mapping[int, str]:
        """Known lines of *side* by number."""
        return self.right if side is Side.RIGHT else self.left

    def touches_change(self, candidate: Candidate) -> bool:
        """Whether any of the candidate's lines was added (RIGHT) or removed (LEFT) by the change."""
        changed = self._changed[candidate.side]
        return any(n in changed for n in range(candidate.start_line, candidate.end_line + 1))

    def _from_hunks(self, side: Side) -> Mapping[int, str]:
        numbered = (line for hunk in self.change.hunks for line in hunk.lines())
        if side is Side.RIGHT:
            return {line.new: line.text for line in numbered if line.new is not None}
        return {line.old: line.text for line in numbered if line.old is not None}


@dataclass(frozen=True, slots=True, kw_only=True)
class Weighed:
    """What the gate let through, what it did not, and how many suggestions it took away."""

    findings: tuple[Finding, ...]
    rejected: tuple[Rejected, ...]
    repaired: int = 0
    suggestions_dropped: int = 0


_MAX_SPAN = 2_000
"""A claim about more lines than this is no claim about exact lines."""


def weigh(
    candidates: Iterable[Candidate],
    files: Mapping[str, FileEvidence],
    *,
    scope: Scope = Scope.CHANGED,
    pre_existing: Callable[[Candidate], bool] = lambda _candidate: False,
) -> Weighed:
    """Put every candidate through the gate, then drop doubles and give each finding its fingerprint.

    Args:
        candidates: In any order; the result is ordered by path, line, rule.
        files: The changed files by path.
        scope: Whether claims about unchanged lines of changed files count.
        pre_existing: For claims about a file as a whole: whether the same held at base.
    """
    believed: list[Candidate] = []
    rejected: list[Rejected] = []
    repaired = 0
    for candidate in candidates:
        located = locate(candidate, files.get(candidate.path))
        if isinstance(located, Rejected):
            rejected.append(located)
            continue
        refusal = _out_of_scope(located, files[located.path], scope, pre_existing)
        if refusal:
            rejected.append(Rejected(candidate=located, reason=Rejection.UNCHANGED_LINES, detail=refusal))
            continue
        repaired += located.start_line != candidate.start_line
        believed.append(located)
    unique, doubles = _without_doubles(believed)
    proven = [_with_proven_suggestion(c, files[c.path]) for c in unique]
    return Weighed(
        findings=_identified(proven, files),
        rejected=(*rejected, *doubles),
        repaired=repaired,
        suggestions_dropped=sum(c.suggestion is not None for c in unique)
        - sum(c.suggestion is not None for c in proven),
    )


def locate(candidate: Candidate, file: FileEvidence | None) -> Candidate | Rejected:
    """Return the candidate at the lines where its quote stands, with the quote in the file's own words."""

    def no(reason: Rejection, detail: str) -> Rejected:
        return Rejected(candidate=candidate, reason=reason, detail=detail)

    if file is None:
        return no(Rejection.NOT_IN_CHANGE, "the change does not touch this file")
    start, end = candidate.start_line, candidate.end_line
    if not 1 <= start <= end or end - start > _MAX_SPAN:
        return no(Rejection.MALFORMED, f"lines {start}..{end} are no range")
    known = file.lines(candidate.side)
    if start not in known or end not in known:
        return no(Rejection.NO_SUCH_LINE, f"line {end if start in known else start} is not known on this side")
    actual = [known.get(n) for n in range(start, end + 1)]
    quoted = candidate.quote.removesuffix("\n").split("\n")
    if _same(quoted, actual):
        return replace(candidate, quote="\n".join(line or "" for line in actual))
    if not candidate.quote.strip():
        return no(Rejection.MALFORMED, "a claim without a quote has no evidence")
    claimed = {n: known[n] for n in range(start, end + 1) if n in known}
    return (
        _moved(candidate, quoted, claimed)
        or _moved(candidate, quoted, known)
        or no(
            Rejection.QUOTE_ABSENT if not _places(quoted, known) else Rejection.QUOTE_AMBIGUOUS,
            "the quote does not stand at these lines",
        )
    )


def _moved(candidate: Candidate, quoted: Sequence[str], known: Mapping[int, str]) -> Candidate | None:
    places = _places(quoted, known)
    if len(places) != 1:
        return None
    start = places[0]
    shift = start - candidate.start_line
    end = start + len(quoted) - 1
    suggestion = candidate.suggestion
    if suggestion is not None:
        suggestion = replace(suggestion, start_line=suggestion.start_line + shift, end_line=suggestion.end_line + shift)
    text = "\n".join(known[n] for n in range(start, end + 1))
    return replace(candidate, start_line=start, end_line=end, quote=text, suggestion=suggestion)


def _places(quoted: Sequence[str], known: Mapping[int, str]) -> list[int]:
    """At most two starting lines where the quote stands: one is a repair, two are an ambiguity."""
    wanted = [line.strip() for line in quoted]
    found: list[int] = []
    for start, line in known.items():
        if line.strip() == wanted[0] and all(
            known.get(start + k, "\0").strip() == text for k, text in enumerate(wanted[1:], start=1)
        ):
            found.append(start)
            if len(found) > 1:
                break
    return found


def _same(quoted: Sequence[str], actual: Sequence[str | None]) -> bool:
    """Equal but for white space at the ends of lines: models and tools drop indentation, and CRLF ends differ."""
    return len(quoted) == len(actual) and all(
        b is not None and a.strip() == b.strip() for a, b in zip(quoted, actual, strict=True)
    )


def _out_of_scope(
    candidate: Candidate, file: FileEvidence, scope: Scope, pre_existing: Callable[[Candidate], bool]
) -> str:
    if scope is Scope.FILE or file.touches_change(candidate):
        return ""
    if not candidate.whole_file:
        return "the change does not touch these lines"
    return "it was so before the change" if pre_existing(candidate) else ""


def _without_doubles(candidates: Iterable[Candidate]) -> tuple[list[Candidate], list[Rejected]]:
    """Keep the most confident claim for each (path, side, lines, rule)."""
    kept: dict[tuple[str, str, int, int, str], Candidate] = {}
    doubles: list[Rejected] = []
    for candidate in candidates:
        key = (candidate.path, candidate.side, candidate.start_line, candidate.end_line, candidate.rule)
        first = kept.setdefault(key, candidate)
        if first is candidate:
            continue
        better, worse = (candidate, first) if candidate.confidence > first.confidence else (first, candidate)
        kept[key] = better
        doubles.append(Rejected(candidate=worse, reason=Rejection.DUPLICATE, detail=f"said by {better.source} as well"))
    return list(kept.values()), doubles


def _with_proven_suggestion(candidate: Candidate, file: FileEvidence) -> Candidate:
    suggestion = candidate.suggestion
    if suggestion is None or _is_proven(suggestion, candidate, file):
        return candidate
    return replace(candidate, suggestion=None)


def _is_proven(suggestion: Suggestion, candidate: Candidate, file: FileEvidence) -> bool:
    """It replaces exactly the quoted lines, changes something, and the file parses afterwards if it did before."""
    exact = (suggestion.start_line, suggestion.end_line) == (candidate.start_line, candidate.end_line)
    if not exact or candidate.side is not Side.RIGHT or file.text is None or suggestion.text == candidate.quote:
        return False
    lines = file.text.split("\n")
    lines[suggestion.start_line - 1 : suggestion.end_line] = suggestion.text.split("\n") if suggestion.text else []
    return parse_error(candidate.path, "\n".join(lines)) is None


def _identified(candidates: Iterable[Candidate], files: Mapping[str, FileEvidence]) -> tuple[Finding, ...]:
    """Order by place and give each its fingerprint; equal ones are counted from the top of the file."""
    seen: defaultdict[tuple[str, ...], int] = defaultdict(int)
    findings = []
    for candidate in sorted(candidates, key=lambda c: (c.path, c.start_line, c.end_line, c.rule, c.source)):
        symbol = files[candidate.path].symbol_at(candidate.start_line) if candidate.side is Side.RIGHT else ""
        quote = mask(candidate.quote, candidate.redact)  # the hash of a weak secret could be guessed
        key = (candidate.path, " ".join(quote.split()), candidate.rule, symbol)
        identity = fingerprint(
            path=candidate.path, quote=quote, rule=candidate.rule, symbol=symbol, occurrence=seen[key]
        )
        seen[key] += 1
        findings.append(_to_finding(candidate, identity, symbol))
    return tuple(findings)


def _to_finding(candidate: Candidate, identity: str, symbol: str) -> Finding:
    fields = {name: getattr(candidate, name) for name in Candidate.__dataclass_fields__}
    return Finding(**fields, fingerprint=identity, symbol=symbol)
