"""Plain data against the model: strict types, every problem at once, in words of the configuration."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum
from typing import Any, Final

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from tta_orchestrate.settings.model import Settings
from tta_orchestrate.settings.problem import SHOWN, Path, did_you_mean
from tta_orchestrate.settings.scalars import Scalar
from tta_orchestrate.settings.shape import bounds, field_at, inside, keys_at, required, type_at
from tta_orchestrate.settings.text import found, printable

MOST: Final = SHOWN + 10
"""More faults than this are not looked at; nobody reads them, and an attacker would like them."""
_PLAIN: Final = {
    "missing": "this key is required",
    "too_short": "must not be empty",
    "string_too_short": "must not be empty",
    "too_long": "has too many elements",
    "string_too_long": "is too long",
}
_EXPECTED: Final = {
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
        faults = quoted + tuple(_fault(detail, data) for detail in error.errors(include_url=False)[:MOST])
        causes = {fault.path[:depth] for fault in faults for depth in range(len(fault.path))}
        return tuple(fault for fault in faults if fault.path not in causes)  # what is wrong inside is the thing to mend
    return quoted or settings


def _ready(value: Any, annotation: Any) -> Any:
    """Return *value* for JSON: money as text, so that it stays exact; whole floats as integers where one is wanted."""
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
    kind, context = detail["type"], detail.get("ctx", {})
    if kind == "extra_forbidden":
        known = keys_at(path[:-1])
        return f"unknown key{did_you_mean(str(path[-1]), known) or '; known here: ' + (', '.join(known) or 'none')}"
    if kind == "string_pattern_mismatch":  # the value stays unsaid: a key may stand in the place of its name
        return f"must match {context.get('pattern')}"
    if kind in _PLAIN:
        return _PLAIN[kind]
    near = did_you_mean(value, _choices(path)) if kind == "enum" and isinstance(value, str) else ""
    return f"{_expectation(detail, path)}, found {found(value)}{near}"


def _expectation(detail: ErrorDetails, path: Path) -> str:
    kind, context = detail["type"], detail.get("ctx", {})
    if kind == "enum":
        return f"expected one of {', '.join(_choices(path))}"
    if kind in {"greater_than_equal", "less_than_equal", "greater_than", "less_than"}:
        return f"must be {bounds(field_at(path))}"
    if kind == "value_error":
        return str(context.get("error"))
    if kind in _EXPECTED:
        return f"expected {_EXPECTED[kind]}"
    return printable(detail["msg"], 200)


def _choices(path: Path) -> tuple[str, ...]:
    annotation = type_at(path)
    is_enum = isinstance(annotation, type) and issubclass(annotation, Enum)
    return tuple(str(member.value) for member in annotation) if is_enum else ()


def _value_at(data: Any, path: Path) -> Scalar | dict[str, Any] | list[Any]:
    for part in path:
        try:
            data = data[part]
        except (KeyError, IndexError, TypeError):
            return None
    return data  # type: ignore[no-any-return]
