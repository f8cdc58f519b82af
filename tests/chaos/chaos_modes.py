"""What the chaos matrix runs: one entry per mode, each through the engine. A new mode adds itself to ``MODES``."""

from collections.abc import Callable
from dataclasses import dataclass

from team import gate, script, tasks
from tta_orchestrate.loopback.question import Script
from tta_orchestrate.ports.model import Engine

UNITS = 6


@dataclass(frozen=True)
class Done:
    """What a mode says it did, checked against the truth."""

    planned: int
    done: int
    wrong: int
    """Results that it calls done and that are not right."""
    told: str
    """Everything it tells its reader: reasons, decisions, answers."""


@dataclass(frozen=True)
class Mode:
    """``run`` does all the work of one run; ``script`` is how the servers answer it rightly."""

    name: str
    run: Callable[[Engine], Done]
    script: Script


def run_tasks(engine):
    results = engine.execute(tasks(UNITS), gate)
    wrong = sum(r.answer not in (None, {"unit": r.task.unit, "result": "done"}) for r in results)
    told = " ".join(f"{r.reason} {r.failure} {[(d.step, d.model, d.reason) for d in r.decisions]}" for r in results)
    return Done(planned=UNITS, done=sum(r.answer is not None for r in results), wrong=wrong, told=told)


MODES = (Mode("tasks", run_tasks, script),)
