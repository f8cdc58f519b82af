"""``tta-orchestrate selftest``: the whole way to the models and back, offline, with scripted answers."""

import re
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

if TYPE_CHECKING:
    from tta_orchestrate.domain.report import Report
    from tta_orchestrate.engine.cascade import Cascade
    from tta_orchestrate.loopback.faults import Schedule
    from tta_orchestrate.loopback.question import Question
    from tta_orchestrate.loopback.server import Loopback
    from tta_orchestrate.ports.model import Engine, GateResult, Json, Task, TaskResult
    from tta_orchestrate.settings.model import Settings

UNITS: Final = 8
MANY: Final = 60
_CANARY: Final = "selftest-canary-0123456789"
"""The "key" of all three providers; it must never turn up in a result."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """One thing the selftest checks."""

    name: str
    passed: bool
    detail: str = ""


def selftest(
    output: Annotated[Path, typer.Option("--output", "-o", metavar="DIR", help="Folder for the results.")] = Path(
        "tta-selftest"
    ),
    budget_usd: Annotated[
        str | None,
        typer.Option("--budget-usd", metavar="USD", help="Try a limit too low for the work: it must hold, and say so."),
    ] = None,
) -> int:
    """Run the pipeline offline against built-in stand-ins for the model providers.

    The real SDKs make real HTTP calls, but to 127.0.0.1: every answer is scripted, no model thinks, nothing is billed.
    One executor fails on purpose now and then. Exit code 0 when retries, repair, escalation, judge, budget and books
    all did what they should.
    """
    from tta_orchestrate.loopback.server import Loopback

    print("selftest: every answer below is scripted; no model is asked, nothing leaves this machine, nothing is billed")
    with Loopback(_script, _schedule()) as server:
        report, probes = _full(server, output) if budget_usd is None else _limited(server, output, budget_usd)
    from tta_orchestrate import registry
    from tta_orchestrate.workspace.results import write_results

    written = write_results(report, output, registry.load_all("sinks"))
    probes.append(_no_secret(output))
    for agent in server.user_agents:
        print(f"called by: {agent}")
    for probe in probes:
        print(f"{'ok  ' if probe.passed else 'FAIL'} {probe.name}{f' ({probe.detail})' if probe.detail else ''}")
    print(f"outcome: {report.verdict.outcome.value}")
    for path in written:
        if path.name.startswith("cost-report"):
            print(f"cost report: {path}")
    return 0 if all(probe.passed for probe in probes) else 1


def _engine(url: str, output: Path, limit: str, *, free_tier: bool = True) -> "Cascade":
    from tta_orchestrate.cli.paid_work import JOURNAL
    from tta_orchestrate.cli.wiring import Surroundings, build_engine

    around = Surroundings(seed=1, journal=output / JOURNAL, run_key="selftest")
    return build_engine(_settings(url, limit, free_tier=free_tier), dict.fromkeys(_KEYS, _CANARY), around)


def _full(server: "Loopback", output: Path) -> "tuple[Report, list[Probe]]":
    """Do everything once, and again from the journal."""
    _forget(output)
    with closing(_engine(server.url, output, "0.25")) as engine:
        results = engine.execute(_tasks(UNITS), _gate)
        verdicts = engine.judge(_evidence(), _accept)
        probes = _probes(engine, server, results, verdicts)
        report = _report(engine, results)
    sent = server.requests
    with closing(_engine(server.url, output, "0.25")) as resumed:
        again = resumed.execute(_tasks(UNITS), _gate)
    return report, [*probes, _resumes(results, again, server.requests - sent)]


def _limited(server: "Loopback", output: Path, budget_usd: str) -> "tuple[Report, list[Probe]]":
    """Give far too much work for *budget_usd*; the limit must hold, and what is left out must be named."""
    from tta_orchestrate.domain.cost import usd
    from tta_orchestrate.domain.outcome import Outcome
    from tta_orchestrate.errors import UsageError

    if not _AMOUNT.fullmatch(budget_usd):
        raise UsageError(f"--budget-usd: {budget_usd[:40]!r} is no amount", remedy="write dollars, such as 0.01")
    _forget(output)
    with closing(_engine(server.url, output, budget_usd, free_tier=False)) as engine:
        results = engine.execute(_tasks(MANY), _gate)
        report = _report(engine, results)
        run = next(state for state in engine.cost().budgets if state.name == "run")
    left = [failure for failure in report.failures if "over budget" in failure.reason]
    return report, [
        Probe(name="the limit held", passed=run.settled <= run.limit, detail=f"${usd(run.settled)} of ${budget_usd}"),
        Probe(name="the servers billed no more", passed=server.charged <= run.limit),
        Probe(name="what was left out is named", passed=bool(left), detail=f"{len(left)} of {MANY} units"),
        Probe(
            name="the outcome is no success",
            passed=report.verdict.outcome in {Outcome.PARTIAL, Outcome.UNAVAILABLE},
        ),
    ]


def _forget(output: Path) -> None:
    """Start afresh: the journal of an earlier selftest, and the answers it kept."""
    import shutil

    from tta_orchestrate.cli.paid_work import JOURNAL

    (output / JOURNAL).unlink(missing_ok=True)
    shutil.rmtree(output / ".answers", ignore_errors=True)


def _settings(url: str, limit: str, *, free_tier: bool) -> "Settings":
    from tta_orchestrate.settings.model import Settings

    return Settings.model_validate({
        "executors": [
            {"model": "llama-3.3-70b-versatile", "provider": "groq", "base_url": f"{url}/v1", "use_cases": ["simple"]},
            {"model": "gemini-3.8-flash", "provider": "google-ai-studio", "base_url": url, "free_tier": free_tier,
             "use_cases": ["moderate"]},
        ],
        "orchestrator": {"model": "claude-sonnet-5-5", "base_url": url},
        "fallback_strategy": {"models": []},
        "cost_tracking": {"run_limit_usd": limit},
        "calls": {"idle_seconds": 20, "deadline_seconds": 120},
    })  # fmt: skip


def _tasks(number: int) -> "list[Task]":
    from tta_orchestrate.ports.model import Prompt, Task, UseCase

    shared = "The map of the change that all units share. " * 120
    return [
        Task(
            unit=f"unit-{index}",
            stage="execute",
            use_case=(UseCase.SIMPLE, UseCase.MODERATE)[index % 2],
            prompt=Prompt(
                system="Answer with the name of the unit and what you did.",
                context=shared,
                data=f"unit=unit-{index};" + " a line of code;" * 40,
                schema=_SCHEMA,
                max_output_tokens=300,
            ),
        )
        for index in range(number)
    ]


def _evidence() -> "list[Task]":
    from tta_orchestrate.ports.model import Prompt, Task

    prompt = Prompt(system="Judge the evidence.", data="unit=unit-0; eight units were done", schema=_SCHEMA)
    return [Task(unit="verdict", stage="judge", prompt=prompt)]


def _accept(task: "Task", value: "Json") -> "GateResult":  # noqa: ARG001 -- a gate
    from tta_orchestrate.ports.model import GateResult

    return GateResult(accepted=True, score=1.0)


def _gate(task: "Task", value: "Json") -> "GateResult":
    """Accept the right unit; what is right in it, the judge scores from the evidence (one unit in four)."""
    from tta_orchestrate.ports.model import GateResult

    if value["unit"] != task.unit:
        return GateResult(accepted=False, message=f"unit must be {task.unit}")
    if task.unit.endswith(("3", "7")):
        return GateResult(accepted=True, evidence=f"{task.unit}: {value['done']}")
    return GateResult(accepted=True, score=1.0)


def _script(question: "Question") -> "Json":
    """Answer rightly, except: unit-2 is wrong until its repair, unit-4 until the orchestrator does it."""
    if "score" in question.schema.get("properties", {}):
        return {"score": 0.93, "reason": "scripted verdict"}
    unit = question.text.partition("unit=")[2].partition(";")[0]
    repaired = "what_is_wrong_with_it" in question.text
    if (unit == "unit-2" and not repaired) or (unit == "unit-4" and question.vendor != "anthropic"):
        return {"unit": "unit-0-of-another-story", "done": "scripted mistake"}
    return {"unit": unit, "done": "scripted answer"}


def _schedule() -> "Schedule":
    """Three planned mishaps among the first requests: overloaded, a stream without its end, a server error."""
    from tta_orchestrate.loopback.faults import Fault

    return {1: Fault.OVERLOADED, 3: Fault.NO_CLOSING_EVENT, 5: Fault.SERVER_ERROR}.get


def _probes(
    engine: "Engine", server: "Loopback", results: "Sequence[TaskResult]", verdicts: "Sequence[TaskResult]"
) -> list[Probe]:
    cost = engine.cost()
    stages = {call.stage for call in cost.calls}
    known = sum(call.list_price for call in cost.calls if call.usage.input_tokens)
    delivered = sum(seen.charged for seen in server.log if seen.delivered)
    agents = " ".join(server.user_agents)
    return [
        Probe(name="every unit is done", passed=all(r.answer for r in results), detail=f"{len(results)} units"),
        Probe(name="the orchestrator judged", passed=all(v.answer for v in verdicts) and "judge" in stages),
        Probe(name="a failed call was retried", passed=any(call.attempt > 1 for call in cost.calls)),
        Probe(name="a rejected answer was repaired", passed="repair" in stages),
        Probe(name="a hopeless one was escalated", passed="escalate" in stages),
        Probe(name="a free call costs no cash", passed=any(c.cash == 0 < c.list_price for c in cost.calls)),
        Probe(
            name="the books equal the servers' own", passed=known == delivered, detail=f"{known} nano-dollars at list"
        ),
        Probe(name="the limit held", passed=all(s.settled <= s.limit for s in cost.budgets if s.hard)),
        Probe(
            name="the real SDKs called",
            passed=all(name in agents for name in ("Anthropic/Python", "google-genai-sdk", "tta-orchestrate/")),
        ),
    ]


def _resumes(first: "Sequence[TaskResult]", again: "Sequence[TaskResult]", sent: int) -> Probe:
    same = [r.answer for r in first] == [r.answer for r in again]
    return Probe(name="a second run resumes and pays nothing", passed=same and sent == 0, detail=f"{sent} calls")


def _no_secret(output: Path) -> Probe:
    leaks = [
        path.name for path in output.rglob("*") if path.is_file() and _CANARY in path.read_text("utf-8", "replace")
    ]
    return Probe(name="no key stands in any result", passed=not leaks, detail=", ".join(leaks))


def _report(engine: "Engine", results: "Sequence[TaskResult]") -> "Report":
    from tta_orchestrate.domain.outcome import Tally, conclude, decide
    from tta_orchestrate.domain.report import Coverage, Failure, Report

    done = [result for result in results if result.answer is not None]
    return Report(
        mode="selftest",
        verdict=conclude(decide(Tally(planned=len(results), done=len(done), findings=0))),
        failures=tuple(Failure(unit=r.task.unit, path="", reason=r.reason) for r in results if r.answer is None),
        coverage=Coverage(
            units_planned=len(results),
            units_done=len(done),
            performed_by=tuple(sorted({f"{result.model} (scripted)" for result in done})),
        ),
        cost=engine.cost(),
        notices=("This is a selftest: the answers are scripted, no model was asked, nothing was billed.",),
    )


_AMOUNT: Final = re.compile(r"\d{1,6}(\.\d{1,9})?")
_KEYS: Final = ("ANTHROPIC_API_KEY", "GOOGLE_API_KEY", "GROQ_API_KEY")
_SCHEMA: Final[Mapping[str, object]] = {
    "type": "object",
    "properties": {"unit": {"type": "string"}, "done": {"type": "string", "minLength": 1}},
    "required": ["unit", "done"],
    "additionalProperties": False,
}
