"""The document model: what a page says, before any format is chosen.

Text is plain: markup in it means nothing, and each writer escapes it for its format.
"""

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

NAMESPACE: Final = uuid.UUID("5f0c3a52-6a0e-5d0b-9c41-6d1a0f2f7e11")


def block_id(project: str, key: str) -> str:
    """Return the UUIDv5 of a block: the same project and key give the same id on every machine."""
    return str(uuid.uuid5(NAMESPACE, f"{project}|{key}"))


DASH: Final = " \u2013 "
"""Between a name and what is said of it."""


class Origin(StrEnum):
    """Who says so."""

    DOCSTRING = "docstring"
    DERIVED = "derived"
    MODEL = "model"


@dataclass(frozen=True, slots=True)
class Text:
    """Words; nothing in them is markup."""

    text: str


@dataclass(frozen=True, slots=True)
class Code:
    """An identifier or an expression in running text."""

    text: str


@dataclass(frozen=True, slots=True)
class Strong:
    """Words that stand out."""

    text: str


@dataclass(frozen=True, slots=True)
class PageRef:
    """A link to a page of the same book, by its name."""

    page: str
    label: str = ""


@dataclass(frozen=True, slots=True)
class BlockRef:
    """A link to a block of the same book."""

    id: str
    page: str
    label: str


@dataclass(frozen=True, slots=True)
class Link:
    """A link to the outside."""

    url: str
    label: str


Inline = Text | Code | Strong | PageRef | BlockRef | Link


@dataclass(frozen=True, slots=True, kw_only=True)
class Fence:
    """A block of code, verbatim."""

    language: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """One statement of a page. ``key`` is its stable identity within the page; only blocks with ``id`` can be cited."""

    key: str
    body: tuple[Inline, ...] = ()
    fence: Fence | None = None
    macro: str = ""
    """A Logseq macro of the generator's own, without its braces."""
    heading: int = 0
    id: str = ""
    properties: tuple[tuple[str, str], ...] = ()
    children: tuple["Block", ...] = ()
    origin: Origin = Origin.DERIVED
    only: tuple[str, ...] = ()
    """Writers that show this block; empty means all."""

    def walk(self) -> Iterator["Block"]:
        """Yield this block and everything beneath it, outside first."""
        yield self
        for child in self.children:
            yield from child.walk()


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One page. ``name`` uses slashes for namespaces; properties come first in every format."""

    name: str
    title: str
    properties: tuple[tuple[str, tuple[Inline, ...]], ...] = ()
    blocks: tuple[Block, ...] = ()

    def walk(self) -> Iterator[Block]:
        """Yield every block, outside first."""
        for block in self.blocks:
            yield from block.walk()


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """A part of a page file as a tree: what merging works on.

    ``text`` is the piece's own text without that of its children, indentation removed. ``key`` is ``""`` for what a
    human wrote; ``id`` is the anchor written in the text, ``""`` without one.
    """

    text: str
    key: str = ""
    id: str = ""
    children: tuple["Piece", ...] = ()

    def walk(self) -> Iterator["Piece"]:
        """Yield this piece and everything beneath it, outside first."""
        yield self
        for child in self.children:
            yield from child.walk()
