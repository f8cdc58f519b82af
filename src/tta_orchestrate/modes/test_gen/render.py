"""Cases as tests a person would keep: grouped by what is called, tables for what differs only in values."""

import ast
import builtins
import re
import subprocess
import symtable
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from tta_orchestrate.modes.test_gen import assertions
from tta_orchestrate.modes.test_gen.cases import KINDS, Case
from tta_orchestrate.modes.test_gen.facts import MARK, Style
from tta_orchestrate.modes.test_gen.naming import Namer
from tta_orchestrate.modes.test_gen.signatures import HELPERS, UNKNOWN, Signature, given

_OURS: Final = {*HELPERS, "pytest", "unittest", "self"}
_WIDTH: Final = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class TestCode:
    """One test: its name, its lines, and the cases in it, in the order of their ids."""

    name: str
    lines: tuple[str, ...]
    cases: tuple[Case, ...]
    """Row *n* of a table is ``name[n]`` for the runner; a test without a table stands or falls as one."""
    table: bool = False
    imports: tuple[str, ...] = ()
    """Import lines of a test that somebody else wrote; ours are found by reading."""

    @property
    def ours(self) -> bool:
        """Whether a writer made it of observed cases, and may make it anew under another name."""
        return all(case.kind in KINDS for case in self.cases)


