"""Sphinx with MyST: ``(label)=`` targets, ``{ref}``-free Markdown links, a toctree, and a starting ``conf.py``."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

from tta_orchestrate.modes.docgen import escape
from tta_orchestrate.modes.docgen.model import BlockRef, Page, PageRef, Piece
from tta_orchestrate.modes.docgen.writers.contract import Book
from tta_orchestrate.modes.docgen.writers.markdown import Markdown

_ANCHOR: Final = re.compile(r"^\(([0-9a-f-]{36})\)=$", re.MULTILINE)

CONF: Final = """project = {project!r}
extensions = ["myst_parser"]
exclude_patterns = [".docgen"]
myst_enable_extensions = ["colon_fence"]
suppress_warnings = ["misc.highlighting_failure"]  # examples in docstrings are not always code
"""


class Sphinx(Markdown):
    """MyST pages."""

    name = "sphinx"
    anchor_pattern = _ANCHOR

    def anchor(self, identity: str) -> str:
        """Return a MyST target."""
        return f"({identity})="

    def fence(self, language: str, text: str) -> str:
        """Return a code sample; diagrams become a literal block, which needs no extension."""
        return super().fence("text" if language == "mermaid" else language, text)

    def reference(self, part: PageRef | BlockRef, page: Page, book: Book) -> str:
        """Return a link that MyST resolves: to a target, or to a file."""
        if isinstance(part, BlockRef) and part.page in book.files:
            return f"[{escape.markdown_text(escape.one_line(part.label), at_start=False)}](#{part.id})"
        return super().reference(part, page, book)

    def render(self, page: Page, book: Book) -> Piece:
        """Return the sections; the home page gets the toctree of all others."""
        root = super().render(page, book)
        if page.name != book.home:
            return root
        tree = Piece(key="toctree", text=_toctree(sorted(f for p, f in book.files.items() if p != book.home)))
        return replace(root, children=(*root.children, Piece(key="pages", text="## All pages", children=(tree,))))

    def extras(self, book: Book) -> Mapping[str, str]:
        """Return a configuration, written only where none exists."""
        return {"conf.py": CONF.format(project=book.project)}


def _toctree(files: Sequence[str]) -> str:
    return "\n".join(["```{toctree}", ":maxdepth: 1", "", *(f.removesuffix(".md") for f in files), "```"])
