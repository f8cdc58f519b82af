"""Which callables show a fault on a line."""

import ast

import pytest

from tta_orchestrate.modes.test_gen.worker.reach import Reach

SOURCE = """
RULES = []


def _rule(word):
    RULES.append(_lower(word))


def _lower(word):
    return word.lower()


def plural(word):
    return word in RULES


def other(word):
    return [word]


class Box:
    def __init__(self, word):
        self.word = _lower(word)

    def show(self):
        return self.word


def boxed(word):
    return Box(word).show()


_rule("Sheep")
"""
QUALS = ("plural", "other", "Box", "Box.show", "boxed")


def line_of(text):
    return next(number for number, line in enumerate(SOURCE.splitlines(), 1) if text in line)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("return [word]", {"other"}),
        ("return word.lower()", {"Box", "boxed"}),
        ("return self.word", {"Box.show", "boxed"}),
    ],
)
def test_a_fault_shows_in_what_runs_its_line(text, expected):
    assert Reach(ast.parse(SOURCE)).related(line_of(text), QUALS) == expected


def test_a_fault_in_what_import_runs_shows_in_readers_of_the_same_data():
    assert Reach(ast.parse(SOURCE)).related(line_of("RULES.append"), QUALS) == {"plural"}
