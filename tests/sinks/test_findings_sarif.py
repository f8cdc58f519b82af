import json
from dataclasses import replace

import pytest

from samples import EVERYTHING, OUTCOMES, SUBJECT, finding
from tta_orchestrate.domain.change import Side
from tta_orchestrate.domain.finding import Category, Severity, Suggestion
from tta_orchestrate.domain.outcome import Outcome
from tta_orchestrate.sinks.findings_sarif import SINK, FindingsSarif


def run(report):
    return json.loads(SINK.render(report))["runs"][0]


def only(**changes):
    return run(replace(EVERYTHING, findings=(finding(**changes),)))["results"][0]


def applied(source, fix):
    """Apply the fix of a result the way SARIF says: no endColumn means up to the line's end."""
    region = fix["artifactChanges"][0]["replacements"][0]["deletedRegion"]
    new = fix["artifactChanges"][0]["replacements"][0]["insertedContent"]["text"]
    lines = source.split("\n")
    return "\n".join([*lines[: region["startLine"] - 1], new, *lines[region["endLine"] :]])


def test_a_fix_replaces_exactly_the_quoted_lines():
    result = only(start_line=2, end_line=3, suggestion=Suggestion(start_line=2, end_line=3, text="B"))
    assert applied("a\nb\nc\nd\n", result["fixes"][0]) == "a\nB\nd\n"


def test_a_removed_line_has_no_region_in_the_new_tree():
    result = only(side=Side.LEFT, suggestion=Suggestion(start_line=1, end_line=1, text="x"))
    assert "region" not in result["locations"][0]["physicalLocation"]
    assert "fixes" not in result


def test_paths_are_percent_encoded_and_relative():
    place = only(path="a b/ü#?%.py")["locations"][0]["physicalLocation"]["artifactLocation"]
    assert place == {"uri": "a%20b/%C3%BC%23%3F%25.py", "uriBaseId": "SRCROOT"}


@pytest.mark.parametrize(
    ("severity", "level", "score"),
    [("critical", "error", 9.0), ("high", "error", 7.0), ("medium", "warning", 4.0), ("low", "note", 0.1)],
)
def test_severity_becomes_a_level_and_a_number_in_githubs_band(severity, level, score):
    document = run(replace(EVERYTHING, findings=(finding(severity=Severity(severity)),)))
    rule = document["tool"]["driver"]["rules"][0]
    assert document["results"][0]["level"] == level
    assert score <= float(rule["properties"]["security-severity"]) < score + 4


def test_only_security_has_a_security_severity():
    document = run(replace(EVERYTHING, findings=(finding(category=Category.BUG),)))
    assert "security-severity" not in document["tool"]["driver"]["rules"][0]["properties"]


def test_each_result_points_at_its_rule():
    document = run(EVERYTHING)
    rules = document["tool"]["driver"]["rules"]
    assert [rules[one["ruleIndex"]]["id"] for one in document["results"]] == [
        one["ruleId"] for one in document["results"]
    ]
    assert len({one["id"] for one in rules}) == len(rules)


@pytest.mark.parametrize(("outcome", "report"), OUTCOMES.items())
def test_only_a_finished_run_counts_as_successful(outcome, report):
    invocation = run(report)["invocations"][0]
    done = outcome in {Outcome.CLEAN, Outcome.FINDINGS, Outcome.SKIPPED}
    assert done == invocation["executionSuccessful"]
    assert report.verdict.exit_code == invocation["exitCode"]
    assert len(report.failures) == sum(one["level"] == "error" for one in invocation["toolExecutionNotifications"])


def test_the_revision_is_told_when_the_server_is_known():
    provenance = run(EVERYTHING)["versionControlProvenance"]
    assert provenance == [
        {
            "repositoryUri": "https://github.com/acme/shop",
            "revisionId": SUBJECT.head,
            "mappedTo": {"uriBaseId": "SRCROOT"},
        }
    ]
    assert "versionControlProvenance" not in run(OUTCOMES[Outcome.SKIPPED])


def test_the_fingerprint_is_the_findings_own():
    assert only()["partialFingerprints"] == {"ttaFingerprint/v1": finding().fingerprint}


def test_a_message_cannot_hold_a_link():
    assert "](" not in only(message="[x](http://evil.example)")["message"]["text"]


def test_more_results_than_github_takes_are_cut_and_counted():
    assert SINK.most_results == 25_000
    many = replace(EVERYTHING, findings=tuple(finding(start_line=n, end_line=n) for n in range(1, 13)))
    document = json.loads(FindingsSarif(most_results=10).render(many))["runs"][0]
    assert len(document["results"]) == 10
    assert "2 more results" in document["invocations"][0]["toolExecutionNotifications"][0]["message"]["text"]
