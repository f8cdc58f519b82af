"""A whole report on GitHub: into a check run, and beside the lines of a pull request."""

from collections.abc import Callable

from tta_orchestrate.domain.annotation import annotations
from tta_orchestrate.domain.finding import Finding
from tta_orchestrate.domain.headline import verdict
from tta_orchestrate.domain.outcome import Outcome
from tta_orchestrate.domain.report import Report
from tta_orchestrate.domain.sanitiser import plain
from tta_orchestrate.github.api import GitHub
from tta_orchestrate.github.publish.check_run import SUMMARY_LIMIT, Delivery, OpenCheckRun, Verdict
from tta_orchestrate.github.publish.comment import TEXT_LIMIT, publish_comment
from tta_orchestrate.github.publish.review import Posted, publish_review

Summarise = Callable[[Report, int], str]
"""The report as Markdown of at most so many bytes."""


def into_check_run(
    check: OpenCheckRun, report: Report, summarise: Summarise, *, remarks: bool = True, text: str = ""
) -> Delivery:
    """Complete *check* with *report*, whose secrets must be masked already (``redaction.presentable_report``).

    Without *remarks* in one request: no annotations are added to those that are there. *text* stands below the summary.

    Raises:
        GitHubError: GitHub refuses, or does not answer.
    """
    return check.complete(
        Verdict(
            conclusion=report.verdict.conclusion,
            title=plain(verdict(report), 200),
            summary=summarise(report, SUMMARY_LIMIT),
            annotations=annotations(_certain(report)) if remarks else (),
            text=text,
        )
    )


def onto_pull_request(
    api: GitHub, number: int, head: str, report: Report, summarise: Summarise, *, remarks: bool, sticky: bool
) -> Posted:
    """Post review comments (*remarks*) and keep the one comment up to date (*sticky*).

    Raises:
        GitHubError: GitHub refuses, or does not answer.
    """
    posted = Posted()
    if remarks and _certain(report):
        posted = publish_review(api, number, head, _certain(report))
    if sticky and report.verdict.outcome is not Outcome.SKIPPED:
        publish_comment(api, number, summarise(report, TEXT_LIMIT))
    return posted


def _certain(report: Report) -> tuple[Finding, ...]:
    """Return what may stand at a line; the folded findings are in the summary only."""
    return tuple(one for one in report.findings if not one.folded)
