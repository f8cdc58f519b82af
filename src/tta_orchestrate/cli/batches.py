"""Batches around one job: what earlier runs submitted is collected before the work, what it leaves is sent after it.

The books across runs hold what is open, without a prompt: so a batch is reserved there before it is sent, and a run
that dies in between leaves a trace to look for at the vendor. Nothing is ever sent twice: what cannot be found again
counts as spent in full.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from tta_orchestrate.cli import books
from tta_orchestrate.domain.batch import BatchItem, BatchRecord
from tta_orchestrate.domain.cost import NanoUsd, usd
from tta_orchestrate.domain.ledger import Entry, Envelope, Refusal
from tta_orchestrate.engine.batches import Arrived, Left, Teller, WaitingRoom
from tta_orchestrate.engine.cache import digest
from tta_orchestrate.engine.failures import Billing, CallFailure, FailureKind
from tta_orchestrate.engine.prices import price_data
from tta_orchestrate.errors import LedgerError
from tta_orchestrate.ports.model import BatchProvider

if TYPE_CHECKING:
    from tta_orchestrate.cli.desk import Desk
    from tta_orchestrate.cli.wiring import Roster
    from tta_orchestrate.domain.report import Report
    from tta_orchestrate.ledger.port import Ledger
    from tta_orchestrate.settings.model import Settings

MOST_REQUESTS: Final = 10_000
MOST_BYTES: Final = 15_000_000
"""Of the prompts of one batch; Gemini takes 20 MB inline."""
BEING_SENT: Final = timedelta(hours=1)
"""A reservation this young that the vendor does not know may be on its way to it, in another run."""
_SLACK: Final = timedelta(minutes=5)
"""How far clocks may differ."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What a job wants of batches."""

    mode: str
    scope: str
    """What the job is about, in words; two jobs with different words never collect each other's batches."""
    sends: bool
    """Whether its own requests go to a batch."""


