"""Cases as tests a person would keep: grouped by what is called, tables for what differs only in values."""

import ast
import builtins
import itertools
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from tta_orchestrate.modes.test_gen.cases import Case
from tta_orchestrate.modes.test_gen.facts import MARK, Style

_HELPERS: Final = (
    "asyncio",
    "collections",
    "datetime",
    "decimal",
    "fractions",
    "itertools",
    "math",
    "operator",
    "pathlib",
    "re",
    "uuid",
)
_WIDTH: Final = 100
_MESSAGE: Final = 80


@dataclass(frozen=True, slots=True, kw_only=True)
class TestCode:
    """One test: its name, its lines, and the cases in it, in the order of their ids."""

    name: str
    lines: tuple[str, ...]
    cases: tuple[Case, ...]
    """Row *n* of a table is ``name[n]`` for the runner; a test without a table has one case."""
    table: bool


def write_tests(cases: Iterable[Case], style: Style, *, taken: Iterable[str] = ()) -> list[TestCode]:
    """Return the tests for *cases*; names are free of those in *taken*."""
    names = set(taken)
    tests: list[TestCode] = []
    groups: dict[tuple[str, ...], list[Case]] = {}
    for case in cases:
        groups.setdefault(_group(case), []).append(case)
    for (target, *_), group in sorted(groups.items(), key=lambda item: item[0]):
        rows = _unique(group)
        name = _free(_name(target, rows[0]), names)
        writer = _unittest if style.framework == "unittest" else _pytest
        tests.append(writer(name, rows))
    return tests


def write_file(tests: Sequence[TestCode], *, module: str, style: Style) -> str:
    """Return the whole text of a test file."""
    body = "\n".join(line for test in tests for line in (*test.lines, "", ""))
    names = _names_used(body)
    own = sorted(
        {n for n in names if n not in dir(builtins) and n not in {*_HELPERS, "pytest", "unittest", "self"}}
        - _bound(body)
    )
    imports = [f"import {helper}" for helper in _HELPERS if helper in names and helper not in own]
    framework = "unittest" if style.framework == "unittest" else "pytest" if "pytest" in names else ""
    shadowed = sorted(
        {n for t in tests for c in t.cases for n in _names_used(c.expr) if hasattr(builtins, n) and n == c.target}
    )
    foreign = {
        _exception(c): c.type.rpartition(".")[0] for t in tests for c in t.cases if c.kind == "raises" and "." in c.type
    }
    foreign = {name: home for name, home in foreign.items() if home != module and name in own}
    source = ", ".join(sorted({*own, *shadowed} - set(foreign)))
    head = [
        f'"""Characterisation tests: what `{module}` does today, as observed. A failure means that behaviour changed."""',
        MARK,
        "",
    ]
    head += imports + ([""] if imports else []) + ([f"import {framework}", ""] if framework else [])
    head += _wrapped(f"from {module} import ", source) if source else []
    head += [f"from {home} import {name}" for name, home in sorted(foreign.items(), key=lambda pair: pair[::-1])]
    if style.framework == "unittest":
        indented = "\n".join(f"    {line}" if line else "" for line in body.rstrip().split("\n"))
        body = f"class {_class_name(module)}(unittest.TestCase):\n{indented}\n"
    return "\n".join([*head, "", "", body.rstrip("\n"), ""])


def prune(test: TestCode, keep: Iterable[Case], style: Style) -> TestCode | None:
    """Return *test* with only the cases in *keep*, under its name; ``None`` when nothing is left."""
    wanted = set(keep)
    rows = [case for case in test.cases if case in wanted]
    if not rows:
        return None
    return (_unittest if style.framework == "unittest" else _pytest)(test.name, rows)


def _class_name(module: str) -> str:
    return "".join(part.title() for part in re.split(r"[._]", module)) + "Characterisation"


def _wrapped(start: str, names: str) -> list[str]:
    if len(start + names) <= _WIDTH:
        return [start + names]
    return [f"{start}(", *(f"    {name}," for name in names.split(", ")), ")"]


def _group(case: Case) -> tuple[str, ...]:
    shape = (
        f"{len(case.arguments)}:{','.join(name for name, _ in case.keywords)}:{bool(case.before)}:{bool(case.receiver)}"
    )
    if case.kind == "value":
        flavour = case.value if case.type in {"builtins.bool", "builtins.NoneType"} else "value"
        return (case.target, shape, flavour, "|".join(look for look, _ in case.after))
    if case.kind == "raises":
        return (case.target, "raises", case.type)
    checks = "|".join(look for look, _ in (*case.checks, *case.after))
    return (case.target, shape, case.kind, case.type, str(case.whole), checks)


def _unique(group: list[Case]) -> list[Case]:
    return list({(case.expr, case.before): case for case in group}.values())


