import json
import subprocess

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tta_orchestrate.domain.finding import Category, Rejection, Severity, Suggestion
from tta_orchestrate.domain.sarif import read_sarif
from tta_orchestrate.errors import ConfigError
from tta_orchestrate.workspace.ruff import find_ruff


def result(uri="a.py", start=3, **more):
    region = more.pop("region", {"startLine": start})
    location = {"artifactLocation": {"uri": uri, **more.pop("artifact", {})}, "region": region}
    return {"ruleId": "r1", "message": {"text": "Bad."}, "locations": [{"physicalLocation": location}], **more}


def log(*results, rules=(), version="2.1.0", **run):
    driver = {"name": "Tool", "rules": list(rules)}
    return json.dumps(
        {"version": version, "runs": [{"tool": {"driver": driver}, "results": list(results), **run}]}
    ).encode()


def read(data, **more):
    return read_sarif(data, name="x.sarif", **more)


def one(*args, **kwargs):
    reading = read(log(*args, **kwargs))
    assert not reading.rejected
    (candidate,) = reading.candidates
    return candidate


def test_what_a_real_tool_writes_is_read(tmp_path):
    (tmp_path / "a b.py").write_text("x = 1\nprint(missing)\nif x is 'a':\n    pass\n")
    command = [
        find_ruff(),
        "check",
        "--isolated",
        "--no-cache",
        "--output-format",
        "sarif",
        "--select",
        "F",
        str(tmp_path),
    ]
    out = subprocess.run(command, capture_output=True, check=False).stdout
    reading = read_sarif(out, name="ruff.sarif", roots=[str(tmp_path)])
    assert not reading.rejected
    assert [(c.path, c.start_line, c.end_line, c.rule, c.source) for c in reading.candidates] == [
        ("a b.py", 2, 2, "ruff/F821", "sarif:ruff"),
        ("a b.py", 3, 3, "ruff/F632", "sarif:ruff"),
    ]
    assert all(c.quote == "" and c.message and c.title and c.help_url for c in reading.candidates)


@pytest.mark.parametrize(
    ("uri", "artifact", "path"),
    [
        ("src/a.py", {}, "src/a.py"),
        ("./src//a.py", {}, "src/a.py"),
        ("src/a%20b%C3%A9.py", {}, "src/a bé.py"),
        ("src/%FF.py", {}, "src/\udcff.py"),
        ("src\\a.py", {}, "src/a.py"),
        ("file:///repo/src/a.py", {}, "src/a.py"),
        ("file:/repo/src/a.py", {}, "src/a.py"),
        ("/repo/src/a.py", {}, "src/a.py"),
        ("%SRCROOT%/src/a.py", {}, "src/a.py"),
        ("src/a.py", {"uriBaseId": "%SRCROOT%"}, "src/a.py"),
        ("a.py", {"uriBaseId": "SUB"}, "src/a.py"),
        ("a.py", {"uriBaseId": "UNKNOWN"}, "a.py"),
        ("a.py", {"uriBaseId": "LOOP"}, None),
    ],
)
def test_a_place_is_told_in_many_ways(uri, artifact, path):
    bases = {
        "%SRCROOT%": {"uri": "file:///repo/"},
        "SUB": {"uri": "src/", "uriBaseId": "%SRCROOT%"},
        "LOOP": {"uri": "l/", "uriBaseId": "LOOP"},
    }
    reading = read(log(result(uri, artifact=artifact), originalUriBaseIds=bases), roots=["/repo/"])
    assert path is None or [c.path for c in reading.candidates] == [path]


