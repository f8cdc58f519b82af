"""Laws: proposed by what was observed, written as tests, read as untrusted data."""

import sys
import types

import pytest

from tta_orchestrate.modes.test_gen.facts import Style
from tta_orchestrate.modes.test_gen.properties import EXAMPLES, Law, read_law, variants
from tta_orchestrate.modes.test_gen.render import Writer
from tta_orchestrate.modes.test_gen.static_gate import refusals
from tta_orchestrate.modes.test_gen.worker.evaluate import Candidate, Evaluator
from tta_orchestrate.modes.test_gen.worker.laws import Laws
from tta_orchestrate.modes.test_gen.worker.subject import Subject

CODES = '''
"""Codes."""


def encode(number: int) -> str:
    """Write *number* backwards, behind an x."""
    if number < 0:
        raise ValueError("no sign")
    return "x" + str(number)[::-1]


def decode(text: str) -> int:
    """Read what encode wrote."""
    return int(text[1:][::-1])


def clean(text: str) -> str:
    """Return the words, in lower case."""
    return " ".join(text.lower().split())


def strip_once(text: str) -> str:
    """Take one x from the front."""
    return text.removeprefix("x")


def distance(a: int, b: int) -> int:
    """Return how far it is."""
    return abs(a - b)


def compare(a: int, b: int) -> int:
    """Return -1 where a is smaller, else 1."""
    return -1 if a < b else 1
'''.lstrip()
INPUTS = {
    "encode": ["0", "7", "12", "100", "255", "-3"],
    "clean": ["'A  b'", "' x '", "'ok'", "'C'", "'\\n'"],
    "strip_once": ["'x'", "'xx'", "'a'", "'xa'", "''"],
    "distance": ["1, 2", "3, 9", "0, 5", "7, 1", "2, 8"],
    "compare": ["1, 2", "3, 9", "0, 5", "7, 1", "2, 8"],
}


@pytest.fixture
def subject(tmp_path):
    name = f"codes_{tmp_path.name.replace('-', '_')}"
    file = tmp_path / "codes.py"
    file.write_text(CODES)
    module = types.ModuleType(name)
    module.__file__ = str(file)
    sys.modules[name] = module
    exec(compile(CODES, str(file), "exec"), vars(module))
    yield Subject(name, str(file), CODES)
    del sys.modules[name]


def proposed(subject):
    evaluator, observed = Evaluator(subject), []
    targets = {t.qual: t for t in subject.targets}
    for name, inputs in INPUTS.items():
        for text in inputs:
            candidate = Candidate(name, f"{name}({text})", arguments=text.split(", "))
            observed.append((candidate, evaluator.observe(candidate, targets[name])))
    return {(record["law"], record["call"]): record for record in Laws(subject, observed).propose()}


def test_only_laws_that_nothing_observed_breaks_are_proposed(subject):
    found = proposed(subject)
    assert set(found) == {("round-trip", "encode"), ("idempotence", "clean"), ("commutativity", "distance")}
    assert found["round-trip", "encode"]["back"] == "decode"
    assert found["round-trip", "encode"]["low"] >= 0


def law(**more):
    return Law(
        **(
            {"law": "round-trip", "call": "encode", "back": "decode", "kind": "int", "held": 9, "low": 0, "high": 255}
            | more
        )
    )


def test_the_widest_inputs_come_first_and_runs_are_repeatable():
    wide, _, narrow = variants(law())
    assert wide.lines[0] == "@given(st.integers())"
    assert narrow.lines[0] == "@given(st.integers(min_value=0, max_value=255))"
    assert wide.lines[1] == f"@settings(derandomize=True, database=None, deadline=None, max_examples={EXAMPLES})"
    assert wide.lines[2] == "def test_decode_undoes_encode(number):"


@pytest.mark.parametrize("kind", ["idempotence", "commutativity", "antisymmetry", "round-trip"])
def test_a_property_passes_the_static_gate(kind):
    text = Writer(module="codes", style=Style(framework="pytest")).file(variants(law(law=kind))[:1])
    assert "from codes import " in text
    assert refusals(text, module="codes", available=("codes",)) == {}


@pytest.mark.parametrize(
    "change",
    [
        {"call": "encode(0) or exit"},
        {"back": "a.b.c"},
        {"law": "gravity"},
        {"kind": "object"},
        {"low": "x"},
        {"high": 1 << 80},
    ],
)
def test_a_record_that_is_no_law_is_refused(change):
    record = {"law": "round-trip", "call": "encode", "back": "decode", "kind": "int", "held": 9, "low": 0, "high": 255}
    assert read_law(record) == law()
    assert read_law(record | change) is None


def test_a_property_fails_when_its_law_is_broken():
    names = {"encode": lambda number: f"x{number}", "decode": lambda text: int(text[1:])}
    body = "\n".join([*variants(law())[1].imports, *variants(law())[1].lines])
    exec(body, names)
    names["test_decode_undoes_encode"]()
    names["decode"] = lambda text: len(text) - 2
    with pytest.raises(AssertionError):
        names["test_decode_undoes_encode"]()
