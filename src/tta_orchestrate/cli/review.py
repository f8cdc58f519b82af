"""``tta-orchestrate review``: look at a change, leave a report."""

import os
import sys
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tta_orchestrate.cli import options
from tta_orchestrate.errors import GitError, SourceError, UsageError

if TYPE_CHECKING:
    from tta_orchestrate.modes.review.source import Source
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
    repo: Annotated[
        str | None,
        typer.Option(metavar="OWNER/NAME", help="Review a pull request of this repository.", rich_help_panel=_CHANGE),
    ] = None,
    pr: Annotated[
        int | None, typer.Option(metavar="N", help="The number of that pull request.", rich_help_panel=_CHANGE)
    ] = None,
    post: Annotated[
        bool, typer.Option("--post", help="Publish the result there as well.", rich_help_panel=_CHANGE)
    ] = False,
    local: Annotated[
        bool, typer.Option("--local", help="Ask no model and spend nothing, whatever keys are there.")
    ] = False,
    budget_usd: options.Budget = None,
    config: options.Config = None,
    output: options.Output = options.DEFAULT_OUTPUT,
) -> int:
    """Review a change; leave findings, SARIF, summary and cost report in a folder.

    Without options: what the current branch adds to the default branch; on the default branch, its last commit. With
    `--base`, configuration and baseline are read from that commit: a change cannot relax its own review.
    """
    _refuse_contradictions(base, head, staged=staged, diff=diff, pull=(repo, pr), post=post)
    from tta_orchestrate.cli import delivery, reading, reviewing

    if repo is not None and pr is not None:
        from tta_orchestrate.cli.pull_request import review_pull_request

        report = review_pull_request(
            repo,
            pr,
            output=output,
            environ=_without_keys(os.environ) if local else os.environ,
            paths=tuple(path or ()),
            fail_on=fail_on,
            budget_usd=budget_usd,
            post=post,
        )
        return delivery.deliver(report, output)
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
            "--budget-usd": budget_usd,
        }
        settings = _settings(steering, config, flags)
        if not settings.enabled:
            return delivery.deliver(delivery.disabled("review", source.subject), output)
        request = reviewing.request_for(source, settings, steering, _only(path, plan, shard), sarif_in or ())
        request = replace(request, previous=reading.previous_run(previous))
        place = reading.Place(
            environ=_without_keys(os.environ) if local else os.environ,
            output=output,
            cache_dir=cache_dir,
            part=str(shard or ""),
        )
        report = reviewing.run(request, settings, repository, place)
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


def _without_keys(environ: Mapping[str, str]) -> dict[str, str]:
    """Return what a run without models may know of its surroundings: where it is, and how to reach GitHub."""
    kept = ("GITHUB_", "GH_TOKEN", "PATH", "HOME", "XDG_", "HTTP", "http", "NO_PROXY", "no_proxy", "SSL_")
    return {name: value for name, value in environ.items() if name.startswith(kept)}


def _refuse_contradictions(
    base: str | None,
    head: str | None,
    *,
    staged: bool,
    diff: str | None,
    pull: tuple[str | None, int | None],
    post: bool,
) -> None:
    given = {
        "--diff": diff is not None,
        "--staged": staged,
        "--base/--head": base is not None or head is not None,
        "--repo/--pr": pull != (None, None),
    }
    chosen = [name for name, is_given in given.items() if is_given]
    if len(chosen) > 1:
        raise UsageError(f"{' and '.join(chosen)} exclude each other", remedy="give only one of them")
    if pull != (None, None) and None in pull:
        raise UsageError("--repo and --pr belong together", remedy="give both: --repo OWNER/NAME --pr N")
    if post and pull == (None, None):
        raise UsageError("--post needs a pull request", remedy="give --repo OWNER/NAME --pr N as well")


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


def _settings(steering: _Steering, config: Path | None, flags: Mapping[str, object]) -> "Settings":
    source = options.config_source(config) if config else options.steering_source(steering)
    return options.settings(source, flags).settings
