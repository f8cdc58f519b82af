"""A commit as the sources of docgen: real git repositories."""

import os
import subprocess

import pytest

from tta_orchestrate.errors import SourceError
from tta_orchestrate.workspace.commit_tree import CommitDocs, CommitTree
from tta_orchestrate.workspace.git import Repository


@pytest.fixture
def tree(tmp_path):
    def git(*args):
        words = ["git", "-c", "user.name=a", "-c", "user.email=a@localhost", *args]
        return subprocess.run(words, cwd=tmp_path, check=True, capture_output=True, text=True).stdout.strip()

    git("init", "--quiet")
    (tmp_path / "docs" / "tta").mkdir(parents=True)
    (tmp_path / "docs" / "tta" / "a.md").write_bytes("- ü\r\n".encode())
    (tmp_path / "docs" / "tta" / "bad.md").write_bytes(b"\xff")
    (tmp_path / "x.py").write_text("x = 1\n")
    (tmp_path / "run.sh").write_text("true\n")
    (tmp_path / "run.sh").chmod(0o755)
    (tmp_path / "link.py").symlink_to("/etc/hostname")
    (tmp_path / os.fsdecode(b"\xff.py")).write_text("y = 1\n")
    git("add", "-A")
    git("update-index", "--add", "--cacheinfo", f"160000,{'1' * 40},module.py")
    git("commit", "--quiet", "--message", "one")
    (tmp_path / "x.py").write_text("raise SystemExit\n")
    with Repository.open(tmp_path, os.environ) as repository:
        made = CommitTree(repository, "HEAD")
        yield made
        made.close()


def test_only_regular_files_are_there_as_they_were_committed(tree):
    assert tree.files() == ["docs/tta/a.md", "docs/tta/bad.md", "run.sh", "x.py"]
    assert [tree.read(path) for path in ("x.py", "link.py", "module.py", "none.py", "run.sh", "x.py")] == [
        b"x = 1\n",
        None,
        None,
        None,
        b"true\n",
        b"x = 1\n",
    ]
    assert len(tree.commit) == 40


def test_the_docs_folder_is_text_byte_for_byte(tree):
    docs = CommitDocs(tree, "docs/tta/")
    assert docs.files() == ["a.md", "bad.md"]
    assert docs.read("a.md") == "- ü\r\n"
    assert docs.read("none.md") is None
    with pytest.raises(SourceError, match="UTF-8"):
        docs.read("bad.md")