@pytest.mark.parametrize(
    ("raw", "rule", "severity", "category"),
    [
        ({"level": "error"}, {}, Severity.HIGH, Category.BUG),
        ({}, {}, Severity.MEDIUM, Category.BUG),
        ({}, {"defaultConfiguration": {"level": "note"}}, Severity.LOW, Category.MAINTAINABILITY),
        ({"level": "note"}, {"properties": {"security-severity": "9.8"}}, Severity.CRITICAL, Category.SECURITY),
        ({}, {"properties": {"security-severity": 7}}, Severity.HIGH, Category.SECURITY),
        (
            {},
            {"properties": {"security-severity": "high", "tags": ["external/cwe/cwe-79"]}},
            Severity.MEDIUM,
            Category.SECURITY,
        ),
        ({}, {"properties": {"tags": ["performance"]}}, Severity.MEDIUM, Category.PERFORMANCE),
        ({"level": ["error"], "properties": []}, {"properties": 3}, Severity.MEDIUM, Category.BUG),
    ],
)
def test_level_score_and_tags_become_severity_and_category(raw, rule, severity, category):
    candidate = one(result(**raw), rules=[{"id": "r1", **rule}])
    assert (candidate.severity, candidate.category) == (severity, category)


def test_a_rule_is_found_by_id_by_index_in_an_extension_and_by_its_parent():
    rules = [{"id": "r0", "name": "zero"}, {"id": "r1", "name": "one"}]
    extension = {"name": "pack", "rules": [{"id": "e0", "shortDescription": {"text": "from the pack"}}]}
    tool = {"driver": {"name": "CodeQL", "rules": rules}, "extensions": [extension]}
    raws = [
        result(),
        result(ruleId=None, ruleIndex=0),
        result(ruleId="r1/sub"),
        result(ruleId="e0", rule={"index": 0, "toolComponent": {"index": 0}}),
        result(ruleId="e0"),
        result(ruleId="r1", ruleIndex=99),
    ]
    reading = read(json.dumps({"version": "2.1.0", "runs": [{"tool": tool, "results": raws}]}).encode())
    assert [(c.rule, c.title) for c in reading.candidates] == [
        ("codeql/r1", "one"),
        ("codeql/r0", "zero"),
        ("codeql/r1/sub", "one"),
        ("codeql/e0", "from the pack"),
        ("codeql/e0", "from the pack"),
        ("codeql/r1", "one"),
    ]


def test_a_message_by_id_gets_its_arguments():
    rules = [{"id": "r1", "messageStrings": {"default": {"text": "{0} beats {1} and {7}"}}}]
    raw = result(message={"id": "default", "arguments": ["a", "{0}"]})
    assert one(raw, rules=rules).message == "a beats {0} and {7}"


def test_a_region_that_ends_at_the_start_of_a_line_does_not_hold_that_line():
    candidate = one(result(region={"startLine": 2, "endLine": 4, "endColumn": 1}))
    assert (candidate.start_line, candidate.end_line) == (2, 3)


def test_a_snippet_is_the_quote_only_when_it_is_of_whole_lines():
    snippet = {"snippet": {"text": "x = 1\n"}}
    assert one(result(region={"startLine": 1, **snippet})).quote == "x = 1"
    assert one(result(region={"startLine": 1, "startColumn": 1, **snippet})).quote == ""


