"""Reading real repositories, kind and hostile ones, with the real git."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from repos import ENVIRON, make_repo
from tta_orchestrate.domain.change import FileStatus
from tta_orchestrate.domain.diff import render
from tta_orchestrate.errors import GitError
from tta_orchestrate.workspace.git import STAGED, Repository


def open_repository(path, **extra):
    return Repository.open(path, {"PATH": os.environ["PATH"], "HOME": os.devnull, **extra})


@pytest.fixture
def repo(tmp_path):
    """Two commits on main: ``a.txt`` is added, then changed."""
    repo = make_repo(tmp_path / "repo")
    repo.write("a.txt", "1\n")
    repo.commit("first")
    repo.write("a.txt", "2\n")
    repo.commit("second")
    return repo


@pytest.fixture
def git(repo):
    with open_repository(repo.path) as git:
        yield git


def summary(change):
    return [(f.path, f.status.value, f.added, f.removed) for f in change.files]


# -------------------------------------------------------------------------------------------------------- opening


def test_a_folder_outside_any_repository_is_refused_with_a_remedy(tmp_path):
    with pytest.raises(GitError, match="in no git repository") as caught:
        open_repository(tmp_path)
    assert "--diff" in caught.value.remedy


def test_a_folder_that_does_not_exist_is_refused(tmp_path):
    with pytest.raises(GitError, match="no folder"):
        open_repository(tmp_path / "missing")


@pytest.mark.parametrize("path", ["", ".", "bin:."])
def test_without_git_on_an_absolute_path_the_error_says_so(repo, path):
    repo.write("git", "#!/bin/sh\ntouch canary\n", executable=True)
    with pytest.raises(GitError, match="not installed"):
        Repository.open(repo.path, {"PATH": path})
    assert not (repo.path / "canary").exists()


def test_a_folder_deep_inside_will_do(repo):
    (repo.path / "x/y").mkdir(parents=True)
    with open_repository(repo.path / "x/y") as git:
        assert git.list_files("HEAD") == ("a.txt",)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder away")
def test_a_repository_of_another_user_is_read_only_when_its_owner_is_trusted(repo):
    head = repo.git("rev-parse", "HEAD")
    for folder, _, names in os.walk(repo.path):
        for name in ["", *names]:
            os.chown(Path(folder, name), 12345, 12345)
    with pytest.raises(GitError, match="another user") as caught:
        open_repository(repo.path)
    assert "safe.directory" in caught.value.remedy
    with Repository.open(repo.path, ENVIRON, trust_owner=True) as git:
        assert git.resolve("HEAD") == head
        assert summary(git.change("HEAD~1", "HEAD")) == [("a.txt", "modified", 1, 1)]


def test_what_was_opened_is_closed_again(repo):
    with open_repository(repo.path) as git:
        folder = git._shadow.folder
        assert folder.is_dir()
    assert not folder.exists()


# ------------------------------------------------------------------------------------------------------ revisions


def test_a_revision_is_resolved_to_its_commit(repo, git):
    repo.git("tag", "-a", "v1", "-m", "one")
    head = repo.git("rev-parse", "HEAD")
    assert {git.resolve(rev) for rev in ("HEAD", "main", "v1", head, head[:10], "@")} == {head}


@pytest.mark.parametrize(
    "rev",
    [
        "nope",
        "--output=canary",
        "-h",
        "",
        "a\nb",
        "a\0b",
        "HEAD~9",
        "HEAD..HEAD",
        "^HEAD",
        "HEAD:a.txt",
        "0" * 40,
        "f" * 64,
    ],
)
def test_an_unknown_revision_is_refused_with_a_remedy(git, rev):
    with pytest.raises(GitError) as caught:
        git.resolve(rev)
    assert caught.value.remedy


def test_the_default_branch_is_what_the_remote_says(repo, tmp_path):
    repo.git("branch", "trunk")
    repo.git("checkout", "--quiet", "trunk")
    clone(repo, tmp_path / "clone")
    with open_repository(tmp_path / "clone") as git:
        assert git.default_branch() == "refs/remotes/origin/trunk"


def clone(repo, path, *options):
    subprocess.run(
        ["git", "clone", "--quiet", "--no-local", *options, repo.path.as_uri(), path], env=ENVIRON, check=True
    )


@pytest.mark.parametrize("branch", ["main", "master", "trunk"])
def test_without_a_remote_the_default_branch_is_the_usual_one(tmp_path, branch):
    repo = make_repo(tmp_path, branch=branch)
    repo.commit()
    repo.git("config", "init.defaultBranch", "trunk")
    with open_repository(tmp_path) as git:
        assert git.default_branch() == f"refs/heads/{branch}"


def test_there_may_be_no_default_branch(tmp_path):
    make_repo(tmp_path, branch="topic").commit()
    with open_repository(tmp_path) as git:
        assert git.default_branch() is None


def test_on_a_topic_branch_the_default_range_starts_where_it_left_the_main_line(repo, git):
    fork = repo.git("rev-parse", "HEAD")
    repo.git("checkout", "--quiet", "-b", "topic")
    repo.write("b.txt", "1\n")
    repo.commit()
    repo.write("b.txt", "2\n")
    head = repo.commit()
    repo.git("checkout", "--quiet", "main")
    repo.write("c.txt", "1\n")
    repo.commit()
    repo.git("checkout", "--quiet", "--detach", "topic")
    assert git.default_range() == (fork, head)
    assert summary(git.change(*git.default_range())) == [("b.txt", "added", 1, 0)]


def test_on_the_main_line_the_default_range_is_the_last_commit(repo, git):
    assert git.default_range() == (repo.git("rev-parse", "HEAD~1"), repo.git("rev-parse", "HEAD"))


def test_the_first_commit_is_compared_with_nothing(tmp_path):
    repo = make_repo(tmp_path)
    repo.write("a", "1\n")
    head = repo.commit()
    with open_repository(tmp_path) as git:
        assert git.default_range() == (git.empty_tree(), head)
        assert summary(git.change(*git.default_range())) == [("a", "added", 1, 0)]


def test_a_repository_without_commits_has_a_staged_change_and_no_default_range(tmp_path):
    repo = make_repo(tmp_path)
    with open_repository(tmp_path) as git:
        assert git.is_empty()
        assert git.staged_change().files == ()
        with pytest.raises(GitError, match="no commits") as caught:
            git.default_range()
        assert "--staged" in caught.value.remedy
    repo.write("a", "1\n")
    repo.git("add", "a")
    with open_repository(tmp_path) as git:
        assert summary(git.staged_change()) == [("a", "added", 1, 0)]
        assert git.read(STAGED, "a") == b"1\n"


def test_histories_without_a_common_ancestor_are_told(repo, git):
    repo.git("checkout", "--quiet", "--orphan", "other")
    repo.commit()
    with pytest.raises(GitError, match="no common ancestor"):
        git.merge_base("main", "other")


def test_the_merge_base_is_git_s_own(repo, git):
    repo.git("checkout", "--quiet", "-b", "topic", "HEAD~1")
    repo.commit()
    assert git.merge_base("main", "topic") == repo.git("merge-base", "main", "topic")


def test_a_shallow_clone_tells_how_to_get_the_history(repo, tmp_path):
    repo.git("checkout", "--quiet", "-b", "topic", "HEAD~1")
    repo.write("b", "1\n")
    repo.commit()
    clone(repo, tmp_path / "clone", "--depth=1", "--no-single-branch")
    with open_repository(tmp_path / "clone") as git:
        assert git.is_shallow()
        for action in (
            lambda: git.merge_base("origin/main", "HEAD"),
            lambda: git.resolve("HEAD~1"),
            lambda: git._first_parent(git.resolve("HEAD")),
        ):
            with pytest.raises(GitError) as caught:
                action()
            assert "fetch-depth: 0" in caught.value.remedy
            assert "git fetch --unshallow" in caught.value.remedy


def test_the_last_commit_of_a_shallow_clone_is_not_taken_for_the_first(repo, tmp_path):
    clone(repo, tmp_path / "clone", "--depth=1")
    with open_repository(tmp_path / "clone") as git, pytest.raises(GitError, match="shallow"):
        git.default_range()


def test_a_shallow_clone_that_is_deep_enough_has_its_merge_base(repo, tmp_path):
    fork = repo.git("rev-parse", "HEAD")
    repo.git("checkout", "--quiet", "-b", "topic")
    repo.commit()
    clone(repo, tmp_path / "clone", "--depth=2", "--no-single-branch")
    with open_repository(tmp_path / "clone") as git:
        assert git.merge_base("origin/main", "origin/topic") == fork


def test_the_url_of_a_remote_carries_no_credentials(repo, git):
    assert git.remote_url() is None
    repo.git("remote", "add", "origin", "https://user:secret@example.com/o/r.git")
    assert git.remote_url() == "https://example.com/o/r.git"


# -------------------------------------------------------------------------------------------------------- changes


def test_a_change_applied_to_its_base_gives_its_head(repo, git, tmp_path):
    repo.write("new file.py", "def f():\n    return 1\n")
    repo.link("link", "a.txt")
    (repo.path / "a.txt").rename(repo.path / "b.txt")
    head = repo.commit()
    change = git.change("HEAD~1", "HEAD")
    assert change.head == head
    repo.git("read-tree", change.base)
    repo.git("apply", "--cached", stdin=b"".join(render(change.files)))
    assert repo.git("write-tree") == repo.git("rev-parse", "HEAD^{tree}")


def test_a_hunk_names_the_function_it_stands_in(repo, git):
    body = "".join(f"        step({n})\n" for n in range(20))
    repo.write("x.py", f"class A:\n    def method(self):\n{body}")
    repo.commit()
    repo.write("x.py", f"class A:\n    def method(self):\n{body}".replace("step(15)", "leap()"))
    repo.commit()
    assert git.change("HEAD~1", "HEAD").files[0].hunks[0].section == "def method(self):"


def test_the_staged_change_is_what_a_commit_would_record(repo, git):
    repo.write("a.txt", "staged\n")
    repo.write("renamed b/x", "1\n")
    repo.git("add", ".")
    repo.write("a.txt", "not staged\n")
    repo.write("untracked", "x\n")
    before = (repo.path / ".git/index").read_bytes()
    change = git.staged_change()
    assert summary(change) == [("a.txt", "modified", 1, 1), ("renamed b/x", "added", 1, 0)]
    assert git.read(change.head, "a.txt") == git.read(STAGED, "a.txt") == b"staged\n"
    assert git.list_files(STAGED) == ("a.txt", "renamed b/x")
    assert (repo.path / ".git/index").read_bytes() == before
    assert change.head == repo.git("write-tree")


def test_reading_the_index_leaves_no_object_in_the_repository(repo, git):
    repo.write("new/x", "1\n")
    repo.git("add", ".")
    before = repo.git("count-objects")
    git.staged_change()
    assert repo.git("count-objects") == before


def test_a_split_index_is_read(repo, git):
    repo.git("update-index", "--split-index")
    repo.write("b", "1\n")
    repo.git("add", "b")
    assert summary(git.staged_change()) == [("b", "added", 1, 0)]


def test_a_hook_may_name_another_index(repo):
    repo.git("read-tree", "--index-output=.git/other", "HEAD~1")
    with open_repository(repo.path, GIT_INDEX_FILE=".git/other") as git:
        assert summary(git.staged_change()) == [("a.txt", "modified", 1, 1)]


def test_an_index_with_conflicts_is_refused_with_a_remedy(repo, git):
    repo.git("checkout", "--quiet", "-b", "topic", "HEAD~1")
    repo.write("a.txt", "3\n")
    repo.commit()
    with pytest.raises(RuntimeError):
        repo.git("merge", "main")
    with pytest.raises(GitError) as caught:
        git.staged_change()
    assert "merge" in caught.value.remedy


def test_a_dirty_work_tree_changes_nothing(repo, git):
    clean = git.change("HEAD~1", "HEAD")
    repo.write("a.txt", "dirty\n")
    repo.write(".gitattributes", "* -diff\n*.txt binary\n")
    assert git.change("HEAD~1", "HEAD") == clean
    assert git.read("HEAD", "a.txt") == b"2\n"


def test_a_linked_worktree_and_a_bare_clone_see_the_same_change(repo, git, tmp_path):
    repo.git("worktree", "add", "--quiet", "--detach", tmp_path / "linked", "HEAD")
    clone(repo, tmp_path / "bare.git", "--bare")
    clone(repo, tmp_path / "borrowed", "--reference", str(repo.path))
    expected = git.change(*git.default_range())
    for path in ("linked", "bare.git", "borrowed"):
        with open_repository(tmp_path / path) as other:
            assert other.change(*other.default_range()) == expected


def test_the_index_of_a_linked_worktree_is_its_own(repo, tmp_path):
    repo.git("worktree", "add", "--quiet", "--detach", tmp_path / "linked", "HEAD")
    (tmp_path / "linked/b").write_text("1\n")
    repo.git("-C", tmp_path / "linked", "add", "b")
    with open_repository(tmp_path / "linked") as linked, open_repository(repo.path) as main:
        assert summary(linked.staged_change()) == [("b", "added", 1, 0)]
        assert main.staged_change().files == ()


def test_a_sha256_repository_is_read(tmp_path):
    repo = make_repo(tmp_path, object_format="sha256")
    repo.write("a", "1\n")
    head = repo.commit()
    with open_repository(tmp_path) as git:
        assert len(git.resolve("HEAD")) == 64
        assert git.default_range() == (repo.git("hash-object", "-t", "tree", os.devnull), head)
        change = git.change(*git.default_range())
        assert (summary(change), len(change.files[0].new_blob)) == ([("a", "added", 1, 0)], 64)
        repo.write("b", "1\n")
        repo.git("add", "b")
        assert summary(git.staged_change()) == [("b", "added", 1, 0)]
        assert git.attributes(["a"], ["binary"], "HEAD") == {"a": {}}


def test_the_empty_tree_is_git_s_own(repo, git):
    assert git.empty_tree() == repo.git("hash-object", "-t", "tree", os.devnull)


# ---------------------------------------------------------------------------------------------------------- files


def test_files_are_read_in_the_order_asked(repo, git):
    names = ["a.txt", "line\nfeed", "tab\t", 'quote"', "ünï", "latin-\udce9", "sp ace", "*.txt"]
    for number, name in enumerate(names):
        repo.write(name.encode("utf-8", "surrogateescape"), f"{number}\r\n")
    repo.commit()
    expected = [(name, f"{number}\r\n".encode()) for number, name in enumerate(names)]
    assert list(git.read_many("HEAD", names)) == expected
    assert list(git.read_many("HEAD", reversed(names))) == expected[::-1]
    assert sorted(git.list_files("HEAD")) == sorted(names)


def test_what_is_no_file_reads_as_nothing(repo, git):
    repo.write("folder/x", "")
    repo.git("add", ".")
    repo.git("update-index", "--add", "--cacheinfo", f"160000,{'1' * 40},sub")
    repo.git("commit", "--quiet", "-m", "sub")
    assert [content for _, content in git.read_many("HEAD", ["folder", "sub", "no", "../a.txt", "folder/x"])] == [
        None,
        None,
        None,
        None,
        b"",
    ]


def test_a_link_reads_as_the_text_of_its_target_and_is_never_followed(repo, git):
    repo.link("link", "/etc/hostname")
    repo.link("folder", "..")
    repo.commit()
    assert git.read("HEAD", "link") == b"/etc/hostname"
    assert git.read("HEAD", "folder/repo/a.txt") is None
    assert git.entries("HEAD")["link"].mode == "120000"


def test_a_file_over_the_limit_reads_as_nothing_and_the_next_one_is_right(repo, git):
    repo.write("big", b"x" * 3_000_000)
    repo.write("small", "1")
    repo.commit()
    assert list(git.read_many("HEAD", ["big", "small"], limit=1)) == [("big", None), ("small", b"1")]
    assert len(git.read("HEAD", "big", limit=3_000_000)) == 3_000_000


def test_reading_may_stop_half_way(repo, git):
    reading = git.read_many("HEAD", ["a.txt", "a.txt"])
    assert next(reading) == ("a.txt", b"2\n")
    reading.close()
    assert git.read("HEAD", "a.txt") == b"2\n"


def test_an_object_that_a_partial_clone_lacks_is_an_error_and_is_not_fetched(repo, git):
    blob = repo.git("rev-parse", "HEAD:a.txt")
    (repo.path / ".git/objects" / blob[:2] / blob[2:]).unlink()
    for action in (lambda: git.read("HEAD", "a.txt"), lambda: git.change("HEAD~1", "HEAD")):
        with pytest.raises(GitError) as caught:
            action()
        assert "filter" in caught.value.remedy


def test_attributes_come_from_the_commit_asked_and_from_nowhere_else(repo, git):
    repo.write(
        ".gitattributes", "*.gen linguist-generated\n*.bin binary\n[attr]made linguist-generated=true\n/z/* made\n"
    )
    repo.write("deep/.gitattributes", "*.gen -linguist-generated\n")
    base = repo.commit()
    repo.write(".gitattributes", "* linguist-generated binary\n")
    repo.commit()
    repo.write(".gitattributes", "* linguist-vendored\n")
    repo.write(".git/info/attributes", "* linguist-vendored\n")
    paths = ["a.gen", "deep/a.gen", "x.bin", "a.txt", "z/q", "new\n.gen", "../x", "/etc/x", ""]
    names = ["linguist-generated", "linguist-vendored", "binary"]
    assert git.attributes(paths, names, base) == {
        "a.gen": {"linguist-generated": "set"},
        "deep/a.gen": {"linguist-generated": "unset"},
        "x.bin": {"binary": "set"},
        "a.txt": {},
        "z/q": {"linguist-generated": "true"},
        "new\n.gen": {"linguist-generated": "set"},
        "../x": {},
        "/etc/x": {},
        "": {},
    }
    assert git.attributes(["a.gen"], names, git.empty_tree()) == {"a.gen": {}}


# ------------------------------------------------------------------------------------------------ hostile repositories

OUTPUT_CONFIG = {
    "diff.noprefix": "true",
    "diff.mnemonicPrefix": "true",
    "diff.algorithm": "patience",
    "diff.context": "0",
    "diff.interHunkContext": "50",
    "diff.renames": "false",
    "diff.ignoreSubmodules": "all",
    "diff.orderFile": "order",
    "diff.wsErrorHighlight": "all",
    "diff.suppressBlankEmpty": "true",
    "diff.relative": "true",
    "diff.submodule": "log",
    "diff.colorMoved": "zebra",
    "diff.indentHeuristic": "false",
    "diff.wordRegex": ".",
    "color.ui": "always",
    "color.diff": "always",
    "core.quotePath": "false",
    "core.abbrev": "4",
    "core.bigFileThreshold": "1",
    "core.precomposeUnicode": "true",
    "log.showSignature": "true",
    "submodule.recurse": "true",
    "i18n.logOutputEncoding": "utf-16",
}


@pytest.fixture
def odd(repo):
    """A commit that a repository's configuration could show in many ways."""
    lines = [f"line {n}\n" for n in range(60)]
    repo.write("ünï.txt", "".join(lines))
    repo.write("moved.txt", "".join(lines).replace("line", "moved"))
    repo.write("sub/x", "1\n \n")
    repo.commit()
    lines[5], lines[30] = "five\n", "thirty  \n"
    repo.write("ünï.txt", "".join(lines))
    (repo.path / "moved.txt").rename(repo.path / "there.txt")
    repo.write("sub/x", "1\n\n2\n")
    repo.commit()
    return repo


