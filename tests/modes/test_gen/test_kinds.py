"""What a parameter takes: pydantic, strict, is the judge of what is of a type."""

import ast
import collections.abc
import datetime as dt
import decimal
import enum
import operator
import random
import re
import typing

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ConfigDict, TypeAdapter, ValidationError

from tta_orchestrate.modes.test_gen.worker import kinds, values
from tta_orchestrate.modes.test_gen.worker.kinds import ANY, NONE, Kind

T = typing.TypeVar("T")
Name = typing.NewType("Name", str)
SPACE = {"datetime": dt, "decimal": decimal, "operator": operator, "re": re}
TYPES = (
    int, str, float, bool, bytes, list[int], list[str], dict[str, int], tuple[int, str], tuple[int, ...], set[int], int | str,
    int | None, typing.Literal["a", "b"], dt.date, decimal.Decimal, list[tuple[str, int]], list[list[int]],
    dict[str, list[int]], typing.Annotated[int, "some"], Name, dict[int, dict[str, float]], tuple[list[int], bool],
)  # fmt: skip


class Colour(enum.Enum):
    RED = 1


def accepts(annotation, value):
    try:
        TypeAdapter(annotation, config=ConfigDict(arbitrary_types_allowed=True)).validate_python(value, strict=True)
    except ValidationError:
        return False
    return True


def node(text):
    return ast.parse(text, mode="eval").body


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(TYPES), st.integers(0, 10**6))
def test_what_is_made_for_an_annotation_is_of_it(annotation, seed):
    rng = random.Random(seed)
    kind = rng.choice(kinds.declared(annotation))
    text = values.fresh(rng, kind, {"int": ["7"], "str": ["'q'"]}, lambda *_: None)
    assert accepts(annotation, eval(text, dict(SPACE)))
    assert kinds.fits(node(text), kinds.declared(annotation), {})


PLAIN = [
    text
    for name in ("int", "float", "str", "bytes", "bool", "None", "list", "tuple", "set", "dict")
    for text in values.POOLS[name]
]


@settings(max_examples=400, deadline=None)
@given(st.sampled_from(TYPES), st.sampled_from(PLAIN))
def test_a_text_fits_just_where_a_strict_judge_accepts_its_value(annotation, text):
    assert kinds.fits(node(text), kinds.declared(annotation), {}) == accepts(annotation, eval(text, dict(SPACE)))


@pytest.mark.parametrize(
    ("annotation", "found"),
    [
        (typing.Any, []),
        (object, []),
        (T, []),
        (None, []),
        ("Unknown[", []),
        ("int", [Kind("int")]),
        ("int | None", [Kind("int"), NONE]),
        ("Optional[str]", [Kind("str"), NONE]),
        ("Literal['x']", [Kind("='x'")]),
        ("list[Money]", [Kind("list", ((Kind("@Money"),),))]),
        ("shop.Money", [Kind("@Money")]),
        (Colour, [Kind(f"@{Colour.__module__}.Colour")]),
        (typing.Literal[Colour.RED], [Kind("=Colour.RED")]),
        (typing.Sequence[int], [Kind("list", ((Kind("int"),),), loose=True)]),
        (collections.abc.Callable[[int], str], [Kind("callable")]),
        (typing.SupportsInt, [Kind("int"), ANY]),
    ],
)
def test_an_annotation_is_read_or_says_nothing(annotation, found):
    assert kinds.declared(annotation) == found


@pytest.mark.parametrize(
    ("name", "default", "first"),
    [
        ("count", 3, "int"),
        ("is_open", False, "bool"),
        ("text", "", "str"),
        ("predicate", None, "None"),
        ("x", 1.5, "float"),
    ],
)
def test_without_an_annotation_default_and_name_are_asked(name, default, first):
    assert kinds.guessed(name, default, has_default=True)[0].name == first


def test_without_default_the_name_alone_is_asked():
    assert {kind.name for kind in kinds.guessed("words", None, has_default=False)} >= {"list", "str"}
    assert kinds.guessed("zzz", None, has_default=False) == []


@pytest.mark.parametrize(
    ("text", "kind", "fits"),
    [
        ("Line('a', 1)", "@shop.Line", True),
        ("Special('a')", "@shop.Line", True),
        ("Basket()", "@shop.Line", False),
        ("'a'", "@shop.Line", False),
        ("Colour.RED", "@shop.Colour", True),
        ("Colour.RED", "@shop.Line", False),
        ("anything()", "@shop.Line", True),
        ("'a'", "@shop.Foreign", True),
        ("iter([1])", "iterator", True),
        ("lambda x: x", "callable", True),
        ("operator.add", "callable", True),
        ("'a'", "callable", False),
        ("float('nan')", "float", True),
        ("-3", "int", True),
        ("10**9", "int", True),
        ("True", "int", False),
    ],
)
def test_objects_fit_by_the_family_of_their_class(text, kind, fits):
    families = {"Line": ["Line", "Special"], "Colour": ["Colour"], "Basket": ["Basket"]}
    assert kinds.fits(node(text), [Kind(kind)], families) is fits
