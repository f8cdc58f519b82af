"""Human edits survive: what was generated last time, what stands in the file, and what is new, block by block.

The manifest keeps the hash of every generated block. A block of the file with that hash is ours and may change; any
other was edited or added by a human and is never rewritten. When both sides changed, the human's text stays and the new
version is put beneath it as a block that asks for a review.
"""

from collections import defaultdict, deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from tta_orchestrate.modes.docgen.model import Piece
from tta_orchestrate.modes.docgen.writers.contract import Writer
from tta_orchestrate.syntax.digest import digest

REVIEW: Final = "|review"
SYMBOL: Final = "symbol:"


@dataclass(frozen=True, slots=True)
class Known:
    """A block as it was generated last time; kept in the manifest as ``[key, id, hash, children]``."""

    key: str
    id: str
    hash: str
    children: tuple["Known", ...] = ()

    @classmethod
    def of(cls, piece: Piece) -> "Known":
        """Return what is remembered of a generated piece."""
        return cls(piece.key, piece.id, digest(piece.text), tuple(cls.of(child) for child in piece.children))

    @classmethod
    def from_json(cls, data: Sequence[Any]) -> "Known":
        """Read the form that ``to_json`` writes."""
        return cls(data[0], data[1], data[2], tuple(cls.from_json(child) for child in data[3]))

    def to_json(self) -> list[Any]:
        """Return plain JSON."""
        return [self.key, self.id, self.hash, [child.to_json() for child in self.children]]

    def walk(self) -> Iterator["Known"]:
        """Yield this block and everything beneath it."""
        yield self
        for child in self.children:
            yield from child.walk()


@dataclass(frozen=True, slots=True, kw_only=True)
class Merged:
    """The page to write, what to remember of it, and what the merge had to decide."""

    piece: Piece
    known: Known
    head: str
    """The generated head, for the next merge."""
    edited: int = 0
    conflicts: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()


def merge(
    new: Piece, file: Piece | None, known: Known | None, head: str, writer: Writer, *, prune: bool = False
) -> Merged:
    """Merge a freshly generated page into the file.

    *known* and *head* are what ``Merged`` said last time; *file* is ``None`` when there is none. *prune* deletes
    blocks of removed symbols, unless a human edited them.
    """
    if file is None:
        return Merged(piece=new, known=Known.of(new), head=new.text)
    merger = _Merger(writer, prune=prune)
    children, remembered = merger.children(new.children, file.children, known.children if known else ())
    text = merge_head(head, file.text, new.text) if known else new.text or file.text
    return Merged(
        piece=replace(new, text=text, children=children),
        known=Known(new.key, new.id, digest(new.text), remembered),
        head=new.text,
        edited=merger.edited,
        conflicts=tuple(merger.conflicts),
        removed=tuple(merger.removed),
    )


def merge_head(base: str, file: str, new: str) -> str:
    """Merge page properties line by line: a line that a human changed, added or deleted stays so."""
    ours = {_name(line): line for line in base.split("\n")}
    fresh = {_name(line): line for line in new.split("\n")}
    merged: list[str] = []
    seen: set[str] = set()
    for line in file.split("\n"):
        name = _name(line)
        seen.add(name)
        if ours.get(name) != line:
            merged.append(line)
        elif name in fresh:
            merged.append(fresh[name])
    added = [line for name, line in fresh.items() if name not in seen and name not in ours]
    if merged and merged[-1] == "---":
        return "\n".join([*merged[:-1], *added, "---"])
    return "\n".join([*merged, *added]).strip("\n")


def _name(line: str) -> str:
    name, colon, _ = line.partition(":")
    return name.strip().lower() if colon else line


