"""Books across runs: what a run reserved, what it spent, how good it was. Integers only, no prompts, no code.

A run writes two entries at most, ``reserve`` and ``settle``; a lease that ran out is closed by a later run with
``expire``. A batch is a job of its own: ``reserve`` before it is sent, ``submit`` once the vendor has it, ``settle``
by the run that collects its answers. What a (run, attempt, job) has cost is its ``settle``, or else its full
reservation: an expired lease counts as spent until somebody settles it. Entries are idempotent on :attr:`Entry.key`:
the first one stays.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from typing import Final
from zoneinfo import ZoneInfo

from tta_orchestrate.domain.batch import BatchRecord
from tta_orchestrate.domain.cost import NanoUsd, Usage

NOTHING: Final = NanoUsd(0)
_NO_USAGE: Final = Usage()
MONTH: Final = re.compile(r"[0-9]{4}-(0[1-9]|1[0-2])")
"""``YYYY-MM``."""


class Phase(StrEnum):
    """What an entry says."""

    RESERVE = "reserve"
    SUBMIT = "submit"
    """The vendor has the batch: as the reservation, with the vendor's id."""
    SETTLE = "settle"
    EXPIRE = "expire"
    ALERT = "alert"
    """Somebody was told: ``job`` is the rule, ``run_id`` the period; nobody is told again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelShare:
    """The part of one model in an entry; of a reservation: the most that the run may spend on it."""

    model: str
    calls: int = 0
    errors: int = 0
    cash: NanoUsd = NOTHING
    list_price: NanoUsd = NOTHING
    usage: Usage = _NO_USAGE


@dataclass(frozen=True, slots=True, kw_only=True)
class Quality:
    """What gates, judge and people said, as counts; scores in millionths, so that sums are exact."""

    planned: int = 0
    done: int = 0
    gated: int = 0
    """Answers that a gate looked at first …"""
    passed: int = 0
    """… and took without repair or another model."""
    escalated: int = 0
    """Units that ended at the orchestrator."""
    judged: int = 0
    judge_ppm: int = 0
    """Sum of the judge's scores of *judged* answers, in millionths."""
    findings: int = 0
    accepted: int = 0
    """Findings that a person resolved or applied …"""
    dismissed: int = 0
    """… and that a person dismissed."""

    def __add__(self, other: "Quality") -> "Quality":
        return Quality(**{name: getattr(self, name) + getattr(other, name) for name in Quality.__slots__})


