"""The program as a process: streams that are absent or full, signals, folders that are gone."""

import json
import os
import signal
import subprocess
import sys

import pytest

from repos import ENVIRON, make_repo

TOOL = [sys.executable, "-m", "tta_orchestrate"]
BROKEN = "def load(path):\n    return opne(path)\n"


@pytest.fixture
def repo(tmp_path):
    builder = make_repo(tmp_path / "repo")
    builder.write("app.py", BROKEN)
    builder.commit("first")
    return builder


def shell(repo, redirection, *args, before=""):
    """Run the tool under a shell that redirects its streams."""
    command = f'{before}"$@" {redirection}'
    return subprocess.run(
        ["/bin/sh", "-c", command, "sh", *TOOL, *args],
        cwd=repo.path,
        env={**ENVIRON, "HOME": str(repo.path)},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("redirection", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-", ">/dev/full", "2>/dev/full"])
def test_a_review_is_done_and_left_in_files_whatever_became_of_the_terminal(repo, redirection):
    done = shell(repo, redirection, "review", "--fail-on", "high")
    assert done.returncode == 1, done.stderr
    assert "error" not in done.stderr
    report = json.loads((repo.path / "tta-report/findings.json").read_text())
    assert [finding["rule"] for finding in report["findings"]] == ["ruff/F821"]


def test_the_exit_code_holds_when_the_reader_of_a_pipe_leaves(repo):
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "wb") as out:
        done = subprocess.run(
            [*TOOL, "review"], cwd=repo.path, env=ENVIRON, stdout=out, stderr=subprocess.PIPE, check=False
        )
    assert done.returncode == 0
    assert b"error" not in done.stderr
    assert b"Exception" not in done.stderr


def test_a_closed_standard_input_is_an_empty_diff(repo):
    done = shell(repo, "<&-", "review", "--diff", "-")
    assert (done.returncode, "outcome: skipped" in done.stdout) == (0, True)


def test_an_error_keeps_its_exit_code_when_it_cannot_be_told(repo):
    assert shell(repo, "2>/dev/full", "review", "--base", "nowhere").returncode == 2


def test_output_that_is_the_whole_result_and_does_not_arrive_is_a_failure(repo):
    done = shell(repo, ">/dev/full", "--version")
    assert (done.returncode, "No space left" in done.stderr) == (3, True)
    assert "internal" not in done.stderr


def test_a_full_disk_for_temporary_files_is_a_failure_of_the_check_alone(repo):
    code = (
        "import resource, sys; from tta_orchestrate.checks.ruff import CHECK; from tta_orchestrate.domain.change import *; "
        "from tta_orchestrate.ports import SourceFile; resource.setrlimit(resource.RLIMIT_FSIZE, (4000, 4000)); "
        "change = ChangedFile(path='a.py', old_path='a.py', status=FileStatus.ADDED); "
        "print(CHECK.run([SourceFile(change=change, text='word = 1\\n' * 1000)]).failures)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=repo.path, env=ENVIRON, capture_output=True, text=True, check=False
    )
    assert "'a.py': 'the files cannot be written for ruff: File too large'" in done.stdout, done.stderr


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_run_that_is_stopped_leaves_no_traceback_and_no_temporary_folder(repo, tmp_path, number):
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    environ = {**ENVIRON, "TMPDIR": str(temporary)}
    with subprocess.Popen(
        [*TOOL, "review", "--diff", "-"], cwd=repo.path, env=environ, stdin=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        process.stdin.write(b"\n" * 1_000_000)  # more than a pipe holds: it is being read, the run is under way
        process.stdin.flush()
        assert list(temporary.iterdir())
        process.send_signal(number)
        _out, told = process.communicate(timeout=30)
    assert process.returncode == 128 + number
    assert b"Traceback" not in told
    assert list(temporary.iterdir()) == []


def test_stopping_while_the_program_loads_leaves_no_traceback(repo):
    code = (
        "import builtins, tta_orchestrate.__main__ as program; real = builtins.__import__\n"
        "def loading(name, *rest):\n"
        "    if name == 'typer': raise KeyboardInterrupt\n"
        "    return real(name, *rest)\n"
        "builtins.__import__ = loading; program.main()"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=repo.path, env=ENVIRON, capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (130, b"")


def test_a_folder_that_is_gone_is_told_as_that(repo):
    (repo.path / "gone").mkdir()
    done = shell(repo, "", "review", before="cd gone && rmdir ../gone && ")
    assert (done.returncode, "the current folder is gone" in done.stderr) == (2, True)


def test_an_empty_output_is_refused_and_is_not_the_current_folder(repo):
    done = shell(repo, "", "review", "--output", "")
    assert (done.returncode, "--output is empty" in done.stderr) == (2, True)
    assert not (repo.path / "findings.json").exists()
