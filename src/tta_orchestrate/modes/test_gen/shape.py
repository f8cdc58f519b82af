"""The statements and branches of a Python file, and how much of them a set of arcs covers.

A statement counts by its first line, docstrings do not count. A branch is one of the two ways out of an ``if``,
``while``, ``for`` or ``case`` whose body starts on a line of its own (coverage.py's notion, but for one-line forms).
"""

import ast
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from tta_orchestrate.domain.measured import Branch, Measured

Arc = tuple[int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Symbol:
    """A function or method and its lines, 1-based, inclusive."""

    name: str
    first: int
    last: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """What there is to cover in one file."""

    statements: frozenset[int]
    heads: Mapping[int, int]
    """Line to first line of the innermost statement that it belongs to."""
    branches: Mapping[int, int]
    """Head of a decision to the head of the body it may enter."""
    symbols: tuple[Symbol, ...] = ()

    def lines(self, arcs: Iterable[Arc]) -> frozenset[int]:
        """Return the statements that *arcs* reach."""
        return frozenset(self.heads.get(b, b) for _, b in arcs) & self.statements

    def taken(self, arcs: Iterable[Arc]) -> frozenset[Branch]:
        """Return the branches that *arcs* take."""
        found = set()
        for a, b in arcs:
            head, there = self.heads.get(a, a), self.heads.get(b, b)
            if head in self.branches and head != there:
                found.add((head, there == self.branches[head]))
        return frozenset(found)

    def symbol_at(self, line: int) -> Symbol | None:
        """Return the innermost function around *line*."""
        around = [s for s in self.symbols if s.first <= line <= s.last]
        return min(around, key=lambda s: s.last - s.first, default=None)


def measure(shape: Shape, arcs: Iterable[Arc]) -> Measured:
    """Return what *arcs* cover of *shape*."""
    arcs = tuple(arcs)
    return Measured(
        lines=shape.lines(arcs),
        branches=shape.taken(arcs),
        all_lines=shape.statements,
        all_branches=frozenset((head, way) for head in shape.branches for way in (True, False)),
    )


@dataclass(slots=True)
class _Builder:
    statements: set[int] = field(default_factory=set)
    heads: dict[int, int] = field(default_factory=dict)
    branches: dict[int, int] = field(default_factory=dict)
    symbols: list[Symbol] = field(default_factory=list)

    def body(self, statements: list[ast.stmt], prefix: str) -> None:
        for index, node in enumerate(statements):
            if index == 0 and isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
                continue
            self.statement(node, prefix)

    def statement(self, node: ast.stmt, prefix: str) -> None:
        self.statements.add(node.lineno)
        inner = [c for c in ast.walk(node) if isinstance(c, ast.stmt) and c is not node]
        first_inner = min((c.lineno for c in inner), default=(node.end_lineno or node.lineno) + 1)
        last = max(node.lineno, min(node.end_lineno or node.lineno, first_inner - 1))
        for line in range(node.lineno, last + 1):
            self.heads[line] = node.lineno
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            for decorator in node.decorator_list:
                self.heads[decorator.lineno] = node.lineno
            if not isinstance(node, ast.ClassDef):
                self.symbols.append(
                    Symbol(name=prefix + node.name, first=node.lineno, last=node.end_lineno or node.lineno)
                )
            self.body(node.body, f"{prefix}{node.name}.")
            return
        self._decision(node)
        for name in ("body", "orelse", "finalbody"):
            for child in getattr(node, name, []):
                self.statement(child, prefix)
        for part in [*getattr(node, "handlers", []), *getattr(node, "cases", [])]:
            line = getattr(part, "lineno", None) or part.pattern.lineno
            self.statements.add(line)
            self.heads[line] = line
            if isinstance(part, ast.match_case) and not _irrefutable(part):
                self._branch(line, part.body[0].lineno)
            for child in part.body:
                self.statement(child, prefix)

    def _decision(self, node: ast.stmt) -> None:
        if (isinstance(node, ast.If | ast.While) and not isinstance(node.test, ast.Constant)) or isinstance(
            node, ast.For | ast.AsyncFor
        ):
            self._branch(node.lineno, node.body[0].lineno)

    def _branch(self, head: int, body: int) -> None:
        if body > head:
            self.branches[head] = body


def _irrefutable(case: ast.match_case) -> bool:
    return case.guard is None and isinstance(case.pattern, ast.MatchAs) and case.pattern.pattern is None


def shape_of(source: str) -> Shape:
    """Parse *source*.

    Raises:
        SyntaxError: it is not Python (of this version).
    """
    builder = _Builder()
    builder.body(ast.parse(source).body, "")
    return Shape(
        statements=frozenset(builder.statements),
        heads=builder.heads,
        branches=builder.branches,
        symbols=tuple(builder.symbols),
    )
