"""Entries, identities and reports for every test of the books."""

import os
import subprocess
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

from samples import call
from tta_orchestrate.domain.cost import CostReport, NanoUsd
from tta_orchestrate.domain.ledger import Entry, Identity, Limit, Phase, Terms, Window
from tta_orchestrate.domain.outcome import Outcome, conclude
from tta_orchestrate.domain.report import Coverage, Report
from tta_orchestrate.ledger.orphan_branch import Backoff, OrphanBranch

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
DOLLAR = NanoUsd(10**9)


def dollars(amount) -> NanoUsd:
    return NanoUsd(int(amount * DOLLAR))


def who(run="1", *, job="review", mode="review", attempt=1) -> Identity:
    return Identity(run_id=run, attempt=attempt, job=job, repository="acme/shop", mode=mode)


def entry(run="1", phase=Phase.SETTLE, **changes) -> Entry:
    values = {
        "run_id": run,
        "attempt": 1,
        "job": "review",
        "phase": phase,
        "at": NOW,
        "day": "2026-11-22",
        "repository": "acme/shop",
        "mode": "review",
        **changes,
    }
    return Entry(**values)


def terms(month=10, run=1, **changes) -> Terms:
    limits = (Limit(window=Window.MONTH, amount=dollars(month)),)
    return Terms(**{"limits": limits, "run_limit": dollars(run), "lease": timedelta(hours=1), **changes})


def report(cash=0, *, model="claude-haiku-5-5", calls=1) -> Report:
    share = NanoUsd(dollars(cash) // calls)
    spent = tuple(
        call(unit=f"u{i}", request_model=model, response_model=model, cash=share, list_price=share)
        for i in range(calls)
    )
    return Report(
        mode="review",
        verdict=conclude(Outcome.CLEAN),
        coverage=Coverage(units_planned=calls, units_done=calls),
        cost=CostReport(calls=spent),
    )


class Clock:
    """Stands still; a wait is counted, not slept."""

    def __init__(self, now=NOW) -> None:
        self._now = now
        self.waits: list[float] = []

    def now(self):
        return self._now

    def wait(self, seconds: float, cancelled: threading.Event) -> None:
        self.waits.append(seconds)


class RealClock(Clock):
    """Stands still, yet really sleeps: for races."""

    def wait(self, seconds: float, cancelled: threading.Event) -> None:
        cancelled.wait(seconds)


def bare(folder: Path) -> str:
    """A bare repository; returns its address."""
    subprocess.run(["git", "init", "--quiet", "--bare", str(folder)], check=True, capture_output=True)
    return folder.as_uri()


def branch(url: str, *, seed=0, clock=None, tries=30) -> OrphanBranch:
    return OrphanBranch(
        url=url, environ=os.environ, clock=clock or Clock(), random=Random(seed), backoff=Backoff(tries=tries)
    )