def test_no_configuration_of_the_repository_changes_what_is_read(odd):
    with open_repository(odd.path) as git:
        plain = git.change("HEAD~1", "HEAD")
    odd.write("order", "sub/x\n")
    odd.write("more", "[diff]\n\tnoprefix = true\n")
    for key, value in {**OUTPUT_CONFIG, "include.path": "../more", "includeIf.gitdir:**.path": "../more"}.items():
        odd.git("config", key, value)
    odd.write(".git/info/attributes", "* binary\n")
    odd.git("replace", "HEAD~1", "HEAD~2")
    assert {f.status for f in plain.files} == {FileStatus.MODIFIED, FileStatus.RENAMED}
    for start in (odd.path, odd.path / "sub"):
        with open_repository(start) as git:
            assert git.change("HEAD~1", "HEAD") == plain
            assert git.default_range() == (plain.base, plain.head)


def trap(repo, canaries):
    """Set every trap known: programs that git would start for the repository, each leaving a canary behind."""
    canaries.mkdir()

    def program(name):
        path = repo.write(f".git/traps/{name}", f"#!/bin/sh\ntouch {canaries}/{name}\n", executable=True)
        return str(path)

    for hook in ("post-index-change", "pre-commit", "post-checkout", "reference-transaction", "fsmonitor-watchman"):
        repo.write(f".git/hooks/{hook}", f"#!/bin/sh\ntouch {canaries}/{hook}\n", executable=True)
    for key in (
        *("core.fsmonitor", "core.pager", "core.editor", "core.sshCommand", "core.gitProxy", "core.askPass"),
        *("core.alternateRefsCommand", "diff.external", "diff.evil.command", "diff.evil.textconv", "pager.diff"),
        *("filter.evil.clean", "filter.evil.smudge", "filter.evil.process", "gpg.program", "credential.helper"),
        *("merge.evil.driver", "interactive.diffFilter", "uploadpack.packObjectsHook", "remote.origin.uploadpack"),
    ):
        repo.git("config", key, program(key))
    for command in (
        "diff-tree",
        "rev-parse",
        "cat-file",
        "ls-tree",
        "check-attr",
        "config",
        "merge-base",
        "write-tree",
    ):
        repo.git("config", f"alias.{command}", "!" + program(f"alias.{command}"))
    # A partial clone that fetches what it lacks, over a transport that is a program.
    repo.git("config", "core.repositoryFormatVersion", "1")
    repo.git("config", "extensions.partialClone", "origin")
    repo.git("config", "remote.origin.url", f"ext::{program('transport')}")
    repo.git("config", "remote.origin.promisor", "true")
    repo.git("config", "protocol.ext.allow", "always")
    repo.write(".gitattributes", "* diff=evil filter=evil merge=evil\n")
    repo.write(".git/info/attributes", "* diff=evil filter=evil merge=evil\n")


