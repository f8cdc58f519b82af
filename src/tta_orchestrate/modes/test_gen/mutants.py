"""Small faults put into Python source, each as one splice of its text.

The operators are the field's usual ones (arithmetic, relational, logical, constant, statement), and two for code that
is all calls: one left out (`x.strip(y)` becomes `x`, `sorted(x)` becomes `x`), a slice without its bounds. A mutant
that compiles to the same byte code is no mutant. Text is only parsed and compiled here, never executed.
"""

import ast
import itertools
import random
import re
import types
import warnings
from collections.abc import Iterable, Iterator
from typing import Final

from tta_orchestrate.domain.mutant import Mutant

_COMPARE: Final = {
    ast.Lt: ("<", ("<=", ">=")), ast.LtE: ("<=", ("<", ">")), ast.Gt: (">", (">=", "<=")), ast.GtE: (">=", (">", "<")),
    ast.Eq: ("==", ("!=",)), ast.NotEq: ("!=", ("==",)), ast.In: ("in", ("not in",)), ast.NotIn: ("not in", ("in",)),
    ast.Is: ("is", ("is not",)), ast.IsNot: ("is not", ("is",)),
}  # fmt: skip
_BINARY: Final = {
    ast.Add: ("+", ("-",)), ast.Sub: ("-", ("+",)), ast.Mult: ("*", ("/",)), ast.Div: ("/", ("*",)),
    ast.FloorDiv: ("//", ("/",)),
    ast.Mod: ("%", ("*",)), ast.Pow: ("**", ("*",)), ast.BitAnd: ("&", ("|",)), ast.BitOr: ("|", ("&",)),
    ast.BitXor: ("^", ("&",)),
    ast.LShift: ("<<", (">>",)), ast.RShift: (">>", ("<<",)),
}  # fmt: skip
_PASSED_ON: Final = frozenset(
    {"sorted", "list", "tuple", "set", "frozenset", "dict", "str", "int", "float", "bool", "abs", "round", "reversed"}
)
"""Built-ins whose first argument may stand in their place."""
_LINE_END: Final = re.compile(r"\r\n|\r|\n")


__all__ = ["Mutant", "change_undone", "mutants"]


def mutants(
    source: str, *, lines: Iterable[int] | None = None, limit: int = 150, per_symbol: int = 40, seed: int = 0
) -> tuple[Mutant, ...]:
    """Return up to *limit* mutants of the functions in *source*, on *lines* where given, one of every line first.

    The choice depends on *seed* and the text alone.
    """
    wanted = None if lines is None else frozenset(lines)
    tree = ast.parse(source)
    original = _code(source)
    found = [
        m for m in _Finder(source).mutants(tree) if wanted is None or wanted.intersection(range(m.line, m.last + 1))
    ]
    rng = random.Random(seed)  # noqa: S311 -- a sample, not a secret
    rng.shuffle(found)
    found = _every_line_first(found)
    taken: list[Mutant] = []
    counts: dict[str, int] = {}
    for mutant in found:
        if len(taken) >= limit:
            break
        if counts.get(mutant.symbol, 0) < per_symbol and _differs(mutant.apply(source), original):
            counts[mutant.symbol] = counts.get(mutant.symbol, 0) + 1
            taken.append(mutant)
    return tuple(sorted(taken, key=lambda m: (m.start, m.id)))


def change_undone(head: str, base: str) -> Mutant | None:
    """Return the fault that takes a change back: whoever notices it, proves the change; ``None`` where it does nothing.

    It bears the id 0, which no other mutant has.
    """
    start = _alike(head, base)
    end = _alike(head[start:][::-1], base[start:][::-1])
    before, after = head[start : len(head) - end], base[start : len(base) - end]
    try:
        different = _differs(base, _code(head))
    except (SyntaxError, ValueError):
        return None
    line = head.count("\n", 0, start) + 1
    return Mutant(
        id=0, line=line, last=line + before.count("\n"), operator="change undone", start=start, end=start + len(before),
        before=before, replacement=after, symbol="",
    ) if different else None  # fmt: skip


