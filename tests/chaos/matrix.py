"""The chaos matrix: every fault x every position x every mode, each cell judged by the invariants.

``python tests/chaos/matrix.py`` prints it (``make chaos``); the suite runs the same cells.
"""

import errno
import functools
import itertools
import json
import os
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from chaos.chaos_modes import MODES, SLOW_MODES, UNITS, Done, Mode
from team import KEYS, World
from tta_orchestrate.cli.wiring import Doors
from tta_orchestrate.domain.outcome import Outcome, Tally, decide
from tta_orchestrate.loopback.faults import POSITIONS, At, Fault
from tta_orchestrate.loopback.server import Loopback

DEADLINE = 300.0
WRITES = 1 + 3 * UNITS
OWN = {
    "F24 disk full": "disk",
    "F25 cancelled": "cancel",
    "F26 killed while a call is on its way": "kill",
    "F27 crash at a journal write": "crash",
    "F30 model without a price": "unpriced",
}
ROWS = sorted([*(fault.value for fault in Fault), *OWN], key=lambda name: int(name[1:].split()[0]))


DOORS = Doors()
"""One set of connections for all cells: making the SDKs' clients costs more than the calls."""


class Crash(BaseException):
    """The process is gone."""


@dataclass
class Cell:
    """One run of the matrix and what is wrong with it."""

    fault: str
    position: str
    mode: str
    outcome: Outcome = Outcome.UNAVAILABLE
    broken: list[str] = field(default_factory=list)
    requests: int = 0


@dataclass
class Attempt:
    """One process of a run: it may crash at a journal write."""

    world: World
    mode: Mode
    changes: dict
    on_write: Callable[[], None]

    def run(self):
        try:
            engine = self.world.engine(journal=True, on_journal_write=self.on_write, **self.changes)
            return engine, self.mode.run(engine)
        except Crash:
            return None, None
        finally:
            self.world.close()


def run_cell(server: Loopback, fault: str, position: str, mode: Mode, folder: Path) -> Cell:
    """Run one cell and judge it."""
    cell = Cell(fault=fault, position=position, mode=mode.name)
    scheduled = next((f for f in Fault if f.value == fault), None)
    server.reset(mode.script, At(scheduled, position, UNITS) if scheduled else lambda index: None)
    world = World(server.url, folder, doors=DOORS)
    changes = {
        "cost_tracking": {"run_limit_usd": mode.limit_usd},
        "calls": {"deadline_seconds": DEADLINE, "idle_seconds": 0.3 if scheduled is Fault.HANG else 10.0},
    }
    on_write = _prepare(OWN.get(fault, ""), position, server, changes)
    engine = done = None
    attempts = itertools.count()
    while done is None:
        numbered = functools.partial(_numbered, on_write, next(attempts), itertools.count())
        engine, done = Attempt(world, mode, changes, numbered).run()
    _judge(cell, server, engine.cost(), done, world, mode)
    return cell


def _numbered(on_write: Callable[[int, int], None], attempt: int, writes: Iterator[int]) -> None:
    on_write(attempt, next(writes))


def _prepare(kind: str, position: str, server: Loopback, changes: dict) -> Callable[[int, int], None]:
    """Set the world up for a fault that is not the server's; return what happens before each journal write."""
    hits, now = POSITIONS[position], {"dead": False}

    if kind == "disk":
        return lambda attempt, write: _full() if hits(write, WRITES) else None
    if kind == "crash":
        return lambda attempt, write: _crash_at(attempt, write, position)
    if kind == "kill":

        def at_request(index):
            if hits(index, UNITS) and not (position == "always" and index >= UNITS):
                now["dead"] = True
                raise ConnectionResetError

        server.on_request = at_request

        def dies(attempt, write):
            if write == 0:
                now["dead"] = False
            if now["dead"]:
                raise Crash

        return dies
    if kind == "unpriced":
        _unprice(position, server, changes)
    return lambda attempt, write: None


