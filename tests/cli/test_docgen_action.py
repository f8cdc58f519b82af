"""Docgen as a mode of the Action: from git objects to the rolling pull request, against a GitHub with real git."""

import json
import subprocess

import pytest

from github_server import FORBIDDEN, Fault, GitHubServer
from tta_orchestrate.cli.modes import configure, run_mode
from tta_orchestrate.cli.request import RunRequest
from tta_orchestrate.github.api import GitHub, Time

SOURCE = '"""Core."""\n\n\ndef one(a: int) -> int:\n    """Do one thing."""\n    return a\n'
PAGE = "docs/tta/pages/pkg___core.md"


class Project:
    """A clone, its GitHub (the same object store, as with ``fetch-depth: 0``), and runs of the step's mode."""

    def __init__(self, folder):
        self.folder = folder / "clone"
        self.folder.mkdir()
        self.server = GitHubServer(git_dir=self.folder / ".git")
        self.git("init", "--quiet", "--initial-branch", "main")
        self.seconds = 0.0
        self.output = folder / "out"

    def git(self, *args):
        words = ["git", "-c", "user.name=dev", "-c", "user.email=dev@localhost", *args]
        return subprocess.run(words, cwd=self.folder, check=True, capture_output=True, text=True).stdout.strip()

    def commit(self, files):
        for name, text in files.items():
            path = self.folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        self.git("add", "-A")
        self.git("commit", "--quiet", "--allow-empty", "--message", "work")
        return self.git("rev-parse", "HEAD")

    def configure(self, **section):
        return self.commit({".tta/orchestration-config.yaml": json.dumps({"orchestration": {"docgen": section}})})

    def run(self, event="schedule", *, trusted=True, **environ):
        head = self.git("rev-parse", "main")
        facts = {
            "GITHUB_EVENT_NAME": event,
            "GITHUB_REF": "refs/heads/main",
            "GITHUB_SHA": head,
            "PATH": "/usr/bin:/bin",
        }
        clock = Time(monotonic=lambda: self.seconds, wait=self._wait)
        api = GitHub("o/r", "t0ken", transport=self.server.transport(), clock=clock, patience=3600)
        request = RunRequest(
            mode="docgen", workspace=self.folder, objects=self.folder, output=self.output, config="", base="", head=head,
            paths=(), fail_on=None, budget_usd=None, trusted=trusted, title="", repository="o/r",
            server_url="https://github.com", environ=facts | environ, api=api,
        )  # fmt: skip
        report = run_mode(request, configure(request))
        assert self.server.violations == []
        return report

    def _wait(self, seconds):
        self.seconds += seconds

    def show(self, rev, path=PAGE):
        return self.git("show", f"{rev}:{path}")

    def writes(self):
        return [entry for entry in self.server.log if entry[0] != "GET"]


@pytest.fixture
def project(tmp_path):
    made = Project(tmp_path)
    made.configure(publish="pull-request")
    made.commit({"pkg/core.py": SOURCE})
    return made


def test_by_default_there_is_only_a_patch_and_it_applies(project):
    project.configure()
    report = project.run()
    assert report.verdict.outcome == "clean"
    assert project.server.log == []
    subprocess.run(["git", "apply", "--check", "-"], input=report.patch, text=True, cwd=project.folder, check=True)


def test_one_pull_request_is_opened_updated_in_place_and_left_alone_when_nothing_changed(project):
    first = project.run()
    assert first.extra["published"]["step"] == "open"
    assert "Do one thing." in project.show("tta/docs")
    writes = project.writes()
    again = project.run("workflow_dispatch")
    assert again.extra["published"]["step"] == "nothing"
    assert again.patch == ""
    assert project.writes() == writes
    project.commit({"pkg/core.py": SOURCE.replace("a: int", "b: int").replace("return a", "return b")})
    third = project.run()
    assert third.extra["published"] == {**first.extra["published"], "step": "update"}
    assert len(project.server.pulls) == 1
    assert "b: int" in project.show("tta/docs")


def test_breaking_changes_stand_in_the_request_and_in_the_summary(project):
    project.run()
    project.git("merge", "--quiet", "--ff-only", "tta/docs")
    project.server.pulls[1]["state"] = "closed"
    project.commit({"pkg/core.py": SOURCE.replace("a: int", "b: int").replace("return a", "return b")})
    report = project.run()
    assert [(one["path"], one["symbol"]) for one in report.extra["api_breakage"]] == [("pkg/core.py", "one")] * 2
    assert any("API breakage: pkg/core.py one" in notice for notice in report.notices)
    assert "## API breakage" in project.server.pulls[2]["body"]


