"""What the text of a module says of its signatures."""

import ast
import inspect

import pytest

from tta_orchestrate.modes.test_gen.signatures import parameters_of, start_of

SHOP = """
from dataclasses import dataclass, field
from typing import ClassVar, NamedTuple

class C:
    def __init__(self, a, b=1): ...
    @staticmethod
    def s(x): ...
    @classmethod
    def made(cls, x=None): ...
def f(a, /, b, c="x", *rest, d, e=-2, **more): ...
@dataclass
class Line:
    name: str
    kind: ClassVar[str] = "line"
    price: float = 1.0
    tags: list = field(default_factory=list)
    seen: int = field(init=False, default=0)
@dataclass(kw_only=True)
class Sale(Line):
    rate: float = field(default=0.5)
class Point(NamedTuple):
    x: int
    y: int = 0
"""


@pytest.mark.parametrize("name", ["C", "C.s", "C.made", "f", "Line", "Sale", "Point"])
def test_parameters_are_those_that_python_itself_sees(name):
    names = {}
    exec(SHOP, names)
    callee = eval(name, names)
    expected = [
        p for p in inspect.signature(callee).parameters.values() if p.kind not in {p.VAR_POSITIONAL, p.VAR_KEYWORD}
    ]
    found = parameters_of(SHOP)[name].parameters
    assert [p.name for p in found] == [p.name for p in expected]
    assert [p.optional for p in found] == [p.default is not p.empty for p in expected]
    assert [p.keyword for p in found] == [p.kind is p.KEYWORD_ONLY for p in expected]
    plain = [(p, e) for p, e in zip(found, expected, strict=True) if p.default]
    assert all(ast.literal_eval(p.default) == e.default for p, e in plain)


def test_a_dataclass_with_a_foreign_base_has_no_known_constructor():
    assert parameters_of("@dataclass\nclass A(Foreign):\n    x: int\n")["A"].parameters == ()


STACK = """
class Stack:
    def __init__(self, limit=3, *, name="s"):
        self.limit: int = limit
        self.items = []
        self.name = name.strip()
        self.size = 0
        if limit:
            self.size = 1
"""


@pytest.mark.parametrize(
    ("receiver", "start"),
    [
        ("Stack()", {"limit": 3, "items": []}),
        ("Stack(7)", {"limit": 7, "items": []}),
        ("Stack(limit=other())", {"items": []}),
        ("Elsewhere()", {}),
        ("stack", {}),
        ("(", {}),
    ],
)
def test_an_object_starts_with_what_its_constructor_surely_assigns(receiver, start):
    assert start_of(receiver, parameters_of(STACK)) == start


def test_a_constructor_that_calls_its_own_methods_tells_nothing():
    source = "class S:\n    def __init__(self):\n        self.items = []\n        self.fill()\n"
    assert start_of("S()", parameters_of(source)) == {}
