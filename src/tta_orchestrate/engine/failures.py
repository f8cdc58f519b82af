"""Everything that can go wrong with one call, and what each kind means for the next step.

Providers translate their vendor's errors into :class:`CallFailure`; nothing above them knows a vendor's classes. The
table at the end is the whole policy: whether a kind is tried again, how often, and what it closes.
"""

import email.utils
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Final

from tta_orchestrate.domain.cost import Usage
from tta_orchestrate.errors import UnavailableError
from tta_orchestrate.ports.model import FinishReason


class FailureKind(StrEnum):
    """Why a call gave no answer; the word in ``Call.outcome`` and in the cost report."""

    RATE_LIMIT = "rate_limit"
    OVERLOADED = "overloaded"
    TRANSIENT = "transient"
    TIMEOUT = "timeout"
    MALFORMED = "malformed"
    CUT_OFF = "cut_off"
    EMPTY = "empty"
    TRUNCATED = "truncated"
    REFUSAL = "refusal"
    SAFETY = "safety"
    TOO_LARGE = "too_large"
    BAD_REQUEST = "bad_request"
    NO_SUCH_MODEL = "no_such_model"
    NO_SCHEMA = "no_schema"
    """The endpoint refuses a schema; the provider remembers, and the next try carries it in the prompt."""
    AUTH = "auth"
    NO_SUCH_BATCH = "no_such_batch"
    EXPIRED = "expired"
    """The vendor did not get to this request of a batch in time."""
    BATCHED = "batched"
    """No failure: the request waits for a batch, and a later run collects the answer."""
    DAY_QUOTA = "day_quota"
    SPEND_CAP = "spend_cap"
    OVER_BUDGET = "over_budget"
    UNPRICED = "unpriced"
    BREAKER_OPEN = "breaker_open"
    CLOSED = "closed"
    DEADLINE = "deadline"
    CANCELLED = "cancelled"
    REJECTED = "rejected"
    """The answer came, and failed its gates."""


class Billing(StrEnum):
    """What a failed call costs: the question that decides how its reservation settles."""

    NOTHING = "nothing"
    """Provably unpaid (a 4xx, or nothing was sent): released."""
    METERED = "metered"
    """The reply came with its usage: settled at that."""
    UNKNOWN = "unknown"
    """Sent, and nobody can tell: settled at the reservation."""


class Closes(StrEnum):
    """What a failure shuts for the rest of the run."""

    NOTHING = "nothing"
    MODEL = "model"
    PROVIDER = "provider"


class CallFailure(UnavailableError):  # noqa: N818 -- what happened to a call; whether it is an error, the cascade decides
    """One call that gave no answer. ``hint`` is the server's own wish in seconds, already clamped to >= 0."""

    def __init__(
        self,
        kind: FailureKind,
        message: str,
        *,
        hint: float | None = None,
        usage: Usage | None = None,
        billing: Billing | None = None,
        response_model: str = "",
        headers: Mapping[str, str] | None = None,
        quota: int | None = None,
    ) -> None:
        super().__init__(message)
        self.kind = kind
        self.hint = hint
        self.usage = usage
        self.billing = billing or (Billing.METERED if usage is not None else kind_of(kind).billing)
        self.response_model = response_model
        self.headers = headers or {}
        self.quota = quota
        """The limit that a 429 body names (requests per day or minute), if it does."""


@dataclass(frozen=True, slots=True)
class Trait:
    """What a kind of failure means."""

    tries: int = 1
    """How often in all one executor is asked; 1 means no retry."""
    billing: Billing = Billing.NOTHING
    closes: Closes = Closes.NOTHING
    trips: bool = False
    """Whether it counts towards the circuit breaker."""


def kind_of(kind: FailureKind) -> Trait:
    """Return what *kind* means."""
    return _TRAITS[kind]


def failure_of(reason: FinishReason) -> FailureKind | None:
    """Return the failure that *reason* is, or ``None`` for the only good end."""
    return _FINISH[reason]


def from_status(status: int, message: str, headers: Mapping[str, str], now: datetime) -> CallFailure:
    """Classify an HTTP error by status alone; vendors refine it by their own body first.

    *headers* have lower-cased names. An error status is not billed.
    """
    kind = _STATUS.get(status) or (FailureKind.TRANSIENT if status >= _SERVER_ERROR else FailureKind.BAD_REQUEST)
    return CallFailure(
        kind, f"HTTP {status}: {message}", hint=retry_after(headers, now), headers=headers, billing=Billing.NOTHING
    )


def of_submission(failure: CallFailure, status: int) -> CallFailure:
    """Return *failure* of sending a batch: behind a server error it may have been taken all the same."""
    if status >= _SERVER_ERROR:
        failure.billing = Billing.UNKNOWN
    return failure


