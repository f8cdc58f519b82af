"""Nothing that a model makes up is published, nothing true is lost with it."""

import pytest

from fabrications import AFTER, BEFORE, CASES, TRUE, main, run
from reviews import reviewed
from scripted import ScriptedEngine, claim, keeping_judge
from tta_orchestrate.domain.outcome import Outcome


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_fabricated_claims_are_not_published_and_true_ones_are(case):
    result = run(case)
    assert result.fabricated == 0
    assert result.kept == len(TRUE)
    assert result.most_calls_a_shard <= 2


def test_every_refused_claim_is_listed_with_its_reason():
    case = next(one for one in CASES if one.name == "file not in the change")
    engine = ScriptedEngine(reader=lambda _task, _message: {"findings": [*TRUE, *case.added]}, judge_=keeping_judge)
    report = reviewed(BEFORE, AFTER, engine=engine)
    assert [(one.reason, one.candidate.path) for one in report.rejected] == [("not-in-change", "shop/other.py")]


def test_a_model_that_only_makes_things_up_has_not_reviewed_anything():
    lies = [claim("shop/cart.py", 7, "eval(input())"), claim("nowhere.py", 1, "x")]
    engine = ScriptedEngine(reader=lambda _task, _message: {"findings": lies}, judge_=keeping_judge)
    report = reviewed(BEFORE, AFTER, engine=engine)
    assert report.verdict.outcome is Outcome.UNAVAILABLE
    assert report.findings == ()
    assert len(engine.calls) == 2
    assert {one.reason.value for one in report.rejected} == {"quote-absent", "not-in-change"}


def test_a_model_that_answers_in_prose_costs_two_calls_and_is_never_a_clean_review():
    engine = ScriptedEngine(reader=lambda _task, _message: "Looks good to me!")
    report = reviewed(BEFORE, AFTER, engine=engine)
    assert len(engine.calls) == 2
    assert report.verdict.outcome is Outcome.UNAVAILABLE
    assert {one.path for one in report.failures} == set(AFTER) - {"shop/old_name.py"}


def test_the_table_says_that_the_gate_held(capsys):
    assert main() == 0
    assert "published fabrications: 0; true findings kept: 100 %" in capsys.readouterr().out
