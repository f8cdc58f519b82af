"""What a review takes from the one before, and what it leaves for the next."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from tta_orchestrate.domain.finding import Candidate, Finding, Rejected, Rejection, State
from tta_orchestrate.domain.identity import HISTORY, Identified, PreviousRun, as_json, words
from tta_orchestrate.domain.redaction import MASK, presentable
from tta_orchestrate.modes.review.memory import stored
from tta_orchestrate.modes.review.reader import Reading
from tta_orchestrate.modes.review.rules import said_by_model
from tta_orchestrate.modes.review.shown import inert

IsAncestor = Callable[[str, str], bool]
"""Whether the first commit is an ancestor of the second, as far as this clone knows."""


@dataclass(frozen=True, slots=True)
class Baseline:
    """The previous run as far as it can be built on; ``reason`` says why the review is a full one, if it is."""

    previous: PreviousRun | None
    reason: str

    @property
    def usable(self) -> bool:
        """Whether what was read then need not be read again."""
        return not self.reason

    def known(self) -> dict[str, list[Any]]:
        """Return what was said of each segment that was read, as the memory stores it.

        Segments with a masked secret are left out: their words cannot be checked again.
        """
        if not self.usable or self.previous is None:
            return {}
        by_key: dict[str, list[Any]] = {key: [] for key in self.previous.read}
        for one in self.previous.known:
            key, offset = self.previous.segments.get(one.fingerprint, ("", 0))
            if MASK in one.quote:
                by_key.pop(key, None)
            elif key in by_key and said_by_model(one.rule):
                shown = "\n".join(map(inert, one.quote.split("\n")))
                by_key[key].append(stored(replace(one, quote=shown), one.start_line - offset))
        return by_key


def baseline(previous: PreviousRun | None, basis: str, head: str, is_ancestor: IsAncestor | None) -> Baseline:
    """Decide whether this review is incremental."""
    if previous is None:
        return Baseline(None, "there is no previous review")
    if not previous.head:
        return Baseline(previous, "the previous review names no commit")
    if previous.basis != basis:
        return Baseline(previous, "models, prompts, guidelines or rules have changed since the previous review")
    if is_ancestor is None or not head:
        return Baseline(previous, "without a repository the commits cannot be compared")
    if previous.head != head and not is_ancestor(previous.head, head):
        return Baseline(previous, "the commit of the previous review is not part of this history (rebase, force push)")
    return Baseline(previous, "")


def settled(findings: Sequence[Finding], base: Baseline, unchanged: Callable[[Finding], bool]) -> tuple[
    list[Finding], list[Finding], list[Rejected]
]:  # fmt: skip
    """Part *findings* into those with a verdict from the previous run, those still open, and those refused then."""
    before = {one.fingerprint: one for one in base.previous.known} if base.usable and base.previous else {}
    dropped = base.previous.dropped if base.usable and base.previous else {}
    closed: list[Finding] = []
    open_: list[Finding] = []
    refused: list[Rejected] = []
    for one in findings:
        old = before.get(one.fingerprint)
        if not unchanged(one):
            open_.append(one)
        elif one.fingerprint in dropped:
            detail = f"in the previous run: {dropped[one.fingerprint]}"[:400]
            refused.append(Rejected(candidate=one, reason=Rejection.JUDGE, detail=detail))
        elif old and words(old.quote) == words(presentable(one).quote):
            closed.append(replace(one, severity=old.severity, confidence=old.confidence, folded=old.folded))
        else:
            open_.append(one)
    return closed, open_, refused


def carried(fixed: Iterable[Finding], reading: Reading, base: Baseline) -> list[Finding]:
    """Return those of the *fixed* that nobody has looked at again: their file was not read, or not by the same rules.

    They are kept if their words still stand where the change is; the caller puts them through the evidence gate.
    """
    unseen = [one for one in fixed if one.path in reading.unread or not base.usable]
    return [one for one in unseen if said_by_model(one.rule)]


_SILENT: Final = frozenset({Rejection.DISMISSED, Rejection.BASELINE, Rejection.INLINE_IGNORE})


def silenced(rejected: Iterable[Rejected]) -> list[Finding]:
    """Return what is not published because somebody said so."""
    refused = ((one.reason, one.candidate) for one in rejected)
    return [one for reason, one in refused if reason in _SILENT and isinstance(one, Finding)]


def record(
    base: Baseline,
    reading: Reading | None,
    *,
    basis: str,
    identified: Identified,
    published: Sequence[Finding],
    rejected: Sequence[Rejected],
    dismissed: frozenset[str],
) -> dict[str, Any]:
    """Return the top-level key of ``findings.json`` that tells what changed and serves the next run."""
    states = [one.state for one in published]
    silent = silenced(rejected)
    history: dict[str, Any] = {
        "review": "incremental" if base.usable else "full",
        "reason": base.reason,
        "previous_head": base.previous.head if base.previous else "",
        "new": states.count(State.NEW),
        "still_there": states.count(State.STILL_THERE),
        "fixed": [
            {"fingerprint": one.fingerprint, "path": one.path, "rule": one.rule, "title": one.title}
            for one in identified.fixed
        ],
        "dismissed": sorted(dismissed),
        "silenced": [as_json(one) for one in silent],
        "basis": basis,
    }
    if reading is not None:
        history |= {
            "segments_read": len(reading.fresh),
            "segments_recalled": len(reading.read - reading.fresh),
            "read": sorted(reading.read),
            "segments": _places([*published, *silent], reading),
            "dropped": {
                one.candidate.fingerprint: one.detail
                for one in rejected
                if one.reason is Rejection.JUDGE and isinstance(one.candidate, Finding)
            },
        }
    return {HISTORY: history}


def segment_keys(reading: Reading) -> Callable[[Candidate], tuple[str, int] | None]:
    """Return a function from a claim to the segment that it stands in: key, and line counted from its start."""
    by_path: defaultdict[str, list[Any]] = defaultdict(list)
    for piece in reading.pieces:
        by_path[piece.path].append(piece)

    def key_of(one: Candidate) -> tuple[str, int] | None:
        for piece in by_path.get(one.path, ()):
            if piece.covers(one.side, one.start_line):
                return piece.key, one.start_line - piece.base(one.side)
        return None

    return key_of


def _places(published: Sequence[Finding], reading: Reading) -> Mapping[str, list[Any]]:
    key_of = segment_keys(reading)
    found = {one.fingerprint: key_of(one) for one in published}
    return {fingerprint: [*place] for fingerprint, place in found.items() if place}