@dataclass(frozen=True, slots=True, kw_only=True)
class Writer:
    """Writes tests for one module in one style."""

    module: str
    style: Style
    parameters: Mapping[str, Signature] = field(default_factory=dict)
    """How each target is called, for the columns of tables and for names."""
    homes: Mapping[str, str] = field(default_factory=dict)
    """Module of the standard library for each short name that the cases use, see `short_names`."""
    taken: frozenset[str] = frozenset()
    """Names that no test may have, because another file that it will be added to has them."""

    def tests(self, cases: Iterable[Case], *, taken: Iterable[str] = ()) -> list[TestCode]:
        """Return the tests for *cases*, in whatever order they come; their names are free of those in *taken*."""
        groups: dict[tuple[str, ...], list[Case]] = {}
        for case in sorted(cases, key=_simplest):
            groups.setdefault(self._group(case), []).append(case)
        single = {key: list({(c.expr, c.before): c for c in group}.values()) for key, group in groups.items()}
        parts = [part for _, rows in sorted(_united(single).items()) for part in _parts(rows)]
        names = Namer(signatures=self.parameters).names(parts, {*self.taken, *taken})
        return [self._test(name, part) for name, part in zip(names, parts, strict=True)]

    def prune(self, test: TestCode, keep: Iterable[Case]) -> TestCode | None:
        """Return *test* with only the cases in *keep*, under its name; ``None`` when nothing is left."""
        wanted = set(keep)
        rows = [case for case in test.cases if case in wanted]
        return self._test(test.name, rows) if rows else None

    def file(self, tests: Sequence[TestCode]) -> str:
        """Return the whole text of a test file."""
        body = "\n".join(line for test in tests for line in (*test.lines, "", ""))
        parts = [
            f'"""What `{self.module}` does today, as observed (characterisation). A failure means that it changed."""',
            MARK,
            "",
        ]
        parts += self._imports(tests)
        if self.style.framework == "unittest":
            indented = "\n".join(f"    {line}" if line else "" for line in body.rstrip().split("\n"))
            body = f"class {_class_name(self.module)}(unittest.TestCase):\n{indented}\n"
        return tidy("\n".join([*parts, "", "", body.rstrip("\n"), ""]))

    def _group(self, case: Case) -> tuple[str, ...]:
        """Return what the cases of one test have in common: what is called with which parameters, and what is seen."""
        keys = ",".join(given(case, self.parameters.get(case.target, UNKNOWN)))
        shape = (f"{len(case.arguments) + len(case.keywords)}:{keys}", str(bool(case.before)), str(bool(case.receiver)))
        looks = "|".join(look for look, _ in (*case.checks, *case.after))
        if case.kind == "raises":
            return (case.target, "raises", *shape, case.type)
        flavour = case.value if case.kind == "value" and case.value in {"True", "False", "None"} else case.kind
        return (case.target, "", *shape, "" if case.kind == "value" else case.type, str(case.whole), looks, flavour)

    def _test(self, name: str, rows: list[Case]) -> TestCode:
        if self.style.framework == "unittest":
            lines = [line for row in rows for line in assertions.unittest_body(row)]
            return TestCode(name=name, lines=(f"def {name}(self):", *_indent(lines)), cases=tuple(rows))
        if len(rows) == 1:
            return TestCode(name=name, lines=(f"def {name}():", *_indent(assertions.body(rows[0]))), cases=tuple(rows))
        return TestCode(name=name, lines=tuple(self._table(name, rows)), cases=tuple(rows), table=True)

    def _table(self, name: str, rows: list[Case]) -> list[str]:
        first = rows[0]
        signature = self.parameters.get(first.target, UNKNOWN)
        keys = list(given(first, signature))
        columns, call = self._columns(first, keys)
        cells = [[given(row, signature)[key] for key in keys] for row in rows]
        values = {row.value for row in rows}
        if first.kind == "raises":
            block = [f"    with {assertions.raises(first)}:", f"        {call}"]
            if len({assertions.message(row) for row in rows}) > 1:
                columns.append("message")
                cells = [[*cell, repr(assertions.message(row))] for cell, row in zip(cells, rows, strict=True)]
                block[0] = f"    with pytest.raises({assertions.exception(first)}, match=re.escape(message)):"
        elif len(values) == 1:
            block = [f"    {assertions.assertion(call, first.value)}"]
        else:
            columns.append("expected")
            cells = [[*cell, row.value] for cell, row in zip(cells, rows, strict=True)]
            block = [f"    assert {call} {'is' if values <= {'True', 'False'} else '=='} expected"]
        return [*_parametrize(columns, cells), f"def {name}({', '.join(columns)}):", *block]

    def _columns(self, case: Case, keys: Sequence[str]) -> tuple[list[str], str]:
        """Return a column for each parameter in *keys*, and the call with them."""
        callee, count = case.expr.partition("(")[0], len(case.arguments)
        clash = {callee.partition(".")[0], "expected", "message", "request", *_OURS}
        names = [f"{key}_value" if key in clash else key for key in keys]
        if any(key.startswith("#") for key in keys) or len(set(names)) < len(names):
            names[:count] = ["value"] if count == 1 else [f"arg{n}" for n in range(count)]
        if len(set(names)) < len(names):
            names = [f"arg{n}" for n in range(len(names))]
        named = [f"{key}={name}" for key, name in zip(keys[count:], names[count:], strict=True)]
        return names, f"{callee}({', '.join([*names[:count], *named])})"

    def _imports(self, tests: Sequence[TestCode]) -> list[str]:
        given = {line for test in tests for line in test.imports}
        free = {name for test in tests for name in _free_names("\n".join(test.lines))}
        free -= {name for line in given for name in _names_imported(line)}
        cases = [case for test in tests for case in test.cases]
        homes = {assertions.exception(c): c.home for c in cases if c.kind == "raises" and c.home}
        known = {c.target.partition(".")[0] for c in cases} | {n for n, home in homes.items() if home == self.module}
        standard = {n: home for n, home in self.homes.items() if n in free and n not in known}
        own = {n for n in free if n not in _OURS and (n not in dir(builtins) or n in known)} - set(standard)
        foreign = {name: home for name, home in homes.items() if home != self.module and name in own}
        lines = [f"import {helper}" for helper in HELPERS if helper in free]
        lines += [
            f"from {home} import {', '.join(sorted(n for n in standard if standard[n] == home))}"
            for home in sorted(set(standard.values()))
        ]
        if self.style.framework == "unittest":
            lines.append("import unittest")
        elif "pytest" in free:
            lines += ["", "import pytest"]
        package = self.module.partition(".")[0]
        others = sorted(line for line in given - set(lines) if line.split()[1].partition(".")[0] != package)
        lines += others if "pytest" in free else ["", *others] if others else []
        names = ", ".join(sorted(own - set(foreign)))
        lines += ["", f"from {self.module} import {names}"] if names else [""]
        lines += [f"from {home} import {name}" for name, home in sorted(foreign.items(), key=lambda pair: pair[::-1])]
        return [*lines, *sorted(given - {*lines, *others})]