class _Merger:
    def __init__(self, writer: Writer, *, prune: bool) -> None:
        self.writer = writer
        self.prune = prune
        self.edited = 0
        self.conflicts: list[str] = []
        self.removed: list[str] = []

    def children(
        self, new: Sequence[Piece], file: Sequence[Piece], known: Sequence[Known]
    ) -> tuple[tuple[Piece, ...], tuple[Known, ...]]:
        paired, theirs = _pair(file, known, {piece.id for piece in new if piece.id})
        by_key = {node.key: node for node in known}
        by_id = {piece.id: piece for piece in file if piece.id}
        out: list[tuple[str, Piece]] = []
        remembered: list[Known] = []
        fresh = {piece.key for piece in new}
        for piece in new:
            node = by_key.get(piece.key)
            current = paired.get(piece.key) or (by_id.get(piece.id) if piece.id else None)
            kept, memory = self._one(piece, current, node)
            remembered.append(memory)
            if kept is not None:
                out.append((piece.key, kept))
        for node in known:
            if node.key not in fresh and node.key in paired:
                self._gone(node, paired[node.key], out, remembered)
        return tuple(_place(out, theirs, file, paired)), tuple(remembered)

    def _one(self, new: Piece, current: Piece | None, node: Known | None) -> tuple[Piece | None, Known]:
        fresh = Known.of(new)
        if current is None:
            if node is not None and node.hash == fresh.hash:
                return None, node  # deleted by a human, and nothing new to say
            return new, fresh
        own, additions = self.writer.additions(current.text)
        known_children = node.children if node else ()
        children, remembered = self.children(new.children, current.children, known_children)
        memory = Known(new.key, new.id, fresh.hash, remembered)
        if (node is not None and digest(own) == node.hash) or own == new.text:
            text = self.writer.with_additions(new.text, additions)
            return replace(new, text=text, children=children), memory
        self.edited += 1
        kept = replace(current, key=new.key, children=children)
        if node is None or node.hash == fresh.hash:
            return kept, memory
        self.conflicts.append(new.key)
        note = replace(self.writer.note(new.text), key=new.key + REVIEW)
        others = tuple(child for child in children if child.key != note.key)
        others_known = tuple(child for child in remembered if child.key != note.key)
        return replace(kept, children=(note, *others)), replace(memory, children=(Known.of(note), *others_known))

    def _gone(self, node: Known, current: Piece, out: list[tuple[str, Piece]], remembered: list[Known]) -> None:
        """Decide about a generated block that is not generated any more."""
        pristine = untouched(node, current, self.writer)
        if node.key.endswith(REVIEW):
            out.append((node.key, replace(current, key=node.key)))
            remembered.append(node)
        elif not pristine:
            self.edited += 1
            out.append((node.key, replace(current, key=node.key)))
            remembered.append(node)
        elif node.key.startswith(SYMBOL) and not self.prune:
            marked = replace(self.writer.property_line(current, "status", "[[Removed]]"), key=node.key)
            self.removed.append(node.key.removeprefix(SYMBOL))
            out.append((node.key, marked))
            own, _ = self.writer.additions(marked.text)
            remembered.append(replace(node, hash=digest(own)))


def untouched(node: Known, piece: Piece, writer: Writer) -> bool:
    """Whether *piece*, with everything beneath it, is as it was generated."""
    own, _ = writer.additions(piece.text)
    if node.key != "head" and digest(own) != node.hash:
        return False
    if len(piece.children) != len(node.children):
        return False
    return all(untouched(n, p, writer) for n, p in zip(node.children, piece.children, strict=True))


def _pair(file: Sequence[Piece], known: Sequence[Known], fresh_ids: set[str]) -> tuple[dict[str, Piece], list[int]]:
    """Return which piece of the file is which known block, and the places of those that are nobody's."""
    pairs: dict[int, int] = {}
    ids = {node.id: n for n, node in enumerate(known) if node.id}
    hashes: dict[str, deque[int]] = defaultdict(deque)
    for n, node in enumerate(known):
        hashes[node.hash].append(n)
    taken: set[int] = set()
    for at, piece in enumerate(file):
        found = ids.get(piece.id) if piece.id else None
        if found is None and not piece.id:
            queue = hashes.get(digest(piece.text))
            found = queue.popleft() if queue else None
        if found is not None and found not in taken:
            pairs[at] = found
            taken.add(found)
    _pair_gaps(file, known, pairs)
    paired = {known[n].key: file[at] for at, n in pairs.items()}
    theirs = [at for at in range(len(file)) if at not in pairs and file[at].id not in fresh_ids]
    return paired, theirs


def _pair_gaps(file: Sequence[Piece], known: Sequence[Known], pairs: dict[int, int]) -> None:
    """Pair what is left, in order, between the same neighbours: a block that was edited in place."""
    taken = set(pairs.values())
    before = -1
    for at in range(len(file)):
        if at in pairs:
            before = pairs[at]
            continue
        follower = next((pairs[later] for later in range(at + 1, len(file)) if later in pairs), len(known))
        free = (n for n in range(before + 1, follower) if n not in taken and not (known[n].id and file[at].id))
        found = next(free, None)
        if found is not None and not file[at].id and not known[found].id:
            pairs[at] = found
            taken.add(found)
            before = found


def _place(
    out: Sequence[tuple[str, Piece]], theirs: Sequence[int], file: Sequence[Piece], paired: Mapping[str, Piece]
) -> Iterator[Piece]:
    """Yield our pieces in order, each followed by the human's that stood behind it in the file."""
    keys = {id(piece): key for key, piece in paired.items()}
    written = {key for key, _ in out}
    behind: dict[str, list[Piece]] = defaultdict(list)
    anchor = ""
    human = set(theirs)
    for at, piece in enumerate(file):
        if at in human:
            behind[anchor].append(piece)
        else:
            key = keys.get(id(piece), "")
            anchor = key if key in written else anchor
    yield from behind[""]
    for key, piece in out:
        yield piece
        yield from behind[key]
