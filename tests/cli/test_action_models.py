"""The step with models over many pushes: a real repository, the SDKs on the loopback, a GitHub that remembers."""

import io
import json

import pytest

from github_server import FORBIDDEN, Fault, GitHubServer
from reviews import Project
from scripted import FENCE, claim, verdict
from team import KEYS, settings
from tta_orchestrate.cli.action import Step, _program
from tta_orchestrate.github.api import GitHub, Time
from tta_orchestrate.github.runtime import Runtime
from tta_orchestrate.loopback.server import Loopback

LINE = "    return 2 / a"
BASE = "def half(a):\n    return a\n"
HEAD = f"def half(a):\n{LINE}\n"
PATCH = "@@ -1,2 +1,2 @@\n def half(a):\n-    return a\n+    return 2 / a"


def script(question):
    shown = {kind: text for _nonce, kind, text in FENCE.findall("\n".join(question.parts))}
    if "verdicts" in question.schema.get("properties", {}):
        return {"verdicts": [verdict(n) for n in range(1, shown["claims"].count("\nclaim ") + 1)]}
    wanted = "### app.py" in shown.get("change", "")
    return {"findings": [claim("app.py", 2, LINE, title="May divide by zero")] if wanted else []}


class Pull:
    """A pull request that is pushed to, and the Action that sees every event of it."""

    def __init__(self, folder, models, monkeypatch, *, comments=False):
        self.monkeypatch = monkeypatch  # inputs come by the runner's own convention: the process's environment
        self.folder, self.models, self.server = folder, models, GitHubServer()
        told = settings(models.url).model_dump(mode="json", include={"executors", "orchestrator", "fallback_strategy"})
        told["executors"] = told["executors"][1:]
        config = {"orchestration": told | {"run": {"comments": comments}}}
        files = {"app.py": BASE, ".tta/orchestration-config.yaml": json.dumps(config)}
        self.project = Project(folder / "repo", files, {"app.py": HEAD})
        self.base, self.head = self.project.commits
        self.server.files[7] = [{"filename": "app.py", "status": "modified", "patch": PATCH, "sha": "1" * 40}]
        self.runs = 0
        self.log = ""

    def push(self, files):
        before, self.head = self.head, self.project.push(files)
        return self.event("synchronize", before=before)

    def event(self, action, keys=KEYS, **payload):
        """Run the step on *action*; return what models were asked for, and the report."""
        repo = {"full_name": "o/r"}
        pull = {
            "number": 7, "title": "T", "draft": False, "labels": [], "user": {"login": "dev"},
            "base": {"sha": self.base, "repo": repo}, "head": {"sha": self.head, "repo": repo},
        }  # fmt: skip
        self.runs += 1
        place = self.folder / f"run-{self.runs}"
        place.mkdir()
        (place / "event.json").write_text(json.dumps({"action": action, "pull_request": pull, **payload}))
        environ = {
            "GITHUB_WORKSPACE": str(self.project.repo.path), "GITHUB_REPOSITORY": "o/r", "GITHUB_SHA": self.head,
            "GITHUB_EVENT_NAME": "pull_request", "GITHUB_EVENT_PATH": str(place / "event.json"),
            "GITHUB_OUTPUT": str(place / "output"), "GITHUB_STEP_SUMMARY": str(place / "summary"),
            "GITHUB_RUN_ID": str(self.runs), "GITHUB_RUN_ATTEMPT": "1", "GITHUB_JOB": "j", "INPUT_GITHUB-TOKEN": "t0ken",
            "GITHUB_GRAPHQL_URL": "https://api.github.com/graphql", "TTA_REPORT_DIR": str(place / "report"),
            "PATH": "/usr/bin:/bin", "HOME": str(place),
            **{f"INPUT_{name.replace('_', '-')}": value for name, value in keys.items() if "GROQ" not in name},
        }  # fmt: skip
        for name in ("ANTHROPIC-API-KEY", "GOOGLE-API-KEY"):
            self.monkeypatch.delenv(f"INPUT_{name}", raising=False)
        for name, value in environ.items():
            self.monkeypatch.setenv(name, value)
        for name in ("output", "summary"):
            (place / name).touch()
        out, asked = io.StringIO(), self.models.requests
        step = Step(Runtime(environ, out), _program(), lambda inputs, env: self.api())
        step.run()
        assert self.server.violations == []
        self.log = out.getvalue()
        return self.models.requests - asked, json.loads((place / "report" / "findings.json").read_text())

    def api(self):
        clock = Time(monotonic=lambda: 0.0, wait=lambda seconds: None)
        return GitHub("o/r", "t", transport=self.server.transport(), clock=clock)

    def state(self):
        return list(self.server.check_runs.values())[-1]["output"]


