"""``tta-orchestrate docgen`` at the command line, on real folders."""

import subprocess
from pathlib import Path

import pytest

from tta_orchestrate.cli.app import run

SOURCE = '"""A module."""\n\n\ndef one(a: int) -> int:\n    """Do one thing."""\n    return a\n'


@pytest.fixture
def repository(tmp_path):
    (tmp_path / "pkg").mkdir()
    (tmp_path / "pkg" / "__init__.py").write_text("")
    (tmp_path / "pkg" / "core.py").write_text(SOURCE)
    (tmp_path / "pkg" / "linked.py").symlink_to("/etc/hostname")
    return tmp_path


def docgen(repository, *flags):
    return run(["docgen", "-C", str(repository), "--output", str(repository.parent / "out"), *flags])


def files(repository: Path) -> dict[str, bytes]:
    root = repository / "docs" / "tta"
    return {str(path.relative_to(root)): path.read_bytes() for path in sorted(root.rglob("*")) if path.is_file()}


def test_all_makes_clean_pages_and_a_second_run_changes_nothing(repository, capsys):
    assert docgen(repository, "--all") == 0
    first = files(repository)
    assert "pages/pkg___core.md" in first
    assert not any("linked" in path for path in first)
    assert run(["docgen", "--lint", str(repository / "docs" / "tta")]) == 0
    assert "no problems" in capsys.readouterr().out
    assert docgen(repository, "--all") == 0
    assert files(repository) == first


def test_lint_finds_what_is_wrong(repository, capsys):
    docgen(repository, "--all")
    (repository / "docs" / "tta" / "pages" / "mine.md").write_text("# Title\n\ntype:: x\n")
    assert run(["docgen", "--lint", str(repository / "docs" / "tta")]) == 1
    assert "title-heading" in capsys.readouterr().out


def test_check_names_the_stale_block_and_fails_only_when_asked(repository, capsys):
    docgen(repository, "--all")
    (repository / "pkg" / "core.py").write_text(SOURCE.replace("return a", "return a + 1"))
    assert docgen(repository, "--check") == 0
    shown = capsys.readouterr().out
    assert "pkg/core.py:4" in shown
    assert "Documentation is stale" in shown
    assert docgen(repository, "--check", "--fail-on-drift") == 1


def test_a_dry_run_leaves_the_patch_alone(repository):
    assert docgen(repository, "--all", "--dry-run") == 0
    assert not (repository / "docs").exists()
    assert "pkg___core.md" in (repository.parent / "out" / "changes.patch").read_text()


def test_a_file_with_a_syntax_error_is_partial_and_no_failure(repository, capsys):
    (repository / "pkg" / "bad.py").write_text("def broken(:\n")
    assert docgen(repository, "--all") == 0
    assert "docgen: partial" in capsys.readouterr().out


@pytest.mark.parametrize(
    "flags",
    [("--all", "--file", "pkg/core.py"), ("--format", "word"), ("--lint", "/no/such/folder"), ("--file", "no.py")],
)
def test_what_cannot_be_is_refused_with_exit_code_2(repository, flags):
    assert docgen(repository, *flags) == 2


def test_nothing_of_the_repository_is_imported(repository):
    (repository / "pkg" / "boom.py").write_text("raise SystemExit('imported')\nopen('/tmp/never', 'w')\n")
    assert docgen(repository, "--all") == 0


def test_breaking_changes_since_the_last_refresh_are_told(repository, capsys):
    def git(*args):
        words = ["git", "-c", "user.name=a", "-c", "user.email=a@localhost", *args]
        subprocess.run(words, cwd=repository, check=True, capture_output=True)

    git("init", "--quiet")
    git("add", "pkg")
    git("commit", "--quiet", "--message", "one")
    docgen(repository, "--all")
    (repository / "pkg" / "core.py").write_text(SOURCE.replace("a: int", "b: int").replace("return a", "return b"))
    assert docgen(repository, "--all") == 0
    assert (
        "API breakage: pkg/core.py one: Parameter was removed" in (repository.parent / "out" / "summary.md").read_text()
    )
    assert docgen(repository, "--all") == 0
    assert "API breakage" not in (repository.parent / "out" / "summary.md").read_text()
