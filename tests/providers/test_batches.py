"""The batch APIs of two vendors: the real SDKs against a server that speaks their protocol."""

from datetime import UTC, datetime, timedelta

import pytest

from tta_orchestrate import registry
from tta_orchestrate.domain.cost import Usage
from tta_orchestrate.engine.failures import Billing, CallFailure, FailureKind
from tta_orchestrate.engine.prices import PriceBook
from tta_orchestrate.loopback.server import Loopback
from tta_orchestrate.ports.model import Access, BatchProvider, BatchRequest, FinishReason, Prompt

SCHEMA = {
    "type": "object",
    "properties": {"a": {"type": "string"}},
    "required": ["a"],
    "additionalProperties": False,
}
VENDORS = {"anthropic": "claude-haiku-5-5", "google-ai-studio": "gemini-3.8-flash", "openai": "gpt-5-mini"}


@pytest.fixture(scope="module")
def running():
    with Loopback() as server:
        yield server


@pytest.fixture
def server(running):
    running.reset(lambda question: {"a": question.text.partition("ask ")[2]})
    return running


@pytest.fixture(scope="module", params=VENDORS)
def vendor(request, running):
    is_openai = request.param == "openai"
    url = running.url + ("/openai/v1" if is_openai else "")
    provider = registry.load("providers", "openai-compatible" if is_openai else request.param)(
        Access(name=request.param, api_key="canary-0123456789", base_url=url, idle_seconds=5)
    )
    yield provider, VENDORS[request.param]
    provider.close()


def requests(number=3):
    return [
        BatchRequest(
            key=f"{index:032x}",
            prompt=Prompt(system="System.", context="Context.", data=f"ask {index}", schema=SCHEMA),
        )
        for index in range(number)
    ]


def test_answers_come_back_under_their_keys_in_whatever_order(server, vendor):
    provider, model = vendor
    assert isinstance(provider, BatchProvider)
    found = provider.collect_batch(provider.submit_batch(model, "tta-1", requests()))
    assert {key: reply.text for key, reply in found.replies.items()} == {
        f"{index:032x}": f'{{"a": "{index}"}}' for index in range(3)
    }
    assert {reply.finish_reason for reply in found.replies.values()} == {FinishReason.STOP}
    assert {reply.response_model for reply in found.replies.values()} == {model}
    asked = [seen.prompt for seen in server.log if seen.prompt]
    assert all("System." in prompt and "Context." in prompt for prompt in asked)


def test_our_half_price_of_each_answer_is_what_the_server_charged(server, vendor):
    provider, model = vendor
    found = provider.collect_batch(provider.submit_batch(model, "tta-1", requests()))
    prices, now = PriceBook(), datetime.now(UTC)
    half = sum(prices.price(provider.name, model, r.usage, now, batch=True) for r in found.replies.values())
    full = sum(prices.price(provider.name, model, r.usage, now) for r in found.replies.values())
    assert half == server.charged > 0
    assert abs(full - 2 * half) <= 2 * len(found.replies)


def test_a_batch_that_still_runs_has_no_answers_yet(server, vendor):
    provider, model = vendor
    server.batches.looks = 2
    batch = provider.submit_batch(model, "tta-1", requests())
    assert [provider.collect_batch(batch) is None for _ in range(3)] == [True, True, False]


def test_requests_that_failed_or_expired_cost_nothing_and_the_rest_is_there(server, vendor):
    provider, model = vendor
    server.batches.ends = ["errored", "succeeded", "expired"].__getitem__
    found = provider.collect_batch(provider.submit_batch(model, "tta-1", requests()))
    assert list(found.replies) == [f"{1:032x}"]
    kinds = {key: (one.kind, one.billing) for key, one in found.failures.items()}
    assert kinds == {
        f"{0:032x}": (FailureKind.BAD_REQUEST, Billing.NOTHING),
        f"{2:032x}": (FailureKind.EXPIRED, Billing.NOTHING),
    }


def test_a_batch_that_expired_as_a_whole_is_told_as_such(server, vendor):
    provider, model = vendor
    server.batches.ends = lambda index: "expired"
    found = provider.collect_batch(provider.submit_batch(model, "tta-1", requests()))
    assert not found.replies
    ends = list(found.failures.values()) or [found.rest]
    assert {one.kind for one in ends} == {FailureKind.EXPIRED}


def test_an_unknown_batch_is_told_from_one_that_runs(server, vendor):
    provider, _ = vendor
    with pytest.raises(CallFailure) as caught:
        provider.collect_batch({"anthropic": "msgbatch_99", "openai": "batch_99"}.get(provider.name, "batches/b_99"))
    assert caught.value.kind is FailureKind.NO_SUCH_BATCH


def test_a_batch_whose_id_got_lost_is_found_again(server, vendor):
    provider, model = vendor
    since = datetime.now(UTC) - timedelta(minutes=5)
    server.loses_batch_replies = True
    with pytest.raises(CallFailure) as caught:
        provider.submit_batch(model, "tta-lost", requests())
    assert caught.value.billing is Billing.UNKNOWN
    server.loses_batch_replies = False
    provider.submit_batch(model, "tta-other", requests(2))
    keys = frozenset(one.key for one in requests())
    found = provider.find_batch("tta-lost", keys, since)
    assert len(provider.collect_batch(found).replies) == 3
    assert provider.find_batch("tta-none", frozenset({"f" * 32}), since) is None
    assert provider.find_batch("tta-lost", keys, datetime.now(UTC) + timedelta(minutes=5)) is None


def test_a_request_is_priced_the_same_whether_it_was_streamed_or_not(server, vendor):
    provider, model = vendor
    streamed = provider.complete(model, requests(1)[0].prompt, timeout=20)
    batched = provider.collect_batch(provider.submit_batch(model, "tta-1", requests(1))).replies[f"{0:032x}"]
    assert batched.usage == streamed.usage != Usage()
