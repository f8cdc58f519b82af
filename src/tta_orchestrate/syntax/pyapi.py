"""Breaking changes of a Python module between two versions, by griffe; nothing is imported."""

import logging
import warnings
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Breakage:
    """One change that can break callers. ``line`` is in the new version, 0 when the object is gone."""

    path: str
    symbol: str
    line: int
    kind: str
    """What changed, in griffe's words (``Parameter was removed`` …)."""


def breakages(key: str, path: str, before: str, after: str) -> tuple[Breakage, ...]:
    """Return the breaking changes of one module, sorted; a version that does not parse breaks nothing we can name."""
    import griffe

    logging.getLogger("griffe").setLevel(logging.CRITICAL)
    name = key.replace("/", ".")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            old = griffe.visit(name, filepath=Path(path), code=before)
            new = griffe.visit(name, filepath=Path(path), code=after)
            found = list(griffe.find_breaking_changes(old, new))
    except (SyntaxError, ValueError, RecursionError, griffe.AliasResolutionError, griffe.CyclicAliasError):
        return ()
    rows = {(_symbol(item.obj, name), _line(item), item.kind.value) for item in found}
    return tuple(Breakage(path=path, symbol=symbol, line=line, kind=kind) for symbol, line, kind in sorted(rows))


def _symbol(found: object, module: str) -> str:
    return str(getattr(found, "path", "")).removeprefix(f"{module}.")


def _line(item: object) -> int:
    new = getattr(item, "new_value", None)
    return int(getattr(new, "lineno", 0) or 0)
