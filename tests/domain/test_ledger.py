"""The rules of the books."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledgers import NOW, dollars, entry, terms, who
from tta_orchestrate.domain.cost import NanoUsd
from tta_orchestrate.domain.ledger import (
    Book,
    Envelope,
    Limit,
    ModelShare,
    Phase,
    Refusal,
    Window,
    allot,
    expirations,
    merge,
    reservation,
    stands,
    today,
)

LATER = NOW + timedelta(hours=2)
LEASE = {"expires": NOW + timedelta(hours=1)}


def test_a_settled_run_counts_what_it_cost_and_an_open_one_what_it_reserved():
    book = (
        entry("1", Phase.RESERVE, cash=dollars(1), **LEASE),
        entry("1", cash=dollars(0.25)),
        entry("2", Phase.RESERVE, cash=dollars(1), **LEASE),
    )
    limit = Limit(window=Window.MONTH, amount=dollars(10))
    assert limit.drawn(stands(book, NOW), "2026-11-22") == dollars(1.25)


def test_an_expired_lease_counts_in_full_until_somebody_settles_it():
    reserved = entry("1", Phase.RESERVE, cash=dollars(1), **LEASE)
    [closed] = expirations([reserved], LATER)
    assert (closed.phase, closed.cash) == (Phase.EXPIRE, dollars(1))
    assert not list(expirations([reserved, closed], LATER))
    assert not list(expirations([reserved], NOW))
    limit = Limit(window=Window.MONTH, amount=dollars(10))
    assert limit.drawn(stands([reserved, closed], LATER), "2026-11-22") == dollars(1)
    late = entry("1", cash=dollars(0.1))
    assert limit.drawn(stands([reserved, closed, late], LATER), "2026-11-22") == dollars(0.1)


def test_the_first_entry_of_a_key_stays():
    first, second = entry("1", cash=dollars(1)), entry("1", cash=dollars(2))
    assert merge([first], [second], [first]) == (first,)


def test_an_envelope_is_the_runs_limit_or_what_the_month_leaves():
    book = Book(entries=(entry("0", cash=dollars(9.5)),))
    assert allot(book, who(), terms(month=20), "2026-11-22", NOW).amount == dollars(1)
    assert allot(book, who(), terms(month=10), "2026-11-22", NOW).amount == dollars(0.5)


def test_a_used_up_month_is_refused_with_the_way_out():
    book = Book(entries=(entry("0", cash=dollars(10)),))
    refused = allot(book, who(), terms(month=10), "2026-11-22", NOW)
    assert isinstance(refused, Refusal)
    assert "the limit of the month is used up: $10.00 of $10.00" in refused.reason
    assert "cost_tracking.budget_limit_usd" in refused.remedy
    assert "2026-12-01" in refused.remedy


def test_a_day_of_one_mode_stops_that_mode_alone_and_only_that_day():
    daily = Limit(window=Window.DAY, amount=dollars(1), mode="review")
    book = Book(entries=(entry("0", cash=dollars(1)),))
    under = replace(terms(), limits=(daily,))
    refused = allot(book, who(), under, "2026-11-22", NOW)
    assert isinstance(refused, Refusal)
    assert "2026-11-23" in refused.remedy
    assert isinstance(allot(book, who(mode="docgen"), under, "2026-11-22", NOW), Envelope)
    assert isinstance(allot(book, who(), under, "2026-11-23", NOW), Envelope)


def test_a_soft_limit_is_shown_and_stops_nothing():
    soft = Limit(window=Window.MONTH, amount=dollars(1), hard=False)
    opened = allot(Book(entries=(entry("0", cash=dollars(5)),)), who(), terms(limits=(soft,)), "2026-11-22", NOW)
    assert opened.amount == dollars(1)
    assert opened.limits[0].before == dollars(5)


def test_a_limit_of_a_model_caps_that_model_and_open_runs_draw_their_cap_on_it():
    limit = Limit(window=Window.MONTH, amount=dollars(1.5), model="claude-sonnet-5-5")
    under = terms(limits=(limit,))
    first = allot(Book(), who("1"), under, "2026-11-22", NOW)
    assert first.per_model == {"claude-sonnet-5-5": dollars(1)}
    book = Book(entries=(reservation(first, NOW + timedelta(hours=1)),))
    second = allot(book, who("2"), under, "2026-11-22", NOW)
    assert (second.amount, second.per_model) == (dollars(1), {"claude-sonnet-5-5": dollars(0.5)})
    share = ModelShare(model="claude-sonnet-5-5", cash=dollars(0.2))
    settled = entry("1", cash=dollars(0.9), by_model=(share, ModelShare(model="other", cash=dollars(0.7))))
    third = allot(Book(entries=(*book.entries, settled)), who("2"), under, "2026-11-22", NOW)
    assert third.per_model == {"claude-sonnet-5-5": dollars(1)}


def test_asking_again_for_the_same_job_does_not_count_its_own_reservation():
    reserved = entry("1", Phase.RESERVE, cash=dollars(1), **LEASE)
    assert allot(Book(entries=(reserved,)), who("1"), terms(month=1), "2026-11-22", NOW).amount == dollars(1)


@pytest.mark.parametrize(("zone", "day"), [("UTC", "2026-11-22"), ("Pacific/Auckland", "2026-11-23")])
def test_the_day_begins_in_the_configured_zone(zone, day):
    assert today(NOW, zone).isoformat() == day


amounts = st.integers(min_value=0, max_value=5 * 10**9).map(NanoUsd)


@given(st.lists(st.tuples(amounts, amounts, st.booleans()), max_size=12), amounts)
@settings(max_examples=80)
def test_reserved_and_settled_never_pass_the_hard_limit_whatever_runs_do(runs, month):
    under = replace(terms(run=1), limits=(Limit(window=Window.MONTH, amount=month),))
    entries = []
    for number, (_, spent, settles) in enumerate(runs):
        opened = allot(Book(entries=tuple(entries)), who(str(number)), under, "2026-11-22", NOW)
        if isinstance(opened, Refusal):
            continue
        entries.append(reservation(opened, NOW + timedelta(hours=1)))
        if settles:
            entries.append(entry(str(number), cash=NanoUsd(min(spent, opened.amount))))
        drawn = sum(stand.entry.cash for stand in stands(entries, NOW))
        assert drawn <= month
