"""The step from inputs to outputs, in-process, against a GitHub that remembers."""

import io
import json
from dataclasses import replace

import pytest

import runner
from github_server import FORBIDDEN, Fault, GitHubServer
from tta_orchestrate.cli.action import Program, Step, run_key
from tta_orchestrate.domain.finding import Category, Finding, Severity
from tta_orchestrate.domain.outcome import Outcome, conclude
from tta_orchestrate.domain.report import Report
from tta_orchestrate.errors import ConfigError, UnavailableError
from tta_orchestrate.github.api import GitHub, Time
from tta_orchestrate.github.runtime import OUTPUTS, Runtime
from tta_orchestrate.settings.model import Settings
from tta_orchestrate.settings.run import Run

A, B = "a" * 40, "b" * 40


def pull(**changes):
    repo = {"full_name": "o/r"}
    given = {"number": 7, "title": "T", "draft": False, "labels": [], "user": {"login": "dev"},
             "base": {"sha": A, "repo": repo}, "head": {"sha": B, "repo": repo}}  # fmt: skip
    return {"action": "opened", "pull_request": given | changes}


def finding(number):
    return Finding(
        path="a.py", start_line=number, end_line=number, quote="q", rule="r/1", category=Category.BUG,
        severity=Severity.MEDIUM, source="s", title=f"t{number}", message="m", fingerprint=f"{number:032x}",
    )  # fmt: skip


def found(count):
    return Report(mode="review", verdict=conclude(Outcome.FINDINGS), findings=tuple(map(finding, range(1, count + 1))))


class Job:
    """One step: what goes in, and everything that comes out."""

    def __init__(self, folder, monkeypatch):
        self.folder, self.server, self.out = folder, GitHubServer(), io.StringIO()
        self.report, self.settings, self.requests = found(2), Settings(), []
        self.environ = {
            "GITHUB_WORKSPACE": str(folder), "GITHUB_REPOSITORY": "o/r", "GITHUB_EVENT_NAME": "pull_request", "GITHUB_SHA": A,
            "GITHUB_EVENT_PATH": str(folder / "event.json"), "GITHUB_OUTPUT": str(folder / "output"),
            "GITHUB_STEP_SUMMARY": str(folder / "summary"), "GITHUB_RUN_ID": "9", "GITHUB_RUN_ATTEMPT": "1", "GITHUB_JOB": "j",
            "INPUT_GITHUB-TOKEN": "t0ken-for-github",
        }  # fmt: skip
        self.monkeypatch = monkeypatch
        (folder / "output").touch()
        (folder / "summary").touch()
        self.event(pull())

    def event(self, payload):
        (self.folder / "event.json").write_text(json.dumps(payload))

    def run(self, **inputs):
        self.environ |= {f"INPUT_{name.upper().replace('_', '-')}": value for name, value in inputs.items()}
        for name, value in self.environ.items():
            self.monkeypatch.setenv(name, value)
        program = Program(
            configure=self._configure, run_mode=self._run_mode, summarise=lambda report, limit: f"# {report.mode} {report.notices}",
            write=lambda report, folder: folder.mkdir(exist_ok=True),
        )  # fmt: skip
        code = Step(Runtime(self.environ, self.out), program, self._connect).run()
        assert self.server.violations == []
        return code

    def _configure(self, request):
        self.requests.append(request)
        return self.settings

    def _run_mode(self, request, settings):
        self.requests.append(request)
        if isinstance(self.report, BaseException):
            raise self.report
        return self.report

    def _connect(self, inputs, environ):
        return GitHub(
            "o/r", "t", transport=self.server.transport(), clock=Time(monotonic=lambda: 0.0, wait=lambda seconds: None)
        )

    @property
    def outputs(self):
        return runner.read_file((self.folder / "output").read_text())

    @property
    def log(self):
        return runner.read_log(self.out.getvalue())

    @property
    def summary(self):
        return (self.folder / "summary").read_text()


@pytest.fixture
def job(tmp_path, monkeypatch):
    return Job(tmp_path, monkeypatch)


