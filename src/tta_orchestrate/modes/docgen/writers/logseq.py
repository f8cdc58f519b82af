"""Logseq OG file graphs: page properties first, an outline of bullets, UUID ids, ``___`` namespaces.

Written as Logseq itself writes back (tabs, two blanks of continuation), so that its own saves change nothing.
"""

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Final

from tta_orchestrate.modes.docgen import escape
from tta_orchestrate.modes.docgen.model import (
    DASH,
    Block,
    BlockRef,
    Code,
    Inline,
    Link,
    Page,
    PageRef,
    Piece,
    Strong,
    Text,
)
from tta_orchestrate.modes.docgen.writers.contract import RAW, Book

_MAX_BLOCK: Final = 9_000
_ENCODED: Final = re.compile(r'[:*?"<>|#\\]')
_BULLET: Final = re.compile(r"^([\t ]*)-(?: (.*)|$)")
_ID: Final = re.compile(r"^id:: ([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\s*$")
_PROPERTY: Final = re.compile(r"^[^\s:]+:: ")
_OWN_PROPERTIES: Final = frozenset({"id", "kind", "doc-status", "status", "review"})
_FENCE: Final = re.compile(r"^\s*(?:- )?(```|~~~)")

CONFIG: Final = """{:meta/version 1
 :preferred-format "Markdown"
 :preferred-workflow :now
 :file/name-format :triple-lowbar
 :property-pages/enabled? true
 :property-pages/excludelist
 #{:type :language :package :source :status :parse-status :documented :kind :doc-status :review}}
"""


class Logseq:
    """The Logseq writer (file graphs, also what the importer of Logseq 2.x reads)."""

    name = "logseq"

    def filename(self, page: str, *, home: bool = False) -> str:
        """Return the file of *page* in the ``:triple-lowbar`` format."""
        del home
        return f"pages/{encode_name(page)}.md"

    def render(self, page: Page, book: Book) -> Piece:
        """Return the outline of *page*."""
        del book
        head = "\n".join(f"{name}:: {_value(value)}" for name, value in page.properties)
        return Piece(key="head", text=head, children=tuple(self._pieces(page.blocks)))

    def _pieces(self, blocks: Sequence[Block]) -> Iterator[Piece]:
        for block in blocks:
            if not block.only or self.name in block.only:
                yield from self._piece(block)

    def _piece(self, block: Block) -> Iterator[Piece]:
        children = tuple(self._pieces(block.children))
        texts = list(_texts(block))
        yield Piece(key=block.key, id=block.id, text=texts[0], children=children)
        for n, text in enumerate(texts[1:], 1):
            yield Piece(key=f"{block.key}+{n}", text=text)

    def assemble(self, root: Piece) -> str:
        """Return the page; one blank line stands between properties and blocks."""
        lines = [root.text, ""] if root.text else []
        for child in root.children:
            lines += _lines(child, 0)
        return "\n".join(lines) + "\n"

    def dissect(self, text: str) -> Piece:
        """Return the outline of a page, whoever wrote it: tabs or blanks, bare text kept."""
        return _Dissector(text).root()

    def property_line(self, piece: Piece, name: str, value: str) -> Piece:
        """Return *piece* with ``name:: value`` under its first line; an existing value is replaced."""
        first, *rest = piece.text.split("\n")
        kept = [line for line in rest if not line.startswith(f"{name}:: ")]
        return replace(piece, text="\n".join([first, f"{name}:: {value}", *kept]))

    def head_property(self, root: Piece, name: str, value: str) -> Piece:
        """Return the page with ``name:: value`` among its page properties."""
        rows = [line for line in root.text.split("\n") if line and not line.startswith(f"{name}::")]
        return replace(root, text="\n".join([*rows, f"{name}:: {value}"]))

    def additions(self, text: str) -> tuple[str, tuple[str, ...]]:
        """Split off properties that no generator writes, such as Logseq's own ``collapsed::``."""
        first, *rest = text.split("\n")
        if not rest or first.startswith(("```", "~~~")):
            return text, ()
        cut = next((n for n, line in enumerate(rest) if not _PROPERTY.match(line)), len(rest))
        foreign = tuple(line for line in rest[:cut] if line.partition("::")[0] not in _OWN_PROPERTIES)
        own = [line for line in rest[:cut] if line not in foreign]
        return "\n".join([first, *own, *rest[cut:]]), foreign

    def with_additions(self, text: str, additions: tuple[str, ...]) -> str:
        """Put the properties back, under the first line."""
        if not additions:
            return text
        first, *rest = text.split("\n")
        return "\n".join([first, *additions, *rest])

    def note(self, text: str) -> Piece:
        """Return a block with ``review:: needed``; the new version stands in a fence, so it cites nothing."""
        return Piece(text=f"The code has changed\nreview:: needed\n```markdown\n{escape.fence_text(text)}\n```")

    def extras(self, book: Book) -> Mapping[str, str]:
        """Return the configuration that decodes the file names; written only where none exists."""
        del book
        return {"logseq/config.edn": CONFIG}