def spring(repo, *args):
    """Run git as a user would, without any care."""
    subprocess.run(
        ["git", "-c", "filter.evil.process=", *args],  # the other filters only run without it
        cwd=repo.path,
        env={**ENVIRON, "HOME": str(repo.path)},
        check=False,
        timeout=30,
        stdin=subprocess.DEVNULL,
        capture_output=True,
    )


def test_nothing_that_a_repository_names_is_started(odd, tmp_path):
    canaries = tmp_path / "canaries"
    trap(odd, canaries)
    missing = "1" * 40
    with open_repository(odd.path) as git:
        git.change(*git.default_range())
        git.staged_change()
        git.default_branch()
        git.remote_url()
        git.is_shallow()
        list(git.read_many("HEAD", git.list_files("HEAD")))
        git.attributes(git.list_files("HEAD"), ["diff", "filter", "linguist-generated"], "HEAD")
        for rev in (missing, missing[:12], f"{missing}^", "HEAD:nope"):
            with pytest.raises(GitError):
                git.resolve(rev)
        blob = odd.git("rev-parse", "HEAD:a.txt")
        (odd.path / ".git/objects" / blob[:2] / blob[2:]).unlink()
        with pytest.raises(GitError):
            git.read("HEAD", "a.txt")
    assert list(canaries.iterdir()) == []


