"""What the local generator stalled on, a function at a time, and how it is shown to a model."""

import ast
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from tta_orchestrate.modes.test_gen.facts import related
from tta_orchestrate.modes.test_gen.gates import Bench
from tta_orchestrate.modes.test_gen.mutants import Mutant
from tta_orchestrate.modes.test_gen.prompts import fence
from tta_orchestrate.modes.test_gen.shape import Arc, measure

_MOST_LINES: Final = 50
_MOST_GOALS: Final = 8
_MOST_FAULTY: Final = 2
"""Of them, functions that are run completely but in which a fault goes unnoticed: many of those make no difference."""
_MOST_TEXT: Final = 4000
"""Characters of the example and of the callers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Goal:
    """One function with lines or branches that nothing reaches, or faults that nothing notices."""

    symbol: str
    first: int
    last: int
    lines: frozenset[int]
    """Statements to run, and decisions with a way not taken."""
    mutants: tuple[Mutant, ...] = ()


def goals(bench: Bench, arcs: Iterable[Arc], alive: Sequence[Mutant], focus: frozenset[int] | None) -> list[Goal]:
    """Return what is open in *focus*, largest first; a few functions with nothing but unnoticed faults come last."""
    measured = measure(bench.shape, arcs)
    untaken = {head for head, _ in measured.all_branches - measured.branches}
    wanted = frozenset(set(measured.missing) | untaken)
    found: list[Goal] = []
    faulty: list[Goal] = []
    for symbol in bench.shape.symbols:
        inside = frozenset(range(symbol.first, symbol.last + 1))
        lines = frozenset(n for n in wanted & inside if bench.shape.symbol_at(n) == symbol)
        if focus is not None:
            lines &= focus
        mutants = tuple(m for m in alive if m.line in inside and bench.shape.symbol_at(m.line) == symbol)
        if focus is not None:
            mutants = tuple(m for m in mutants if m.line in focus)
        if lines or mutants:
            goal = Goal(symbol=symbol.name, first=symbol.first, last=symbol.last, lines=lines, mutants=mutants[:5])
            (found if lines else faulty).append(goal)
    found.sort(key=lambda goal: (-len(goal.lines), goal.first))
    faulty.sort(key=lambda goal: (-len(goal.mutants), goal.first))
    return [*found, *faulty[:_MOST_FAULTY]][:_MOST_GOALS]


def show(bench: Bench, goal: Goal) -> str:
    """Return everything a model needs to write tests for *goal*, fenced."""
    lines = bench.unit.source.splitlines()
    first, last = _window(goal)
    faulty = {m.line for m in goal.mutants}
    tagged = [
        f"{n} {'!' if n in goal.lines else '?' if n in faulty else ' '} {lines[n - 1]}"
        for n in range(first, min(last, len(lines)) + 1)
    ]
    tree = ast.parse(bench.unit.source)
    parts = [
        f"Module: {bench.unit.module}. Function: {goal.symbol}. Style: {bench.writer.style.framework}.",
        fence("segment", "\n".join(tagged)),
        fence("imports", "\n".join(ast.unparse(n) for n in tree.body if isinstance(n, ast.Import | ast.ImportFrom))),
        fence("signatures", "\n".join(_signatures(tree, goal, first))),
    ]
    faults = [f"line {m.line}: `{m.before[:80]}` replaced by `{m.replacement[:80]}`" for m in goal.mutants]
    parts += [fence("faults", "\n".join(faults))] if faults else []
    parts += [fence("callers", text)] if (text := _callers(tree, goal)) else []
    parts += [fence("example", text)] if (text := _example(bench)) else []
    return "\n".join(parts)


def _window(goal: Goal) -> tuple[int, int]:
    """Return at most fifty lines of the function that hold its first goals."""
    if goal.last - goal.first < _MOST_LINES:
        return goal.first, goal.last
    first = max(goal.first, min(goal.lines or {m.line for m in goal.mutants}) - _MOST_LINES // 2)
    return first, min(goal.last, first + _MOST_LINES - 1)


def _signatures(tree: ast.Module, goal: Goal, first: int) -> list[str]:
    """Return the heads of the functions that the goal's function calls, and its own where the window cut it off."""
    called = {
        node.func.id if isinstance(node.func, ast.Name) else node.func.attr
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and goal.first <= node.lineno <= goal.last
        and isinstance(node.func, ast.Name | ast.Attribute)
    }
    own = goal.symbol.rpartition(".")[2]
    names = called - {own} | ({own} if first > goal.first else set()) | {"__init__"}
    return [
        f"{'async ' if isinstance(n, ast.AsyncFunctionDef) else ''}def {n.name}({ast.unparse(n.args)})"
        + (f" -> {ast.unparse(n.returns)}" if n.returns else "")
        for n in ast.walk(tree)
        if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef) and n.name in names
    ][:20]


def _callers(tree: ast.Module, goal: Goal) -> str:
    own = goal.symbol.rpartition(".")[2]
    calls = [
        ast.unparse(node)
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and not goal.first <= node.lineno <= goal.last
        and ast.unparse(node.func).rpartition(".")[2] == own
    ]
    return "\n".join(calls[:10])[:_MOST_TEXT]


def _example(bench: Bench) -> str:
    """Return the first test of the nearest test file, as an example of style."""
    for path in related(bench.project, bench.unit, bench.snapshot)[:1]:
        text = bench.snapshot.read(path)
        try:
            tree = ast.parse(text)
        except (SyntaxError, ValueError):
            continue
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test"):
                return (ast.get_source_segment(text, node) or "")[:_MOST_TEXT]
    return ""
