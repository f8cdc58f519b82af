"""A run's way through the books: open an envelope at the start, settle at the end. Two writes, whatever happens."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from tta_orchestrate.domain.booking import settlement
from tta_orchestrate.domain.ledger import (
    Book,
    Entry,
    Envelope,
    Identity,
    Phase,
    Refusal,
    Terms,
    allot,
    expirations,
    reservation,
    today,
)
from tta_orchestrate.domain.report import Report
from tta_orchestrate.errors import LedgerError
from tta_orchestrate.ledger.port import Ledger


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """What the books say after a run."""

    book: Book
    entry: Entry
    recorded: bool
    told: tuple[Entry, ...] = ()
    """The alert entries that this run was the first to write: it must tell."""
    notes: tuple[str, ...] = field(default=())


def open_envelope(
    ledger: Ledger, terms: Terms, identity: Identity, now: datetime, *, settled: Sequence[Entry] = ()
) -> Envelope | Refusal:
    """Set money aside for one job: decided and written in one transaction, so that concurrent runs share the limits.

    Leases that ran out are closed on the way. A ledger that cannot be read or written never lets a run spend more than
    its own limit, and the envelope says so in ``notes`` and ``recorded``. *settled*: what this run knows already of
    batches, and writes when it ends.
    """
    day = today(now, terms.zone).isoformat()
    decision: list[Envelope | Refusal] = []

    def plan(book: Book) -> Sequence[Entry]:
        known = replace(book, entries=(*book.entries, *settled))
        decided = allot(known, _turn(book, identity), terms, day, now)
        if isinstance(decided, Envelope) and book.unreadable:
            decided = replace(decided, notes=(*decided.notes, _unreadable(book.unreadable)))
        decision[:] = [decided]
        opened = [reservation(decided, now + terms.lease)] if isinstance(decided, Envelope) else []
        return [*expirations(book.entries, now), *opened]

    try:
        ledger.transact(day[:7], plan)
    except LedgerError as error:
        return _outage(terms, identity, day, now, error)
    return decision[0]


def _turn(book: Book, identity: Identity) -> Identity:
    """Return *identity*, numbered when a run of that name is settled: two steps of one job do the same work."""
    settled = {entry.run for entry in book.entries if entry.phase is Phase.SETTLE}
    names = (identity.job, *(f"{identity.job}#{n}" for n in range(2, len(settled) + 2)))
    job = next(name for name in names if (identity.run_id, identity.attempt, name) not in settled)
    return replace(identity, job=job)


def _unreadable(count: int) -> str:
    return f"{count} lines of the ledger cannot be read and are not counted: the sums of the month may be too low"


def _outage(terms: Terms, identity: Identity, day: str, now: datetime, error: LedgerError) -> Envelope | Refusal:
    if terms.stop_on_outage:
        return Refusal(reason=f"the books across runs are out: {error}", remedy=error.remedy, day=day)
    note = f"the books across runs are out ({error}): only the limit of this run holds. {error.remedy}"
    return Envelope(identity=identity, amount=terms.run_limit, day=day, opened=now, notes=(note,), recorded=False)


Alarm = Callable[[Book], Iterable[Entry]]
"""From the books after the settlement to the alerts that are due, as ``alert`` entries."""


def settle(
    ledger: Ledger,
    envelope: Envelope,
    report: Report,
    now: datetime,
    alarm: Alarm = lambda _: (),
    *,
    more: Sequence[Entry] = (),
) -> Settled:
    """Write what *report* really cost, and which alerts are due, in one transaction. Never raises for the store's sake.

    *more* are entries of batches; those of an earlier month go to its file. Alerts are claimed here: of several runs
    that find the same alert due, the one whose entry landed tells.
    """
    entry = settlement(envelope, report, now)
    month = envelope.day[:7]
    here = [one for one in more if one.month == month]
    earlier = write(ledger, [one for one in more if one.month != month])
    claimed: list[Entry] = []

    def plan(book: Book) -> Sequence[Entry]:
        after = Book(entries=(*book.entries, *here, entry), unreadable=book.unreadable)
        known = book.keys()
        claimed[:] = [one for one in alarm(after) if one.key not in known]
        return [*here, entry, *claimed]

    try:
        book = ledger.transact(month, plan)
    except LedgerError as error:
        note = f"this run could not be settled in the ledger ({error}); its reservation counts in full. {error.remedy}"
        return Settled(book=Book(), entry=entry, recorded=False, notes=(*earlier, note))
    return Settled(book=book, entry=entry, recorded=True, told=tuple(claimed), notes=earlier)


def write(ledger: Ledger, entries: Sequence[Entry]) -> tuple[str, ...]:
    """Write *entries* to the files of their months; return why that failed, where it did."""
    notes = []
    for month in sorted({one.month for one in entries}):
        own = [one for one in entries if one.month == month]
        try:
            ledger.transact(month, lambda _, own=own: own)  # type: ignore[misc]
        except LedgerError as error:
            notes.append(f"{len(own)} entries of batches could not be written ({error}); what is set aside stays so")
    return tuple(notes)
