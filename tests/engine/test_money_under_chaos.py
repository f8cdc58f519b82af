"""The whole engine under random schedules: concurrent calls, faults, cancellation, late answers, tight limits.

The provider here is in-process and keeps its own books, so that thousands of calls take seconds.
"""

import random
import threading
from collections import Counter
from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from team import START, gate, tasks, unit_of
from tta_orchestrate.domain.cost import NanoUsd, Usage
from tta_orchestrate.engine.budget import Budget, Limit
from tta_orchestrate.engine.cache import NoCache
from tta_orchestrate.engine.call import Books, Caller, likely_tokens
from tta_orchestrate.engine.cascade import Cascade
from tta_orchestrate.engine.clock import VirtualClock
from tta_orchestrate.engine.failures import Billing, CallFailure, FailureKind
from tta_orchestrate.engine.journal import NoJournal
from tta_orchestrate.engine.prices import Price, PriceBook
from tta_orchestrate.engine.redact import Redactor
from tta_orchestrate.engine.retry import Patience, RetryBudget, RetryPolicy
from tta_orchestrate.engine.routing import Candidate, Team
from tta_orchestrate.engine.scheduler import Scheduler
from tta_orchestrate.loopback.question import Question
from tta_orchestrate.ports.model import FinishReason, Reply

PRICE = Price(input=Decimal(1), output=Decimal(5))
ENDS = [
    "ok",
    "ok",
    "ok",
    "ok",
    "rate_limit",
    "transient",
    "timeout",
    "refusal",
    "truncated",
    "empty",
    "wrong",
    "auth",
    "late",
]


class Vendor:
    """Answers by a seeded dice, and counts what it bills."""

    name = "vendor"

    def __init__(self, seed, ends, watch, cancel_at, gone):
        self.seed, self.ends, self.watch, self.cancel_at, self.gone = seed, ends, watch, cancel_at, gone
        self.lock = threading.Lock()
        self.calls = self.billed = 0

    def complete(self, model, prompt, *, timeout):
        with self.lock:
            number = self.calls
            self.calls += 1
        self.watch()
        if number == self.cancel_at:
            self.gone.set()
        end = random.Random(f"{self.seed} {number}").choice(self.ends)
        usage = Usage(
            input_tokens=likely_tokens(prompt), output_tokens=random.Random(number).randint(1, prompt.max_output_tokens)
        )
        if end in ("rate_limit", "auth"):
            raise CallFailure(FailureKind(end), end, billing=Billing.NOTHING)
        with self.lock:
            self.billed += round(PRICE.of(usage) * 10**9)
        if end in ("transient", "timeout"):  # billed, and nobody is told how much
            raise CallFailure(FailureKind(end), end, billing=Billing.UNKNOWN)
        if end == "late":
            self.gone.wait(0.01)
        question = Question(
            vendor="x", model=model, system="", parts=(prompt.data,), max_tokens=1, schema={}, stream=False
        )
        text = "{}" if end == "wrong" else f'{{"unit": "{unit_of(question)}", "result": "done"}}'
        reasons = {"refusal": FinishReason.REFUSAL, "truncated": FinishReason.LENGTH, "empty": FinishReason.EMPTY}
        return Reply(
            text=text,
            finish_reason=reasons.get(end, FinishReason.STOP),
            usage=usage,
            raw_usage={},
            request_model=model,
            response_model=model,
        )

    def count_tokens(self, model, prompt):
        return likely_tokens(prompt)

    def close(self):
        pass


def build(limit, seed, ends, cancel_at=None):
    clock, gone = VirtualClock(START), threading.Event()
    budget = Budget([Limit(name="run", limit=NanoUsd(limit))])
    over = []

    def watch():
        with budget._changed:
            if budget._settled + budget._reserved > limit:
                over.append((budget._settled, budget._reserved))

    vendor = Vendor(seed, ends, watch, cancel_at, gone)
    policy = RetryPolicy()
    caller = Caller(
        scheduler=Scheduler(clock, gone, {}),
        budget=budget,
        prices=PriceBook(overrides={"a": PRICE, "b": PRICE, "strong": PRICE}),
        cache=NoCache(),
        memory=NoJournal(),
        books=Books(),
        redactor=Redactor(),
        patience=Patience(
            policy=policy,
            budget=RetryBudget(policy),
            clock=clock,
            random=random.Random(seed),
            deadline=600.0,
            cancelled=gone,
        ),
        catalogue="test",
    )
    team = Team(
        executors=[
            Candidate(model=name, provider=f"p-{name}", door=lambda: vendor, role="executor") for name in ("a", "b")
        ],
        orchestrator=Candidate(model="strong", provider="p-strong", door=lambda: vendor, role="orchestrator"),
    )
    return Cascade(team, caller, workers=6), vendor, budget, over


@settings(max_examples=60, deadline=None)
@given(
    limit=st.integers(0, 60_000_000),
    seed=st.integers(0, 10**6),
    ends=st.lists(st.sampled_from(ENDS), min_size=1, max_size=8),
    cancel_at=st.none() | st.integers(0, 20),
)
def test_under_any_order_of_events_the_limit_holds_and_the_ledger_covers_what_was_billed(limit, seed, ends, cancel_at):
    engine, vendor, budget, over = build(limit, seed, ends, cancel_at)
    work = tasks(10)
    results = engine.execute(work, gate)
    cost = engine.cost()
    assert over == []
    assert budget.settled + budget.reserved <= limit
    assert vendor.billed <= limit
    assert all(
        result.answer in (None, {"unit": task.unit, "result": "done"})
        for task, result in zip(work, results, strict=True)
    )
    assert all(result.answer or result.reason for result in results)
    if cancel_at is None:
        assert budget.reserved == 0
        assert budget.settled == cost.cash >= vendor.billed
        assert len(cost.calls) == vendor.calls
        unknown = Counter(call.outcome for call in cost.calls)
        if not (unknown["transient"] or unknown["timeout"]):
            assert cost.cash == vendor.billed


def test_the_vendor_of_this_test_can_overrun_when_nobody_reserves():
    """The property above can fail: without reservations the same vendor bills past the limit."""
    engine, vendor, budget, _ = build(1_000_000, 1, ["ok"])
    budget.reserve = lambda worst, cancelled=None, **_: Budget([]).reserve(NanoUsd(0))
    engine.execute(tasks(10), gate)
    assert vendor.billed > 1_000_000
