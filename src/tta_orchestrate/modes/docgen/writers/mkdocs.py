"""MkDocs: Markdown with navigation. ``mkdocs.yml`` is written next to the pages only where none exists."""

import json
from collections.abc import Mapping

from tta_orchestrate.modes.docgen.writers.contract import Book
from tta_orchestrate.modes.docgen.writers.markdown import Markdown


class MkDocs(Markdown):
    """Markdown pages below ``docs/``, ``nav.yml`` to include, and a starting ``mkdocs.yml``."""

    name = "mkdocs"

    def filename(self, page: str, *, home: bool = False) -> str:
        """Return a path below ``docs/``, MkDocs' own folder."""
        return f"docs/{super().filename(page, home=home)}"

    def extras(self, book: Book) -> Mapping[str, str]:
        """Return the settings with the navigation of all pages."""
        rows = ["nav:"]
        for page, file in sorted(book.files.items(), key=lambda item: (item[0] != book.home, item[0])):
            title = "Home" if page == book.home else page
            rows.append(f"  - {json.dumps(title, ensure_ascii=False)}: {json.dumps(file.removeprefix('docs/'))}")
        settings = [f"site_name: {json.dumps(book.project, ensure_ascii=False)}", *rows]
        return {"mkdocs.yml": "\n".join(settings) + "\n"}
