"""Delivery from a second job: a GitHub with real git behind it, and an artifact that nobody trusts."""

import json
import os
import subprocess

import pytest

from github_server import FORBIDDEN, Fault, GitHubServer
from tta_orchestrate.cli.deliver import TRAILER, Form, deliver_tests
from tta_orchestrate.errors import ConfigError, GitHubError, PatchRefusedError, PublishForbiddenError, UsageError
from tta_orchestrate.github.api import GitHub, Time
from tta_orchestrate.modes.test_gen.patch import patch_of

NEW = "# tta-orchestrate: generated\nfrom shop import price\n\n\ndef test_price():\n    assert price(1) == 1\n"
PATH = "tests/test_shop_characterisation.py"


class Job:
    """The second job of a workflow on pull request 7; its repository is served over the loopback."""

    def __init__(self, folder):
        self.folder, self.report = folder / "clone", folder / "report"
        self.folder.mkdir()
        self.report.mkdir()
        self.git("init", "--quiet", "--initial-branch", "main")
        self.base = self.commit({"shop.py": "", "tests/test_shop.py": ""})
        self.git("checkout", "--quiet", "-b", "topic")
        self.head = self.commit({"shop.py": "def price(net):\n    return net\n"})
        origin = folder / "server" / "o" / "r"
        self.git("clone", "--quiet", "--mirror", str(self.folder), str(origin))
        self.folder = origin
        self.server = GitHubServer(git_dir=origin, repositories=folder / "server")
        self.server.pulls[7] = self.pull()
        self.seconds = 0.0
        self.write_report()

    def git(self, *args):
        words = ["git", "-c", "user.name=dev", "-c", "user.email=dev@localhost", *args]
        return subprocess.run(words, cwd=self.folder, check=True, capture_output=True, text=True).stdout.strip()

    def commit(self, files):
        for name, text in files.items():
            (self.folder / name).parent.mkdir(parents=True, exist_ok=True)
            (self.folder / name).write_text(text)
        self.git("add", "-A")
        self.git("commit", "--quiet", "--message", "work")
        return self.git("rev-parse", "HEAD")

    def pull(self, head_repo="o/r", **changes):
        def end(sha, ref, name):
            return {"sha": sha, "ref": ref, "label": f"o:{ref}", "repo": {"full_name": name}}

        ends = {"base": end(self.base, "main", "o/r"), "head": end(self.head, "topic", head_repo)}
        return {"number": 7, "state": "open", "user": {"login": "dev"}, **ends, **changes}

    def write_report(self, files=None, **subject):
        files = {PATH: (None, NEW)} if files is None else files
        told = {"mode": "test-gen", "subject": {"base": self.base, "head": self.head} | subject}
        (self.report / "findings.json").write_text(json.dumps(told))
        (self.report / "changes.patch").write_text(patch_of(files))

    def run(self, form, event="pull_request", payload=None, **environ):
        event_file = self.report.parent / "event.json"
        event_file.write_text(
            json.dumps({"action": "labeled", "pull_request": self.pull()} if payload is None else payload)
        )
        clock = Time(monotonic=lambda: self.seconds, wait=self._wait)
        api = GitHub("o/r", "t0ken", transport=self.server.transport(), clock=clock, patience=3600)
        facts = {
            "GITHUB_EVENT_NAME": event, "GITHUB_EVENT_PATH": str(event_file), "GITHUB_REPOSITORY": "o/r",
            "GITHUB_SERVER_URL": self.url, "GITHUB_SHA": self.head, "PATH": os.environ["PATH"],
        }  # fmt: skip
        try:
            return deliver_tests(self.report, form, api, facts | environ)
        finally:
            assert self.server.violations == []

    def _wait(self, seconds):
        self.seconds += seconds

    def writes(self):
        return [entry for entry in self.server.log if entry[0] != "GET"]

    def changed(self, old, new):
        return self.git("diff", "--raw", "--no-abbrev", old, new).splitlines()


@pytest.fixture
def job(tmp_path):
    job = Job(tmp_path)
    with job.server.serve() as api_url:
        job.url = api_url.removesuffix("/api/v3")
        yield job


def test_a_commit_lands_on_the_branch_and_holds_nothing_but_the_tests(job):
    said = job.run(Form.COMMIT)
    tip = job.git("rev-parse", "topic")
    assert said == f"delivered 1 file(s) as commit {tip} on the pull request's branch"
    assert job.git("rev-parse", "topic^") == job.head
    (line,) = job.changed(job.head, "topic")
    assert line.startswith(":000000 100644 ")
    assert line.endswith(f"A\t{PATH}")
    assert job.git("cat-file", "blob", f"topic:{PATH}") == NEW.strip()
    assert job.git("show", "-s", "--format=%B", "topic").endswith(TRAILER)


def test_one_pull_request_is_opened_and_then_kept_up_to_date(job):
    job.run(Form.PULL_REQUEST)
    (pull,) = [one for number, one in job.server.pulls.items() if number != 7]
    assert (pull["head"]["ref"], pull["base"]["ref"]) == ("tta/tests-7", "topic")
    assert f"- `{PATH}`" in pull["body"]
    assert job.git("rev-parse", "topic") == job.head
    job.write_report({PATH: (None, NEW), "tests/test_more.py": (None, NEW)})
    job.run(Form.PULL_REQUEST)
    assert len(job.server.pulls) == 2
    assert "test_more" in job.server.pulls[8]["body"]
    assert job.git("rev-parse", "tta/tests-7^") == job.head
    assert len(job.changed(job.head, "tta/tests-7")) == 2