def encode_name(page: str) -> str:
    """Return the file name (without ``.md``) of *page* by Logseq's ``:triple-lowbar`` rules."""
    name = unicodedata.normalize("NFC", page).replace("%", "%25")
    name = _ENCODED.sub(lambda m: f"%{ord(m.group()):02X}", name)
    name = re.sub(r"___|_/|/_", lambda m: m.group().replace("_", "%5F"), name)
    name = name.replace("/", "___")
    return f"%2E{name[1:]}" if name.startswith(".") else name


def decode_name(stem: str) -> str:
    """Return the page that a file name stands for."""
    return re.sub(r"%([0-9A-Fa-f]{2})", lambda m: chr(int(m.group(1), 16)), stem.replace("___", "/"))


def _value(value: Sequence[Inline]) -> str:
    return "".join(_in_property(part) for part in value)


def _in_property(part: Inline) -> str:
    match part:
        case PageRef(page=page):
            return f"[[{page}]]"
        case Link(url=url, label=label):
            return f"[{re.sub(r'[^0-9A-Za-z_./: -]', '', label) or 'link'}]({escape.safe_url(url)})"
        case Text(text=text) | Code(text=text) | Strong(text=text) | BlockRef(label=text):
            return re.sub(r"[\[\](){}#`\"\\]", "", escape.one_line(text))


def _texts(block: Block) -> Iterator[str]:
    if block.fence is not None:
        for chunk in _chunks(escape.fence_text(block.fence.text)):
            yield f"```{block.fence.language}\n{chunk}\n```"
        return
    line = f"{{{{{block.macro}}}}}" if block.macro else _inline_text(block.body)
    marks = "#" * block.heading + " " if block.heading else ""
    properties = [("id", block.id)] if block.id else []
    rows = [f"{marks}{line}", *(f"{name}:: {value}" for name, value in [*properties, *block.properties])]
    yield "\n".join(rows)


def _chunks(text: str) -> Iterator[str]:
    """Cut a long sample at line ends: Logseq does not edit blocks above ten thousand characters."""
    chunk: list[str] = []
    size = 0
    for line in text.split("\n"):
        if chunk and size + len(line) > _MAX_BLOCK:
            yield "\n".join(chunk)
            chunk, size = [], 0
        chunk.append(line[:_MAX_BLOCK])
        size += len(line) + 1
    yield "\n".join(chunk)


def _inline_text(body: Sequence[Inline]) -> str:
    line = "".join(_inline(part, at_start=n == 0) for n, part in enumerate(body)).strip()
    if escape.starts_property(line):
        line = f"{DASH.strip()} {line}"
    return line if len(line) <= _MAX_BLOCK else _shortened(body)


