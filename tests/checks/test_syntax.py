import ast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tta_orchestrate.checks.syntax import CHECK, SyntaxCheck
from tta_orchestrate.domain.change import ChangedFile, FileStatus
from tta_orchestrate.domain.report import SkipReason
from tta_orchestrate.ports import SourceFile
from tta_orchestrate.workspace.ruff import Answer, RuffError


def source(text, path="pkg/mod.py"):
    return SourceFile(change=ChangedFile(path=path, old_path=path, status=FileStatus.MODIFIED), text=text)


def found(text):
    return [(c.rule, c.start_line, c.quote) for c in CHECK.run([source(text)]).candidates]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("x = 1\ndef f(:\n    pass\n", 2),
        ("x = 1\n\n  y = 2\n", 3),
        ("x = (1,\ny = 2\n", 1),
        ("a = 1\nb = '\n", 2),
        ("x = 1\ry = 2\r\nz = = 3\n", 2),
        ("a = 1\nb\0 = 2\n", 2),
        ("# coding: nonsense\n", 1),
        ("x = '\udce9'\n", 1),
        ("print 'hello'\n", 1),
    ],
)
def test_a_broken_file_is_one_finding_where_the_parser_gave_up(text, line):
    assert found(text) == [("syntax/python", line, text.split("\n")[line - 1])]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\ufeffx = 1\n",
        "# -*- coding: latin-1 -*-\nx = '\udce9'\n",
        "x = '\\d'\nassert (1, 2)\nx is 1\n",  # SyntaxWarning is not an error
        "type A[T] = list[T]\n",  # newer than the oldest interpreter
        "def f[T](x: T): return f'{'a'}'\n",
        "x = t'{name}'\n",
        "x = 1\r\ny = 2\r\n",
        "\x0cx = 1\n",
        "match x:\n    case {'a': 1}: pass\n",
    ],
)
def test_a_sound_file_gives_nothing(text):
    assert found(text) == []


@pytest.mark.parametrize(
    "text", ["(" * 5_000, "-" * 100_000 + "1", "a." * 100_000 + "a", "1" + "+1" * 100_000, "[" * 9_000]
)
def test_deep_nesting_is_survived_and_never_silent(text):
    result = CHECK.run([source(text)])
    assert result.candidates or result.failures


def test_a_huge_file_and_a_file_without_text_are_left_out_with_the_reason():
    result = CHECK.run([source("#" * 5_000_001, "a.py"), source(None, "b.py")])
    assert [(s.path, s.reason) for s in result.skipped] == [
        ("a.py", SkipReason.TOO_LARGE),
        ("b.py", SkipReason.NEEDS_FILE),
    ]


def test_what_only_the_older_interpreter_refuses_is_not_reported():
    quiet = SyntaxCheck(lambda texts, *, select: Answer())
    assert quiet.run([source("def f(:\n")]).candidates == []


def test_when_the_second_parser_fails_the_file_is_a_failure():
    def crashing(texts, *, select):
        raise RuffError("gone")

    result = SyntaxCheck(crashing).run([source("def f(:\n")])
    assert (list(result.candidates), list(result.failures)) == ([], ["pkg/mod.py"])


def test_nothing_is_executed(tmp_path):
    mark = tmp_path / "ran"
    CHECK.run([source(f"open({str(mark)!r}, 'w')\n", "conftest.py")])
    assert not mark.exists()


@given(st.text(max_size=200) | st.text(alphabet="x=(){}[]:'\"\\\n\r\t #f", max_size=200))
@settings(max_examples=25, deadline=None)
def test_any_text_is_judged_without_a_crash_and_what_parses_is_never_reported(text):
    result = CHECK.run([source(text)])
    for claim in result.candidates:
        assert claim.quote == text.split("\n")[claim.start_line - 1]
        with pytest.raises((SyntaxError, ValueError)):
            ast.parse(text.encode("utf-8", "surrogateescape"))
