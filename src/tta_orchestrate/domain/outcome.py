"""The verdict of a run, in one place (design: "never a silent green")."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Outcome(StrEnum):
    """What came of a run."""

    CLEAN = "clean"
    FINDINGS = "findings"
    PARTIAL = "partial"
    SKIPPED = "skipped"
    """There was nothing to do (no changed file is left after the skips, or the configuration says not now)."""
    UNAVAILABLE = "unavailable"
    CONFIG_ERROR = "config-error"


class Conclusion(StrEnum):
    """The words of GitHub's Checks API that this program uses."""

    SUCCESS = "success"
    NEUTRAL = "neutral"
    FAILURE = "failure"
    ACTION_REQUIRED = "action_required"
    CANCELLED = "cancelled"


class OnPartial(StrEnum):
    """What a partial result means for the check."""

    NEUTRAL = "neutral"
    FAIL = "fail"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """How many units were planned, and how each ended."""

    planned: int
    done: int
    findings: int
    begun: int = 0
    """Units with a valid local result whose models the budget did not allow: less than done, more than nothing."""

    def __post_init__(self) -> None:
        if not 0 <= self.done + self.begun <= self.planned or self.done < 0:
            raise ValueError(f"done must be within 0..planned, got {self.done} and {self.begun} of {self.planned}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """The outcome with its consequences: for the check run and for the shell."""

    outcome: Outcome
    conclusion: Conclusion
    exit_code: int


def decide(tally: Tally) -> Outcome:
    """Return the outcome of a run that got as far as planning.

    ``clean`` needs a valid answer for every planned unit; a run whose plan is empty is ``skipped``, never ``clean``.
    """
    if tally.planned == 0:
        return Outcome.SKIPPED
    if tally.done + tally.begun == 0:
        return Outcome.UNAVAILABLE
    if tally.done < tally.planned:
        return Outcome.PARTIAL
    return Outcome.FINDINGS if tally.findings else Outcome.CLEAN


def conclude(outcome: Outcome, *, fail_on_met: bool = False, on_partial: OnPartial = OnPartial.NEUTRAL) -> Verdict:
    """Return conclusion and exit code of *outcome*.

    *fail_on_met*: a published finding meets the ``fail_on`` policy; that fails a partial run as well.
    """
    failed = fail_on_met or (outcome is Outcome.PARTIAL and on_partial is OnPartial.FAIL)
    if failed and outcome in {Outcome.FINDINGS, Outcome.PARTIAL}:
        return Verdict(outcome=outcome, conclusion=Conclusion.FAILURE, exit_code=1)
    conclusion, exit_code = _PLAIN[outcome]
    return Verdict(outcome=outcome, conclusion=conclusion, exit_code=exit_code)


_PLAIN: Final[Mapping[Outcome, tuple[Conclusion, int]]] = {
    Outcome.CLEAN: (Conclusion.SUCCESS, 0),
    Outcome.FINDINGS: (Conclusion.NEUTRAL, 0),
    Outcome.PARTIAL: (Conclusion.NEUTRAL, 0),
    Outcome.SKIPPED: (Conclusion.NEUTRAL, 0),
    Outcome.UNAVAILABLE: (Conclusion.ACTION_REQUIRED, 3),
    Outcome.CONFIG_ERROR: (Conclusion.FAILURE, 2),
}
