"""The catalogue: names, dates, successors; every entry priced or honestly not."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from tta_orchestrate.domain.cost import Usage, nano
from tta_orchestrate.engine import catalogue
from tta_orchestrate.engine.failures import CallFailure
from tta_orchestrate.engine.prices import Price, PriceBook
from tta_orchestrate.settings.models import ProviderName

KNOWN = catalogue.load()
TODAY = date(2026, 11, 22)
NOW = datetime(2026, 11, 22, tzinfo=UTC)


@pytest.mark.parametrize(
    ("name", "day", "model", "warned"),
    [
        ("claude-sonnet-4.5", TODAY, "claude-sonnet-5-5", True),
        ("claude-sonnet-4-5", date(2026, 10, 1), "claude-sonnet-4-5", False),
        ("claude-sonnet-4-5", date(2026, 10, 31), "claude-sonnet-5-5", True),
        ("claude-sonnet-4-5", date(2027, 5, 1), "claude-sonnet-5-5", True),
        ("gemini-2.5-pro", TODAY, "gemini-3.8-flash", True),
        ("strong", TODAY, "claude-sonnet-5-5", False),
        ("somebodys-own-model", TODAY, "somebodys-own-model", False),
    ],
)
def test_names_resolve_to_what_will_answer_that_day(name, day, model, warned):
    resolved = KNOWN.resolve(name, day)
    assert (resolved.model, bool(resolved.warnings), resolved.requested) == (model, warned, name)


def test_a_warning_names_the_day_and_the_successor():
    (warning,) = KNOWN.resolve("gemini-2.5-pro", TODAY).warnings
    assert "2026-12-01" in warning
    assert "gemini-3.8-flash" in warning


def test_the_file_is_whole():
    for model in KNOWN.models.values():
        assert model.provider in {name.value for name in ProviderName}
        assert model.tier in {"strong", "cheap", "free"}
        assert not model.successor or model.successor in KNOWN.models
        assert bool(model.successor) == bool(model.retires_on)
        assert model.context_tokens > model.output_tokens > 0
    assert len(KNOWN.aliases) == sum(len(m.aliases) for m in KNOWN.models.values())
    assert not KNOWN.aliases.keys() & KNOWN.models.keys()


def test_successors_never_lead_to_something_that_retires_earlier():
    for model in KNOWN.models.values():
        if model.retires_on:
            end = KNOWN.resolve(model.name, model.retires_on + timedelta(days=1)).entry
            assert end.retires_on is None or end.retires_on > model.retires_on


@pytest.mark.parametrize("name", sorted(KNOWN.models))
def test_every_model_of_the_catalogue_has_a_published_price(name):
    model = KNOWN.models[name]
    assert PriceBook().is_priced(model.provider, name, NOW)


def test_a_misspelt_model_is_unpriced_and_tells_how_to_give_a_price():
    with pytest.raises(CallFailure) as caught:
        PriceBook().price("anthropic", "claude-typo", Usage(input_tokens=1), NOW)
    assert caught.value.kind.value == "unpriced"
    assert "cost_tracking.prices" in caught.value.remedy


def test_prices_follow_the_day_of_the_call():
    later = datetime(2027, 1, 2, tzinfo=UTC)
    usage = Usage(input_tokens=1_000_000)
    assert PriceBook().price("google-ai-studio", "gemini-3.8-flash", usage, NOW) == nano(Decimal("0.75"))
    assert PriceBook().price("google-ai-studio", "gemini-3.8-flash", usage, later) == nano(Decimal("1.5"))


def test_cache_reads_and_writes_have_their_own_prices():
    book = PriceBook()
    million = {"input_tokens": 1_000_000}
    price = lambda **parts: book.price("anthropic", "claude-sonnet-5-5", Usage(**million, **parts), NOW)  # noqa: E731
    assert [
        price(),
        price(cache_read_tokens=1_000_000),
        price(cache_write_5m_tokens=1_000_000),
        price(cache_write_1h_tokens=1_000_000),
    ] == [nano(Decimal(x)) for x in ("2", "0.1", "2.5", "4")]


def test_the_worst_case_is_never_below_any_shape_of_the_same_size():
    book = PriceBook(overrides={"own": Price(input=Decimal(2), output=Decimal(3), cache_write=Decimal(9))})
    for model in ("own", "claude-sonnet-5-5", "claude-haiku-5-5"):
        worst = book.worst("anthropic", model, 150_000, 900, NOW)
        for read in (0, 75_000, 150_000):
            for written in (0, 150_000 - read):
                usage = Usage(
                    input_tokens=150_000, cache_read_tokens=read, cache_write_5m_tokens=written, output_tokens=900
                )
                assert book.price("anthropic", model, usage, NOW) <= worst


def test_the_list_price_of_a_free_model_is_that_of_its_paid_twin():
    usage = Usage(input_tokens=1000, output_tokens=1000)
    book = PriceBook()
    assert book.price("openrouter", "deepseek/deepseek-r1:free", usage, NOW) == 0
    assert (
        book.list_price("openrouter", "deepseek/deepseek-r1:free", usage, NOW)
        == book.price("openrouter", "deepseek/deepseek-r1", usage, NOW)
        > 0
    )
