"""Models read the change: what is remembered is recalled, the rest goes out in shards, answers pass the evidence gate.

The gate runs on what was shown, so a claim about a masked secret or an escaped character can be checked as well; what
is kept are the real lines.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from tta_orchestrate.domain.change import Side
from tta_orchestrate.domain.evidence import FileEvidence, locate
from tta_orchestrate.domain.finding import Candidate, Category, Rejected, Rejection, Rule, Severity, Suggestion
from tta_orchestrate.domain.report import Failure
from tta_orchestrate.modes.review.memory import Nothing, Store, recalled, stored
from tta_orchestrate.modes.review.prompts import digest, fence, findings_schema, reader_system, tokens
from tta_orchestrate.modes.review.rules import MODEL_RULES, PREFIX
from tta_orchestrate.modes.review.scope import Risk, Scope, analyse, titled
from tta_orchestrate.modes.review.segments import Callers, Segment, Shard, pack, segments, shard, widen
from tta_orchestrate.modes.review.shown import Shown
from tta_orchestrate.ports.model import OVER_BUDGET, Engine, GateResult, Prompt, Task, TaskResult, UseCase

_FABRICATED: Final = frozenset(
    {
        Rejection.MALFORMED,
        Rejection.NOT_IN_CHANGE,
        Rejection.NO_SUCH_LINE,
        Rejection.QUOTE_ABSENT,
        Rejection.QUOTE_AMBIGUOUS,
    }
)
_MOST_CLAIMS: Final = 60
"""Of one answer."""
_SPLITTABLE: Final = frozenset({"truncated", "too_large"})
_MOST_SPLITS: Final = 4


LEAST_CONTEXT: Final = 800


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How models read; nothing in it comes from the head of the change."""

    models: str = ""
    """Names who reads and judges; another name reads everything anew."""
    threshold: float = 0.85
    shard_tokens: int = 24_000
    """As many as the smallest model that may get a shard takes, with room for its answer."""
    context_share: float = 0.2
    """Of the change's own tokens, for context around it …"""
    least_context: int = LEAST_CONTEXT
    most_context: int = 4_000
    """… within these bounds."""
    guidelines: str = ""
    """The project's own rules, from the base commit, within their budget."""
    questions: Mapping[str, Rule] = field(default_factory=dict)
    """Custom rules that only a model can answer; ``why`` is the question."""
    describe: bool = False
    store: Store = Nothing()
    callers: Callers | None = None

    @property
    def basis(self) -> str:
        """What every memory key depends on besides the code."""
        questions = sorted((rule.id, rule.why) for rule in self.questions.values())
        return digest(self.models, self.guidelines, questions)[:16]


@dataclass(slots=True)
class Reading:
    """What came of it."""

    candidates: list[Candidate] = field(default_factory=list)
    """With the real lines as quotes."""
    rejected: list[Rejected] = field(default_factory=list)
    failures: list[Failure] = field(default_factory=list)
    unread: set[str] = field(default_factory=set)
    unafforded: set[str] = field(default_factory=set)
    """Those of them that the budget alone stood against."""
    """Real paths of which at least one segment has no valid answer."""
    models: dict[str, None] = field(default_factory=dict)
    pieces: list[Segment] = field(default_factory=list)
    read: set[str] = field(default_factory=set)
    """Keys of the segments that have a valid answer, from now or from before."""
    fresh: set[str] = field(default_factory=set)
    """Keys of the segments that were read now."""
    notices: list[str] = field(default_factory=list)
    scope: Scope | None = None


