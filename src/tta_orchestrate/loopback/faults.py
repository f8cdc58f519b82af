"""What can go wrong on purpose, and when: faults by name, and schedules over the index of the request.

The numbers are the rows of the fault table that the chaos matrix runs through.
"""

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Fault(StrEnum):
    """One way to fail, in every vendor's own words."""

    RATE_LIMIT = "F1 429, retry-after 2"
    LONG_RATE_LIMIT = "F2 429, retry-after 7000"
    SPEND_CAP = "F3 spend cap reached"
    OVERLOADED = "F4 529"
    ERROR_EVENT = "F5 error event after HTTP 200"
    NO_CLOSING_EVENT = "F6 clean end without the closing event"
    CUT_BODY = "F7 connection cut inside the body"
    HTML = "F8 HTTP 200 with HTML"
    BAD_JSON = "F9 malformed JSON"
    EMPTY = "F10 empty answer"
    TRUNCATED = "F11 output limit"
    REFUSAL = "F12 refusal or safety block"
    WRONG_SCHEMA = "F13 answer that breaks the schema"
    RETRY_INFO = "F14 429 with a hint in the body"
    SERVER_ERROR = "F15 500"
    HANG = "F16 silence"
    TOO_LONG = "F17 prompt too long"
    HOLLOW = "F28 valid answer that does nothing"
    ODD_RETRY_AFTER = "F29 negative, dated and millisecond retry-after"


Schedule = Callable[[int], Fault | None]
"""From the index of a request (0 is the first) to what happens to it."""


def never(index: int) -> Fault | None:  # noqa: ARG001
    """Nothing goes wrong."""
    return None


@dataclass(frozen=True, slots=True)
class At:
    """*fault* at the places that a position of the matrix means, for a run of about *length* requests."""

    fault: Fault
    position: str
    length: int

    def __call__(self, index: int) -> Fault | None:
        """Return the fault of request *index*."""
        return self.fault if POSITIONS[self.position](index, self.length) else None


@dataclass(frozen=True, slots=True)
class Seeded:
    """A random *share* of requests fails, each with one of *faults*; the same seed gives the same run."""

    seed: int
    share: float
    faults: tuple[Fault, ...]

    def __call__(self, index: int) -> Fault | None:
        """Return the fault of request *index*."""
        chance = random.Random(self.seed * 1_000_003 + index)  # noqa: S311 -- a schedule, no secret
        return chance.choice(self.faults) if chance.random() < self.share else None


POSITIONS: Final[Mapping[str, Callable[[int, int], bool]]] = {
    "first": lambda index, _: index == 0,
    "middle": lambda index, length: index == length // 2,
    "last": lambda index, length: index == length - 1,
    "every third": lambda index, _: (index + 1) % 3 == 0,
    "always": lambda _index, _length: True,
}
