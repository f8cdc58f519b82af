"""The command in a repository of its own: without a key, without --file, with --write."""

import json
import os
import subprocess
import sys

import pytest

from generated import git, once, repository

GREET = '''
"""Greetings."""


def greet(name: str, loud: bool = False) -> str:
    """Return a greeting."""
    if loud:
        return f"HELLO, {name.upper()}!"
    return f"Hello, {name}."
'''.lstrip()
SUMS = '''
"""Sums."""


def twice(n: int) -> int:
    """Return twice *n*."""
    return n * 2


def sign(n: int) -> int:
    """Return the sign of *n*."""
    if n < 0:
        return -1
    if n > 0:
        return 1
    return 0
'''.lstrip()
EARLIER = '''
"""What `greet` does."""
# tta-orchestrate: generated

from greet import greet


def test_greet_returns():
    assert greet("Ada") == "Hello, Ada."  # by hand
'''.lstrip()


def tta(folder, *arguments, **env):
    return subprocess.run(
        [sys.executable, "-m", "tta_orchestrate", "test-gen", *arguments], cwd=folder, capture_output=True, text=True,
        check=False, env={**os.environ, **env},
    )  # fmt: skip


@pytest.fixture(scope="module")
def written(tmp_path_factory, worker_id):
    def make(folder):
        repository(folder, greet_py=GREET, sums_py=SUMS, tests__test_greet_characterisation_py=EARLIER)
        done = tta(folder, "--seconds", "30", "--write", "--budget-usd", "0", "--output", "out")
        return folder, done.returncode, done.stdout + done.stderr

    return once(tmp_path_factory, worker_id, "written", make)


def test_the_largest_gaps_come_first(written):
    folder, code, said = written
    assert code == 0, said
    targets = json.loads((folder / "out" / "findings.json").read_text())["targets"]
    assert [target["path"] for target in targets] == ["sums.py", "greet.py"]
    assert all(target["kept"] for target in targets), said


def test_what_was_there_is_only_added_to(written):
    folder = written[0]
    text = (folder / "tests" / "test_greet_characterisation.py").read_text()
    assert EARLIER.rstrip() in text
    assert "HELLO" in text.removeprefix(EARLIER)
    numbers = git(folder, "diff", "--numstat").split()
    assert numbers[1:] == ["0", "tests/test_greet_characterisation.py"]
    assert (folder / "tests" / "test_sums_characterisation.py").exists()


def test_what_was_written_passes_with_the_repositorys_own_pytest(written):
    folder = written[0]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"], cwd=folder, check=False,
        env={"PYTHONPATH": str(folder), "PATH": "/usr/bin:/bin"}, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout


def test_the_summary_has_the_table(written):
    page = (written[0] / "out" / "summary.md").read_text()
    assert "### Tests, by file" in page
    assert "no model was called" in page


def test_a_file_outside_is_refused(tmp_path):
    folder = repository(tmp_path / "inside", sums_py=SUMS)
    (tmp_path / "outside.py").write_text(SUMS)
    done = tta(folder, "--file", "../outside.py")
    assert done.returncode != 0
    assert "lies outside" in done.stderr


JEALOUS = """
import pathlib


def test_the_earlier_file_stays_short():
    text = (pathlib.Path(__file__).parent / "test_greet_characterisation.py").read_text()
    assert text.count("def test") == 1
"""


def test_tests_that_break_the_suite_once_they_are_joined_stay_apart(tmp_path):
    repository(tmp_path, greet_py=GREET, tests__test_greet_characterisation_py=EARLIER, tests__test_jealous_py=JEALOUS)
    done = tta(tmp_path, "--file", "greet.py", "--seconds", "20", "--write", "--budget-usd", "0", "--output", "out")
    assert done.returncode == 0, done.stdout + done.stderr
    (target,) = json.loads((tmp_path / "out" / "findings.json").read_text())["targets"]
    assert any("inside the whole suite" in note for note in target["notes"])
    assert target["kept"]
    assert (tmp_path / "tests" / "test_greet_characterisation.py").read_text() == EARLIER
    assert (tmp_path / target["tests"]).is_file()
