"""Obsidian: front matter, ``[[folder/page]]`` links, ``^id`` block anchors."""

import re
from typing import Final

from tta_orchestrate.modes.docgen import escape
from tta_orchestrate.modes.docgen.model import Block, BlockRef, Page, PageRef
from tta_orchestrate.modes.docgen.writers.contract import Book
from tta_orchestrate.modes.docgen.writers.markdown import Markdown

_ANCHOR: Final = re.compile(r" \^([0-9a-f-]{36})$", re.MULTILINE)


class Obsidian(Markdown):
    """A vault folder."""

    name = "obsidian"
    anchor_pattern = _ANCHOR

    def heading(self, block: Block, page: Page, book: Book) -> str:
        """Return the heading with its block id at the end of the line."""
        first, *rest = super().heading(block, page, book).split("\n")
        if not block.id:
            return "\n".join([first, *rest])
        title, *others = rest
        return "\n".join([f"{title} ^{block.id}", *others])

    def reference(self, part: PageRef | BlockRef, page: Page, book: Book) -> str:
        """Return a wiki link."""
        del page
        file = book.files.get(part.page)
        label = re.sub(r"[\[\]|]", " ", escape.one_line(part.label or part.page))
        if file is None:
            return escape.markdown_text(label, at_start=False)
        target = file.removesuffix(".md") + (f"#^{part.id}" if isinstance(part, BlockRef) else "")
        return f"[[{target}|{label}]]"