def test_what_people_changed_on_the_branch_survives(project):
    project.run()
    project.git("checkout", "--quiet", "tta/docs")
    edited = project.show("tta/docs").replace("Do one thing.", "Do one thing, well said.")
    project.commit({PAGE: edited})
    project.git("checkout", "--quiet", "main")
    project.commit({"pkg/core.py": SOURCE.replace("return a", "return a + 1"), "pkg/two.py": "def two():\n    pass\n"})
    assert project.run().extra["published"]["step"] == "update"
    assert "Do one thing, well said." in project.show("tta/docs")
    assert "two" in project.show("tta/docs", "docs/tta/pages/pkg___two.md")


def test_a_branch_of_others_that_is_not_in_the_clone_is_left_alone(project, tmp_path):
    project.run()
    project.git("checkout", "--quiet", "tta/docs")
    project.commit({PAGE: "- mine\n"})
    project.git("checkout", "--quiet", "main")
    project.commit({"pkg/two.py": "def two():\n    pass\n"})
    away = tmp_path / "origin.git"
    project.git("clone", "--quiet", "--mirror", str(project.folder), str(away))
    project.server.git_dir = away
    project.git("branch", "--quiet", "-D", "tta/docs")
    project.git("reflog", "expire", "--expire=now", "--all")
    project.git("gc", "--quiet", "--prune=now")
    report = project.run()
    assert report.extra["published"]["step"] == "patch"
    assert any("left alone" in notice for notice in report.notices)
    assert "pkg___two" in report.patch


def test_a_repository_that_forbids_requests_gets_help_and_the_same_outcome(project):
    words = {"message": "GitHub Actions is not permitted to create or approve pull requests."}
    project.server.faults = [Fault(lambda method, path: (method, path[-6:]) == ("POST", "/pulls"), (403, {}, words))]
    report = project.run()
    assert report.verdict.outcome == "clean"
    assert report.patch
    assert any("Allow GitHub Actions to create and approve pull requests" in notice for notice in report.notices)
    assert project.run().extra["published"]["step"] == "open"


def test_a_token_that_may_nothing_leaves_the_patch(project):
    project.server.faults = [Fault(lambda method, path: True, FORBIDDEN, times=99)]
    report = project.run()
    assert report.verdict.outcome == "clean"
    assert report.patch
    assert project.server.pulls == {}


def test_a_push_goes_to_the_branch_itself_and_the_next_run_is_quiet(project):
    project.configure(publish="push", branch="main")
    assert project.run("push").extra["published"]["step"] == "push"
    assert "Do one thing." in project.show("main")
    before = project.git("rev-parse", "main")
    assert project.run().extra["published"]["step"] == "nothing"
    assert project.git("rev-parse", "main") == before


def test_on_a_pull_request_drift_is_found_and_nothing_is_written(project):
    project.configure(publish="push", branch="main")
    project.run("push")
    project.git("reset", "--quiet", "--hard", "main")
    project.commit({"pkg/core.py": SOURCE.replace("return a", "return a + 1")})
    writes = project.writes()
    report = project.run("pull_request")
    assert [(one.rule, one.path, one.start_line) for one in report.findings] == [("docgen/stale", "pkg/core.py", 4)]
    assert project.writes() == writes
    assert project.run("workflow_dispatch", trusted=False).findings == report.findings


def test_the_work_tree_has_no_say(project):
    (project.folder / "pkg" / "core.py").write_text("raise SystemExit\n")
    (project.folder / "pkg" / "new.py").write_text("x = 1\n")
    project.run()
    assert "Do one thing." in project.show("tta/docs")
    assert "pkg___new" not in project.git("ls-tree", "-r", "--name-only", "tta/docs")


@pytest.mark.parametrize("environ", [{"GITHUB_REF": "refs/tags/v1"}, {"GITHUB_SHA": "0" * 40}])
def test_only_the_tip_of_a_branch_is_published(project, environ):
    report = project.run(**environ)
    assert project.server.log == []
    assert any("tip of a branch" in notice for notice in report.notices)
