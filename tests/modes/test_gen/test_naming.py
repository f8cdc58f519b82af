"""What tests are called."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from observed import case
from tta_orchestrate.modes.test_gen.cases import Case
from tta_orchestrate.modes.test_gen.facts import Style
from tta_orchestrate.modes.test_gen.naming import LONGEST, Namer
from tta_orchestrate.modes.test_gen.render import Writer
from tta_orchestrate.modes.test_gen.signatures import parameters_of

SHOP = """
class Stack:
    def __init__(self, limit=3):
        self.limit = limit
        self.items = []
    def push(self, item): ...
    def peek(self, default=None): ...
def shipping(weight, country="DE", express=False, *, insured=False): ...
def total(*prices): ...
"""
SIGNATURES = parameters_of(SHOP)


def names(*cases: Case, taken=()) -> list[str]:
    return Namer(signatures=SIGNATURES).names([[one] for one in cases], taken)


def call(expr: str, value: str = "None", *, on: str = "Stack()", steps=(), **more) -> Case:
    """Return a case of a method of ``Stack``."""
    before = (f"subject = {on}", *steps)
    return case(
        expr, value, target="Stack." + expr.partition("(")[0].partition(".")[2], before=before, receiver=on, **more
    )


def push(item: int, *steps: str, items: str = "[1]", **more) -> Case:
    return call(f"subject.push({item})", steps=steps, after=(("subject.items", items), ("len(subject)", "1")), **more)


@pytest.mark.parametrize(
    ("one", "name"),
    [
        (case("shipping(6.0)", "9"), "test_shipping_returns"),
        (case("shipping(6.0, 'BE')", "9"), "test_shipping_with_country_returns"),
        (case("shipping(6.0, insured=True)", "9"), "test_shipping_with_insured_returns"),
        (case("shipping(6.0, express=False)", "9"), "test_shipping_without_express_returns"),
        (case("shipping(6.0, 'BE', True, insured=True)", "9"), "test_shipping_with_country_and_express_returns"),
        (case("shipping(6.0)", "True"), "test_shipping_is_true"),
        (case("shipping(6.0)", kind="nan"), "test_shipping_is_not_a_number"),
        (case("shipping(6.0)", "[]", kind="iterator"), "test_shipping_yields"),
        (case("shipping(-1)", "no", kind="raises", type="shop.OverWeightError"), "test_shipping_raises_over_weight_error"),
        (push(1), "test_stack_push_changes_items"),
        (push(1, items="[]"), "test_stack_push_keeps_items"),
        (push(1, "subject.push(1)", items="[]"), "test_stack_push_after_push_changes_items"),
        (call("subject.push(1)", after=(("len(subject)", "1"),)), "test_stack_push_changes_its_length"),
        (
            call("subject.push(1)", after=(("subject.a", "1"), ("subject.b", "1"), ("subject.c", "1"))),
            "test_stack_push_changes_its_state",
        ),
        (call("subject.pop()", "2", steps=("subject.push(1)", "subject.push(2)")), "test_stack_pop_after_push_returns"),
        (call("subject.pop()", "2", steps=("subject.limit = 1", "subject.push(2)")), "test_stack_pop_after_setting_limit_and_push_returns"),
        (
            call("subject.pop()", "2", steps=("subject.a()", "subject.b()", "subject.c()")),
            "test_stack_pop_after_a_and_b_and_more_returns",
        ),
        (call("subject.push(9)", "full", kind="raises", type="OverflowError"), "test_stack_push_raises_overflow_error"),
        (case("Stack()", kind="object", type="shop.Stack", checks=(("{}.items", "[]"), ("{}.limit", "3"))), "test_new_stack_has_items_and_limit"),
        (case("Stack()", kind="object", type="shop.Stack", checks=(("str({})", "''"),)), "test_new_stack_shows_its_text"),
        (case("Stack()", kind="object", type="shop.Stack", checks=(("len({})", "0"),)), "test_new_stack_has_a_length"),
        (case("total()", kind="object", type="shop.Stack", checks=(("{}.items", "[]"),)), "test_total_returns_stack"),
        (case("Größe.__len__()", "1"), "test_groe_len_returns"),
    ],
)  # fmt: skip
def test_a_test_is_called_after_what_it_shows(one, name):
    assert names(one) == [name]


@pytest.mark.parametrize(
    ("rivals", "expected"),
    [
        (
            [case("shipping(-2)", "1"), case("shipping('')", "2"), case("shipping(None)", "3"), case("shipping([])", "4")],
            ["for_minus_2_returns", "for_empty_text_returns", "for_none_returns", "for_empty_list_returns"],
        ),
        (
            [case("shipping(1, 'BE')", "1"), case("shipping(1, 'AT')", "2")],
            ["with_country_be_returns", "with_country_at_returns"],
        ),
        (
            [case("shipping(1)", m, kind="raises", type="ValueError") for m in ("no weight", "it's heavy, too")],
            ["raises_value_error_no_weight", "raises_value_error_its_heavy_too"],
        ),
        (
            [case(f"shipping({n})", "''", kind="raises", type="KeyError") for n in (1, 2)],
            ["for_1_raises_key_error", "for_2_raises_key_error"],
        ),
        (
            [case("shipping('a' + 'b' + 'c' + 'd' + 'e' + 'f')", n) for n in ("1", "2")],
            ["returns_1", "returns_2"],
        ),
        ([case("total(1)", "1"), case("total(1, 2)", "3")], ["with_one_argument_returns", "with_two_arguments_returns"]),
    ],
)  # fmt: skip
def test_those_that_would_be_called_the_same_are_told_apart_by_what_differs(rivals, expected):
    assert [name.partition("_")[2].partition("_")[2] for name in names(*rivals)] == expected


def test_the_state_before_tells_methods_apart():
    push_1, push_2 = "subject.push(1)", "subject.push(2)"
    assert names(push(3, push_1), push(3, push_1, push_1)) == [
        "test_stack_push_after_push_changes_items",
        "test_stack_push_after_push_twice_changes_items",
    ]
    assert names(push(3, push_1, items="[1, 3]"), push(3, push_2, items="[2, 3]")) == [
        "test_stack_push_after_push_changes_items_to_list_1_3",
        "test_stack_push_after_push_changes_items_to_list_2_3",
    ]
    assert names(call("subject.pop()", "1"), call("subject.pop()", "1", on="Stack(1)")) == [
        "test_stack_pop_returns",
        "test_stack_pop_given_limit_1_returns",
    ]


def test_a_number_is_the_last_resort():
    same = [call("subject.pop()", "1", on=on) for on in ("make(lambda: 1)", "make(lambda: 2)")]
    assert names(*same) == ["test_stack_pop_returns", "test_stack_pop_returns_2"]


def test_a_name_that_is_taken_is_left_alone():
    assert names(case("shipping(6)", "9"), taken=["test_shipping_returns"]) == ["test_shipping_for_6_returns"]


def test_whoever_loses_its_rival_loses_what_told_it_apart():
    one, other = case("shipping(1, 'BE')", "1"), case("shipping(1, 'AT')", "2")
    assert names(one, other)[0] == "test_shipping_with_country_be_returns"
    assert names(one) == ["test_shipping_with_country_returns"]


SOURCES = st.one_of(
    st.text(max_size=30), st.integers(), st.lists(st.integers(), max_size=3), st.none(), st.booleans()
).map(repr)
CALLS = st.builds(
    lambda arguments, value, kind: case(f"shipping({', '.join(arguments)})", value, kind=kind, type="ValueError" if kind == "raises" else ""),
    st.lists(SOURCES, min_size=1, max_size=3), SOURCES, st.sampled_from(["value", "value", "raises", "iterator"]),
)  # fmt: skip
PUSHES = st.builds(
    lambda item, steps, items, on: push(item, *(f"subject.push({n})" for n in steps), items=items, on=on),
    st.integers(0, 3), st.lists(st.integers(0, 2), max_size=3), SOURCES, st.sampled_from(["Stack()", "Stack(1)", "Stack(2)"]),
)  # fmt: skip
CASES = st.lists(st.one_of(CALLS, PUSHES), max_size=12, unique_by=lambda one: (one.expr, one.before))


@given(CASES, st.randoms(use_true_random=False))
def test_names_are_distinct_identifiers_in_whatever_order_the_cases_come(cases, random):
    found = names(*cases)
    assert len(set(found)) == len(found)
    for name in found:
        assert re.fullmatch(r"test_[a-z0-9_]+", name)
        assert len(name) <= LONGEST + 27
    mixed = random.sample(cases, len(cases))
    assert dict(zip(map(repr, mixed), names(*mixed), strict=True)) == dict(zip(map(repr, cases), found, strict=True))


@given(CASES, st.lists(st.integers(), max_size=3))
def test_names_do_not_hang_on_other_functions(cases, prices):
    strangers = [case(f"total({', '.join(map(str, prices[:n]))})", "1") for n in range(len(prices))]
    assert names(*strangers, *cases)[len(strangers) :] == names(*cases)


@given(CASES)
def test_the_same_tests_are_written_in_whatever_order_the_cases_come(cases):
    writer = Writer(module="shop", style=Style(framework="pytest"), parameters=SIGNATURES)
    tests = writer.tests(cases)
    assert writer.tests(reversed(cases)) == tests
    assert writer.tests([one for test in tests for one in test.cases]) == tests