def test_the_traps_would_have_worked(odd, tmp_path):
    canaries = tmp_path / "canaries"
    trap(odd, canaries)
    spring(odd, "diff", "HEAD~1", "HEAD")
    spring(odd, "-c", "diff.external=", "log", "-p", "--textconv", "--no-ext-diff")
    spring(odd, "status")
    spring(odd, "add", ".")
    spring(odd, "cat-file", "-e", "1" * 40)
    assert {"diff.evil.command", "diff.evil.textconv", "core.fsmonitor", "transport"} <= {
        path.name for path in canaries.iterdir()
    }


def test_the_environment_of_the_caller_does_not_steer_git(odd, tmp_path):
    with open_repository(odd.path) as git:
        plain = git.change("HEAD~1", "HEAD")
    canary = tmp_path / "canary"
    hostile = {
        "GIT_DIR": "/nowhere",
        "GIT_EXTERNAL_DIFF": f"touch {canary}",
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": "diff.noprefix",
        "GIT_CONFIG_VALUE_0": "true",
        "GIT_TRACE": str(canary),
        "GIT_DIFF_OPTS": "--unified=0",
        "GIT_EXEC_PATH": "/nowhere",
        "LD_PRELOAD": "/nowhere",
    }
    with open_repository(odd.path, **hostile) as git:
        assert git.change("HEAD~1", "HEAD") == plain
    assert not canary.exists()


