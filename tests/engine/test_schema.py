"""Our validator against jsonschema's, and the strict reader."""

import json

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tta_orchestrate.engine.schema import NotJsonError, portable, problems, read

values = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.floats(-3, 3) | st.text("ab", max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=8,
)
leaves = st.one_of(
    st.fixed_dictionaries(
        {"type": st.sampled_from(["null", "boolean", "string", "integer", "number", "array", "object"])}
    ),
    st.fixed_dictionaries(
        {
            "type": st.just("string"),
            "minLength": st.integers(0, 2),
            "maxLength": st.integers(1, 3),
            "pattern": st.just("^a"),
        }
    ),
    st.fixed_dictionaries(
        {"type": st.just(["number", "null"]), "minimum": st.integers(-2, 2), "maximum": st.integers(0, 3)}
    ),
    st.fixed_dictionaries({"enum": st.lists(values, min_size=1, max_size=3)}),
    st.fixed_dictionaries({"const": values}),
)
schemas = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.fixed_dictionaries({"type": st.just("array"), "items": inner, "minItems": st.integers(0, 2), "maxItems": st.integers(1, 3)}),
        st.fixed_dictionaries({
            "type": st.just("object"),
            "properties": st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
            "required": st.lists(st.sampled_from("abc"), unique=True, max_size=2),
            "additionalProperties": st.booleans() | inner,
        }),
        st.fixed_dictionaries({"anyOf": st.lists(inner, min_size=1, max_size=3)}),
    ),
    max_leaves=5,
)  # fmt: skip


@given(values, schemas)
def test_we_agree_with_jsonschema_on_what_conforms(value, schema):
    theirs = jsonschema.Draft202012Validator(schema).is_valid(value)
    assert (not list(problems(value, schema))) is theirs


def test_an_unknown_keyword_is_an_error_and_not_a_silent_yes():
    with pytest.raises(ValueError, match="multipleOf"):
        list(problems(3, {"multipleOf": 2}))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "prose",
        '{"a": 1} and more',
        '{"a": 1',
        '{"a": 1, "a": 2}',
        "NaN",
        '{"a": Infinity}',
        "[" * 100 + "]" * 100,
        "[" * 100_000,
        "```json\n{}\n``` done",
    ],
)
def test_what_is_not_one_clean_value_is_refused(text):
    with pytest.raises(NotJsonError):
        read(text)


@given(values)
def test_plain_and_fenced_json_is_read(value):
    assert read(json.dumps(value)) == value
    assert read(f"\n```json\n{json.dumps(value)}\n```\n") == value


@given(schemas)
def test_the_portable_form_is_still_a_schema_and_takes_no_lengths_or_ranges(schema):
    plain = portable(schema)
    jsonschema.Draft202012Validator.check_schema(plain)
    assert not {"minLength", "maximum", "minItems", "pattern"} & set(json.dumps(plain).replace('"', " ").split())
