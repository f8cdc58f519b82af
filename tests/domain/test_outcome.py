"""The outcome table of the design, row by row."""

import pytest

from tta_orchestrate.domain.outcome import Conclusion, OnPartial, Outcome, Tally, conclude, decide


@pytest.mark.parametrize(
    ("planned", "done", "findings", "expected"),
    [
        (0, 0, 0, Outcome.SKIPPED),
        (3, 0, 0, Outcome.UNAVAILABLE),
        (3, 2, 0, Outcome.PARTIAL),
        (3, 2, 5, Outcome.PARTIAL),
        (3, 3, 0, Outcome.CLEAN),
        (3, 3, 1, Outcome.FINDINGS),
    ],
)
def test_outcome_follows_from_what_was_planned_done_and_found(planned, done, findings, expected):
    assert expected is decide(Tally(planned=planned, done=done, findings=findings))


def test_a_run_whose_budget_ended_after_the_local_checks_is_partial():
    assert decide(Tally(planned=2, done=0, begun=2, findings=0)) is Outcome.PARTIAL


@pytest.mark.parametrize("done", [-1, 4])
def test_a_tally_cannot_claim_more_than_was_planned(done):
    with pytest.raises(ValueError, match="within"):
        Tally(planned=3, done=done, findings=0)


@pytest.mark.parametrize(
    ("outcome", "fail_on_met", "on_partial", "conclusion", "code"),
    [
        (Outcome.CLEAN, False, OnPartial.NEUTRAL, Conclusion.SUCCESS, 0),
        (Outcome.FINDINGS, False, OnPartial.NEUTRAL, Conclusion.NEUTRAL, 0),
        (Outcome.FINDINGS, True, OnPartial.NEUTRAL, Conclusion.FAILURE, 1),
        (Outcome.PARTIAL, False, OnPartial.NEUTRAL, Conclusion.NEUTRAL, 0),
        (Outcome.PARTIAL, False, OnPartial.FAIL, Conclusion.FAILURE, 1),
        (Outcome.PARTIAL, True, OnPartial.NEUTRAL, Conclusion.FAILURE, 1),
        (Outcome.SKIPPED, False, OnPartial.FAIL, Conclusion.NEUTRAL, 0),
        (Outcome.UNAVAILABLE, False, OnPartial.NEUTRAL, Conclusion.ACTION_REQUIRED, 3),
        (Outcome.CONFIG_ERROR, False, OnPartial.NEUTRAL, Conclusion.FAILURE, 2),
    ],
)
def test_each_outcome_has_its_conclusion_and_exit_code(outcome, fail_on_met, on_partial, conclusion, code):
    verdict = conclude(outcome, fail_on_met=fail_on_met, on_partial=on_partial)
    assert (conclusion, code) == (verdict.conclusion, verdict.exit_code)


def test_only_clean_is_green():
    green = {outcome for outcome in Outcome if conclude(outcome).conclusion is Conclusion.SUCCESS}
    assert green == {Outcome.CLEAN}
