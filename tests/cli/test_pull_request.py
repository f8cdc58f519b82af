"""A pull request reviewed from a command line: by git, by the API, and shown there when asked."""

import os

import pytest

from github_server import FORBIDDEN, Fault, GitHubServer
from repos import make_repo
from tta_orchestrate.cli.pull_request import review_pull_request
from tta_orchestrate.domain.outcome import Outcome
from tta_orchestrate.errors import UsageError

BEFORE = "def f(a):\n    return a\n"
AFTER = "def f(a=[]):\n    try:\n        return a\n    except:\n        return None\n"


class Remote:
    def __init__(self, folder):
        self.server = GitHubServer()
        repo = make_repo(folder / "work")
        repo.write("shop.py", BEFORE)
        self.base = repo.commit()
        repo.write("shop.py", AFTER)
        self.head = repo.commit()
        repo.git("update-ref", "refs/pull/7/head", self.head)
        self.server.repositories = folder / "server"
        repo.git("clone", "--quiet", "--mirror", repo.path, folder / "server" / "o" / "r")
        ends = {side: {"sha": sha, "ref": side, "label": side, "repo": {"full_name": "o/r"}}
                for side, sha in (("base", self.base), ("head", self.head))}  # fmt: skip
        self.server.pulls[7] = {"number": 7, "title": "T", "changed_files": 1, **ends}
        self.patch = repo.git("diff", self.base, self.head).split("+++ b/shop.py\n")[1]
        self.server.files[7] = [
            {
                "filename": "shop.py",
                "status": "modified",
                "patch": self.patch,
                "sha": "1" * 40,
                "additions": 4,
                "deletions": 1,
            }
        ]
        self.server.contents = {("shop.py", self.base): BEFORE.encode(), ("shop.py", self.head): AFTER.encode()}
        self.output = folder / "out"

    def review(self, **changes):
        environ = {
            "GITHUB_API_URL": self.api_url,
            "GITHUB_SERVER_URL": self.api_url.removesuffix("/api/v3"),
            "GITHUB_TOKEN": "t",
            "PATH": os.environ["PATH"],
        }
        return review_pull_request("o/r", 7, output=self.output, environ=environ, **changes)


@pytest.fixture
def remote(tmp_path):
    remote = Remote(tmp_path)
    with remote.server.serve() as api_url:
        remote.api_url = api_url
        yield remote
    assert remote.server.violations == []


def test_the_commits_come_by_git_and_nothing_is_posted(remote):
    report = remote.review()
    assert report.verdict.outcome is Outcome.FINDINGS
    assert {one.path for one in report.findings} == {"shop.py"}
    assert (report.subject.head, report.subject.title) == (remote.head, "T")
    assert {method for method, _ in remote.server.log} == {"GET"}


def test_posting_makes_a_check_run_once(remote):
    report = remote.review(post=True)
    remote.review(post=True)
    assert list(remote.server.check_runs) == [100]
    assert remote.server.check_runs[100]["head_sha"] == remote.head
    assert len(remote.server.annotations[100]) == len(report.findings) > 0


def test_a_token_that_may_not_write_checks_leaves_a_comment(remote):
    remote.server.faults = [
        Fault(lambda method, path: path.endswith("/check-runs") and method == "POST", FORBIDDEN, times=9)
    ]
    report = remote.review(post=True)
    assert "check run was not written" in report.notices[-1]
    assert len(remote.server.comments) == 1


def test_without_git_the_api_finds_the_same(remote):
    by_git = remote.review()
    remote.server.repositories = None
    by_api = remote.review()
    assert by_api.findings == by_git.findings
    assert by_api.verdict == by_git.verdict


def test_what_the_api_does_not_show_is_never_green(remote):
    remote.server.repositories = None
    remote.server.files[7].append(
        {"filename": "big.py", "status": "modified", "sha": "1" * 40, "additions": 9, "deletions": 0}
    )
    report = remote.review()
    assert report.verdict.outcome is Outcome.PARTIAL
    assert [one.path for one in report.failures] == ["big.py"]


@pytest.mark.parametrize("name", ["r", "o/r/x", "-o/r", "o/../r", ""])
def test_a_name_that_is_none_is_refused(name, tmp_path):
    with pytest.raises(UsageError):
        review_pull_request(name, 7, output=tmp_path, environ={})


def test_posting_needs_a_token(tmp_path):
    with pytest.raises(UsageError, match="token"):
        review_pull_request("o/r", 7, output=tmp_path, environ={}, post=True)
