"""``tta-orchestrate review``: look at a change, leave a report."""

import os
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tta_orchestrate.cli import options
from tta_orchestrate.errors import ConfigError, UsageError

if TYPE_CHECKING:
    from tta_orchestrate.domain.finding import Candidate, Rejected
    from tta_orchestrate.domain.report import Report
    from tta_orchestrate.modes.review.source import Source
    from tta_orchestrate.settings.loader import Loaded
    from tta_orchestrate.workspace.git import Repository

_CHANGE, _POLICY = "What is reviewed", "What counts"


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
    sarif_in: Annotated[
        list[Path] | None,
        typer.Option(metavar="FILE", help="Weigh another tool's SARIF too; may be repeated.", rich_help_panel=_CHANGE),
    ] = None,
    scope: Annotated[
        str | None, typer.Option(metavar="changed|file", help="Changed lines, or whole files.", rich_help_panel=_POLICY)
    ] = None,
    fail_on: Annotated[
        str | None,
        typer.Option(
            metavar="SEVERITY", help="Exit 1 on findings this bad or worse; `never` to advise only.",
            rich_help_panel=_POLICY,
        ),
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
    config: options.Config = None,
    output: options.Output = options.DEFAULT_OUTPUT,
) -> int:
    """Review a change and leave findings, SARIF, summary and cost report in a folder.

    Without options: what the current branch adds to the default branch; on the default branch, its last commit. With
    `--base`, configuration and baseline are read from that commit, so that a change cannot relax its own review.
    """
    _refuse_contradictions(base, head, staged=staged, diff=diff)
    flags = {
        "--scope": scope,
        "--fail-on": fail_on,
        "--min-severity": min_severity,
        "--on-partial": on_partial,
        "--baseline": baseline,
    }
    from tta_orchestrate.cli import delivery

    with _repository(required=diff is None) as repository:
        source = _source(repository, base, head, staged=staged, diff=diff)
        steering_rev = source.change.base if base is not None and repository else None
        loaded = _settings(repository, steering_rev, config, flags)
        if not loaded.settings.enabled:
            return delivery.deliver(delivery.disabled("review", source.subject), output)
        report = _report(repository, steering_rev, source, loaded, tuple(path or ()), sarif_in or ())
        if write_baseline:
            delivery.accept(report, repository, loaded.settings.review.baseline)
        return delivery.deliver(report, output, exit_code=0 if write_baseline else None)


def _refuse_contradictions(base: str | None, head: str | None, *, staged: bool, diff: str | None) -> None:
    chosen = [name for name, given in {"--diff": diff, "--staged": staged, "--base/--head": base or head}.items() if given]
    if len(chosen) > 1:
        raise UsageError(f"{' and '.join(chosen)} exclude each other", remedy="give only one of them")


def _repository(*, required: bool) -> "Repository | _Nowhere":
    from tta_orchestrate.errors import GitError
    from tta_orchestrate.workspace.git import Repository

    try:
        return Repository.open(Path.cwd(), os.environ)
    except GitError:
        if required:
            raise
        return _Nowhere()
