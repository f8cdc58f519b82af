"""Which callables of a module run, or read what was made by, a given line: names in the text, followed through it."""

import ast
from collections.abc import Iterable
from typing import Union

_Function = Union[ast.FunctionDef, ast.AsyncFunctionDef]  # noqa: UP007 -- read by Python 3.9 as well


class Reach:
    """Functions by their qualified names, and what each one leads to. Names decide, so it errs on the large side."""

    def __init__(self, tree: ast.Module) -> None:
        self._spans: dict[str, range] = {}
        self._uses: dict[str, set[str]] = {}
        self._data: set[str] = set()
        self._at_import: set[str] = set()
        self._closures: dict[str, set[str]] = {}
        self._read(tree.body, "")
        self._by_name: dict[str, list[str]] = {}
        for qual in self._uses:
            self._by_name.setdefault(qual.rpartition(".")[2], []).append(qual)

    def behind(self, qual: str) -> set[str]:
        """Return the functions that *qual* may run, itself included."""
        if qual not in self._closures:
            found, left = set(), [qual]
            while left:
                name = left.pop()
                if name in found:
                    continue
                found.add(name)
                left += [q for used in self._uses.get(name, ()) for q in self._by_name.get(used, ())]
            self._closures[qual] = found
        return self._closures[qual]

    def spans(self, qual: str) -> list[range]:
        """Return the lines of the functions behind *qual*."""
        return [self._spans[name] for name in self.behind(qual) if name in self._spans]

    def related(self, line: int, quals: Iterable[str]) -> set[str]:
        """Return those of *quals* that may show a fault on *line*."""
        home = next((name for name, span in self._spans.items() if line in span), "")
        found = {qual for qual in quals if home in self.behind(qual)}
        if home.rpartition(".")[2] in self._at_import:
            shared = self._uses[home] & self._data
            found |= {q for q in quals if any(shared & self._uses.get(name, set()) for name in self.behind(q))}
        return found

    def _read(self, body: list[ast.stmt], prefix: str) -> None:
        for node in body:
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                self._function(node, prefix)
            elif isinstance(node, ast.ClassDef):
                self._uses.setdefault(prefix + node.name, set())
                self._read(node.body, f"{prefix}{node.name}.")
                self._constructor(node, prefix)
            else:
                names = [n for n in ast.walk(node) if isinstance(n, ast.Name)]
                self._at_import |= {n.id for n in names if isinstance(n.ctx, ast.Load)}
                if not prefix:
                    self._data |= {n.id for n in names if isinstance(n.ctx, ast.Store)}

    def _function(self, node: _Function, prefix: str) -> None:
        qual = prefix + node.name
        first = min([node.lineno, *(d.lineno for d in node.decorator_list)])
        self._spans[qual] = range(first, (node.end_lineno or node.lineno) + 1)
        self._at_import |= {n.id for d in node.decorator_list for n in ast.walk(d) if isinstance(n, ast.Name)}
        uses = self._uses.setdefault(qual, set())
        for inner in ast.walk(node):
            if isinstance(inner, ast.Name):
                uses.add(inner.id)
            elif isinstance(inner, ast.Attribute):
                uses.add(inner.attr)

    def _constructor(self, node: ast.ClassDef, prefix: str) -> None:
        """Making an object runs its constructor, and comparing or showing it the other special methods."""
        special = [n.name for n in node.body if isinstance(n, ast.FunctionDef) and n.name.startswith("__")]
        uses = self._uses[prefix + node.name]
        uses.update(*(self._uses[f"{prefix}{node.name}.{name}"] for name in special))
        uses.update(base.id for base in node.bases if isinstance(base, ast.Name))
