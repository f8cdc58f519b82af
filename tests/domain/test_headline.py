"""The verdict in words."""

import pytest

from tta_orchestrate.domain.headline import looked_at
from tta_orchestrate.domain.outcome import Outcome, conclude
from tta_orchestrate.domain.report import Coverage, Report

COVERAGE = Coverage(
    files_changed=2, files_reviewed=1, lines_changed=47, lines_reviewed=45, units_planned=3, units_done=2
)


@pytest.mark.parametrize(
    ("mode", "words"),
    [
        ("review", "1 of 2 changed files, 45 of 47 changed lines, 2 of 3 units"),
        ("test-gen", "1 of 2 files, tests run 45 of 47 lines, 2 of 3 units"),
        ("docgen", "1 of 2 files, 2 of 3 units"),
    ],
)
def test_each_mode_counts_in_its_own_words(mode, words):
    assert looked_at(Report(mode=mode, verdict=conclude(Outcome.PARTIAL), coverage=COVERAGE)) == words
