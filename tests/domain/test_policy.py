"""Policy decides what fails, what is silenced, and never silently."""

import json

import pytest

from tta_orchestrate.domain.baseline import entries_of, read_baseline, write_baseline
from tta_orchestrate.domain.finding import Category, Finding, Rejection, Severity
from tta_orchestrate.domain.policy import FailOn, PathRule, Policy, apply
from tta_orchestrate.errors import ConfigError


def finding(**changes):
    values = {
        "path": "shop/api.py",
        "start_line": 2,
        "end_line": 2,
        "quote": "run(cmd)",
        "rule": "ruff/S602",
        "category": Category.SECURITY,
        "severity": Severity.HIGH,
        "source": "ruff",
        "title": "shell",
        "message": "shell",
        "fingerprint": "f" * 32,
        "confidence": 0.9,
    }
    return Finding(**{**values, **changes})


def reason_for(policy, *, lines=("", "run(cmd)"), **changes):
    judged = apply(policy, [finding(**changes)], {"shop/api.py": lines})
    assert judged.findings == ()
    return judged.rejected[0].reason


@pytest.mark.parametrize(
    ("bar", "fails"),
    [
        (None, False),
        (FailOn(severity=Severity.HIGH), True),
        (FailOn(severity=Severity.CRITICAL), False),
        (FailOn(severity=Severity.LOW, categories=frozenset({Category.BUG})), False),
        (FailOn(severity=Severity.LOW, categories=frozenset({Category.BUG, Category.SECURITY})), True),
        (FailOn(severity=Severity.LOW, min_confidence=0.95), False),
    ],
)
def test_fail_on_needs_severity_category_and_confidence(bar, fails):
    assert apply(Policy(fail_on=bar), [finding()], {}).fail_on_met is fails


def test_a_path_rule_sets_another_bar_and_the_last_one_wins():
    lenient = PathRule(paths=("shop/",), fail_on=FailOn(severity=Severity.CRITICAL))
    strict = PathRule(paths=("*.py",), fail_on=FailOn(severity=Severity.LOW))
    assert not apply(Policy(fail_on=FailOn(), rules=(strict, lenient)), [finding()], {}).fail_on_met
    assert apply(Policy(rules=(lenient, strict)), [finding()], {}).fail_on_met


def test_a_path_rule_regrades_what_is_below_its_paths_only():
    policy = Policy(rules=(PathRule(paths=("shop/",), severity=Severity.LOW),))
    judged = apply(policy, [finding(), finding(path="other.py")], {})
    assert [f.severity for f in judged.findings] == [Severity.LOW, Severity.HIGH]


def test_what_is_silenced_is_listed_with_its_reason():
    assert reason_for(Policy(off=("ruff/*",))) is Rejection.RULE_OFF
    assert reason_for(Policy(rules=(PathRule(paths=("shop/",), off=("ruff/S602",)),))) is Rejection.RULE_OFF
    assert reason_for(Policy(baseline=frozenset({"f" * 32}))) is Rejection.BASELINE
    assert reason_for(Policy(min_severity=Severity.CRITICAL)) is Rejection.BELOW_BAR


@pytest.mark.parametrize(
    "lines",
    [
        ("", "run(cmd)  # tta: ignore[ruff/S602] the command is a constant"),
        ("# tta: ignore[ruff/S6*] the command is a constant", "run(cmd)"),
        ("", "run(cmd) /* tta: ignore[other, ruff/S602] the command is a constant */"),
    ],
)
def test_an_inline_comment_with_a_reason_silences_its_line(lines):
    judged = apply(Policy(), [finding()], {"shop/api.py": lines})
    assert judged.rejected[0].reason is Rejection.INLINE_IGNORE
    assert judged.rejected[0].detail == "the command is a constant"


@pytest.mark.parametrize(
    "lines",
    [
        ("", "run(cmd)  # tta: ignore[ruff/S602]"),
        ("", "run(cmd)  # tta: ignore[ruff/S1] wrong rule"),
        ("run(x)  # tta: ignore[ruff/S602] belongs to the line above", "run(cmd)"),
    ],
)
def test_an_inline_comment_without_reason_or_for_something_else_silences_nothing(lines):
    assert apply(Policy(), [finding()], {"shop/api.py": lines}).findings


def test_a_written_baseline_reads_back_and_keeps_older_entries():
    first = write_baseline([finding()])
    second = write_baseline([finding(fingerprint="e" * 32)], keep=entries_of(first.encode()))
    assert read_baseline(second.encode(), "baseline.json") == {"f" * 32, "e" * 32}


@pytest.mark.parametrize("data", [b"", b"[]", b"{}", b"\xff", b'{"schema_version": 1, "accepted": [1]}', b"[" * 99999])
def test_a_broken_baseline_is_a_clear_configuration_error(data):
    with pytest.raises(ConfigError, match=r"baseline\.json"):
        read_baseline(data, "baseline.json")


def test_a_baseline_of_another_version_is_refused():
    with pytest.raises(ConfigError, match="schema_version"):
        read_baseline(json.dumps({"schema_version": 2, "accepted": []}).encode(), "b")
