"""Coverage of JavaScript from V8's own counters (``NODE_V8_COVERAGE``), by the statements and decisions of the text.

V8 counts ranges of characters; which statements and ways there are is read from the syntax, so that two runs always
speak of the same ones. A branch is a way out of ``if``, ``?:``, ``&&``, ``||``, ``??``, into a loop or a ``case``,
or into an arrow function without braces.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from tta_orchestrate.domain.measured import Measured
from tta_orchestrate.syntax.ecmatests import tree
from tta_orchestrate.syntax.treesitter import walk

if TYPE_CHECKING:
    from tree_sitter import Node

_STATEMENTS: Final = {
    "expression_statement", "return_statement", "if_statement", "for_statement", "for_in_statement", "while_statement",
    "do_statement", "switch_statement", "throw_statement", "try_statement", "lexical_declaration",
    "variable_declaration", "break_statement", "continue_statement",
}  # fmt: skip
_LOOPS: Final = {"for_statement", "for_in_statement", "while_statement"}

Range = tuple[int, int, int]
"""First offset, offset behind the last, count; in UTF-16 code units."""


def ranges(dumps: Iterable[str], url: str) -> list[list[Range]]:
    """Return the ranges of the script *url* in each of V8's *dumps* that has it; odd data is passed over."""
    found = []
    for text in dumps:
        try:
            raw = json.loads(text)
        except (ValueError, RecursionError):
            continue
        scripts = raw.get("result") if isinstance(raw, dict) else None
        if isinstance(scripts, list):
            found += [_flat(s) for s in scripts if isinstance(s, dict) and s.get("url") == url]
    return found


def _flat(script: dict[str, Any]) -> list[Range]:
    try:
        return [
            (int(r["startOffset"]), int(r["endOffset"]), int(r["count"]))
            for function in script["functions"]
            for r in function["ranges"]
        ]
    except (KeyError, TypeError, ValueError):
        return []


@dataclass(frozen=True, slots=True)
class _Counter:
    ranges: Sequence[Range]

    def at(self, offset: int) -> int:
        """Return how often the character at *offset* was run: what the innermost range says."""
        around = [r for r in self.ranges if r[0] <= offset < r[1]]
        return min(around, key=lambda r: r[1] - r[0])[2] if around else 0


def measure(text: str, runs: Sequence[Sequence[Range]]) -> Measured:
    """Return what *runs* (one per process) cover of *text*."""
    root = tree(text)
    offset = _offsets(text)
    whole = Measured(
        all_lines=frozenset(line for line, _ in _statements(root)),
        all_branches=frozenset((line, n) for line, n, _, _ in _ways(root)),
    )
    for one in runs:
        counter = _Counter(one)
        first: dict[int, int] = {}
        for line, node in _statements(root):
            first.setdefault(line, counter.at(offset[node.start_byte]))
        taken = frozenset(
            (line, n)
            for line, n, node, less in _ways(root)
            if counter.at(offset[node.start_byte]) > (counter.at(offset[less.start_byte]) if less is not None else 0)
        )
        whole |= Measured(lines=frozenset(n for n, count in first.items() if count), branches=taken)
    return whole


def _offsets(text: str) -> list[int]:
    """Return the UTF-16 offset of every byte of *text*."""
    found: list[int] = []
    units = 0
    for char in text:
        found += [units] * len(char.encode("utf-8", "surrogateescape"))
        units += 2 if ord(char) > 0xFFFF else 1  # noqa: PLR2004
    return [*found, units]


def _statements(root: "Node") -> "list[tuple[int, Node]]":
    return [(node.start_point[0] + 1, node) for node in walk(root) if node.type in _STATEMENTS]


def _ways(root: "Node") -> "list[tuple[int, int, Node, Node | None]]":
    """Return (line, number, where it is counted, what is counted less): the second is the way not taken."""
    numbers: dict[int, int] = {}
    found = []
    for node in walk(root):
        for where, less in _out_of(node):
            line = node.start_point[0] + 1
            found.append((line, numbers.get(line, 0), where, less))
            numbers[line] = numbers.get(line, 0) + 1
    return found


def _out_of(node: "Node") -> "list[tuple[Node, Node | None]]":
    field = node.child_by_field_name
    match node.type:
        case "if_statement":
            condition, yes, no = field("condition"), field("consequence"), field("alternative")
            if condition is None or yes is None:
                return []
            inner = no.named_children[0] if no is not None and no.named_children else None
            return [(yes, None), (inner, None) if inner is not None else (condition, yes)]
        case "ternary_expression":
            return [(way, None) for name in ("consequence", "alternative") if (way := field(name)) is not None]
        case "binary_expression":
            operator, left, right = field("operator"), field("left"), field("right")
            word = operator.type if operator is not None else ""
            return [(right, None), (left, right)] if word in {"&&", "||", "??"} and left and right else []
        case kind if kind in _LOOPS:
            body = field("body")
            return [(body, None)] if body is not None else []
        case "switch_case" | "switch_default":
            body = field("body")
            return [(body, None)] if body is not None else []
        case "arrow_function":
            body = field("body")
            return [(body, None)] if body is not None and body.type != "statement_block" else []
        case _:
            return []
