import ast
import json
import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tta_orchestrate.checks.ruff import CHECK, RuffCheck, suggest
from tta_orchestrate.checks.ruff.rules import RULES
from tta_orchestrate.domain.change import ChangedFile, FileStatus
from tta_orchestrate.domain.report import SkipReason
from tta_orchestrate.ports import SourceFile
from tta_orchestrate.workspace.ruff import Edit, RuffError, check, find_ruff


def source(text, path="app/main.py"):
    return SourceFile(change=ChangedFile(path=path, old_path=path, status=FileStatus.ADDED), text=text)


def rules(text, path="app/main.py"):
    return [c.rule for c in CHECK.run([source(text, path)]).candidates]


BUGGY = '''"""Module."""
import subprocess


def total(items=[]):
    for item in items:
        print(undefined_name)
    if items is "all":
        subprocess.run(f"rm {items}", shell=True)
    assert (items, "message")
'''


def test_bugs_and_holes_are_found_with_their_exact_lines():
    claims = CHECK.run([source(BUGGY)]).candidates
    assert [(c.rule, c.start_line, c.quote) for c in claims] == [
        ("ruff/B006", 5, "def total(items=[]):"),
        ("ruff/F821", 7, "        print(undefined_name)"),
        ("ruff/F632", 8, '    if items is "all":'),
        ("ruff/S602", 9, '        subprocess.run(f"rm {items}", shell=True)'),
        ("ruff/F631", 10, '    assert (items, "message")'),
    ]
    assert all(c.source == "ruff" and c.path == "app/main.py" and c.help_url.startswith("https://") for c in claims)


def test_style_is_not_reported():
    ugly = "import os,sys\nx=1;y = 2\nl = lambda: 0\nif x == None: pass\ndef F( a,b ):\n\treturn a\n"
    assert rules(ugly) == []


def test_a_safe_fix_becomes_a_suggestion_for_exactly_the_quoted_lines():
    (claim,) = (c for c in CHECK.run([source(BUGGY)]).candidates if c.rule == "ruff/F632")
    assert claim.suggestion is not None
    assert (claim.suggestion.start_line, claim.suggestion.end_line) == (8, 8)
    assert claim.suggestion.text == '    if items == "all":'


def test_an_unsafe_fix_is_no_suggestion():
    (claim,) = CHECK.run([source("def f(x=[]):\n    return x\n")]).candidates
    assert claim.rule == "ruff/B006"
    assert claim.suggestion is None


def test_a_shell_command_that_is_a_literal_is_a_low_finding():
    text = 'import subprocess\nsubprocess.run("ls", shell=True)\nsubprocess.run(input(), shell=True)\n'
    assert [c.severity.value for c in CHECK.run([source(text)]).candidates] == ["low", "high"]


def test_nothing_that_the_change_ships_configures_ruff(tmp_path):
    hostile = [
        source("lint.select = []\nexclude = ['*']\n", "ruff.toml"),
        source("[tool.ruff]\nexclude = ['*']\n", "pyproject.toml"),
    ]
    silenced = "# ruff: noqa\n# flake8: noqa\n# ruff: disable[F821]\nprint(missing)  # noqa: F821\n"
    files = [*hostile, source(silenced), source(silenced, "../../etc/ruff.toml.py")]
    claims = CHECK.run([f for f in files if CHECK.applies(f)]).candidates
    assert [(c.path, c.rule, c.start_line) for c in claims] == [
        ("app/main.py", "ruff/F821", 4),
        ("../../etc/ruff.toml.py", "ruff/F821", 4),
    ]


@pytest.mark.parametrize(
    "path",
    [
        "../x.py",
        "/abs/x.py",
        "a b\n.py",
        "-rf.py",
        "\udcff\udcfe.py",
        "x" * 5_000 + ".py",
        "a/$(id).py",
        "X.PY",
        "s.pyi",
    ],
)
def test_a_strange_name_is_only_a_label(path):
    assert CHECK.applies(source("", path))
    assert [(c.path, c.rule) for c in CHECK.run([source("print(missing)\n", path)]).candidates] == [(path, "ruff/F821")]


@pytest.mark.parametrize("path", ["a.ipynb", "a.js", "py", "a.py.j2", "a.pyc"])
def test_other_files_are_none_of_its_business(path):
    assert not CHECK.applies(source("", path))


def test_new_grammar_and_a_future_annotation_are_no_errors():
    text = 'type Point = tuple[int, int]\n\n\ndef f[T](x: T) -> "T":\n    return f"{x!r:>{10}} {\'a\' + "b"}"\n'
    result = CHECK.run([source(text)])
    assert (list(result.candidates), list(result.skipped)) == ([], [])


def test_a_file_that_ruff_cannot_parse_is_listed_and_the_others_are_still_checked():
    result = CHECK.run([source("def f(:\n", "broken.py"), source("print(missing)\n")])
    assert [(s.path, s.reason) for s in result.skipped] == [("broken.py", SkipReason.UNSUPPORTED)]
    assert [c.path for c in result.candidates] == ["app/main.py"]


