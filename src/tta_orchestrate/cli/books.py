"""From settings and environment to the books across runs: which store, which limits, who writes."""

import os
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Final

from tta_orchestrate.domain.cost import nano
from tta_orchestrate.domain.ledger import (
    NOTHING,
    Book,
    Envelope,
    Identity,
    Limit,
    Refusal,
    Terms,
    Window,
    merge,
    remedy,
    today,
)
from tta_orchestrate.errors import UsageError

if TYPE_CHECKING:
    import threading

    from tta_orchestrate.domain.report import Report
    from tta_orchestrate.ledger.orphan_branch import OrphanBranch
    from tta_orchestrate.ledger.port import Ledger
    from tta_orchestrate.settings.model import Settings

FLOOR: Final = nano(Decimal("0.0001"))
"""An envelope below a hundredth of a cent buys nothing."""


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """UTC."""
        return datetime.now(UTC)

    def wait(self, seconds: float, cancelled: "threading.Event") -> None:
        """Sleep, but wake when *cancelled* is set."""
        cancelled.wait(seconds)


def limits(settings: "Settings") -> tuple[Limit, ...]:
    """Return the limits of days and months; ``budget_limit_usd`` is the hard limit of the month."""
    from tta_orchestrate.engine import catalogue

    tracking, known = settings.cost_tracking, catalogue.load()
    today = datetime.now(UTC).date()
    month = Limit(window=Window.MONTH, amount=nano(tracking.budget_limit_usd))
    more = (
        Limit(
            window=one.window,
            amount=nano(one.limit_usd),
            hard=one.hard,
            mode=one.mode,
            model=known.resolve(one.model, today).model if one.model else "",
        )
        for one in tracking.limits
    )
    return (month, *more)


def terms(settings: "Settings") -> Terms:
    """Return under which limits a run may spend."""
    from tta_orchestrate.settings.ledger import OnOutage

    tracking = settings.cost_tracking
    return Terms(
        limits=limits(settings),
        run_limit=nano(tracking.run_limit_usd),
        lease=timedelta(minutes=tracking.ledger.lease_minutes),
        zone=tracking.zone,
        floor=FLOOR,
        sample_limit=nano(tracking.baseline_sample_limit_usd) if tracking.baseline_sample_rate else NOTHING,
        stop_on_outage=tracking.ledger.on_outage is OnOutage.STOP,
    )


def identity(mode: str, env: Mapping[str, str], repository: str = "", part: str = "") -> Identity:
    """Return who writes: the job of GitHub Actions, or a name of its own for each run elsewhere.

    The jobs of a matrix have one name: *part*, or the index that the action passes, tells them apart.
    """
    index = env.get("TTA_RUN_KEY", "").rpartition(":")[2]
    names = (env.get("GITHUB_JOB", "local"), mode, part or (index if index != "0" else ""))
    attempt = env.get("GITHUB_RUN_ATTEMPT", "1")
    return Identity(
        run_id=env.get("GITHUB_RUN_ID") or uuid.uuid4().hex,
        attempt=int(attempt) if attempt.isascii() and attempt.isdigit() else 1,
        job=":".join(name for name in names if name),
        repository=env.get("GITHUB_REPOSITORY", "") or repository,
        mode=mode,
    )


def store(settings: "Settings", env: Mapping[str, str], output: Path) -> "Ledger":
    """Return the configured store; *output* is where an artifact would be left."""
    from tta_orchestrate.ledger.artifacts import Artifacts, BranchOrArtifact
    from tta_orchestrate.ledger.local_file import LocalFile
    from tta_orchestrate.settings.ledger import Store

    chosen = settings.cost_tracking.ledger
    known = chosen.url or (env.get("GITHUB_ACTIONS") == "true" and env.get("GITHUB_REPOSITORY"))
    if chosen.store is Store.FILE or (chosen.store is Store.AUTO and not known):
        return LocalFile(Path(chosen.file) if chosen.file else _state(env) / "ledger.jsonl")
    branch = _branch(settings, env)
    if chosen.store is Store.BRANCH:
        return branch
    beside = Artifacts(output, branch)
    return beside if chosen.store is Store.ARTIFACTS else BranchOrArtifact(branch, beside)


