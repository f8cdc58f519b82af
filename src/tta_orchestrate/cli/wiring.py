"""From settings and environment to a running engine: the one place where keys are read."""

import itertools
import random
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from tta_orchestrate import registry
from tta_orchestrate.domain.cost import NanoUsd, nano
from tta_orchestrate.domain.ledger import Refusal
from tta_orchestrate.engine import catalogue
from tta_orchestrate.engine.batches import WaitingRoom
from tta_orchestrate.engine.budget import Budget, Limit
from tta_orchestrate.engine.cache import Cache, DiskCache, NoCache, digest
from tta_orchestrate.engine.call import Books, Caller
from tta_orchestrate.engine.cascade import Cascade
from tta_orchestrate.engine.clock import Clock, SystemClock
from tta_orchestrate.engine.failures import CallFailure, FailureKind
from tta_orchestrate.engine.journal import NOTHING, Journal, Memory, NoJournal
from tta_orchestrate.engine.prices import Price, PriceBook
from tta_orchestrate.engine.redact import Redactor
from tta_orchestrate.engine.retry import Patience, RetryBudget, RetryPolicy
from tta_orchestrate.engine.routing import Candidate, Team
from tta_orchestrate.engine.sample import NOTHING as NO_SAMPLE
from tta_orchestrate.engine.sample import Sample
from tta_orchestrate.engine.scheduler import DayCounter, Rules, Scheduler
from tta_orchestrate.ports.model import Access, Provider
from tta_orchestrate.ports.spending import Spending
from tta_orchestrate.settings.model import Settings
from tta_orchestrate.settings.models import Executor, Orchestrator, ProviderName

KEYLESS: Final = (
    "ANTHROPIC_FEDERATION_RULE_ID",
    "ANTHROPIC_ORGANIZATION_ID",
    "ACTIONS_ID_TOKEN_REQUEST_URL",
    "ACTIONS_ID_TOKEN_REQUEST_TOKEN",
)
"""All four there: Claude without a key, by the job's own identity (``permissions: id-token: write``)."""
_OPTIONAL: Final = ("ANTHROPIC_SERVICE_ACCOUNT_ID", "ANTHROPIC_WORKSPACE_ID")
_NO_KEY_NEEDED: Final = frozenset({ProviderName.OLLAMA, ProviderName.OPENAI_COMPATIBLE})


