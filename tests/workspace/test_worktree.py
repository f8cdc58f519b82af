"""The work tree as it lies on disk: regular files that git would not ignore, HEAD without a process."""

import subprocess

import pytest

from tta_orchestrate.errors import SourceError
from tta_orchestrate.workspace.worktree import WorkTree


def git(folder, *argv):
    identity = ["-c", "user.name=n", "-c", "user.email=e@example.org", "-c", "commit.gpgsign=false"]
    return subprocess.run(
        ["git", *identity, *argv], cwd=folder, check=True, capture_output=True, text=True
    ).stdout.strip()


def test_files_are_those_that_git_would_add(tmp_path):
    (tmp_path / ".gitignore").write_text("*.log\n/build/\n")
    for path in ("a.py", "b.log", "build/c.py", "src/build/d.py", "src/.gitignore", "src/e.tmp"):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text("*.tmp\n" if path.endswith(".gitignore") else "x")
    git(tmp_path, "init", "-q")
    wanted = git(tmp_path, "ls-files", "--others", "--exclude-standard").split("\n")
    assert list(WorkTree(tmp_path).files()) == sorted(wanted)


def test_links_are_never_followed(tmp_path):
    (tmp_path / "a.py").symlink_to("/etc/hostname")
    (tmp_path / "d").symlink_to("/etc")
    tree = WorkTree(tmp_path)
    assert tree.files() == []
    assert tree.read("a.py") is None


def test_head_is_read_from_loose_and_packed_refs(tmp_path):
    git(tmp_path, "init", "-q")
    assert WorkTree(tmp_path).commit == ""
    git(tmp_path, "commit", "-q", "--allow-empty", "-m", "x")
    assert WorkTree(tmp_path).commit == git(tmp_path, "rev-parse", "HEAD")
    git(tmp_path, "pack-refs", "--all")
    assert WorkTree(tmp_path).commit == git(tmp_path, "rev-parse", "HEAD")
    git(tmp_path, "remote", "add", "origin", "git@example.org:octo/demo.git")
    assert WorkTree(tmp_path).remote == "git@example.org:octo/demo.git"


def test_a_missing_folder_is_an_error(tmp_path):
    with pytest.raises(SourceError):
        WorkTree(tmp_path / "no")
