"""What the chaos matrix runs: one entry per mode, each through the engine. A new mode adds itself to ``MODES``."""

import re
from collections.abc import Callable
from dataclasses import dataclass

from scripted import FENCE, claim, verdict
from team import gate, script, tasks
from tta_orchestrate.domain.skips import Skipper, SkipRules
from tta_orchestrate.loopback.faults import Fault
from tta_orchestrate.loopback.question import Script
from tta_orchestrate.modes.review.reader import Options
from tta_orchestrate.modes.review.request import ReviewRequest
from tta_orchestrate.modes.review.run import review
from tta_orchestrate.modes.review.source import of_diff
from tta_orchestrate.ports.model import Engine

UNITS = 6
"""Requests of an undisturbed run, of every mode."""


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
    limit_usd: str = "0.02"
    unseen: frozenset[Fault] = frozenset()
    """Faults that no program could tell from a right answer of this mode."""


def run_tasks(engine):
    results = engine.execute(tasks(UNITS), gate)
    wrong = sum(r.answer not in (None, {"unit": r.task.unit, "result": "done"}) for r in results)
    told = " ".join(f"{r.reason} {r.failure} {[(d.step, d.model, d.reason) for d in r.decisions]}" for r in results)
    return Done(planned=UNITS, done=sum(r.answer is not None for r in results), wrong=wrong, told=told)


FILES = UNITS - 1
"""One shard each; the last request is the judge's."""
ROWS = [f"    total += weights['key_{n:02}'] * amount  # step {n:02}" for n in range(28)]


def _file(number):
    return [f"def work_{number}(weights, amount):", "    total = 0", *ROWS, f"    return total / amount_{number}"]


def _diff():
    for number in range(FILES):
        rows = _file(number)
        head = f"diff --git a/f{number}.py b/f{number}.py\nnew file mode 100644\n--- /dev/null\n+++ b/f{number}.py\n"
        yield from f"{head}@@ -0,0 +1,{len(rows)} @@\n".encode().splitlines(keepends=True)
        yield from (f"+{row}\n".encode() for row in rows)


CHANGE = of_diff(_diff()).change


def read_or_judge(question):
    """One true finding in each file that is shown; a judge that is content."""
    shown = {kind: text for _nonce, kind, text in FENCE.findall("\n".join(question.parts))}
    if "verdicts" in question.schema.get("properties", {}):
        return {"verdicts": [verdict(int(n)) for n in re.findall(r"^claim (\d+) \|", shown["claims"], re.MULTILINE)]}
    numbers = map(int, re.findall(r"^### f(\d)\.py", shown.get("change", ""), re.MULTILINE))
    return {"findings": [claim(f"f{n}.py", len(ROWS) + 3, _file(n)[-1], title=f"No such name {n}") for n in numbers]}


def run_review(engine):
    request = ReviewRequest(
        change=CHANGE, skipper=Skipper(SkipRules(), {}), checks=(), engine=engine, options=Options(shard_tokens=0)
    )
    report = review(request)
    made_up = [one for one in report.findings if one.quote != _file(int(one.path[1]))[-1]]
    twice = len(report.findings) - len({one.path for one in report.findings})
    told = " ".join(
        [
            *(f"{one.path} {one.reason}" for one in report.failures),
            *(f"rejected {one.reason} {one.detail}" for one in report.rejected),
            *report.notices,
            *(f"{one.path} {one.title} {one.message}" for one in report.findings),
        ]
    )
    covered = report.coverage
    return Done(planned=covered.units_planned, done=covered.units_done, wrong=len(made_up) + twice, told=told)


MODES = (
    Mode("tasks", run_tasks, script),
    # A reader that finds nothing cannot be told from a change with nothing to find.
    Mode("review", run_review, read_or_judge, limit_usd="0.5", unseen=frozenset({Fault.HOLLOW})),
)
