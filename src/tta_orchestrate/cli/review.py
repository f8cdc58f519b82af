"""``tta-orchestrate review``: look at a change, leave a report."""

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tta_orchestrate.cli import options
from tta_orchestrate.errors import ConfigError, GitError, SourceError, UsageError

if TYPE_CHECKING:
    from tta_orchestrate.domain.finding import Candidate, Rejected
    from tta_orchestrate.domain.identity import PreviousRun
    from tta_orchestrate.domain.report import Report
    from tta_orchestrate.modes.review.request import ReviewRequest
    from tta_orchestrate.modes.review.source import Source
    from tta_orchestrate.ports import Check
    from tta_orchestrate.settings.model import Settings
    from tta_orchestrate.workspace.git import Repository

_CHANGE, _POLICY = "What is reviewed", "What counts"
_Steering = Callable[[str], bytes | None]


def review(
    base: Annotated[
        str | None, typer.Option(metavar="REV", help="Compare with this commit.", rich_help_panel=_CHANGE)
    ] = None,
    head: Annotated[
        str | None, typer.Option(metavar="REV", help="The commit to review.", rich_help_panel=_CHANGE)
    ] = None,
    staged: Annotated[
        bool, typer.Option("--staged", help="Review what is staged for the next commit.", rich_help_panel=_CHANGE)
    ] = False,
    diff: Annotated[
        str | None,
        typer.Option(metavar="FILE", help="Review a unified diff; - reads standard input.", rich_help_panel=_CHANGE),
    ] = None,
    path: Annotated[
        list[str] | None,
        typer.Option(metavar="GLOB", help="Only files that match; may be repeated.", rich_help_panel=_CHANGE),
    ] = None,
    plan: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="With --shard: a plan.json of `plan`.", rich_help_panel=_CHANGE),
    ] = None,
    shard: Annotated[
        int | None, typer.Option(metavar="N", help="Only this part of the plan.", rich_help_panel=_CHANGE)
    ] = None,
    sarif_in: Annotated[
        list[Path] | None,
        typer.Option(metavar="FILE", help="Weigh another tool's SARIF too; may be repeated.", rich_help_panel=_CHANGE),
    ] = None,
    scope: Annotated[
        str | None, typer.Option(metavar="changed|file", help="Changed lines, or whole files.", rich_help_panel=_POLICY)
    ] = None,
    fail_on: Annotated[
        str | None,
        typer.Option(metavar="SEVERITY", help="Exit 1 on findings this bad or worse.", rich_help_panel=_POLICY),
    ] = None,
    min_severity: Annotated[
        str | None, typer.Option(metavar="SEVERITY", help="Leave milder findings out.", rich_help_panel=_POLICY)
    ] = None,
    on_partial: Annotated[
        str | None,
        typer.Option(metavar="neutral|fail", help="What an incomplete review means.", rich_help_panel=_POLICY),
    ] = None,
    baseline: Annotated[
        str | None, typer.Option(metavar="PATH", help="File of accepted findings.", rich_help_panel=_POLICY)
    ] = None,
    write_baseline: Annotated[
        bool, typer.Option("--write-baseline", help="Accept everything found now.", rich_help_panel=_POLICY)
    ] = False,
    previous: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="findings.json of the review before this one.", rich_help_panel=_CHANGE),
    ] = None,
    cache_dir: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Remember here what models have read.", rich_help_panel=_CHANGE),
    ] = None,
    config: options.Config = None,
    output: options.Output = options.DEFAULT_OUTPUT,
) -> int:
    """Review a change; leave findings, SARIF, summary and cost report in a folder.

    Without options: what the current branch adds to the default branch; on the default branch, its last commit. With
    `--base`, configuration and baseline are read from that commit: a change cannot relax its own review.
    """
    _refuse_contradictions(base, head, staged=staged, diff=diff)
    from tta_orchestrate.cli import delivery, reading

    with ExitStack() as stack:
        repository = _repository(stack, needed=diff is None)
        source = _source(repository, base, head, staged=staged, diff=diff)
        steering = _steering(repository, source.change.base if base is not None else None)
        flags = {
            "--scope": scope,
            "--fail-on": fail_on,
            "--min-severity": min_severity,
            "--on-partial": on_partial,
            "--baseline": baseline,
        }
        settings = _settings(steering, config, flags)
        if not settings.enabled:
            return delivery.deliver(delivery.disabled("review", source.subject), output)
        request = _request(source, settings, steering, _only(path, plan, shard), sarif_in or ())
        request = replace(request, previous=reading.previous_run(previous))
        report = run(request, settings, repository, os.environ, cache_dir, output)
        if not write_baseline:
            return delivery.deliver(report, output)
        options.refuse_escape(_root(repository), settings.review.baseline)
        delivery.accept(report, _root(repository) / settings.review.baseline)
        delivery.deliver(report, output)
        return 0


