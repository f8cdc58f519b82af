"""``tta-orchestrate action``: the program as a step of a workflow, the same behind both doors.

The event decides what is to be done, the configuration of the base commit whether; permissions are probed before
anything is paid for; the results go to the check run, or where that may not be written to the log; the job summary and
all outputs are written whatever happens.
"""

import os
import secrets
import signal
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from types import FrameType
from typing import TYPE_CHECKING

from tta_orchestrate.domain.outcome import Conclusion, Outcome, Verdict, conclude
from tta_orchestrate.domain.report import Report
from tta_orchestrate.errors import ConfigError, OrchestrateError

if TYPE_CHECKING:
    from tta_orchestrate.cli.request import RunRequest
    from tta_orchestrate.github.api import GitHub
    from tta_orchestrate.github.events import Decision
    from tta_orchestrate.github.inputs import Inputs
    from tta_orchestrate.github.publish.check_run import OpenCheckRun
    from tta_orchestrate.github.records import PullRequest
    from tta_orchestrate.github.runtime import Runtime
    from tta_orchestrate.settings.model import Settings
    from tta_orchestrate.settings.run import Run

CANCELLED_EXIT_CODE = 130


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """What the step calls; see ``cli/modes.py``."""

    configure: "Callable[[RunRequest], Settings]"
    run_mode: "Callable[[RunRequest, Settings], Report]"
    summarise: Callable[[Report, int], str]
    """The report as Markdown of at most so many bytes."""
    write: Callable[[Report, Path], object]
    """Leave the report's files in a folder."""


def action() -> int:
    """Run as a step of a GitHub workflow (reads INPUT_* and GITHUB_*)."""
    from tta_orchestrate.github.runtime import Runtime

    signal.signal(signal.SIGTERM, _interrupt)
    _become_owner(Path(os.environ.get("GITHUB_WORKSPACE") or "."))
    runtime = Runtime.start()
    return runtime.declare_exit(Step(runtime, _program()).run())


def _become_owner(workspace: Path) -> None:
    """Give up root for the owner of *workspace*: what is written here must not be root's for the steps that follow."""
    owner = workspace.stat()
    if os.geteuid() == 0 and owner.st_uid != 0:
        os.setgroups([])
        os.setgid(owner.st_gid)
        os.setuid(owner.st_uid)


def _folder(given: str, workspace: Path) -> Path:
    """Return the folder for the results: the launcher's, or a new one; never one that the repository brought."""
    if given:
        return Path(given)
    plain = workspace / "tta-report"
    return workspace / f"tta-report-{secrets.token_hex(4)}" if os.path.lexists(plain) else plain


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


