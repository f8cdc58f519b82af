"""How long to wait for GitHub: pure decisions, from its own headers.

Source: "Best practices for using the REST API" and "Rate limits for the REST API": wait for ``retry-after``; else, with
``x-ratelimit-remaining: 0``, until ``x-ratelimit-reset``; else at least a minute, doubling; leave a second between
writes. A 403 without any of these is about permissions, and asking again does not help.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

WRITE_GAP: Final = 1.0
"""Seconds between two writes."""
SECONDARY_WAIT: Final = 60.0
"""Seconds, the first time a secondary limit gives no hint."""
TRIES: Final = 4
_SERVER_ERRORS: Final = frozenset({500, 502, 503, 504})
_SECONDARY_WORDS: Final = ("secondary rate limit", "abuse detection", "submitted too quickly")


def is_rate_limit(status: int, headers: Mapping[str, str], body: str) -> bool:
    """Whether an answer means "later" and not "never"."""
    if status == 429:  # noqa: PLR2004
        return True
    hinted = "retry-after" in headers or headers.get("x-ratelimit-remaining") == "0"
    return status == 403 and (hinted or any(word in body.lower() for word in _SECONDARY_WORDS))  # noqa: PLR2004


def is_server_error(status: int) -> bool:
    """Whether the server failed, so that reading again makes sense."""
    return status in _SERVER_ERRORS


def rate_limit_wait(headers: Mapping[str, str], *, attempt: int, now: datetime) -> float:
    """Return the seconds to wait after rate-limited try number *attempt* (from 1); header names are lower-case."""
    hint = retry_after(headers.get("retry-after", ""), now)
    if hint is not None:
        return max(hint, 1.0)
    if headers.get("x-ratelimit-remaining") == "0":
        reset = headers.get("x-ratelimit-reset", "")
        if reset.isascii() and reset.isdigit():
            return max(int(reset) - now.timestamp(), 0.0) + 1.0
    return SECONDARY_WAIT * 2.0 ** (attempt - 1)


def server_error_wait(attempt: int) -> float:
    """Return the seconds to wait after try number *attempt* (from 1) met a server error."""
    return 2.0 ** (attempt - 1)


def retry_after(text: str, now: datetime) -> float | None:
    """Return the seconds that a ``Retry-After`` asks for, in either of its forms; negative ones mean 0."""
    text = text.strip()
    if text.isascii() and text.lstrip("-").isdigit():
        return max(float(text), 0.0)
    try:
        moment = parsedate_to_datetime(text)
    except (TypeError, ValueError):
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return max((moment - now).total_seconds(), 0.0)