@pytest.fixture(scope="module")
def models():
    with Loopback() as running:
        yield running


@pytest.fixture
def pull(tmp_path, models, monkeypatch):
    models.reset(script)
    return Pull(tmp_path, models, monkeypatch)


def by_models(report):
    return [(one["title"], one["state"]) for one in report["findings"] if one["title"] == "May divide by zero"]


def test_a_push_that_changes_nothing_asks_no_model_and_knows_every_finding_again(pull):
    asked, first = pull.event("opened")
    assert asked > 0
    assert by_models(first) == [("May divide by zero", "")]
    asked, second = pull.push({})
    assert asked == 0
    assert by_models(second) == [("May divide by zero", "still-there")]
    assert second["history"]["review"] == "incremental"
    asked, third = pull.event("reopened")
    assert asked == 0
    assert by_models(third) == [("May divide by zero", "still-there")]


def test_a_push_reads_only_what_it_changes_and_knows_what_is_fixed(pull):
    pull.event("opened")
    asked, second = pull.push({"other.py": "def twice(a):\n    return a + a\n"})
    assert asked == 1
    assert "return 2 / a" not in pull.models.log[-1].prompt
    assert by_models(second) == [("May divide by zero", "still-there")]
    _asked, third = pull.push({"app.py": "def half(a):\n    return a / 2\n"})
    assert by_models(third) == []
    assert [one["title"] for one in third["history"]["fixed"]] == ["May divide by zero"]


def test_a_run_that_was_lost_between_two_pushes_is_bridged_with_at_most_three_looks(pull):
    pull.event("opened")
    pull.project.push({})
    pull.head = pull.project.push({})
    before = len(pull.server.log)
    asked, report = pull.event("synchronize", before="f" * 40)
    assert asked == 0
    assert by_models(report) == [("May divide by zero", "still-there")]
    looks = [path for method, path in pull.server.log[before:] if method == "GET" and "/commits/" in path]
    assert len(looks) == 3


def test_a_state_that_was_written_by_somebody_else_or_for_another_commit_is_not_followed(pull):
    pull.event("opened")
    state = pull.state()["text"]
    pull.state()["text"] = state[:40] + ("0" if state[40] != "0" else "1") + state[41:]
    asked, _report = pull.push({})
    assert asked > 0
    pull.server.check_runs.clear()
    pull.head = pull.project.push({})
    foreign = {"name": "tta / review", "head_sha": pull.head, "status": "completed", "external_id": "tta:x", "output": {"title": "t", "summary": "s", "text": state}}  # fmt: skip
    pull.server.check_runs[90], pull.server.annotations[90] = foreign | {"id": 90}, []
    asked, _report = pull.event("reopened")
    assert asked > 0


def test_a_state_of_another_app_is_not_followed(pull):
    pull.event("opened")
    shown = pull.server._shown
    apps = {100: 1}

    def with_app(number):
        app = {"id": apps.get(number, 2), "slug": f"app-{apps.get(number, 2)}"}
        return shown(number) | {"app": app}

    pull.server._shown = with_app
    asked, _report = pull.push({})
    assert asked > 0


def test_a_run_without_keys_leaves_the_state_alone(pull):
    pull.event("opened")
    state = pull.state()["text"]
    pull.event("reopened", keys={})
    assert pull.state()["text"] == state


def test_no_key_is_in_the_state_and_nothing_of_it_is_visible(pull):
    pull.event("opened")
    text = pull.state()["text"]
    assert text.startswith("<!-- tta-state:1:")
    assert text.endswith(" -->")
    unmasked = [line for line in pull.log.splitlines() if not line.startswith("::add-mask::")]
    everything = json.dumps([pull.server.check_runs, unmasked])
    assert not any(key in everything for key in KEYS.values())


