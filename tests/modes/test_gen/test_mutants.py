"""Mutants are splices that compile, differ, and stand where they say."""

import ast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tta_orchestrate.modes.test_gen.mutants import change_undone, mutants


def all_of(body: str, *, header: str = "def f(a, b):", **options):
    return mutants(f"{header}\n    {body}\n", **options)


@pytest.mark.parametrize(
    ("body", "mutated"),
    [
        ("return a < b", "return a <= b"),
        ("return a + b", "return a - b"),
        ("return a and b", "return a or b"),
        ("return not a", "return a"),
        ("return -a", "return a"),
        ("return 3", "return 4"),
        ("return True", "return False"),
        ("return 'x'", "return ''"),
        ("return a", "return None"),
        ("return a not in b", "return a in b"),
        ("a += b", "a -= b"),
        ("f(a, b)", "pass"),
        ("return a if b else 0", "return a if (not (b)) else 0"),
        ("return a.strip(b)", "return a"),
        ("return f(a).strip(b)", "return f(a)"),
        ("return sorted(a)", "return a"),
        ("return dict(a)", "return a"),
        ("return a[b:]", "return a[:]"),
        ("return a[-b:2]", "return a[:]"),
    ],
)
def test_each_operator_makes_its_mutant(body, mutated):
    source = f"def f(a, b):\n    {body}\n"
    assert f"def f(a, b):\n    {mutated}\n" in {m.apply(source) for m in mutants(source)}


@pytest.mark.parametrize(
    "body", ["re.sub(a, b)", "self.go(a)", "super().go(a)", "sorted(*a)", "other(a)", "a[:]", "await a.go()"]
)
def test_a_call_that_nothing_could_stand_for_is_no_mutant_of_its_own(body):
    source = f"import re\n\n\nasync def f(a, b):\n    x = {body}\n"
    assert not [m for m in mutants(source) if m.operator in {"call", "slice"}]


def test_loops_lose_and_gain_their_early_ends():
    source = "def f(a):\n    for x in a:\n        if x:\n            break\n        continue\n"
    texts = {m.apply(source) for m in mutants(source)}
    assert source.replace("break", "continue") in texts
    assert source.replace("continue", "break") in texts


def test_a_mutant_with_the_same_byte_code_is_no_mutant():
    assert [m for m in all_of("return None") if m.operator == "return"] == []


def test_docstrings_annotations_and_module_level_are_left_alone():
    source = 'X = 1\n\n\ndef f(a: "int" = 1) -> "str":\n    """Text."""\n    y: "int" = a\n    return y\n'
    assert {m.before for m in mutants(source)} == {"1", "y"}


def test_positions_count_characters_and_lines_whatever_the_encoding():
    source = "def f(a):\r\n    é = 'ünï'; return é + a\r\n"
    found = [m for m in mutants(source) if m.operator == "arithmetic"]
    assert [m.apply(source) for m in found] == [source.replace("é + a", "é - a")]
    assert {m.line for m in found} == {2}


def test_only_the_lines_asked_for():
    source = "def f(a):\n    if a > 1:\n        return a + 1\n    return a - 1\n"
    assert {m.line for m in mutants(source, lines=[3])} == {3}


def test_the_symbol_names_class_and_method():
    (first, *_) = mutants("class C:\n    def m(self):\n        return 1\n")
    assert first.symbol == "C.m"


def test_the_same_seed_gives_the_same_choice():
    source = "def f(a, b):\n    return a + b * 3 - (a < b) + (a > 2) + 7\n"
    assert mutants(source, limit=4, seed=5) == mutants(source, limit=4, seed=5)
    assert len(mutants(source, limit=4)) == 4


NAMES = st.sampled_from(["a", "b", "len(a)", "0", "1", "'s'", "None", "True"])
EXPRESSIONS = st.recursive(
    NAMES,
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from(["+", "-", "*", "<", "==", "and", "or", "in", "is not", "%"]), inner)
        .map(" ".join)
        .map("({})".format),
        inner.map("(not {})".format),
        inner.map("[{}]".format),
        st.tuples(inner, inner, inner).map(lambda t: f"({t[0]} if {t[1]} else {t[2]})"),
    ),
    max_leaves=8,
)


@settings(max_examples=60, deadline=None)
@given(EXPRESSIONS)
def test_every_mutant_compiles_and_differs(expression):
    source = f"def f(a, b):\n    return {expression}\n"
    for mutant in mutants(source):
        changed = mutant.apply(source)
        assert ast.dump(ast.parse(changed)) != ast.dump(ast.parse(source))
        assert source[mutant.start : mutant.end] == mutant.before


def test_every_line_gets_a_mutant_before_any_line_gets_a_second():
    source = "def f(a, b):\n    x = a + b * a - b + a < b\n    y = a > b\n    return y\n"
    assert {m.line for m in mutants(source, limit=3)} == {2, 3, 4}


SOURCES = st.lists(
    st.sampled_from(["a = 1", "b = 2", "def f(x):\n    return x", "", "# a note", "c = [1,\n     2]"]), max_size=6
).map("\n".join)


@settings(deadline=None)
@given(SOURCES, SOURCES)
def test_the_change_undone_is_the_base_again(head, base):
    undone = change_undone(head, base)
    if undone is None:
        assert ast.dump(ast.parse(head)) == ast.dump(ast.parse(base))
    else:
        assert undone.apply(head) == base
        assert 1 <= undone.line <= undone.last <= head.count("\n") + 1


def test_a_base_that_does_not_parse_is_no_mutant():
    assert change_undone("a = 1\n", "a = (\n") is None
    assert change_undone("a = (\n", "a = 1\n") is None
