"""The text of tests."""

import ast

import pytest

from tta_orchestrate.modes.test_gen.cases import Case, read_case
from tta_orchestrate.modes.test_gen.facts import MARK, Style
from tta_orchestrate.modes.test_gen.render import Writer
from tta_orchestrate.modes.test_gen.signatures import parameters_of

PYTEST, UNITTEST = Style(framework="pytest"), Style(framework="unittest")


def case(expr: str, value: str = "", *, kind: str = "value", target: str = "", **more) -> Case:
    call = ast.parse(expr, mode="eval").body
    fields = {
        "target": target or expr.partition("(")[0], "expr": expr, "before": (), "receiver": "", "kind": kind, "value": value,
        "arguments": tuple(ast.unparse(a) for a in call.args) if isinstance(call, ast.Call) else (),
        "keywords": tuple((k.arg, ast.unparse(k.value)) for k in call.keywords) if isinstance(call, ast.Call) else (),
        **more,
    }  # fmt: skip
    return Case(**fields)


def text_of(*cases: Case, style: Style = PYTEST, source: str = "") -> str:
    writer = Writer(module="shop.cart", style=style, parameters=parameters_of(source))
    return writer.file(writer.tests(cases))


def test_one_behaviour_is_one_plain_assertion():
    assert "def test_price_returns():\n    assert price(3) == 4\n" in text_of(case("price(3)", "4"))


def test_several_inputs_of_one_function_become_a_table_with_its_own_parameter_names():
    text = text_of(case("price(3, 1)", "4"), case("price(5, 1)", "6"), source="def price(net, tax): ...")
    assert '("net", "tax", "expected")' in text
    assert "(3, 1, 4)," in text
    assert "def test_price_returns(net, tax, expected):\n    assert price(net, tax) == expected" in text


def test_yes_and_no_are_told_apart():
    text = text_of(case("is_open(1)", "True"), case("is_open(0)", "False"))
    assert "def test_is_open_is_true():\n    assert is_open(1) is True" in text
    assert "def test_is_open_is_false():\n    assert is_open(0) is False" in text


def test_an_exception_is_expected_with_its_message():
    text = text_of(case("price(-1)", "no price (-1)", kind="raises", type="ValueError"))
    assert 'with pytest.raises(ValueError, match=re.escape("no price (-1)")):\n        price(-1)' in text
    assert "import re\n" in text


def test_an_exception_from_elsewhere_is_imported_from_there():
    text = text_of(case("price(-1)", "", kind="raises", type="shop.errors.PriceError"))
    assert "from shop.errors import PriceError" in text
    assert "from shop.cart import price" in text


def test_an_object_is_looked_at_from_outside():
    checks = (("str({})", "'cart'"), ("{}.total", "0"))
    text = text_of(case("Cart()", kind="object", type="shop.cart.Cart", checks=checks))
    assert 'result = Cart()\n    assert str(result) == "cart"\n    assert result.total == 0' in text


def test_a_change_of_state_is_checked_after_the_call():
    text = text_of(
        case(
            "subject.add(1)",
            "None",
            target="Cart.add",
            before=("subject = Cart()",),
            receiver="Cart()",
            after=(("subject.total", "1"),),
        )
    )
    assert "    subject = Cart()\n    subject.add(1)\n    assert subject.total == 1\n" in text


def test_coroutines_are_awaited_to_their_end():
    assert "assert asyncio.run(fetch(1)) == 2" in text_of(case("fetch(1)", "2", is_async=True))


def test_endless_iterators_are_cut_short():
    assert "list(itertools.islice(count(), 5)) == [0, 1]" in text_of(
        case("count()", "[0, 1]", kind="iterator", whole=False)
    )


def test_unittest_style_has_a_class_and_its_methods():
    text = text_of(
        case("price(3)", "4"),
        case("is_open(1)", "True"),
        case("price(-1)", "no", kind="raises", type="ValueError"),
        style=UNITTEST,
    )
    assert "class ShopCartCharacterisation(unittest.TestCase):" in text
    assert "self.assertEqual(price(3), 4)" in text
    assert "self.assertIs(is_open(1), True)" in text
    assert 'with self.assertRaisesRegex(ValueError, "no"):' in text
    assert "pytest" not in text


def test_every_file_says_who_made_it():
    assert MARK in text_of(case("price(3)", "4")).splitlines()


def test_pruning_keeps_the_name():
    one, other = case("price(3)", "4"), case("price(5)", "6")
    writer = Writer(module="shop", style=PYTEST)
    (test,) = writer.tests([one, other])
    pruned = writer.prune(test, [other])
    assert (pruned.name, pruned.cases, pruned.table) == (test.name, (other,), False)
    assert writer.prune(test, []) is None


def test_names_do_not_collide():
    writer = Writer(module="shop", style=PYTEST)
    tests = writer.tests([case("Price.add(1)", "1"), case("price_add(2)", "2")])
    assert len({t.name for t in tests}) == 2


@pytest.mark.parametrize(
    "change",
    [
        {"expr": "import os"},
        {"expr": "f(1)\nimport os"},
        {"before": ["import os; x = 1"]},
        {"before": ["def f(): pass"]},
        {"seen": {"kind": "value", "src": "1; import os"}},
        {"seen": {"kind": "mystery"}},
        {"seen": "value"},
        {"keywords": [1]},
        {"expr": "f(" + "1," * 5000 + ")"},
    ],
)
def test_a_record_from_the_box_that_is_no_case_is_refused(change):
    record = {
        "target": "f",
        "expr": "f(1)",
        "before": [],
        "arguments": ["1"],
        "keywords": {},
        "receiver": "",
        "seen": {"kind": "value", "src": "2"},
    }
    assert read_case(record, async_targets=frozenset()) is not None
    assert read_case({**record, **change}, async_targets=frozenset()) is None
