"""Mutants by tree-sitter: each one splice, inside a function, and still a program."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tta_orchestrate.runners.node_test import RUNNER
from tta_orchestrate.syntax.ecmatests import tree

TEXT = """
const outside = 1 + 2;
function f(a, b) {
  if (a < b && !a) {
    return "ä" + b;
  }
  for (const x of [0]) {
    if (x === 1) continue;
    console.log(x);
  }
  a += 1;
  return a ? true : -b;
}
"""


def test_every_operator_of_the_table_is_there_and_nothing_outside_of_functions():
    found = {(m.line, m.before, m.replacement) for m in RUNNER.mutants(TEXT)}
    assert found >= {
        (4, "<", "<="), (4, "<", ">="), (4, "&&", "||"), (4, "!a", "a"), (4, "(a < b && !a)", "(!(a < b && !a))"),
        (5, '"ä"', '""'), (5, "+", "-"), (5, '"ä" + b', "undefined"), (8, "===", "!=="), (8, "continue;", "break;"),
        (9, "console.log(x);", ";"), (11, "+=", "-="), (11, "1", "2"), (12, "true", "false"), (12, "-b", "b"),
        (12, "a", "!(a)"),
    }  # fmt: skip
    assert not any(line == 2 for line, _, _ in found)


def test_ids_count_from_one_in_the_order_of_the_text():
    found = RUNNER.mutants(TEXT)
    assert [m.id for m in found] == list(range(1, len(found) + 1))
    assert [m.start for m in found] == sorted(m.start for m in found)


def test_every_mutant_is_a_program_that_differs():
    for mutant in RUNNER.mutants(TEXT):
        text = mutant.apply(TEXT)
        assert text != TEXT
        assert TEXT[mutant.start : mutant.end] == mutant.before
        assert not tree(text).has_error, mutant


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=40), st.sampled_from(["+", "<", "&&"]))
def test_offsets_are_characters_whatever_the_text_holds(noise, operator):
    comment = noise.replace("*/", "").replace("\r", " ").replace("\u2028", " ").replace("\u2029", " ")
    text = f"/* {comment} */ function f(a) {{ return a {operator} 2; }}"
    for mutant in RUNNER.mutants(text):
        assert text[mutant.start : mutant.end] == mutant.before
        assert mutant.symbol == "f"


@pytest.mark.parametrize("text", ["", "}{", "function", "const x = `${`"])
def test_odd_texts_have_none_and_raise_nothing(text):
    assert RUNNER.mutants(text) == ()
