"""From a finding to an annotation that GitHub takes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tta_orchestrate.domain.annotation import Level, annotation, annotations, worst_first
from tta_orchestrate.domain.change import Side
from tta_orchestrate.domain.finding import Category, Finding, Severity, Suggestion


def finding(**changes):
    base = {
        "path": "a.py", "start_line": 3, "end_line": 4, "quote": "q", "rule": "r/1", "category": Category.BUG,
        "severity": Severity.LOW, "source": "s", "title": "T", "message": "M", "fingerprint": "0" * 32,
    }  # fmt: skip
    return Finding(**base | changes)


@pytest.mark.parametrize(
    ("severity", "level"),
    [
        (Severity.CRITICAL, Level.FAILURE),
        (Severity.HIGH, Level.FAILURE),
        (Severity.MEDIUM, Level.WARNING),
        (Severity.LOW, Level.NOTICE),
    ],
)
def test_the_level_follows_the_severity(severity, level):
    assert annotation(finding(severity=severity)).level is level


def test_the_worst_come_first_and_equals_keep_their_order():
    severities = [Severity.LOW, Severity.HIGH, Severity.MEDIUM, Severity.HIGH]
    items = annotations(finding(severity=severity, title=str(n)) for n, severity in enumerate(severities))
    assert [item.title[0] for item in worst_first(items)] == ["1", "3", "2", "0"]


def test_a_removed_line_is_said_to_be_one():
    assert annotation(finding(side=Side.LEFT)).title == "removed line: T (r/1)"


def test_a_suggestion_is_shown_below():
    assert (
        annotation(finding(suggestion=Suggestion(start_line=3, end_line=4, text="x\ny"))).raw_details
        == "Suggestion:\nx\ny"
    )


@given(
    path=st.text(min_size=1),
    title=st.text(),
    message=st.text(),
    start=st.integers(-5, 9),
    end=st.integers(-5, 9),
    text=st.text(),
)
def test_whatever_a_finding_holds_the_annotation_is_within_the_limits(path, title, message, start, end, text):
    suggestion = Suggestion(start_line=1, end_line=1, text=text * 1000)
    item = annotation(
        finding(path=path, title=title, message=message * 50, start_line=start, end_line=end, suggestion=suggestion)
    )
    assert 1 <= item.start_line <= item.end_line
    assert len(item.title) <= 255
    assert 0 < len(item.message.encode()) <= 64 * 1024
    assert len(item.raw_details.encode()) <= 64 * 1024
    assert item.path.encode()