def _full():
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def _crash_at(attempt: int, write: int, position: str) -> None:
    at = {"first": 0, "middle": WRITES // 2, "last": WRITES - 1, "every third": 2, "always": attempt}[position]
    once = position in {"first", "middle", "last"}
    if write == at and not (once and attempt) and attempt < 2 * WRITES:
        raise Crash


def _unprice(position: str, server: Loopback, changes: dict) -> None:
    url = server.url
    nobody = {"model": "nobodys-model", "provider": "openai-compatible", "base_url": f"{url}/v1"}
    groq = {"model": "llama-3.3-70b-versatile", "provider": "groq", "base_url": f"{url}/v1"}
    team = {
        "first": [nobody, groq],
        "middle": [groq, nobody, groq],
        "last": [groq, nobody],
        "every third": [groq, groq, nobody],
        "always": [nobody],
    }
    changes["executors"] = team[position]
    if position == "always":
        changes["orchestrator"] = {
            "provider": "openai-compatible",
            "model": "nobodys-other-model",
            "base_url": f"{url}/v1",
        }


def _judge(cell: Cell, server: Loopback, cost, done: Done, world: World, mode: Mode) -> None:
    folder = world.folder
    outcome = decide(Tally(planned=done.planned, done=done.done, findings=0))
    cell.outcome, cell.requests = outcome, server.requests
    right = done.done - done.wrong
    broken = cell.broken
    if done.wrong or (outcome is Outcome.CLEAN and right < done.planned):
        broken.append("silent green")
    settled = cost.budgets[0].settled
    limit = int(Decimal(mode.limit_usd) * 10**9)
    if settled > limit or server.charged > limit:
        broken.append("overrun")
    if settled < server.charged:
        broken.append("the ledger is below the server's own count")
    # a machine so slow that a sound request timed out: that one may rightly have been sent again
    slow = sum(c.outcome == "timeout" for c in cost.calls) > sum(s.fault == Fault.HANG.value for s in server.log)
    known = sum(c.cash for c in cost.calls if c.usage.input_tokens)
    delivered = sum(s.charged for s in server.log if s.delivered)
    killed = cell.fault in {"F26 killed while a call is on its way", "F27 crash at a journal write"}
    if not (killed or slow) and known != delivered:
        broken.append(f"ledger {known} and server {delivered} differ for complete replies")
    paid = Counter((s.model, s.prompt) for s in server.log if s.delivered and not s.fault and s.index >= 0)
    if not slow and any(times > 1 for times in paid.values()):
        broken.append("double-paid")
    if world.clock.monotonic() > DEADLINE + 5:
        broken.append("past the deadline")
    text = (folder / "journal.jsonl").read_text()
    for line in text.splitlines():
        try:
            json.loads(line)
        except ValueError:
            broken.append("the journal does not parse")
    if any(key in text + done.told + repr(cost) for key in KEYS.values()):
        broken.append("a key leaked")
    unseen = {fault.value for fault in mode.unseen}
    hit = any(s.fault and s.fault not in unseen for s in server.log)
    if hit and not (any(c.outcome != "ok" for c in cost.calls) or "rejected" in done.told or mode.said in done.told):
        broken.append("the fault is told to nobody")
    if left := [p.name for p in folder.rglob("*") if p.is_file() and p.suffix not in {".json", ".jsonl"}]:
        broken.append(f"left behind: {left}")


def run_row(server: Loopback, fault: str, mode: Mode) -> list[Cell]:
    """Run one fault at every position."""
    cells = []
    for position in POSITIONS:
        with tempfile.TemporaryDirectory() as folder:
            if fault == "F25 cancelled":
                cells.append(run_cancelled(server, position, mode, Path(folder)))
            else:
                cells.append(run_cell(server, fault, position, mode, Path(folder)))
    return cells


def run_cancelled(server: Loopback, position: str, mode: Mode, folder: Path) -> Cell:
    """Cancel when the request at *position* arrives; afterwards no call may start."""
    cell = Cell(fault="F25 cancelled", position=position, mode=mode.name)
    server.reset(mode.script)
    world = World(server.url, folder, doors=DOORS)
    workers = 2
    engine = world.engine(
        journal=True, cost_tracking={"run_limit_usd": mode.limit_usd}, calls={"workers": workers, "idle_seconds": 10.0}
    )
    seen_at_cancel = []

    def on_request(index):
        if POSITIONS[position](index, UNITS):
            seen_at_cancel.append(index)
            engine.cancel()

    server.on_request = on_request
    done = mode.run(engine)
    _judge(cell, server, engine.cost(), done, world, mode)
    if server.requests > seen_at_cancel[0] + 1 + workers:
        cell.broken.append("calls started after the cancel")
    if server.requests < UNITS and cell.outcome is Outcome.CLEAN:
        cell.broken.append("silent green")
    world.close()
    return cell


def main() -> int:
    """Print the matrix; exit 1 when any cell is broken."""
    start, cells, modes = time.monotonic(), [], [*MODES, *SLOW_MODES]
    if chosen := sys.argv[1:]:
        modes = [mode for mode in modes if mode.name in chosen]
    with closing(DOORS), Loopback() as server:
        print(f"{'fault':48}" + "".join(f"{position:>14}" for position in POSITIONS))
        for mode in modes:
            for fault in ROWS:
                row = run_row(server, fault, mode)
                cells += row
                print(f"{fault[:46]:48}" + "".join(f"{'BROKEN' if c.broken else c.outcome.value:>14}" for c in row))
    for cell in cells:
        for what in cell.broken:
            print(f"BROKEN {cell.mode} / {cell.fault} / {cell.position}: {what}")
    count = Counter("silent green" if w == "silent green" else w for c in cells for w in c.broken)
    requests = sum(c.requests for c in cells)
    print(
        f"\ncells run {len(cells)} ({len(ROWS)} faults x {len(POSITIONS)} positions x {len(modes)} modes), requests {requests}, "
        f"silent greens {count['silent green']}, overruns {count['overrun']}, double-paid {count['double-paid']}, "
        f"other violations {sum(count.values()) - count['silent green'] - count['overrun'] - count['double-paid']}; "
        f"{time.monotonic() - start:.1f} s"
    )
    return 1 if count else 0


if __name__ == "__main__":
    raise SystemExit(main())
