"""A pull request: what a kept test does on the base revision, and what the base did that head does not."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from tta_orchestrate.modes.test_gen.arena import Session
from tta_orchestrate.modes.test_gen.outcome import Drop, Kept
from tta_orchestrate.modes.test_gen.shape import Shape
from tta_orchestrate.modes.test_gen.snapshot import Snapshot

CHANGE_PROVING: Final = "change-proving"
REGRESSION_GUARD: Final = "regression-guard"
UNKNOWN: Final = "not run on the base revision"


@dataclass(frozen=True, slots=True, kw_only=True)
class Diff:
    """The base revision, and the lines of one file that head changed."""

    base: Snapshot
    lines: frozenset[int]


def touched(shape: Shape, lines: frozenset[int]) -> frozenset[int]:
    """Return every line of the functions that *lines* touch, and *lines* themselves."""
    found = set(lines)
    for line in lines:
        symbol = shape.symbol_at(line)
        if symbol is not None:
            found.update(range(symbol.first, symbol.last + 1))
    return frozenset(found)


def label(kept: Sequence[Kept], on_base: Session) -> list[Kept]:
    """Return *kept* with its labels: fail to pass proves the change, pass to pass guards what was there."""
    labelled = []
    for one in kept:
        ran = on_base.tests.get(one.test)
        if ran is not None:
            name = REGRESSION_GUARD if ran.outcome == "passed" else CHANGE_PROVING
        else:  # it could not even be collected there: what it imports is new
            name = CHANGE_PROVING if on_base.collect_errors else UNKNOWN
        labelled.append(Kept(test=one.test, gains=one.gains, kills=one.kills, label=name))
    return labelled


def regressions(on_base: Session, on_head: Session, ids: Sequence[str], sources: dict[str, str]) -> list[Drop]:
    """Return the tests that pass on base and fail on head: a person has to say whether that was on purpose."""
    found = []
    for identity in ids:
        before, after = on_base.tests.get(identity), on_head.tests.get(identity)
        if before is not None and after is not None and before.outcome == "passed" and after.outcome == "failed":
            name = sources[identity].strip("`") if identity in sources else identity.rpartition("::")[2]
            lines = [line.strip() for line in after.error.splitlines() if line.strip().startswith("E ")]
            told = next((line.removeprefix("E").strip() for line in lines), "")
            call = f"{sources[identity]}: " if identity in sources else ""
            reason = f"{call}passes on the base revision, fails on head. {told[:400]}"
            found.append(Drop(test=name, gate="fail-to-pass", reason=reason.strip()))
    return found