def _only(paths: list[str] | None, plan: Path | None, shard: int | None) -> tuple[str, ...]:
    if (plan is None) != (shard is None):
        raise UsageError("--plan and --shard belong together", remedy="give both, or neither")
    if plan is None or shard is None:
        return tuple(paths or ())
    from tta_orchestrate.workspace.parts import paths_of

    return (*(paths or ()), *paths_of(plan, shard))


def _refuse_contradictions(base: str | None, head: str | None, *, staged: bool, diff: str | None) -> None:
    given = {"--diff": diff is not None, "--staged": staged, "--base/--head": base is not None or head is not None}
    chosen = [name for name, is_given in given.items() if is_given]
    if len(chosen) > 1:
        raise UsageError(f"{' and '.join(chosen)} exclude each other", remedy="give only one of them")


def _repository(stack: ExitStack, *, needed: bool) -> "Repository | None":
    from tta_orchestrate.workspace.git import Repository

    try:
        return stack.enter_context(Repository.open(_here(), os.environ))
    except GitError:
        if needed:
            raise
        return None


def _here() -> Path:
    try:
        return Path.cwd()
    except OSError as error:
        raise UsageError("the current folder is gone", remedy="change to a folder that exists") from error


def _source(
    repository: "Repository | None", base: str | None, head: str | None, *, staged: bool, diff: str | None
) -> "Source":
    from tta_orchestrate.modes.review import source

    if diff is not None:
        return _of_diff(diff)
    if repository is None:
        raise GitError("there is no repository here", remedy="run inside a git repository, or pass a diff with --diff")
    if staged:
        return source.of_index(repository)
    if base is not None:
        return source.of_range(repository, base, head or "HEAD")
    if head is not None:
        return source.of_range(repository, *repository.range_of(head))
    return source.of_range(repository, *repository.default_range())


def _of_diff(diff: str) -> "Source":
    from tta_orchestrate.modes.review import source

    if diff == "-":
        return source.of_diff(sys.stdin.buffer)
    try:
        with Path(diff).open("rb") as lines:
            return source.of_diff(lines)
    except OSError as error:
        raise SourceError(
            f"the diff {diff!r} cannot be read: {error.strerror}", remedy="name a file, or - for standard input"
        ) from error


def _root(repository: "Repository | None") -> Path:
    return (repository.work_tree() if repository else None) or Path.cwd()


def _steering(repository: "Repository | None", rev: str | None) -> _Steering:
    """What steers the run is read from *rev*; without one, from the work tree."""
    if repository is not None and rev is not None:
        return lambda path: repository.read(rev, path)
    root = _root(repository)

    def read(path: str) -> bytes | None:
        options.refuse_escape(root, path)
        source = options.config_source(root / path) if (root / path).is_file() else None
        return source.data if source else None

    return read


