"""Branches and the rolling pull request: real git behind a GitHub that holds its own contract."""

import subprocess

import pytest

from github_server import FORBIDDEN, Fault
from tta_orchestrate.errors import GitHubError, PublishForbiddenError
from tta_orchestrate.github.publish.branches import TRAILER, Branches

PAGES = {"docs/a.md": "- a\n", "docs/b/ü.md": "- b\r\n"}


@pytest.fixture
def base(server, tmp_path):
    server.git_dir = tmp_path / "origin.git"
    subprocess.run(["git", "init", "--quiet", "--bare", "--initial-branch", "main", server.git_dir], check=True)
    blob = server.git("hash-object", "-w", "--stdin", data=b"x = 1\n")
    tree = server.git("mktree", data=f"100644 blob {blob}\tx.py\n".encode())
    commit = server.git("commit-tree", tree, data=b"base")
    server.git("update-ref", "refs/heads/main", commit)
    return commit


@pytest.fixture
def hub(api):
    return Branches(api)


def files(server, rev):
    return set(server.git("ls-tree", "-r", "-z", "--name-only", rev).split("\0")) - {""}


def test_a_branch_with_one_commit_and_one_pull_request(server, hub, base):
    made = hub.commit("tta/docs", base, PAGES, "docs", on_top=False)
    assert server.git("rev-parse", "tta/docs") == hub.tip("tta/docs") == made
    assert server.git("rev-parse", "tta/docs^") == base
    assert files(server, made) == {"x.py", *PAGES}
    assert server.git("cat-file", "-p", f"{made}:docs/a.md") == "- a"
    assert server.git("show", "-s", "--format=%B", made).endswith(TRAILER)
    assert hub.find_open("tta/docs") is None
    opened = hub.open("tta/docs", "main", "T", "B")
    assert hub.find_open("tta/docs") == opened
    hub.update(opened.number, "T", "other")
    assert hub.find_open("tta/docs").body == "other"


def test_the_same_files_again_make_no_commit(server, hub, base):
    made = hub.commit("tta/docs", base, PAGES, "docs", on_top=False)
    writes = [entry for entry in server.log if entry[0] != "GET"]
    assert hub.commit("tta/docs", base, PAGES, "docs", on_top=False) == made
    assert [entry for entry in server.log if entry[0] != "GET"] == [*writes, ("POST", "/repos/o/r/git/trees")]


def test_our_old_commit_is_replaced_and_one_of_others_is_told_from_it(server, hub, base):
    hub.commit("tta/docs", base, PAGES, "docs", on_top=False)
    assert not hub.has_foreign_commits("tta/docs", base)
    second = hub.commit("tta/docs", base, {"docs/a.md": "- new\n"}, "docs", on_top=False)
    assert server.git("rev-parse", f"{second}^") == base
    theirs = server.git("commit-tree", f"{second}^{{tree}}", "-p", second, data=b"by hand")
    server.git("update-ref", "refs/heads/tta/docs", theirs)
    assert hub.has_foreign_commits("tta/docs", base)
    third = hub.commit("tta/docs", theirs, {"docs/a.md": None}, "docs", on_top=True)
    assert server.git("rev-parse", f"{third}^") == theirs
    assert files(server, third) == {"x.py"}


def test_many_files_are_spread_over_several_trees(server, hub, base):
    made = hub.commit("tta/docs", base, {f"docs/{n}.md": f"- {n}\n" for n in range(205)}, "docs", on_top=False)
    assert len(files(server, made)) == 206
    assert [path for _, path in server.log].count("/repos/o/r/git/trees") == 2


def test_what_actions_may_not_do_is_told_with_the_setting_that_allows_it(server, hub, base):
    hub.commit("tta/docs", base, PAGES, "docs", on_top=False)
    words = {"message": "GitHub Actions is not permitted to create or approve pull requests."}
    server.faults = [Fault(lambda method, path: path.endswith("/pulls") and method == "POST", (403, {}, words))]
    with pytest.raises(PublishForbiddenError) as caught:
        hub.open("tta/docs", "main", "T", "B")
    assert "Allow GitHub Actions to create and approve pull requests" in caught.value.remedy
    server.faults = [Fault(lambda method, path: path.endswith("/git/trees"), FORBIDDEN)]
    with pytest.raises(PublishForbiddenError) as caught:
        hub.commit("tta/docs", base, {"docs/a.md": "- c\n"}, "docs", on_top=False)
    assert "contents: write" in caught.value.remedy


def test_a_lost_answer_never_doubles_anything(server, hub, base):
    server.faults = [
        Fault(lambda method, path: method == "POST" and path.endswith(("/git/refs", "/pulls")), done=True, times=2)
    ]
    made = hub.commit("tta/docs", base, PAGES, "docs", on_top=False)
    assert hub.tip("tta/docs") == made
    assert hub.open("tta/docs", "main", "T", "B").number == 1
    assert len(server.pulls) == 1


def test_a_branch_that_moved_meanwhile_is_not_overwritten(server, hub, base):
    read = hub.commit("docs", base, PAGES, "docs", on_top=False)
    theirs = server.git("commit-tree", f"{base}^{{tree}}", "-p", read, data=b"by hand")
    server.git("update-ref", "refs/heads/docs", theirs)
    with pytest.raises(GitHubError, match="moved meanwhile"):
        hub.commit("docs", read, {"docs/a.md": "- c\n"}, "docs", on_top=True)
    assert hub.tip("docs") == theirs
