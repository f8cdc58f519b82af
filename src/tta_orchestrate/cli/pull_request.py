"""``tta-orchestrate review --repo OWNER/NAME --pr N [--post]``: a pull request from anywhere, as the Action sees it."""

import os
import re
from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Final

from tta_orchestrate.cli.modes import configure, run_mode
from tta_orchestrate.cli.request import RunRequest
from tta_orchestrate.domain.report import Report
from tta_orchestrate.errors import GitHubError, OrchestrateError, UnavailableError, UsageError

if TYPE_CHECKING:
    from tta_orchestrate.github.api import GitHub
    from tta_orchestrate.github.records import PullRequest
    from tta_orchestrate.modes.review.local import ReadTexts
    from tta_orchestrate.settings.model import Settings

_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]*/[A-Za-z0-9._-]+\Z")


def review_pull_request(
    name: str,
    number: int,
    *,
    output: Path,
    environ: Mapping[str, str],
    paths: tuple[str, ...] = (),
    fail_on: str | None = None,
    budget_usd: Decimal | str | None = None,
    post: bool = False,
) -> Report:
    """Fetch pull request *number* of repository *name*, review it, and when asked to, show the result there.

    The token is ``GITHUB_TOKEN`` or ``GH_TOKEN``; the addresses are ``GITHUB_API_URL`` and ``GITHUB_SERVER_URL``.
    Commits come by git; where that fails, the diff comes by the API, and files without a patch count as not reviewed.

    Raises:
        UsageError: *name* is no repository's name, or there is no token to post with.
        OrchestrateError: the pull request cannot be read, or nothing could be done.
    """
    from tta_orchestrate.github.api import GitHub

    if not _NAME.match(name) or number < 1:
        raise UsageError(f"{name!r} number {number} is no pull request", remedy="use --repo OWNER/NAME --pr NUMBER")
    token = environ.get("GITHUB_TOKEN") or environ.get("GH_TOKEN") or ""
    if post and not token:
        raise UsageError("--post needs a token", remedy="set GITHUB_TOKEN; it needs checks: write")
    api = GitHub(name, token, api_url=environ.get("GITHUB_API_URL") or "https://api.github.com")
    try:
        pull = api.pull_request(number)
        with TemporaryDirectory(prefix="tta-pr-") as scratch:
            request = _request(name, pull, Path(scratch), output, environ, paths, fail_on, budget_usd, token)
            report, settings = _reviewed(api, pull, request)
        if post:
            report = _posted(api, pull, report, settings)
        return report
    finally:
        api.close()


def _request(
    name: str,
    pull: "PullRequest",
    scratch: Path,
    output: Path,
    environ: Mapping[str, str],
    paths: tuple[str, ...],
    fail_on: str | None,
    budget_usd: Decimal | str | None,
    token: str,
) -> RunRequest:
    from tta_orchestrate.github.pull_request import fetch_commits

    server = (environ.get("GITHUB_SERVER_URL") or "https://github.com").rstrip("/")
    objects = scratch / "nothing"
    try:
        objects = fetch_commits(
            scratch,
            url=f"{server}/{name}",
            token=token,
            base=pull.base.sha,
            head=pull.head.sha,
            extra=(f"refs/pull/{pull.number}/head",),
            path=environ.get("PATH", os.defpath),
        )
    except UnavailableError:
        objects.mkdir()
    return RunRequest(
        mode="review",
        workspace=objects,
        objects=objects,
        output=output,
        config="",
        base=pull.base.sha,
        head=pull.head.sha,
        paths=paths,
        fail_on=fail_on,
        budget_usd=budget_usd,
        trusted=False,
        title=pull.title,
        repository=name,
        server_url=server,
        environ=environ,
    )


def _reviewed(api: "GitHub", pull: "PullRequest", request: RunRequest) -> "tuple[Report, Settings]":
    if request.objects.name != "nothing":
        settings = configure(request)
        return run_mode(request, settings), settings
    return _reviewed_by_api(api, pull, request)


