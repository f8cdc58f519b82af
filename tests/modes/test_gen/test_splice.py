"""Adding to a file of our own."""

import ast

from tta_orchestrate.modes.test_gen.splice import moved, splice

OLD = '''"""Made earlier."""
# tta-orchestrate: generated

import pytest

from shop import (
    first,
)


def test_first_returns():
    # a person's remark
    assert first("a b") == "a"
'''
NEW = '''"""Made now."""

import math

import pytest

from shop import price


@pytest.mark.parametrize("net", [1, 2])
def test_price_returns(net):
    assert price(net) > 0


def test_first_returns():
    assert math.isnan(price(3))
'''


def names(text):
    return [node.name for node in ast.parse(text).body if isinstance(node, ast.FunctionDef)]


def test_every_test_is_there_and_a_taken_name_gets_a_number():
    text, renamed = splice(OLD, NEW)
    assert names(text) == ["test_first_returns", "test_price_returns", "test_first_returns_2"]
    assert renamed == {"test_first_returns": "test_first_returns_2"}


def test_what_was_there_stays_to_the_letter():
    text, _ = splice(OLD, NEW)
    kept = OLD.partition("def test_first")[1] + OLD.partition("def test_first")[2]
    assert kept.rstrip("\n") in text
    assert "# tta-orchestrate: generated" in text


def test_imports_are_united():
    text, _ = splice(OLD, NEW)
    assert "from shop import first, price\n" in text
    assert text.count("import pytest\n") == text.count("import math\n") == 1


def test_methods_go_into_the_class_of_the_same_name():
    old = "import unittest\n\n\nclass Shop(unittest.TestCase):\n    def test_a(self):\n        pass\n\n\nLAST = 1\n"
    new = "import unittest\n\n\nclass Shop(unittest.TestCase):\n    def test_a(self):\n        self.fail()\n"
    text, renamed = splice(old, new)
    (shop,) = [node for node in ast.parse(text).body if isinstance(node, ast.ClassDef)]
    assert [node.name for node in shop.body] == ["test_a", "test_a_2"]
    assert text.endswith("LAST = 1\n")
    assert renamed == {"test_a": "test_a_2"}


def test_a_file_that_cannot_be_read_is_left_alone():
    assert splice("def broken(:\n", NEW) is None


def test_an_identity_follows_its_test():
    assert (
        moved("tests/new.py::Shop::test_a[1]", "tests/old.py", {"test_a": "test_a_2"})
        == "tests/old.py::Shop::test_a_2[1]"
    )