def test_a_schedule_gets_a_pull_request_to_its_branch(job):
    job.head = job.base
    job.write_report()
    job.run(Form.PULL_REQUEST, "schedule", {}, GITHUB_REF="refs/heads/main")
    assert (job.server.pulls[8]["head"]["ref"], job.server.pulls[8]["base"]["ref"]) == ("tta/tests", "main")
    with pytest.raises(UsageError, match="--as commit"):
        job.run(Form.COMMIT, "schedule", {}, GITHUB_REF="refs/heads/main")


def refused(job, why, error=PatchRefusedError, form=Form.COMMIT, **given):
    with pytest.raises(error, match=why) as caught:
        job.run(form, **given)
    assert job.writes() == []
    return caught.value


def test_without_a_patch_there_is_nothing_to_do(job):
    (job.report / "changes.patch").unlink()
    assert job.run(Form.COMMIT).startswith("nothing to deliver")
    assert job.server.log == []


def test_a_patch_for_another_commit_is_stale_and_the_remedy_named(job):
    job.write_report(head=job.base)
    assert "run test-gen again" in refused(job, "not made for the commit").remedy
    job.write_report()
    job.server.pulls[7]["head"]["sha"] = job.base
    refused(job, "not made for the commit")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        '{"mode": "review", "subject": {"head": "HEAD"}}',
        "[" * 100_000,
        '{"mode": "test-gen", "subject": {"head": 7}}',
    ],
)
def test_an_artifact_that_does_not_say_what_it_was_made_for_is_refused(job, text):
    (job.report / "findings.json").write_text(text.replace("HEAD", job.head))
    refused(job, "not made for the commit")


def test_a_branch_that_moves_meanwhile_is_not_overwritten(job):
    def moves(method, path):
        if method == "POST" and path.endswith("/git/commits"):
            theirs = job.git("commit-tree", f"{job.head}^{{tree}}", "-p", job.head, "-m", "theirs")
            job.git("update-ref", "refs/heads/topic", theirs)
        return False

    job.server.faults = [Fault(moves)]
    with pytest.raises(GitHubError, match="moved meanwhile"):
        job.run(Form.COMMIT)
    assert job.git("show", "-s", "--format=%s", "topic") == "theirs"


def test_a_fork_is_refused_whatever_the_event_says(job):
    refused(job, "from outside", payload={"pull_request": job.pull(head_repo="stranger/r")})
    job.server.pulls[7] = job.pull(head_repo="stranger/r")
    refused(job, "comes from a fork")
    job.server.pulls[7] = job.pull(state="closed")
    refused(job, "is closed")
    for event in ("pull_request_target", "workflow_run", "issue_comment"):
        refused(job, "on behalf of strangers", error=ConfigError, event=event)


def test_an_artifact_made_of_links_is_not_followed(job):
    secret = job.report.parent / "secret"
    secret.write_text(patch_of({PATH: (None, NEW)}))
    (job.report / "changes.patch").unlink()
    (job.report / "changes.patch").symlink_to(secret)
    refused(job, "cannot be read")
    (job.report / "changes.patch").unlink()
    os.mkfifo(job.report / "changes.patch")
    refused(job, "no plain file")


def test_what_is_no_test_changes_nothing(job):
    job.write_report({PATH: (None, NEW), ".github/workflows/x.yml": (None, "on: push\n")})
    refused(job, "path is not plain")
    job.write_report({"shop.py": ("def price(net):\n    return net\n", "import os\n")})
    refused(job, "no test's", form=Form.PULL_REQUEST)


def test_folders_are_configured_by_the_base_and_not_by_the_change(job):
    config = "orchestration:\n  test_gen:\n    delivery_folders: [%s]\n"
    blob = subprocess.run(["git", "hash-object", "-w", "--stdin"], input=(config % "anywhere").encode(), cwd=job.folder,
                          check=True, capture_output=True).stdout.decode().strip()  # fmt: skip
    sub = subprocess.run(["git", "mktree"], input=f"100644 blob {blob}\torchestration-config.yaml\n".encode(), cwd=job.folder,
                         check=True, capture_output=True).stdout.decode().strip()  # fmt: skip
    listing = job.git("ls-tree", job.head) + f"\n040000 tree {sub}\t.tta\n"
    tree = subprocess.run(["git", "mktree"], input=listing.encode(), cwd=job.folder, check=True,
                          capture_output=True).stdout.decode().strip()  # fmt: skip
    job.head = job.git("commit-tree", tree, "-p", job.head, "-m", "configure")
    job.git("update-ref", "refs/heads/topic", job.head)
    job.server.pulls[7] = job.pull()
    job.write_report({"anywhere/test_x.py": (None, NEW)})
    refused(job, "folder is none for tests")
    job.base = job.head
    job.server.pulls[7] = job.pull()
    job.run(Form.COMMIT)
    assert job.git("cat-file", "-t", "topic:anywhere/test_x.py") == "blob"


def test_a_branch_with_commits_of_people_is_left_alone(job):
    job.run(Form.PULL_REQUEST)
    theirs = job.git("commit-tree", "tta/tests-7^{tree}", "-p", "tta/tests-7", "-m", "by hand")
    job.git("update-ref", "refs/heads/tta/tests-7", theirs)
    with pytest.raises(PatchRefusedError, match="commits of others"):
        job.run(Form.PULL_REQUEST)
    assert job.git("rev-parse", "tta/tests-7") == theirs


def test_a_token_that_may_not_write_is_told_what_it_lacks(job):
    job.server.faults = [Fault(lambda method, path: method != "GET", FORBIDDEN, times=9)]
    with pytest.raises(PublishForbiddenError) as caught:
        job.run(Form.COMMIT)
    assert "contents: write" in caught.value.remedy
