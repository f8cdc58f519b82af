"""From hunks to what a model reads: numbered lines, widened by syntax within a budget, packed into shards.

A segment is one hunk (a part of one, when it is larger than a shard). Its key is made of everything that could change
what is said about it, except line numbers: so it survives a rebase, and an unchanged segment is never read twice.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from tta_orchestrate.domain.change import Line, Side
from tta_orchestrate.domain.secrets import mask_secrets
from tta_orchestrate.modes.review.prompts import FORMAT, digest, tokens
from tta_orchestrate.modes.review.shown import Shown, inert
from tta_orchestrate.modes.review.syntax import Outline, Span, language_of, outline

_WHOLE_FUNCTION: Final = 80
"""Lines up to which the whole enclosing function is context; of longer ones only the head."""
_HEAD: Final = 2
_KEY_LINES: Final = 400
"""Lines of an enclosing function that are part of the key."""
Callers = Callable[[Sequence[str]], dict[str, list[tuple[str, int, str]]]]
"""From names of changed functions to places that use them: path, line, text."""


@dataclass(slots=True)
class Segment:
    """One piece of a changed file; ``extra`` are lines around it that a budget allowed."""

    file: Shown
    lines: tuple[Line, ...]
    span: Span | None
    key: str
    start: int
    """The first line at head: what offsets in the memory count from."""
    old_start: int
    extra: dict[int, str] = field(default_factory=dict)
    callers: list[tuple[str, int, str]] = field(default_factory=list)

    @property
    def path(self) -> str:
        """The real path."""
        return self.file.real.path

    @property
    def symbol(self) -> str:
        """The enclosing function or class."""
        return self.span.name if self.span else ""

    def base(self, side: Side) -> int:
        """The line that offsets on *side* count from."""
        return self.start if side is Side.RIGHT else self.old_start

    def covers(self, side: Side, line: int) -> bool:
        """Whether *line* is one of those shown here."""
        own = any((one.new if side is Side.RIGHT else one.old) == line for one in self.lines)
        return own or (side is Side.RIGHT and line in self.extra)

    def render(self) -> str:
        """Return the numbered lines, context in its place."""
        own = [one.new for one in self.lines if one.new is not None]
        first = min(own, default=self.start)
        before = [f"R{n}  {text}" for n, text in sorted(self.extra.items()) if n < first]
        after = [f"R{n}  {text}" for n, text in sorted(self.extra.items()) if n >= first]
        head = [f"@ {self.symbol}"] if self.symbol else []
        used = [f"used in {path}:{line}: {text}" for path, line, text in self.callers]
        return "\n".join([*head, *before, *map(_numbered, self.lines), *after, *used])


@dataclass(frozen=True, slots=True)
class Shard:
    """What one request carries; ``text`` is not fenced yet."""

    segments: tuple[Segment, ...]
    text: str

    @property
    def unit(self) -> str:
        """Identity in the run: the same segments with the same context give the same unit."""
        return f"review:{digest(self.text)[:16]}"

    @property
    def paths(self) -> tuple[str, ...]:
        """Real paths in it."""
        return tuple(dict.fromkeys(segment.path for segment in self.segments))


def _numbered(line: Line) -> str:
    if line.kind == "-":
        return f"L{line.old} -{line.text}"
    return f"R{line.new} {line.kind}{line.text}"


def segments(file: Shown, basis: str, limit: int) -> list[Segment]:
    """Cut *file* into segments of at most about *limit* tokens; *basis* names models, prompts and guidelines."""
    text = file.evidence.text
    found = outline(file.real.path, text) if text is not None else Outline()
    pieces = [piece for hunk in file.evidence.change.hunks for piece in _cut(tuple(hunk.lines()), limit)]
    made = []
    for lines in pieces:
        span = found.enclosing(_changed_at(lines))
        made.append(
            Segment(
                file=file,
                lines=lines,
                span=span,
                key=_key(file, lines, span, basis),
                start=next((one.new for one in lines if one.new is not None), 1),
                old_start=next((one.old for one in lines if one.old is not None), 1),
            )
        )
    return made


def _changed_at(lines: Sequence[Line]) -> int:
    """Return the first added line; where there is none, the line at head that the first removal stood before."""
    added = [one.new for one in lines if one.kind == "+" and one.new is not None]
    if added:
        return added[0]
    removed = next(n for n, one in enumerate(lines) if one.kind == "-")
    after = [one.new for one in lines[removed:] if one.new is not None]
    before = [one.new for one in lines[:removed] if one.new is not None]
    return (after or before[::-1] or [1])[0]


def _cut(lines: tuple[Line, ...], limit: int) -> Iterator[tuple[Line, ...]]:
    """Yield parts that fit; a part without a changed line is nobody's business."""
    part: list[Line] = []
    size = 0
    for line in lines:
        cost = tokens(_numbered(line)) + 1
        if part and size + cost > limit:
            yield from _worth(part)
            part, size = [], 0
        part.append(line)
        size += cost
    yield from _worth(part)


