"""One finding for one cause: a model that says what a tool, a shard or a reviewer has said is not heard."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from tta_orchestrate.domain.change import Side
from tta_orchestrate.domain.finding import Candidate, Finding, Rejected, Rejection
from tta_orchestrate.modes.review.rules import said_by_model


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What another reviewer (a bot, a person) has already said on this change, at a place."""

    path: str
    start_line: int
    end_line: int
    by: str
    side: Side = Side.RIGHT


def overlap(one: Candidate | Said, other: Candidate | Said) -> bool:
    """Whether two claims are about a line in common."""
    return (
        one.path == other.path
        and one.side == other.side
        and one.start_line <= other.end_line
        and other.start_line <= one.end_line
    )


def without_echoes(findings: Iterable[Finding], said: Sequence[Said] = ()) -> tuple[list[Finding], list[Rejected]]:
    """Return what is left when models' echoes are taken out.

    A tool's finding wins over a model's at the same lines and of the same category, the more certain model over the
    other. Findings of tools are never touched: their rules are distinct.
    """
    ordered = sorted(findings, key=lambda one: (said_by_model(one.rule), -one.confidence, one.path, one.start_line))
    kept: defaultdict[str, list[Finding]] = defaultdict(list)
    rejected: list[Rejected] = []
    for one in ordered:
        echo = _echo(one, kept[one.path], said) if said_by_model(one.rule) else ""
        if echo:
            rejected.append(Rejected(candidate=one, reason=Rejection.DUPLICATE, detail=echo))
        else:
            kept[one.path].append(one)
    left = [one for group in kept.values() for one in group]
    return sorted(left, key=lambda one: (one.path, one.start_line, one.end_line, one.rule, one.source)), rejected


def _echo(one: Finding, kept: Iterable[Finding], said: Iterable[Said]) -> str:
    for other in kept:
        if other.category is one.category and overlap(one, other):
            return f"the same place and kind as {other.rule} of {other.source}"
    return next((f"{place.by} has said it already" for place in said if overlap(one, place)), "")
