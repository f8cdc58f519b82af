"""What holds for every form of a report, whatever is in it.

Golden files: ``TTA_UPDATE_GOLDEN=1 pytest tests/sinks`` writes them anew; read the difference before you commit it.
"""

import json
import os
import re
from dataclasses import replace
from functools import cache
from pathlib import Path

import jsonschema
import pytest

from oracles import github_acts_on, page, runner_commands
from samples import EVERYTHING, OUTCOMES, SECRET, hostile
from tta_orchestrate.domain.finding import Category, Rejection, Severity
from tta_orchestrate.domain.outcome import Conclusion, Outcome
from tta_orchestrate.domain.report import SkipReason
from tta_orchestrate.registry import load_all

GOLDEN = Path(__file__).parents[1] / "golden"
SCHEMAS = Path(__file__).parents[2] / "schema"
SARIF_SCHEMA = Path(__file__).parents[1] / "data" / "sarif-schema-2.1.0.json"

SINKS = {sink.filename: sink for sink in load_all("sinks")}
RENDERED = sorted(set(SINKS) - {"changes.patch"})
PAGES = [name for name in RENDERED if name.endswith(".md")]
HOSTILE = hostile()
REPORTS = {
    **{str(outcome): report for outcome, report in OUTCOMES.items()},
    "everything": EVERYTHING,
    "hostile": HOSTILE,
}


@cache
def rendered(name, key):
    return SINKS[name].render(REPORTS[key])


@cache
def validator(name):
    path = {"findings.sarif": SARIF_SCHEMA}.get(name, SCHEMAS / f"{Path(name).stem}.schema.json")
    schema = json.loads(path.read_text())
    return jsonschema.validators.validator_for(schema)(schema)


def test_the_room_has_every_form():
    assert sorted(SINKS) == [
        "changes.patch",
        "cost-report.html",
        "cost-report.json",
        "cost-report.md",
        "findings.json",
        "findings.sarif",
        "metrics.prom",
        "summary.md",
    ]


@pytest.mark.parametrize("name", RENDERED)
def test_no_hostile_text_leaks(name):
    text = rendered(name, "hostile")
    text.encode()
    assert runner_commands(text) == []
    assert SECRET not in text
    assert [hex(ord(char)) for char in set(text) if char not in "\n\t\u200b" and not char.isprintable()] == []


@pytest.mark.parametrize("name", PAGES)
def test_a_hostile_page_holds_only_tags_of_our_own(name):
    tags = page(rendered(name, "hostile"))
    ours = {"h1", "h2", "h3", "p", "br", "strong", "em", "code", "pre", "ul", "li", "details", "summary"}
    assert {tag for tag, _ in tags.tags} <= ours | {"table", "thead", "tbody", "tr", "th", "td"}
    assert tags.open == []
    assert tags.stray == []
    assert github_acts_on("".join(tags.text).replace("$0.", "").replace("$1.", "")) == {}


@pytest.mark.parametrize("name", ["findings.json", "findings.sarif", "cost-report.json"])
@pytest.mark.parametrize("key", list(REPORTS))
def test_every_document_is_valid_by_its_schema(name, key):
    document = json.loads(rendered(name, key))
    errors = [f"{error.json_path}: {error.message[:200]}" for error in validator(name).iter_errors(document)]
    assert errors == []


@pytest.mark.parametrize(
    ("enumeration", "path"),
    [
        (Outcome, ["properties", "outcome"]),
        (Conclusion, ["properties", "conclusion"]),
        (Category, ["$defs", "category"]),
        (Severity, ["$defs", "severity"]),
        (Rejection, ["$defs", "rejected", "properties", "reason"]),
        (SkipReason, ["$defs", "skipped", "properties", "reason"]),
    ],
)
def test_a_schema_knows_every_word_that_may_stand_in_a_report(enumeration, path):
    at = json.loads((SCHEMAS / "findings.schema.json").read_text())
    for key in path:
        at = at[key]
    assert sorted(at["enum"]) == sorted(enumeration)


@pytest.mark.parametrize("name", RENDERED)
def test_the_same_report_gives_the_same_text(name):
    sink = SINKS[name]
    assert sink.render(EVERYTHING) == sink.render(EVERYTHING)
    assert rendered(name, "everything").endswith("\n")


@pytest.mark.parametrize("name", RENDERED)
def test_the_form_is_as_it_was(name):
    text = re.sub(r'"semanticVersion": "[^"]+"', '"semanticVersion": "VERSION"', rendered(name, "everything"))
    golden = GOLDEN / name
    if os.environ.get("TTA_UPDATE_GOLDEN"):
        golden.write_text(text, encoding="utf-8")
    assert text == golden.read_text(encoding="utf-8")


def test_a_patch_is_left_verbatim_and_only_when_there_is_one():
    sink = SINKS["changes.patch"]
    assert not sink.applies(EVERYTHING)
    report = replace(EVERYTHING, patch="--- a/x\n+++ b/x\n@@ -1 +1 @@\n-\x1b::x\n+##[y]\r\n")
    assert sink.applies(report)
    assert sink.render(report) == report.patch


@pytest.mark.parametrize("name", RENDERED)
@pytest.mark.parametrize("key", list(OUTCOMES))
def test_every_outcome_leaves_every_report(name, key):
    assert SINKS[name].applies(OUTCOMES[key])
    assert rendered(name, str(key))
