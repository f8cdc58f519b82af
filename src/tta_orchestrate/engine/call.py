"""One question to one model: cache, turn, reservation, request, settlement; every try is booked."""

import itertools
import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Final, NoReturn

from tta_orchestrate.domain.cost import Call, NanoUsd, Usage
from tta_orchestrate.engine.batches import Arrived, WaitingRoom
from tta_orchestrate.engine.budget import Budget, Reservation
from tta_orchestrate.engine.cache import Cache, key_of
from tta_orchestrate.engine.failures import Billing, CallFailure, FailureKind, failure_of
from tta_orchestrate.engine.journal import Memory
from tta_orchestrate.engine.prices import PriceBook
from tta_orchestrate.engine.redact import Redactor
from tta_orchestrate.engine.retry import Patience, with_retries
from tta_orchestrate.engine.routing import Candidate
from tta_orchestrate.engine.scheduler import Scheduler
from tta_orchestrate.ports.model import FinishReason, Prompt, Reply

OVERHEAD_TOKENS: Final = 600
"""What vendors add around a prompt: role marks, and the hidden instruction of the schema mode."""
EXACT_COUNT_SHARE: Final = 10
"""A call whose bound takes more than a tenth of what is left is counted exactly (counting is free)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Purpose:
    """What a call is for, as the cost report tells it."""

    unit: str
    stage: str
    role: str
    may_wait: bool = False
    """The first question of bulk work: it may go to a batch, and be answered in a later run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """The text of a complete reply, and where it is kept."""

    text: str
    model: str
    cache_key: str
    usage: Usage