def durable_store(settings: "Settings", env: Mapping[str, str]) -> "Ledger | None":
    """Return the store that a later run is sure to find again, for batches; ``None``: artifacts are no such place."""
    from tta_orchestrate.ledger.artifacts import Artifacts, BranchOrArtifact

    found = store(settings, env, Path())
    if isinstance(found, BranchOrArtifact):
        return _branch(settings, env)
    return None if isinstance(found, Artifacts) else found


def day(settings: "Settings", now: datetime) -> str:
    """Return the day in whose books a run of *now* stands."""
    return today(now, settings.cost_tracking.zone).isoformat()


def _state(env: Mapping[str, str]) -> Path:
    root = env.get("XDG_STATE_HOME", "")
    return (Path(root) if root.startswith("/") else Path.home() / ".local/state") / "tta-orchestrate"


def _branch(settings: "Settings", env: Mapping[str, str]) -> "OrphanBranch":
    from tta_orchestrate.ledger.orphan_branch import OrphanBranch

    chosen = settings.cost_tracking.ledger
    server = env.get("GITHUB_SERVER_URL") or "https://github.com"
    url = chosen.url or f"{server}/{env.get('GITHUB_REPOSITORY', '')}.git"
    own = url.startswith(f"{server}/")  # the job's token is for its own server alone
    return OrphanBranch(
        url=url,
        environ=env,
        clock=SystemClock(),
        random=Random(),  # noqa: S311 -- jitter
        token=(env.get("GITHUB_TOKEN") or env.get("INPUT_GITHUB-TOKEN", "")) if own else "",
        branch=chosen.branch,
    )


def reading(settings: "Settings", files: Sequence[Path], months: Sequence[str]) -> Book:
    """Return the books of *months*: of *files* when some are named, else of the configured store."""
    from tta_orchestrate.ledger.local_file import LocalFile

    for file in files:
        if not file.is_file():
            raise UsageError(f"there is no ledger file {str(file)!r}", remedy="check the path after --ledger")
    ledgers: list[Ledger] = [LocalFile(file) for file in files] or [store(settings, os.environ, Path())]
    found = [one.read(months) for one in ledgers]
    return Book(entries=merge(*(book.entries for book in found)), unreadable=sum(book.unreadable for book in found))


def take_in(settings: "Settings", files: Sequence[Path], run_id: str) -> int:
    """Write the entries of downloaded *files* into the configured store; return how many were new."""
    from tta_orchestrate.ledger import artifacts

    return artifacts.take_in(store(settings, os.environ, Path()), files, run_id)


def shortage(report: "Report", envelope: Envelope) -> tuple[str, ...]:
    """Return a note for each hard limit of days and months that stood against a call, with the way out."""
    from tta_orchestrate.domain.cost import usd

    reached = {state.name for state in report.cost.budgets if state.hard and state.reached}
    return tuple(
        f"The limit of the {one.limit.name} stopped calls: it left ${usd(one.room)} of ${usd(one.limit.amount)} for"
        f" this run. To go on: {remedy(one.limit, envelope.day)}."
        for one in envelope.limits
        if one.limit.hard and one.limit.name in reached
    )


def stopped(report: "Report", refusal: Refusal) -> "Report":
    """Return *report* of the work that needed no model, honest about the rest: never green, with the way out."""
    from tta_orchestrate.domain.outcome import Conclusion, Outcome, conclude
    from tta_orchestrate.domain.report import Failure

    lost = Failure(unit="models", path="", reason=refusal.reason)
    verdict = report.verdict
    if verdict.outcome in {Outcome.CLEAN, Outcome.FINDINGS, Outcome.PARTIAL}:
        verdict = conclude(Outcome.PARTIAL, fail_on_met=verdict.conclusion is Conclusion.FAILURE)
    return replace(
        report,
        verdict=verdict,
        failures=(*report.failures, lost),
        notices=(*report.notices, f"No model was called: {refusal.reason}. To go on: {refusal.remedy}."),
    )