def _name(target: str, case: Case) -> str:
    words = [_snake(part.strip("_")) for part in target.split(".")]
    subject = "_".join(w for w in words if w)
    match case.kind:
        case "raises":
            return f"test_{subject}_raises_{_snake(case.type.rpartition('.')[2])}"
        case "value" if case.value == "True":
            return f"test_{subject}_is_true"
        case "value" if case.value == "False":
            return f"test_{subject}_is_false"
        case "value" if case.value == "None":
            return f"test_{subject}_returns_none"
        case "object":
            return f"test_{subject}_makes_{_snake(case.type.rpartition('.')[2])}"
        case "iterator":
            return f"test_{subject}_yields"
        case "nan":
            return f"test_{subject}_is_not_a_number"
    named = [name for name, _ in case.keywords]
    return f"test_{subject}" + (f"_with_{'_and_'.join(named[:2])}" if named else "_returns")


def _snake(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name).lower().replace("__", "_")


def _free(name: str, taken: set[str]) -> str:
    chosen = next(n for n in itertools.chain([name], (f"{name}_{i}" for i in itertools.count(2))) if n not in taken)
    taken.add(chosen)
    return chosen


# -- pytest -----------------------------------------------------------------------------------------------------


def _pytest(name: str, rows: list[Case]) -> TestCode:
    columns = _columns(rows)
    if len(rows) == 1 or columns is None:
        if len(rows) > 1:
            return _call_table(name, rows)
        return TestCode(
            name=name, lines=tuple([f"def {name}():", *_indent(_body(rows[0]))]), cases=tuple(rows), table=False
        )
    return columns if isinstance(columns, TestCode) else _argument_table(name, rows)


def _columns(rows: list[Case]) -> bool | None:
    first = rows[0]
    if first.kind not in {"value", "raises"} or any(r.before or r.after or r.receiver or r.is_async for r in rows):
        return None
    same = all(
        len(r.arguments) == len(first.arguments) and [k for k, _ in r.keywords] == [k for k, _ in first.keywords]
        for r in rows
    )
    callee = {r.expr.partition("(")[0] for r in rows}
    return True if same and len(callee) == 1 and all(_is_plain_call(r) for r in rows) else None


def _is_plain_call(case: Case) -> bool:
    body = ", ".join([*case.arguments, *(f"{k}={v}" for k, v in case.keywords)])
    return case.expr == f"{case.expr.partition('(')[0]}({body})"


def _argument_table(name: str, rows: list[Case]) -> TestCode:
    first = rows[0]
    callee = first.expr.partition("(")[0]
    names = [f"arg{i}" if len(first.arguments) > 1 else "value" for i in range(len(first.arguments))]
    names += [k for k, _ in first.keywords]
    call = f"{callee}({', '.join([*names[: len(first.arguments)], *(f'{k}={k}' for k, _ in first.keywords)])})"
    cells = [[*r.arguments, *(v for _, v in r.keywords)] for r in rows]
    if first.kind == "raises":
        return _raises_table(name, rows, names, cells, call)
    simple = first.value in {"True", "False", "None"} and len({r.value for r in rows}) == 1
    if not simple:
        names.append("expected")
        cells = [[*cell, r.value] for cell, r in zip(cells, rows, strict=True)]
    expected = f"assert {call} is {first.value}" if simple else f"assert {call} == expected"
    return TestCode(
        name=name,
        lines=tuple([*_table(names, cells), f"def {name}({', '.join(names)}):", f"    {expected}"]),
        cases=tuple(rows),
        table=True,
    )


def _raises_table(name: str, rows: list[Case], names: list[str], cells: list[list[str]], call: str) -> TestCode:
    messages = {_match(r) for r in rows}
    if len(messages) == 1:
        line = f"    with {_raises(rows[0])}:"
    else:
        names = [*names, "message"]
        cells = [[*cell, repr(_shown(r.value))] for cell, r in zip(cells, rows, strict=True)]
        line = f"    with pytest.raises({_exception(rows[0])}, match=re.escape(message)):"
    return TestCode(
        name=name,
        lines=tuple([*_table(names, cells), f"def {name}({', '.join(names)}):", line, f"        {call}"]),
        cases=tuple(rows),
        table=True,
    )


def _table(names: list[str], cells: list[list[str]]) -> list[str]:
    one = len(names) == 1
    head = repr(names[0]) if one else "(" + ", ".join(f'"{n}"' for n in names) + ")"
    lines = ["@pytest.mark.parametrize(", f"    {head.replace(chr(39), chr(34))},", "    ["]
    lines += [f"        {row[0] if one else '(' + ', '.join(row) + ')'}," for row in cells]
    return [*lines, "    ],", ")"]


