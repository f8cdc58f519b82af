"""From the bytes of a YAML file to plain data in which every value knows its line and column.

Built on PyYAML's event stream instead of its composer, so that depth, expansion of aliases, duplicate keys and tags are
judged before anything grows.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

import yaml

from tta_orchestrate.settings.problem import Mark, Path, Problem, Problems
from tta_orchestrate.settings.scalars import Scalar, resolve
from tta_orchestrate.settings.text import printable

MAX_BYTES: Final = 1_000_000
MAX_NODES: Final = 20_000
MAX_DEPTH: Final = 32
_MERGE: Final = "<<"


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigSource:
    """The bytes of a configuration file, wherever they come from (a disk, a git blob), and the name to call it by."""

    name: str
    data: bytes

    def problem(self, mark: Mark, message: str) -> Problem:
        """Return *message* at *mark* of this file."""
        return Problem(place=f"{printable(self.name, 200)}:{mark.line}:{mark.column}", message=message)


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """A value and where it stands; ``keys`` tells where the keys of a mapping stand; ``size`` counts expanded nodes."""

    value: "Scalar | dict[str, Node] | list[Node]"
    mark: Mark
    keys: dict[str, Mark] = field(default_factory=dict)
    size: int = 1

    def plain(self) -> Any:
        """Return the data alone."""
        match self.value:
            case dict():
                return {key: node.plain() for key, node in self.value.items()}
            case list():
                return [node.plain() for node in self.value]
            case _:
                return self.value

    def at(self, path: Path) -> "Node | None":
        """Return the node at *path*, or None when nothing is written there."""
        node: Node | None = self
        for part in path:
            match node.value if node else None:
                case dict() as entries:
                    node = entries.get(str(part))
                case list() as items if isinstance(part, int) and part < len(items):
                    node = items[part]
                case _:
                    return None
        return node

    def nearest(self, path: Path) -> Mark:
        """Return where to point for *path*: at its key, or else at the nearest thing around it that is written."""
        for end in range(len(path), 0, -1):
            parent, last = self.at(path[: end - 1]), path[end - 1]
            if parent and str(last) in parent.keys:
                return parent.keys[str(last)]
            if node := self.at(path[:end]):
                return node.mark
        return self.mark


def compose(source: ConfigSource) -> Node | None:
    """Return the one document of *source*; None when there is none (empty, or comments only).

    Raises:
        Problems: what is wrong, with line and column.
    """
    try:
        return _Composer(source).document()
    except yaml.reader.ReaderError as error:
        text = _decode(source)
        raise Problems([source.problem(_mark_at(text, error.position), "this character is not allowed")]) from error
    except yaml.MarkedYAMLError as error:
        raise Problems([source.problem(_mark(error.problem_mark or error.context_mark), _syntax(error))]) from error
    except (ValueError, OverflowError) as error:  # PyYAML lets chr() and int() fail on absurd escapes and versions
        raise Problems([source.problem(Mark(line=1, column=1), "an escape or directive is out of range")]) from error


def _syntax(error: yaml.MarkedYAMLError) -> str:
    message = ", ".join(part for part in (error.context, error.problem) if part)
    hint = "; indent with spaces, not tabs" if "'\\t'" in message else ""
    return f"this is no YAML: {printable(message, 200)}{hint}"


def _decode(source: ConfigSource) -> str:
    if len(source.data) > MAX_BYTES:
        message = f"the file has {len(source.data)} bytes; at most {MAX_BYTES} are read"
        raise Problems([source.problem(Mark(line=1, column=1), message)])
    try:
        return source.data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = error.object[: error.start]  # the codec counts after the byte order mark
        offset = error.start + len(source.data) - len(error.object)
        mark = Mark(line=before.count(b"\n") + 1, column=error.start - before.rfind(b"\n"))
        message = f"byte {offset} (0x{error.object[error.start]:02x}) is not UTF-8; save the file as UTF-8"
        raise Problems([source.problem(mark, message)]) from error


def _mark(mark: Any) -> Mark:
    return Mark(line=mark.line + 1, column=mark.column + 1) if mark else Mark(line=1, column=1)


def _mark_at(text: str, position: int) -> Mark:
    before = text[:position]
    return Mark(line=before.count("\n") + 1, column=position - before.rfind("\n"))


class _Composer:
    """Walks the events of one document."""

    def __init__(self, source: ConfigSource) -> None:
        self.source = source
        self.events: Iterator[Any] = iter(yaml.parse(_decode(source), Loader=yaml.SafeLoader))
        self.anchors: dict[str, Node] = {}
        self.nodes = 0
        self.duplicates: list[Problem] = []

    def document(self) -> Node | None:
        next(self.events)  # the stream starts
        if isinstance(next(self.events), yaml.StreamEndEvent):
            return None
        node = self.node(next(self.events), depth=0)
        next(self.events)  # the document ends
        after = next(self.events)
        if not isinstance(after, yaml.StreamEndEvent):
            raise self.wrong(after, "a second document starts here; a configuration is one document")
        if self.duplicates:
            raise Problems(self.duplicates)
        written = node.value is not None or node.size > 1
        return node if written else None

    def wrong(self, event: Any, message: str) -> Problems:
        return Problems([self.source.problem(_mark(event.start_mark), message)])

    def node(self, event: Any, *, depth: int) -> Node:
        if isinstance(event, yaml.AliasEvent):
            return self.alias(event)
        if event.tag not in {None, "!"}:
            raise self.wrong(event, f"tags are not allowed, found {printable(event.tag)}")
        if depth > MAX_DEPTH:
            raise self.wrong(event, f"nested deeper than {MAX_DEPTH} levels")
        self.count(event, 1)
        if isinstance(event, yaml.ScalarEvent):
            node = Node(value=self.scalar(event), mark=_mark(event.start_mark))
        elif isinstance(event, yaml.SequenceStartEvent):
            node = self.sequence(event, depth)
        else:
            node = self.mapping(event, depth)
        if event.anchor:
            self.anchors[event.anchor] = node
        return node

    def count(self, event: Any, size: int) -> None:
        self.nodes += size
        if self.nodes > MAX_NODES:
            raise self.wrong(event, f"more than {MAX_NODES} values, counting what aliases repeat")

    def alias(self, event: Any) -> Node:
        node = self.anchors.get(event.anchor)
        if node is None:
            raise self.wrong(event, f"alias *{printable(event.anchor)} has no finished anchor before it")
        self.count(event, node.size)
        return node

    def scalar(self, event: Any) -> Scalar:
        try:
            event.value.encode("utf-8")
            return resolve(event.value) if event.implicit[0] else str(event.value)
        except UnicodeEncodeError as error:
            raise self.wrong(event, "half of a surrogate pair is no character") from error
        except ValueError as error:
            raise self.wrong(event, f"{error}, found {printable(event.value)}") from error

    def sequence(self, start: Any, depth: int) -> Node:
        items: list[Node] = []
        while not isinstance(event := next(self.events), yaml.SequenceEndEvent):
            items.append(self.node(event, depth=depth + 1))
        return Node(value=items, mark=_mark(start.start_mark), size=1 + sum(item.size for item in items))

    def mapping(self, start: Any, depth: int) -> Node:
        entries: dict[str, Node] = {}
        keys: dict[str, Mark] = {}
        merged: list[Node] = []
        while not isinstance(event := next(self.events), yaml.MappingEndEvent):
            key, mark = self.key(event), _mark(event.start_mark)
            value = self.node(next(self.events), depth=depth + 1)
            if key == _MERGE and event.implicit[0]:
                merged += self.mergeable(event, value)
            elif key in keys:
                message = f"duplicate key {printable(key)}; it stands on line {keys[key].line} already"
                self.duplicates.append(self.source.problem(mark, message))
            else:
                entries[key], keys[key] = value, mark
        for base in merged:  # what is written wins over what is merged, the first merged over the next
            for key, value in base.value.items() if isinstance(base.value, dict) else ():
                if key not in entries:
                    entries[key], keys[key] = value, base.keys[key]
        size = 1 + sum(node.size for node in entries.values())
        return Node(value=entries, mark=_mark(start.start_mark), keys=keys, size=size)

    def key(self, event: Any) -> str:
        if not isinstance(event, yaml.ScalarEvent) or event.tag not in {None, "!"}:
            raise self.wrong(event, "a key must be plain text")
        try:
            event.value.encode("utf-8")
        except UnicodeEncodeError as error:
            raise self.wrong(event, "half of a surrogate pair is no character") from error
        return str(event.value)

    def mergeable(self, event: Any, value: Node) -> list[Node]:
        bases = value.value if isinstance(value.value, list) else [value]
        if not all(isinstance(base.value, dict) for base in bases):
            raise self.wrong(event, "<< merges mappings only")
        return bases
