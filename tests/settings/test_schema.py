"""The JSON Schema, judged by the jsonschema library: editors and the loader must say the same."""

import json
import re
from decimal import Decimal
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from tta_orchestrate.settings.model import Settings
from tta_orchestrate.settings.reference import updated
from tta_orchestrate.settings.schema import json_schema, text
from tta_orchestrate.settings.shape import not_yet_acting, walk
from tta_orchestrate.settings.template import EXECUTORS, SCHEMA_URL, flow, template
from tta_orchestrate.settings.validate import validate

ROOT = Path(__file__).resolve().parents[2]
VALIDATOR = Draft202012Validator(json_schema())


def test_the_schema_is_a_schema_and_its_own_defaults_and_examples_fit_it():
    Draft202012Validator.check_schema(json_schema())
    body = json_schema()["properties"]["orchestration"]["properties"]
    for name, rule in body.items():
        for value in [*([rule["default"]] if "default" in rule else []), *rule.get("examples", [])]:
            assert VALIDATOR.is_valid({"orchestration": {name: value}}), name


def test_the_committed_schema_and_the_table_of_keys_are_fresh():
    committed = (ROOT / "schema/orchestration-config.schema.json").read_text(encoding="utf-8")
    assert committed == text(), "run `make schema`"
    page = (ROOT / "docs/configuration.md").read_text(encoding="utf-8")
    assert page == updated(page), "run `make schema`"


def test_the_example_of_the_documentation_is_valid():
    page = (ROOT / "docs/configuration.md").read_text(encoding="utf-8")
    example = yaml.safe_load(page.split("```yaml\n")[1].split("```")[0])
    assert VALIDATOR.is_valid(example)
    assert isinstance(validate(example["orchestration"]), Settings)


def test_the_template_reads_back_as_the_defaults_with_the_example_executors():
    document = yaml.safe_load(template())
    assert VALIDATOR.is_valid(document)
    assert validate(document["orchestration"]) == Settings(executors=EXECUTORS)
    assert template().splitlines()[0] == f"# yaml-language-server: $schema={SCHEMA_URL}"


def test_the_template_names_every_key_and_explains_it():
    for key in walk():
        if not any(part.endswith("[]") for part in key.path) and key.path[:2] != ("review", "fail_on"):
            assert f"{key.path[-1]}:" in template()
        assert key.field.description or (key.section and key.section.__doc__), key.path


def test_examples_of_the_template_are_valid_when_uncommented():
    section, examples = "", []
    for line in template().splitlines():
        if heading := re.fullmatch(r"  (?:# )?([a-z_]+):", line):
            section = heading[1]
        if "# Example: " in line:
            examples.append((section, line.split("# Example: ")[1]))
    assert {"review", "run"} <= {section for section, _ in examples}
    for section, example in examples:
        assert isinstance(validate({section: yaml.safe_load(example)}), Settings)


def test_markers_of_keys_that_do_not_act_stay_out_of_the_schema():
    assert '"acting"' not in text()
    marked = {
        f"orchestration.{n}" for n, f in Settings.model_fields.items() if f.json_schema_extra == {"acting": False}
    }
    assert marked <= set(not_yet_acting())


@pytest.mark.parametrize(
    "document",
    [
        {"orchestration": {"quality_treshold": 0.9}},
        {"orchestration": {"enabled": "yes"}},
        {"orchestration": {"cost_tracking": {"budget_limit_usd": "5"}}},
        {"orchestration": {"review": {"baseline": "../x"}}},
        {"orchestrator": {}},
        {},
    ],
)
def test_the_schema_refuses_what_the_loader_refuses(document):
    assert not VALIDATOR.is_valid(document)


PATHS = [key.path for key in walk() if not any(part.endswith("[]") for part in key.path)]
VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-3, 5_000),
    st.floats(-2, 200, allow_nan=False),
    st.sampled_from(
        ["", "changed", "high", "fail", "yes", "KEY", "sk-1", "a/b", "/a", "../a", "https://h", "http://u@h"]
    ),
    st.sampled_from([[], ["a"], [1], {}, {"a": 1}, {"severity": "high"}, {"severity": "no"}, [{}], {"disable": ["x"]}]),
    st.sampled_from([[{"paths": ["a"]}], [{"paths": []}], [{"model": "m", "provider": "groq"}], {"models": ["m"]}]),
)


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(PATHS), VALUES)
def test_schema_and_loader_agree_on_every_key(path, value):
    document = value
    for part in reversed(path):
        document = {part: document}
    in_file = json.loads(json.dumps(document), parse_float=Decimal)
    assert VALIDATOR.is_valid({"orchestration": document}) == isinstance(validate(in_file), Settings)


@settings(deadline=None)
@given(st.text(max_size=20))
def test_text_written_on_one_line_reads_back(word):
    assert yaml.safe_load(f"a: {flow(word)}") == {"a": word}
