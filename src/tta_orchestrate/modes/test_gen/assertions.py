"""One case as the lines of a test body, for pytest and for unittest."""

import ast
import re
from collections.abc import Iterator
from typing import Final

from tta_orchestrate.modes.test_gen.cases import Case

_MESSAGE: Final = 80
_INLINE: Final = 60
"""Longest call that is looked at where it stands."""
_TELLING: Final = 4
"""A shorter message would be found in almost any other."""
_EQUALITY: Final = {"None", "True", "False"}


def body(case: Case) -> list[str]:
    """Return the lines, in pytest's way."""
    call = f"asyncio.run({case.expr})" if case.is_async else case.expr
    lines = list(case.before)
    if case.kind == "raises":
        return [*lines, f"with {raises(case)}:", f"    {call}"]
    if case.kind == "nan":
        lines.append(f"assert math.isnan({call})")
    elif case.kind == "iterator":
        taken = f"list({call})" if case.whole else f"list(itertools.islice({call}, 5))"
        lines.append(f"assert {taken} == {case.value}")
    elif case.kind == "object" and len(case.checks) == 1 and len(call) < _INLINE:
        lines += [assertion(look.format(call), value) for look, value in case.checks]
    elif case.kind == "object":
        lines.append(f"result = {call}")
        lines += [assertion(look.format("result"), value) for look, value in case.checks]
    elif case.value == "None" and case.after:
        lines.append(call)
    else:
        lines.append(assertion(call, case.value))
    return [*lines, *(assertion(look, value) for look, value in case.after)]


def assertion(look: str, value: str) -> str:
    """Return the assertion that *look* has *value*; brackets keep a comparison from becoming a chain."""
    if not isinstance(ast.parse(look, mode="eval").body, ast.Call | ast.Name | ast.Attribute | ast.Subscript):
        look = f"({look})"
    return f"assert {look} is {value}" if value in _EQUALITY else f"assert {look} == {value}"


def exception(case: Case) -> str:
    """Return the name under which a test knows the exception."""
    return case.type.removeprefix(f"{case.home}.") if case.home else case.type.rpartition(".")[2]


def message(case: Case) -> str:
    """Return the part of the message that the test insists on."""
    return case.value[:_MESSAGE]


def raises(case: Case) -> str:
    """Return pytest's context manager for the exception of *case*."""
    text = message(case)
    if not text:
        return f"pytest.raises({exception(case)})"
    if len(text) < _TELLING:
        return f"pytest.raises({exception(case)}, match={f'^{re.escape(text)}$'!r})"
    plain = re.escape(text).replace("\\ ", " ") == text
    return (
        f"pytest.raises({exception(case)}, match={text!r})"
        if plain
        else f"pytest.raises({exception(case)}, match=re.escape({text!r}))"
    )


def unittest_body(case: Case) -> Iterator[str]:
    """Yield the lines, in unittest's way."""
    for line in body(case):
        if line.startswith("assert "):
            test = ast.parse(line).body[0]
            if isinstance(test, ast.Assert):
                yield _assert_method(test.test)
                continue
        yield re.sub(r"^with pytest\.raises\((\w+)(?:, match=(.*))?\):$", _raises_method, line)


def _raises_method(found: re.Match[str]) -> str:
    return (
        f"with self.assertRaisesRegex({found[1]}, {found[2]}):" if found[2] else f"with self.assertRaises({found[1]}):"
    )


def _assert_method(test: ast.expr) -> str:
    if isinstance(test, ast.Compare) and len(test.ops) == 1:
        left, right = ast.unparse(test.left), ast.unparse(test.comparators[0])
        if isinstance(test.ops[0], ast.Eq):
            return f"self.assertEqual({left}, {right})"
        if isinstance(test.ops[0], ast.Is):
            return f"self.assertIs({left}, {right})"
    return f"self.assertTrue({ast.unparse(test)})"
