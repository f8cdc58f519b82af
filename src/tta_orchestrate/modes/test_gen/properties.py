"""Laws as property tests: the widest inputs for which a law holds, or none."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from tta_orchestrate.modes.test_gen import gates
from tta_orchestrate.modes.test_gen.arena import Session
from tta_orchestrate.modes.test_gen.cases import PROPERTY, Case
from tta_orchestrate.modes.test_gen.gates import Bench
from tta_orchestrate.modes.test_gen.outcome import TargetResult
from tta_orchestrate.modes.test_gen.render import TestCode

EXAMPLES: Final = 50
_NAME: Final = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)?\Z")
_IMPORTS: Final = ("from hypothesis import given, settings", "from hypothesis import strategies as st")
_SETTINGS: Final = f"@settings(derandomize=True, database=None, deadline=None, max_examples={EXAMPLES})"
_STRATEGIES: Final[Mapping[str, tuple[str, tuple[str, ...]]]] = {
    "str": ("text", ("st.text()", "st.text(st.characters(max_codepoint=127))", 'st.text("abcxyzABC019 -_")',
                     'st.text("abcxyz019", min_size=1)')),
    "int": ("number", ("st.integers()", "st.integers(min_value=0)", "st.integers(min_value={low}, max_value={high})")),
    "float": ("number", ("st.floats(allow_nan=False, allow_infinity=False)", "st.floats(min_value=0, max_value=1e6)")),
    "bytes": ("data", ("st.binary()",)),
    "list": ("items", ("st.lists(st.integers())", "st.lists(st.text())")),
    "datetime.timedelta": ("span", ("st.timedeltas()",)),
    "datetime.date": ("day", ("st.dates()",)),
    "datetime.datetime": ("moment", ("st.datetimes()",)),
}  # fmt: skip
_FORMS: Final[Mapping[str, tuple[str, str]]] = {
    "round-trip": ("{g}({f}({x})) == {x}", "test_{back}_undoes_{call}"),
    "idempotence": ("{f}({f}({x})) == {f}({x})", "test_{call}_is_idempotent"),
    "commutativity": ("{f}({x}, other) == {f}(other, {x})", "test_{call}_is_commutative"),
    "antisymmetry": ("{f}({x}, other) == -{f}(other, {x})", "test_{call}_is_antisymmetric"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Law:
    """What held for every observed input of one kind."""

    law: str
    call: str
    back: str
    kind: str
    held: int
    low: int = 0
    high: int = 0


def read_law(record: Mapping[str, Any]) -> Law | None:
    """Return the law in *record*, untrusted data, ``None`` when it is not one."""
    try:
        law = Law(
            law=str(record["law"]), call=str(record["call"]), back=str(record["back"]), kind=str(record["kind"]),
            held=int(record["held"]), low=int(record["low"]), high=int(record["high"]),
        )  # fmt: skip
    except (KeyError, TypeError, ValueError):
        return None
    names = [law.call, *([law.back] if law.law == "round-trip" else [])]
    known = law.law in _FORMS and law.kind in _STRATEGIES and max(abs(law.low), abs(law.high)) < 1 << 64
    return law if known and all(_NAME.match(name) for name in names) else None


def variants(law: Law, *, method: bool = False) -> list[TestCode]:
    """Return the tests of *law*, for the widest inputs first; *method* puts ``self`` in front."""
    variable, strategies = _STRATEGIES[law.kind]
    form, name = _FORMS[law.law]
    check = form.format(f=law.call, g=law.back, x=variable)
    name = name.format(call=_plain(law.call), back=_plain(law.back))
    pair = law.law in {"commutativity", "antisymmetry"}
    columns = [*(["self"] if method else []), variable, *(["other"] if pair else [])]
    case = Case(
        target=law.call, expr=check, before=(), arguments=(), keywords=(), receiver="", kind=PROPERTY,
    )  # fmt: skip
    found = []
    for strategy in strategies:
        inputs = strategy.format(low=law.low, high=law.high)
        lines = (
            f"@given({inputs}, {inputs})" if pair else f"@given({inputs})",
            _SETTINGS,
            f"def {name}({', '.join(columns)}):",
            f'    """Held for all {law.held} inputs that were seen."""',
            f"    assert {check}",
        )
        found.append(TestCode(name=name, lines=lines, cases=(case,), imports=_IMPORTS))
    return found


def proved(bench: Bench, laws: Sequence[Law]) -> list[TestCode]:
    """Return one test for each law that Hypothesis does not break, with the widest inputs for which that is so.

    They are run apart from everything else, all variants at once; a law that breaks leaves no trace in the result.
    """
    numbered: dict[str, TestCode] = {}
    for law in laws:
        for number, test in enumerate(variants(law, method=bench.writer.style.framework == "unittest")):
            name = f"{test.name}_{number}"
            lines = tuple(line.replace(f"def {test.name}(", f"def {name}(") for line in test.lines)
            numbered[name] = replace(test, name=name, lines=lines)
    if not numbered:
        return []
    folder, slash, file = bench.result.tests_path.rpartition("/")
    path = f"{folder}{slash}test_laws_{file.removeprefix('test_')}"
    scratch = TargetResult(path=bench.unit.path, tests_path=path)
    trial = replace(bench, result=scratch, ids={}, last=Session(tests={}))
    try:
        left = gates.passes(trial, gates.collects(trial, gates.static(trial, list(numbered.values()))))
    finally:
        bench.snapshot.remove(path)
    holding = {test.name for test in left}
    found = []
    for law in laws:
        tests = variants(law, method=bench.writer.style.framework == "unittest")
        found += [t for number, t in enumerate(tests) if f"{t.name}_{number}" in holding][:1]
    return list({test.name: test for test in found}.values())


def _plain(name: str) -> str:
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name.replace(".", "_"))
    return re.sub(r"__+", "_", words).lower().strip("_")
