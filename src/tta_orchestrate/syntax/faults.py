"""Small faults put into a source by tree-sitter: one table per grammar, the operators of Python's own mutator."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from tta_orchestrate.domain.mutant import Mutant
from tta_orchestrate.ports.test_runner import Symbol

if TYPE_CHECKING:
    from tree_sitter import Node

COMPARISONS: Final[Mapping[str, tuple[str, ...]]] = {
    "<": ("<=", ">="), "<=": ("<", ">"), ">": (">=", "<="), ">=": (">", "<"), "==": ("!=",), "!=": ("==",),
}  # fmt: skip
ARITHMETIC: Final[Mapping[str, tuple[str, ...]]] = {
    "+": ("-",), "-": ("+",), "*": ("/",), "/": ("*",), "%": ("*",), "&": ("|",), "|": ("&",), "^": ("&",),
    "<<": (">>",), ">>": ("<<",),
}  # fmt: skip
LOGIC: Final[Mapping[str, tuple[str, ...]]] = {"&&": ("||",), "||": ("&&",)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Faults:
    """Where one grammar keeps what can be broken; names of nodes and fields are the grammar's."""

    binary: frozenset[str] = frozenset({"binary_expression"})
    """Nodes with the fields ``left``, ``operator``, ``right``."""
    assignment: frozenset[str] = frozenset()
    """The same for ``+=`` and its like."""
    comparisons: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: COMPARISONS)
    arithmetic: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: ARITHMETIC)
    logic: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: LOGIC)
    unary: frozenset[str] = frozenset({"unary_expression"})
    conditions: Mapping[str, str] = field(default_factory=dict)
    """Node with a condition to the field that holds it."""
    negation: str = "!({})"
    returns: Mapping[str, str] = field(default_factory=dict)
    """Node that returns a value to what is returned instead."""
    statements: frozenset[str] = frozenset()
    """Statements that are left out when they do nothing but call something."""
    calls: frozenset[str] = frozenset({"call_expression"})
    nothing: str = ";"
    """A statement that does nothing."""
    jumps: Mapping[str, str] = field(default_factory=dict)
    numbers: frozenset[str] = frozenset()
    strings: frozenset[str] = frozenset()
    empty: str = '""'
    other: str = '"mutated"'
    """What an empty string becomes."""
    left_alone: frozenset[str] = frozenset()
    """Nodes below which nothing is mutated (types, imports, annotations)."""


def find(root: "Node", text: str, symbols: tuple[Symbol, ...], faults: Faults) -> tuple[Mutant, ...]:
    """Return every mutant inside of *symbols*, in the order of the text, ids from 1."""
    data = text.encode("utf-8", "surrogateescape")
    found: list[Mutant] = []
    for node in _walk(root, faults.left_alone):
        for start, end, replacement, operator in _splices(node, data, faults):
            line, last = _line(data, start), _line(data, max(start, end - 1))
            symbol = innermost(symbols, line)
            if symbol is None:
                continue
            at = len(data[:start].decode("utf-8", "surrogateescape"))
            before = data[start:end].decode("utf-8", "surrogateescape")
            found.append(
                Mutant(id=0, line=line, last=last, operator=operator, start=at, end=at + len(before), before=before,
                       replacement=replacement, symbol=symbol.name)
            )  # fmt: skip
    unique = {(m.start, m.end, m.replacement): m for m in sorted(found, key=lambda m: (m.start, m.end))}
    return tuple(_numbered(n, m) for n, m in enumerate(unique.values(), 1))


def innermost(symbols: tuple[Symbol, ...], line: int) -> Symbol | None:
    """Return the smallest function around *line*."""
    return min((s for s in symbols if s.first <= line <= s.last), key=lambda s: s.last - s.first, default=None)


def _numbered(number: int, mutant: Mutant) -> Mutant:
    from dataclasses import replace

    return replace(mutant, id=number)


def _line(data: bytes, offset: int) -> int:
    return data.count(b"\n", 0, offset) + 1


def _walk(root: "Node", left_alone: frozenset[str]) -> "Iterator[Node]":
    pending = [root]
    while pending:
        node = pending.pop()
        if node.type in left_alone:
            continue
        yield node
        pending.extend(node.named_children)


_Splice = tuple[int, int, str, str]


def _splices(node: "Node", data: bytes, faults: Faults) -> Iterator[_Splice]:
    kind = node.type
    if kind in faults.binary or kind in faults.assignment:
        yield from _operators(node, faults)
    if kind in faults.unary:
        yield from _unary(node, data)
    if kind in faults.conditions:
        condition = node.child_by_field_name(faults.conditions[kind])
        if condition is not None:
            yield *_negated(condition, data, faults), "condition"
    if kind in faults.returns and node.named_children:
        value = node.named_children[0]
        if data[value.start_byte : value.end_byte].decode("utf-8", "replace") != faults.returns[kind]:
            yield value.start_byte, value.end_byte, faults.returns[kind], "return"
    if kind in faults.statements and node.named_children and node.named_children[0].type in faults.calls:
        yield node.start_byte, node.end_byte, faults.nothing, "statement"
    if kind in faults.jumps:
        yield node.start_byte, node.end_byte, faults.jumps[kind], "loop"
    yield from _constant(node, data, faults)


def _operators(node: "Node", faults: Faults) -> Iterator[_Splice]:
    operator = node.child_by_field_name("operator")
    if operator is None:  # some grammars leave it unnamed
        operator = next((c for c in node.children if not c.is_named), None)
    if operator is None or operator.text is None:
        return
    word = operator.text.decode("utf-8", "replace")
    if word.endswith("=") and node.type in faults.assignment:
        for new in faults.arithmetic.get(word[:-1], ()):
            yield operator.start_byte, operator.end_byte, f"{new}=", "arithmetic"
        return
    for table, name in (
        (faults.comparisons, "comparison"),
        (faults.arithmetic, "arithmetic"),
        (faults.logic, "logical"),
    ):
        for new in table.get(word, ()):
            yield operator.start_byte, operator.end_byte, new, name


def _unary(node: "Node", data: bytes) -> Iterator[_Splice]:
    if node.named_children and data[node.start_byte : node.start_byte + 1] in {b"!", b"-"}:
        inner = node.named_children[-1]
        text = data[inner.start_byte : inner.end_byte].decode("utf-8", "surrogateescape")
        yield node.start_byte, node.end_byte, text, "negation"


def _negated(condition: "Node", data: bytes, faults: Faults) -> tuple[int, int, str]:
    start, end = condition.start_byte, condition.end_byte
    text = data[start:end].decode("utf-8", "surrogateescape")
    if text.startswith("(") and text.endswith(")") and "parenthesized" in condition.type:
        return start, end, f"({faults.negation.format(text[1:-1])})"
    return start, end, faults.negation.format(text)


def _constant(node: "Node", data: bytes, faults: Faults) -> Iterator[_Splice]:
    text = data[node.start_byte : node.end_byte].decode("utf-8", "surrogateescape")
    if node.type in {"true", "false"} or (node.type == "boolean_literal" and text in {"true", "false"}):
        yield node.start_byte, node.end_byte, "false" if text == "true" else "true", "constant"
    elif node.type in faults.numbers and text.isdigit() and not (len(text) > 1 and text.startswith("0")):
        yield node.start_byte, node.end_byte, str(int(text) + 1), "constant"
    elif node.type in faults.strings:
        new = faults.other if len(text) <= len(faults.empty) else faults.empty
        yield node.start_byte, node.end_byte, new, "constant"
