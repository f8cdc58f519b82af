"""What models wrote in earlier runs, and whether it still has a place."""

from collections.abc import Mapping

from tta_orchestrate.domain.symbol import Module, Symbol
from tta_orchestrate.modes.docgen.build import Written
from tta_orchestrate.modes.docgen.manifest import Prose
from tta_orchestrate.syntax.digest import digest


def evidence_digests(module: Module) -> Mapping[str, tuple[str, Symbol | None]]:
    """Return the digest of every documented symbol (``""``: the module's own doc comment)."""
    digests: dict[str, tuple[str, Symbol | None]] = {"": (digest(module.doc.text if module.doc else ""), None)}
    for symbol in module.public():
        digests.setdefault(symbol.path, (symbol.digest, symbol))
    return digests


def current_prose(module: Module, known: Mapping[str, Prose]) -> tuple[dict[str, Written], dict[str, Prose]]:
    """Return what models wrote that still has a place: undocumented, existing symbols; changed code makes it stale."""
    written: dict[str, Written] = {}
    kept: dict[str, Prose] = {}
    digests = evidence_digests(module)
    for path, prose in known.items():
        found = digests.get(path)
        doc = module.doc if path == "" else found[1].doc if found and found[1] else None
        if found is None or (doc and doc.text.strip()):
            continue
        written[path] = Written(text=prose.text, model=prose.model, stale=prose.digest != found[0])
        kept[path] = prose
    return written, kept
