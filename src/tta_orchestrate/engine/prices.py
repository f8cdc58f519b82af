"""What a call costs: genai-prices' dated data, offline, with overrides; what has no price is refused.

Nothing is ever fetched during a run. Source of prices: package ``genai-prices`` (its version is in the cost report).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Final

from tta_orchestrate.domain.cost import BATCH, BATCH_FULL, NanoUsd, Usage, nano
from tta_orchestrate.engine.failures import CallFailure, FailureKind

_MILLION: Final = Decimal(1_000_000)

VENDOR: Final[Mapping[str, str]] = {
    "anthropic": "anthropic",
    "google-ai-studio": "google",
    "groq": "groq",
    "openrouter": "openrouter",
    "openai": "openai",
}
"""Our provider names in genai-prices' words; the others need an override."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """US dollars per million tokens. Cache prices default to the input price, which never understates a read."""

    input: Decimal
    output: Decimal
    cache_read: Decimal | None = None
    cache_write: Decimal | None = None

    def of(self, usage: Usage) -> Decimal:
        """Return the dollars that *usage* costs."""
        written = usage.cache_write_5m_tokens + usage.cache_write_1h_tokens
        fresh = usage.input_tokens - usage.cache_read_tokens - written
        read_price = self.input if self.cache_read is None else self.cache_read
        write_price = self.input if self.cache_write is None else self.cache_write
        return (
            fresh * self.input
            + usage.cache_read_tokens * read_price
            + written * write_price
            + usage.output_tokens * self.output
        ) / _MILLION


FREE: Final = Price(input=Decimal(0), output=Decimal(0))


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceBook:
    """Prices by provider and model name; *overrides* by model name win."""

    overrides: Mapping[str, Price] = field(default_factory=dict)

    def price(self, provider: str, model: str, usage: Usage, at: datetime, *, batch: bool = False) -> NanoUsd:
        """Return what *usage* costs at the published price of the day *at*; with *batch* at the price of batches.

        Where no batch price is known (own prices, other vendors), a batch counts in full: nothing is understated.

        Raises:
            CallFailure: ``UNPRICED``: nobody knows the price of *model*.
        """
        if (override := self.overrides.get(model)) is not None:
            return nano(override.of(usage))
        if provider == "ollama":  # the user's own machine
            return NanoUsd(0)
        return nano(_published(provider, model, usage, at, batch=batch))

    def basis(self, provider: str, model: str, at: datetime) -> str:
        """Return at which price a batch of *model* is booked, ``Call.price_basis``: ``batch`` or ``batch-full``."""
        sample = Usage(input_tokens=1_000_000, output_tokens=1_000_000)
        half = self.price(provider, model, sample, at, batch=True)
        return BATCH if half < self.price(provider, model, sample, at) else BATCH_FULL

    def list_price(self, provider: str, model: str, usage: Usage, at: datetime) -> NanoUsd:
        """Return the price of the paid twin of a free model (``x:free`` is ``x``), else the same as :meth:`price`."""
        paid = model.removesuffix(":free")
        if paid != model and paid not in self.overrides:
            try:
                return self.price(provider, paid, usage, at)
            except CallFailure:
                return self.price(provider, model, usage, at)
        return self.price(provider, model, usage, at)

    def worst(
        self, provider: str, model: str, input_tokens: int, output_tokens: int, at: datetime, *, batch: bool = False
    ) -> NanoUsd:
        """Return an upper bound: every input token fresh, read or written to the cache, whichever is dearest."""
        shapes = (
            Usage(input_tokens=input_tokens, output_tokens=output_tokens),
            Usage(input_tokens=input_tokens, output_tokens=output_tokens, cache_write_5m_tokens=input_tokens),
        )
        return max(self.price(provider, model, usage, at, batch=batch) for usage in shapes)

    def is_priced(self, provider: str, model: str, at: datetime) -> bool:
        """Whether a call to *model* can be priced at all."""
        try:
            self.price(provider, model, Usage(input_tokens=1, output_tokens=1), at)
        except CallFailure:
            return False
        return True


def price_data() -> str:
    """Return which data the prices come from, for the report."""
    from importlib.metadata import version

    return f"genai-prices {version('genai-prices')}"


def _published(provider: str, model: str, usage: Usage, at: datetime, *, batch: bool) -> Decimal:
    from genai_prices import Usage as Counted
    from genai_prices import calc_price

    vendor = VENDOR.get(provider)
    if vendor is None:
        raise _unpriced(provider, model)
    counted = Counted(
        input_tokens=usage.input_tokens,
        output_tokens=usage.output_tokens,
        cache_read_tokens=usage.cache_read_tokens or None,
        cache_write_5m_tokens=usage.cache_write_5m_tokens or None,
        cache_write_1h_tokens=usage.cache_write_1h_tokens or None,
        cache_write_tokens=(usage.cache_write_5m_tokens + usage.cache_write_1h_tokens) or None,
    )
    context = {"processing": "batch"} if batch else None
    try:
        sold = calc_price(counted, model, provider_id=vendor, genai_request_timestamp=at, price_context=context)
    except LookupError as error:
        raise _unpriced(provider, model) from error
    return sold.total_price


def _unpriced(provider: str, model: str) -> CallFailure:
    failure = CallFailure(FailureKind.UNPRICED, f"no price is known for {model!r} at {provider}")
    failure.remedy = (
        f"give one in cost_tracking.prices: {{model: {model}, input_usd_per_mtok: …, output_usd_per_mtok: …}}"
    )
    return failure