@dataclass(slots=True)
class Batches:
    """The batches of one job."""

    settings: "Settings"
    env: Mapping[str, str]
    desk: "Desk"
    roster: "Roster"
    order: Order
    room: WaitingRoom = field(default_factory=WaitingRoom)
    said: list[str] = field(default_factory=list)
    _ledger: "Ledger | None" = None

    def collect(self) -> WaitingRoom:
        """Return the answers that are there and the requests that still wait; settlements go to the desk."""
        from tta_orchestrate.ledger import batches as open_books

        if not self.settings.cost_tracking.enabled:
            return self._without("there are no books across runs (cost_tracking.enabled)")
        self._ledger = books.durable_store(self.settings, self.env)
        if self._ledger is None:
            return self._without("the books are kept in artifacts, where a later run does not find it")
        try:
            book = self._ledger.read(open_books.months_to_read(books.day(self.settings, self._now)[:7]))
        except LedgerError as error:
            return self._without(f"the books across runs are out ({error})")
        arrived: list[Arrived] = []
        waiting: dict[str, str] = {}
        for entry in open_books.still_open(book, scope=self._scope, mode=self.order.mode):
            if entry.batch is not None:
                arrived += self._look(entry, entry.batch, waiting)
        self.room = WaitingRoom(arrived, waiting, sends=self.order.sends)
        return self.room

    def opened(self) -> None:
        """The desk has decided over money: without an envelope in the books nothing is sent in a batch."""
        envelope = self.desk.opened
        if self.room.sends and not (isinstance(envelope, Envelope) and envelope.recorded):
            self.room.sends = False
            if not isinstance(envelope, Refusal):
                self.said.append("no batch: the books across runs could not be written; models are asked at once")

    def closed(self, report: "Report") -> "Report":
        """Submit what was left and return *report* with all that is to be said; never green while a batch is open."""
        for group in _groups(self.room.left):
            self._submit(group)
        self.said += (f"{one} offers no batches: asked at once, at the full price" for one in self.room.unoffered)
        if unused := [call for call in self.room.unused() if call.outcome == "unused"]:
            cash = usd(NanoUsd(sum(call.cash for call in unused)))
            self.said.append(f"{len(unused)} answers of a batch belong to another tree: dropped, ${cash} are paid")
        notes = (*report.cost.notes, *self.said)
        told = replace(report, notices=(*report.notices, *self.said), cost=replace(report.cost, notes=notes))
        open_ends = len(self.room.left) + len(self.room.waited_for)
        return _unfinished(told, open_ends) if open_ends else told

    @property
    def _now(self) -> datetime:
        return self.desk.now()

    @property
    def _scope(self) -> str:
        return digest([self.order.scope, self.env.get("TTA_SHARD", "")])[:16]

    def _without(self, reason: str) -> WaitingRoom:
        if self.order.sends:
            self.said.append(f"no batch: {reason}; models are asked at once")
        return self.room

    def _look(self, entry: Entry, batch: BatchRecord, waiting: dict[str, str]) -> tuple[Arrived, ...]:
        """Return what came of one open batch, and settle it; as long as it is open, its keys go to *waiting*."""
        from tta_orchestrate.engine import catalogue
        from tta_orchestrate.engine.redact import Redactor
        from tta_orchestrate.ledger.batches import settlement

        teller = Teller(prices=self.roster.prices, redact=Redactor(self.roster.secrets).held)
        name = f"the batch of {batch.model} ({len(batch.items)} requests, submitted {entry.at:%Y-%m-%d %H:%M} UTC)"
        found = self._ask_vendor(entry, batch, teller)
        if isinstance(found, str):
            self.said.append(f"{name} {found}; a later run collects it")
            waiting.update(dict.fromkeys(batch.keys, f"it is in {name}, which {found}"))
            return ()
        data = f"{price_data()}, catalogue {catalogue.load().version}"
        settled = settlement(entry, (one.call for one in found), self._now, data)
        self.desk.pending = (*self.desk.pending, settled)
        ends = Counter(one.call.outcome for one in found)
        told = ", ".join(f"{count} {end}" for end, count in sorted(ends.items()))
        self.said.append(f"collected {name}: {told}; ${usd(settled.cash)} of ${usd(entry.cash)} set aside")
        if settled.cash > entry.cash:
            self.said.append(f"{batch.model} billed more than its own limits allow: it is not trusted with a budget")
        return found

    def _ask_vendor(self, entry: Entry, batch: BatchRecord, teller: Teller) -> tuple[Arrived, ...] | str:
        """Return the answers, or why there are none yet; one that will never be found is spent in full."""
        from tta_orchestrate.ledger.batches import KEPT

        age = self._now - entry.at
        door = self._door(batch)
        try:
            if door is None:
                missing = f"cannot be looked at without a key for {batch.provider}"
                return teller.lost(batch, entry.at) if age > KEPT else missing
            known = batch.id or door.find_batch(batch.name, batch.keys, entry.at - _SLACK)
            if known is None:
                return "is being submitted" if age < BEING_SENT else self._lost(entry, batch, teller)
            answers = door.collect_batch(known)
        except CallFailure as failure:
            if failure.kind is FailureKind.NO_SUCH_BATCH or age > KEPT:
                return self._lost(entry, batch, teller)
            return f"could not be looked at ({failure})"
        if answers is None:
            return self._lost(entry, batch, teller) if age > KEPT else "still runs"
        return teller.arrived(batch, answers, entry.at)

    def _lost(self, entry: Entry, batch: BatchRecord, teller: Teller) -> tuple[Arrived, ...]:
        self.said.append(
            f"{batch.provider} does not know the batch of {batch.model} from {entry.at:%Y-%m-%d %H:%M} UTC:"
            " what it cost nobody can tell, so all that was set aside for it counts as spent"
        )
        return teller.lost(batch, entry.at)

    def _door(self, batch: BatchRecord) -> BatchProvider | None:
        team = self.roster.team()
        every = (*team.executors, *team.fallbacks, *filter(None, [team.orchestrator]))
        same = [one for one in every if one.provider == batch.provider]
        for one in sorted(same, key=lambda one: one.model != batch.model):
            if isinstance(door := one.door(), BatchProvider):
                return door
        return None

    def _submit(self, group: tuple[Left, ...]) -> None:
        """Reserve one batch in the books, then send it, once."""
        from tta_orchestrate.ledger import batches as open_books

        candidate, envelope = group[0].candidate, self.desk.opened
        record = BatchRecord(
            name=f"tta-{digest(sorted(one.request.key for one in group))[:16]}",
            provider=candidate.provider,
            model=candidate.model,
            scope=self._scope,
            items=tuple(BatchItem(key=one.request.key, worst=one.worst) for one in group),
        )
        if self._ledger is None or not isinstance(envelope, Envelope):  # opened() has seen to it
            return
        try:
            entry = open_books.set_aside(
                self._ledger, envelope.identity, envelope.day, record, self._now, settled=self.desk.pending
            )
        except LedgerError as error:
            self.said.append(f"the batch of {candidate.model} was not submitted: {error}. {error.remedy}")
            return
        if entry is None or entry.batch is None:
            self.said.append(f"another run has submitted the same requests to {candidate.model} already")
            return
        self._send(entry, entry.batch, group)

    def _send(self, entry: Entry, batch: BatchRecord, group: tuple[Left, ...]) -> None:
        from tta_orchestrate.ledger import batches as open_books

        door = group[0].candidate.door()
        requests = [one.request for one in group if one.request.key in batch.keys]
        try:
            if not isinstance(door, BatchProvider):
                raise CallFailure(FailureKind.BAD_REQUEST, "it offers no batches")  # noqa: TRY301
            known = door.submit_batch(batch.model, batch.name, requests)
        except CallFailure as failure:
            self._not_taken(entry, batch, failure)
            return
        self.desk.pending = (*self.desk.pending, open_books.submitted(entry, known, self._now))
        self.said.append(
            f"submitted {len(requests)} requests to the batch of {batch.model}, to be collected by a later run;"
            f" at most ${usd(entry.cash)} stay set aside ({self._basis(batch)})"
        )

    def _basis(self, batch: BatchRecord) -> str:
        from tta_orchestrate.domain.cost import BATCH

        basis = self.roster.prices.basis(batch.provider, batch.model, self._now)
        return "batch price" if basis == BATCH else "full price: no batch price is known"

    def _not_taken(self, entry: Entry, batch: BatchRecord, failure: CallFailure) -> None:
        from tta_orchestrate.ledger import batches as open_books

        if failure.billing is Billing.NOTHING:
            self.desk.pending = (*self.desk.pending, open_books.settlement(entry, (), self._now))
            self.said.append(f"the batch of {batch.model} was not taken: {failure}; nothing was billed")
            return
        self.said.append(
            f"whether the batch of {batch.model} was taken nobody can tell ({failure}): ${usd(entry.cash)} stay set"
            " aside, and a later run looks for it"
        )


