"""The text of tests."""

import pytest

from observed import case
from tta_orchestrate.modes.test_gen.cases import Case, read_case
from tta_orchestrate.modes.test_gen.facts import MARK, Style
from tta_orchestrate.modes.test_gen.render import Writer
from tta_orchestrate.modes.test_gen.signatures import parameters_of

PYTEST, UNITTEST = Style(framework="pytest"), Style(framework="unittest")


def text_of(*cases: Case, style: Style = PYTEST, source: str = "", homes=None) -> str:
    writer = Writer(module="shop.cart", style=style, parameters=parameters_of(source), homes=homes or {})
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
        case("price(-1)", "no price", kind="raises", type="ValueError"),
        case("price(-2)", "n(o) price", kind="raises", type="ValueError"),
        style=UNITTEST,
    )
    assert "class ShopCartCharacterisation(unittest.TestCase):" in text
    assert "import re\nimport unittest\n" in text
    assert "self.assertEqual(price(3), 4)" in text
    assert "self.assertIs(is_open(1), True)" in text
    assert 'with self.assertRaisesRegex(ValueError, "no price"):' in text
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


def test_a_name_of_the_file_that_it_will_be_added_to_is_not_used_again():
    writer = Writer(module="shop", style=PYTEST, taken=frozenset({"test_price_returns"}))
    (test,) = writer.tests([case("price(3)", "4")], taken=["test_price_for_3_returns"])
    assert test.name == "test_price_returns_4"


def test_a_call_by_place_and_a_call_by_name_share_a_table():
    text = text_of(
        case("price(3, tax=1)", "4"), case("price(5, 2)", "7"), source="def price(net, tax=0, *, gift=False): ..."
    )
    assert '("net", "tax", "expected")' in text
    assert "(3, 1, 4)," in text
    assert "(5, 2, 7)," in text
    assert "def test_price_with_tax_returns(net, tax, expected):\n    assert price(net, tax) == expected" in text


def test_a_parameter_whose_name_is_spoken_for_gets_another_column():
    text = text_of(
        case("price(1, request=2)", "3"), case("price(2, request=3)", "5"), source="def price(re, *, request): ..."
    )
    assert '("re_value", "request_value", "expected")' in text
    assert "assert price(re_value, request=request_value) == expected" in text


def test_what_is_often_yes_and_often_no_is_one_table():
    answers = {1: "True", 2: "True", 3: "False", 4: "False"}
    cases = [case(f"is_open({n})", answer) for n, answer in answers.items()]
    text = text_of(*cases, source="def is_open(hour): ...")
    assert "def test_is_open_is_true_or_false(hour, expected):\n    assert is_open(hour) is expected" in text
    assert "test_is_open_is_true()" in text_of(*cases[1:])


def test_rows_are_in_order_of_what_is_quickly_read():
    text = text_of(case("price(3000)", "4"), case("price(5)", "6"))
    assert text.index("(5, 6)") < text.index("(3000, 4)")


@pytest.mark.parametrize("style", [PYTEST, UNITTEST])
def test_both_styles_have_the_same_names(style):
    push = {"target": "Stack.push", "receiver": "Stack()", "after": (("subject.items", "[1]"),)}
    writer = Writer(module="shop", style=style)
    tests = writer.tests(
        [
            case("subject.push(1)", "None", before=("subject = Stack()",), **push),
            case("subject.push(1)", "None", before=("subject = Stack()", "subject.clear()"), **push),
            case("price(1)", "1"),
            case("price(2)", "2"),
        ]
    )
    assert [test.name for test in tests] == [
        "test_stack_push_changes_items",
        "test_stack_push_after_clear_changes_items",
        "test_price_returns",
    ]


@pytest.mark.parametrize(
    ("seen", "told"),
    [
        (
            [["repr({})", "'Line(1)'"], ["str({})", "'one'"], ["{}.price", "1"], ["len({})", "0"]],
            ["{}.price", "len({})"],
        ),
        ([["repr({})", "'Line(1)'"], ["len({})", "0"]], ["repr({})", "len({})"]),
    ],
)
def test_the_text_of_an_object_is_left_out_where_its_attributes_say_the_same(seen, told):
    record = {
        "target": "Line", "expr": "Line(1)", "before": [], "arguments": ["1"], "keywords": {}, "receiver": "",
        "seen": {"kind": "object", "type": "shop.Line", "checks": seen},
    }  # fmt: skip
    assert [look for look, _ in read_case(record, async_targets=frozenset()).checks] == told


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


def test_a_column_may_have_the_name_of_something_that_another_test_calls():
    text = text_of(
        case("items([1])", "1"), case("items([2])", "2"), case("total([1], 2)", "1"), case("total([3], 4)", "3"),
        source="def items(order): ...\ndef total(items, by): ...\n",
    )  # fmt: skip
    assert "from shop.cart import items, total" in text
    compile(text, "tests", "exec")


def test_columns_stay_distinct_whatever_the_parameters_are_called():
    text = text_of(
        case("check(1, 2)", "3"), case("check(4, 5)", "6"),
        source="def check(expected, expected_value): ...\n",
    )  # fmt: skip
    compile(text, "tests", "exec")
    assert "check(arg0, arg1) == expected" in text


def test_a_nested_exception_is_named_through_its_class():
    text = text_of(case("find(1)", "gone away", kind="raises", type="shop.cart.Store.Missing", home="shop.cart"))
    assert "from shop.cart import Store, find" in text
    assert 'with pytest.raises(Store.Missing, match="gone away"):' in text


def test_an_exception_of_the_module_with_the_name_of_a_builtin_one_is_imported():
    text = text_of(case("wait(1)", "too long", kind="raises", type="shop.cart.TimeoutError", home="shop.cart"))
    assert "from shop.cart import TimeoutError, wait" in text


def test_names_that_the_module_imports_from_the_standard_library_come_from_there():
    text = text_of(case("price(Decimal('2'))", "Decimal('3')"), homes={"Decimal": "decimal", "date": "datetime"})
    assert "from decimal import Decimal\n" in text
    assert "datetime" not in text
    assert "from shop.cart import price\n" in text


def test_a_short_message_is_matched_whole():
    assert 'match="^a$"' in text_of(case("price(-1)", "a", kind="raises", type="ValueError"))
