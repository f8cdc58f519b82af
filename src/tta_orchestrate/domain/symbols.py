"""Which function or class a line stands in: part of a finding's identity, so it must not depend on line numbers."""

import ast
import re
import warnings
from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from typing import Final

from tta_orchestrate.domain.parsing import language_of

SymbolAt = Callable[[int], str]
"""From a 1-based line to ``Class.method``, ``""`` at module level."""


def symbol_lookup(path: str, text: str) -> SymbolAt:
    """Return a lookup for *text*: by syntax for Python, by indentation and declaring words for anything else."""
    if language_of(path) == "python":
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                tree = ast.parse(text.encode("utf-8", "surrogateescape"))
            return _by_spans(list(_python_spans(tree.body, "")))
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            pass
    return _by_indentation(text.split("\n"))


_Span = tuple[int, int, str]
_Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


def _python_spans(body: Sequence[ast.AST], prefix: str) -> Iterator[_Span]:
    """Outer before inner, so that the last span that holds a line is the innermost."""
    for node in body:
        if isinstance(node, _Definition):
            name = f"{prefix}{node.name}"
            first = min([node.lineno, *(d.lineno for d in node.decorator_list)])
            yield first, node.end_lineno or node.lineno, name
            yield from _python_spans(node.body, f"{name}.")
        else:
            yield from _python_spans(list(ast.iter_child_nodes(node)), prefix)


def _by_spans(spans: list[_Span]) -> SymbolAt:
    spans.sort(key=lambda span: (span[0], -span[1]))
    starts = [first for first, _last, _name in spans]

    def symbol_at(line: int) -> str:
        for index in range(bisect_right(starts, line) - 1, -1, -1):
            if spans[index][1] >= line:
                return spans[index][2]
        return ""

    return symbol_at


_DECLARATION: Final = re.compile(
    r"^\s*(?:(?:export|default|public|private|protected|internal|static|final|abstract|async|override|open|data|sealed|"
    r"suspend|inline|pub(?:\([^)]*\))?|unsafe|extern|const)\s+)*"
    r"(?:func|function\*?|def|class|fn|fun|interface|struct|impl|enum|trait|object|module|namespace|record|type)\s+"
    r"(?:\([^)]*\)\s*)?(?:<[^>]*>\s*)?([\w$.]+)"
)
_MAX_DEPTH: Final = 400


def _by_indentation(lines: Sequence[str]) -> SymbolAt:
    """One pass: a stack of open declarations, closed by the first later line that is not deeper."""
    names: list[str] = []
    stack: list[tuple[int, str]] = []
    for line in lines:
        stripped = line.strip()
        if stripped and stripped not in {"{", "}", ")", "]", "};", ");"}:
            indent = len(line) - len(line.lstrip())
            while stack and stack[-1][0] >= indent:
                stack.pop()
            declared = _DECLARATION.match(line[:_MAX_DEPTH])
            if declared:
                stack.append((indent, declared[1]))
        names.append(".".join(name for _indent, name in stack))
    return lambda line: names[line - 1] if 0 < line <= len(names) else ""
