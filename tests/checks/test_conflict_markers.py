import subprocess

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tta_orchestrate.checks.conflict_markers import CHECK
from tta_orchestrate.domain.change import ChangedFile, FileStatus, Hunk
from tta_orchestrate.ports import SourceFile


def source(text, hunks=()):
    change = ChangedFile(path="a.txt", old_path="a.txt", status=FileStatus.MODIFIED, hunks=hunks)
    return SourceFile(change=change, text=text)


def found(text):
    return [(c.start_line, c.quote) for c in CHECK.run([source(text)]).candidates]


BLOCK = "<<<<<<< HEAD\na\n=======\nb\n>>>>>>> topic\n"


@pytest.mark.parametrize("style", ["merge", "diff3", "zdiff3"])
def test_what_git_leaves_behind_is_found(style, tmp_path):
    for name, text in (("ours", "a\nX\n"), ("base", "a\nb\n"), ("theirs", "a\nY\n")):
        (tmp_path / name).write_text(text)
    command = ["git", "merge-file", "-p", f"--{style}", "ours", "base", "theirs"]
    merged = subprocess.run(
        [c for c in command if c != "--merge"], cwd=tmp_path, capture_output=True, text=True, check=False
    ).stdout
    assert found(merged) == [(2, "<<<<<<< ours")]


def test_two_conflicts_are_two_findings_and_windows_line_ends_are_no_disguise():
    assert found(f"x\n{BLOCK}y\n{BLOCK}") == [(2, "<<<<<<< HEAD"), (8, "<<<<<<< HEAD")]
    assert found(BLOCK.replace("\n", "\r\n")) == [(1, "<<<<<<< HEAD\r")]


def test_a_half_removed_conflict_is_found_too():
    assert found("a\n>>>>>>> topic\n") == [(2, ">>>>>>> topic")]
    assert found("a\n<<<<<<< HEAD\nb\n") == [(2, "<<<<<<< HEAD")]


@pytest.mark.parametrize(
    "text",
    [
        "Heading\n=======\n\ntext\n",
        "=======\nHeading\n=======\n",
        "a\n|||||||\nb\n",
        "x <<<<<<< HEAD\n",
        "    <<<<<<< HEAD\n",
        ">>>>>>>\n<<<<<<<\n",
        ">>> print(1)\n>>>>>>>> deep quote\n",
        'marker = "<<<<<<< HEAD"\n',
    ],
)
def test_headings_quotes_and_talk_about_markers_are_no_conflict(text):
    assert found(text) == []


def test_without_the_file_the_added_lines_are_looked_at():
    body = (" x", *[f"+{line}" for line in BLOCK.splitlines()], "-<<<<<<< old")
    hunk = Hunk(old_start=9, old_count=2, new_start=9, new_count=6, body=body)
    claims = CHECK.run([source(None, (hunk,))]).candidates
    assert [(c.start_line, c.quote) for c in claims] == [(10, "<<<<<<< HEAD")]


@given(
    st.lists(st.sampled_from(["<<<<<<< a", "=======", ">>>>>>> b", "||||||| c", "x", ""]), max_size=12).map("\n".join)
    | st.text()
)
@settings(max_examples=60, deadline=None)
def test_any_text_gives_true_quotes_in_order(text):
    claims = found(text)
    assert all(quote == text.split("\n")[line - 1] for line, quote in claims)
    assert claims == sorted(claims)
