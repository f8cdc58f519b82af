# ruff: noqa: ARG001, ARG002, E501
"""Throughput of 2,000 calls, p99 latency 8 s, 10 % faults, 16 in flight, against the ideal; memory; tokens per diff token.

    python bench/throughput.py [--calls 2000] [--speed 25]

Time is scaled, not skipped: one second of the model is 1/speed seconds here, so the engine's own work counts *speed*
times heavier than in reality. Ideal: the sum of all latencies that were really served, divided by 16, nothing else.
"""

import argparse
import os
import platform
import random
import resource
import threading
import time
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

from tta_orchestrate.domain.cost import NanoUsd, Usage
from tta_orchestrate.engine.budget import Budget, Limit
from tta_orchestrate.engine.cache import NoCache
from tta_orchestrate.engine.call import Books, Caller, likely_tokens
from tta_orchestrate.engine.cascade import Cascade
from tta_orchestrate.engine.failures import Billing, CallFailure, FailureKind
from tta_orchestrate.engine.journal import NoJournal
from tta_orchestrate.engine.prices import Price, PriceBook
from tta_orchestrate.engine.redact import Redactor
from tta_orchestrate.engine.retry import Patience, RetryBudget, RetryPolicy
from tta_orchestrate.engine.routing import Candidate, Team
from tta_orchestrate.engine.scheduler import Rules, Scheduler
from tta_orchestrate.ports.model import FinishReason, GateResult, Prompt, Reply, Task

IN_FLIGHT = 16
WORKERS = 24  # who waits for a retry holds no place in flight
FAULTS = ("overloaded", "transient", "rate_limit", "cut_off", "empty")


class ScaledClock:
    """Real waiting, *speed* times faster than its own seconds."""

    def __init__(self, speed: float) -> None:
        self._speed, self._zero, self._start = speed, time.monotonic(), datetime.now(UTC)

    def monotonic(self) -> float:
        return (time.monotonic() - self._zero) * self._speed

    def now(self) -> datetime:
        return self._start + timedelta(seconds=self.monotonic())

    def wait(self, seconds: float, cancelled: threading.Event) -> None:
        cancelled.wait(seconds / self._speed)


class Model:
    """Log-normal latency with the 99th percentile at 8 s; one call in ten fails."""

    name = "bench"

    def __init__(self, clock: ScaledClock, hint: float | None) -> None:
        self.clock, self.hint, self.lock = clock, hint, threading.Lock()
        self.calls = self.faults = 0
        self.busy = 0.0

    def complete(self, model: str, prompt: Prompt, *, timeout: float) -> Reply:
        with self.lock:
            number = self.calls
            self.calls += 1
        chance = random.Random(number)
        latency = min(30.0, chance.lognormvariate(0.70, 0.59))
        self.clock.wait(latency, threading.Event())
        with self.lock:
            self.busy += latency
        if chance.random() < 0.10:
            kind = FailureKind(chance.choice(FAULTS))
            with self.lock:
                self.faults += 1
            raise CallFailure(
                kind, kind.value, billing=Billing.NOTHING, hint=self.hint if kind is FailureKind.RATE_LIMIT else None
            )
        usage = Usage(input_tokens=likely_tokens(prompt), output_tokens=200)
        return Reply(
            text='{"a": "x"}',
            finish_reason=FinishReason.STOP,
            usage=usage,
            raw_usage={},
            request_model=model,
            response_model=model,
        )

    def count_tokens(self, model: str, prompt: Prompt) -> int:
        return likely_tokens(prompt)

    def close(self) -> None:
        pass


def resident() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 2**20


def build(clock: ScaledClock, model: Model) -> Cascade:
    policy, gone = RetryPolicy(), threading.Event()
    caller = Caller(
        scheduler=Scheduler(clock, gone, {"bench": Rules(concurrency=IN_FLIGHT)}),
        budget=Budget([Limit(name="run", limit=NanoUsd(10**12))]),
        prices=PriceBook(overrides={"m": Price(input=Decimal(1), output=Decimal(5))}),
        cache=NoCache(),
        memory=NoJournal(),
        books=Books(),
        redactor=Redactor(["bench-key-0123456789"]),
        patience=Patience(
            policy=policy,
            budget=RetryBudget(policy),
            clock=clock,
            random=random.Random(1),
            deadline=1e9,
            cancelled=gone,
        ),
        catalogue="bench",
    )
    return Cascade(
        Team(executors=[Candidate(model="m", provider="bench", door=lambda: model, role="executor")]),
        caller,
        workers=WORKERS,
    )


def measure(tasks: list[Task], speed: float, hint: float | None) -> None:
    clock = ScaledClock(speed)
    model = Model(clock, hint)
    engine = build(clock, model)
    middle: list[float] = []

    def gate(task: Task, value: object) -> GateResult:
        if not middle and model.calls > len(tasks) // 2:
            middle.append(resident())
        return GateResult(accepted=True, score=1.0)

    before, start, cpu = resident(), clock.monotonic(), time.process_time()
    results = engine.execute(tasks, gate)
    took = clock.monotonic() - start
    ideal = model.busy / IN_FLIGHT
    done = sum(result.answer is not None for result in results)
    sent = engine.cost().usage.input_tokens
    asked = f"each 429 asks everybody to wait {hint:g} s" if hint else "429s without a hint"
    print(f"\n{asked}:")
    print(f"tasks {len(tasks)}, calls {model.calls}, faults {model.faults}, done {done}, accounted for {len(results)}")
    print(
        f"took {took:.0f} s of the model's time, ideal {ideal:.0f} s: {100 * ideal / took:.1f} % of the ideal throughput (speed {speed:g})"
    )
    print(f"engine's own CPU {1000 * (time.process_time() - cpu) / model.calls:.2f} ms per call")
    print(f"resident memory: start {before:.0f} MiB, half-way {middle[0] if middle else 0:.0f}, end {resident():.0f}")
    own = sum(likely_tokens(Prompt(system="", data=task.prompt.data)) for task in tasks)
    print(f"input tokens sent per diff token: {sent / own:.3f} (answered calls; prompt frame and schema included)")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, default=2000)
    parser.add_argument("--speed", type=float, default=25.0)
    given = parser.parse_args()
    schema = {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]}
    diff = "+ a changed line of code\n" * 160
    tasks = [
        Task(
            unit=f"u{n}",
            stage="execute",
            prompt=Prompt(system="Review.", context="", data=diff + str(n), schema=schema, max_output_tokens=500),
        )
        for n in range(given.calls)
    ]
    print(
        f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}, {datetime.now(UTC):%Y-%m-%d}"
    )
    for hint in (None, 2.0):
        measure(tasks, given.speed, hint)


if __name__ == "__main__":
    main()
