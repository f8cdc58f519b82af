"""The orchestrator's part: questions that running cannot settle, in batches, by evidence only.

It may drop a test, relabel a claim and give a test a better name. It writes no code and decides no gate.
"""

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol

from tta_orchestrate.domain.mutant import Mutant
from tta_orchestrate.domain.sanitiser import visible
from tta_orchestrate.domain.secrets import mask_secrets
from tta_orchestrate.modes.test_gen.outcome import Suspect, TargetResult
from tta_orchestrate.modes.test_gen.prompts import ARBITER, VERDICTS, fence
from tta_orchestrate.ports.model import Engine, Gate, GateResult, Json, Prompt, Task, UseCase

BATCH: Final = 20
_MOST: Final = 60
_MOST_MUTANTS: Final = 15
_FITTING: Final = {
    "suspect": {"bug", "intended", "unclear"},
    "dispute": {"bug", "intended", "unclear"},
    "test": {"contradicts", "fine", "unclear"},
    "mutant": {"equivalent", "testable", "unclear"},
}
_NAME: Final = re.compile(r"test_[a-z0-9_]{2,80}\Z")


class Symbol(Protocol):
    """A function and its lines, 1-based, inclusive."""

    @property
    def name(self) -> str:
        """``Class.method`` where it stands in a class."""
        ...

    @property
    def first(self) -> int:
        """Its first line."""
        ...

    @property
    def last(self) -> int:
        """Its last line."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Dispute:
    """A test that expects something else than the code does: one of the two is wrong."""

    symbol: str
    line: int
    code: str
    actual: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """A test that is kept so far."""

    name: str
    target: str
    """The function that it tests."""
    body: str
    call: str
    """What it calls, for a claim about it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Matter:
    """One target as the orchestrator sees it."""

    result: TargetResult
    source: str
    symbols: Sequence[Symbol]
    tests: Sequence[Chosen] = ()
    disputes: Sequence[Dispute] = ()
    taken: Collection[str] = ()
    """Names that a new name may not be."""
    renames: bool = True

    def symbol_at(self, line: int) -> Symbol | None:
        """Return the innermost function around *line*."""
        around = [s for s in self.symbols if s.first <= line <= s.last]
        return min(around, key=lambda s: s.last - s.first, default=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One thing to decide, with its evidence."""

    kind: str
    about: Suspect | Dispute | Chosen | Mutant
    evidence: str


@dataclass(slots=True, kw_only=True)
class Ruling:
    """What the orchestrator decided of the tests; what it said of the code is in the result already."""

    drop: dict[str, str] = field(default_factory=dict)
    """Test to reason."""
    names: dict[str, str] = field(default_factory=dict)


def settle(matter: Matter, engine: Engine | None) -> Ruling:
    """Ask what can be asked; everything that stays open becomes a question to a person."""
    questions = list(_questions(matter))[:_MOST]
    verdicts: dict[int, Json] = {}
    if engine is not None and engine.has_orchestrator and questions:
        for result in engine.judge(_tasks(matter, questions), _gate(questions)):
            for verdict in (result.answer or {"verdicts": []})["verdicts"]:
                verdicts[verdict["id"]] = verdict
    ruling = Ruling()
    for number, question in enumerate(questions):
        _apply(matter, ruling, question, verdicts.get(number))
    if (more := len(matter.result.survivors) - _MOST_MUTANTS) > 0:
        matter.result.questions.append(f"{more} more mutants are noticed by no test (`survivors` in findings.json)")
    return ruling


def _questions(matter: Matter) -> Iterator[Question]:
    for suspect in matter.result.suspects:
        evidence = f"{suspect.expr}\nends in {suspect.error}\n\n{_code(matter, suspect.line)}"
        yield Question(kind="suspect", about=suspect, evidence=evidence)
    for dispute in matter.disputes:
        evidence = f"{dispute.code}\n\nfails: {dispute.actual}\n\n{_code(matter, dispute.line)}"
        yield Question(kind="dispute", about=dispute, evidence=evidence)
    for test in matter.tests:
        line = next((s.first for s in matter.symbols if s.name == test.target), 0)
        yield Question(kind="test", about=test, evidence=f"{test.body}\n\n{_code(matter, line, most=15)}")
    for mutant in matter.result.survivors[:_MOST_MUTANTS]:
        change = f"line {mutant.line}: {mutant.before} replaced by {mutant.replacement}"
        yield Question(kind="mutant", about=mutant, evidence=f"{change}\n\n{_code(matter, mutant.line)}")


def _code(matter: Matter, line: int, *, most: int = 40) -> str:
    """Return the function around *line*, docstring included, cut to *most* lines."""
    symbol = matter.symbol_at(line)
    if symbol is None:
        return ""
    first = symbol.first if line - symbol.first < most else line - most // 2
    lines = matter.source.splitlines()[first - 1 : min(symbol.last, first + most - 1)]
    return "\n".join(f"{n}  {text}" for n, text in enumerate(lines, first))


def _tasks(matter: Matter, questions: Sequence[Question]) -> list[Task]:
    tasks = []
    for start in range(0, len(questions), BATCH):
        data = [f"id {n}, {q.kind}:\n{fence(q.kind, q.evidence)}" for n, q in enumerate(questions)][
            start : start + BATCH
        ]
        prompt = Prompt(
            system=ARBITER, data="\n".join(data), schema=VERDICTS, schema_name="verdicts", max_output_tokens=3000
        )
        unit = f"test-gen {matter.result.path} questions {start // BATCH + 1}"
        tasks.append(Task(unit=unit, stage="judge", prompt=prompt, use_case=UseCase.EXPERT))
    return tasks


def _gate(questions: Sequence[Question]) -> Gate:
    def gate(task: Task, answer: Json) -> GateResult:
        batch = int(task.unit.rpartition(" ")[2]) - 1
        expected = set(range(batch * BATCH, min(len(questions), (batch + 1) * BATCH)))
        given = [verdict["id"] for verdict in answer["verdicts"]]
        if sorted(given) != sorted(expected):
            return GateResult(
                accepted=False, message=f"one verdict for each id from {min(expected)} to {max(expected)}"
            )
        odd = [v["id"] for v in answer["verdicts"] if v["verdict"] not in _FITTING[questions[v["id"]].kind]]
        if odd:
            return GateResult(accepted=False, message=f"these verdicts do not fit their kind: {odd[:10]}")
        return GateResult(accepted=True, score=1.0)

    return gate


def _apply(matter: Matter, ruling: Ruling, question: Question, verdict: Json | None) -> None:
    said = verdict["verdict"] if verdict else "unclear"
    reason = mask_secrets(visible(" ".join(str(verdict["reason"]).split())))[:200] if verdict else ""
    match question.about:
        case Suspect() as suspect:
            _suspect(matter, suspect, said, reason)
        case Dispute() as dispute:
            _dispute(matter, dispute, said, reason)
        case Chosen() as test:
            name = str(verdict["name"]) if verdict else ""
            if said == "contradicts":
                ruling.drop[test.name] = reason
                _claim(matter, test, reason)
            elif matter.renames and name != test.name and _NAME.match(name) and name not in _taken(matter, ruling):
                ruling.names[test.name] = name
        case Mutant() as mutant:
            _mutant(matter, mutant, said, asked=verdict is not None)


def _taken(matter: Matter, ruling: Ruling) -> set[str]:
    return {*matter.taken, *ruling.names.values()}


def _suspect(matter: Matter, suspect: Suspect, said: str, reason: str) -> None:
    result = matter.result
    if said == "intended":
        result.suspects.remove(suspect)
        result.notes.append(f"{suspect.expr} ends in {suspect.error}: intended, says the orchestrator ({reason})")
    elif said == "unclear":
        result.questions.append(f"{suspect.expr} ends in {suspect.error}: a bug, or the contract?")


def _dispute(matter: Matter, dispute: Dispute, said: str, reason: str) -> None:
    result = matter.result
    if said == "bug":
        suspect = Suspect(
            target=dispute.symbol, expr=_check(dispute.code), error=dispute.actual, line=dispute.line,
            expected=f"what the test says ({reason})",
        )  # fmt: skip
        result.suspects.append(suspect)
    elif said == "unclear":
        result.questions.append(f"{dispute.symbol}: a proposed test expects `{_check(dispute.code)}`; {dispute.actual}")


def _claim(matter: Matter, test: Chosen, reason: str) -> None:
    """Tell a person that the code does something else than its docstring says; the test would only set it in stone."""
    line = next((s.first for s in matter.symbols if s.name == test.target), 1)
    suspect = Suspect(
        target=test.target, expr=test.call[:300], error="what was observed", line=line,
        expected=f"what the docstring says ({reason})",
    )  # fmt: skip
    matter.result.suspects.append(suspect)


def _mutant(matter: Matter, mutant: Mutant, said: str, *, asked: bool) -> None:
    text = f"line {mutant.line}: `{mutant.before[:60]}` replaced by `{mutant.replacement[:60]}`"
    if said == "equivalent":
        matter.result.survivors.remove(mutant)
        matter.result.notes.append(
            f"{text} makes no difference, says the orchestrator; it counts as alive all the same"
        )
    elif said == "unclear" and not asked:
        matter.result.questions.append(f"{text} is noticed by no test: is one missing, or is it the same?")


def _check(code: str) -> str:
    lines = [line.strip() for line in code.splitlines()]
    found = [line for line in lines if re.search(r"\bassert|\bexpect\(|\bpytest\.raises|\bt\.(?:Error|Fatal)", line)]
    return (found[0] if found else lines[-1] if lines else "")[:200]
