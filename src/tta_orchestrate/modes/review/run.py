"""The review mode: plan, checks, models, evidence gate, judge, identity, policy, verdict."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from tta_orchestrate.domain.change import Change
from tta_orchestrate.domain.evidence import FileEvidence, Weighed, weigh
from tta_orchestrate.domain.finding import Candidate, Finding, Rejected, Rejection
from tta_orchestrate.domain.identity import dismissals
from tta_orchestrate.domain.outcome import Tally, conclude, decide
from tta_orchestrate.domain.policy import Judged, apply
from tta_orchestrate.domain.report import Coverage, Report
from tta_orchestrate.modes.review import syntax
from tta_orchestrate.modes.review.local import LocalResult, Plan, Progress, held_at_base, plan, run_checks
from tta_orchestrate.modes.review.request import ReviewRequest
from tta_orchestrate.modes.review.second_look import Opinion, SecondLook
from tta_orchestrate.ports import SourceFile


def review(request: ReviewRequest, progress: Progress = lambda _what, _done, _of: None) -> Report:
    """Review *request* and return what came of it."""
    planned = plan(request.change, request.skipper, request.read_head)
    files = {file.path: file for file in planned.files}
    local = run_checks(planned.files, request.checks, progress)
    evidence = {path: FileEvidence(file.change, file.text, syntax.lookup) for path, file in files.items()}
    second = SecondLook(request, files, evidence)
    claims = second.read(progress)
    weighed = weigh(
        [*local.candidates, *(_quoted(candidate, evidence) for candidate in request.imported), *claims],
        evidence,
        scope=request.scope,
        pre_existing=_pre_existing(request, local.candidates, files),
    )
    opinion = second.weigh(weighed.findings, progress)
    accepted, dismissed = _without_dismissed(opinion.findings, dismissals(request.previous, request.dismissed))
    judged = apply(request.policy, accepted, {path: _text_lines(file) for path, file in files.items()})
    rejected = (*request.refused, *weighed.rejected, *opinion.rejected, *dismissed, *judged.rejected)
    looked = bool(local.performed_by) or second.has_reader
    coverage = _coverage(request.change, planned, local, opinion, looked=looked)
    begun = sum(file.path in opinion.unafforded - local.unfinished for file in planned.files)
    tally = Tally(planned=coverage.units_planned, done=coverage.units_done, begun=begun, findings=len(judged.findings))
    outcome = decide(tally)
    return Report(
        mode="review",
        verdict=conclude(outcome, fail_on_met=judged.fail_on_met, on_partial=request.on_partial),
        findings=judged.findings,
        rejected=rejected,
        skipped=(*planned.skipped, *local.skipped),
        failures=(*local.failures, *opinion.failures),
        coverage=coverage,
        subject=request.subject,
        notices=(*request.notices, *_notices(request, planned, weighed, judged, looked=looked), *opinion.notices),
        extra=second.told(judged.findings, rejected),
        **_cost(request),
    )


def _cost(request: ReviewRequest) -> dict[str, Any]:
    return {} if request.engine is None else {"cost": request.engine.cost()}


def _without_dismissed(
    findings: Iterable[Finding], dismissed: frozenset[str]
) -> tuple[tuple[Finding, ...], tuple[Rejected, ...]]:
    found = tuple(findings)
    gone = tuple(
        Rejected(candidate=one, reason=Rejection.DISMISSED, detail="somebody dismissed it")
        for one in found
        if one.fingerprint in dismissed
    )
    return tuple(one for one in found if one.fingerprint not in dismissed), gone


def _quoted(candidate: Candidate, evidence: Mapping[str, FileEvidence]) -> Candidate:
    """Fill in the words at the claimed lines where the tool gave only a place."""
    file = evidence.get(candidate.path)
    if candidate.quote or file is None or candidate.end_line - candidate.start_line > 200:  # noqa: PLR2004 -- a page
        return candidate
    known = file.lines(candidate.side)
    lines = [known.get(n) for n in range(candidate.start_line, candidate.end_line + 1)]
    if any(line is None for line in lines):
        return candidate
    return replace(candidate, quote="\n".join(line or "" for line in lines))


def _pre_existing(
    request: ReviewRequest, candidates: Iterable[Candidate], files: dict[str, SourceFile]
) -> Callable[[Candidate], bool]:
    if request.read_base is None:
        return lambda _candidate: False
    held = held_at_base(candidates, files, request.checks, request.read_base)
    return lambda candidate: (candidate.path, candidate.rule) in held


def _text_lines(file: SourceFile) -> Sequence[str]:
    if file.text is not None:
        return file.text.split("\n")
    known = {line.new: line.text for hunk in file.change.hunks for line in hunk.lines() if line.new is not None}
    return [known.get(n, "") for n in range(1, max(known, default=0) + 1)]


def _coverage(change: Change, planned: Plan, local: LocalResult, opinion: Opinion, *, looked: bool) -> Coverage:
    """Count files as units: one is done when every check and, where models read, every segment has an answer.

    Where nobody *looked*, nothing is done.
    """
    unfinished = local.unfinished | opinion.unread
    finished = [file for file in planned.files if looked and file.path not in unfinished]
    return Coverage(
        files_changed=len(change.files),
        files_reviewed=len(finished),
        lines_changed=sum(file.added + file.removed for file in change.files),
        lines_reviewed=sum(file.change.added + file.change.removed for file in finished),
        units_planned=len(planned.files),
        units_done=len(finished),
        performed_by=(*local.performed_by, *opinion.performed_by),
    )


def _notices(request: ReviewRequest, planned: Plan, weighed: Weighed, judged: Judged, *, looked: bool) -> list[str]:
    notices = []
    if not request.change.files:
        notices.append("The change is empty: there was nothing to review.")
    elif not planned.files:
        notices.append("Every changed file was left out (see the reasons): there was nothing to review.")
    elif not looked:
        notices.append("Nobody looked: every check is switched off, and no model can be asked.")
    if weighed.suggestions_dropped:
        notices.append(f"{weighed.suggestions_dropped} suggestions were dropped: they did not hold.")
    silenced = sum(entry.reason is Rejection.INLINE_IGNORE for entry in judged.rejected)
    if silenced:
        notices.append(f"{silenced} findings are silenced by tta: ignore comments in the code; they are listed below.")
    return notices
