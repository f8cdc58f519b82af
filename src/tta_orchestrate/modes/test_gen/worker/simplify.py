"""Simpler ways to say a call: fewer arguments and steps, smaller values, shorter texts."""

import ast
import copy
from collections.abc import Iterable, Iterator, Sequence

from .build import Builder, literal
from .evaluate import Candidate

_SIMPLE = (
    "0", "1", "2", "''", "'a'", "'ab'", "[]", "[1]", "[1, 2]", "()", "{}", "None", "True", "False", "1.0", "0.5", "-1",
)  # fmt: skip
_MOST = 80
_WELL_KNOWN = {
    "decimal.Decimal": (
        "decimal.Decimal('1')",
        "decimal.Decimal('0')",
        "decimal.Decimal('10')",
        "decimal.Decimal('0.5')",
    ),
    "datetime.datetime": ("datetime.datetime(2024, 1, 1)", "datetime.datetime(2024, 2, 29, 12, 30)"),
    "datetime.timedelta": ("datetime.timedelta(1)", "datetime.timedelta(0)"),
}
_Path = tuple[tuple[str, int], ...]
"""The way to a part of an expression: field and number, from the outside in."""
_BY_TYPE = {
    str: ("'a'", "''", "'ab'"),
    int: ("0", "1", "2", "10", "-1"),
    float: ("0.0", "1.0", "0.5"),
    bytes: ("b''", "b'a'"),
}


def simpler(builder: Builder, candidate: Candidate, objects: Sequence[str]) -> list[Candidate]:
    """Return simpler variants of *candidate*, the simplest first; *objects* are ways to make its receiver.

    None breaks a declared type that *candidate* keeps.
    """
    target = builder.targets.get(candidate.target)
    if target is None:
        return []
    arguments, keywords, receiver, steps = (
        candidate.arguments, candidate.keywords, candidate.receiver, candidate.steps,
    )  # fmt: skip

    def variants() -> Iterator[Candidate]:
        for index in range(len(steps)):
            yield builder.build(target, arguments, keywords, receiver, [*steps[:index], *steps[index + 1 :]])
        for name in keywords:
            yield builder.build(target, arguments, {k: v for k, v in keywords.items() if k != name}, receiver, steps)
        if arguments and len(arguments) <= len(target.parameters) and target.parameters[len(arguments) - 1].has_default:
            yield builder.build(target, arguments[:-1], keywords, receiver, steps)
        for index, text in enumerate(arguments):
            for simple in _shorter(text):
                yield builder.build(
                    target, [*arguments[:index], simple, *arguments[index + 1 :]], keywords, receiver, steps
                )
        for name, text in keywords.items():
            for simple in _shorter(text):
                yield builder.build(target, arguments, {**keywords, name: simple}, receiver, steps)
        for index, step in enumerate(steps):
            for simple in _inner(step):
                yield builder.build(
                    target, arguments, keywords, receiver, [*steps[:index], simple, *steps[index + 1 :]]
                )
        if receiver:
            for other in (*_inner(receiver), *(o for o in objects if len(o) < len(receiver))):
                yield builder.build(target, arguments, keywords, other, steps)

    broken = builder.breaks(candidate)
    found = {(c.expr, *c.before): c for c in variants() if c.size < candidate.size}
    found.pop((candidate.expr, *candidate.before), None)
    ordered = sorted(found.values(), key=lambda c: c.size)[:_MOST]
    return [c for c in ordered if broken or not builder.breaks(c)]


def _shorter(text: str) -> Iterator[str]:
    for simple in _SIMPLE:
        if len(simple) < len(text):
            yield simple
    yield from _inner(text)


def _inner(text: str) -> Iterator[str]:
    """Yield *text* with one part made simpler."""
    try:
        root = ast.parse(text, mode="eval").body
    except (SyntaxError, ValueError):
        return
    for path, node in _parts(root, ()):
        for new in _less(node):
            yield ast.unparse(_with(root, path, new))


def _parts(node: ast.expr, path: _Path) -> Iterator[tuple[_Path, ast.expr]]:
    yield path, node
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        return  # a date or a decimal number with shorter parts is no simpler one
    for field in ("elts", "args", "values"):
        inner = getattr(node, field, None)
        if isinstance(inner, list) and not isinstance(node, ast.Lambda):
            for index, child in enumerate(inner):
                yield from _parts(child, (*path, (field, index)))
    for index, keyword in enumerate(getattr(node, "keywords", ())):
        yield from _parts(keyword.value, (*path, ("keywords", index)))


def _with(root: ast.expr, path: _Path, new: ast.expr) -> ast.expr:
    if not path:
        return new
    changed = copy.deepcopy(root)
    node: ast.AST = changed
    for field, index in path[:-1]:
        child = getattr(node, field)[index]
        node = child.value if field == "keywords" else child
    field, index = path[-1]
    if field == "keywords":
        getattr(node, field)[index].value = new
    else:
        getattr(node, field)[index] = new
    return changed


def _less(node: ast.expr) -> Iterator[ast.expr]:
    """Yield what may stand in the place of *node*."""
    if isinstance(node, (ast.List, ast.Tuple, ast.Set, ast.Dict)):
        yield from _fewer(node)
        return
    if isinstance(node, ast.Call):
        if not isinstance(node.func, ast.Name):
            known = _WELL_KNOWN.get(ast.unparse(node.func), ())
            yield from (ast.parse(text, mode="eval").body for text in known if len(text) < len(ast.unparse(node)))
            return
        for index in range(len(node.keywords)):
            yield ast.Call(node.func, node.args, [*node.keywords[:index], *node.keywords[index + 1 :]])
        if node.args and not node.keywords:
            yield ast.Call(node.func, node.args[:-1], [])
        return
    text = ast.unparse(node)
    value = literal(text, None)
    for simple in (*_BY_TYPE.get(type(value), ()), *_halves(value)):
        if len(simple) < len(text) or text == "''":
            yield ast.parse(simple, mode="eval").body


def _fewer(node: ast.expr) -> Iterator[ast.expr]:
    if isinstance(node, ast.Dict):
        for index in range(len(node.keys)):
            yield ast.Dict(
                [*node.keys[:index], *node.keys[index + 1 :]], [*node.values[:index], *node.values[index + 1 :]]
            )
    elif isinstance(node, (ast.List, ast.Tuple)):
        for index in range(len(node.elts)):
            yield type(node)(elts=[*node.elts[:index], *node.elts[index + 1 :]], ctx=ast.Load())
    elif isinstance(node, ast.Set) and len(node.elts) > 1:
        for index in range(len(node.elts)):
            yield ast.Set([*node.elts[:index], *node.elts[index + 1 :]])


def _halves(value: object) -> Iterable[str]:
    if isinstance(value, (str, bytes)) and len(value) > 1:
        middle = len(value) // 2
        return [repr(value[:middle]), repr(value[middle:]), repr(value[1:]), repr(value[:-1])]
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) > 9:
        return [repr(value // 10), repr(value // 2)]
    if isinstance(value, float) and abs(value) < 1e15:
        return [repr(float(int(value))), repr(round(value, 1))]
    return []