@dataclass(frozen=True, slots=True, kw_only=True)
class BaselineShare:
    """What the same work would have cost another way; ``measured`` when it was really run."""

    name: str
    measured: bool
    list_price: NanoUsd
    work: NanoUsd
    """List price of the work that is compared; for a measured sample only the sampled units."""
    tasks: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One line of the books. Times are UTC with whole seconds."""

    run_id: str
    attempt: int
    job: str
    phase: Phase
    at: datetime
    day: str
    """``YYYY-MM-DD`` on which the run began, in the configured zone: all its entries count there."""
    repository: str = ""
    mode: str = ""
    cash: NanoUsd = NOTHING
    """Billed; of a reservation: the most that may be billed."""
    list_price: NanoUsd = NOTHING
    usage: Usage = _NO_USAGE
    by_model: tuple[ModelShare, ...] = ()
    calls: int = 0
    errors: int = 0
    expires: datetime | None = None
    """Of a reservation: when its lease ends."""
    price_data: str = ""
    catalogue: str = ""
    baselines: tuple[BaselineShare, ...] = ()
    quality: Quality = Quality()
    outcome: str = ""
    sample: NanoUsd = NOTHING
    """Part of ``cash`` that went into measuring a baseline; of a reservation: the most that may."""
    batch: BatchRecord | None = None
    """Of a batch: what is open at the vendor; its settlement no longer lists the requests."""

    @property
    def key(self) -> tuple[str, int, str, str]:
        """What makes two entries the same."""
        return (self.run_id, self.attempt, self.job, self.phase.value)

    @property
    def run(self) -> tuple[str, int, str]:
        """The job that it is about."""
        return (self.run_id, self.attempt, self.job)

    @property
    def month(self) -> str:
        """``YYYY-MM`` in whose file it stands."""
        return self.day[:7]


@dataclass(frozen=True, slots=True, kw_only=True)
class Book:
    """What a store holds of some months; ``unreadable`` lines are kept there, and make the sums uncertain."""

    entries: tuple[Entry, ...] = ()
    unreadable: int = 0

    def keys(self) -> frozenset[tuple[str, int, str, str]]:
        """Keys of all entries."""
        return frozenset(entry.key for entry in self.entries)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stand:
    """Where one job stands: its settlement, or the reservation that still speaks for it."""

    entry: Entry
    is_open: bool
    """Reserved, lease running."""
    is_expired: bool
    """Reserved, lease over, never settled: counts in full."""


def merge(*books: Iterable[Entry]) -> tuple[Entry, ...]:
    """Return the entries of all *books* once each: the first of a key stays."""
    kept: dict[tuple[str, int, str, str], Entry] = {}
    for book in books:
        for entry in book:
            kept.setdefault(entry.key, entry)
    return tuple(kept.values())


def stands(entries: Iterable[Entry], now: datetime) -> tuple[Stand, ...]:
    """Return one stand for each job."""
    best: dict[tuple[str, int, str], Entry] = {}
    for entry in entries:
        if entry.phase is not Phase.ALERT:
            known = best.get(entry.run)
            if known is None or _WEIGHT[entry.phase] > _WEIGHT[known.phase]:
                best[entry.run] = entry
    return tuple(_stand(entry, now) for entry in best.values())


_WEIGHT: Final[Mapping[Phase, int]] = {
    Phase.RESERVE: 0,
    Phase.SUBMIT: 1,
    Phase.EXPIRE: 2,
    Phase.SETTLE: 3,
    Phase.ALERT: -1,
}


_PROMISES: Final = frozenset({Phase.RESERVE, Phase.SUBMIT})


def _stand(entry: Entry, now: datetime) -> Stand:
    over = entry.expires is None or entry.expires <= now
    return Stand(
        entry=entry,
        is_open=entry.phase in _PROMISES and not over,
        is_expired=entry.phase is Phase.EXPIRE or (entry.phase in _PROMISES and over),
    )


def expirations(entries: Sequence[Entry], now: datetime) -> Iterator[Entry]:
    """Yield an ``expire`` entry, at the full reservation, for each lease that ran out and was never closed.

    Not for batches: their money stays set aside until somebody has collected them.
    """
    from dataclasses import replace

    for stand in stands(entries, now):
        if stand.is_expired and stand.entry.phase is Phase.RESERVE and stand.entry.batch is None:
            yield replace(stand.entry, phase=Phase.EXPIRE, at=now)


def today(now: datetime, zone: str) -> date:
    """Return the date in *zone* (an IANA name)."""
    return now.astimezone(ZoneInfo(zone) if zone != "UTC" else UTC).date()


class Window(StrEnum):
    """How long a limit counts."""

    DAY = "day"
    MONTH = "month"


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """A limit of cash over a day or a calendar month, for everything or for one mode or model."""

    window: Window
    amount: NanoUsd
    hard: bool = True
    mode: str = ""
    model: str = ""

    @property
    def name(self) -> str:
        """``month``, ``day of review``, ``month of claude-sonnet-5-5``."""
        who = " and ".join(part for part in (self.mode, self.model) if part)
        return f"{self.window.value} of {who}" if who else self.window.value

    def applies(self, mode: str) -> bool:
        """Whether a run of *mode* draws on it."""
        return not self.mode or self.mode == mode

    def drawn(self, standing: Iterable[Stand], day: str) -> NanoUsd:
        """Return what was drawn on it on the *day*, or in its month."""
        period = day if self.window is Window.DAY else day[:7]
        return NanoUsd(sum(self._share(stand.entry) for stand in standing if stand.entry.day.startswith(period)))

    def _share(self, entry: Entry) -> int:
        if self.mode and entry.mode != self.mode:
            return 0
        if not self.model:
            return entry.cash
        if entry.phase is Phase.SETTLE or entry.by_model:
            return sum(share.cash for share in entry.by_model if share.model == self.model)
        return entry.cash


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawn:
    """A limit and what earlier and concurrent runs took of it."""

    limit: Limit
    before: NanoUsd

    @property
    def room(self) -> NanoUsd:
        """What is left; never below zero."""
        return NanoUsd(max(0, self.limit.amount - self.before))


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Who writes: one job of one attempt of one run."""

    run_id: str
    attempt: int
    job: str
    repository: str
    mode: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """What a run may spend, set aside in the ledger until ``expires``.

    ``limits`` are the limits that hold besides the run's own, with what others took; ``notes`` go to the summary.
    """

    identity: Identity
    amount: NanoUsd
    day: str
    opened: datetime
    limits: tuple[Drawn, ...] = ()
    per_model: Mapping[str, NanoUsd] = field(default_factory=dict)
    """The most for each model that has a hard limit."""
    sample: NanoUsd = NOTHING
    """Part of ``amount`` that may go into measuring a baseline: what others left of the month's line for it."""
    notes: tuple[str, ...] = ()
    recorded: bool = True
    """False: the ledger could not be read or written; only the limit of the run holds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """No envelope: a hard limit is used up, or the ledger is out and the configuration says stop."""

    reason: str
    remedy: str
    limits: tuple[Drawn, ...] = ()
    day: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """Under which limits a run may spend."""

    limits: tuple[Limit, ...]
    run_limit: NanoUsd
    lease: timedelta
    """The job's timeout and a margin."""
    zone: str = "UTC"
    sample_limit: NanoUsd = NOTHING
    """Of a calendar month, for measuring baselines; 0: nothing is measured."""
    floor: NanoUsd = NOTHING
    """An envelope smaller than this is refused: it would buy nothing."""
    stop_on_outage: bool = False
    """Ledger unreadable: refuse, instead of going on under the run's limit alone."""