def test_findings_reach_the_check_run_the_summary_and_the_outputs(job):
    assert job.run() == 0
    run = job.server.check_runs[100]
    assert (run["head_sha"], run["status"], run["conclusion"]) == (B, "completed", "neutral")
    assert [one["title"] for one in job.server.annotations[100]] == ["t1 (r/1)", "t2 (r/1)"]
    assert job.summary.startswith("# review")
    assert set(job.outputs) == set(OUTPUTS)
    assert (job.outputs["outcome"], job.outputs["findings"], job.outputs["report-dir"]) == (
        "findings",
        "2",
        "tta-report",
    )
    assert job.log.issues == []


def test_the_exit_code_is_the_verdicts(job):
    job.report = replace(found(1), verdict=conclude(Outcome.FINDINGS, fail_on_met=True))
    assert job.run() == 1
    assert job.outputs["conclusion"] == "failure"


def test_permissions_are_probed_before_the_work(job):
    seen = []
    original = job._run_mode

    def run_mode(request, settings):
        seen.append(job.server.check_runs[100]["status"])
        return original(request, settings)

    job._run_mode = run_mode
    job.run()
    assert seen == ["in_progress"]


def test_a_403_degrades_to_the_log_and_changes_no_verdict(job):
    job.server.faults = [Fault(lambda method, path: True, FORBIDDEN, times=99)]
    assert job.run() == 0
    assert [one.name for one in job.log.issues] == ["warning", "warning"]
    assert job.outputs["outcome"] == "findings"
    assert "review" in job.summary


def test_a_check_run_that_breaks_half_way_degrades_too(job):
    job.server.faults = [Fault(lambda method, path: method == "PATCH", (422, {}, {}), times=99)]
    assert job.run() == 0
    assert {one.name for one in job.log.issues} == {"warning"}
    assert len(job.log.issues) == 3


def test_without_a_token_the_log_is_enough(job):
    job._connect = lambda inputs, environ: None
    assert job.run() == 0
    assert len(job.log.issues) == 2


def test_68_files_with_comments_cost_at_most_ten_calls(job):
    job.settings = Settings(run=Run(comments=True, sticky_comment=True))
    job.server.files[7] = [
        {"filename": f"f{n}.py", "patch": "@@ -1 +1 @@", "status": "modified", "sha": "1" * 40} for n in range(68)
    ]
    job.report = found(40)
    job.run()
    assert len(job.server.log) <= 10
    assert len(job.server.reviews) == len(job.server.comments) == len(job.server.check_runs) == 1


def test_the_input_wins_over_the_configuration(job):
    job.settings = Settings(run=Run(comments=True))
    job.run(comments="false")
    assert job.server.reviews == []


def test_a_refused_comment_never_loses_the_result(job):
    job.settings = Settings(run=Run(comments=True, sticky_comment=True))
    job.server.faults = [Fault(lambda method, path: "check-runs" not in path, FORBIDDEN, times=99)]
    assert job.run() == 0
    assert job.server.check_runs[100]["status"] == "completed"
    assert "could not be written" in job.log.issues[0].data


def test_a_wrong_input_is_a_red_error_with_a_remedy_and_all_outputs(job):
    assert job.run(mode="revue") == 2
    assert job.outputs["outcome"] == "config-error"
    assert set(job.outputs) == set(OUTPUTS)
    assert "mode" in job.log.issues[0].data


def test_a_wrong_configuration_fails_the_check(job):
    job._configure = lambda request: (_ for _ in ()).throw(ConfigError("line 3 is wrong", remedy="fix it"))
    assert job.run() == 2
    assert job.server.check_runs[100]["conclusion"] == "failure"


def test_when_nothing_could_be_done_it_is_never_green(job):
    job.report = UnavailableError("no quota")
    assert job.run() == 3
    assert job.server.check_runs[100]["conclusion"] == "action_required"
    assert job.outputs["outcome"] == "unavailable"


