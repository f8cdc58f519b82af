"""Cases as tests a person would keep: grouped by what is called, tables for what differs only in values."""

import ast
import builtins
import itertools
import re
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from tta_orchestrate.modes.test_gen import assertions
from tta_orchestrate.modes.test_gen.cases import Case
from tta_orchestrate.modes.test_gen.facts import MARK, Style

_HELPERS: Final = (
    "asyncio", "collections", "datetime", "decimal", "fractions", "itertools", "math", "operator", "pathlib", "re",
    "uuid",
)  # fmt: skip
_OURS: Final = {*_HELPERS, "pytest", "unittest", "self"}
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Writer:
    """Writes tests for one module in one style."""

    module: str
    style: Style
    parameters: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Positional parameters of each target, for the columns of tables."""

    def tests(self, cases: Iterable[Case], *, taken: Iterable[str] = ()) -> list[TestCode]:
        """Return the tests for *cases*; their names are free of those in *taken*."""
        names = set(taken)
        groups: dict[tuple[str, ...], list[Case]] = {}
        for case in cases:
            groups.setdefault(_group(case), []).append(case)
        found = []
        for (target, *_), group in sorted(groups.items(), key=lambda item: item[0]):
            rows = list({(case.expr, case.before): case for case in group}.values())
            found += [self._test(_free(_name(target, part[0]), names), part) for part in self._parts(rows)]
        return found

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
        parts += self._imports(tests, body)
        if self.style.framework == "unittest":
            indented = "\n".join(f"    {line}" if line else "" for line in body.rstrip().split("\n"))
            body = f"class {_class_name(self.module)}(unittest.TestCase):\n{indented}\n"
        return tidy("\n".join([*parts, "", "", body.rstrip("\n"), ""]))

    def _parts(self, rows: list[Case]) -> list[list[Case]]:
        """Keep together what makes a table; the rest stands alone, so that a failure names its case."""
        return [rows] if self.style.framework == "unittest" or _tabular(rows) else [[row] for row in rows]

    def _test(self, name: str, rows: list[Case]) -> TestCode:
        if self.style.framework == "unittest":
            lines = [line for row in rows for line in assertions.unittest_body(row)]
            return TestCode(name=name, lines=(f"def {name}(self):", *_indent(lines)), cases=tuple(rows))
        if len(rows) == 1:
            return TestCode(name=name, lines=(f"def {name}():", *_indent(assertions.body(rows[0]))), cases=tuple(rows))
        return TestCode(name=name, lines=tuple(self._table(name, rows)), cases=tuple(rows), table=True)

    def _table(self, name: str, rows: list[Case]) -> list[str]:
        first = rows[0]
        columns, call = self._columns(first)
        cells = [[*row.arguments, *(value for _, value in row.keywords)] for row in rows]
        if first.kind == "raises":
            block = [f"    with {assertions.raises(first)}:", f"        {call}"]
            if len({assertions.message(row) for row in rows}) > 1:
                columns.append("message")
                cells = [[*cell, repr(assertions.message(row))] for cell, row in zip(cells, rows, strict=True)]
                block[0] = f"    with pytest.raises({assertions.exception(first)}, match=re.escape(message)):"
        elif len({row.value for row in rows}) == 1:
            block = [f"    {assertions.assertion(call, first.value)}"]
        else:
            columns.append("expected")
            cells = [[*cell, row.value] for cell, row in zip(cells, rows, strict=True)]
            block = [f"    assert {call} == expected"]
        return [*_parametrize(columns, cells), f"def {name}({', '.join(columns)}):", *block]

    def _columns(self, case: Case) -> tuple[list[str], str]:
        callee, count = case.expr.partition("(")[0], len(case.arguments)
        names = list(self.parameters.get(case.target, ())[:count])
        keywords = [name for name, _ in case.keywords]
        clash = {callee.partition(".")[0], "expected", "message", "request", *_OURS}
        if (
            len(names) < count
            or clash.intersection([*names, *keywords])
            or len({*names, *keywords}) < count + len(keywords)
        ):
            names = ["value"] if count == 1 else [f"arg{n}" for n in range(count)]
        call = f"{callee}({', '.join([*names, *(f'{k}={k}' for k in keywords)])})"
        return [*names, *keywords], call

    def _imports(self, tests: Sequence[TestCode], body: str) -> list[str]:
        used = _names_used(body)
        given = {line for test in tests for line in test.imports}
        bound = _bound(body) | {name for line in given for name in _names_imported(line)}
        known = {c.target.partition(".")[0] for t in tests for c in t.cases}
        own = {n for n in used if n not in _OURS and (n not in dir(builtins) or n in known)} - bound
        homes = {
            assertions.exception(c): c.type.rpartition(".")[0]
            for t in tests
            for c in t.cases
            if c.kind == "raises" and "." in c.type
        }
        foreign = {name: home for name, home in homes.items() if home != self.module and name in own}
        lines = [
            f"import {helper}" for helper in _HELPERS if helper in used and helper not in own and helper not in bound
        ]
        framework = "unittest" if self.style.framework == "unittest" else "pytest" if "pytest" in used else ""
        lines += ["", f"import {framework}"] if framework and framework not in bound else []
        names = ", ".join(sorted(own - set(foreign)))
        lines += ["", f"from {self.module} import {names}"] if names else [""]
        lines += [f"from {home} import {name}" for name, home in sorted(foreign.items(), key=lambda pair: pair[::-1])]
        return [*lines, *sorted(given - set(lines))]


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


def parameters_of(source: str) -> dict[str, tuple[str, ...]]:
    """Return the positional parameters of every function, method and constructor of *source*."""
    found: dict[str, tuple[str, ...]] = {}

    def visit(nodes: list[ast.stmt], owner: str) -> None:
        for node in nodes:
            if isinstance(node, ast.ClassDef):
                visit(node.body, node.name)
            elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                names = [a.arg for a in (*node.args.posonlyargs, *node.args.args)]
                static = any(ast.unparse(d) == "staticmethod" for d in node.decorator_list)
                names = names[1:] if owner and not static else names
                found[owner if node.name == "__init__" else f"{owner}.{node.name}" if owner else node.name] = tuple(
                    names
                )

    visit(ast.parse(source).body, "")
    return found


def _class_name(module: str) -> str:
    return "".join(part.title() for part in re.split(r"[._]", module)) + "Characterisation"


def _group(case: Case) -> tuple[str, ...]:
    shape = (
        f"{len(case.arguments)}:{','.join(name for name, _ in case.keywords)}:{bool(case.before)}:{bool(case.receiver)}"
    )
    if case.kind == "value":
        flavour = case.value if case.value in {"True", "False", "None"} else "value"
        return (case.target, shape, flavour, "|".join(look for look, _ in case.after))
    if case.kind == "raises":
        return (case.target, shape, "raises", case.type)
    checks = "|".join(look for look, _ in (*case.checks, *case.after))
    return (case.target, shape, case.kind, case.type, str(case.whole), checks)


def _tabular(rows: list[Case]) -> bool:
    first = rows[0]
    if len(rows) == 1 or first.kind not in {"value", "raises"}:
        return len(rows) == 1
    return all(_plain_call(row) and not (row.before or row.after or row.receiver or row.is_async) for row in rows)


def _plain_call(case: Case) -> bool:
    body = ", ".join([*case.arguments, *(f"{name}={value}" for name, value in case.keywords)])
    return case.expr == f"{case.expr.partition('(')[0]}({body})"


def _name(target: str, case: Case) -> str:
    subject = "_".join(w for part in target.split(".") if (w := _snake(part.strip("_"))))
    with_names = f"_with_{'_and_'.join(name for name, _ in case.keywords[:2])}" if case.keywords else ""
    if case.kind == "raises":
        return f"test_{subject}{with_names}_raises_{_snake(case.type.rpartition('.')[2])}"
    if case.kind == "object":
        return f"test_{subject}{with_names}_makes_{_snake(case.type.rpartition('.')[2])}"
    ends = (
        {"True": "is_true", "False": "is_false", "None": "returns_none"}
        if case.kind == "value" and not case.after
        else {}
    )
    plain = {"iterator": "yields", "nan": "is_not_a_number"}.get(
        case.kind, "leaves_its_mark" if case.after else "returns"
    )
    return f"test_{subject}{with_names}_{ends.get(case.value, plain)}"


def _snake(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name).lower().replace("__", "_")


def _free(name: str, taken: set[str]) -> str:
    chosen = next(n for n in itertools.chain([name], (f"{name}_{i}" for i in itertools.count(2))) if n not in taken)
    taken.add(chosen)
    return chosen


def _parametrize(columns: list[str], cells: list[list[str]]) -> list[str]:
    one = len(columns) == 1
    head = f'"{columns[0]}"' if one else "(" + ", ".join(f'"{name}"' for name in columns) + ")"
    rows = [f"        {row[0] if one else '(' + ', '.join(row) + ')'}," for row in cells]
    return ["@pytest.mark.parametrize(", f"    {head},", "    [", *rows, "    ],", ")"]


def _indent(lines: Iterable[str]) -> list[str]:
    return [f"    {line}" if line else "" for line in lines]


def _names_used(text: str) -> set[str]:
    return {n.id for n in ast.walk(ast.parse(text)) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load)}


def _names_imported(line: str) -> set[str]:
    node = ast.parse(line).body[0]
    aliases = node.names if isinstance(node, ast.Import | ast.ImportFrom) else []
    return {alias.asname or alias.name.partition(".")[0] for alias in aliases}


def _bound(text: str) -> set[str]:
    tree = ast.parse(text)
    found = {n.id for n in ast.walk(tree) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
    for arguments in (n for n in ast.walk(tree) if isinstance(n, ast.arguments)):
        every = (*arguments.args, *arguments.kwonlyargs, *arguments.posonlyargs, arguments.vararg, arguments.kwarg)
        found |= {a.arg for a in every if a}
    return found | {n.name for n in ast.walk(tree) if isinstance(n, ast.FunctionDef)}
