"""The orchestrator as judge: it sees claims and the lines they quote, never the change.

Facts are not put to a vote: what deterministic tools say about syntax, and their security findings of severity high or
worse, stay whatever a model (perhaps talked into it by the change) thinks of them.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from tta_orchestrate.domain.evidence import FileEvidence
from tta_orchestrate.domain.finding import Category, Finding, Rejected, Rejection, Rule, Severity, State
from tta_orchestrate.domain.quality_trend import millionths
from tta_orchestrate.domain.redaction import presentable
from tta_orchestrate.domain.secrets import mask_secrets
from tta_orchestrate.modes.review.prompts import JUDGE, VERDICTS, digest, fence
from tta_orchestrate.modes.review.reader import Options
from tta_orchestrate.modes.review.rules import said_by_model
from tta_orchestrate.modes.review.shown import Shown, inert
from tta_orchestrate.ports.model import OVER_BUDGET, Engine, GateResult, Prompt, Task

BATCH: Final = 20
_AROUND: Final = 3
_LONGEST_QUOTE: Final = 12
_FACTS: Final = ("syntax/", "data-syntax/", "conflict-markers/", "trojan-source/", "secrets/", "custom/")
MOST: Final = 240
"""Claims that are judged in one run, worst first."""


@dataclass(slots=True)
class Judgement:
    """What is left, what was refused, and what could not be judged."""

    findings: list[Finding] = field(default_factory=list)
    rejected: list[Rejected] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)
    """Paths with claims that should have been judged and were not, with the reason."""
    unafforded: set[str] = field(default_factory=set)
    """Those of them that the budget alone stood against."""
    notices: list[str] = field(default_factory=list)
    judged: int = 0
    fresh_scores: list[int] = field(default_factory=list)
    """What the judge gave the claims that it saw in this run, in millionths."""


def is_fact(one: Finding) -> bool:
    """Whether *one* stands without a judge."""
    if said_by_model(one.rule):
        return False
    grave = one.category is Category.SECURITY and one.severity.at_least(Severity.HIGH)
    return grave or one.rule.startswith(_FACTS)


class Judge:
    """One judgement of one review."""

    def __init__(
        self,
        engine: Engine,
        shown: Mapping[str, Shown],
        options: Options,
        rules: Mapping[str, Rule],
    ) -> None:
        self._engine = engine
        self._shown = shown
        self._options = options
        self._rules = rules

    def judge(self, findings: Sequence[Finding]) -> Judgement:
        """Put to the judge what is no fact; verdicts on the same words are remembered."""
        done = Judgement(findings=[one for one in findings if is_fact(one)])
        open_ = [one for one in findings if not is_fact(one)]
        if not self._engine.has_orchestrator:
            self._unjudged(open_, done)
            return done
        open_, over = self._within_limit(open_)
        self._unjudged(over, done)
        keys = {one.fingerprint: self._key(one) for one in open_}
        verdicts = self._remembered(open_, keys)
        waiting = [one for one in open_ if one.fingerprint not in verdicts]
        fresh, failed = self._ask(waiting, done)
        done.fresh_scores += [millionths(float(verdict["score"])) for verdict in fresh.values()]
        for identity, verdict in fresh.items():
            into = verdict["into"]
            self._options.store.put(f"judge-{keys[identity]}", {**verdict, "into": keys.get(into) if into else None})
        self._apply(open_, {**verdicts, **fresh}, failed, done)
        return done

    def _within_limit(self, findings: Sequence[Finding]) -> tuple[list[Finding], list[Finding]]:
        ordered = sorted(findings, key=lambda one: (not said_by_model(one.rule), one.severity.rank))
        chosen = {one.fingerprint for one in ordered[:MOST]}
        return (
            [one for one in findings if one.fingerprint in chosen],
            [one for one in findings if one.fingerprint not in chosen],
        )

    def _unjudged(self, findings: Sequence[Finding], done: Judgement) -> None:
        """Without a judge a model's own confidence decides whether its claim is folded; tools speak for themselves."""
        bar = self._options.threshold
        done.findings += [replace(one, folded=said_by_model(one.rule) and one.confidence < bar) for one in findings]
        if any(said_by_model(one.rule) for one in findings):
            done.notices.append(
                "The models' findings were not judged by a second model; those below the quality threshold are folded."
            )

    def _key(self, one: Finding) -> str:
        words = [one.path, one.rule, one.severity, one.title, one.message]
        return digest("judge-1", self._options.basis, words, self._lines(one))[:32]

    def _lines(self, one: Finding) -> str:
        """Return the quoted lines with a few around, as they may be shown; marks instead of numbers."""
        file = self._shown[one.path]
        known = FileEvidence.lines(file.evidence, one.side)
        last = min(one.end_line, one.start_line + _LONGEST_QUOTE - 1)
        rows = []
        for number in range(one.start_line - _AROUND, last + _AROUND + 1):
            if number in known:
                mark = ">" if one.start_line <= number <= one.end_line else " "
                rows.append(f"{mark} {known[number]}"[:400])
        return "\n".join(rows)

    def _remembered(self, findings: Sequence[Finding], keys: Mapping[str, str]) -> dict[str, dict[str, Any]]:
        by_key = {key: identity for identity, key in keys.items()}
        found: dict[str, dict[str, Any]] = {}
        for one in findings:
            value = self._options.store.get(f"judge-{keys[one.fingerprint]}")
            if not isinstance(value, dict) or not _is_verdict(value):
                continue
            into = by_key.get(str(value.get("into")))
            if value["verdict"] != "merge" or into:
                found[one.fingerprint] = {**value, "into": into}
        return found

    def _ask(self, waiting: Sequence[Finding], done: Judgement) -> tuple[dict[str, dict[str, Any]], dict[str, str]]:
        """Return verdicts by fingerprint, and the reason for each finding that has none."""
        batches = [waiting[at : at + BATCH] for at in range(0, len(waiting), BATCH)]
        tasks = {self._task(batch).unit: (self._task(batch), batch) for batch in batches}

        def gate(task: Task, answer: Any) -> GateResult:
            return _complete(answer, len(tasks[task.unit][1]))

        results = self._engine.judge([task for task, _batch in tasks.values()], gate) if tasks else ()
        verdicts: dict[str, dict[str, Any]] = {}
        failed: dict[str, str] = {}
        for result in results:
            batch = tasks[result.task.unit][1]
            if result.answer is None:
                failed.update((one.fingerprint, result.reason or "no answer") for one in batch)
                done.unafforded.update(one.path for one in batch if result.failure == OVER_BUDGET)
                continue
            for entry in result.answer["verdicts"]:
                into = entry["into"]
                target = batch[into - 1].fingerprint if isinstance(into, int) and 0 < into <= len(batch) else None
                verdicts[batch[entry["id"] - 1].fingerprint] = {**entry, "into": target}
        return verdicts, failed

    def _task(self, batch: Sequence[Finding]) -> Task:
        blocks = [self._block(number, one) for number, one in enumerate(batch, 1)]
        rules = {one.rule: self._rules[one.rule].why for one in batch if one.rule in self._rules}
        listed = "\n".join(f"{name}: {inert(' '.join(why.split()))[:200]}" for name, why in sorted(rules.items()))
        data = fence("claims", f"Rules:\n{listed}\n\n" + "\n\n".join(blocks))
        context = fence("guidelines", self._options.guidelines) if self._options.guidelines else ""
        prompt = Prompt(
            system=JUDGE,
            context=context,
            data=data,
            schema=VERDICTS,
            schema_name="verdicts",
            max_output_tokens=1_024 + 120 * len(batch),
        )
        return Task(unit=f"judge:{digest(data)[:16]}", stage="judge", prompt=prompt)

    def _block(self, number: int, one: Finding) -> str:
        one = presentable(one)
        head = f"claim {number} | {one.severity} | {one.rule} | {one.source} | {self._shown[one.path].path}"
        said = one.title if one.message.strip() in {"", one.title.strip()} else f"{one.title}: {one.message}"
        return f"{inert(head)}\n{inert(mask_secrets(' '.join(said.split())))[:500]}\n{self._lines(one)}"

    def _apply(
        self,
        findings: Sequence[Finding],
        verdicts: Mapping[str, Mapping[str, Any]],
        failed: Mapping[str, str],
        done: Judgement,
    ) -> None:
        kept: list[Finding] = []
        merges: defaultdict[str, list[Finding]] = defaultdict(list)
        for one in findings:
            verdict = verdicts.get(one.fingerprint)
            if verdict is None:
                done.failed[one.path] = failed.get(one.fingerprint, "no verdict")
                self._unjudged([one], done)
                continue
            done.judged += 1
            if verdict["verdict"] == "merge" and verdict["into"] not in {None, one.fingerprint}:
                merges[verdict["into"]].append(one)
                continue
            weighed = self._weighed(one, verdict)
            if isinstance(weighed, Rejected):
                done.rejected.append(weighed)
            else:
                kept.append(weighed)
        self._merge(kept, merges, done)

    def _weighed(self, one: Finding, verdict: Mapping[str, Any]) -> Finding | Rejected:
        score = min(1.0, max(0.0, float(verdict["score"])))
        reason = inert(" ".join(str(verdict["reason"]).split()))[:300]
        if verdict["verdict"] == "drop":
            return Rejected(candidate=one, reason=Rejection.JUDGE, detail=reason)
        bar = self._options.threshold
        if score < bar / 2:
            return Rejected(candidate=one, reason=Rejection.JUDGE, detail=f"score {score:.2f}: {reason}")
        return replace(one, severity=Severity(verdict["severity"]), confidence=score, folded=score < bar)

    def _merge(self, kept: Sequence[Finding], merges: Mapping[str, Sequence[Finding]], done: Judgement) -> None:
        """Drop what was merged into a finding that stays; what points at nothing that stays, stays itself.

        The finding that stays takes over the identity that readers know from an earlier run.
        """
        by_identity = {one.fingerprint: one for one in kept}
        for target, echoes in merges.items():
            stays = by_identity.get(target)
            if stays is None:
                self._unjudged(echoes, done)
                continue
            detail = "the judge: the same cause as another finding"
            done.rejected += [Rejected(candidate=one, reason=Rejection.DUPLICATE, detail=detail) for one in echoes]
            known = next((one for one in echoes if one.state is State.STILL_THERE), None)
            if known and stays.state is State.NEW:
                by_identity[target] = replace(stays, fingerprint=known.fingerprint, state=State.STILL_THERE)
        done.findings += by_identity.values()


def _is_verdict(value: Any) -> bool:
    try:
        return (
            value["verdict"] in {"keep", "drop", "merge"}
            and Severity(value["severity"]) is not None
            and isinstance(value["score"], int | float)
            and isinstance(value["reason"], str)
            and "into" in value
        )
    except (KeyError, TypeError, ValueError):
        return False


def _complete(answer: Any, count: int) -> GateResult:
    """One verdict for every claim, none besides."""
    entries = answer.get("verdicts") if isinstance(answer, dict) else None
    if not isinstance(entries, list) or not all(_is_verdict(entry) for entry in entries):
        return GateResult(accepted=False, message="the answer must hold a list of whole `verdicts`")
    given = sorted(entry["id"] for entry in entries if isinstance(entry.get("id"), int))
    if given != list(range(1, count + 1)):
        return GateResult(accepted=False, message=f"give exactly one verdict for each id from 1 to {count}")
    return GateResult(accepted=True, score=1.0)