def test_without_the_text_it_says_so():
    result = CHECK.run([source(None)])
    assert [(s.path, s.reason) for s in result.skipped] == [("app/main.py", SkipReason.NEEDS_FILE)]


def test_lines_are_counted_as_git_counts_them():
    text = "\ufeffs = 'é€😀'\r\nx = 'a\rb'\r\n\x0cprint(missing)\r\n"
    (claim,) = CHECK.run([source(text)]).candidates
    assert (claim.start_line, claim.quote) == (3, "\x0cprint(missing)\r")


def test_a_file_that_is_not_utf8_is_checked_all_the_same():
    (claim,) = CHECK.run([source("# \udce9\udce9\nprint('\udce9', missing)\n")]).candidates
    assert claim.quote == "print('\udce9', missing)"


@pytest.mark.parametrize("error", [RuffError("ruff ended with code 101"), RuffError("ruff took longer than 120 s")])
def test_a_crash_is_a_failure_of_every_file_and_never_silence(error):
    def crashing(texts, *, select):
        raise error

    result = RuffCheck(crashing).run([source("", "a.py"), source("", "b.py")])
    assert result.failures == {"a.py": str(error), "b.py": str(error)}


def test_a_file_that_crashes_ruff_does_not_take_the_others_with_it():
    poison = "-" * 100_000 + "1"
    files = [source("print(missing)\n", f"{n}.py") for n in range(9)]
    result = CHECK.run([*files[:4], source(poison, "poison.py"), *files[4:]])
    assert sorted(c.path for c in result.candidates) == [f.path for f in files]
    assert list(result.failures) == ["poison.py"]


def test_a_ruff_that_hangs_or_lies_or_is_missing_is_an_error(tmp_path):
    slow, liar, broken = (tmp_path / name for name in ("slow", "liar", "broken"))
    for file, body in ((slow, "exec sleep 30"), (liar, "echo nonsense"), (broken, "exit 101")):
        file.write_text(f"#!/bin/sh\n{body}\n")
        file.chmod(0o755)
    for binary, words in (
        (slow, "longer than"),
        (liar, "not its JSON"),
        (tmp_path / "no", "start"),
    ):
        with pytest.raises(RuffError, match=words):
            check([(".py", "")], select=["F821"], binary=str(binary), timeout=0.3 if binary is slow else 30)
    assert check([(".py", "")], select=["F821"], binary=str(broken)).crashed == {0: "ruff ended with code 101"}


def test_nothing_of_a_file_is_executed(tmp_path):
    mark = tmp_path / "ran"
    trap = f"import pathlib\npathlib.Path({str(mark)!r}).touch()\n"
    CHECK.run([source(trap, name) for name in ("conftest.py", "sitecustomize.py", "ruff.py", "setup.py")])
    assert not mark.exists()


def test_every_rule_is_a_stable_rule_of_ruff():
    known = json.loads(subprocess.check_output([find_ruff(), "rule", "--all", "--output-format", "json"]))
    stable = {rule["code"] for rule in known if not rule["preview"]}
    assert set(RULES) <= stable


@pytest.mark.parametrize(
    ("edits", "expected"),
    [
        ([Edit(start=(2, 5), end=(2, 6), text="3")], "y = 3"),
        ([Edit(start=(2, 5), end=(2, 6), text="2")], None),  # changes nothing
        ([Edit(start=(2, 5), end=(2, 6), text="(")], None),  # does not parse
        ([Edit(start=(1, 1), end=(1, 2), text="q")], None),  # another line
        ([Edit(start=(2, 5), end=(2, 6), text="3"), Edit(start=(3, 1), end=(3, 2), text="q")], None),  # and another
        ([Edit(start=(2, 1), end=(2, 4), text="a"), Edit(start=(2, 2), end=(2, 5), text="b")], None),  # overlap
        ([Edit(start=(2, 1), end=(3, 1), text="")], None),  # the line goes: no text can stand for "no line"
        ([], None),
    ],
)
def test_a_suggestion_stays_within_its_lines(edits, expected):
    text = "x = 1\ny = 2\nz = 3\n"
    made = suggest(text, text.split("\n"), 2, 2, edits)
    assert (made.text if made else None) == expected


@given(st.lists(st.text(alphabet="xy =1(\n[]:#\r\"'é\x00\t", max_size=40), min_size=1, max_size=4))
@settings(max_examples=12, deadline=None)
def test_any_text_gives_true_quotes_and_suggestions_that_parse(texts):
    files = [source(text, f"{i}.py") for i, text in enumerate(texts)]
    result = CHECK.run(files)
    assert not result.failures
    for claim in result.candidates:
        lines = files[int(Path(claim.path).stem)].text.split("\n")
        assert claim.quote == "\n".join(lines[claim.start_line - 1 : claim.end_line])
        if claim.suggestion:
            lines[claim.start_line - 1 : claim.end_line] = claim.suggestion.text.split("\n")
            ast.parse("\n".join(lines))