def retry_after(headers: Mapping[str, str], now: datetime) -> float | None:
    """Return the seconds that *headers* ask to wait: ``retry-after-ms``, then ``retry-after`` (seconds or HTTP date).

    Negative values and dates in the past are 0; nonsense is ``None``. Source: RFC 9110 §10.2.3.
    """
    if (milliseconds := _number(headers.get("retry-after-ms", ""))) is not None:
        return max(0.0, milliseconds / 1000)
    raw = headers.get("retry-after", "").strip()
    if (seconds := _number(raw)) is not None:
        return max(0.0, seconds)
    try:
        when = email.utils.parsedate_to_datetime(raw)
    except (TypeError, ValueError, IndexError):
        return None
    aware = when if when.tzinfo else when.replace(tzinfo=UTC)
    return max(0.0, (aware - now).total_seconds())


def duration(text: str) -> float | None:
    """Return the seconds of ``7.66s``, ``2m59.56s``, ``120ms`` (Google's ``RetryInfo``, Groq's and OpenAI's resets)."""
    total, number, units = 0.0, "", 0
    rest = text.strip()
    while rest:
        if rest[0].isdigit() or rest[0] == ".":
            number, rest = number + rest[0], rest[1:]
            continue
        unit = "ms" if rest.startswith("ms") else rest[0]
        value = _number(number)
        if unit not in _SECONDS or value is None:
            return None
        total, number, units, rest = total + value * _SECONDS[unit], "", units + 1, rest[len(unit) :]
    return total if units and not number else None


def _number(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if abs(value) < _FAR else None


_FAR: Final = 1e9
_SERVER_ERROR: Final = 500
_SECONDS: Final = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}

_STATUS: Final[Mapping[int, FailureKind]] = {
    400: FailureKind.BAD_REQUEST,
    401: FailureKind.AUTH,
    402: FailureKind.SPEND_CAP,
    403: FailureKind.AUTH,
    404: FailureKind.NO_SUCH_MODEL,
    408: FailureKind.TRANSIENT,
    409: FailureKind.TRANSIENT,
    410: FailureKind.NO_SUCH_MODEL,
    413: FailureKind.TOO_LARGE,
    429: FailureKind.RATE_LIMIT,
    503: FailureKind.OVERLOADED,
    529: FailureKind.OVERLOADED,
}

_FINISH: Final[Mapping[FinishReason, FailureKind | None]] = {
    FinishReason.STOP: None,
    FinishReason.LENGTH: FailureKind.TRUNCATED,
    FinishReason.REFUSAL: FailureKind.REFUSAL,
    FinishReason.CONTENT_FILTER: FailureKind.SAFETY,
    FinishReason.EMPTY: FailureKind.EMPTY,
    FinishReason.CUT_OFF: FailureKind.CUT_OFF,
}

_TRAITS: Final[Mapping[FailureKind, Trait]] = {
    FailureKind.RATE_LIMIT: Trait(tries=4),
    FailureKind.OVERLOADED: Trait(tries=3, trips=True),
    FailureKind.TRANSIENT: Trait(tries=3, trips=True, billing=Billing.UNKNOWN),
    FailureKind.TIMEOUT: Trait(tries=2, trips=True, billing=Billing.UNKNOWN),
    FailureKind.MALFORMED: Trait(tries=2, billing=Billing.UNKNOWN),
    FailureKind.CUT_OFF: Trait(tries=3, trips=True, billing=Billing.UNKNOWN),
    FailureKind.EMPTY: Trait(tries=2, billing=Billing.UNKNOWN),
    FailureKind.TRUNCATED: Trait(billing=Billing.UNKNOWN),
    FailureKind.REFUSAL: Trait(billing=Billing.UNKNOWN),
    FailureKind.SAFETY: Trait(billing=Billing.UNKNOWN),
    FailureKind.TOO_LARGE: Trait(),
    FailureKind.BAD_REQUEST: Trait(),
    FailureKind.NO_SCHEMA: Trait(tries=3),
    FailureKind.NO_SUCH_MODEL: Trait(closes=Closes.MODEL),
    FailureKind.NO_SUCH_BATCH: Trait(billing=Billing.UNKNOWN),
    FailureKind.EXPIRED: Trait(),
    FailureKind.BATCHED: Trait(),
    FailureKind.AUTH: Trait(closes=Closes.PROVIDER),
    FailureKind.DAY_QUOTA: Trait(closes=Closes.MODEL),
    FailureKind.SPEND_CAP: Trait(closes=Closes.PROVIDER),
    FailureKind.OVER_BUDGET: Trait(),
    FailureKind.UNPRICED: Trait(closes=Closes.MODEL),
    FailureKind.BREAKER_OPEN: Trait(),
    FailureKind.CLOSED: Trait(),
    FailureKind.DEADLINE: Trait(),
    FailureKind.CANCELLED: Trait(),
    FailureKind.REJECTED: Trait(),
}
