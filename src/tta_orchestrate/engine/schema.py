"""Reading a model's JSON strictly, and checking it against the part of JSON Schema that the prompts here use.

Every vendor promises schema-conforming output; it is checked all the same. Source: JSON Schema 2020-12, validation.
"""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

Json = Any

KEYWORDS: Final = frozenset({
    "$schema", "title", "description", "default", "type", "enum", "const", "anyOf", "properties", "required",
    "additionalProperties", "items", "pattern", "minimum", "maximum", "minLength", "maxLength", "minItems", "maxItems",
})  # fmt: skip
_FENCE: Final = re.compile(r"\A```(?:json)?[ \t]*\n(.*)\n```\Z", re.DOTALL)
_DEEPEST: Final = 64


class NotJsonError(ValueError):
    """The text is no JSON document; the message can be shown to the model."""


def read(text: str) -> Json:
    """Return the one JSON value that *text* is; a single fence around the whole is taken off.

    Raises:
        NotJsonError: prose, two values, a stump, a duplicate key, ``NaN``, or nesting beyond 64.
    """
    stripped = text.strip()
    fenced = _FENCE.match(stripped)
    try:
        value = json.loads(
            fenced[1] if fenced else stripped, object_pairs_hook=_no_duplicates, parse_constant=_no_constant
        )
    except RecursionError as error:
        raise NotJsonError("the JSON is nested too deeply") from error
    except ValueError as error:
        raise NotJsonError(f"the answer is not one JSON value: {error}") from error
    if _depth(value) > _DEEPEST:
        raise NotJsonError("the JSON is nested too deeply")
    return value


def problems(value: Json, schema: Mapping[str, Json], at: str = "$") -> Iterator[str]:
    """Yield what is wrong with *value*, one line each, with its place; nothing when it conforms.

    Raises:
        ValueError: the schema uses a keyword that is not checked here (better than not noticing).
    """
    if unknown := schema.keys() - KEYWORDS:
        raise ValueError(f"schema keyword not supported: {', '.join(sorted(unknown))}")
    if "type" in schema and not _is_type(value, schema["type"]):
        yield f"{at}: must be {_names(schema['type'])}"
        return
    if "enum" in schema and not any(_same(value, item) for item in schema["enum"]):
        yield f"{at}: must be one of {json.dumps(schema['enum'])}"
    if "const" in schema and not _same(value, schema["const"]):
        yield f"{at}: must be {json.dumps(schema['const'])}"
    if "anyOf" in schema and all(any(True for _ in problems(value, option, at)) for option in schema["anyOf"]):
        yield f"{at}: fits none of the allowed forms"
    yield from _inside(value, schema, at)


def _inside(value: Json, schema: Mapping[str, Json], at: str) -> Iterator[str]:
    match value:
        case str():
            yield from _of_string(value, schema, at)
        case bool():
            return
        case int() | float():
            yield from _of_number(value, schema, at)
        case list():
            yield from _of_array(value, schema, at)
        case dict():
            yield from _of_object(value, schema, at)
        case _:
            return


def _of_string(value: str, schema: Mapping[str, Json], at: str) -> Iterator[str]:
    if len(value) < schema.get("minLength", 0):
        yield f"{at}: must have at least {schema['minLength']} characters"
    if len(value) > schema.get("maxLength", len(value)):
        yield f"{at}: must have at most {schema['maxLength']} characters"
    if "pattern" in schema and not re.search(schema["pattern"], value):
        yield f"{at}: must match {schema['pattern']}"


def _of_number(value: float, schema: Mapping[str, Json], at: str) -> Iterator[str]:
    if value < schema.get("minimum", value):
        yield f"{at}: must be at least {schema['minimum']}"
    if value > schema.get("maximum", value):
        yield f"{at}: must be at most {schema['maximum']}"


def _of_array(value: list[Json], schema: Mapping[str, Json], at: str) -> Iterator[str]:
    if len(value) < schema.get("minItems", 0):
        yield f"{at}: must have at least {schema['minItems']} items"
    if len(value) > schema.get("maxItems", len(value)):
        yield f"{at}: must have at most {schema['maxItems']} items"
    if "items" in schema:
        for index, item in enumerate(value):
            yield from problems(item, schema["items"], f"{at}[{index}]")


def _of_object(value: dict[str, Json], schema: Mapping[str, Json], at: str) -> Iterator[str]:
    properties = schema.get("properties", {})
    for name in schema.get("required", ()):
        if name not in value:
            yield f"{at}: {name!r} is missing"
    extra = schema.get("additionalProperties", True)
    for name, item in value.items():
        if name in properties:
            yield from problems(item, properties[name], f"{at}.{name}")
        elif extra is False:
            yield f"{at}: {name[:40]!r} is not allowed"
        elif isinstance(extra, Mapping):
            yield from problems(item, extra, f"{at}.{name[:40]}")


_TYPES: Final[Mapping[str, type | tuple[type, ...]]] = {
    "string": str,
    "boolean": bool,
    "array": list,
    "object": dict,
    "null": type(None),
}


def _is_type(value: Json, wanted: str | list[str]) -> bool:
    return any(_is_one(value, name) for name in ([wanted] if isinstance(wanted, str) else wanted))


def _is_one(value: Json, name: str) -> bool:
    if name in {"integer", "number"}:
        number = isinstance(value, int | float) and not isinstance(value, bool)
        return number and (name == "number" or float(value).is_integer())
    return isinstance(value, _TYPES[name])


def _same(one: Json, other: Json) -> bool:
    return bool(one == other) and isinstance(one, bool) == isinstance(other, bool)


def _names(wanted: str | list[str]) -> str:
    return wanted if isinstance(wanted, str) else " or ".join(wanted)


def _depth(value: Json) -> int:
    deepest, level = 0, [value]
    while level:
        deepest += 1
        level = [
            child
            for item in level
            if isinstance(item, dict | list)
            for child in (item.values() if isinstance(item, dict) else item)
        ]
    return deepest


def _no_duplicates(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key stands twice in one object")
    return found


def _no_constant(name: str) -> Json:
    raise ValueError(f"{name} is not JSON")


def portable(schema: Mapping[str, Json]) -> dict[str, Json]:
    """Return the part of *schema* that every vendor's schema mode takes: shapes and enums, no lengths or ranges.

    Objects are closed and all their properties required, as Anthropic's and OpenAI's strict modes demand.
    """
    kept = {key: value for key, value in schema.items() if key in _PORTABLE}
    if "properties" in kept:
        kept["properties"] = {name: portable(item) for name, item in kept["properties"].items()}
        kept["required"] = list(kept["properties"])
        kept["additionalProperties"] = False
    if "items" in kept:
        kept["items"] = portable(kept["items"])
    if "anyOf" in kept:
        kept["anyOf"] = [portable(option) for option in kept["anyOf"]]
    return kept


_PORTABLE: Final = frozenset(
    {"type", "properties", "required", "items", "enum", "const", "anyOf", "title", "description"}
)
