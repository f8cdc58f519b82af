"""Candidates for one small module: how calls are put together, changed and made simpler."""

import ast
import importlib
import random
import sys
import time

import pytest

from tta_orchestrate.modes.test_gen.worker import simplify
from tta_orchestrate.modes.test_gen.worker.change import Changer
from tta_orchestrate.modes.test_gen.worker.evaluate import Evaluator
from tta_orchestrate.modes.test_gen.worker.invent import Inventor
from tta_orchestrate.modes.test_gen.worker.subject import Subject
from tta_orchestrate.modes.test_gen.worker.walk import WILD, Walk

SOURCE = """
import enum
from dataclasses import dataclass


class Size(enum.Enum):
    SMALL = 1
    LARGE = 2


@dataclass
class Line:
    sku: str
    count: int
    size: Size = Size.SMALL


class Cart:
    def __init__(self, lines: list[Line] | None = None) -> None:
        self.lines = list(lines or [])
        self._log = []

    def add(self, line: Line) -> None:
        if line.count < 0:
            raise ValueError("the secret word of a message")
        self.lines.append(line)

    def add_twice(self, line: Line) -> None:
        self.add(line)
        self.add(line)

    def total(self) -> int:
        return sum(line.count for line in self.lines)

    def __getitem__(self, at: int) -> Line:
        return self.lines[at]

    def __len__(self) -> int:
        return len(self.lines)


class Meter:
    def __init__(self) -> None:
        self._seen = 0

    def tick(self, by: int = 1) -> int:
        self._seen += by
        return self._seen

    def __len__(self) -> int:
        return self._seen


def label(size: Size, text: str = "x") -> str:
    if not isinstance(size, Size):
        raise TypeError("no size")
    return f"{text}-{size.name}" if size is Size.LARGE else text


def loose(thing):
    if isinstance(thing, (Line, dict)):
        return "known"
    return "other"
"""


@pytest.fixture(scope="module")
def subject(tmp_path_factory):
    folder = tmp_path_factory.mktemp("inventing")
    (folder / "cartshop.py").write_text(SOURCE)
    sys.path.insert(0, str(folder))
    try:
        importlib.invalidate_caches()
        yield Subject("cartshop", str(folder / "cartshop.py"), SOURCE)
    finally:
        sys.path.remove(str(folder))
        sys.modules.pop("cartshop", None)


@pytest.fixture
def inventor(subject):
    return Inventor(subject, {}, random.Random(3))


def built(inventor, qual, *arguments, receiver="", steps=(), **keywords):
    return inventor.builder.build(inventor.builder.targets[qual], list(arguments), keywords, receiver, steps)


def test_a_call_on_a_changed_object_stands_behind_its_steps(inventor):
    made = built(inventor, "Cart.total", receiver="Cart()", steps=["cart.add(Line('a', 1))"])
    assert (made.before, made.expr) == (["cart = Cart()", "cart.add(Line('a', 1))"], "cart.total()")
    assert made.after == []


def test_what_changes_its_object_is_looked_at_afterwards(inventor):
    assert built(inventor, "Cart.add", "Line('a', 1)", receiver="Cart()").after == ["cart.lines"]
    assert built(inventor, "Meter.tick", receiver="Meter()").after == ["len(meter)"]


def test_a_method_that_calls_a_changing_one_changes_too(inventor):
    assert {t.qual for t in inventor.builder.steps("Cart")} == {"Cart.add", "Cart.add_twice"}


def test_what_changes_nothing_is_called_where_it_stands(inventor):
    assert built(inventor, "Cart.total", receiver="Cart()").expr == "Cart().total()"
    assert built(inventor, "Cart.__getitem__", "-1", receiver="Cart()").expr == "Cart()[-1]"


@pytest.mark.parametrize(
    ("qual", "arguments", "receiver", "steps", "breaks"),
    [
        ("label", ["Size.LARGE"], "", [], False),
        ("label", ["1"], "", [], True),
        ("label", ["Size.LARGE", "None"], "", [], True),
        ("loose", ["object()"], "", [], False),
        ("Line", ["'a'", "1"], "", [], False),
        ("Line", ["'a'", "1.5"], "", [], True),
        ("Line", ["'a'", "True"], "", [], True),
        ("Cart", ["[Line('a', 1)]"], "", [], False),
        ("Cart", ["[Line(1, 1)]"], "", [], True),
        ("Cart", ["['a']"], "", [], True),
        ("Cart.total", [], "Cart([Line('a', 'b')])", [], True),
        ("Cart.total", [], "Cart()", ["cart.add(Line('a', 1))"], False),
        ("Cart.total", [], "Cart()", ["cart.add('a')"], True),
        ("Cart.__getitem__", ["0"], "Cart()", [], False),
        ("Cart.__getitem__", ["'a'"], "Cart()", [], True),
    ],
)
def test_a_broken_type_is_seen_however_deep_it_lies(inventor, qual, arguments, receiver, steps, breaks):
    assert inventor.builder.breaks(built(inventor, qual, *arguments, receiver=receiver, steps=steps)) is breaks