def _worth(part: list[Line]) -> Iterator[tuple[Line, ...]]:
    if any(line.kind != " " for line in part):
        yield tuple(part)


def _key(file: Shown, lines: Sequence[Line], span: Span | None, basis: str) -> str:
    around = _function(file, span)[:_KEY_LINES]
    body = [f"{line.kind}{line.text}" for line in lines]
    return digest(FORMAT, basis, file.path, language_of(file.path), body, [text for _number, text in around])[:32]


def _function(file: Shown, span: Span | None) -> list[tuple[int, str]]:
    known = file.evidence.right
    return [(n, known[n]) for n in range(span.first, span.last + 1) if n in known] if span else []


def widen(pieces: Sequence[Segment], budget: int, callers: Callers | None = None) -> None:
    """Add context until *budget* tokens are used: heads of functions first, then whole ones, imports, callers."""
    shown: dict[str, set[int]] = {}
    for piece in pieces:
        shown.setdefault(piece.path, set()).update(one.new for one in piece.lines if one.new is not None)
    left = budget
    for wish in (_head, _whole, _imports):
        for piece in pieces:
            rows = {n: text for n, text in wish(piece) if n not in shown[piece.path] and text.strip()}
            cost = sum(tokens(f"R{n}  {text}\n") for n, text in rows.items())
            if rows and cost <= left:
                piece.extra.update(rows)
                shown[piece.path].update(rows)
                left -= cost
    if callers is not None and left > 0:
        _add_callers(pieces, left, callers)


def _head(piece: Segment) -> list[tuple[int, str]]:
    return _function(piece.file, piece.span)[:_HEAD]


def _whole(piece: Segment) -> list[tuple[int, str]]:
    span = piece.span
    too_long = span is None or span.last - span.first >= _WHOLE_FUNCTION
    return [] if too_long else _function(piece.file, span)


_WORD: Final = re.compile(r"[A-Za-z_]\w+")


def _imports(piece: Segment) -> list[tuple[int, str]]:
    """Import lines that name something the segment uses."""
    text = piece.file.evidence.text
    if text is None:
        return []
    used = {word for line in piece.lines for word in _WORD.findall(line.text)}
    known = piece.file.evidence.right
    lines = [(n, known[n]) for n in outline(piece.file.real.path, text).imports if n in known]
    return [(n, line) for n, line in lines if used & set(_WORD.findall(line)[1:])][:20]


_PER_NAME: Final = 3


def _add_callers(pieces: Sequence[Segment], budget: int, callers: Callers) -> None:
    """Show where changed definitions are used elsewhere: those whose own first line is part of the change."""
    wanted: dict[str, Segment] = {}
    for piece in pieces:
        span = piece.span
        if span is not None and any(one.kind != " " and one.new == span.first for one in piece.lines):
            wanted.setdefault(span.name.rpartition(".")[2], piece)
    names = [name for name in wanted if _WORD.fullmatch(name)]
    left = budget
    for name, places in (callers(names) if names else {}).items():
        for path, line, text in [place for place in places if place[0] != wanted[name].path][:_PER_NAME]:
            place = inert(path), line, inert(mask_secrets(text.strip()))
            cost = tokens("used in {}:{}: {}\n".format(*place))
            if cost <= left:
                wanted[name].callers.append(place)
                left -= cost


def pack(pieces: Iterable[Segment], limit: int) -> list[Shard]:
    """Pack *pieces* in their order into the fewest shards of about equal size, none much over *limit* tokens."""
    sized = [(piece, tokens(piece.render()) + 8) for piece in pieces]
    total = sum(size for _piece, size in sized)
    count = max(1, -(-total // limit))
    target = min(limit, -(-total // count) + limit // 20)
    shards: list[list[Segment]] = []
    room = 0
    for piece, size in sized:
        if not shards or size > room:
            shards.append([])
            room = target
        shards[-1].append(piece)
        room -= size
    return [shard(part) for part in shards]


def shard(part: Sequence[Segment]) -> Shard:
    """Return *part* as one shard: a heading for each file, its segments below."""
    blocks: list[str] = []
    path = None
    for piece in part:
        if piece.path != path:
            path = piece.path
            blocks.append(f"### {piece.file.path} ({piece.file.real.change.status.value})")
        blocks.append(piece.render())
    return Shard(tuple(part), "\n".join(blocks))
