"""Plain data against the model: strict types, every problem at once, in words of the configuration."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from tta_orchestrate.settings.model import Settings
from tta_orchestrate.settings.problem import Path, did_you_mean
from tta_orchestrate.settings.scalars import Scalar
from tta_orchestrate.settings.shape import bounds, field_at, inside, keys_at, required, type_at
from tta_orchestrate.settings.text import found, printable

_EXPECTED = {
    "bool_type": "true or false",
    "float_type": "a number",
    "decimal_type": "a number",
    "int_type": "a whole number",
    "string_type": "text",
    "tuple_type": "a list",
    "model_type": "a mapping",
    "dict_type": "a mapping",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """What is wrong with the setting at ``path`` (below ``orchestration``)."""

    path: Path
    message: str


def validate(data: Any) -> Settings | tuple[Fault, ...]:
    """Return the settings that *data* (the content of ``orchestration``) means, or everything that is wrong with it."""
    quoted = tuple(_quoted_money(data, Settings, ()))
    try:
        settings = Settings.model_validate_json(json.dumps(_ready(data, Settings)), strict=True)
    except ValidationError as error:
        faults = quoted + tuple(_fault(detail, data) for detail in error.errors(include_url=False))
        return tuple(fault for fault in faults if not _is_consequence(fault, faults))
    return quoted or settings


def _is_consequence(fault: Fault, faults: tuple[Fault, ...]) -> bool:
    """Whether something inside of what *fault* complains about is wrong itself: then that is the thing to repair."""
    depth = len(fault.path)
    return any(len(other.path) > depth and other.path[:depth] == fault.path for other in faults)


def _ready(value: Any, annotation: Any) -> Any:
    """Return *value* as JSON that keeps decimals exact: money travels as text, whole floats as integers where wanted."""
    if isinstance(value, dict):
        return {key: _ready(child, inside(annotation, key)) for key, child in value.items()}
    if isinstance(value, list):
        return [_ready(child, inside(annotation, index)) for index, child in enumerate(value)]
    bare = required(annotation)
    if bare is Decimal and isinstance(value, int | float | Decimal) and not isinstance(value, bool):
        return str(value)
    if isinstance(value, Decimal):
        return int(value) if bare is int and value == value.to_integral_value() else float(value)
    return value


def _quoted_money(value: Any, annotation: Any, path: Path) -> Iterator[Fault]:
    """Yield a fault for text in the place of a Decimal: pydantic would take it, and the JSON Schema would not."""
    if isinstance(value, dict | list):
        for part, child in value.items() if isinstance(value, dict) else enumerate(value):
            yield from _quoted_money(child, inside(annotation, part), (*path, part))
    elif isinstance(value, str) and required(annotation) is Decimal:
        yield Fault(path=path, message=f"expected a number, found {found(value)}")


def _fault(detail: ErrorDetails, data: Any) -> Fault:
    path: Path = detail["loc"]
    return Fault(path=path, message=_message(detail, path, _value_at(data, path)))


def _message(detail: ErrorDetails, path: Path, value: Any) -> str:
    context = detail.get("ctx", {})
    match detail["type"]:
        case "extra_forbidden":
            near = did_you_mean(str(path[-1]), keys_at(path[:-1]))
            return f"unknown key{near or '; known here: ' + (', '.join(keys_at(path[:-1])) or 'none')}"
        case "missing":
            return "this key is required"
        case "enum":
            choices = [str(member.value) for member in type_at(path)] if _is_enum(type_at(path)) else []
            near = did_you_mean(value, choices) if isinstance(value, str) else ""
            return f"expected one of {', '.join(choices)}; found {found(value)}{near}"
        case "greater_than_equal" | "less_than_equal" | "greater_than" | "less_than":
            return f"must be {bounds(field_at(path))}, found {found(value)}"
        case "string_pattern_mismatch":  # never shows the value: a key may have been pasted in the place of its name
            return f"must match {context.get('pattern')}"
        case "too_short" | "string_too_short":
            return "must not be empty"
        case "too_long" | "string_too_long":
            return f"is too long; at most {context.get('max_length')} are allowed"
        case "value_error":
            return f"{context.get('error')}, found {found(value)}"
        case known if known in _EXPECTED:
            return f"expected {_EXPECTED[known]}, found {found(value)}"
    return f"{printable(detail['msg'], 200)}, found {found(value)}"


def _is_enum(annotation: Any) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, Enum)


def _value_at(data: Any, path: Path) -> Scalar | dict[str, Any] | list[Any]:
    for part in path:
        try:
            data = data[part]
        except (KeyError, IndexError, TypeError):
            return None
    return data  # type: ignore[no-any-return]