def _reviewed_by_api(api: "GitHub", pull: "PullRequest", request: RunRequest) -> "tuple[Report, Settings]":
    """Review what the API shows of the change: patches only, and none for binary and very large files."""
    from tta_orchestrate.cli.reading import Place
    from tta_orchestrate.cli.reviewing import report_on
    from tta_orchestrate.github.pull_request import read_file, unified_diff
    from tta_orchestrate.modes.review import source
    from tta_orchestrate.settings.document import ConfigSource
    from tta_orchestrate.settings.loader import load
    from tta_orchestrate.settings.places import DEFAULT_PATHS

    found = ((path, read_file(api, path, pull.base.sha)) for path in DEFAULT_PATHS)
    config = next((ConfigSource(name=path, data=data) for path, data in found if data is not None), None)
    settings = load(
        config, env=request.environ, flags={"--fail-on": request.fail_on, "--budget-usd": request.budget_usd}
    ).settings
    diff, without = unified_diff(api.pull_files(pull.number))
    change = source.of_diff(iter(diff))
    subject = replace(
        change.subject,
        base=pull.base.sha,
        head=pull.head.sha,
        repository=request.repository,
        server_url=request.server_url,
        title=pull.title,
    )
    steering: source.Steering = lambda path: read_file(api, path, pull.base.sha)  # noqa: E731
    found_source = replace(
        change, subject=subject, read_head=_reader(api, pull.head.sha), read_base=_reader(api, pull.base.sha)
    )
    place = Place(environ=request.environ, output=request.output)
    report = report_on(found_source, settings, steering, place, only=request.paths)
    return _with_gaps(report, without), settings


def _reader(api: "GitHub", ref: str) -> "ReadTexts":
    """Read files one by one; what the API will not give is as good as absent."""
    from tta_orchestrate.github.pull_request import read_file

    def one(path: str) -> bytes | None:
        try:
            return read_file(api, path, ref)
        except GitHubError:
            return None

    return lambda paths: ((path, one(path)) for path in paths)


def _with_gaps(report: Report, without: tuple[str, ...]) -> Report:
    """Count what the API did not show: such a review is partial at best."""
    from tta_orchestrate.domain.outcome import Outcome, conclude
    from tta_orchestrate.domain.report import Failure

    if not without:
        return report
    failures = tuple(Failure(unit=path, path=path, reason="GitHub's API gives no patch of it") for path in without)
    done = report.coverage.units_done
    outcome = Outcome.PARTIAL if done else Outcome.UNAVAILABLE
    coverage = replace(
        report.coverage,
        files_changed=report.coverage.files_changed + len(without),
        units_planned=report.coverage.units_planned + len(without),
    )
    verdict = conclude(outcome, fail_on_met=report.verdict.exit_code == 1)
    return replace(report, verdict=verdict, failures=(*report.failures, *failures), coverage=coverage)


def _posted(api: "GitHub", pull: "PullRequest", report: Report, settings: "Settings") -> Report:
    """Show *report* on the pull request; what could not be shown becomes a notice."""
    from tta_orchestrate.domain.redaction import presentable_report
    from tta_orchestrate.github.publish.check_run import Slot, open_check_run
    from tta_orchestrate.github.publish.report import into_check_run, onto_pull_request
    from tta_orchestrate.sinks.summary_md import summary

    shown = presentable_report(report)
    slot = Slot(name="tta / review", head=pull.head.sha, external_id=f"tta:pr:{pull.number}")
    notices: list[str] = []
    try:
        into_check_run(open_check_run(api, slot), shown, summary)
    except GitHubError as error:
        notices.append(f"The check run was not written: {error}")
    try:
        onto_pull_request(
            api,
            pull.number,
            pull.head.sha,
            shown,
            summary,
            remarks=settings.run.comments,
            sticky=settings.run.sticky_comment or bool(notices),
        )
    except OrchestrateError as error:
        notices.append(f"Comments were not written: {error}")
    return replace(report, notices=(*report.notices, *notices))
