"""The doors to models: what a provider promises to the engine, and what the engine promises to the modes."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Final, Protocol, runtime_checkable

from tta_orchestrate.domain.cost import CostReport, Usage

Json = Any
"""What ``json.loads`` returns."""


class FinishReason(StrEnum):
    """Why a model stopped (OpenTelemetry GenAI: ``gen_ai.response.finish_reasons``); only ``STOP`` is an answer."""

    STOP = "stop"
    LENGTH = "length"
    REFUSAL = "refusal"
    CONTENT_FILTER = "content_filter"
    EMPTY = "empty"
    CUT_OFF = "cut_off"
    """The stream ended without the vendor's closing event."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Prompt:
    """One request in three parts, stable first, so that a vendor's prompt cache can serve them.

    ``system`` holds only our own words; everything from a repository is fenced data in ``context`` (shared by many
    requests of a run) or ``data`` (this request's own).
    """

    system: str
    data: str
    context: str = ""
    schema: Mapping[str, Json] = field(default_factory=dict)
    """JSON Schema of the answer, one object."""
    schema_name: str = "answer"
    max_output_tokens: int = 4096


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What came back: text, why it ended, what it used, who really answered."""

    text: str
    finish_reason: FinishReason
    usage: Usage
    raw_usage: Mapping[str, Json]
    request_model: str
    response_model: str
    request_id: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    """Rate-limit headers, lower-cased names."""


class Provider(Protocol):
    """One vendor's protocol; errors are translated to ``engine.failures.CallFailure`` in the plug-in."""

    name: str

    def complete(self, model: str, prompt: Prompt, *, timeout: float) -> Reply:
        """Send one request, no retries; *timeout* is the total in seconds."""
        ...

    def count_tokens(self, model: str, prompt: Prompt) -> int:
        """Return the input tokens that *prompt* takes, exactly or as a safe upper estimate."""
        ...

    def close(self) -> None:
        """Release connections."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchRequest:
    """One request of a batch, with the key that its answer comes back under (1 to 64 of ``[a-z0-9]``)."""

    key: str
    prompt: Prompt


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchAnswers:
    """A batch that ended: what came of each request, by key. What is nowhere has an unknown outcome."""

    replies: Mapping[str, Reply]
    failures: Mapping[str, Exception] = field(default_factory=dict)
    """``engine.failures.CallFailure``, its billing included."""
    rest: Exception | None = None
    """Likewise, for every request that is not named: the whole batch ended without answers."""


@runtime_checkable
class BatchProvider(Protocol):
    """What a provider that offers batches can do besides; every method raises ``engine.failures.CallFailure``."""

    def submit_batch(self, model: str, name: str, requests: Sequence[BatchRequest]) -> str:
        """Send all *requests* as one batch called *name*; return the vendor's id."""
        ...

    def find_batch(self, name: str, keys: frozenset[str], since: datetime) -> str | None:
        """Return the id of the batch that was submitted under *name* after *since*, ``None`` when there is none.

        Where the vendor keeps no names, a batch of as many requests that has not ended may be it: its id is returned,
        and what it answers tells once it has ended.
        """
        ...

    def collect_batch(self, batch_id: str) -> BatchAnswers | None:
        """Return the answers, ``None`` while the batch has not ended.

        ``CallFailure`` of kind ``NO_SUCH_BATCH`` when the vendor does not know *batch_id* (any more).
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """What a provider plug-in is made from: ``PROVIDER(access) -> Provider``. Times in seconds."""

    name: str
    """As configured: ``anthropic``, ``groq`` …"""
    api_key: str = field(default="", repr=False)
    base_url: str = ""
    """``""``: the vendor's own; never from a pull request."""
    connect_seconds: float = 10.0
    idle_seconds: float = 120.0
    """Longest silence in an answer."""
    identity: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Keyless: GitHub's OIDC variables and the vendor's federation rule, by environment name."""


class UseCase(StrEnum):
    """How demanding a task is: the words of ``executors[].use_cases``."""

    SIMPLE = "simple"
    MODERATE = "moderate"
    COMPLEX = "complex"
    EXPERT = "expert"
    SPEED_CRITICAL = "speed-critical"
    REASONING = "reasoning"


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One unit of model work."""

    unit: str
    """Identity in the run and in the journal; the same input gives the same unit."""
    stage: str
    """``scope``, ``execute``, ``judge`` … for the cost report."""
    prompt: Prompt
    use_case: UseCase = UseCase.MODERATE
    priority: int = 0
    """Higher is done first, and left out last when the budget ends."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GateResult:
    """What a deterministic gate says of an answer.

    ``accepted`` false means: repair once with ``message``, then the next model. ``score`` in 0..1 is what the gate
    could decide; ``None`` leaves it to the judge.
    """

    accepted: bool
    message: str = ""
    score: float | None = None
    evidence: str = ""
    """What a judge needs to see when ``score`` is ``None``: never the whole input. Empty: the gate's word is final."""


Gate = Callable[[Task, Json], GateResult]


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """One step of the cascade, with its reason."""

    step: str
    model: str
    reason: str


BATCHED: Final = "batched"
"""The ``failure`` of a task whose request waits for a batch: a later run has the answer."""
OVER_BUDGET: Final = "over_budget"
"""The ``failure`` of a task that only the budget stood against."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskResult:
    """What came of a task. ``answer is None`` means not done, and ``reason`` says why."""

    task: Task
    answer: Json | None
    model: str = ""
    decisions: Sequence[Decision] = ()
    reason: str = ""
    failure: str = ""
    """What ended it (``engine.failures.FailureKind``); ``truncated`` and ``too_large`` ask for a split."""


class Engine(Protocol):
    """The cascade as a mode sees it."""

    @property
    def has_executor(self) -> bool:
        """Whether any model can do bulk work (a key is there, the budget is open)."""
        ...

    @property
    def has_orchestrator(self) -> bool:
        """Whether the strong model can be asked."""
        ...

    @property
    def in_batches(self) -> bool:
        """Whether requests of ``execute`` may go to a batch, or came from one.

        They must then be the same in the run that submits them and in the one that collects the answers: no request
        may depend on the answer to another.
        """
        ...

    def execute(self, tasks: Sequence[Task], gate: Gate) -> Sequence[TaskResult]:
        """Do *tasks* with the cheapest model that passes *gate*: repair once, next executor, orchestrator, give up."""
        ...

    def judge(self, tasks: Sequence[Task], gate: Gate) -> Sequence[TaskResult]:
        """Ask the orchestrator alone; for evidence, never for bulk."""
        ...

    def cost(self) -> CostReport:
        """What was spent so far."""
        ...
