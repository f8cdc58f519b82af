"""The part of the summary that tells what test generation did."""

from dataclasses import replace

import samples
from tta_orchestrate.domain.generated_tests import section


def target(**changes):
    lines = {"covered": 1, "total": 4}
    figures = {"killed": 2, "total": 5, "not_run": 0}
    return {
        "path": "src/shop.py", "kept": [], "dropped": [], "dropped_by_gate": {}, "questions": [], "notes": [],
        "coverage": {"before": {"lines": lines, "branches": lines}, "after": {"lines": lines, "branches": lines}},
        "mutation": {"before": figures, "after": figures}, **changes,
    }  # fmt: skip


def told(*targets, room=100_000):
    return section(replace(samples.hostile(), extra={"targets": list(targets)}), room)


def kept(name, label=""):
    return {"test": f"tests/test_shop.py::{name}", "gains": 1, "kills": 1, "label": label}


def test_nothing_tried_is_nothing_told():
    assert told() == ""


def test_what_proves_a_change_is_counted_and_named_first():
    text = told(target(kept=[kept("test_guard", "regression-guard"), kept("test_proof", "change-proving")]))
    assert "| 2, 1 change-proving |" in text
    assert text.index("`test_proof` | change-proving") < text.index("`test_guard` | regression-guard")


def test_without_a_base_there_is_no_table_of_labels():
    assert "On the base revision" not in told(target(kept=[kept("test_price")]))


def test_mutants_that_were_not_run_are_said():
    figures = {"killed": 2, "total": 5, "not_run": 3}
    assert "2 → 2 of 5, 3 not run" in told(target(mutation={"before": figures, "after": figures}))


def test_notes_reach_the_reader():
    assert "### Noted" in told(target(notes=["left out: test_connection"]))


def test_text_of_the_repository_is_escaped():
    text = told(target(path="a|b`.py", notes=["<img src=x> [a](b)"], questions=["::error::@everyone"]))
    assert "<img" not in text
    assert "[a](b)" not in text


def test_what_does_not_fit_is_left_to_the_file():
    text = told(target(notes=["n" * 300], questions=["q" * 300] * 40), room=2_000)
    assert text.endswith("More in `findings.json`.")
