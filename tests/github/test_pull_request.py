"""Commits that the checkout lacks are fetched by git, into a repository of our own."""

import base64
import subprocess

import pytest

from github_server import GitHubServer
from tta_orchestrate.errors import UnavailableError
from tta_orchestrate.github import pull_request
from tta_orchestrate.github.api import GitHub
from tta_orchestrate.github.pull_request import fetch_commits, fetch_pull_request, holds


def git(folder, *args):
    names = ["-c", "user.name=n", "-c", "user.email=e@localhost", "-c", "init.defaultBranch=main"]
    done = subprocess.run(["git", "-C", str(folder), *names, *args], check=True, capture_output=True, text=True)
    return done.stdout.strip()


@pytest.fixture
def project(tmp_path):
    """A server with a pull request of two commits onto a branch that went on."""
    work = tmp_path / "work"
    work.mkdir()
    git(work, "init", "--quiet")
    commits = {}
    for name in ("root", "base"):
        (work / "file").write_text(name)
        git(work, "add", "-A")
        git(work, "commit", "--quiet", "-m", name)
        commits[name] = git(work, "rev-parse", "HEAD")
    git(work, "checkout", "--quiet", "-b", "topic", commits["root"])
    for name in ("one", "head"):
        (work / "new").write_text(name)
        git(work, "add", "-A")
        git(work, "commit", "--quiet", "-m", name)
        commits[name] = git(work, "rev-parse", "HEAD")
    git(work, "update-ref", "refs/pull/7/head", commits["head"])
    server = GitHubServer()
    server.repositories = tmp_path / "server"
    git(work, "clone", "--quiet", "--mirror", str(work), str(tmp_path / "server" / "o" / "r"))
    ends = {
        side: {"sha": commits[side], "ref": side, "label": side, "repo": {"full_name": "o/r"}}
        for side in ("base", "head")
    }
    server.pulls[7] = {
        "number": 7,
        "title": "T",
        "base": ends["base"],
        "head": ends["head"],
    }
    with server.serve() as api_url:
        yield api_url, commits, work
    assert server.violations == []


def test_both_ends_and_their_history_are_there_afterwards(project, tmp_path):
    api_url, commits, _ = project
    api = GitHub("o/r", "t", api_url=api_url)
    url = api_url.removesuffix("/api/v3") + "/o/r"
    fetched = fetch_pull_request(api, 7, tmp_path / "scratch", url=url, token="t")
    api.close()
    assert (fetched.base, fetched.head, fetched.title) == (commits["base"], commits["head"], "T")
    assert holds(fetched.objects, commits["base"], commits["head"])
    assert git(fetched.objects, "show", f"{commits['head']}:new") == "head"


def test_what_the_checkout_has_is_borrowed_and_the_checkout_is_left_alone(project, tmp_path):
    api_url, commits, work = project
    before = sorted(str(path) for path in (work / ".git").rglob("*"))
    objects = fetch_commits(
        tmp_path / "scratch",
        url=api_url.removesuffix("/api/v3") + "/o/r",
        base=commits["base"],
        head=commits["head"],
        borrow=work,
    )
    assert holds(objects, commits["base"], commits["head"])
    assert sorted(str(path) for path in (work / ".git").rglob("*")) == before
    assert not list(objects.glob("objects/pack/*.pack"))


def test_a_commit_that_is_not_there_is_a_clear_error(project, tmp_path):
    api_url, commits, _ = project
    with pytest.raises(UnavailableError, match="git fetch failed"):
        fetch_commits(tmp_path / "s", url=api_url.removesuffix("/api/v3") + "/o/r", base="f" * 40, head=commits["head"])


def test_a_checkout_holds_what_it_holds(project, tmp_path):
    _, commits, work = project
    assert holds(work, commits["base"], commits["head"])
    assert holds(work, commits["head"])
    assert not holds(work, "f" * 40)
    assert not holds(tmp_path / "nowhere", commits["head"])


def test_the_token_goes_only_to_its_own_server_over_https_and_never_onto_a_command_line():
    environ = pull_request._Git(pull_request.Path("/"), token="t0ken", url="https://ghe.example/o/r")._environment
    values = [value for key, value in environ.items() if key.startswith("GIT_CONFIG_VALUE")]
    assert "Authorization: Basic " + base64.b64encode(b"x-access-token:t0ken").decode() in values
    assert "http.https://ghe.example/o/r.extraheader" in environ.values()
    plain = pull_request._Git(pull_request.Path("/"), token="t0ken", url="http://ghe.example/o/r")._environment
    assert not any("Authorization" in value for value in plain.values())
