"""Batches in the books: set aside before they are sent, known by the vendor's id after, settled when collected.

What is open belongs to the scope and mode that submitted it. A request that stands in an open batch is never set
aside for another one: that is decided in the transaction itself, so of two runs at the same time one sends it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from tta_orchestrate.domain.batch import BatchRecord
from tta_orchestrate.domain.booking import by_model
from tta_orchestrate.domain.cost import Call, NanoUsd, Usage
from tta_orchestrate.domain.ledger import Book, Entry, Identity, ModelShare, Phase
from tta_orchestrate.ledger.port import Ledger

KEPT: Final = timedelta(days=28)
"""How long answers are waited for: vendors keep them 29 days at most."""


def months_to_read(month: str) -> tuple[str, str]:
    """Return *month* and the one before: nothing older can still be open at a vendor."""
    year, number = int(month[:4]), int(month[5:])
    before = f"{year - 1}-12" if number == 1 else f"{year}-{number - 1:02}"
    return before, month


def still_open(book: Book, *, scope: str, mode: str) -> tuple[Entry, ...]:
    """Return the batches that nobody has settled: the ``submit`` entry of each, or the ``reserve`` that has none."""
    found: dict[tuple[str, int, str], Entry] = {}
    settled = {entry.run for entry in book.entries if entry.phase is Phase.SETTLE}
    for entry in book.entries:
        if entry.batch is None or entry.run in settled or (entry.batch.scope, entry.mode) != (scope, mode):
            continue
        if entry.phase is Phase.SUBMIT or entry.run not in found:
            found[entry.run] = entry
    return tuple(found.values())


def set_aside(
    ledger: Ledger, who: Identity, day: str, batch: BatchRecord, now: datetime, *, settled: Sequence[Entry] = ()
) -> Entry | None:
    """Write the reservation of *batch* before it is sent, without the requests that are open elsewhere by now.

    *settled*: what this run will settle when it ends, no longer open. ``None``: all requests are open elsewhere. Raises
    ``LedgerError``: then nothing may be sent.
    """
    written: list[Entry] = []

    def plan(book: Book) -> Sequence[Entry]:
        known = replace(book, entries=(*book.entries, *settled))
        taken = {key for one in still_open(known, scope=batch.scope, mode=who.mode) for key in _keys(one)}
        items = tuple(item for item in batch.items if item.key not in taken)
        written[:] = [_reservation(who, day, replace(batch, items=items), now)] if items else []
        return written

    ledger.transact(day[:7], plan)
    return written[0] if written else None


def _keys(entry: Entry) -> frozenset[str]:
    return entry.batch.keys if entry.batch else frozenset()


def _reservation(who: Identity, day: str, batch: BatchRecord, now: datetime) -> Entry:
    return Entry(
        run_id=who.run_id,
        attempt=who.attempt,
        job=f"{who.job}:batch:{batch.name}",
        phase=Phase.RESERVE,
        at=now,
        day=day,
        repository=who.repository,
        mode=who.mode,
        cash=batch.worst,
        expires=now + KEPT,
        by_model=(ModelShare(model=batch.model, cash=batch.worst),),
        batch=batch,
    )


def submitted(entry: Entry, batch_id: str, now: datetime) -> Entry:
    """Return the entry that says: the vendor has it."""
    batch = None if entry.batch is None else replace(entry.batch, id=batch_id)
    return replace(entry, phase=Phase.SUBMIT, at=now, batch=batch)


def settlement(entry: Entry, calls: Iterable[Call], now: datetime, price_data: str = "") -> Entry:
    """Return the entry that closes a batch at what *calls* cost; it counts in the month in which it was submitted."""
    calls = tuple(calls)
    return replace(
        entry,
        phase=Phase.SETTLE,
        at=now,
        cash=NanoUsd(sum(call.cash for call in calls)),
        list_price=NanoUsd(sum(call.list_price for call in calls)),
        usage=sum((call.usage for call in calls), Usage()),
        by_model=by_model(calls),
        calls=len(calls),
        errors=sum(call.outcome not in {"ok", "unused"} for call in calls),
        expires=None,
        price_data=price_data,
        outcome="collected",
        batch=None if entry.batch is None else replace(entry.batch, items=()),
    )