def _alike(one: str, other: str) -> int:
    """Return how many letters the two share at their beginnings."""
    pairs = enumerate(zip(one, other, strict=False))
    return next((number for number, (a, b) in pairs if a != b), min(len(one), len(other)))


def _every_line_first(found: list[Mutant]) -> list[Mutant]:
    turn: dict[int, int] = {}
    order = []
    for mutant in found:
        turn[mutant.line] = turn.get(mutant.line, 0) + 1
        order.append(turn[mutant.line] > 1)
    return [m for m, later in zip(found, order, strict=True) if not later] + [
        m for m, later in zip(found, order, strict=True) if later
    ]


def _code(source: str) -> types.CodeType:
    with warnings.catch_warnings():  # what the compiler thinks of the tested code is not ours to print
        warnings.simplefilter("ignore")
        code: types.CodeType = compile(source, "<source>", "exec", dont_inherit=True)
    return code


def _differs(text: str, original: types.CodeType) -> bool:
    try:
        return not _same(_code(text), original)
    except (SyntaxError, ValueError):
        return False


def _same(one: types.CodeType, other: types.CodeType) -> bool:
    if one.co_code != other.co_code or one.co_names != other.co_names or len(one.co_consts) != len(other.co_consts):
        return False
    return all(
        _same(a, b)
        if isinstance(a, types.CodeType) and isinstance(b, types.CodeType)
        else (type(a), repr(a)) == (type(b), repr(b))
        for a, b in zip(one.co_consts, other.co_consts, strict=True)
    )


