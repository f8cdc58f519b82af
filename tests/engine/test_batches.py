"""The waiting room between two runs, and the money of what came out of it."""

from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import team
from tta_orchestrate.domain.batch import BatchItem, BatchRecord
from tta_orchestrate.domain.cost import NanoUsd, Usage
from tta_orchestrate.engine.batches import Teller, WaitingRoom
from tta_orchestrate.engine.failures import Billing, CallFailure, FailureKind
from tta_orchestrate.engine.prices import Price, PriceBook
from tta_orchestrate.ports.model import BatchAnswers, FinishReason, Reply

AT = datetime(2026, 11, 22, 12, tzinfo=UTC)
MODEL = "claude-haiku-5-5"
PRICES = PriceBook()
TELLER = Teller(prices=PRICES, redact=lambda text: text.replace("sk-secret", "***"))
ROOM_TOKENS, ROOM_OUTPUT = 5_000, 800
WORST = PRICES.worst("anthropic", MODEL, ROOM_TOKENS, ROOM_OUTPUT, AT, batch=True)

usages = st.builds(
    lambda fresh, read, written, out: Usage(
        input_tokens=fresh + read + written,
        cache_read_tokens=read,
        cache_write_5m_tokens=written,
        output_tokens=out,
    ),
    st.integers(1, 2_000),
    st.integers(0, 1_500),
    st.integers(0, 1_500),
    st.integers(1, ROOM_OUTPUT),
)
failures = st.builds(
    lambda kind, billing: CallFailure(kind, "scripted", billing=billing),
    st.sampled_from([FailureKind.EXPIRED, FailureKind.BAD_REQUEST, FailureKind.CANCELLED, FailureKind.TRANSIENT]),
    st.sampled_from([Billing.NOTHING, Billing.UNKNOWN]),
)
outcomes = st.one_of(st.none(), failures, st.tuples(st.sampled_from(FinishReason), st.one_of(usages, st.just(Usage()))))


def reply(finish=FinishReason.STOP, usage=None, text='{"a": 1}'):
    return Reply(
        text=text,
        finish_reason=finish,
        usage=usage or Usage(input_tokens=10, output_tokens=5),
        raw_usage={},
        request_model=MODEL,
        response_model=MODEL,
    )


def batch(number, worst=WORST):
    items = tuple(BatchItem(key=f"{index:032x}", worst=NanoUsd(worst)) for index in range(number))
    return BatchRecord(name="tta-1", provider="anthropic", model=MODEL, items=items, id="b")


def arrived(*ends):
    record = batch(len(ends))
    pairs = list(zip(record.items, ends, strict=True))
    answers = BatchAnswers(
        replies={item.key: reply(*end) for item, end in pairs if isinstance(end, tuple)},
        failures={item.key: end for item, end in pairs if isinstance(end, CallFailure)},
    )
    return TELLER.arrived(record, answers, AT)


@settings(max_examples=80, deadline=None)
@given(st.lists(outcomes, min_size=1, max_size=8))
def test_whatever_comes_back_is_never_more_than_was_set_aside(ends):
    found = arrived(*ends)
    assert len(found) == len(ends)
    assert all(0 <= one.call.cash <= WORST for one in found)
    for one, end in zip(found, ends, strict=True):
        if end is None or (isinstance(end, CallFailure) and end.billing is Billing.UNKNOWN):
            assert one.call.cash == WORST, "nobody can tell: the reservation"
        elif isinstance(end, CallFailure):
            assert one.call.cash == 0
        elif end[1] != Usage():
            assert one.call.cash == PRICES.price("anthropic", MODEL, end[1], AT, batch=True)
        else:
            assert one.call.cash == WORST


@settings(max_examples=60, deadline=None)
@given(usages)
def test_a_batch_price_is_half_the_full_one_to_the_nano_dollar(usage):
    half = PRICES.price("anthropic", MODEL, usage, AT, batch=True)
    full = PRICES.price("anthropic", MODEL, usage, AT)
    assert abs(2 * half - full) <= 1


