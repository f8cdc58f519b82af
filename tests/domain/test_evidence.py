"""The evidence gate believes a claim only where its words stand."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tta_orchestrate.domain.change import ChangedFile, FileStatus, Hunk, Side
from tta_orchestrate.domain.evidence import FileEvidence, Scope, weigh
from tta_orchestrate.domain.finding import Candidate, Category, Rejection, Severity, Suggestion

TEXT = """import os

def load(path):
    handle = open(path)
    data = handle.read()
    return data

def save(path, data):
    handle = open(path)
    handle.write(data)
"""
CHANGE = ChangedFile(
    path="store.py",
    old_path="store.py",
    status=FileStatus.MODIFIED,
    hunks=(
        Hunk(
            old_start=3,
            old_count=3,
            new_start=3,
            new_count=4,
            section="def load(path):",
            body=(
                " def load(path):",
                "-    return read(path)",
                "+    handle = open(path)",
                "+    data = handle.read()",
                " ",
            ),
        ),
    ),
)
FILES = {"store.py": FileEvidence(CHANGE, TEXT)}
CLAIM = Candidate(
    path="store.py",
    start_line=5,
    end_line=5,
    quote="    data = handle.read()",
    rule="demo/unclosed",
    category=Category.RELIABILITY,
    severity=Severity.MEDIUM,
    source="demo",
    title="The file is never closed",
    message="Use a with block.",
)


def only_rejection(candidate, *, scope=Scope.FILE, files=FILES):
    weighed = weigh([candidate], files, scope=scope)
    assert weighed.findings == ()
    (rejected,) = weighed.rejected
    return rejected.reason


def only_finding(candidate, *, scope=Scope.FILE, files=FILES):
    weighed = weigh([candidate], files, scope=scope)
    assert weighed.rejected == ()
    (finding,) = weighed.findings
    return finding


def test_a_claim_whose_quote_stands_at_its_line_is_published_with_its_symbol():
    finding = only_finding(CLAIM, scope=Scope.CHANGED)
    assert (finding.start_line, finding.symbol) == (5, "load")


@pytest.mark.parametrize("line", [3, 4, 6, 10])
def test_a_miscounted_line_is_repaired_when_the_quote_stands_at_one_place_only(line):
    weighed = weigh([replace(CLAIM, start_line=line, end_line=line)], FILES, scope=Scope.CHANGED)
    assert [f.start_line for f in weighed.findings] == [5]
    assert weighed.repaired == 1


def test_a_quote_without_its_indentation_is_published_in_the_words_of_the_file():
    assert only_finding(replace(CLAIM, quote="data = handle.read()")).quote == "    data = handle.read()"


def test_a_range_that_is_too_wide_is_narrowed_to_the_quote():
    finding = only_finding(replace(CLAIM, start_line=3, end_line=6))
    assert (finding.start_line, finding.end_line) == (5, 5)


@pytest.mark.parametrize(
    ("fabricated", "reason"),
    [
        ({"path": "other.py"}, Rejection.NOT_IN_CHANGE),
        ({"start_line": 99999, "end_line": 99999}, Rejection.NO_SUCH_LINE),
        ({"end_line": 99999}, Rejection.MALFORMED),
        ({"start_line": 0, "end_line": 0}, Rejection.MALFORMED),
        ({"start_line": 6, "end_line": 5}, Rejection.MALFORMED),
        ({"quote": "    eval(path)"}, Rejection.QUOTE_ABSENT),
        ({"quote": " "}, Rejection.MALFORMED),
        ({"start_line": 6, "end_line": 6, "quote": "    handle = open(path)"}, Rejection.QUOTE_AMBIGUOUS),
        (
            {"side": Side.LEFT, "start_line": 4, "end_line": 4, "quote": "    handle = open(path)"},
            Rejection.QUOTE_ABSENT,
        ),
    ],
)
def test_a_fabricated_claim_is_rejected_with_its_reason(fabricated, reason):
    assert only_rejection(replace(CLAIM, **fabricated)) is reason


def test_a_quote_that_stands_twice_is_believed_where_the_line_says():
    first = only_finding(replace(CLAIM, start_line=4, end_line=4, quote="    handle = open(path)"))
    second = only_finding(replace(CLAIM, start_line=9, end_line=9, quote="    handle = open(path)"))
    assert (first.symbol, second.symbol) == ("load", "save")
    assert first.fingerprint != second.fingerprint


def test_unchanged_lines_are_reported_only_when_the_whole_file_is_in_scope():
    elsewhere = replace(CLAIM, start_line=10, end_line=10, quote="    handle.write(data)")
    assert only_rejection(elsewhere, scope=Scope.CHANGED) is Rejection.UNCHANGED_LINES
    assert only_finding(elsewhere, scope=Scope.FILE).start_line == 10


def test_a_claim_about_the_whole_file_needs_no_changed_line_unless_it_held_before():
    claim = replace(CLAIM, start_line=10, end_line=10, quote="    handle.write(data)", whole_file=True)
    assert weigh([claim], FILES).findings
    (rejected,) = weigh([claim], FILES, pre_existing=lambda _claim: True).rejected
    assert rejected.reason is Rejection.UNCHANGED_LINES


def test_a_removed_line_can_be_quoted_on_the_left_side():
    claim = replace(CLAIM, side=Side.LEFT, start_line=4, end_line=4, quote="    return read(path)")
    assert only_finding(claim, scope=Scope.CHANGED).side is Side.LEFT


def test_the_same_claim_twice_is_one_finding_and_one_named_double():
    weighed = weigh([CLAIM, replace(CLAIM, source="other", message="reworded")], FILES)
    assert len(weighed.findings) == 1
    assert [entry.reason for entry in weighed.rejected] == [Rejection.DUPLICATE]


def test_a_diff_alone_is_enough_evidence_for_the_lines_that_it_shows():
    files = {"store.py": FileEvidence(CHANGE, None)}
    assert only_finding(CLAIM, files=files).symbol == "def load(path):"
    assert only_rejection(replace(CLAIM, start_line=10, end_line=10), files=files) is Rejection.NO_SUCH_LINE


def suggest(text, *, start=5, end=5):
    claim = replace(CLAIM, suggestion=Suggestion(start_line=start, end_line=end, text=text))
    return only_finding(claim).suggestion


def test_a_suggestion_that_replaces_exactly_the_quoted_lines_and_parses_is_kept():
    assert suggest("    with handle:\n        data = handle.read()") is not None


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("    data = handle.read()", {}),
        ("    data = (handle.read()", {}),
        ("    data = handle.read(1)", {"start": 4, "end": 5}),
        ("    data = handle.read(1)", {"start": 6, "end": 6}),
    ],
)
def test_a_suggestion_that_changes_nothing_breaks_the_file_or_lies_elsewhere_is_dropped(text, where):
    assert suggest(text, **where) is None


def test_the_fingerprint_survives_shifted_lines_and_reworded_messages():
    shifted = "# a new first line\n" * 3 + TEXT
    before = only_finding(CLAIM)
    after = only_finding(
        replace(CLAIM, start_line=8, end_line=8, message="quite other words", title="New title"),
        files={"store.py": FileEvidence(CHANGE, shifted)},
    )
    assert before.fingerprint == after.fingerprint


lines_of_code = st.lists(st.sampled_from(["x = 1", "y = 2", "", "  z", "call()"]), min_size=1, max_size=12)


@given(
    lines_of_code, st.integers(-2, 15), st.integers(-2, 15), st.sampled_from(["x = 1", "y = 2\nx = 1", "", "absent"])
)
def test_whatever_is_published_quotes_the_file_verbatim(lines, start, end, quote):
    text = "\n".join(lines) + "\n"
    change = replace(CHANGE, hunks=())
    claim = replace(CLAIM, start_line=start, end_line=end, quote=quote)
    weighed = weigh([claim], {"store.py": FileEvidence(change, text)}, scope=Scope.FILE)
    assert len(weighed.findings) + len(weighed.rejected) == 1
    for finding in weighed.findings:
        assert finding.quote == "\n".join(text.split("\n")[finding.start_line - 1 : finding.end_line])