class Reader:
    """One reading of one change."""

    def __init__(
        self, engine: Engine, files: Mapping[str, Shown], real: Mapping[str, FileEvidence], options: Options
    ) -> None:
        self._engine = engine
        self._files = files
        self._real = real
        self._options = options
        self._by_name = {file.path: file for file in files.values()}
        self._system = reader_system({rule.id: rule.why for rule in options.questions.values()})
        self._schema = findings_schema({rule.id: rule.why for rule in options.questions.values()})
        self._context = fence("guidelines", options.guidelines) if options.guidelines else ""
        self._rules = {**MODEL_RULES, **options.questions}

    def read(self, title: str = "", known: Mapping[str, Any] | None = None) -> Reading:
        """Read everything; *known* holds what an earlier run said of segments, by key, as the store has it."""
        done = Reading()
        limit = max(500, self._options.shard_tokens - tokens(self._system) - tokens(self._context))
        for file in self._files.values():
            done.pieces += segments(file, self._options.basis, limit)
        waiting = [piece for piece in done.pieces if not self._recall(piece, done, known or {})]
        if not waiting:
            return done
        size = sum(tokens(piece.render()) for piece in waiting)
        bounds = self._options
        wanted = int(size * bounds.context_share)
        widen(waiting, min(max(wanted, bounds.least_context), bounds.most_context), bounds.callers)
        done.scope = analyse(self._engine, list(self._files.values()), waiting, title)
        if done.scope.failed:
            done.notices.append(f"The scope analysis failed ({done.scope.failed}); files were ranked by rule.")
        self._work(pack(waiting, limit), done, title)
        return done

    def _recall(self, piece: Segment, done: Reading, known: Mapping[str, Any]) -> bool:
        value = self._options.store.get(f"read-{piece.key}")
        if value is None:
            value = known.get(piece.key)
        bases = {side: piece.base(side) for side in Side}
        claims = [recalled(entry, piece.path, bases) for entry in value] if isinstance(value, list) else [None]
        if None in claims:
            return False
        done.read.add(piece.key)
        for claim in filter(None, claims):
            self._keep(locate(claim, piece.file.evidence), piece.file, done)
        return True

    def _keep(self, located: Candidate | Rejected, file: Shown, done: Reading) -> None:
        if isinstance(located, Rejected):
            done.rejected.append(located)
        else:
            done.candidates.append(file.of_real(located, self._real[file.real.path]))

    def _work(self, shards: Sequence[Shard], done: Reading, title: str) -> None:
        waiting = list(shards)
        for _round in range(_MOST_SPLITS):
            by_unit = {one.unit: one for one in waiting}
            results = self._engine.execute(
                [self._task(one, done, title) for one in by_unit.values()],
                lambda task, answer, shards=by_unit: self._gate(shards[task.unit], answer, done),  # type: ignore[misc]
            )
            waiting = []
            for result in results:
                mine = by_unit[result.task.unit]
                if result.answer is not None:
                    self._take(mine, result, done)
                elif result.failure in _SPLITTABLE and len(mine.segments) > 1 and _round + 1 < _MOST_SPLITS:
                    middle = len(mine.segments) // 2
                    waiting += [shard(mine.segments[:middle]), shard(mine.segments[middle:])]
                else:
                    self._give_up(mine, result, done)
            if not waiting:
                return

    def _task(self, mine: Shard, done: Reading, title: str) -> Task:
        scope = done.scope or Scope({})
        risk = max((scope.risks.get(path, Risk.NORMAL) for path in mine.paths), default=Risk.NORMAL)
        focus = [fence("focus", "\n".join(scope.focus))] if scope.focus else []
        prompt = Prompt(
            system=self._system,
            context=self._context,
            data="\n".join([*titled(title), *focus, fence("change", mine.text)]),
            schema=self._schema,
            schema_name="findings",
            max_output_tokens=min(8_192, 2_048 + tokens(mine.text) // 4),
        )
        use_case = UseCase.COMPLEX if risk is Risk.HIGH else UseCase.MODERATE
        return Task(unit=mine.unit, stage="execute", prompt=prompt, use_case=use_case, priority=int(risk))

    def _gate(self, mine: Shard, answer: Any, done: Reading) -> GateResult:
        """Refuse an answer of another form, and one in which every claim is made up."""
        claims = _listed(answer)
        if claims is None:
            return GateResult(accepted=False, message="the answer must be an object with a list `findings`")
        weighed = [self._located(item, mine, "model") for item in claims]
        made_up = [one for one in weighed if isinstance(one, Rejected) and one.reason in _FABRICATED]
        if not made_up or len(made_up) < len(weighed):
            return GateResult(accepted=True)
        done.rejected += made_up
        told = "; ".join(f"finding {n}: {one.reason.value}, {one.detail}" for n, one in enumerate(made_up[:5], 1))
        return GateResult(accepted=False, message=f"no finding holds. {told}. Quote lines verbatim, or report none.")

    def _take(self, mine: Shard, result: TaskResult, done: Reading) -> None:
        done.models[result.model] = None
        kept: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)
        claims = _listed(result.answer) or []
        if len(claims) == _MOST_CLAIMS:
            done.notices.append(f"Of the claims in one answer only the first {_MOST_CLAIMS} were looked at.")
        for item in claims:
            located = self._located(item, mine, result.model)
            if isinstance(located, Rejected):
                done.rejected.append(located)
                continue
            piece = next(one for one in mine.segments if _is_in(located, one))
            kept[piece.key].append(stored(located, piece.base(located.side)))
            self._keep(located, piece.file, done)
        for piece in mine.segments:
            done.read.add(piece.key)
            done.fresh.add(piece.key)
            self._options.store.put(f"read-{piece.key}", kept[piece.key])

    def _give_up(self, mine: Shard, result: TaskResult, done: Reading) -> None:
        done.unread.update(mine.paths)
        if result.failure == OVER_BUDGET:
            done.unafforded.update(mine.paths)
        reason = result.reason or "no model answered"
        done.failures += [Failure(unit="model", path=path, reason=reason) for path in mine.paths]

    def _located(self, item: Any, mine: Shard, model: str) -> Candidate | Rejected:
        """Return the claim *item* at the shown lines where its quote stands, or why it is not believed."""
        claim = self._claim(item, model)
        if isinstance(claim, Rejected):
            return claim
        file = self._by_name.get(claim.path)
        located = locate(claim, file.evidence if file else None)
        if isinstance(located, Rejected) or file is None:
            return located
        located = replace(located, path=file.real.path)
        if not any(_is_in(located, piece) for piece in mine.segments):
            detail = "the change does not touch these lines, or they were not shown"
            return Rejected(candidate=located, reason=Rejection.UNCHANGED_LINES, detail=detail)
        return located

    def _claim(self, item: Any, model: str) -> Candidate | Rejected:
        try:
            name = str(item["rule"])
            rule = self._rules.get(name) or self._rules[f"{PREFIX}{name}"]
            start, end = int(item["start_line"]), int(item["end_line"])
            side = Side(item["side"])
            fix = item["suggestion"]
            claim = Candidate(
                path=str(item["path"]),
                start_line=start,
                end_line=end,
                quote=str(item["quote"])[:20_000],
                rule=rule.id,
                category=rule.category,
                severity=Severity(item["severity"]),
                source=model,
                title=str(item["title"])[:200] or rule.title,
                message=str(item["message"])[:2_000],
                side=side,
                confidence=min(1.0, max(0.0, float(item["confidence"]))),
            )
        except (KeyError, TypeError, ValueError, OverflowError):
            return Rejected(candidate=_nothing(item, model), reason=Rejection.MALFORMED, detail="not of the schema")
        if isinstance(fix, str) and len(fix) <= 20_000:  # noqa: PLR2004 -- as the quote
            return replace(claim, suggestion=Suggestion(start_line=start, end_line=end, text=fix.removesuffix("\n")))
        return claim


def _is_in(claim: Candidate, piece: Segment) -> bool:
    return piece.path == claim.path and any(
        piece.covers(claim.side, line) for line in (claim.start_line, claim.end_line)
    )


def _listed(answer: Any) -> list[Any] | None:
    found = answer.get("findings") if isinstance(answer, dict) else None
    return found[:_MOST_CLAIMS] if isinstance(found, list) else None


def _nothing(item: Any, model: str) -> Candidate:
    """Return a stand-in for a claim that cannot even be read."""
    fields = item if isinstance(item, dict) else {}
    return Candidate(
        path=str(fields.get("path", ""))[:300],
        start_line=1,
        end_line=1,
        quote="",
        rule=str(fields.get("rule", ""))[:100],
        category=Category.BUG,
        severity=Severity.LOW,
        source=model,
        title=str(fields.get("title", ""))[:200] or "A claim that cannot be read",
        message="",
    )