class Step:
    """One step of one job, from the inputs to the outputs."""

    def __init__(
        self,
        runtime: "Runtime",
        program: Program,
        connect: "Callable[[Inputs, Mapping[str, str]], GitHub | None] | None" = None,
    ) -> None:
        self._runtime, self._program, self._connect = runtime, program, connect or _connect
        self._environ = runtime.environ
        self._workspace = Path(self._environ.get("GITHUB_WORKSPACE") or ".").absolute()
        self._output = _folder(self._environ.get("TTA_REPORT_DIR", ""), self._workspace)
        self._mode = "review"
        self._check: OpenCheckRun | None = None
        self._api: GitHub | None = None
        self._decision: Decision | None = None
        self._settings: Run | None = None
        self._seal = b""

    def run(self) -> int:
        """Do it all; return the exit code."""
        report = None
        try:
            try:
                report = self._work()
            except OrchestrateError as error:
                report = self._failed(error)
            return self._deliver(report)
        except KeyboardInterrupt:
            return self._deliver(self._cancelled(report), brief=True)

    # -- the work

    def _work(self) -> Report:
        from tta_orchestrate.github.events import Policy, decide, why_skip
        from tta_orchestrate.github.inputs import Mode, read_inputs

        inputs = read_inputs(self._runtime.text_input)
        for secret in inputs.secrets:
            self._runtime.mask(secret)
        self._mode = inputs.mode.value
        self._api = self._connect(inputs, self._environ)
        event = self._environ.get("GITHUB_EVENT_NAME", "")
        sha = self._environ.get("GITHUB_SHA", "")
        decision = decide(
            event, self._runtime.event(), mode=self._mode, sha=sha, allow_untrusted=inputs.allow_untrusted
        )
        decision = self._with_pull_request(decision, inputs)
        self._decision, self._mode = decision, decision.mode
        if not decision.trusted and inputs.allow_untrusted and decision.mode == Mode.TEST_GEN:
            raise ConfigError(
                "test-gen executes code, and this event runs a stranger's beside secrets",
                remedy="run test-gen on `pull_request`, `push`, `schedule` or `workflow_dispatch`",
            )
        with TemporaryDirectory(prefix="tta-") as scratch:
            request = self._request(inputs, decision, Path(scratch))
            settings = self._program.configure(request)
            run = settings.run
            self._settings = run if inputs.comments is None else run.model_copy(update={"comments": inputs.comments})
            policy = Policy(
                skip_drafts=run.skip_drafts,
                skip_authors=run.skip_authors,
                skip_labels=run.skip_labels,
                skip_titles=run.skip_titles,
            )
            reason = why_skip(decision, policy) if settings.enabled else "`orchestration.enabled` is false"
            if reason:
                notice = f"Nothing was done: {reason}."
                return Report(mode=self._mode, verdict=conclude(Outcome.SKIPPED), notices=(notice,))
            self._open_check()
            with self._runtime.group(f"tta {self._mode}"):
                return self._program.run_mode(self._informed(request, inputs), settings)

    def _informed(self, request: "RunRequest", inputs: "Inputs") -> "RunRequest":
        """Add what GitHub knows of the pull request: only models can repeat themselves, or be spared a reading."""
        from tta_orchestrate.cli.earlier import MOST_LOOKS, Asking, known
        from tta_orchestrate.cli.modes import earlier_heads
        from tta_orchestrate.domain.handover import seal_of

        decision, api = self._decision, self._api
        if api is None or decision is None or decision.mode != "review" or not inputs.keys:
            return request
        self._seal = seal_of(inputs.keys.values())
        first = self._runtime.event().get("action") == "opened"
        asking = Asking(
            api=api,
            check=self._check,
            commits=() if first else earlier_heads(request, decision.before, MOST_LOOKS),
            pull_request=decision.pull_request,
            seal=self._seal,
            trusted=decision.trusted,
            graphql_url=self._environ.get("GITHUB_GRAPHQL_URL", ""),
        )
        return replace(request, known=known(asking, self._runtime.say))

    def _state(self, report: Report) -> str:
        """Return what the next review of this pull request shall find on the check run."""
        from tta_orchestrate.cli.earlier import place_of
        from tta_orchestrate.domain.handover import pack

        if self._check is None or self._api is None:
            return ""
        return pack(report, self._seal, place_of(self._check.run, self._api.repository))

    def _with_pull_request(self, decision: "Decision", inputs: "Inputs") -> "Decision":
        """Fill in what the payload of some events does not hold, and what the inputs override."""
        pull = self._pull_request(decision)
        if pull is not None:
            decision = replace(decision, base=pull.base.sha, head=pull.head.sha, pull_request=pull.number)
        return replace(decision, base=inputs.base or decision.base)

    def _pull_request(self, decision: "Decision") -> "PullRequest | None":
        if self._api is None or decision.facts is not None:
            return None
        if decision.pull_request is not None:
            return self._api.pull_request(decision.pull_request)
        if not decision.branch:
            return None
        found = [one for one in self._api.open_pull_requests(decision.branch) if one.head.sha == decision.head]
        if not found:
            raise ConfigError(
                "no open pull request has this run's commit as its head", remedy="it was closed, or pushed to again"
            )
        return found[0]

    def _request(self, inputs: "Inputs", decision: "Decision", scratch: Path) -> "RunRequest":
        from tta_orchestrate.cli.request import RunRequest

        head = inputs.head or decision.head
        return RunRequest(
            mode=decision.mode,
            workspace=self._workspace,
            objects=self._objects(inputs, decision.base, head, scratch),
            output=self._output,
            config=inputs.config,
            base=decision.base,
            head=head,
            paths=inputs.paths,
            fail_on=None if inputs.fail_on is None else inputs.fail_on.value,
            budget_usd=inputs.budget_usd,
            trusted=decision.trusted,
            title="" if decision.facts is None else decision.facts.title,
            repository=self._environ.get("GITHUB_REPOSITORY", ""),
            server_url=self._environ.get("GITHUB_SERVER_URL", ""),
            environ={**self._environ, **inputs.keys},
            order=self._runtime.order,
            api=self._api,
        )

    def _objects(self, inputs: "Inputs", base: str, head: str, scratch: Path) -> Path:
        from tta_orchestrate.github.pull_request import fetch_commits, holds

        commits = [commit for commit in (base, head) if _is_commit(commit)]
        server, repository = self._environ.get("GITHUB_SERVER_URL", ""), self._environ.get("GITHUB_REPOSITORY", "")
        if not commits or not server or not repository or holds(self._workspace, *commits):
            return self._workspace
        url = f"{server}/{repository}"
        self._runtime.say(f"the checkout lacks commits of this change; fetching them from {url}")
        token = inputs.github_token.get_secret_value()
        return fetch_commits(scratch, url=url, token=token, base=commits[0], head=commits[-1], borrow=self._workspace)

    # -- the check run

    def _open_check(self) -> None:
        from tta_orchestrate.github.publish.check_run import Slot, open_check_run

        if self._api is None or self._decision is None:
            return
        slot = Slot(
            name=f"tta / {self._mode}",
            head=self._decision.head,
            external_id=self._environ.get("TTA_RUN_KEY") or run_key(self._environ),
            details_url=_run_url(self._environ),
            fresh=self._decision.fresh and self._environ.get("GITHUB_RUN_ATTEMPT") == "1",
        )
        try:
            self._check = open_check_run(self._api, slot)
        except OrchestrateError as error:
            self._runtime.say(f"no check run can be written ({error}); the results go to the log and the summary")

    # -- the ends

    def _failed(self, error: OrchestrateError) -> Report:
        wrong = error.exit_code == ConfigError.exit_code
        outcome = Outcome.CONFIG_ERROR if wrong else Outcome.UNAVAILABLE
        self._runtime.error(f"{error}" + (f" -> {error.remedy}" if error.remedy else ""))
        if self._check is None:
            self._open_check()
        notices = (str(error), *((error.remedy,) if error.remedy else ()))
        verdict = replace(conclude(outcome), exit_code=error.exit_code)
        return Report(mode=self._mode, verdict=verdict, notices=notices)

    def _cancelled(self, report: Report | None) -> Report:
        """Return what there is, under a verdict that says it is not all."""
        verdict = Verdict(outcome=Outcome.UNAVAILABLE, conclusion=Conclusion.CANCELLED, exit_code=CANCELLED_EXIT_CODE)
        notice = "The run was cancelled before it was done; what there is, is in the artifact."
        report = report or Report(mode=self._mode, verdict=verdict)
        return replace(report, verdict=verdict, notices=(*report.notices, notice))

    def _deliver(self, report: Report, *, brief: bool = False) -> int:
        """Show *report* wherever that is allowed; a place that refuses never loses it and never changes the outcome."""
        from tta_orchestrate.domain.annotation import annotations
        from tta_orchestrate.domain.headline import verdict
        from tta_orchestrate.domain.redaction import presentable_report
        from tta_orchestrate.github.runtime import SUMMARY_LIMIT

        report = presentable_report(report)
        self._program.write(report, self._output)
        self._runtime.say(verdict(report))
        if not self._to_check_run(report, brief=brief) and not brief:
            self._runtime.annotate(annotations(report.findings))
        if not brief:
            self._to_pull_request(report)
        self._runtime.append_summary(self._program.summarise(report, SUMMARY_LIMIT - 1000))
        self._runtime.set_outputs(self._outputs(report))
        return report.verdict.exit_code

    def _to_check_run(self, report: Report, *, brief: bool) -> bool:
        from tta_orchestrate.github.publish.report import into_check_run

        if self._check is None:
            return False
        try:
            text = "" if brief else self._state(report)
            delivery = into_check_run(self._check, report, self._program.summarise, remarks=not brief, text=text)
        except OrchestrateError as error:
            self._runtime.warning(f"the check run could not be completed: {error}")
            return False
        rejected = len(delivery.rejected)
        self._runtime.say(f"check run: {delivery.stored} annotations" + (f", {rejected} rejected" if rejected else ""))
        return True

    def _to_pull_request(self, report: Report) -> None:
        from tta_orchestrate.github.publish.report import onto_pull_request

        run, decision, api = self._settings, self._decision, self._api
        if run is None or decision is None or api is None or decision.pull_request is None:
            return
        summarise = self._program.summarise
        try:
            posted = onto_pull_request(
                api,
                decision.pull_request,
                decision.head,
                report,
                summarise,
                remarks=run.comments,
                sticky=run.sticky_comment,
            )
        except OrchestrateError as error:
            self._runtime.warning(f"comments could not be written: {error}")
            return
        if run.comments:
            self._runtime.say(f"review: {posted.remarks} remarks, {posted.listed} listed, {posted.repeated} known")

    def _outputs(self, report: Report) -> dict[str, str]:
        from tta_orchestrate.domain.cost import usd
        from tta_orchestrate.domain.cost_summary import savings
        from tta_orchestrate.github.runtime import artifact_name

        folder = os.path.relpath(self._output, self._workspace)
        sarif = self._output / "findings.sarif"
        return {
            "outcome": report.verdict.outcome.value,
            "conclusion": report.verdict.conclusion.value,
            "findings": str(len(report.findings)),
            "cost-usd": usd(report.cost.cash),
            "savings-percent": str(savings(report.cost)["percent"] or ""),
            "report-dir": folder,
            "artifact-name": artifact_name(self._mode, self._environ),
            "sarif": f"{folder}/{sarif.name}" if sarif.is_file() else "",
        }