def _settings(steering: _Steering, config: Path | None, flags: dict[str, str | None]) -> "Settings":
    source = options.config_source(config) if config else options.steering_source(steering)
    return options.settings(source, flags).settings


def _request(
    source: "Source", settings: "Settings", steering: _Steering, only: tuple[str, ...], sarif: Sequence[Path]
) -> "ReviewRequest":
    from tta_orchestrate.domain.baseline import read_baseline
    from tta_orchestrate.domain.skips import Skipper
    from tta_orchestrate.modes.review import configured
    from tta_orchestrate.modes.review.request import ReviewRequest

    accepted = steering(settings.review.baseline)
    imported, refused = _imported(sarif)
    return ReviewRequest(
        change=source.change,
        skipper=Skipper(configured.skip_rules(settings.review, only), source.attributes),
        checks=_checks(settings),
        policy=configured.policy(
            settings.review, read_baseline(accepted, settings.review.baseline) if accepted else frozenset()
        ),
        scope=settings.review.scope,
        on_partial=settings.review.on_partial,
        read_head=source.read_head,
        read_base=source.read_base,
        imported=imported,
        refused=refused,
        subject=source.subject,
    )


def report_on(
    source: "Source",
    settings: "Settings",
    steering: _Steering,
    environ: Mapping[str, str],
    *,
    repository: "Repository | None" = None,
    only: tuple[str, ...] = (),
    previous: "PreviousRun | None" = None,
) -> "Report":
    """Return the review of *source*, with models where *environ* has a key; *steering* reads what steers the run."""
    request = replace(_request(source, settings, steering, only, ()), previous=previous)
    output = Path(environ.get("TTA_REPORT_DIR") or options.DEFAULT_OUTPUT)
    return run(request, settings, repository, environ, output=output)


def run(
    request: "ReviewRequest",
    settings: "Settings",
    repository: "Repository | None",
    environ: Mapping[str, str],
    cache_dir: Path | None = None,
    output: Path = options.DEFAULT_OUTPUT,
) -> "Report":
    """Do what *request* asks for, with the models that *settings* name and *environ* has keys for.

    Money is set aside in the books across runs before the first of them is asked, and settled at the end; *output* is
    where a ledger that is left as an artifact goes.
    """
    from tta_orchestrate.cli import delivery, reading
    from tta_orchestrate.cli.desk import Desk
    from tta_orchestrate.cli.progress import progress
    from tta_orchestrate.modes.review.run import review

    with ExitStack() as stack:
        desk = Desk(settings, environ, mode="review", output=output, repository=request.subject.repository)
        request = reading.with_models(request, settings, repository, environ, cache_dir, stack, desk)
        desk.check()
        if desk.skips:
            return desk.close(
                delivery.disabled("review", request.subject, "cost_tracking.on_limit is skip: nothing was done.")
            )
        tell = stack.enter_context(progress())
        return desk.close(review(request, tell))


def _checks(settings: "Settings") -> "tuple[Check, ...]":
    from tta_orchestrate import registry
    from tta_orchestrate.modes.review import custom_rules

    off = {name.replace("-", "_") for name in settings.review.checks.disable}
    shipped = tuple(registry.load("checks", name) for name in registry.names("checks") if name not in off)
    return (*shipped, *custom_rules.checks(settings.review.custom_rules))


def _imported(files: Sequence[Path]) -> "tuple[list[Candidate], list[Rejected]]":
    from tta_orchestrate.domain.sarif import read_sarif

    candidates: list[Candidate] = []
    rejected: list[Rejected] = []
    for file in files:
        try:
            data = file.read_bytes()
        except OSError as error:
            raise ConfigError(
                f"the SARIF file {str(file)!r} cannot be read: {error.strerror}",
                remedy="check the path after --sarif-in",
            ) from error
        reading = read_sarif(data, name=str(file), roots=(str(Path.cwd()),))
        candidates += reading.candidates
        rejected += reading.rejected
    return candidates, rejected