def test_fresh_candidates_mostly_keep_the_declared_types(inventor):
    targets = [inventor.builder.targets[name] for name in ("Line", "Cart", "Cart.add", "label")]
    candidates = [inventor._fresh(target) for target in targets for _ in range(100)]
    assert sum(map(inventor.builder.breaks, candidates)) < 60


def test_messages_are_no_inputs(subject):
    words = {word for target in subject.targets for word in (*target.words, *target.literals.get("str", ()))}
    assert not any("secret" in word for word in words)


def test_a_class_that_the_text_asks_for_is_tried_without_an_annotation(inventor):
    target = inventor.builder.targets["loose"]
    assert [kind.last for kind in target.parameters[0].kinds[:2]] == ["Line", "dict"]
    assert any("Line(" in inventor._fresh(target).expr for _ in range(40))


def test_an_unreached_call_tells_nothing(inventor, subject):
    seen = Evaluator(subject).observe(built(inventor, "Cart.total", receiver="Cart()", steps=["cart.add(None)"]), None)
    assert seen == {"kind": "opaque"}


def test_simpler_ways_are_shorter_keep_the_types_and_can_be_parsed(inventor):
    steps = ["cart.add(Line('abc', 100))", "cart.add(Line('b', 2))"]
    long = built(inventor, "Cart.total", receiver="Cart([Line('abcdef', 12345, Size.LARGE)])", steps=steps)
    found = simplify.simpler(inventor.builder, long, ["Cart()"])
    assert {c.expr for c in found} == {"cart.total()"}
    assert all(c.size < long.size and not inventor.builder.breaks(c) for c in found)
    assert all(ast.parse("\n".join((*c.before, c.expr))) for c in found)
    assert any(c.before == [long.before[0], steps[1]] for c in found)
    assert any(c.before[0] == "cart = Cart()" for c in found)
    assert any("Line('abcdef', 12345)" in c.before[0] for c in found)


def test_an_untyped_argument_may_become_anything_simple(inventor):
    found = simplify.simpler(inventor.builder, built(inventor, "loose", "{'key': [1, 2, 3]}"), [])
    assert {"loose('a')", "loose(0)", "loose({})"} <= {c.expr for c in found}


def test_a_change_inside_an_object_leaves_it_an_object(subject, inventor):
    changer = Changer(subject, random.Random(1), inventor._make)
    target = inventor.builder.targets["Cart.add"]
    changed = {changer.change("Line('a', 7, Size.SMALL)", target) for _ in range(60)}
    assert len(changed) > 10
    assert all(text.startswith("Line(") for text in changed)
    assert any("Size.LARGE" in text for text in changed)


def test_a_decimal_stays_a_number(subject, inventor):
    changer = Changer(subject, random.Random(1), inventor._make)
    target = inventor.builder.targets["label"]
    for _ in range(40):
        text = changer.change("decimal.Decimal('7.5')", target)
        assert float(ast.literal_eval(text.partition("(")[2][:-1] or "'0'")) is not None


def test_a_walk_sends_what_is_new_and_says_when_nothing_more_comes(inventor):
    sent = []
    walk = Walk(inventor, sent.append, lambda _: None, 300, frozenset())
    walk.go_on_from({}, set())
    walk.run(time.monotonic() + 60)
    *finds, end = sent
    assert end[0] == "count"
    assert end[2] is True
    kept = {key: (candidate, seen) for _, key, candidate, seen in finds}
    assert {"Cart.total", "label", "loose", "Meter.tick"} <= {key[0] for key in kept}
    tame = [c for key, (c, seen) in kept.items() if key[2] != WILD and seen["kind"] == "value"]
    assert tame
    assert not any(map(inventor.builder.breaks, tame))
    assert any(seen["kind"] == "raises" and seen["type"] == "TypeError" for _, seen in kept.values())


def test_a_walk_goes_on_from_what_others_found(inventor):
    first, second = [], []
    walk = Walk(inventor, first.append, lambda _: None, 300, frozenset())
    walk.go_on_from({}, set())
    walk.run(time.monotonic() + 60)
    kept = {key: (candidate, seen) for _, key, candidate, seen in first[:-1]}
    walk = Walk(inventor, second.append, lambda _: None, 300, frozenset())
    walk.go_on_from(kept, {arc for key in kept for arc in key[1]})
    walk.run(time.monotonic() + 60)
    assert all(key not in kept or candidate.size < kept[key][0].size for _, key, candidate, _ in second[:-1])