def _call_table(name: str, rows: list[Case]) -> TestCode:
    """Cases that differ in more than values: one test function with a block per case would hide which failed."""
    if rows[0].kind == "raises" and not any(r.before or r.is_async for r in rows):
        calls = [[f"lambda: {r.expr}", repr(_shown(r.value))] for r in rows]
        body = [f"    with pytest.raises({_exception(rows[0])}, match=re.escape(message)):", "        call()"]
        return TestCode(
            name=name,
            lines=tuple([*_table(["call", "message"], calls), f"def {name}(call, message):", *body]),
            cases=tuple(rows),
            table=True,
        )
    if rows[0].kind == "value" and not any(r.before or r.after or r.is_async for r in rows):
        cells = [[r.expr, r.value] for r in rows]
        if all(len(r.expr) + len(r.value) < _WIDTH for r in rows):
            calls = [[f"lambda: {r.expr}", r.value] for r in rows]
            lines = [
                *_table(["call", "expected"], calls),
                f"def {name}(call, expected):",
                "    assert call() == expected",
            ]
            return TestCode(name=name, lines=tuple(lines), cases=tuple(rows), table=True)
        del cells
    return _sequence(name, rows)


def _sequence(name: str, rows: list[Case]) -> TestCode:
    first = rows[0]
    body = _body(first)
    for row in rows[1:]:
        body += ["", *_body(row)]
    return TestCode(name=name, lines=(f"def {name}():", *_indent(body)), cases=tuple(rows), table=False)


def _body(case: Case) -> list[str]:
    call = f"asyncio.run({case.expr})" if case.is_async else case.expr
    lines = list(case.before)
    match case.kind:
        case "raises":
            return [*lines, f"with {_raises(case)}:", f"    {call}"]
        case "nan":
            return [*lines, f"assert math.isnan({call})"]
        case "iterator":
            taken = f"list({call})" if case.whole else f"list(itertools.islice({call}, 5))"
            lines.append(f"assert {taken} == {case.value}")
        case "object":
            lines.append(f"result = {call}")
            lines += [_assertion(look.format("result"), value) for look, value in case.checks]
        case _ if case.value == "None" and case.after:
            lines.append(call)
        case _:
            lines.append(_assertion(call, case.value))
    return [*lines, *(_assertion(look, value) for look, value in case.after)]


def _assertion(look: str, value: str) -> str:
    return f"assert {look} is {value}" if value in {"None", "True", "False"} else f"assert {look} == {value}"


def _exception(case: Case) -> str:
    return case.type.rpartition(".")[2]


def _shown(message: str) -> str:
    return message if len(message) <= _MESSAGE else message[:_MESSAGE]


def _match(case: Case) -> str:
    return _shown(case.value)


def _raises(case: Case) -> str:
    message = _shown(case.value)
    if not message:
        return f"pytest.raises({_exception(case)})"
    escaped = re.escape(message)
    pattern = repr(message) if escaped.replace("\\ ", " ") == message else f"re.escape({message!r})"
    return f"pytest.raises({_exception(case)}, match={pattern})"


def _indent(lines: Iterable[str]) -> list[str]:
    return [f"    {line}" if line else "" for line in lines]


# -- unittest ---------------------------------------------------------------------------------------------------


def _unittest(name: str, rows: list[Case]) -> TestCode:
    body: list[str] = []
    for row in rows:
        body += [*_unittest_body(row)]
    return TestCode(name=name, lines=(f"def {name}(self):", *_indent(body)), cases=tuple(rows), table=False)


def _unittest_body(case: Case) -> Iterator[str]:
    for line in _body(case):
        if line.startswith("assert "):
            test = ast.parse(line).body[0]
            if isinstance(test, ast.Assert):
                yield _unittest_assertion(test.test)
                continue
        yield re.sub(r"^with pytest\.raises\((\w+)(, match=(.*))?\):$", _unittest_raises, line)


def _unittest_raises(found: re.Match[str]) -> str:
    return (
        f"with self.assertRaisesRegex({found[1]}, {found[3]}):" if found[3] else f"with self.assertRaises({found[1]}):"
    )


def _unittest_assertion(test: ast.expr) -> str:
    if isinstance(test, ast.Compare) and len(test.ops) == 1:
        left, right = ast.unparse(test.left), ast.unparse(test.comparators[0])
        if isinstance(test.ops[0], ast.Eq):
            return f"self.assertEqual({left}, {right})"
        if isinstance(test.ops[0], ast.Is):
            return f"self.assertIs({left}, {right})"
    return f"self.assertTrue({ast.unparse(test)})"


# -- names ------------------------------------------------------------------------------------------------------


def _names_used(text: str) -> set[str]:
    return {n.id for n in ast.walk(ast.parse(text)) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load)}


def _bound(text: str) -> set[str]:
    tree = ast.parse(text)
    found = {n.id for n in ast.walk(tree) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
    found |= {
        a.arg for n in ast.walk(tree) if isinstance(n, ast.arguments) for a in (*n.args, *n.kwonlyargs, *n.posonlyargs)
    }
    found |= {a.arg for n in ast.walk(tree) if isinstance(n, ast.arguments) for a in (n.vararg, n.kwarg) if a}
    return found | {n.name for n in ast.walk(tree) if isinstance(n, ast.FunctionDef)}