def run_key(environ: Mapping[str, str]) -> str:
    """Return the ``external_id`` of this try of this step; the launcher passes its own, made the same way."""
    facts = ("GITHUB_RUN_ID", "GITHUB_RUN_ATTEMPT", "GITHUB_JOB", "TTA_JOB_INDEX")
    return "tta:" + ":".join(environ.get(name, "") or "0" for name in facts)


def _run_url(environ: Mapping[str, str]) -> str:
    facts = [environ.get(name, "") for name in ("GITHUB_SERVER_URL", "GITHUB_REPOSITORY", "GITHUB_RUN_ID")]
    return "{}/{}/actions/runs/{}".format(*facts) if all(facts) else ""


def _is_commit(revision: str) -> bool:
    return len(revision) in {40, 64} and all(digit in "0123456789abcdef" for digit in revision)


def _connect(inputs: "Inputs", environ: Mapping[str, str]) -> "GitHub | None":
    from tta_orchestrate.github.api import GitHub

    token, repository = inputs.github_token.get_secret_value(), environ.get("GITHUB_REPOSITORY", "")
    if not token or not repository:
        return None
    return GitHub(repository, token, api_url=environ.get("GITHUB_API_URL") or "https://api.github.com")


def _program() -> Program:
    from tta_orchestrate import registry
    from tta_orchestrate.cli.modes import configure, run_mode
    from tta_orchestrate.sinks.summary_md import summary
    from tta_orchestrate.workspace.results import write_results

    def write(report: Report, folder: Path) -> object:
        return write_results(report, folder, registry.load_all("sinks"))

    return Program(configure=configure, run_mode=run_mode, summarise=summary, write=write)