def test_what_another_bot_has_said_at_the_same_line_is_not_said_again(pull):
    bot = {"login": "Copilot", "type": "Bot"}
    person = {"login": "eve", "type": "User"}
    remark = {"path": "app.py", "line": 2, "side": "RIGHT", "body": "Division by zero?"}
    pull.server.review_comments = [{"id": 1, "user": person, **remark}]
    _asked, report = pull.event("opened")
    assert by_models(report) == [("May divide by zero", "")]
    pull.server.review_comments.append({"id": 2, "user": bot, **remark})
    _asked, report = pull.event("reopened")
    assert by_models(report) == []
    assert "Copilot has said it already" in {one["detail"] for one in report["rejected"]}


def test_a_resolved_thread_dismisses_its_finding_until_it_is_opened_again(tmp_path, models, monkeypatch):
    models.reset(script)
    pull = Pull(tmp_path, models, monkeypatch, comments=True)
    _asked, report = pull.event("opened")
    assert len(pull.server.review_comments) == len(report["findings"]) > 0
    pull.server.resolved = {one["id"] for one in pull.server.review_comments}
    _asked, report = pull.push({})
    assert by_models(report) == []
    assert {one["reason"] for one in report["rejected"]} == {"dismissed"}
    pull.server.resolved = set()
    asked, report = pull.push({})
    assert asked == 0
    assert by_models(report) == [("May divide by zero", "still-there")]


def test_a_persons_copy_of_a_marker_dismisses_nothing(tmp_path, models, monkeypatch):
    models.reset(script)
    pull = Pull(tmp_path, models, monkeypatch, comments=True)
    pull.event("opened")
    ours = pull.server.review_comments[0]
    pull.server.review_comments.append(ours | {"id": 77, "user": {"login": "eve", "type": "User"}})
    pull.server.resolved = {77}
    _asked, report = pull.push({})
    assert by_models(report) == [("May divide by zero", "still-there")]


def test_what_github_does_not_tell_is_said_and_the_review_goes_on(pull):
    pull.event("opened")
    pull.server.faults = [
        Fault(lambda method, path: "/commits/" in path, FORBIDDEN, times=9),
        Fault(lambda method, path: "/comments" in path, FORBIDDEN, times=9),
    ]
    asked, report = pull.push({})
    assert asked > 0
    assert "the previous review cannot be read" in pull.log
    assert "earlier remarks cannot be read" in pull.log
    assert by_models(report) == [("May divide by zero", "")]


def test_resolved_threads_that_cannot_be_read_dismiss_nothing_and_the_rest_is_known(tmp_path, models, monkeypatch):
    models.reset(script)
    pull = Pull(tmp_path, models, monkeypatch, comments=True)
    pull.event("opened")
    pull.server.resolved = {one["id"] for one in pull.server.review_comments}
    for answer in (FORBIDDEN, (200, {}, {"data": {"repository": None}, "errors": [{"message": "no"}]})):
        pull.server.faults = [Fault(lambda method, path: path == "/graphql", answer)]
        asked, report = pull.event("reopened")
        assert asked == 0
        assert "resolved threads cannot be read" in pull.log
        assert by_models(report) == [("May divide by zero", "still-there")]


def test_knowing_what_was_before_costs_at_most_three_more_calls_of_github(tmp_path, models, monkeypatch):
    models.reset(script)
    pull = Pull(tmp_path, models, monkeypatch, comments=True)
    calls = []
    for run in (lambda: pull.event("opened"), lambda: pull.push({}), lambda: pull.event("reopened")):
        before = len(pull.server.log)
        run()
        calls.append([f"{method} {path.rpartition('/')[2]}" for method, path in pull.server.log[before:]])
    extra = {"GET comments", "GET check-runs", "POST graphql"}
    assert all(len(one) <= 8 for one in calls), calls
    assert calls[0][:2] == ["POST check-runs", "GET comments"]
    assert set(calls[1][1:4]) == extra
