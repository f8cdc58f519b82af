"""Formats of pages, one file each. The content is the document model's; a writer only spells it."""

from typing import Final

from tta_orchestrate.errors import ConfigError
from tta_orchestrate.modes.docgen.writers.contract import Book, Writer
from tta_orchestrate.modes.docgen.writers.logseq import Logseq
from tta_orchestrate.modes.docgen.writers.markdown import Markdown
from tta_orchestrate.modes.docgen.writers.mkdocs import MkDocs
from tta_orchestrate.modes.docgen.writers.obsidian import Obsidian
from tta_orchestrate.modes.docgen.writers.sphinx import Sphinx

_WRITERS: Final[dict[str, Writer]] = {w.name: w for w in (Logseq(), Markdown(), MkDocs(), Obsidian(), Sphinx())}
NAMES: Final = tuple(sorted(_WRITERS))


def writer(name: str) -> Writer:
    """Return the writer called *name*.

    Raises:
        ConfigError: there is none of that name.
    """
    try:
        return _WRITERS[name]
    except KeyError as error:
        raise ConfigError(f"there is no docgen format {name!r}", remedy=f"choose one of: {', '.join(NAMES)}") from error


__all__ = ["NAMES", "Book", "Writer", "writer"]
