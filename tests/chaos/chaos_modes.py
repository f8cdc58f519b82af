"""What the chaos matrix runs: one entry per mode, each through the engine. A new mode adds itself to ``MODES``."""

import re
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from chaos.in_process_box import InProcessBox
from docgen_fakes import project
from scripted import FENCE, claim, verdict
from team import gate, script, tasks
from tta_orchestrate.domain.skips import Skipper, SkipRules
from tta_orchestrate.loopback.faults import Fault
from tta_orchestrate.loopback.question import Script
from tta_orchestrate.modes.review.reader import Options
from tta_orchestrate.modes.review.request import ReviewRequest
from tta_orchestrate.modes.review.run import review
from tta_orchestrate.modes.review.source import of_diff
from tta_orchestrate.modes.test_gen.environment import Environment
from tta_orchestrate.modes.test_gen.run import Request
from tta_orchestrate.modes.test_gen.run import run as generate
from tta_orchestrate.ports.model import Engine
from tta_orchestrate.sandbox.spec import Level
from tta_orchestrate.settings.test_gen import TestGen

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
    said: str = "rejected"
    """The words by which the mode tells of an answer that it did not take."""
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


DOORS = FILES
"""One function each, whose one branch nothing but the model finds; the last request is the judge's."""
DOOR = '''

def door_{0}(word: str) -> str:
    """Return "open" for the right word, "shut" for any other."""
    if word == "word-{0}":
        return "open"
    return "shut"
'''
MODULE = "chaos_doors"


def open_or_judge(question):
    """The right test for each function that is shown; a judge that is content."""
    if "verdicts" in question.schema.get("properties", {}):
        found = re.findall(r"^id (\d+), (\w+):", question.text, re.MULTILINE)
        fitting = {"test": "fine", "mutant": "testable"}
        return {"verdicts": [{"id": int(n), "verdict": fitting[k], "name": "", "reason": "scripted"} for n, k in found]}
    number = re.search(r"Function: door_(\d)", question.text)[1]
    return {"tests": [{"name": f"test_door_{number}_opens", "code": _opens(number)}]}


def _opens(number):
    body = f"def test_door_{number}_opens():\n    assert door_{number}('word-{number}') == 'open'\n"
    return f"from {MODULE} import door_{number}\n\n\n{body}"


class Watched:
    """An engine that remembers what it was asked for and what it returned."""

    def __init__(self, engine):
        self._engine, self.results = engine, {}

    def __getattr__(self, name):
        return getattr(self._engine, name)

    def execute(self, tasks, gate):
        return self._kept(self._engine.execute(tasks, gate))

    def judge(self, tasks, gate):
        return self._kept(self._engine.judge(tasks, gate))

    def _kept(self, results):
        self.results |= {result.task.unit.removesuffix(" 2").removesuffix(" 1"): result for result in results}
        return results


def run_test_gen(engine):
    watched = Watched(engine)
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / f"{MODULE}.py").write_text("".join(DOOR.format(n) for n in range(DOORS)))
        request = Request(
            root=Path(folder), files=(f"{MODULE}.py",), level=Level.BOX, sandbox=InProcessBox(),
            environment=Environment(python=sys.executable, binds=(), origin="the matrix"),
        )  # fmt: skip
        report = generate(request, TestGen(mutants=40, seconds_per_target=600), engine=watched)
    (target,) = report.extra["targets"]
    right = {f"test_door_{n}_opens" for n in range(DOORS)}
    kept = {one["test"].rpartition("::")[2] for one in target["kept"]}
    wrong = len(kept - right) + sum(
        f"door_{one[10]}('word-{one[10]}')" not in report.patch.replace('"', "'") for one in kept & right
    )
    told = " ".join(
        [
            *(f"{one['reason']}" for one in target["models"]),
            *(f"{[(d.step, d.model, d.reason) for d in result.decisions]}" for result in watched.results.values()),
            *report.notices, *target["questions"], *target["notes"], report.patch,
            *(f"{one.path} {one.title} {one.message}" for one in report.findings),
        ]
    )  # fmt: skip
    done = sum(one.answer is not None for one in watched.results.values())
    return Done(planned=UNITS, done=done, wrong=wrong, told=told)


PAGE = '"""Amounts."""\n' + "".join(
    f"\n\ndef amount_{n}(net: int) -> int:\n    return net + {n}\n" for n in range(FILES)
)
TEXT = "Return the amount for a net price."


def write_or_judge(question):
    """A text that the truth gate lets through for each function that nobody documented; a judge who knows it."""
    if "scores" in question.schema.get("properties", {}):
        shown = re.findall(r'"symbol": "(\w+)",\s*"text": "([^"]*)"', question.text)
        return {"scores": [{"symbol": name, "score": float(text == TEXT)} for name, text in shown]}
    return {"text": TEXT}


def run_docgen(engine):
    watched = Watched(engine)
    result = project({"pkg/amounts.py": PAGE}).refresh(watched)
    report, answers = result.report, [one.answer for one in watched.results.values()]
    published = " ".join(filter(None, result.changes.values()))
    wrong = published.count("scripted")
    decisions = (str([(d.step, d.model, d.reason) for d in one.decisions]) for one in watched.results.values())
    told = " ".join([*decisions, *report.notices, *(f"{one.path} {one.reason}" for one in report.failures)])
    return Done(planned=UNITS, done=len(answers) - answers.count(None), wrong=wrong, told=told)


MODES = (
    Mode("tasks", run_tasks, script),
    # A reader that finds nothing cannot be told from a change with nothing to find.
    Mode("review", run_review, read_or_judge, limit_usd="0.5", unseen=frozenset({Fault.HOLLOW})),
)
SLOW_MODES = (
    Mode("test-gen", run_test_gen, open_or_judge, limit_usd="1"),
    Mode("docgen", run_docgen, write_or_judge, limit_usd="1", said="no answer passed the gates"),
)
"""Whole in ``make chaos``; the suite runs a sample of them."""