def allot(book: Book, identity: Identity, terms: Terms, day: str, now: datetime) -> Envelope | Refusal:
    """Decide over an envelope: the run's limit, or what the tightest hard limit leaves; too little is a refusal.

    A repeated call for the same job does not count its own earlier reservation.
    """
    me = (identity.run_id, identity.attempt, identity.job)
    standing = [stand for stand in stands(book.entries, now) if stand.entry.run != me]
    drawn = tuple(
        Drawn(limit=one, before=one.drawn(standing, day)) for one in terms.limits if one.applies(identity.mode)
    )
    general = [one for one in drawn if one.limit.hard and not one.limit.model]
    tightest = min(general, key=lambda one: one.room, default=None)
    amount = terms.run_limit if tightest is None else NanoUsd(min(terms.run_limit, tightest.room))
    if tightest is not None and terms.run_limit > 0 and tightest.room < min(max(terms.floor, 1), terms.run_limit):
        return _refusal(tightest, drawn, day)
    sampled = sum(stand.entry.sample for stand in standing if stand.entry.day.startswith(day[:7]))
    sample = min(amount, max(0, terms.sample_limit - sampled))
    return Envelope(
        identity=identity,
        amount=amount,
        day=day,
        opened=now,
        limits=drawn,
        per_model=_caps(drawn, amount),
        sample=NanoUsd(sample),
    )


def _caps(drawn: Iterable[Drawn], amount: NanoUsd) -> dict[str, NanoUsd]:
    caps: dict[str, NanoUsd] = {}
    for one in drawn:
        if one.limit.hard and one.limit.model:
            room = NanoUsd(min(one.room, amount))
            caps[one.limit.model] = min(room, caps.get(one.limit.model, room))
    return caps


def _refusal(tightest: Drawn, drawn: tuple[Drawn, ...], day: str) -> Refusal:
    from tta_orchestrate.domain.cost import usd

    limit = tightest.limit
    return Refusal(
        reason=f"the limit of the {limit.name} is used up: ${usd(tightest.before)} of ${usd(limit.amount)} are spent"
        " or set aside",
        remedy=remedy(limit, day),
        limits=drawn,
        day=day,
    )


def remedy(limit: Limit, day: str) -> str:
    """Return what to do when *limit* is used up."""
    key = "cost_tracking.budget_limit_usd" if limit.name == "month" else "cost_tracking.limits"
    begins = _next_period(limit.window, day)
    return f"raise {key}, or wait until {begins}, when the next {limit.window.value} begins"


def _next_period(window: Window, day: str) -> str:
    current = date.fromisoformat(day)
    if window is Window.DAY:
        return (current + timedelta(days=1)).isoformat()
    return (current.replace(day=1) + timedelta(days=32)).replace(day=1).isoformat()


def reservation(envelope: Envelope, expires: datetime) -> Entry:
    """Return the entry that sets *envelope* aside."""
    who = envelope.identity
    return Entry(
        run_id=who.run_id,
        attempt=who.attempt,
        job=who.job,
        phase=Phase.RESERVE,
        at=envelope.opened,
        day=envelope.day,
        repository=who.repository,
        mode=who.mode,
        cash=envelope.amount,
        sample=envelope.sample,
        expires=expires,
        by_model=tuple(ModelShare(model=name, cash=cap) for name, cap in sorted(envelope.per_model.items())),
    )