class Doors:
    """Makes each provider once, on its first use (the SDK loads then), and closes what was made."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._made: dict[tuple[str, str, str, float], Provider] = {}

    def to(self, access: Access) -> Callable[[], Provider]:
        """Return the way to the provider of *access*."""
        return lambda: self._open(access)

    def close(self) -> None:
        """Close every provider that was opened."""
        with self._lock:
            while self._made:
                self._made.popitem()[1].close()

    def _open(self, access: Access) -> Provider:
        from tta_orchestrate.providers.openai_compatible import PRESETS

        key = (access.name, access.base_url, access.api_key, access.idle_seconds)
        with self._lock:
            if key not in self._made:
                plug_in = "openai-compatible" if access.name in PRESETS else access.name
                try:
                    self._made[key] = registry.load("providers", plug_in)(access)
                except (KeyError, ValueError) as error:
                    message = f"{access.name} cannot be set up: {type(error).__name__}"
                    raise CallFailure(FailureKind.AUTH, message) from error
            return self._made[key]


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """Where a run takes place. Everything has a harmless default."""

    clock: Clock = field(default_factory=SystemClock)
    seed: int | None = None
    """Of the jitter; ``None``: a fresh one."""
    journal: Path | None = None
    """``journal.jsonl`` of the report folder."""
    run_key: str = ""
    """What the run is about (head and base commit, mode, configuration): a journal of something else is not resumed."""
    private: bool | None = None
    """Whether the repository is private; ``None`` when nobody knows."""
    spending: Spending | None = None
    """Books across runs, for the limits of days and months."""
    on_journal_write: Callable[[], None] = lambda: None
    """Called before each write; a test may fail there."""
    room: WaitingRoom = field(default_factory=WaitingRoom)
    """Answers of batches, and requests for the next one."""
    doors: Doors | None = None
    """Connections shared by several engines of one process, closed by their owner."""


def build_engine(settings: Settings, env: Mapping[str, str], around: Surroundings | None = None) -> Cascade:
    """Return the engine that *settings* describe; without keys in *env* it has no executor, and all work is local.

    Keys are read from *env* by the names in ``api_key_env``, nothing else is, apart from the four variables of the
    keyless sign-in. Nothing is sent and no SDK is loaded here.
    """
    around = around or Surroundings()
    present = Roster(settings, env, around)
    team = present.team()
    redactor = Redactor(present.secrets)
    memory, books, past_spent = _memory(settings, around, redactor)
    for warning in present.warnings:
        books.note(warning)
    cancelled = threading.Event()
    clock = around.clock
    policy = RetryPolicy()
    budget = Budget(
        _limits(settings, around, books, past_spent, team),
        call_limit=nano(limit) if (limit := settings.cost_tracking.call_limit_usd) is not None else None,
    )
    days = DayCounter(clock, _cache_dir(settings, "days.json"))
    caller = Caller(
        scheduler=Scheduler(clock, cancelled, present.rules(), days),
        budget=budget,
        prices=present.prices,
        cache=_cache(settings, around),
        memory=memory,
        books=books,
        redactor=redactor,
        patience=Patience(
            policy=policy,
            budget=RetryBudget(policy),
            clock=clock,
            random=random.Random(around.seed),  # noqa: S311 -- jitter
            deadline=clock.monotonic() + settings.calls.deadline_seconds,
            cancelled=cancelled,
        ),
        catalogue=catalogue.load().version,
        call_seconds=settings.calls.total_seconds,
        room=around.room,
        tickets=itertools.count(1 + len(books.calls)).__next__,
    )
    return Cascade(
        team,
        caller,
        threshold=settings.quality_threshold,
        workers=settings.calls.workers,
        on_close=(memory.close,) if around.doors else (memory.close, present.doors.close),
        sample=_sample(settings, around, team),
    )


def roster(settings: Settings, env: Mapping[str, str]) -> "Roster":
    """Return who would be asked with these settings and keys."""
    return Roster(settings, env, Surroundings())


def price_book(settings: Settings) -> PriceBook:
    """Return the published prices with the configuration's own."""
    return PriceBook(overrides=_overrides(settings))


def secrets_of(settings: Settings, env: Mapping[str, str]) -> tuple[str, ...]:
    """Return every secret this configuration lets the process hold, for redaction elsewhere."""
    return Roster(settings, env, Surroundings()).secrets


