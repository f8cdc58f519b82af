"""The models' part of a review: reading beside the checks, and a second look at everything that was claimed."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from tta_orchestrate.domain.booking import QUALITY_KEY
from tta_orchestrate.domain.evidence import FileEvidence, Scope, weigh
from tta_orchestrate.domain.finding import Candidate, Finding, Rejected, State
from tta_orchestrate.domain.identity import Identified, dismissals, identify, steady, words
from tta_orchestrate.domain.redaction import presentable
from tta_orchestrate.domain.report import Failure
from tta_orchestrate.modes.review.history import Baseline, baseline, carried, record, segment_keys, settled, silenced
from tta_orchestrate.modes.review.judge import Judge, Judgement
from tta_orchestrate.modes.review.local import Progress
from tta_orchestrate.modes.review.merge import without_echoes
from tta_orchestrate.modes.review.reader import Reader, Reading
from tta_orchestrate.modes.review.request import ReviewRequest
from tta_orchestrate.modes.review.rules import MODEL_RULES, said_by_model
from tta_orchestrate.modes.review.scope import Risk, describe, risk_of
from tta_orchestrate.modes.review.shown import Shown, shown_files
from tta_orchestrate.modes.review.suggestions import proven
from tta_orchestrate.ports import SourceFile


@dataclass(frozen=True, slots=True, kw_only=True)
class Opinion:
    """What the second look leaves."""

    findings: Sequence[Finding]
    rejected: Sequence[Rejected] = ()
    failures: Sequence[Failure] = ()
    unread: frozenset[str] = frozenset()
    unafforded: frozenset[str] = frozenset()
    """Those of the unread that the budget alone stood against."""
    performed_by: Sequence[str] = ()
    notices: Sequence[str] = ()


class SecondLook:
    """One review's models, or their absence: then everything passes as it is."""

    def __init__(
        self, request: ReviewRequest, files: Mapping[str, SourceFile], evidence: Mapping[str, FileEvidence]
    ) -> None:
        self._request = request
        self._files = files
        self._evidence = evidence
        able = request.engine is not None and bool(files) and request.engine.has_executor
        self._engine = request.engine if able else None
        self._basis = request.options.basis if self._engine else "local"
        self._base = self._compare()
        self._shown: Mapping[str, Shown] = {}
        self._reading: Reading | None = None
        self._identified = Identified(findings=())
        self._description: dict[str, Any] | None = None
        self._scores: Sequence[int] = ()

    def _compare(self) -> Baseline:
        head = self._request.change.head or self._request.subject.head
        return baseline(self._request.previous, self._basis, head, self._request.is_ancestor)

    @property
    def has_reader(self) -> bool:
        """Whether models read the change, now or as remembered."""
        return self._engine is not None

    def read(self, progress: Progress) -> Sequence[Candidate]:
        """Let models read the change; return what they claim, with real quotes."""
        engine = self._engine
        if engine is None:
            return ()
        self._shown = shown_files(self._files.values())
        progress("models", 0, len(self._files))
        reader = Reader(engine, self._shown, self._evidence, self._request.options)
        title = self._request.subject.title
        self._reading = reader.read(title, self._base.known())
        if self._request.options.describe:
            files = list(self._shown.values())
            self._description = describe(engine, files, self._reading.pieces, title, self._request.options.store)
        return self._reading.candidates

    def weigh(self, findings: Sequence[Finding], progress: Progress) -> Opinion:
        """Merge, identify and judge what passed the evidence gate."""
        if self._engine is None and self._request.previous is None:
            return Opinion(findings=findings)
        kept, echoes = without_echoes(findings, self._request.said)
        kept = self._identify(kept, echoes)
        closed, open_, refused = settled(kept, self._base, self._is_unchanged)
        judgement = self._judge(open_, progress)
        self._scores = judgement.fresh_scores
        left = [*closed, *judgement.findings]
        if self._request.previous is not None:
            left = [steady(one, self._request.previous) for one in left]
        left, doubt = proven(left, self._evidence)
        left.sort(key=lambda one: (one.path, one.start_line, one.end_line, one.rule, one.source))
        reading = self._reading or Reading()
        return Opinion(
            findings=left,
            rejected=(*reading.rejected, *echoes, *refused, *judgement.rejected),
            failures=(*reading.failures, *_judge_failures(judgement)),
            unread=frozenset(reading.unread) | frozenset(judgement.failed),
            unafforded=frozenset(reading.unafforded) | frozenset(judgement.unafforded),
            performed_by=tuple(reading.models),
            notices=(
                *reading.notices,
                *dict.fromkeys(judgement.notices),
                *filter(None, [doubt]),
                *self._remarks(reading),
            ),
        )

    def _identify(self, kept: list[Finding], echoes: Iterable[Rejected]) -> list[Finding]:
        previous = self._request.previous
        if previous is None:
            return kept
        found = identify(kept, previous, said_by_model)
        echoed = {(one.candidate.path, words(presentable(one.candidate).quote)) for one in echoes}
        fixed = [one for one in found.fixed if (one.path, words(one.quote)) not in echoed]
        still = self._carried(fixed)
        known = {one.fingerprint for one in still}
        self._identified = replace(found, fixed=tuple(one for one in fixed if one.fingerprint not in known))
        return [*found.findings, *still]

    def _carried(self, fixed: Sequence[Finding]) -> list[Finding]:
        """Keep what nobody looked at again, if it still passes the evidence gate."""
        if self._reading is None and self._engine is None:
            unseen = [one for one in fixed if said_by_model(one.rule)]
        else:
            unseen = carried(fixed, self._reading or Reading(), self._base)
        still = []
        for old in unseen:
            weighed = weigh([old], self._evidence, scope=Scope.CHANGED)
            still += [
                replace(one, fingerprint=old.fingerprint, state=State.STILL_THERE, folded=old.folded)
                for one in weighed.findings
            ]
        return still

    def _is_unchanged(self, one: Finding) -> bool:
        """Whether the segment around *one* is one that the previous run had read."""
        previous = self._request.previous
        if self._reading is None or previous is None:
            return False
        place = segment_keys(self._reading)(one)
        return place is not None and place[0] in previous.read

    def _judge(self, findings: Sequence[Finding], progress: Progress) -> Judgement:
        if self._engine is None:
            return Judgement(findings=list(findings))
        progress("judge", 0, len(findings))
        rules = {rule.id: rule for check in self._request.checks for rule in check.rules.values()}
        rules |= {**MODEL_RULES, **self._request.options.questions}
        return Judge(self._engine, self._shown, self._request.options, rules).judge(findings)

    def _remarks(self, reading: Reading) -> list[str]:
        notices = []
        recalled = len(reading.read - reading.fresh)
        if recalled:
            notices.append(f"{recalled} of {len(reading.pieces)} parts of the change were read before and not again.")
        if self._request.previous is not None and self._base.reason:
            notices.append(f"Full review: {self._base.reason}.")
        return notices

    def told(self, published: Sequence[Finding], rejected: Sequence[Rejected]) -> dict[str, Any]:
        """Return the mode's own keys of ``findings.json``: history, walkthrough, description."""
        if self._engine is None and self._request.previous is None:
            return {}
        gone = dismissals(self._request.previous, self._request.dismissed)
        history = record(
            self._base,
            self._reading,
            basis=self._basis,
            identified=self._identified,
            published=published,
            rejected=rejected,
            dismissed=gone,
        )
        extra: dict[str, Any] = {
            **history,
            QUALITY_KEY: self._quality(rejected),
            "walkthrough": self._walkthrough(published),
        }
        return extra | ({"description": self._description} if self._description else {})

    def _quality(self, rejected: Sequence[Rejected]) -> dict[str, int]:
        """Return the judge's scores of this run, and what people did since the run before with what it published."""
        before = self._request.previous.findings if self._request.previous else ()
        silent = silenced(rejected)
        known = {one.fingerprint for one in silent}
        fixed = self._identified.fixed
        marked = [old for old in fixed if any(_marked(old, one) for one in silent)]
        return {
            "judged": len(self._scores),
            "judge_ppm": sum(self._scores),
            "accepted": sum(old not in marked and self._is_resolved(old) for old in fixed),
            "dismissed": len(marked) + sum(old.fingerprint in known for old in before),
        }

    def _is_resolved(self, old: Finding) -> bool:
        """Whether the code of a finding that is gone was changed: a model that is silent this time resolves nothing."""
        return not said_by_model(old.rule) or not weigh([old], self._evidence, scope=Scope.CHANGED).findings

    def _walkthrough(self, published: Sequence[Finding]) -> list[dict[str, Any]]:
        scope = self._reading.scope if self._reading else None
        shown = self._shown or shown_files(self._files.values())
        symbols: dict[str, dict[str, None]] = {}
        for piece in self._reading.pieces if self._reading else ():
            if piece.symbol:
                symbols.setdefault(piece.path, {})[piece.symbol] = None
        told = {one["path"]: one["what"] for one in (self._description or {}).get("files", ())}
        return [
            {
                "path": path,
                "status": file.change.status.value,
                "added": file.change.added,
                "removed": file.change.removed,
                "risk": Risk((scope.risks if scope else {}).get(path, risk_of(shown[path]))).name.lower(),
                "symbols": list(symbols.get(path, ()))[:8],
                "findings": sum(one.path == path for one in published),
                "what": told.get(path, ""),
            }
            for path, file in self._files.items()
        ]


def _marked(old: Finding, silent: Finding) -> bool:
    """Whether *silent* is *old* with a comment on its line that says to ignore it."""
    same = (old.path, old.rule) == (silent.path, silent.rule)
    return same and bool(words(old.quote)) and words(presentable(silent).quote).startswith(words(old.quote))


def _judge_failures(judgement: Judgement) -> list[Failure]:
    return [Failure(unit="judge", path=path, reason=reason) for path, reason in judgement.failed.items()]