@pytest.mark.parametrize(
    ("region", "text", "expected"),
    [
        ({"startLine": 3}, "y", "y"),
        ({"startLine": 3, "startColumn": 1, "endLine": 4, "endColumn": 1}, "y\n", "y"),
        ({"startLine": 3, "startColumn": 2}, "y", None),
        ({"startLine": 3, "endColumn": 5}, "y", None),
        ({"startLine": 2, "endLine": 3}, "y", None),
        ({"startLine": 3}, 7, None),
    ],
)
def test_a_fix_is_a_suggestion_only_for_exactly_those_lines(region, text, expected):
    change = {
        "artifactLocation": {"uri": "a.py"},
        "replacements": [{"deletedRegion": region, "insertedContent": {"text": text}}],
    }
    made = one(result(fixes=[{"artifactChanges": [change]}])).suggestion
    assert made == (Suggestion(start_line=3, end_line=3, text=expected) if expected else None)
    other = {**change, "artifactLocation": {"uri": "b.py"}}
    assert one(result(fixes=[{"artifactChanges": [other]}])).suggestion is None
    assert one(result(fixes=[{"artifactChanges": [change, change]}])).suggestion is None


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        ({"suppressions": [{"kind": "inSource"}]}, Rejection.INLINE_IGNORE),
        ({"kind": "pass"}, Rejection.RULE_OFF),
        ({"kind": ["x"]}, Rejection.RULE_OFF),
        ({"baselineState": "absent"}, Rejection.BASELINE),
        ({"locations": []}, Rejection.MALFORMED),
        ({"locations": "x"}, Rejection.MALFORMED),
        ({"uri": ""}, Rejection.MALFORMED),
        ({"uri": "../../etc/passwd"}, Rejection.MALFORMED),
        ({"uri": "a/../../b"}, Rejection.MALFORMED),
        ({"start": 0}, Rejection.MALFORMED),
        ({"start": True}, Rejection.MALFORMED),
        ({"start": 1.5}, Rejection.MALFORMED),
        ({"region": {"startLine": 5, "endLine": 4}}, Rejection.MALFORMED),
        ({"region": {"charOffset": 5}}, Rejection.MALFORMED),
    ],
)
def test_what_is_no_claim_is_listed_with_the_reason(raw, reason):
    reading = read(log(result(**raw), result()))
    assert [r.reason for r in reading.rejected] == [reason]
    assert reading.rejected[0].detail
    assert len(reading.candidates) == 1


def test_a_suppression_that_was_refused_suppresses_nothing():
    assert one(result(suppressions=[{"kind": "external", "status": "rejected"}]))


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "not JSON"),
        (b"\xff\xfe", "not UTF-8"),
        (b"[]", "not SARIF 2.1.0"),
        (b'{"version": "2.0.0", "runs": []}', "not SARIF 2.1.0"),
        (b'{"version": "2.1.0", "runs": {}}', "not SARIF 2.1.0"),
        (b'{"version": "2.1.0", "runs": [NaN]}', "NaN"),
        (b'{"version": "2.1.0", "version": "2.1.0", "runs": []}', "twice"),
        (b'{"version": "2.1.0", "runs": [' + b"9" * 5_000 + b"]}", "out of range"),
        (b"[" * 200_000, "nested too deeply"),
        (b" " * (64 * 1024 * 1024 + 1), "larger than 64 MB"),
    ],
)
def test_a_file_that_is_no_sarif_is_refused_with_a_remedy(data, words):
    with pytest.raises(ConfigError, match=words) as caught:
        read(data)
    assert caught.value.remedy
    assert caught.value.exit_code == 2


def test_no_runs_and_no_results_are_nothing():
    assert read(b'\xef\xbb\xbf{"version": "2.1.0", "runs": []}').candidates == ()
    assert read(log()).candidates == ()


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-3, 9)
    | st.text(max_size=6)
    | st.floats(allow_nan=False, allow_infinity=False),
    lambda c: (
        st.lists(c, max_size=3)
        | st.dictionaries(st.sampled_from(["uri", "text", "id", "index", "startLine", "level", "x"]), c, max_size=3)
    ),
    max_leaves=6,
)
KEYS = [
    "ruleId",
    "ruleIndex",
    "rule",
    "message",
    "locations",
    "level",
    "kind",
    "suppressions",
    "fixes",
    "properties",
    "rank",
    "baselineState",
]


@given(st.dictionaries(st.sampled_from(KEYS), JSON, max_size=4), JSON, JSON)
@settings(max_examples=120, deadline=None)
def test_wrong_types_anywhere_are_never_a_crash(changes, rule, base):
    data = log({**result(), **changes}, rules=[rule], originalUriBaseIds=base)
    reading = read(data)
    assert len(reading.candidates) + len(reading.rejected) == 1
    assert reading == read(data)


@given(st.binary(max_size=60) | JSON.map(lambda v: json.dumps({"version": "2.1.0", "runs": [v]}).encode()))
@settings(max_examples=80, deadline=None)
def test_any_bytes_are_read_or_refused(data):
    try:
        made = read(data)
    except ConfigError:
        return
    assert made == read(data)