class Books:
    """Every call of the run and every remark about one; append-only, thread-safe."""

    def __init__(self, calls: tuple[Call, ...] = ()) -> None:
        self._lock = threading.Lock()
        self._calls = list(calls)
        self.resumed = len(self._calls)
        self._notes: dict[str, None] = {}

    def add(self, call: Call) -> None:
        """Book a call."""
        with self._lock:
            self._calls.append(call)

    def note(self, text: str) -> None:
        """Keep a remark, once."""
        with self._lock:
            self._notes[text] = None

    @property
    def calls(self) -> tuple[Call, ...]:
        """All calls, in the order in which they ended."""
        with self._lock:
            return tuple(self._calls)

    @property
    def notes(self) -> tuple[str, ...]:
        """All remarks, first first."""
        with self._lock:
            return tuple(self._notes)


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Everything one call needs, put together once per run."""

    scheduler: Scheduler
    budget: Budget
    prices: PriceBook
    cache: Cache
    memory: Memory
    books: Books
    redactor: Redactor
    patience: Patience
    catalogue: str
    call_seconds: float = 300.0
    room: WaitingRoom = field(default_factory=WaitingRoom)
    tickets: Callable[[], int] = itertools.count(1).__next__

    def ask(self, candidate: Candidate, prompt: Prompt, purpose: Purpose) -> Answer:
        """Return the model's complete answer, from the cache when it was paid for before.

        Raises:
            CallFailure: there is none, after the retries that its kind allows.
        """
        key = key_of(candidate.provider, candidate.model, prompt, self.catalogue)
        if (arrived := self.room.take(key)) is not None:
            return self._collected(arrived, purpose, key)
        if (kept := self.cache.get(key)) is not None:
            self.books.add(self._book(candidate, purpose, kept.usage, NanoUsd(0), cached=True, list_price=NanoUsd(0)))
            return Answer(text=kept.text, model=kept.response_model, cache_key=key, usage=kept.usage)
        if said := self.room.batch_of(key):
            raise CallFailure(FailureKind.BATCHED, said)
        if purpose.may_wait and self.room.takes(candidate):
            self._leave(candidate, prompt, key)
        reply = with_retries(lambda attempt: self._once(candidate, prompt, purpose, attempt, key), self.patience)
        return Answer(text=reply.text, model=reply.response_model, cache_key=key, usage=reply.usage)

    def worst(self, candidate: Candidate, prompt: Prompt) -> NanoUsd:
        """Return the most that one try can cost in cash: one token per byte, everything written to the cache."""
        return NanoUsd(0) if candidate.free else self._worst(candidate, upper_tokens(prompt), prompt.max_output_tokens)

    def _collected(self, arrived: Arrived, purpose: Purpose, key: str) -> Answer:
        """Book what a batch brought for this question, and return it if it is an answer."""
        call = replace(arrived.call, unit=purpose.unit, stage=purpose.stage, role=purpose.role)
        self.books.add(call)
        reply, kind = arrived.reply, arrived.failure
        if kind is not None or reply is None:
            kind = kind or FailureKind.EMPTY
            raise CallFailure(kind, f"the batch ended this request as {kind.value}", usage=call.usage)
        self.cache.put(key, reply)
        if not _same_model(call.request_model, reply.response_model):
            self.books.note(f"{call.request_model} was asked, {reply.response_model} answered")
        return Answer(text=reply.text, model=reply.response_model, cache_key=key, usage=reply.usage)

    def _leave(self, candidate: Candidate, prompt: Prompt, key: str) -> NoReturn:
        """Leave the question for a batch; its worst case is spent as far as this run goes.

        Raises:
            CallFailure: ``BATCHED``: in any case; ``OVER_BUDGET``: there is no money for it.
        """
        if not self.room.is_left(key):
            reservation = self._reserve(candidate, prompt, batch=True)
            self.room.leave(candidate, key, prompt, reservation.amount)
            reservation.settle(None)  # it stays set aside across runs: nobody in this one gets it back
        raise CallFailure(FailureKind.BATCHED, f"it goes to the batch of {candidate.model}: a later run collects it")

    def _reserve(self, candidate: Candidate, prompt: Prompt, *, batch: bool = False) -> Reservation:
        """Set the worst case aside; it is counted exactly (which is free) when the sure bound is a large bite."""
        limit, cancelled = prompt.max_output_tokens, self.patience.cancelled
        bound = NanoUsd(0) if candidate.free else self._worst(candidate, upper_tokens(prompt), limit, batch=batch)
        if bound * EXACT_COUNT_SHARE <= self.budget.remaining():
            try:
                return self.budget.reserve(bound, cancelled, model=candidate.model)
            except CallFailure as failure:  # others were faster
                if failure.kind is not FailureKind.OVER_BUDGET:
                    raise
        try:
            counted = candidate.door().count_tokens(candidate.model, prompt) + OVERHEAD_TOKENS
        except CallFailure:
            return self.budget.reserve(bound, cancelled, model=candidate.model)
        exact = min(bound, self._worst(candidate, counted, limit, batch=batch))
        return self.budget.reserve(exact, cancelled, model=candidate.model)

    def _worst(self, candidate: Candidate, tokens: int, output: int, *, batch: bool = False) -> NanoUsd:
        now = self.patience.clock.now()
        return self.prices.worst(candidate.provider, candidate.model, tokens, output, now, batch=batch)

    def _once(self, candidate: Candidate, prompt: Prompt, purpose: Purpose, attempt: int, key: str) -> Reply:
        tokens = likely_tokens(prompt)
        with self.scheduler.admitted(candidate.provider, candidate.model, tokens, self.patience.deadline):
            reservation = self._reserve(candidate, prompt)
            return _Sending(self, candidate, purpose, attempt, reservation).send(prompt, key)

    def _book(
        self,
        candidate: Candidate,
        purpose: Purpose,
        usage: Usage,
        cash: NanoUsd,
        *,
        list_price: NanoUsd | None = None,
        outcome: str = "ok",
        attempt: int = 1,
        cached: bool = False,
        started: str = "",
        seconds: float = 0.0,
        response_model: str = "",
        finish_reason: str = "",
    ) -> Call:
        if list_price is None:
            now = self.patience.clock.now()
            list_price = self.prices.list_price(candidate.provider, candidate.model, usage, now)
        return Call(
            provider=candidate.provider,
            request_model=candidate.model,
            response_model=response_model or candidate.model,
            role=purpose.role,
            stage=purpose.stage,
            unit=purpose.unit,
            usage=usage,
            cash=cash,
            list_price=list_price,
            outcome=outcome,
            attempt=attempt,
            cached=cached,
            started_at=started or self.patience.clock.now().isoformat(),
            duration_ms=round(seconds * 1000),
            finish_reason=finish_reason,
        )


class _Sending:
    """One try: sent once, settled exactly once."""

    def __init__(
        self, caller: Caller, candidate: Candidate, purpose: Purpose, attempt: int, reservation: Reservation
    ) -> None:
        self._caller = caller
        self._candidate = candidate
        self._purpose = purpose
        self._attempt = attempt
        self._reservation = reservation
        self._ticket = f"{caller.tickets()}:{purpose.unit}:{attempt}"
        self._start = caller.patience.clock.monotonic()
        self._started_at = caller.patience.clock.now().isoformat()

    def send(self, prompt: Prompt, key: str) -> Reply:
        """Send and settle.

        A good reply is kept before anything else: a crash from then on costs nothing. Between its arrival and that one
        write a kill loses it; its reservation then counts as spent.
        """
        caller, candidate = self._caller, self._candidate
        settled = False
        try:
            caller.memory.reserve(
                self._ticket, self._reservation.amount, unit=self._purpose.unit, model=candidate.model
            )
            timeout = min(caller.call_seconds, max(1.0, caller.patience.remaining()))
            reply = candidate.door().complete(candidate.model, prompt, timeout=timeout)
            settled = True
            return self._arrived(reply, key)
        except CallFailure as failure:
            if not settled:
                self._failed(failure)
            caller.scheduler.failed(candidate.provider, candidate.model, failure)
            raise
        finally:
            self._reservation.settle(None)  # only if nothing above did: a bug or an interrupt leaves it unknown

    def _arrived(self, reply: Reply, key: str) -> Reply:
        caller, candidate = self._caller, self._candidate
        reply = replace(reply, text=caller.redactor.held(reply.text))
        kind = failure_of(reply.finish_reason)
        if kind is None and not reply.text.strip():
            kind = FailureKind.EMPTY
        if kind is None:
            caller.cache.put(key, reply)
        usage = reply.usage if reply.usage != Usage() else None
        cash, list_price = self._settle(usage)
        self._enter(
            reply.usage, cash, list_price, kind, response_model=reply.response_model, finish_reason=reply.finish_reason
        )
        if not _same_model(candidate.model, reply.response_model):
            caller.books.note(f"{candidate.model} was asked, {reply.response_model} answered")
        if kind is not None:
            raise CallFailure(kind, _ENDINGS.get(kind, kind.value), usage=usage, headers=reply.headers)
        caller.scheduler.succeeded(candidate.provider, candidate.model, reply.headers)
        return reply

    def _failed(self, failure: CallFailure) -> None:
        if failure.billing is Billing.NOTHING:
            self._reservation.release()
            cash, list_price = NanoUsd(0), NanoUsd(0)
        else:
            cash, list_price = self._settle(failure.usage)
        self._enter(failure.usage or Usage(), cash, list_price, failure.kind, response_model=failure.response_model)

    def _settle(self, usage: Usage | None) -> tuple[NanoUsd, NanoUsd]:
        """Return (cash, list price); without usage both are the reservation, the most it can have been."""
        caller, candidate = self._caller, self._candidate
        if usage is None:
            booked = self._reservation.settle(None)
            return booked, booked
        now = caller.patience.clock.now()
        cash = NanoUsd(0) if candidate.free else caller.prices.price(candidate.provider, candidate.model, usage, now)
        list_price = caller.prices.list_price(candidate.provider, candidate.model, usage, now)
        if cash > self._reservation.amount:
            caller.books.note(
                f"{candidate.model} billed more than its own limits allow: it is not trusted with a budget"
            )
        return self._reservation.settle(cash), list_price

    def _enter(
        self,
        usage: Usage,
        cash: NanoUsd,
        list_price: NanoUsd,
        kind: FailureKind | None,
        *,
        response_model: str,
        finish_reason: FinishReason | None = None,
    ) -> None:
        caller = self._caller
        call = caller._book(  # noqa: SLF001 -- two halves of one module
            self._candidate,
            self._purpose,
            usage,
            cash,
            list_price=list_price,
            outcome=kind.value if kind else "ok",
            attempt=self._attempt,
            started=self._started_at,
            seconds=caller.patience.clock.monotonic() - self._start,
            response_model=response_model,
            finish_reason=finish_reason.value if finish_reason else "",
        )
        caller.books.add(call)
        caller.memory.settle(self._ticket, call)


def upper_tokens(prompt: Prompt) -> int:
    """Return a bound that no byte-level tokenizer exceeds: one token per UTF-8 byte, and the vendor's own additions."""
    return _bytes(prompt) + OVERHEAD_TOKENS


def likely_tokens(prompt: Prompt) -> int:
    """Return what *prompt* probably takes: three bytes a token, which is high for English and about right for code."""
    return _bytes(prompt) // 3 + 1


def _bytes(prompt: Prompt) -> int:
    parts = (prompt.system, prompt.context, prompt.data, str(dict(prompt.schema)))
    return sum(len(part.encode("utf-8", "surrogatepass")) for part in parts)


def _same_model(requested: str, returned: str) -> bool:
    """Whether *returned* names *requested*, perhaps with its date or version (``claude-x-20260101``, ``models/x``)."""
    bare = returned.rpartition("models/")[2]
    return not returned or bare.startswith(requested) or requested.removesuffix(":free") == bare


_ENDINGS: Final = {
    FailureKind.TRUNCATED: "the answer was cut off at the output limit",
    FailureKind.REFUSAL: "the model refused",
    FailureKind.SAFETY: "the vendor's safety filter blocked the answer",
    FailureKind.EMPTY: "the answer was empty",
    FailureKind.CUT_OFF: "the answer ended without its closing event",
}