def test_where_no_batch_price_is_known_the_full_one_is_booked():
    own = PriceBook(overrides={"mine": Price(input=1, output=2)})
    usage = Usage(input_tokens=1_000, output_tokens=1_000)
    assert own.price("anthropic", "mine", usage, AT, batch=True) == own.price("anthropic", "mine", usage, AT) > 0
    assert own.basis("anthropic", "mine", AT) == "batch-full"
    assert PRICES.basis("groq", "llama-3.3-70b-versatile", AT) == "batch-full"
    assert PRICES.basis("anthropic", MODEL, AT) == "batch"
    with pytest.raises(CallFailure):
        PRICES.basis("anthropic", "claude-nobody-9", AT)


def test_an_answer_is_taken_once_and_the_rest_is_told():
    room = WaitingRoom(arrived((FinishReason.STOP,), (FinishReason.STOP,)))
    assert room.take("0" * 32 + "the rest of the digest").reply.text == '{"a": 1}'
    assert room.take("0" * 32) is None
    assert [call.outcome for call in room.unused()] == ["unused"]
    assert room.is_used


def test_what_expired_is_asked_again_and_what_was_refused_is_not():
    room = WaitingRoom(
        arrived(
            CallFailure(FailureKind.EXPIRED, "", billing=Billing.NOTHING),
            CallFailure(FailureKind.BAD_REQUEST, "", billing=Billing.NOTHING),
        )
    )
    assert room.take(f"{0:032x}") is None
    assert room.take(f"{1:032x}").failure is FailureKind.BAD_REQUEST
    assert [call.outcome for call in room.unused()] == ["expired"]


def test_a_secret_in_an_answer_is_gone_before_anybody_sees_it():
    (one,) = TELLER.arrived(batch(1), BatchAnswers(replies={f"{0:032x}": reply(text="it is sk-secret")}), AT)
    assert one.reply.text == "it is ***"


def left_by(world, room, number, **changes):
    engine = world.engine(room=room, executors=[HAIKU | {"base_url": world.url}], **changes)
    return engine, engine.execute(team.tasks(number), team.gate)


HAIKU = {"model": MODEL, "provider": "anthropic", "api_key_env": "ANTHROPIC_API_KEY"}


@pytest.mark.parametrize("limit", ["0.0001", "0.0005", "0.001", "1"])
def test_what_is_left_for_a_batch_fits_the_budget_and_nothing_is_asked(world, server, limit):
    room = WaitingRoom(sends=True)
    engine, results = left_by(world, room, 6, cost_tracking={"run_limit_usd": limit})
    assert server.requests == 0
    waiting = [result for result in results if result.failure == "batched"]
    assert len(waiting) == len(room.left)
    assert {r.failure for r in results} <= {"batched", "over_budget"}
    assert sum(one.worst for one in room.left) <= float(limit) * 10**9
    assert engine.cost().budgets[0].settled == sum(one.worst for one in room.left)


def test_the_same_question_twice_is_left_once(world):
    room = WaitingRoom(sends=True)
    engine, _ = left_by(world, room, 2)
    engine.execute(team.tasks(2), team.gate)
    assert len(room.left) == 2


def test_a_question_whose_batch_is_open_is_neither_asked_nor_left(world, server):
    first = WaitingRoom(sends=True)
    left_by(world, first, 2)
    second = WaitingRoom(waiting={one.request.key: "it is in a batch" for one in first.left}, sends=False)
    _, results = left_by(world, second, 2)
    assert server.requests == 0
    assert {(result.failure, result.reason) for result in results} == {("batched", "it is in a batch")}
    assert len(second.waited_for) == 2


def test_judging_never_waits(world, server):
    room = WaitingRoom(sends=True)
    engine = world.engine(room=room)
    results = engine.judge(team.tasks(1), team.gate)
    assert results[0].answer is not None
    assert server.requests == 1
    assert room.left == ()