class Roster:
    """Which models a configuration really has, today, with these keys."""

    def __init__(self, settings: Settings, env: Mapping[str, str], around: Surroundings) -> None:
        self._settings = settings
        self._env = env
        self._around = around
        self._catalogue = catalogue.load()
        self._today = around.clock.now().date()
        self.warnings: list[str] = []
        self.doors = around.doors or Doors()
        self.prices = price_book(settings)

    @property
    def secrets(self) -> tuple[str, ...]:
        """Values of all key variables that are set."""
        names = [self._settings.orchestrator.api_key_env, "ACTIONS_ID_TOKEN_REQUEST_TOKEN"]
        names += [e.api_key_env for e in self._settings.executors if e.api_key_env]
        names += self._catalogue.key_names.values()
        return tuple(sorted({self._env[name] for name in names if self._env.get(name)}))

    def team(self) -> Team:
        """Return all models that can be asked; whoever has no key or no price is left out, with a warning."""
        settings = self._settings
        if not settings.enabled:
            return Team()
        executors = [c for e in settings.executors if e.provider is not ProviderName.LOCAL and (c := self._executor(e))]
        orchestrator = self._orchestrator(settings.orchestrator)
        fallbacks = [c for name in settings.fallback_strategy.models if (c := self._fallback(name))]
        return Team(
            executors=executors,
            fallbacks=fallbacks,
            orchestrator=orchestrator,
            prefer_free=settings.prefer_free_models,
        )

    def rules(self) -> dict[str, Rules]:
        """Return the pace per provider."""
        concurrency = self._settings.calls.concurrency
        rules = {name.value: Rules(concurrency=concurrency) for name in ProviderName}
        for executor in self._settings.executors:
            rules[executor.provider.value] = Rules(
                concurrency=concurrency,
                requests_per_minute=executor.requests_per_minute,
                tokens_per_minute=executor.tokens_per_minute,
                requests_per_day=executor.requests_per_day,
            )
        return rules

    def _executor(self, executor: Executor) -> Candidate | None:
        if executor.free_tier and self._around.private and not self._may_train():
            self.warnings.append(
                f"{executor.model} is left out: a free tier may train on what it is sent, and the repository is private"
                " (calls.allow_free_tier_for_private_repositories)"
            )
            return None
        key_env = executor.api_key_env or self._catalogue.key_names.get(executor.provider.value)
        candidate = self._candidate(executor.model, executor.provider, key_env, executor.base_url, role="executor")
        if candidate is None:
            return None
        from dataclasses import replace

        return replace(candidate, use_cases=executor.use_cases, free=candidate.free or executor.free_tier)

    def _orchestrator(self, orchestrator: Orchestrator) -> Candidate | None:
        if orchestrator.provider is ProviderName.LOCAL:
            return None
        return self._candidate(
            orchestrator.model,
            orchestrator.provider,
            orchestrator.api_key_env,
            orchestrator.base_url,
            role="orchestrator",
        )

    def _fallback(self, name: str) -> Candidate | None:
        """Find where *name* is served: as an executor or orchestrator configured elsewhere, else by the catalogue."""
        for executor in self._settings.executors:
            if executor.model == name:
                return self._executor(executor)
        orchestrator = self._settings.orchestrator
        if orchestrator.model == name:
            return self._orchestrator(orchestrator)
        entry = self._catalogue.find(name)
        if entry is None:
            self.warnings.append(f"fallback {name!r} is left out: neither configured above nor in the catalogue")
            return None
        return self._candidate(
            name, ProviderName(entry.provider), self._catalogue.key_names.get(entry.provider), None, role="executor"
        )

    def _candidate(
        self, name: str, provider: ProviderName, key_env: str | None, base_url: str | None, *, role: str
    ) -> Candidate | None:
        key = self._env.get(key_env or "", "")
        if (
            not key
            and not self._keyless(provider)
            and not (provider in _NO_KEY_NEEDED and self._reachable(provider, base_url))
        ):
            return None
        resolved = self._catalogue.resolve(name, self._today)
        self.warnings += [w for w in resolved.warnings if w not in self.warnings]
        now = self._around.clock.now()
        if not self.prices.is_priced(provider.value, resolved.model, now):
            self.warnings.append(
                f"{resolved.model} at {provider} is left out: no price is known for it; give one in"
                f" cost_tracking.prices (fault: {FailureKind.UNPRICED})"
            )
            return None
        access = Access(
            name=provider.value,
            api_key=key,
            base_url=base_url or "",
            connect_seconds=self._settings.calls.connect_seconds,
            idle_seconds=self._settings.calls.idle_seconds,
            identity={n: self._env[n] for n in (*KEYLESS, *_OPTIONAL) if self._env.get(n)} if not key else {},
        )
        entry = resolved.entry
        worst = self.prices.worst(provider.value, resolved.model, 1_000_000, 1_000_000, now)
        return Candidate(
            model=resolved.model,
            provider=provider.value,
            door=self.doors.to(access),
            role=role,
            free=worst == 0,
            context_tokens=entry.context_tokens if entry else 0,
            output_tokens=entry.output_tokens if entry else 0,
        )

    def _keyless(self, provider: ProviderName) -> bool:
        return provider is ProviderName.ANTHROPIC and all(self._env.get(name) for name in KEYLESS)

    def _reachable(self, provider: ProviderName, base_url: str | None) -> bool:
        return provider is ProviderName.OLLAMA or base_url is not None

    def _may_train(self) -> bool:
        return self._settings.calls.allow_free_tier_for_private_repositories


