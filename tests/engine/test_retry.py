"""The one retry loop, on a clock that jumps."""

import random
import threading
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tta_orchestrate.engine.clock import VirtualClock
from tta_orchestrate.engine.failures import CallFailure, FailureKind, duration, from_status, retry_after
from tta_orchestrate.engine.retry import Patience, RetryBudget, RetryPolicy, pause_before_retry, with_retries

NOW = datetime(2026, 11, 22, tzinfo=UTC)


def patience(deadline=300.0, **policy):
    rules = RetryPolicy(**policy)
    return Patience(
        policy=rules,
        budget=RetryBudget(rules),
        clock=VirtualClock(NOW),
        random=random.Random(1),
        deadline=deadline,
        cancelled=threading.Event(),
    )


def failing(*failures):
    waiting = list(failures)

    def call(attempt):
        if waiting:
            raise waiting.pop(0)
        return attempt

    return call


def fail(kind, hint=None):
    return CallFailure(FailureKind(kind), kind, hint=hint)


def test_a_hint_is_waited_out_in_full_then_the_call_succeeds():
    patient = patience()
    assert with_retries(failing(fail("rate_limit", 2.0)), patient) == 2
    assert 2.0 <= patient.clock.monotonic() < 3.0


def test_a_hint_beyond_the_deadline_is_not_slept_for():
    patient = patience(deadline=60.0)
    with pytest.raises(CallFailure):
        with_retries(failing(fail("rate_limit", 70.0)), patient)
    assert patient.clock.monotonic() == 0.0


@pytest.mark.parametrize(
    ("kind", "tries"), [("rate_limit", 4), ("overloaded", 3), ("transient", 3), ("timeout", 2), ("empty", 2)]
)
def test_each_kind_has_its_own_number_of_tries_and_none_more_than_four(kind, tries):
    made = []

    def call(attempt):
        made.append(attempt)
        raise fail(kind)

    with pytest.raises(CallFailure):
        with_retries(call, patience())
    assert made == list(range(1, tries + 1))


@pytest.mark.parametrize(
    "kind",
    [
        "auth",
        "bad_request",
        "too_large",
        "spend_cap",
        "day_quota",
        "refusal",
        "safety",
        "truncated",
        "no_such_model",
        "over_budget",
    ],
)
def test_what_cannot_get_better_is_never_tried_again(kind):
    with pytest.raises(CallFailure):
        with_retries(failing(fail(kind)), patience())


@given(st.integers(1, 4), st.one_of(st.none(), st.floats(0, 1e6)), st.floats(0, 1e4), st.integers())
def test_a_pause_never_passes_the_deadline_and_never_undercuts_the_hint(attempt, hint, remaining, seed):
    pause = pause_before_retry(RetryPolicy(), fail("rate_limit", hint), attempt, remaining, random.Random(seed))
    if pause is not None:
        assert (hint or 0.0) <= pause < remaining
        assert attempt < 4


def test_the_runs_budget_of_retries_ends_them_for_everybody():
    patient = patience(budget_floor=3, budget_share=0.0)
    for _ in range(3):
        assert with_retries(failing(fail("transient")), patient) == 2
    with pytest.raises(CallFailure):
        with_retries(failing(fail("transient")), patient)


def test_nothing_starts_after_the_deadline_or_a_cancel():
    with pytest.raises(CallFailure, match="time"):
        with_retries(failing(), patience(deadline=0.0))
    patient = patience()
    patient.cancelled.set()
    with pytest.raises(CallFailure, match="cancelled"):
        with_retries(failing(), patient)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "2"}, 2.0),
        ({"retry-after": "-5"}, 0.0),
        ({"retry-after-ms": "1500", "retry-after": "9"}, 1.5),
        ({"retry-after": format_datetime(NOW + timedelta(seconds=90), usegmt=True)}, 90.0),
        ({"retry-after": format_datetime(NOW - timedelta(days=900), usegmt=True)}, 0.0),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "inf"}, None),
        ({"retry-after": "nan"}, None),
        ({}, None),
    ],
)
def test_every_form_of_retry_after_is_read_and_clamped(headers, seconds):
    assert retry_after(headers, NOW) == seconds


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("3s", 3),
        ("7.66s", 7.66),
        ("2m59.5s", 179.5),
        ("120ms", 0.12),
        ("1h2m", 3720),
        ("x", None),
        ("3", None),
        ("", None),
    ],
)
def test_vendors_durations_are_read(text, seconds):
    assert duration(text) == (None if seconds is None else pytest.approx(seconds))


@given(st.text(max_size=30))
def test_no_header_breaks_the_reader(text):
    assert retry_after({"retry-after": text}, NOW) is None or retry_after({"retry-after": text}, NOW) >= 0
    assert duration(text) is None or duration(text) >= 0


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, "bad_request"),
        (401, "auth"),
        (402, "spend_cap"),
        (404, "no_such_model"),
        (413, "too_large"),
        (418, "bad_request"),
        (429, "rate_limit"),
        (500, "transient"),
        (529, "overloaded"),
        (599, "transient"),
    ],
)
def test_statuses_have_their_kinds(status, kind):
    assert from_status(status, "m", {}, NOW).kind.value == kind
