"""Money and tokens: integer nano-dollars inside, decimal strings outside, never a float."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Final, NewType

NanoUsd = NewType("NanoUsd", int)
"""Billionths of a US dollar."""

_NANO = Decimal(10) ** 9
STANDARD: Final = "standard"
BATCH: Final = "batch"
BATCH_FULL: Final = "batch-full"


def nano(usd: Decimal) -> NanoUsd:
    """Convert dollars to nano-dollars, rounding up: a bill is never understated."""
    scaled = usd * _NANO
    whole = int(scaled.to_integral_value(rounding="ROUND_CEILING"))
    return NanoUsd(whole)


def usd(amount: NanoUsd) -> str:
    """Return dollars as a plain decimal string, at least two places: ``"0.00"``, ``"0.012345"``."""
    text = f"{Decimal(amount) / _NANO:.9f}".rstrip("0")
    whole, _, places = text.partition(".")
    return f"{whole}.{places.ljust(2, '0')}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """Tokens of one call, normalised over vendors.

    ``input_tokens`` is the total, cached tokens included (OpenTelemetry GenAI's rule); ``output_tokens`` includes
    thinking.
    """

    input_tokens: int = 0
    cache_read_tokens: int = 0
    cache_write_5m_tokens: int = 0
    cache_write_1h_tokens: int = 0
    output_tokens: int = 0
    thinking_tokens: int = 0

    def __add__(self, other: "Usage") -> "Usage":
        return Usage(
            input_tokens=self.input_tokens + other.input_tokens,
            cache_read_tokens=self.cache_read_tokens + other.cache_read_tokens,
            cache_write_5m_tokens=self.cache_write_5m_tokens + other.cache_write_5m_tokens,
            cache_write_1h_tokens=self.cache_write_1h_tokens + other.cache_write_1h_tokens,
            output_tokens=self.output_tokens + other.output_tokens,
            thinking_tokens=self.thinking_tokens + other.thinking_tokens,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One request to a model that was sent, whatever came of it."""

    provider: str
    request_model: str
    response_model: str
    role: str
    """``executor`` or ``orchestrator``."""
    stage: str
    """``scope``, ``execute``, ``repair``, ``judge``, ``escalate``, ``baseline`` …"""
    unit: str
    usage: Usage
    cash: NanoUsd
    """What the provider bills; 0 for a free-tier call."""
    list_price: NanoUsd
    """The same usage at the published price."""
    outcome: str = "ok"
    """``ok``, or the error class that ended it (``truncated``, ``refusal``, ``rate_limit`` …); ``unused``: an answer of
    a batch that this run had no question for."""
    attempt: int = 1
    cached: bool = False
    """Answered from the response cache: nothing was sent, nothing was paid."""
    started_at: str = ""
    duration_ms: int = 0
    finish_reason: str = ""
    price_basis: str = STANDARD
    """``standard``; ``batch``: the vendor's published batch price; ``batch-full``: sent in a batch, but no batch price
    is known, so the full one is booked."""

    @property
    def in_batch(self) -> bool:
        """Whether it was a request of a batch: the books across runs hold it in the batch's own entries."""
        return self.price_basis != STANDARD


@dataclass(frozen=True, slots=True, kw_only=True)
class Baseline:
    """What the same work would have cost another way, by name; ``basis`` says ``modelled`` or ``measured``."""

    name: str
    basis: str
    list_price: NanoUsd
    tasks: int
    interval: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetState:
    """One limit and where it stands at the end of the run."""

    name: str
    """``run``, ``day``, ``month`` …"""
    limit: NanoUsd
    settled: NanoUsd
    hard: bool = True
    reached: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class CostReport:
    """Everything that was spent, and against which limits; empty when no model was called."""

    calls: tuple[Call, ...] = ()
    resumed: int = 0
    """So many of the first calls are of an earlier attempt, which has its own place in the books across runs."""
    budgets: tuple[BudgetState, ...] = ()
    baselines: tuple[Baseline, ...] = ()
    price_data: str = ""
    notes: tuple[str, ...] = ()

    @property
    def cash(self) -> NanoUsd:
        """The sum that providers bill."""
        return NanoUsd(sum(call.cash for call in self.calls))

    @property
    def list_price(self) -> NanoUsd:
        """The sum at published prices."""
        return NanoUsd(sum(call.list_price for call in self.calls))

    @property
    def usage(self) -> Usage:
        """Tokens of all calls."""
        return sum((call.usage for call in self.calls), Usage())
