"""Batches in the books: who may send, what is open, in which month it counts, and that nothing of it gets lost."""

import threading
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledgers import NOW, bare, branch, dollars, terms, who
from samples import call
from tta_orchestrate.domain.batch import BatchItem, BatchRecord
from tta_orchestrate.domain.cost import BATCH, NanoUsd
from tta_orchestrate.domain.ledger import Envelope, Phase, Refusal, expirations, stands
from tta_orchestrate.ledger import batches, lines
from tta_orchestrate.ledger.envelope import open_envelope, write
from tta_orchestrate.ledger.local_file import LocalFile

DAY = "2026-11-22"


def record(*keys, worst=1_000, **changes):
    items = tuple(BatchItem(key=key, worst=NanoUsd(worst)) for key in keys)
    values = {"name": "tta-1", "provider": "anthropic", "model": "claude-haiku-5-5", "scope": "s", "items": items}
    return BatchRecord(**(values | changes))


def paid(cash, **changes):
    return call(cash=NanoUsd(cash), list_price=NanoUsd(cash), price_basis=BATCH, **changes)


def open_in(book, scope="s", mode="docgen"):
    return batches.still_open(book, scope=scope, mode=mode)


@pytest.fixture(params=["file", "branch"])
def store(request, tmp_path):
    if request.param == "file":
        return LocalFile(tmp_path / "ledger.jsonl")
    return branch(bare(tmp_path / "bare"))


def aside(store, batch, run="1", **changes):
    return batches.set_aside(store, who(run, mode="docgen"), DAY, batch, NOW, **changes)


def test_a_batch_is_open_until_somebody_settles_it(store):
    entry = aside(store, record("a", "b"))
    assert [one.phase for one in open_in(store.read(("2026-11",)))] == [Phase.RESERVE]
    write(store, [batches.submitted(entry, "msgbatch_1", NOW)])
    (found,) = open_in(store.read(("2026-11",)))
    assert (found.batch.id, found.batch.keys, found.cash) == ("msgbatch_1", {"a", "b"}, 2_000)
    write(store, [batches.settlement(found, [paid(300), paid(200)], NOW)])
    book = store.read(("2026-11",))
    assert open_in(book) == ()
    assert sum(one.entry.cash for one in stands(book.entries, NOW)) == 500


def test_another_scope_or_mode_does_not_see_it(store):
    aside(store, record("a"))
    book = store.read(("2026-11",))
    assert open_in(book, scope="other") == open_in(book, mode="test-gen") == ()


def test_a_request_in_an_open_batch_is_never_set_aside_again(store):
    aside(store, record("a", "b"))
    assert aside(store, record("a"), "2") is None
    assert [item.key for item in aside(store, record("b", "c"), "3").batch.items] == ["c"]


def test_what_this_run_is_about_to_settle_is_no_longer_open(store):
    first = aside(store, record("a", "b"))
    closing = batches.settlement(first, [paid(0, outcome="expired")], NOW)
    assert aside(store, record("a"), "2", settled=[closing]) is not None


def test_of_many_runs_at_once_one_sends(tmp_path):
    url = bare(tmp_path / "bare")
    sent, gate = [], threading.Barrier(4)

    def job(number):
        gate.wait()
        if aside(branch(url, seed=number), record("a", "b"), str(number)) is not None:
            sent.append(number)

    threads = [threading.Thread(target=job, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(sent) == 1


def test_an_open_batch_counts_in_the_month_and_does_not_expire(tmp_path):
    store = LocalFile(tmp_path / "ledger.jsonl")
    entry = aside(store, record("a", worst=dollars(9.9999)))
    later = NOW + timedelta(days=29)
    book = store.read(("2026-11",))
    assert list(expirations(book.entries, later)) == []
    assert [one.entry.cash for one in stands(book.entries, later)] == [dollars(9.9999)]
    strict = terms(month=10, floor=dollars(0.001))
    assert isinstance(open_envelope(store, strict, who("2"), NOW), Refusal)
    closing = batches.settlement(entry, [paid(dollars(4))], NOW)
    opened = open_envelope(store, strict, who("3"), NOW, settled=[closing])
    assert isinstance(opened, Envelope)
    assert opened.limits[0].before == dollars(4)


def test_a_batch_of_last_month_is_settled_there(tmp_path):
    store = LocalFile(tmp_path / "ledger.jsonl")
    entry = aside(store, record("a"))
    write(store, [batches.settlement(entry, [paid(7)], NOW + timedelta(days=12))])
    assert [one.cash for one in store.read(("2026-11",)).entries] == [1_000, 7]
    assert store.read(("2026-12",)).entries == ()
    assert batches.months_to_read("2026-12") == ("2026-11", "2026-12")
    assert batches.months_to_read("2027-01") == ("2026-12", "2027-01")


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.text("0123456789abcdef", min_size=1, max_size=32), st.integers(0, 10**12)), max_size=5),
    st.text(max_size=40),
)
def test_what_is_written_is_read_again(items, text):
    batch = record(name=text, items=tuple(BatchItem(key=k, worst=NanoUsd(w)) for k, w in items))
    entry = batches._reservation(who(mode="docgen"), DAY, batch, NOW)
    for one in (entry, batches.submitted(entry, text, NOW), batches.settlement(entry, [paid(5)], NOW)):
        assert lines.decode(lines.encode(one)) == one
