"""What every streamed answer must be, whoever sends it."""

import time
from collections.abc import Mapping

from tta_orchestrate.engine.failures import CallFailure, FailureKind


def must_be_events(headers: Mapping[str, str]) -> None:
    """Raise ``CallFailure`` when an answer of *headers* is no stream of events."""
    if "text/event-stream" not in headers.get("content-type", ""):
        raise CallFailure(FailureKind.MALFORMED, "the endpoint answered with something else than events")


def must_be_in_time(end: float) -> None:
    """Raise ``CallFailure`` when the monotonic clock has passed *end*, in seconds."""
    if time.monotonic() > end:
        raise CallFailure(FailureKind.TIMEOUT, "the answer was not complete in time")
