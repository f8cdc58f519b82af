"""The measured baseline: drawn by name, on its own line, never part of the result."""

from decimal import Decimal

import pytest

from ledgers import NOW
from team import World, gate, script, tasks
from tta_orchestrate.domain.booking import settlement
from tta_orchestrate.domain.cost import NanoUsd
from tta_orchestrate.domain.cost_summary import document
from tta_orchestrate.domain.ledger import Envelope, Identity
from tta_orchestrate.domain.outcome import Outcome, conclude
from tta_orchestrate.domain.report import Report
from tta_orchestrate.domain.sampling import is_sampled
from tta_orchestrate.engine.sample import Sample
from tta_orchestrate.loopback.server import Loopback


@pytest.fixture(scope="module")
def server():
    with Loopback(script) as running:
        yield running


def measured(server, **tracking):
    server.reset(script)
    world = World(server.url)
    try:
        engine = world.engine(cost_tracking={"run_limit_usd": 5, **tracking})
        results = engine.execute(tasks(8), gate)
        return results, engine.cost()
    finally:
        world.close()


def test_at_rate_one_every_unit_is_also_done_alone_and_the_saving_is_measured_on_them(server):
    results, cost = measured(server, baseline_sample_rate=1)
    assert all(one.answer for one in results)
    alone = [call for call in cost.calls if call.stage == "baseline"]
    assert {call.unit for call in alone} == {f"unit-{n}" for n in range(8)}
    assert {call.role for call in alone} == {"orchestrator"}
    [baseline] = [one for one in cost.baselines if one.basis == "measured"]
    assert baseline.tasks == 8
    assert baseline.list_price == sum(call.list_price for call in alone)
    [row] = [row for row in document(cost)["baseline"] if row["basis"] == "measured"]
    work = sum(call.list_price for call in cost.calls if call.stage != "baseline")
    assert Decimal(row["savings_percent"]) == round((1 - Decimal(work) / baseline.list_price) * 100, 1)


def test_the_ledger_keeps_the_samples_cash_and_its_work_apart(server):
    _, cost = measured(server, baseline_sample_rate=0.5)
    envelope = Envelope(
        identity=Identity(run_id="1", attempt=1, job="j", repository="", mode="review"),
        amount=NanoUsd(0),
        day="2026-11-22",
        opened=NOW,
    )
    entry = settlement(envelope, Report(mode="review", verdict=conclude(Outcome.CLEAN), cost=cost), envelope.opened)
    alone = {call.unit: call for call in cost.calls if call.stage == "baseline"}
    assert 0 < len(alone) < 8
    assert entry.sample == sum(call.cash for call in alone.values())
    [share] = [one for one in entry.baselines if one.measured]
    assert share.tasks == len(alone)
    assert share.work == sum(call.list_price for call in cost.calls if call.unit in alone and call.stage != "baseline")


def test_without_a_rate_nothing_is_measured(server):
    _, cost = measured(server)
    assert not [call for call in cost.calls if call.stage == "baseline"]
    assert all(one.basis == "modelled" for one in cost.baselines)


def test_the_sample_stays_within_its_own_line(server):
    _, cost = measured(server, baseline_sample_rate=1, baseline_sample_limit_usd=0.0)
    assert not [call for call in cost.calls if call.stage == "baseline"]


def test_a_line_with_room_for_one_measures_one_and_failures_keep_their_worst_case():
    sample = Sample(Decimal(1), NanoUsd(10), "seed")
    sample.measure("a", NanoUsd(8), lambda: None)
    sample.measure("b", NanoUsd(3), lambda: (NanoUsd(1), NanoUsd(1)))
    assert sample.report("m") == ()
    sample.measure("c", NanoUsd(2), lambda: (NanoUsd(2), NanoUsd(5)))
    [only] = sample.report("m")
    assert (only.tasks, only.list_price) == (1, 5)


def test_the_share_is_drawn_at_random_by_name_and_stays():
    drawn = [n for n in range(4000) if is_sampled(f"run:{n}", Decimal("0.03"))]
    assert 70 < len(drawn) < 180
    assert drawn == [n for n in range(4000) if is_sampled(f"run:{n}", Decimal("0.03"))]
    assert not any(is_sampled(str(n), Decimal(0)) for n in range(100))
    assert all(is_sampled(str(n), Decimal(1)) for n in range(100))
