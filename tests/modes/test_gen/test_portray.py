"""A value written down is the value again."""

import dataclasses
import datetime as dt
import decimal
import enum
import fractions
import math
import pathlib
import sys
import types
import typing
import uuid

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tta_orchestrate.modes.test_gen.worker import portray

PLAIN = st.one_of(
    st.none(), st.booleans(), st.integers(-(10**20), 10**20), st.text(max_size=20), st.binary(max_size=20),
    st.floats(allow_nan=False), st.decimals(allow_nan=False, allow_infinity=False, places=2), st.fractions(), st.uuids(),
    st.datetimes(), st.dates(), st.timedeltas(), st.complex_numbers(allow_nan=False, allow_infinity=False),
)  # fmt: skip
VALUES = st.recursive(
    PLAIN,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.lists(inner, max_size=4).map(tuple),
        st.dictionaries(st.text(max_size=5), inner, max_size=4),
    ),
    max_leaves=8,
)
SPACE = {"datetime": dt, "decimal": decimal, "fractions": fractions, "uuid": uuid, "pathlib": pathlib}
PORTRAYER = portray.Portrayer(types.ModuleType("subject"))


@settings(max_examples=60, deadline=None)
@given(VALUES)
def test_source_evaluates_to_the_same_value(value):
    source = PORTRAYER.source(value)
    assert source is not None
    assert eval(source, dict(SPACE)) == value


def test_sets_are_written_in_an_order_of_their_own():
    assert PORTRAYER.source({"b", "a", "c"}) == "{'a', 'b', 'c'}"


def test_members_of_the_modules_enumerations_go_by_name():
    class Colour(enum.Enum):
        RED = 1

    module = types.ModuleType("subject")
    module.Colour = Colour
    assert portray.Portrayer(module).source(Colour.RED) == "Colour.RED"
    assert PORTRAYER.source(Colour.RED) is None


@pytest.mark.parametrize("value", [object(), "x" * 1000, list(range(100)), sys, lambda: 1])
def test_what_nobody_would_write_out_is_left_out(value):
    assert PORTRAYER.source(value) is None


def test_an_endless_iterator_is_tasted():
    def forever():
        while True:
            yield 1

    assert PORTRAYER.observe(forever()) == {"kind": "iterator", "whole": False, "src": "[1, 1, 1, 1, 1]"}


def test_not_a_number_is_said_as_such():
    assert PORTRAYER.observe(math.nan) == {"kind": "nan"}


class Point:
    """Says less than it holds."""

    def __init__(self):
        self.x, self._hidden = 1, 2

    def __str__(self):
        return "P"

    @property
    def broken(self):
        raise RuntimeError


class Release:
    """Says all that it holds, each part once."""

    def __init__(self, major, minor, tag):
        self.major, self.minor, self.tag = major, minor, tag

    def __str__(self):
        return f"{self.major}.{self.minor}{self.tag and '-'}{self.tag}"


class Closed:
    """Holds nothing in public."""

    def __repr__(self):
        return "<closed>"


@pytest.mark.parametrize(
    ("thing", "checks"),
    [
        (Point(), [["{}.x", "1"]]),
        (Release(2, 0, "rc.1"), [["str({})", "'2.0-rc.1'"]]),
        (Release(2, 2, ""), [["str({})", "'2.2'"]]),
        (Closed(), [["repr({})", "'<closed>'"]]),
    ],
)
def test_an_object_is_seen_by_its_public_data_or_by_a_text_that_says_the_same(thing, checks):
    assert PORTRAYER.observe(thing)["checks"] == checks


@dataclasses.dataclass
class Line:
    """A record."""

    sku: str
    count: int = 1
    tags: list = dataclasses.field(default_factory=list)
    note: str = dataclasses.field(default="", kw_only=True)


@dataclasses.dataclass
class Rounded:
    """A record that does not keep what it is given."""

    value: float

    def __post_init__(self):
        self.value = round(self.value) + 1


class Place(typing.NamedTuple):
    """A named tuple."""

    x: int
    y: int


def records():
    module = types.ModuleType("records")
    module.Line, module.Place, module.Rounded = Line, Place, Rounded
    return portray.Portrayer(module)


@pytest.mark.parametrize(
    ("value", "source"),
    [
        (Line("a"), "Line('a', tags=[])"),
        (Line("a", 2, ["x"]), "Line('a', 2, ['x'])"),
        (Line("a", 2, [], note="n"), "Line('a', 2, [], note='n')"),
        (Place(1, 2), "Place(1, 2)"),
        ([Place(1, 2)], "[Place(1, 2)]"),
    ],
)
def test_a_record_is_written_as_the_call_that_makes_it(value, source):
    assert records().source(value) == source
    assert eval(source, {"Line": Line, "Place": Place}) == value


def test_a_record_that_its_constructor_does_not_make_again_is_seen_by_its_data():
    seen = records().observe(Rounded(1.2))
    assert (seen["kind"], seen["checks"]) == ("object", [["{}.value", "2"]])


def test_a_record_that_the_module_does_not_name_is_not_written():
    assert PORTRAYER.source(Line("a")) is None
    assert PORTRAYER.source(Place(1, 2)) == "(1, 2)"


class Shelf:
    """Has data of its own, data of its class, and a property."""

    NAMES = ("a", "b")
    height = 3

    def __init__(self):
        self.width = 4

    @property
    def area(self):
        return self.width * self.height


def test_plain_data_of_the_class_is_not_copied_into_a_test():
    looks = [look for look, _ in portray.Portrayer(types.ModuleType("shelves")).observe(Shelf())["checks"]]
    assert looks == ["{}.area", "{}.width"]


class Access(enum.Flag):
    READ = 1
    WRITE = 2


Odd = enum.Enum("Odd", {"light-blue": 1, "class": 2})


@pytest.mark.parametrize(
    ("member", "source"),
    [
        (Access.READ, "Access.READ"),
        (Access.READ | Access.WRITE, "Access.READ | Access.WRITE"),
        (Odd["light-blue"], "Odd['light-blue']"),
        (Odd["class"], "Odd['class']"),
    ],
)
def test_every_member_is_written_so_that_it_can_be_read_again(member, source):
    module = types.ModuleType("odd")
    module.Access, module.Odd = Access, Odd
    assert portray.Portrayer(module).source(member) == source
    assert eval(source, vars(module)) is member


class Answering(dict):
    """Answers to every name, with an accident."""

    def __getattr__(self, name):
        return self[name]


def test_what_an_object_answers_to_a_name_does_not_make_it_a_record():
    assert PORTRAYER.source(Answering(a=1)) == "{'a': 1}"


@dataclasses.dataclass(init=False)
class Swapped:
    """Its constructor has an order of its own."""

    a: int
    b: int

    def __init__(self, b, a):
        self.a, self.b = a, b


def test_a_record_is_written_only_as_a_call_that_was_tried():
    module = types.ModuleType("swapped")
    module.Swapped = Swapped
    source = portray.Portrayer(module).source(Swapped(a=1, b=2))
    assert source is None or eval(source, {"Swapped": Swapped}) == Swapped(a=1, b=2)


@pytest.mark.parametrize(
    "name", ["_private", "test_it", "TestCase", "setup_module", "teardown", "pytest_configure", "re", "pytest", "a-b"]
)
def test_names_that_a_test_file_would_take_for_something_else_are_not_used(name):
    assert not portray.usable(name)


@pytest.mark.parametrize("name", ["price", "Contest", "latest", "résumé", "list"])
def test_other_names_are(name):
    assert portray.usable(name)
