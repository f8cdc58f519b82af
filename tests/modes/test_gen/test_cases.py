"""What the generator sends is read as data; names are written as the module writes them."""

import pytest

from observed import case
from tta_orchestrate.modes.test_gen.cases import read_case, shortened

RECORD = {
    "target": "f", "expr": "f(1)", "before": [], "arguments": ["1"], "keywords": {}, "receiver": "", "kills": [],
    "seen": {"kind": "raises", "type": "Gone", "home": "shop", "message": "no"},
}  # fmt: skip
NAMES = {"decimal.Decimal": "Decimal", "datetime.date": "date"}


def read(**seen):
    return read_case({**RECORD, "seen": {**RECORD["seen"], **seen}}, async_targets=frozenset())


def test_an_exception_knows_its_home():
    assert (read().type, read().home) == ("shop.Gone", "shop")
    assert (read(type="ValueError", home="builtins").type, read(type="ValueError", home="builtins").home) == (
        "ValueError",
        "",
    )


@pytest.mark.parametrize("name", ["f.<locals>.Gone", "Go ne", "Gone)", "1Gone"])
def test_an_exception_that_no_test_can_name_is_no_case(name):
    assert read(type=name) is None


def test_dotted_names_become_the_short_ones_that_the_module_uses():
    long = case(
        "f(decimal.Decimal('1.50'), d=datetime.date(2024, 1, 1))", "[decimal.Decimal('2')]", after=(("x.day", "datetime.date(1, 1, 1)"),)
    )  # fmt: skip
    short = shortened(long, NAMES)
    assert short.expr == "f(Decimal('1.50'), d=date(2024, 1, 1))"
    assert (short.value, short.after) == ("[Decimal('2')]", (("x.day", "date(1, 1, 1)"),))
    assert short.arguments == ("Decimal('1.50')",)


def test_a_text_that_only_looks_like_one_stays():
    quoted = case("f('a decimal.Decimal here')", "'decimal.Decimal'")
    assert shortened(quoted, NAMES).value == "'decimal.Decimal'"
    assert shortened(quoted, NAMES).expr == "f('a decimal.Decimal here')"


def test_a_message_is_left_as_it_is():
    assert (
        shortened(case("f(1)", "not a decimal.Decimal(", kind="raises", type="ValueError"), NAMES).value
        == "not a decimal.Decimal("
    )