def tidy(text: str) -> str:
    """Lay *text* out as the formatter likes it; a text that it cannot read comes back as it is."""
    ruff = Path(sys.executable).parent / "ruff"
    command = [
        str(ruff) if ruff.exists() else "ruff",
        "format",
        "--isolated",
        "--no-cache",
        "--line-length",
        str(_WIDTH),
        "-",
    ]
    try:
        done = subprocess.run(command, input=text, capture_output=True, text=True, timeout=20, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return text
    return done.stdout if done.returncode == 0 and done.stdout else text


def _class_name(module: str) -> str:
    return "".join(part.title() for part in re.split(r"[._]", module)) + "Characterisation"


def _united(groups: Mapping[tuple[str, ...], list[Case]]) -> dict[tuple[str, ...], list[Case]]:
    """Put yes and no of one target into one table, where there are several of each."""
    found = dict(groups)
    for key, rows in groups.items():
        other = (*key[:-1], "False")
        both = [*rows, *groups.get(other, [])]
        if key[-1] == "True" and min(len(rows), len(both) - len(rows)) > 1 and _tabular(both):
            found[key] = both
            del found[other]
    return found


def _parts(rows: list[Case]) -> list[list[Case]]:
    """Keep together what makes a table; the rest stands alone, so that a failure names its case."""
    return [rows] if _tabular(rows) else [[row] for row in rows]


def _tabular(rows: list[Case]) -> bool:
    first = rows[0]
    if len(rows) == 1 or first.kind not in {"value", "raises"}:
        return len(rows) == 1
    return all(_plain_call(row) and not (row.before or row.after or row.receiver or row.is_async) for row in rows)


def _simplest(case: Case) -> tuple[object, ...]:
    """Put what is quickly read first."""
    return (len(case.before), len(case.expr) + len(case.value), case.expr, repr(case))


def _plain_call(case: Case) -> bool:
    body = ", ".join([*case.arguments, *(f"{name}={value}" for name, value in case.keywords)])
    return case.expr == f"{case.expr.partition('(')[0]}({body})"


def _parametrize(columns: list[str], cells: list[list[str]]) -> list[str]:
    one = len(columns) == 1
    head = f'"{columns[0]}"' if one else "(" + ", ".join(f'"{name}"' for name in columns) + ")"
    rows = [f"        {row[0] if one else '(' + ', '.join(row) + ')'}," for row in cells]
    return ["@pytest.mark.parametrize(", f"    {head},", "    [", *rows, "    ],", ")"]


def _indent(lines: Iterable[str]) -> list[str]:
    return [f"    {line}" if line else "" for line in lines]


def _free_names(text: str) -> set[str]:
    """Return the names that the functions in *text* take from around them, their decorators included."""
    found: set[str] = set()

    def visit(table: symtable.SymbolTable) -> None:
        found.update(s.get_name() for s in table.get_symbols() if s.is_global() and s.is_referenced())
        if table.get_type() == "module":
            found.update(s.get_name() for s in table.get_symbols() if s.is_referenced() and not s.is_assigned())
        for child in table.get_children():
            visit(child)

    visit(symtable.symtable(text, "<tests>", "exec"))
    return found


def _names_imported(line: str) -> set[str]:
    node = ast.parse(line).body[0]
    aliases = node.names if isinstance(node, ast.Import | ast.ImportFrom) else []
    return {alias.asname or alias.name.partition(".")[0] for alias in aliases}