def _overrides(settings: Settings) -> dict[str, Price]:
    return {
        price.model: Price(
            input=price.input_usd_per_mtok,
            output=price.output_usd_per_mtok,
            cache_read=price.cache_read_usd_per_mtok,
            cache_write=price.cache_write_usd_per_mtok,
        )
        for price in settings.cost_tracking.prices
    }


def _memory(settings: Settings, around: Surroundings, redactor: Redactor) -> tuple[Memory, Books, NanoUsd]:
    if around.journal is None:
        return NoJournal(), Books(), NanoUsd(0)
    run_key = digest({"run": around.run_key, "settings": settings.model_dump(mode="json")})
    journal = Journal(around.journal, run_key, redactor, on_write=around.on_journal_write)
    past = journal.past
    books = Books(past.calls)
    if past is not NOTHING:
        books.note(f"resumed: {len(past.units)} finished units and {len(past.calls)} calls of an earlier attempt")
    if past.unknown:
        books.note("a call of the earlier attempt never came back; its reservation counts as spent")
    return journal, books, past.spent


def _limits(settings: Settings, around: Surroundings, books: Books, past_spent: NanoUsd, team: Team) -> list[Limit]:
    tracking = settings.cost_tracking
    limits = [Limit(name="run", limit=nano(tracking.run_limit_usd), spent_before=past_spent)]
    if tracking.run_warning_usd is not None:
        limits.append(Limit(name="run", limit=nano(tracking.run_warning_usd), hard=False, spent_before=past_spent))
    anybody = team.executors or team.fallbacks or team.orchestrator
    opened = around.spending.open() if anybody and around.spending is not None else None
    if opened is None:
        return limits
    for drawn in opened.limits:
        # What others took since is theirs: beside each limit stands what it had left when the envelope was opened.
        own = Limit(
            name=drawn.limit.name,
            limit=drawn.limit.amount,
            hard=drawn.limit.hard,
            spent_before=NanoUsd(drawn.before + past_spent),
            model=drawn.limit.model,
        )
        limits.append(own)
    if isinstance(opened, Refusal):
        books.note(f"{opened.reason}; to go on: {opened.remedy}")
        return [*limits, Limit(name="envelope", limit=NanoUsd(0), spent_before=past_spent)]
    for note in opened.notes:
        books.note(note)
    return [*limits, Limit(name="envelope", limit=opened.amount, spent_before=past_spent)]


def _sample(settings: Settings, around: Surroundings, team: Team) -> Sample:
    """Return who draws units for the measured baseline, on the line that was set aside for it.

    Nothing is drawn when the books are out: nobody knows then what others have drawn.
    """
    tracking = settings.cost_tracking
    if not tracking.baseline_sample_rate or team.orchestrator is None:
        return NO_SAMPLE
    opened = around.spending.open() if around.spending is not None else None
    if isinstance(opened, Refusal) or (opened is not None and not opened.recorded):
        return NO_SAMPLE
    room = opened.sample if opened is not None else nano(tracking.baseline_sample_limit_usd)
    seed = around.run_key or (opened.identity.run_id if opened is not None else "")
    return Sample(tracking.baseline_sample_rate, room, seed)


def _cache(settings: Settings, around: Surroundings) -> Cache:
    """Return where replies are kept; with a journal there is always a place, so that a crash costs nothing."""
    folder = _cache_dir(settings, "answers")
    if folder is None and around.journal is not None:
        folder = around.journal.parent / ".answers"  # hidden: uploads of the report leave it out
    return NoCache() if folder is None else DiskCache(folder)


def _cache_dir(settings: Settings, name: str) -> Path | None:
    return None if settings.calls.cache_dir is None else Path(settings.calls.cache_dir) / name
