"""Lines of the books: what is written is read back, what is broken is counted."""

from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledgers import entry, report, who
from tta_orchestrate.domain.booking import settlement
from tta_orchestrate.domain.cost import Usage
from tta_orchestrate.domain.ledger import BaselineShare, Entry, Envelope, ModelShare, Phase, Quality
from tta_orchestrate.ledger import lines

whole = st.integers(min_value=0, max_value=10**15)
name = st.text(max_size=30)
times = st.integers(1_600_000_000, 2_000_000_000).map(lambda second: datetime.fromtimestamp(second, UTC))
usages = st.builds(Usage, **dict.fromkeys(Usage.__slots__, whole))
entries = st.builds(
    Entry,
    run_id=name,
    attempt=st.integers(1, 9),
    job=name,
    phase=st.sampled_from(Phase),
    at=times,
    day=st.dates().map(lambda d: d.isoformat()),
    repository=name,
    mode=name,
    cash=whole,
    list_price=whole,
    usage=usages,
    calls=whole,
    errors=whole,
    sample=whole,
    expires=st.none() | times,
    by_model=st.lists(
        st.builds(ModelShare, model=name, calls=whole, errors=whole, cash=whole, list_price=whole, usage=usages),
        max_size=2,
    ).map(tuple),
    baselines=st.lists(
        st.builds(BaselineShare, name=name, measured=st.booleans(), list_price=whole, work=whole, tasks=whole),
        max_size=2,
    ).map(tuple),
    quality=st.builds(Quality, **dict.fromkeys(Quality.__slots__, whole)),
    price_data=name,
    catalogue=name,
    outcome=name,
)


@given(entries)
@settings(max_examples=60)
def test_every_entry_reads_back_from_one_ascii_line(one):
    line = lines.encode(one)
    assert line.isascii()
    assert b"\n" not in line
    assert lines.decode(line) == one


@given(st.binary(max_size=60))
def test_broken_lines_are_counted_never_raised(line):
    book = lines.read(line.split(b"\n"))
    assert len(book.entries) + book.unreadable == sum(bool(part.strip()) for part in line.split(b"\n"))


@pytest.mark.parametrize(
    "line",
    [
        b'{"v":2}',
        b"[]",
        b'{"v":1,"run":"1","attempt":1,"job":"j","phase":"settle","at":"2026-11-22T12:00:00Z","day":"2026-11-22","cash":1.5}',
        b'{"v":1,"run":"1","attempt":1,"job":"j","phase":"settle","at":"2026-11-22T12:00:00Z","day":"2026-11-22","cash":-1}',
        b'{"v":1,"run":"1","attempt":true,"job":"j","phase":"settle","at":"2026-11-22T12:00:00Z","day":"2026-11-22"}',
        b'{"v":1,"run":"1","attempt":1,"job":"j","phase":"gift","at":"2026-11-22T12:00:00Z","day":"2026-11-22"}',
        b'{"v":1,"run":"1","attempt":1,"job":"j","phase":"settle","at":"2026-11-22T12:00:00","day":"2026-11-22"}',
        b'{"v":1,"run":"1","attempt":1,"job":"j","phase":"settle","at":"2026-11-22T12:00:00Z","day":"2026-02-30"}',
    ],
)
def test_floats_negatives_and_strange_words_are_no_entry(line):
    assert lines.read([line]).unreadable == 1


def test_a_settlement_holds_no_prompt_no_path_and_no_person():
    envelope = Envelope(identity=who(), amount=0, day="2026-11-22", opened=entry().at)
    line = lines.encode(settlement(envelope, report(0.5, calls=2), entry().at)).decode()
    assert "u0" not in line
    assert "shop/cart.py" not in line
    assert '"claude-haiku-5-5"' in line
