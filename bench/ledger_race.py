"""Parallel writers against one local bare repository: does the ledger keep everything that was written?

Each run writes twice (reserve, settle), as a real one does. Prints what was kept, the pushes and the worst tries; ends
with 1 when an entry is missing.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from random import Random

from machine import machine

from tta_orchestrate.domain.cost import NanoUsd
from tta_orchestrate.domain.ledger import Envelope, Identity, Limit, Terms, Window
from tta_orchestrate.domain.outcome import Outcome, conclude
from tta_orchestrate.domain.report import Report
from tta_orchestrate.ledger.envelope import open_envelope, settle
from tta_orchestrate.ledger.orphan_branch import OrphanBranch


class Clock:
    """The real one."""

    def now(self):
        from datetime import UTC, datetime

        return datetime.now(UTC)

    def wait(self, seconds, cancelled):
        cancelled.wait(seconds)


def writer(url: str, number: int, runs: int) -> tuple[int, int, int]:
    """Reserve and settle *runs* runs; return pushes that landed, pushes tried, worst tries of one."""
    store = OrphanBranch(url=url, environ=os.environ, clock=Clock(), random=Random(number))
    report = Report(mode="review", verdict=conclude(Outcome.CLEAN))
    for run in range(runs):
        terms = Terms(
            limits=(Limit(window=Window.MONTH, amount=NanoUsd(10**15)),),
            run_limit=NanoUsd(10**9),
            lease=timedelta(hours=1),
        )
        who = Identity(run_id=f"{number}-{run}", attempt=1, job="race", repository="bench/race", mode="review")
        envelope = open_envelope(store, terms, who, store.clock.now())
        assert isinstance(envelope, Envelope)
        assert envelope.recorded, envelope.notes
        assert settle(store, envelope, report, store.clock.now()).recorded
    return store.pushes.done, store.pushes.tried, store.pushes.worst


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--writers", type=int, default=8)
    parser.add_argument("--runs", type=int, default=25)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        bare = Path(folder) / "origin.git"
        subprocess.run(["git", "init", "--quiet", "--bare", str(bare)], check=True)
        url = bare.as_uri()
        started = time.monotonic()
        with ThreadPoolExecutor(given.writers) as pool:
            figures = list(pool.map(lambda n: writer(url, n, given.runs), range(given.writers)))
        seconds = time.monotonic() - started
        store = OrphanBranch(url=url, environ=os.environ, clock=Clock(), random=Random(0))
        kept = len(store.read(store.months()).entries)
    written = given.writers * given.runs * 2
    result = {
        "writers": given.writers,
        "runs": given.runs,
        "written": written,
        "kept": kept,
        "pushes_landed": sum(one[0] for one in figures),
        "pushes_tried": sum(one[1] for one in figures),
        "worst_tries": max(one[2] for one in figures),
        "seconds": round(seconds, 1),
    }
    print(machine())
    print(json.dumps(result))
    print(f"kept = {kept}, written = {written}: {'nothing lost' if kept == written else 'LOST'}")
    return 0 if kept == written else 1


if __name__ == "__main__":
    sys.exit(main())
