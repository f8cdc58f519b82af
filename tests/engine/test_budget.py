"""Money: the invariant under every order of events, and the settlement of each kind of end."""

import threading
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tta_orchestrate.domain.cost import NanoUsd
from tta_orchestrate.engine.budget import Budget, Limit
from tta_orchestrate.engine.failures import CallFailure, FailureKind


def budget(*limits, **options):
    return Budget([Limit(name=str(n), limit=limit) for n, limit in enumerate(limits)], **options)


@given(
    limit=st.integers(0, 1000),
    steps=st.lists(
        st.tuples(st.sampled_from(["reserve", "settle", "unknown", "release"]), st.integers(0, 300), st.integers(0, 5)),
        max_size=60,
    ),
)
def test_settled_plus_reserved_never_passes_the_limit_in_any_order_of_events(limit, steps):
    books = budget(limit)
    open_, expected = [], 0
    for verb, amount, pick in steps:
        if verb == "reserve":
            if amount <= books.remaining():
                open_.append(books.reserve(amount))
            elif amount > limit - books.settled:
                with pytest.raises(CallFailure):
                    books.reserve(amount)
        elif open_:
            reservation = open_.pop(pick % len(open_))
            actual = {"settle": min(amount, reservation.amount), "unknown": None, "release": 0}[verb]
            expected += reservation.amount if actual is None else actual
            reservation.settle(actual)
            reservation.settle(None)  # a late second end changes nothing
        assert books.settled + books.reserved <= limit
        assert books.settled == expected


@settings(max_examples=15, deadline=None)
@given(limit=st.integers(50, 400), worst=st.integers(1, 60), share=st.integers(0, 100), threads=st.integers(2, 8))
def test_threads_that_race_for_the_last_cent_never_pass_the_limit_and_none_starves(limit, worst, share, threads):
    books = budget(limit)
    seen, done = [], []

    def work():
        try:
            for _ in range(6):
                reservation = books.reserve(worst)
                seen.append(books.settled + books.reserved)
                reservation.settle(worst * share // 100)
                done.append(1)
        except CallFailure as failure:
            assert failure.kind is FailureKind.OVER_BUDGET  # noqa: PT017

    workers = [threading.Thread(target=work) for _ in range(threads)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(10)
        assert not worker.is_alive()
    assert max(seen, default=0) <= limit
    assert books.reserved == 0
    assert books.settled == len(done) * (worst * share // 100) <= limit
    if len(done) < 6 * threads:
        assert books.settled + worst > limit


def test_the_tightest_hard_limit_decides_and_a_soft_one_only_reports():
    books = Budget([
        Limit(name="run", limit=NanoUsd(100)),
        Limit(name="month", limit=NanoUsd(1000), spent_before=NanoUsd(950)),
        Limit(name="warn", limit=NanoUsd(10), hard=False),
    ])  # fmt: skip
    books.reserve(NanoUsd(50)).settle(None)
    with pytest.raises(CallFailure, match="over budget"):
        books.reserve(NanoUsd(1))
    assert [(s.name, s.settled, s.reached) for s in books.states()] == [
        ("run", 50, False),
        ("month", 1000, True),
        ("warn", 50, True),
    ]


def test_a_call_limit_refuses_one_call_that_could_cost_more():
    books = budget(100, call_limit=NanoUsd(10))
    books.reserve(NanoUsd(10))
    with pytest.raises(CallFailure):
        books.reserve(NanoUsd(11))


def test_a_reservation_waits_for_money_that_is_only_on_its_way_and_gets_it_back():
    books = budget(100)
    first = books.reserve(NanoUsd(80))
    got = []
    waiting = threading.Thread(target=lambda: got.append(books.reserve(NanoUsd(60))))
    waiting.start()
    assert got == []
    first.settle(NanoUsd(5))
    waiting.join(5)
    assert [r.amount for r in got] == [60]


def test_waiting_for_money_ends_when_the_run_is_cancelled():
    books, cancelled = budget(100), threading.Event()
    books.reserve(NanoUsd(80))
    cancelled.set()
    with pytest.raises(CallFailure, match="cancelled"):
        books.reserve(NanoUsd(60), cancelled)


def test_dollars_of_the_configuration_are_exact_to_the_nano():
    from tta_orchestrate.domain.cost import nano, usd

    assert usd(nano(Decimal("0.000000001"))) == "0.000000001"
