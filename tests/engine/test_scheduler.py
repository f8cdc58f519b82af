"""Pace, breakers, day counters, on a clock that jumps."""

import threading
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tta_orchestrate.engine.clock import VirtualClock
from tta_orchestrate.engine.failures import CallFailure, FailureKind
from tta_orchestrate.engine.scheduler import BREAKER_PAUSE, Bucket, DayCounter, Rules, Scheduler

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


def scheduler(days=None, **rules):
    clock = VirtualClock(NOW)
    return Scheduler(clock, threading.Event(), {"p": Rules(**rules)}, days(clock) if days else None), clock


def call(s, *, tokens=1, deadline=1e6):
    with s.admitted("p", "m", tokens, deadline):
        pass


def fail(s, kind, **fields):
    s.failed("p", "m", CallFailure(FailureKind(kind), kind, **fields))


def test_requests_keep_the_configured_pace():
    s, clock = scheduler(requests_per_minute=60)
    for _ in range(60 + 30):
        call(s)
    assert clock.monotonic() == pytest.approx(30)


def test_tokens_keep_the_pace_learned_from_headers():
    s, clock = scheduler()
    headers = {"anthropic-ratelimit-input-tokens-limit": "6000", "anthropic-ratelimit-input-tokens-remaining": "1000"}
    call(s)
    s.succeeded("p", "m", headers)
    call(s, tokens=1000)
    assert clock.monotonic() == 0
    call(s, tokens=3000)
    assert clock.monotonic() == pytest.approx(30)


@given(st.lists(st.integers(1, 900), min_size=1, max_size=40))
def test_a_bucket_never_lets_more_through_than_its_rate_and_one_burst(amounts):
    bucket, now, total = Bucket(), 0.0, 0
    bucket.learn(600, 600, now)
    for amount in amounts:
        now += bucket.delay(amount, now)
        bucket.delay(amount, now)
        bucket.take(amount)
        total += amount
        assert total <= 600 + 600 * now / 60 + max(amounts) + 1e-6


@pytest.mark.parametrize("reset", ["20s", "2026-11-22T12:00:20Z"])
def test_nothing_left_means_waiting_for_the_reset(reset):
    s, clock = scheduler()
    call(s)
    s.succeeded("p", "m", {"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": reset})
    call(s)
    assert clock.monotonic() == pytest.approx(20)


def test_a_hint_pauses_everybody_on_that_model_and_nobody_on_another():
    s, clock = scheduler()
    fail(s, "rate_limit", hint=12.0)
    with s.admitted("p", "other", 1, 1e6):
        assert clock.monotonic() == 0
    call(s)
    assert clock.monotonic() == 12


def test_a_pause_beyond_the_deadline_is_refused_instead_of_slept():
    s, clock = scheduler()
    fail(s, "rate_limit", hint=70.0)
    with pytest.raises(CallFailure) as caught:
        call(s, deadline=60)
    assert (caught.value.kind, clock.monotonic()) == (FailureKind.RATE_LIMIT, 0)


def test_five_failures_in_a_minute_open_the_breaker_then_one_probe_decides():
    s, clock = scheduler()
    for _ in range(5):
        call(s)
        fail(s, "overloaded")
    with pytest.raises(CallFailure, match="resting"):
        call(s)
    clock.wait(BREAKER_PAUSE, threading.Event())
    with s.admitted("p", "m", 1, 1e6), pytest.raises(CallFailure, match="resting"):
        call(s)  # the probe is on its way
    fail(s, "overloaded")
    with pytest.raises(CallFailure, match="resting"):
        call(s)
    clock.wait(BREAKER_PAUSE, threading.Event())
    call(s)
    s.succeeded("p", "m", {})
    call(s)


def test_failures_that_are_far_apart_do_not_add_up():
    s, clock = scheduler()
    for _ in range(9):
        fail(s, "overloaded")
        clock.wait(20, threading.Event())
    call(s)


def test_three_rests_in_a_row_give_the_model_up():
    s, clock = scheduler()
    for _ in range(5):
        fail(s, "overloaded")
    for _ in range(2):
        clock.wait(BREAKER_PAUSE, threading.Event())
        call(s)
        fail(s, "overloaded")
    clock.wait(BREAKER_PAUSE, threading.Event())
    with pytest.raises(CallFailure) as caught:
        call(s)
    assert caught.value.kind is FailureKind.CLOSED


@pytest.mark.parametrize(
    ("kind", "others"), [("auth", True), ("spend_cap", True), ("day_quota", False), ("no_such_model", False)]
)
def test_what_stays_broken_closes_the_model_or_the_whole_provider(kind, others):
    s, _ = scheduler()
    fail(s, kind)
    with pytest.raises(CallFailure) as caught:
        call(s)
    assert caught.value.kind is FailureKind.CLOSED
    assert bool(s.closed("p", "other")) is others


def test_the_day_counter_survives_processes_and_ends_at_midnight_pacific(tmp_path):
    def days(clock):
        return DayCounter(clock, tmp_path / "days.json")

    s, clock = scheduler(days, requests_per_day=3)
    for _ in range(2):
        call(s)
    s, clock = scheduler(days, requests_per_day=3)
    call(s)
    with pytest.raises(CallFailure) as caught:
        call(s)
    assert caught.value.kind is FailureKind.DAY_QUOTA
    s, clock = scheduler(days, requests_per_day=3)
    clock.wait(timedelta(hours=20).total_seconds() - 1, threading.Event())  # 23:59:59 in Los Angeles
    with pytest.raises(CallFailure):
        call(s)
    s, clock = scheduler(days, requests_per_day=3)
    clock.wait(timedelta(hours=20).total_seconds(), threading.Event())
    call(s)


def test_a_damaged_day_file_counts_from_nothing(tmp_path):
    (tmp_path / "days.json").write_text("[1")
    assert DayCounter(VirtualClock(NOW), tmp_path / "days.json").today("p/m") == 0


def test_no_more_calls_than_the_concurrency_are_on_their_way():
    s, _ = scheduler(concurrency=3)
    now, most, lock = [0], [0], threading.Lock()

    def work():
        with s.admitted("p", "m", 1, 1e6):
            with lock:
                now[0] += 1
                most[0] = max(most[0], now[0])
            threading.Event().wait(0.002)
            with lock:
                now[0] -= 1

    threads = [threading.Thread(target=work) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most[0] == 3


@given(
    st.dictionaries(
        st.sampled_from(
            [
                "x-ratelimit-limit-tokens",
                "x-ratelimit-remaining-tokens",
                "x-ratelimit-reset-tokens",
                "anthropic-ratelimit-requests-reset",
                "anthropic-ratelimit-requests-remaining",
            ]
        ),
        st.text(max_size=12) | st.integers(-9, 10**12).map(str),
    )
)
def test_no_header_can_break_or_stop_the_run(headers):
    s, clock = scheduler()
    s.succeeded("p", "m", headers)
    with suppress(CallFailure):
        call(s, deadline=1e7)
    assert clock.monotonic() <= 1e7
