"""An engine whose models are functions: the cascade's contract, without money, network and threads."""

import json
import re
from dataclasses import dataclass, field

from tta_orchestrate.domain.cost import Call, CostReport, NanoUsd, Usage
from tta_orchestrate.ports.model import Decision, TaskResult

FENCE = re.compile(r'<data-([0-9a-f]{32}) kind="(\w+)">\n(.*?)\n</data-\1>', re.DOTALL)


def blocks(prompt):
    """The fenced blocks of a prompt by kind, as a model that minds the fences sees them."""
    return blocks_of(f"{prompt.context}\n{prompt.data}")


def blocks_of(text):
    """The fenced blocks of a text by kind."""
    return {kind: inner for _nonce, kind, inner in FENCE.findall(text)}


def size(prompt):
    """Tokens of a prompt as the engine's rough count has them: everything that is sent, the schema too."""
    whole = prompt.system + prompt.context + prompt.data + json.dumps(prompt.schema)
    return -(-len(whole.encode("utf-8", "replace")) * 10 // 32)


@dataclass
class ScriptedEngine:
    """``reader`` and ``judge_`` answer (task, message of the failed gate) with a value, or with raw text.

    The executor gets a call and one repair; then the orchestrator, if there is one, gets the same. ``None`` as an
    answer is a failed call.
    """

    reader: object = None
    judge_: object = None
    strong_reader: object = None
    calls: list = field(default_factory=list)
    tokens: int = 0

    @property
    def has_executor(self):
        return self.reader is not None

    @property
    def has_orchestrator(self):
        return self.judge_ is not None

    in_batches = False

    def execute(self, tasks, gate):
        chain = [("cheap", self.reader)] + ([("strong", self.strong_reader)] if self.strong_reader else [])
        return [self._solve(task, gate, chain) for task in tasks]

    def judge(self, tasks, gate):
        return [self._solve(task, gate, [("strong", self.judge_)]) for task in tasks]

    def cost(self):
        return CostReport(calls=tuple(self._call(*one) for one in self.calls))

    def of(self, stage):
        """Calls of one stage."""
        return [one for one in self.calls if one[0].stage == stage]

    def _solve(self, task, gate, chain):
        decisions = []
        for model, answer in chain:
            message = ""
            for step in (task.stage, "repair"):
                self.calls.append((task, model, step))
                self.tokens += size(task.prompt)
                value, message = _checked(answer(task, message), task, gate)
                decisions.append(Decision(step=step, model=model, reason=message or "passed"))
                if not message:
                    return TaskResult(task=task, answer=value, model=model, decisions=decisions)
        return TaskResult(task=task, answer=None, decisions=decisions, reason=message)

    @staticmethod
    def _call(task, model, step):
        return Call(
            provider="scripted", request_model=model, response_model=model, role="executor", stage=step, unit=task.unit,
            usage=Usage(input_tokens=size(task.prompt)), cash=NanoUsd(0), list_price=NanoUsd(0),
        )  # fmt: skip


def _checked(answer, task, gate):
    if answer is None:
        return None, "the call failed"
    if isinstance(answer, str):
        try:
            answer = json.loads(answer)
        except ValueError as error:
            return None, f"not JSON: {error}"
    verdict = gate(task, answer)
    return (answer, "") if verdict.accepted else (None, verdict.message or "refused")


def claim(path, line, quote, **changes):
    """A reader's finding as its schema has it."""
    return {
        "path": path,
        "side": "RIGHT",
        "start_line": line,
        "end_line": line + quote.count("\n"),
        "quote": quote,
        "rule": "logic-error",
        "severity": "high",
        "title": "Wrong result",
        "message": "It gives a wrong result.",
        "suggestion": None,
        "confidence": 0.9,
        **changes,
    }


def finding_reader(*claims):
    """A reader that reports those of *claims* whose path is a heading of its shard."""

    def read(task, _message):
        shown = blocks(task.prompt).get("change", "")
        headings = {line[4:].rpartition(" (")[0] for line in shown.splitlines() if line.startswith("### ")}
        return {"findings": [one for one in claims if one["path"] in headings]}

    return read


def keeping_judge(task, _message):
    """A judge that is content with everything; plans no scope."""
    if task.stage == "scope":
        return {"focus": [], "files": []}
    return {"verdicts": [verdict(number) for number in claim_numbers(task)]}


def claim_numbers(task):
    """The ids that a judge is asked about."""
    return [int(n) for n in re.findall(r"^claim (\d+) \|", blocks(task.prompt)["claims"], re.MULTILINE)]


def verdict(number, **changes):
    """One verdict as the judge's schema has it."""
    return {
        "id": number, "verdict": "keep", "into": None, "severity": "high", "score": 0.95, "reason": "it holds",
        **changes,
    }  # fmt: skip
