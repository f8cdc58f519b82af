"""Believable books: some months of runs of three modes, seeded."""

from datetime import UTC, datetime, timedelta
from random import Random

from tta_orchestrate.domain.cost import NanoUsd, Usage
from tta_orchestrate.domain.ledger import BaselineShare, Entry, ModelShare, Phase, Quality

MODELS = (("gemini-3.8-flash", 0), ("claude-haiku-5-5", 1), ("claude-sonnet-5-5", 8))


def entries(months: list[str], runs: int, seed: int = 8, last_day: int = 28):
    """Yield the reserve and the settle entry of each run."""
    random = Random(seed)
    for month in months:
        for number in range(runs):
            day = f"{month}-{1 + number * last_day // runs:02}"
            at = datetime.fromisoformat(day).replace(tzinfo=UTC) + timedelta(seconds=random.randrange(80_000))
            yield from _run(f"{month}{number:05}", day, at, random)


def _run(run_id: str, day: str, at: datetime, random: Random):
    mode = random.choice(("review", "review", "review", "test-gen", "docgen"))
    who = {"run_id": run_id, "attempt": 1, "job": f"ci:{mode}", "repository": "acme/shop", "mode": mode, "day": day}
    yield Entry(phase=Phase.RESERVE, at=at, cash=NanoUsd(10**9), expires=at + timedelta(hours=1), **who)
    if not random.randrange(400):
        return
    shares = []
    for name, weight in MODELS:
        calls = random.randrange(1, 9)
        listed = calls * (weight + 1) * random.randrange(500_000, 2_000_000)
        shares.append(
            ModelShare(
                model=name,
                calls=calls,
                errors=int(random.random() < 0.1),
                cash=NanoUsd(listed if weight else 0),
                list_price=NanoUsd(listed),
                usage=Usage(input_tokens=calls * 2000, cache_read_tokens=calls * 500, output_tokens=calls * 400),
            )
        )
    units = random.randrange(3, 30)
    passed = sum(random.random() < 0.88 for _ in range(units))
    listed = sum(share.list_price for share in shares)
    baseline = BaselineShare(
        name="claude-sonnet-5-5 alone, single pass",
        measured=False,
        list_price=NanoUsd(listed * random.randrange(2, 5)),
        work=NanoUsd(listed),
        tasks=units,
    )
    sampled = random.random() < 0.03
    measured = BaselineShare(
        name="claude-sonnet-5-5 alone, measured",
        measured=True,
        list_price=NanoUsd(listed * random.randrange(1, 6) // units),
        work=NanoUsd(listed // units),
        tasks=1,
    )
    yield Entry(
        phase=Phase.SETTLE,
        at=at + timedelta(minutes=4),
        cash=NanoUsd(sum(share.cash for share in shares)),
        list_price=NanoUsd(listed),
        usage=sum((share.usage for share in shares), Usage()),
        by_model=tuple(shares),
        calls=sum(share.calls for share in shares),
        errors=sum(share.errors for share in shares),
        price_data="genai-prices 0.2.3",
        baselines=(baseline, measured) if sampled else (baseline,),
        quality=Quality(
            planned=units,
            done=units - int(random.random() < 0.05),
            gated=units,
            passed=passed,
            escalated=(units - passed) // 2,
            judged=units // 3,
            judge_ppm=units // 3 * random.randrange(820_000, 980_000),
            findings=random.randrange(0, 9),
            accepted=random.randrange(0, 4),
            dismissed=random.randrange(0, 2),
        ),
        outcome=random.choice(("clean", "findings", "findings", "partial")),
        **who,
    )
