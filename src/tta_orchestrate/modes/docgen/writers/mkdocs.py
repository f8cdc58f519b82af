"""MkDocs: Markdown below ``docs/``. ``mkdocs.yml`` is written next to the pages only where none exists."""

import json
from collections.abc import Mapping
from typing import Final

from tta_orchestrate.modes.docgen import escape
from tta_orchestrate.modes.docgen.model import Code, Inline, Page
from tta_orchestrate.modes.docgen.writers.contract import Book
from tta_orchestrate.modes.docgen.writers.markdown import Markdown

_SECTION: Final = "<!["
"""MkDocs looks for anchors with Python's ``html.parser``, code included, and that one stops at a made-up section."""

_ESCAPED: Final = r"<!\["


class MkDocs(Markdown):
    """Markdown pages below ``docs/``, and a starting ``mkdocs.yml``."""

    name = "mkdocs"

    def filename(self, page: str, *, home: bool = False) -> str:
        """Return a path below ``docs/``, MkDocs' own folder."""
        return f"docs/{super().filename(page, home=home)}"

    def fence(self, language: str, text: str) -> str:
        """Return a code sample."""
        return super().fence(language, text.replace(_SECTION, "<\u200b!["))

    def inline(self, part: Inline, page: Page, book: Book, *, at_start: bool) -> str:
        """Return one inline part."""
        if isinstance(part, Code) and _SECTION in part.text:
            text = escape.markdown_text(escape.one_line(part.text), at_start=False)
            return f"<code>{text.replace(_SECTION, _ESCAPED)}</code>"
        return super().inline(part, page, book, at_start=at_start)

    def extras(self, book: Book) -> Mapping[str, str]:
        """Return the settings: without ``nav`` MkDocs lists whatever pages there are, so that no list grows stale."""
        return {"mkdocs.yml": f"site_name: {json.dumps(book.project, ensure_ascii=False)}\n"}