def _groups(left: Iterable[Left]) -> Iterator[tuple[Left, ...]]:
    """Yield the batches to submit: one model each, no larger than vendors take."""
    by_model: dict[tuple[str, str], list[Left]] = {}
    for one in left:
        by_model.setdefault(one.candidate.identity, []).append(one)
    for group in by_model.values():
        chunk: list[Left] = []
        size = 0
        for one in group:
            prompt = one.request.prompt
            own = len(f"{prompt.system}{prompt.context}{prompt.data}".encode("utf-8", "replace"))
            if chunk and (len(chunk) >= MOST_REQUESTS or size + own > MOST_BYTES):
                yield tuple(chunk)
                chunk, size = [], 0
            chunk.append(one)
            size += own
        if chunk:
            yield tuple(chunk)


def _unfinished(report: "Report", requests: int) -> "Report":
    """Return *report* as the partial one it is: *requests* have no answer yet."""
    from tta_orchestrate.domain.outcome import Conclusion, Outcome, conclude
    from tta_orchestrate.domain.report import Failure

    verdict = report.verdict
    if verdict.outcome is not Outcome.CONFIG_ERROR:
        verdict = conclude(Outcome.PARTIAL, fail_on_met=verdict.conclusion is Conclusion.FAILURE)
    waiting = Failure(unit="batch", path="", reason=f"{requests} requests wait for a batch: a later run goes on")
    return replace(report, verdict=verdict, failures=(*report.failures, waiting))
