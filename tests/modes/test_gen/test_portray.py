"""A value written down is the value again."""

import datetime as dt
import decimal
import enum
import fractions
import math
import pathlib
import sys
import types
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


def test_an_object_is_seen_by_its_text_and_its_public_data():
    class Point:
        def __init__(self):
            self.x, self._hidden = 1, 2

        def __str__(self):
            return "P"

        @property
        def broken(self):
            raise RuntimeError

    assert PORTRAYER.observe(Point())["checks"] == [["str({})", "'P'"], ["{}.x", "1"]]


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
