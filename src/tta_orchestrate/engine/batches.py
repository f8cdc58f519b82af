"""The waiting room between two runs: answers that a batch brought, requests that are in one, requests for the next.

A run that submits asks nothing: its requests are priced, set aside and left here. A later run finds the answers here
when it asks the same questions, by the digest of the whole prompt, and goes on through the same gates. Answers that it
has no question for belong to another tree: they are paid for, told, and dropped.
"""

import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from tta_orchestrate.domain.batch import KEY, BatchItem, BatchRecord
from tta_orchestrate.domain.cost import Call, NanoUsd, Usage
from tta_orchestrate.engine.failures import Billing, CallFailure, FailureKind, failure_of
from tta_orchestrate.engine.prices import PriceBook
from tta_orchestrate.engine.routing import Candidate
from tta_orchestrate.ports.model import BatchAnswers, BatchProvider, BatchRequest, Prompt, Reply

AGAIN: Final = frozenset(
    {
        FailureKind.EXPIRED,
        FailureKind.CANCELLED,
        FailureKind.TRANSIENT,
        FailureKind.OVERLOADED,
        FailureKind.RATE_LIMIT,
        FailureKind.TIMEOUT,
    }
)
"""Ends of a request that say nothing about the request: it is asked again, as if it had never been sent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrived:
    """One request of a batch that ended."""

    key: str
    call: Call
    """What it cost; unit and stage are only known to who asks for it."""
    reply: Reply | None = None
    failure: FailureKind | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Left:
    """One request for the next batch, its worst case set aside."""

    candidate: Candidate
    request: BatchRequest
    worst: NanoUsd


class WaitingRoom:
    """Thread-safe. ``sends``: requests may be left here; otherwise they are asked at once."""

    def __init__(
        self, arrived: Iterable[Arrived] = (), waiting: Mapping[str, str] | None = None, *, sends: bool = False
    ) -> None:
        self._lock = threading.Lock()
        self._arrived = {one.key: one for one in arrived}
        self._had_answers = bool(self._arrived)
        self._waiting = dict(waiting or {})
        self._left: dict[str, Left] = {}
        self._asked: dict[str, None] = {}
        self._unoffered: dict[str, None] = {}
        self.sends = sends

    @property
    def is_used(self) -> bool:
        """Whether requests must not depend on each other's answers: some go to a batch, are in one or came from one."""
        return self.sends or self._had_answers or bool(self._waiting)

    @property
    def has_answers(self) -> bool:
        """Whether an answer is still here."""
        return bool(self._arrived)

    @property
    def left(self) -> tuple[Left, ...]:
        """What is to be submitted."""
        with self._lock:
            return tuple(self._left.values())

    @property
    def waited_for(self) -> tuple[str, ...]:
        """Keys that were asked for while their batch was still open."""
        with self._lock:
            return tuple(self._asked)

    @property
    def unoffered(self) -> tuple[str, ...]:
        """Models (``model at provider``) that offer no batches: they were asked at once."""
        with self._lock:
            return tuple(self._unoffered)

    def take(self, key: str) -> Arrived | None:
        """Return what came for the request, once; not what must simply be asked again."""
        with self._lock:
            found = self._arrived.get(key[:KEY])
            if found is None or found.failure in AGAIN:
                return None
            return self._arrived.pop(key[:KEY])

    def unused(self) -> tuple[Call, ...]:
        """Return the calls that nobody asked for: of another tree, or to be asked again."""
        with self._lock:
            return tuple(_unused(one) for one in self._arrived.values())

    def batch_of(self, key: str) -> str:
        """Return what to say of the batch that has the request, ``""`` when it is in none."""
        with self._lock:
            said = self._waiting.get(key[:KEY], "")
            if said:
                self._asked[key[:KEY]] = None
            return said

    def takes(self, candidate: Candidate) -> bool:
        """Whether requests to *candidate* go to a batch: it costs something, and its vendor offers batches."""
        if not self.sends or candidate.free:
            return False
        if isinstance(candidate.door(), BatchProvider):
            return True
        with self._lock:
            self._unoffered[f"{candidate.model} at {candidate.provider}"] = None
        return False

    def leave(self, candidate: Candidate, key: str, prompt: Prompt, worst: NanoUsd) -> None:
        """Leave one request for the next batch; *worst* is set aside already."""
        with self._lock:
            request = BatchRequest(key=key[:KEY], prompt=prompt)
            self._left.setdefault(key[:KEY], Left(candidate=candidate, request=request, worst=worst))

    def is_left(self, key: str) -> bool:
        """Whether the same request was left here before."""
        with self._lock:
            return key[:KEY] in self._left


def _unused(one: Arrived) -> Call:
    outcome = one.failure.value if one.failure else "unused"
    return replace(one.call, outcome=outcome, unit=one.key[:12])


@dataclass(frozen=True, slots=True, kw_only=True)
class Teller:
    """Turns what a vendor returned into calls with their money; pure but for the redaction."""

    prices: PriceBook
    redact: Callable[[str], str]

    def arrived(self, batch: BatchRecord, answers: BatchAnswers, at: datetime) -> tuple[Arrived, ...]:
        """Return what came of every request of *batch*, submitted *at*; no answer at all: the reservation is booked."""
        return tuple(self._one(batch, item, answers, at) for item in batch.items)

    def lost(self, batch: BatchRecord, at: datetime) -> tuple[Arrived, ...]:
        """Return what is booked when nobody can tell what became of *batch*: all reservations in full."""
        return self.arrived(batch, BatchAnswers(replies={}), at)

    def _one(self, batch: BatchRecord, item: BatchItem, answers: BatchAnswers, at: datetime) -> Arrived:
        reply = answers.replies.get(item.key)
        if reply is not None:
            return self._reply(batch, item, replace(reply, text=self.redact(reply.text)), at)
        failure = answers.failures.get(item.key, answers.rest)
        if not isinstance(failure, CallFailure):
            return self._booked(batch, item, at, None, kind=FailureKind.CANCELLED)
        usage = Usage() if failure.billing is Billing.NOTHING else failure.usage
        return self._booked(batch, item, at, usage, kind=failure.kind)

    def _reply(self, batch: BatchRecord, item: BatchItem, reply: Reply, at: datetime) -> Arrived:
        kind = failure_of(reply.finish_reason)
        if kind is None and not reply.text.strip():
            kind = FailureKind.EMPTY
        usage = reply.usage if reply.usage != Usage() else None
        return self._booked(batch, item, at, usage, kind=kind, reply=reply)

    def _booked(
        self,
        batch: BatchRecord,
        item: BatchItem,
        at: datetime,
        usage: Usage | None,
        *,
        kind: FailureKind | None,
        reply: Reply | None = None,
    ) -> Arrived:
        cash = item.worst
        if usage is not None:
            cash = NanoUsd(max(0, self.prices.price(batch.provider, batch.model, usage, at, batch=True)))
        call = Call(
            provider=batch.provider,
            request_model=batch.model,
            response_model=(reply.response_model if reply else "") or batch.model,
            role="executor",
            stage="collect",
            unit="",
            usage=usage or Usage(),
            cash=cash,
            list_price=cash,
            outcome=kind.value if kind else "ok",
            started_at=at.isoformat(),
            finish_reason=reply.finish_reason.value if reply else "",
            price_basis=self.prices.basis(batch.provider, batch.model, at),
        )
        return Arrived(key=item.key, call=call, reply=reply, failure=kind)
