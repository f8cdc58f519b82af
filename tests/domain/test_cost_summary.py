from dataclasses import replace
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from samples import COST, call
from tta_orchestrate.domain.cost import Baseline, CostReport, NanoUsd
from tta_orchestrate.domain.cost_summary import document, savings

CALLS = st.lists(
    st.builds(
        lambda model, role, stage, cash, price, outcome, attempt: call(
            response_model=model,
            role=role,
            stage=stage,
            cash=NanoUsd(cash),
            list_price=NanoUsd(price),
            outcome=outcome,
            attempt=attempt,
        ),
        st.sampled_from(["a", "b", ""]),
        st.sampled_from(["executor", "orchestrator"]),
        st.sampled_from(["execute", "judge", "baseline"]),
        st.integers(0, 10**13),
        st.integers(0, 10**13),
        st.sampled_from(["ok", "refusal"]),
        st.integers(1, 3),
    ),
    max_size=8,
)


def baseline(nano, **changes):
    return Baseline(**{"name": "alone", "basis": "modelled", "list_price": NanoUsd(nano), "tasks": 3, **changes})


def test_without_calls_nothing_is_spent_and_nothing_is_saved():
    empty = document(CostReport(baselines=(baseline(5),)))
    assert (empty["totals"]["cash_usd"], empty["totals"]["list_usd"]) == ("0.00", "0.00")
    assert empty["savings"]["percent"] is None
    assert empty["savings"]["explanation"] == "no model was called; nothing to compare"
    assert empty["baseline"][0]["savings_percent"] is None


@pytest.mark.parametrize(
    ("spent", "other", "percent"),
    [
        (200, 1000, "80.0"),
        (1160, 1000, "-16.0"),
        (1000, 1000, "0.0"),
        (1, 3, "66.7"),
        (0, 7, "100.0"),
        (10004, 10000, "0.0"),
    ],
)
def test_a_saving_is_a_ratio_of_sums_and_a_loss_stays(spent, other, percent):
    cost = CostReport(calls=(call(list_price=NanoUsd(spent)),), baselines=(baseline(other),))
    stated = savings(cost)
    assert (stated["percent"], stated["basis"], stated["n"]) == (percent.replace("-0.0", "0.0"), "modelled", 3)


@pytest.mark.parametrize("baselines", [(), (baseline(0),)])
def test_without_a_baseline_nothing_is_claimed(baselines):
    stated = savings(replace(COST, baselines=baselines))
    assert stated["percent"] is None
    assert "baseline" in stated["explanation"]


def test_calls_that_measure_the_baseline_are_paid_but_not_compared():
    work, sample = call(list_price=NanoUsd(100)), call(list_price=NanoUsd(900), stage="baseline")
    cost = CostReport(calls=(work, sample), baselines=(baseline(1000, basis="measured", interval=("85.0", "95.0")),))
    assert savings(cost)["percent"] == "90.0"
    assert savings(cost)["interval"] == ["85.0", "95.0"]
    assert document(cost)["totals"]["list_usd"] == "0.000001"


@given(calls=CALLS)
def test_every_grouping_adds_up_to_the_totals(calls):
    cost = document(CostReport(calls=tuple(calls)))
    for group in ("by_model", "by_stage", "by_role"):
        for key in cost["totals"]:
            assert sum(Decimal(str(one[key])) for one in cost[group]) == Decimal(str(cost["totals"][key]))
    failed = sum(Fraction(one.cash, 10**9) for one in calls if one.outcome != "ok")
    assert failed == Fraction(cost["waste"]["failed"]["cash_usd"])
