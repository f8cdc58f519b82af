"""Calls that somebody already wrote: docstring examples, tests, call sites. They are the best inputs there are."""

import ast
import doctest
import re
from collections.abc import Iterable, Iterator
from typing import Final

_MOST: Final = 400
_PLAIN: Final = (
    ast.Constant, ast.List, ast.Tuple, ast.Dict, ast.Set, ast.UnaryOp, ast.USub, ast.UAdd, ast.Load, ast.Expression,
    ast.Call, ast.Name,
    ast.Attribute, ast.keyword, ast.BinOp, ast.Pow, ast.Mult, ast.Add, ast.Sub, ast.Lambda, ast.arguments, ast.arg,
    ast.Compare, ast.Gt, ast.Lt,
    ast.Eq, ast.Mod, ast.Div,
)  # fmt: skip


def mine(source: str, others: Iterable[str]) -> list[str]:
    """Return call expressions on the names that *source* defines, without free variables, docstring examples first."""
    try:
        tree = ast.parse(source)
    except SyntaxError:
        return []
    defined = {n.name for n in ast.walk(tree) if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)}
    top = {n.name for n in tree.body if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)}
    found: dict[str, None] = {}
    for text in _docstring_examples(tree):
        found.update(dict.fromkeys(_calls(text, defined, top)))
    for text in others:
        if any(name in text for name in top):
            found.update(dict.fromkeys(_calls(text, defined, top)))
        found.update(dict.fromkeys(_tables(text, top)))
    return list(found)[:_MOST]


def _docstring_examples(tree: ast.Module) -> Iterator[str]:
    parser = doctest.DocTestParser()
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            text = ast.get_docstring(node, clean=True)
            if text and ">>>" in text:
                try:
                    yield from (example.source for example in parser.get_examples(text))
                except ValueError:
                    yield from re.findall(r"^\s*>>> (.*)$", text, re.MULTILINE)


def _calls(text: str, defined: set[str], top: set[str]) -> Iterator[str]:
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError):
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and _name(node.func) in defined and _closed(node, top):
            yield ast.unparse(_Shorten(top).visit(node))


def _tables(text: str, top: set[str]) -> Iterator[str]:
    """Yield calls made of ``parametrize`` rows: the first literal of a row is tried on the function the test calls."""
    if "parametrize" not in text:
        return
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError):
        return
    for function in (n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef) and n.decorator_list):
        called = [_name(n.func) for n in ast.walk(function) if isinstance(n, ast.Call) and _name(n.func) in top]
        for decorator in function.decorator_list:
            rows = _rows(decorator)
            for row in rows[:40] if called else ():
                cells = row.elts if isinstance(row, ast.Tuple | ast.List) else [row]
                for count in {1, max(1, len(cells) - 1)}:
                    if all(_closed(cell, top) for cell in cells[:count]):
                        yield f"{called[0]}({', '.join(ast.unparse(cell) for cell in cells[:count])})"


def _rows(decorator: ast.expr) -> list[ast.expr]:
    match decorator:
        case ast.Call(args=[_, ast.List(elts=rows) | ast.Tuple(elts=rows), *_]):
            return rows
        case _:
            return []


def _name(node: ast.expr) -> str:
    return node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""


def _closed(node: ast.expr, top: set[str]) -> bool:
    """Whether *node* can be evaluated with the tested names and builtins alone."""
    bound = {a.arg for n in ast.walk(node) if isinstance(n, ast.Lambda) for a in n.args.args}
    for child in ast.walk(node):
        if not isinstance(child, _PLAIN):
            return False
        if isinstance(child, ast.Name) and child.id not in top | bound and child.id not in _BUILTIN:
            return _is_module_prefix(node, child, top)
    return True


_BUILTIN: Final = {
    "int",
    "str",
    "float",
    "bool",
    "list",
    "dict",
    "set",
    "tuple",
    "len",
    "range",
    "abs",
    "min",
    "max",
    "sum",
    "sorted",
    "iter",
    "True",
    "False",
    "None",
    "frozenset",
    "bytes",
    "object",
}


def _is_module_prefix(node: ast.expr, name: ast.Name, top: set[str]) -> bool:
    """Whether *name* only stands as ``module.`` in front of a tested name."""
    uses = [n for n in ast.walk(node) if isinstance(n, ast.Attribute) and n.value is name]
    return bool(uses) and all(use.attr in top for use in uses)


class _Shorten(ast.NodeTransformer):
    """``module.name`` to ``name`` for tested names."""

    def __init__(self, top: set[str]) -> None:
        self._top = top

    def visit_Attribute(self, node: ast.Attribute) -> ast.expr:
        self.generic_visit(node)
        if isinstance(node.value, ast.Name) and node.value.id not in self._top and node.attr in self._top:
            return ast.Name(id=node.attr, ctx=ast.Load())
        return node
