"""What the text of a module tells about good inputs."""

import ast
import types

from tta_orchestrate.modes.test_gen.worker.mining import Mine, functions, quoted

SOURCE = '''
"""A module that says 'nothing'."""

TABLE = {"red": 41, "green": 17}


def parse(text):
    """Read a shift such as ``mon 9-17``, or "day off"; never this prose."""
    if text == "closed":
        raise ValueError("not a message for inputs")
    return len(text) > 5


@decorated
def other():
    return 7
'''
TREE = ast.parse(SOURCE)


def mined(name):
    module = types.ModuleType("shifts")
    module.TABLE = {"red": 41, "green": 17}
    node = functions(TREE)[next(n.lineno for n in TREE.body if getattr(n, "name", "") == name)]
    return Mine(TREE, module).literals(name, [range(node.lineno, node.end_lineno + 1)], quoted(node))


def test_a_function_is_found_by_its_line_and_by_that_of_its_decorator():
    found = functions(TREE)
    assert [name for line, node in sorted(found.items()) if (name := node.name)] == ["parse", "other", "other"]


def test_a_docstring_gives_what_it_quotes_and_no_prose():
    literals, words = mined("parse")
    assert {"mon 9-17", "day off", "closed"} <= set(words)
    assert "'mon 9-17'" in literals["str"]
    assert not any("prose" in word or "message" in word or "nothing" in word for word in words)


def test_constants_come_with_their_neighbours_and_those_of_others_only_where_they_are_large():
    literals, _ = mined("parse")
    assert {"4", "5", "6", "-5", "41", "42", "17"} <= set(literals["int"])
    assert "7" not in literals["int"]


def test_keys_of_tables_are_words():
    _, words = mined("other")
    assert {"red", "green"} <= set(words)


def test_without_a_docstring_nothing_is_quoted():
    assert quoted(None) == []
    assert quoted(ast.parse("def f(): pass").body[0]) == []