def test_nothing_is_written_to_the_repository(odd):
    def snapshot():
        return {path: (path.lstat().st_mtime_ns, path.lstat().st_size) for path in odd.path.rglob("*")}

    before = snapshot()
    with open_repository(odd.path) as git:
        git.change(*git.default_range())
        git.staged_change()
        git.attributes(["a.txt"], ["binary"], "HEAD")
    assert snapshot() == before


def test_the_commits_of_a_change_stand_latest_first_without_its_ends(repo, git):
    base = git.resolve("HEAD")
    commits = [repo.commit(f"commit {number}") for number in range(5)]
    assert git.commits_between(base, commits[-1], 3) == (commits[3], commits[2], commits[1])
    assert git.commits_between(commits[3], commits[4], 3) == ()
    assert git.commits_between(commits[4], commits[4], 3) == ()


def test_reading_many_files_starts_one_process(repo, git):
    for number in range(30):
        repo.write(f"f{number}", str(number))
    repo.commit()
    started = []
    git.entries("HEAD")
    files = git.list_files("HEAD")

    def note(event, args):
        if event == "subprocess.Popen" and started is not None:
            started.append(args[1])

    sys.addaudithook(note)
    assert len(list(git.read_many("HEAD", files))) == 31
    assert sum("cat-file" in command for command in started) == 1
