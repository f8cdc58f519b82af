"""What is kept, written anew: names and ids follow, and nothing is run for nothing."""

from dataclasses import dataclass, field

from observed import case
from tta_orchestrate.modes.test_gen import render
from tta_orchestrate.modes.test_gen.arena import Killing
from tta_orchestrate.modes.test_gen.cases import Case
from tta_orchestrate.modes.test_gen.choice import Choice, reseat
from tta_orchestrate.modes.test_gen.facts import Style
from tta_orchestrate.modes.test_gen.outcome import Kept
from tta_orchestrate.modes.test_gen.properties import Law, variants
from tta_orchestrate.modes.test_gen.render import Writer
from tta_orchestrate.modes.test_gen.signatures import parameters_of

SHOP = "def shipping(weight, country='DE'): ...\n"
PROPOSED = render.TestCode(
    name="test_shipping_returns",
    lines=("def test_shipping_returns():", "    assert shipping(8) == 1"),
    cases=(Case(target="shipping", expr="...", before=(), arguments=(), keywords=(), receiver="", kind="proposed"),),
)
(LAW, *_) = variants(Law(law="idempotence", call="clean", back="", kind="str", held=3))


@dataclass
class Desk:
    """A bench without a box: whatever is written there passes, under the ids that pytest would give."""

    writer: Writer = field(
        default_factory=lambda: Writer(module="shop", style=Style(framework="pytest"), parameters=parameters_of(SHOP))
    )
    ids: dict[str, tuple[str, Case]] = field(default_factory=dict)
    runs: list[str] = field(default_factory=list)

    def trial(self, tests):
        self.runs.append(self.writer.file(tests))
        self.ids = {
            f"test_shop.py::{test.name}" + (f"[{n}]" if test.table else ""): (test.name, one)
            for test in tests
            for n, one in enumerate(test.cases if test.table else test.cases[:1])
        }

    def choice(self, tests, *, keep=lambda case: True) -> Choice:
        """Return a choice of what *keep* says, right after the gates."""
        self.trial(tests)
        self.runs.clear()
        kept = tuple(Kept(test=i, gains=1, kills=1) for i, (_, one) in self.ids.items() if keep(one))
        killings = {n: Killing(status="killed", killers=frozenset({i})) for n, i in enumerate(self.ids)}
        return Choice(tests=tuple(tests), kept=kept, killings=killings)


def seen(desk: Desk, choice: Choice) -> list[tuple[str, str]]:
    """Return id and call of everything that is kept."""
    return [(one.test.partition("::")[2], desk.ids[one.test][1].expr) for one in choice.kept]


def push(item: int, step: str) -> Case:
    before = ("subject = Stack()", step)
    return case(
        f"subject.push({item})",
        "None",
        target="Stack.push",
        before=before,
        receiver="Stack()",
        after=(("subject.items", f"[{item}]"),),
    )


def test_who_loses_its_rivals_loses_what_told_it_apart_and_its_id_follows():
    desk = Desk()
    one, two = push(1, "subject.clear()"), push(2, "subject.clear()")
    choice = desk.choice(desk.writer.tests([one, two]), keep=lambda c: c == two)
    assert [test.name for test in choice.tests] == [
        "test_stack_push_after_clear_for_1_changes_items",
        "test_stack_push_after_clear_for_2_changes_items",
    ]
    left = reseat(desk, choice)
    assert seen(desk, left) == [("test_stack_push_after_clear_changes_items", "subject.push(2)")]
    assert left.killings[1].killers == {left.kept[0].test}
    assert left.killings[0].killers == frozenset()
    assert len(desk.runs) == 1


def test_rows_of_a_table_are_followed_by_what_they_call():
    desk = Desk()
    cases = [case(f"shipping({n})", f"{n * 2}") for n in range(5)]
    left = reseat(desk, desk.choice(desk.writer.tests(cases), keep=lambda c: c.expr != "shipping(1)"))
    assert seen(desk, left) == [
        ("test_shipping_returns[0]", "shipping(0)"), ("test_shipping_returns[1]", "shipping(2)"),
        ("test_shipping_returns[2]", "shipping(3)"), ("test_shipping_returns[3]", "shipping(4)"),
    ]  # fmt: skip


def test_yes_and_no_part_again_when_few_are_left_of_them():
    desk = Desk()
    cases = [case(f"shipping({n})", "True" if n > 2 else "False") for n in range(1, 5)]
    choice = desk.choice(desk.writer.tests(cases), keep=lambda c: c.expr in {"shipping(2)", "shipping(3)"})
    assert [test.name for test in choice.tests] == ["test_shipping_is_true_or_false"]
    left = reseat(desk, choice)
    assert seen(desk, left) == [("test_shipping_is_true", "shipping(3)"), ("test_shipping_is_false", "shipping(2)")]
    assert all(not test.table for test in left.tests)


def test_nothing_is_run_when_nothing_changes():
    desk = Desk()
    choice = desk.choice([LAW, *desk.writer.tests([case("shipping(1)", "2"), case("shipping(1, 'BE')", "3")])])
    assert reseat(desk, choice) == choice
    assert desk.runs == []


def test_tests_of_others_keep_their_names_and_their_places():
    desk = Desk()
    ours = desk.writer.tests([case("shipping(1)", "2"), case("shipping(1, 'BE')", "3")], taken=[PROPOSED.name])
    choice = desk.choice([LAW, *ours, PROPOSED], keep=lambda c: c.expr != "shipping(1, 'BE')")
    left = reseat(desk, choice)
    assert [test.name for test in left.tests] == [
        "test_clean_is_idempotent",
        "test_shipping_for_1_returns",
        "test_shipping_returns",
    ]
    assert len(left.kept) == 3
    assert reseat(desk, left, without={"test_shipping_returns"}).tests[1].name == "test_shipping_returns"


def test_a_name_that_was_given_stays_and_is_left_to_its_test():
    desk = Desk()
    choice = desk.choice(desk.writer.tests([case("shipping(1)", "2"), case("shipping(1, 'BE')", "3")]))
    given = {"test_shipping_with_country_returns": "test_belgium_costs_more"}
    left = reseat(desk, choice, names=given)
    assert seen(desk, left) == [
        ("test_shipping_returns", "shipping(1)"),
        ("test_belgium_costs_more", "shipping(1, 'BE')"),
    ]
    assert "def test_belgium_costs_more():" in desk.runs[0]
    assert len(desk.runs) == 1


def test_a_unittest_method_with_several_calls_is_followed_as_a_whole():
    desk = Desk(writer=Writer(module="shop", style=Style(framework="unittest"), parameters=parameters_of(SHOP)))
    tests = desk.writer.tests([case("shipping(1)", "2"), case("shipping(2)", "4"), case("shipping(1, 'BE')", "3")])
    left = reseat(desk, desk.choice(tests, keep=lambda c: c.expr == "shipping(1)"))
    assert [test.name for test in left.tests] == ["test_shipping_returns"]
    assert [one.expr for one in left.tests[0].cases] == ["shipping(1)", "shipping(2)"]
    assert seen(desk, left) == [("test_shipping_returns", "shipping(1)")]
