"""Where changed functions are used elsewhere in the repository, by their names."""

import re
from collections.abc import Callable, Iterable, Sequence
from typing import Final

from tta_orchestrate.modes.review.segments import Callers
from tta_orchestrate.modes.review.syntax import SUFFIXES

Uses = Callable[[Iterable[str], Iterable[str]], Iterable[tuple[str, int, str]]]
"""From names and file suffixes to places: path, line, text."""
_MOST_NAMES: Final = 40
_LONGEST: Final = 160
_COMMON: Final = frozenset(
    [
        "main",
        "init",
        "run",
        "get",
        "set",
        "new",
        "test",
        "name",
        "value",
        "data",
        "close",
        "open",
        "read",
        "write",
        "update",
    ]
)


def callers(uses: Uses) -> Callers:
    """Return a lookup of calls by name; names that everything has are not looked up."""

    def find(names: Sequence[str]) -> dict[str, list[tuple[str, int, str]]]:
        wanted = [name for name in names if name not in _COMMON and not name.startswith("__")][:_MOST_NAMES]
        found: dict[str, list[tuple[str, int, str]]] = {name: [] for name in wanted}
        if not wanted:
            return {}
        call = re.compile(rf"\b({'|'.join(map(re.escape, wanted))})\s*\(")
        for path, line, text in uses(wanted, SUFFIXES):
            match = call.search(text[:_LONGEST])
            if match:
                found[match[1]].append((path, line, text[:_LONGEST]))
        return found

    return find