def test_a_cancelled_run_says_so_and_keeps_what_there_is(job):
    job.report = KeyboardInterrupt()
    assert job.run() == 130
    assert job.server.check_runs[100]["conclusion"] == "cancelled"
    assert set(job.outputs) == set(OUTPUTS)


@pytest.mark.parametrize("settings", [Settings(), Settings(enabled=False)])
def test_what_is_skipped_is_neutral_and_asks_nothing_of_github(job, settings):
    job.settings = settings
    job.event(pull(draft=True))
    assert job.run() == 0
    assert (job.outputs["outcome"], job.outputs["conclusion"]) == ("skipped", "neutral")
    assert job.server.log == []


def test_the_token_and_the_keys_are_masked_first_and_reach_only_the_mode(job):
    job.run(anthropic_api_key="sk-ant-0123456789")
    assert job.log.commands[0].name == "add-mask"
    assert {"t0ken-for-github", "sk-ant-0123456789"} <= set(job.log.masks)
    assert job.requests[-1].environ["ANTHROPIC_API_KEY"] == "sk-ant-0123456789"
    text = job.summary + (job.folder / "output").read_text() + "\n".join(job.log.text)
    assert "sk-ant-0123456789" not in text


def test_a_comment_event_asks_github_for_the_two_ends(job):
    ends = {
        side: {"sha": sha, "ref": side, "label": side, "repo": {"full_name": "o/r"}}
        for side, sha in (("base", A), ("head", B))
    }
    job.server.pulls[7] = {"number": 7, "title": "T", **ends}
    job.environ["GITHUB_EVENT_NAME"] = "issue_comment"
    job.event({"issue": {"number": 7, "pull_request": {"url": "x"}}})
    assert job.run(allow_untrusted="true") == 0
    assert (job.requests[0].base, job.requests[0].head, job.requests[0].trusted) == (A, B, False)


def test_a_run_for_a_fork_finds_its_pull_request_by_branch_and_commit(job):
    ends = {
        "base": {"sha": A, "ref": "main", "label": "o:main", "repo": {"full_name": "o/r"}},
        "head": {"sha": B, "ref": "topic", "label": "eve:topic", "repo": {"full_name": "eve/r"}},
    }
    job.server.pulls[7] = {"number": 7, "title": "T", **ends}
    job.environ["GITHUB_EVENT_NAME"] = "workflow_run"
    run = {"head_sha": B, "pull_requests": [], "head_branch": "topic", "head_repository": {"owner": {"login": "eve"}}}
    job.event({"workflow_run": run})
    assert job.run(allow_untrusted="true") == 0
    assert (job.requests[0].base, job.requests[0].head, job.requests[0].trusted) == (A, B, False)
    assert job.server.check_runs[100]["head_sha"] == B


def test_a_run_whose_pull_request_moved_on_reviews_nothing(job):
    job.environ["GITHUB_EVENT_NAME"] = "workflow_run"
    run = {"head_sha": B, "pull_requests": [], "head_branch": "topic", "head_repository": {"owner": {"login": "eve"}}}
    job.event({"workflow_run": run})
    assert job.run(allow_untrusted="true") == 2
    assert job.requests == []


def test_test_gen_never_runs_a_strangers_code_beside_secrets(job):
    job.environ["GITHUB_EVENT_NAME"] = "pull_request_target"
    assert job.run(mode="test-gen", allow_untrusted="true") == 2
    assert job.requests == []


def test_a_folder_that_the_repository_brought_is_not_written_into(job):
    (job.folder / "tta-report").symlink_to("/etc")
    job.run()
    assert job.outputs["report-dir"].startswith("tta-report-")


def test_the_identity_of_a_run_is_the_same_for_the_launcher():
    import host

    environ = {"GITHUB_RUN_ID": "9", "GITHUB_RUN_ATTEMPT": "2", "GITHUB_JOB": "j", "TTA_JOB_INDEX": "3"}
    assert run_key(environ) == host.run_key(environ) == "tta:9:2:j:3"
    assert run_key({}) == host.run_key({})