def _shortened(body: Sequence[Inline]) -> str:
    text = " ".join(_plain(part) for part in body)
    return escape.logseq_text(escape.one_line(text)[: _MAX_BLOCK // 3], at_start=True) + " …"


def _plain(part: Inline) -> str:
    match part:
        case PageRef(page=page, label=label):
            return label or page
        case Link(label=label) | BlockRef(label=label):
            return label
        case Text(text=text) | Code(text=text) | Strong(text=text):
            return text


def _inline(part: Inline, *, at_start: bool) -> str:
    match part:
        case Text(text=text):
            return escape.logseq_text(text, at_start=at_start)
        case Code(text=text):
            return escape.code_span(text)
        case Strong(text=text):
            return f"**{escape.logseq_text(text, at_start=False)}**"
        case PageRef(page=page, label=label):
            return (
                f"[{escape.logseq_text(label, at_start=False)}]([[{page}]])"
                if label and label != page
                else f"[[{page}]]"
            )
        case BlockRef(id=identity, label=label):
            return f"[{escape.logseq_text(escape.one_line(label), at_start=False)}]((({identity})))"
        case Link(url=url, label=label):
            return f"[{escape.logseq_text(escape.one_line(label), at_start=False)}]({escape.safe_url(url)})"


def _lines(piece: Piece, depth: int) -> Iterator[str]:
    if piece.key == RAW:
        yield from piece.text.split("\n")
    else:
        indent = "\t" * depth
        first, *rest = piece.text.split("\n")
        yield f"{indent}- {first}".rstrip() if not first else f"{indent}- {first}"
        for line in rest:
            yield f"{indent}  {line}" if line else ""
    for child in piece.children:
        yield from _lines(child, depth + 1)


class _Dissector:
    def __init__(self, text: str) -> None:
        self.lines = text.replace("\r\n", "\n").rstrip("\n").split("\n")

    def root(self) -> Piece:
        head: list[str] = []
        flat: list[tuple[int, list[str], str]] = []
        margins: list[int] = []
        fenced = ""
        for line in self.lines:
            bullet = None if fenced else _BULLET.match(line)
            fenced = _toggle(fenced, line)
            if bullet is not None:
                width = _width(bullet.group(1))
                while margins and margins[-1] >= width:
                    margins.pop()
                flat.append((len(margins), [bullet.group(2) or ""], ""))
                margins.append(width)
            elif not flat:
                head.append(line)
            elif line and not line[0].isspace() and not fenced and not _closes(line):
                flat.append((0, [line], RAW))
                margins = []
            else:
                flat[-1][1].append(_unindent(line, margins[-1] if margins else 0))
        return Piece(text="\n".join(head).strip("\n"), children=_nest(flat))


def _closes(line: str) -> bool:
    return line.startswith(("```", "~~~"))


def _toggle(fenced: str, line: str) -> str:
    match = _FENCE.match(line)
    if match is None:
        return fenced
    if fenced:
        return "" if match.group(1) == fenced else fenced
    return match.group(1)


def _width(indent: str) -> int:
    return len(indent.expandtabs(4))


def _unindent(line: str, margin: int) -> str:
    """Remove the indentation of a block at *margin* columns (tab = 4) and its two blanks of continuation."""
    column, cut = 0, 0
    while cut < len(line) and column < margin + 2 and line[cut] in " \t":
        column += 4 if line[cut] == "\t" else 1
        cut += 1
    return line[cut:]


def _nest(flat: Sequence[tuple[int, list[str], str]]) -> tuple[Piece, ...]:
    built: list[Piece] = []
    at = 0
    while at < len(flat):
        depth = flat[at][0]
        end = at + 1
        while end < len(flat) and flat[end][0] > depth:
            end += 1
        text = "\n".join(flat[at][1]).rstrip("\n")
        built.append(Piece(text=text, key=flat[at][2], id=_identity(text), children=_nest(flat[at + 1 : end])))
        at = end
    return tuple(built)


def _identity(text: str) -> str:
    fenced = ""
    for line in text.split("\n")[1:]:
        fenced = _toggle(fenced, line)
        if not fenced and (match := _ID.match(line)):
            return match.group(1)
    return ""
