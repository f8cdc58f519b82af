from dataclasses import replace

import pytest

from oracles import page
from samples import EVERYTHING, HEAD, OUTCOMES, finding, hostile
from tta_orchestrate.domain.finding import Severity
from tta_orchestrate.domain.outcome import Outcome
from tta_orchestrate.domain.report import Skipped, SkipReason
from tta_orchestrate.sinks.summary_md import summary


def first_line(report):
    return summary(report).splitlines()[0]


@pytest.mark.parametrize(
    ("outcome", "words"),
    [
        (Outcome.CLEAN, "## ✅ Review · Clean: 8 of 8 planned units done, nothing found."),
        (Outcome.FINDINGS, "## 🔎 Review · 4 findings: 1 critical, 1 high, 1 medium, 1 low. Advisory."),
        (Outcome.PARTIAL, "## 🟡 Review · Partial: only 7 of 8 planned units done; 1 finding: 1 high so far."),
        (Outcome.SKIPPED, "## ⚪ Review · Nothing to do: 3 changed files, all left out"),
        (Outcome.UNAVAILABLE, "## 🟠 Review · Not done: none of 8 planned units could be done."),
        (Outcome.CONFIG_ERROR, "## 🛑 Review · Not started: the configuration or the inputs are wrong."),
    ],
)
def test_the_verdict_comes_first_and_is_its_own(outcome, words):
    assert first_line(OUTCOMES[outcome]).replace("\\", "").startswith(words)


def test_no_model_no_claim():
    assert "local checks only, no model has read this change" in summary(OUTCOMES[Outcome.CLEAN])
    assert "no model has read" not in summary(EVERYTHING)
    assert "every model call failed" in summary(OUTCOMES[Outcome.UNAVAILABLE])


def test_what_was_not_done_is_named():
    text = summary(OUTCOMES[Outcome.PARTIAL])
    assert "### Not done (1)" in text
    assert "`shop/big.py`" in text
    assert "the quota of the day is used up" in text


def test_the_worst_finding_stands_first():
    text = summary(EVERYTHING)
    assert (
        text.index("AWS access key")
        < text.index("A shell runs")
        < text.index("loop variable")
        < text.index("last check")
    )


def test_a_place_is_a_link_only_when_the_server_is_known():
    assert f"https://github.com/acme/shop/blob/{HEAD}/shop/cart.py#L12" in summary(EVERYTHING)
    assert "https://" not in summary(OUTCOMES[Outcome.FINDINGS])


@pytest.mark.parametrize("budget", [8_000, 20_000, 65_000, 900_000])
@pytest.mark.parametrize("report", [hostile(), EVERYTHING], ids=["hostile", "everything"])
def test_the_byte_budget_holds_and_everything_is_closed(report, budget):
    text = summary(report, budget)
    assert len(text.encode()) <= budget
    tags = page(text)
    assert (tags.open, tags.stray) == ([], [])


def test_what_does_not_fit_is_counted():
    many = tuple(finding(start_line=n, end_line=n, severity=Severity.LOW) for n in range(1, 3001))
    skipped = tuple(Skipped(path=f"f{n}.lock", reason=SkipReason.LOCK_FILE) for n in range(3000))
    text = summary(replace(EVERYTHING, findings=many, skipped=skipped), 60_000)
    shown = text.count("### 🔵")
    assert 20 < shown < 3000
    assert f"**{3000 - shown:,} more in `findings.json`.**" in text
    assert "more in findings.json | | |" in text
    assert text.rstrip().endswith("`cost-report.md`.")
