"""What the text of a module tells about good inputs: its constants and near misses of them, the words that it knows."""

import ast
import bisect
import random
import re
import types
from collections.abc import Iterator, Sequence
from typing import Any

Function = ast.FunctionDef | ast.AsyncFunctionDef
ENTRIES = 60
"""Most entries read of one table of the module."""
_WORDS = 80
"""Most words that a target is given."""
_SHARED = 200
"""Most constants of one kind that a target is given from outside of its own text."""


def functions(tree: ast.Module) -> dict[int, Function]:
    """Return the functions by their first lines, that of ``def`` and that of the first decorator."""
    found: dict[int, Function] = {}
    for node in ast.walk(tree):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            for line in {node.lineno, *(d.lineno for d in node.decorator_list[:1])}:
                found.setdefault(line, node)
    return found


def quoted(function: "Function | None") -> list[str]:
    """Return what the docstring of *function* quotes as code or as a text."""
    text = ast.get_docstring(function) if function is not None else None
    found = re.findall(r"``?([^`\n]{1,40})``?|[\"']([^\"'\n]{1,40})[\"']", text or "")
    return [one for pair in found for one in pair if one]


class Mine:
    """The constants of one module by their lines, and what stands in its tables."""

    def __init__(self, tree: ast.Module, module: types.ModuleType) -> None:
        prose = {c for node in ast.walk(tree) if isinstance(node, (ast.Raise, ast.Expr)) for c in _prose(node)}
        constants = (n for n in ast.walk(tree) if isinstance(n, ast.Constant) and n not in prose)
        self._constants = sorted(((n.lineno, n.value) for n in constants), key=lambda pair: pair[0])
        self._data = _tables(module)
        shared: dict[str, set[str]] = {}
        self._words = {word for word in self._data if isinstance(word, str)}
        for _, value in self._constants:
            _mine(value, shared, self._words, near=False)
        for value in self._data:
            if type(value) is int and abs(value) > 1:
                shared.setdefault("int", set()).update({repr(value), repr(value + 1), repr(value - 1)})
            elif isinstance(value, str):
                shared.setdefault("key", set()).add(repr(value))
        self._shared = {kind: _some(sorted(found), _SHARED, kind) for kind, found in shared.items()}

    def literals(
        self, name: str, spans: Sequence[range], quotes: Sequence[str]
    ) -> tuple[dict[str, list[str]], list[str]]:
        """Return sources of constants by kind, and words, for the target *name* whose text lies in *spans*."""
        mined = {kind: set(found) for kind, found in self._shared.items()}
        close: set[str] = set(quotes)
        for span in spans:
            first = bisect.bisect_left(self._constants, span.start, key=lambda pair: pair[0])
            last = bisect.bisect_left(self._constants, span.stop, key=lambda pair: pair[0])
            for _, value in self._constants[first:last]:
                _mine(value, mined, close, near=True)
        mined.setdefault("str", set()).update(map(repr, quotes))
        near = sorted(close)
        rest = sorted(self._words.difference(close))
        chosen = near[:_WORDS] + _some(rest, max(_WORDS // 2, _WORDS - len(near)), name)
        return {kind: sorted(found) for kind, found in mined.items() if found}, chosen


def _some(items: Sequence[str], most: int, seed: str) -> list[str]:
    return random.Random(seed).sample(items, min(most, len(items)))


def _mine(value: object, mined: dict[str, set[str]], words: set[str], *, near: bool) -> None:
    """Add a constant, and near misses of it, to what was *mined*; what stands in the target's own text is *near*."""
    if isinstance(value, bool) or value is None:
        return
    if isinstance(value, int) and (near or abs(value) > 9):
        for v in (value, value + 1, value - 1, -value):
            mined.setdefault("int", set()).add(repr(v))
            mined.setdefault("float", set()).add(repr(float(v)) if abs(v) < 1e15 else repr(v))
    elif isinstance(value, float):
        mined.setdefault("float", set()).update({repr(value), repr(value + 0.5), repr(-value)})
    elif isinstance(value, str) and 0 < len(value) <= 40 and "\n" not in value:
        words.add(value)
        if near:
            mined.setdefault("str", set()).add(repr(value))
    elif isinstance(value, bytes) and len(value) <= 40:
        mined.setdefault("bytes", set()).add(repr(value))


def _prose(statement: "ast.Raise | ast.Expr") -> Iterator[ast.AST]:
    """Yield the constants of *statement* that are read, not used: parts of a message, or a docstring."""
    if isinstance(statement, ast.Raise):
        yield from (node for node in ast.walk(statement) if isinstance(node, ast.Constant))
    elif isinstance(statement.value, ast.Constant):
        yield statement.value


def _tables(module: types.ModuleType) -> list[Any]:
    """Return keys and entries of the module's tables: a lookup only tells something with what is in them."""
    found: list[Any] = []
    for name, value in vars(module).items():
        if name.startswith("__") or not isinstance(value, (dict, list, tuple, set, frozenset)):
            continue
        entries = list(value)[:ENTRIES] + (list(value.values())[:ENTRIES] if isinstance(value, dict) else [])
        for entry in entries:
            found += entry if isinstance(entry, tuple) else [entry]
    plain = [v for v in found if type(v) in {int, str, float} and len(str(v)) <= 40]
    return sorted(set(plain), key=repr)