class _Finder:
    def __init__(self, source: str) -> None:
        self._source = source
        ends = [0, *(match.end() for match in _LINE_END.finditer(source))]
        self._starts = ends
        self._count = 0
        self._modules: set[str] = set()

    def mutants(self, tree: ast.Module) -> list[Mutant]:
        found: list[Mutant] = []
        imports = (node for node in ast.walk(tree) if isinstance(node, ast.Import | ast.ImportFrom))
        self._modules = {(a.asname or a.name).partition(".")[0] for node in imports for a in node.names}
        self._functions(tree.body, "", found)
        return found

    def _functions(self, body: list[ast.stmt], prefix: str, found: list[Mutant]) -> None:
        for node in body:
            if isinstance(node, ast.ClassDef):
                self._functions(node.body, f"{prefix}{node.name}.", found)
            elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                found.extend(self._in(node, f"{prefix}{node.name}"))
            elif isinstance(node, ast.If | ast.Try):
                for part in ("body", "orelse", "finalbody"):
                    self._functions(getattr(node, part, []), prefix, found)

    def _in(self, function: ast.FunctionDef | ast.AsyncFunctionDef, symbol: str) -> Iterator[Mutant]:
        stack: list[ast.AST] = [
            *function.args.defaults,
            *(d for d in function.args.kw_defaults if d),
            *_without_docstring(function.body),
        ]
        while stack:
            node = stack.pop()
            for start, end, text, operator in self._splices(node):
                self._count += 1
                yield Mutant(
                    id=self._count, line=node.lineno, last=self._line_of(end), operator=operator, start=start, end=end,  # type: ignore[attr-defined]
                    before=self._source[start:end], replacement=text, symbol=symbol,
                )  # fmt: skip
            stack.extend(_children(node))

    def _line_of(self, offset: int) -> int:
        return sum(start <= offset for start in self._starts)

    def _at(self, line: int, column: int) -> int:
        start = self._starts[line - 1]
        end = self._starts[line] if line < len(self._starts) else len(self._source)
        return start + len(self._source[start:end].encode()[:column].decode())

    def _span(self, node: ast.expr | ast.stmt | ast.Slice) -> tuple[int, int]:
        return self._at(node.lineno, node.col_offset), self._at(
            node.end_lineno or node.lineno, node.end_col_offset or 0
        )

    def _splices(self, node: ast.AST) -> Iterator[tuple[int, int, str, str]]:  # noqa: C901, PLR0912 -- one branch per operator
        match node:
            case ast.Compare(left=left, ops=ops, comparators=right):
                for one, op, other in zip([left, *right], ops, right, strict=False):
                    yield from self._between(one, other, _COMPARE.get(type(op)), "comparison")
            case ast.BinOp(left=left, op=op, right=right):
                yield from self._between(left, right, _BINARY.get(type(op)), "arithmetic")
            case ast.AugAssign(target=target, op=op, value=value) if type(op) in _BINARY:
                old, new = _BINARY[type(op)]
                yield from self._between(target, value, (f"{old}=", tuple(f"{n}=" for n in new)), "arithmetic")
            case ast.BoolOp(op=op, values=values):
                words = ("and", ("or",)) if isinstance(op, ast.And) else ("or", ("and",))
                for one, other in itertools.pairwise(values):
                    yield from self._between(one, other, words, "logical")
            case ast.UnaryOp(op=ast.Not() | ast.USub(), operand=operand):
                start, end = self._span(node)
                yield start, end, self._source[slice(*self._span(operand))], "negation"
            case ast.If(test=test) | ast.While(test=test) | ast.IfExp(test=test):
                start, end = self._span(test)
                yield start, end, f"(not ({self._source[start:end]}))", "condition"
            case ast.Return(value=value) if value is not None and not (
                isinstance(value, ast.Constant) and value.value is None
            ):
                yield *self._span(value), "None", "return"
            case ast.Break():
                yield *self._span(node), "continue", "loop"
            case ast.Continue():
                yield *self._span(node), "break", "loop"
            case ast.Expr(value=ast.Call()):
                yield *self._span(node), "pass", "statement"
            case ast.Call() if (part := self._passed_on(node)) is not None:
                yield *self._span(node), self._source[slice(*self._span(part))], "call"
            case ast.Slice(lower=lower, upper=upper) if lower is not None or upper is not None:
                yield *self._span(node), ":", "slice"
            case ast.Constant(value=value):
                text = _other(value)
                if text is not None:
                    yield *self._span(node), text, "constant"
            case _:
                return

    def _passed_on(self, call: ast.Call) -> ast.expr | None:
        """Return what stands for the whole call when the call is left out."""
        match call.func:
            case ast.Attribute(value=ast.Name(id=name)) if name in self._modules or name in {"self", "cls", "super"}:
                return None
            case ast.Attribute(value=ast.Call(func=ast.Name(id="super"))):
                return None
            case ast.Attribute(value=receiver):
                return receiver
            case ast.Name(id=name) if name in _PASSED_ON and call.args and not isinstance(call.args[0], ast.Starred):
                return call.args[0]
        return None

    def _between(
        self, one: ast.expr, other: ast.expr, words: tuple[str, tuple[str, ...]] | None, operator: str
    ) -> Iterator[tuple[int, int, str, str]]:
        if words is None:
            return
        old, new = words
        start, end = self._span(one)[1], self._span(other)[0]
        gap = self._source[start:end]
        at = re.search(r"\s+".join(map(re.escape, old.split())), gap)
        if at is None or "#" in gap:
            return
        for word in new:
            yield start + at.start(), start + at.end(), word, operator


def _other(value: object) -> str | None:
    if isinstance(value, bool):
        return repr(not value)
    if isinstance(value, int | float):
        return repr(value + 1)
    if isinstance(value, str):
        return "''" if value else "'mutated'"
    if isinstance(value, bytes):
        return "b''" if value else "b'mutated'"
    return None


def _without_docstring(body: list[ast.stmt]) -> list[ast.stmt]:
    first = body[0]
    return body[1:] if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) else body


def _children(node: ast.AST) -> Iterator[ast.AST]:
    """Yield what can be mutated below *node*: no annotations, no text inside f-strings, no docstrings."""
    if isinstance(node, ast.JoinedStr):
        return
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        yield from [*node.args.defaults, *(d for d in node.args.kw_defaults if d), *_without_docstring(node.body)]
        return
    if isinstance(node, ast.Expr | ast.Await) and isinstance(node.value, ast.Call):
        yield from _children(node.value)  # without the call, the statement is gone: that is a mutant already
        return
    if isinstance(node, ast.AnnAssign):
        yield from [node.value] if node.value else []
        return
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.expr | ast.stmt):
            yield child
        elif not isinstance(
            child, ast.operator | ast.cmpop | ast.boolop | ast.unaryop | ast.expr_context | ast.arguments
        ):
            yield from _children(child)
