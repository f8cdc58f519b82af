"""What a writer promises."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from tta_orchestrate.modes.docgen.model import Page, Piece

RAW = "raw"
"""The key of a piece that is no block of the format (bare text between blocks): written back as it is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Book:
    """What a writer knows of the whole: the project, its home page, every page with its title."""

    project: str
    home: str
    titles: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)
    """Page name to file path below the docs folder."""


class Writer(Protocol):
    """One format. ``assemble(dissect(text))`` keeps every block of *text*."""

    name: str

    def filename(self, page: str, *, home: bool = False) -> str:
        """Return the path of *page* below the docs folder."""
        ...

    def render(self, page: Page, book: Book) -> Piece:
        """Return the tree of the file: the root holds what stands before the first block."""
        ...

    def assemble(self, root: Piece) -> str:
        """Return the text of the file."""
        ...

    def dissect(self, text: str) -> Piece:
        """Return the tree of an existing file; keys are unknown, ids are those written in it."""
        ...

    def property_line(self, piece: Piece, name: str, value: str) -> Piece:
        """Return *piece* with a property added (``status`` of removed symbols)."""
        ...

    def head_property(self, root: Piece, name: str, value: str) -> Piece:
        """Return the page with a page property set."""
        ...

    def additions(self, text: str) -> tuple[str, tuple[str, ...]]:
        """Split a block's text into what a generator could have written, and properties that a reader's tool added."""
        ...

    def with_additions(self, text: str, additions: tuple[str, ...]) -> str:
        """Put the additions back."""
        ...

    def note(self, text: str) -> Piece:
        """Return a child piece that asks for a review and holds *text*, the new version of its parent."""
        ...

    def extras(self, book: Book) -> Mapping[str, str]:
        """Return other files of the format (navigation, settings) by path below the docs folder."""
        ...
