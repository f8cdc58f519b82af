"""The JSON Schema (draft 2020-12) of the configuration file, for editors and other tools."""

import json
from decimal import Decimal
from typing import Any, Final

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

from tta_orchestrate.settings.model import Settings
from tta_orchestrate.settings.template import EXECUTORS, SCHEMA_URL

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"


class _Generator(GenerateJsonSchema):
    """Money is a number in the file, and in the schema."""

    def decimal_schema(self, schema: core_schema.DecimalSchema) -> JsonSchemaValue:
        number: JsonSchemaValue = {"type": "number"}
        names = {"ge": "minimum", "gt": "exclusiveMinimum", "le": "maximum", "lt": "exclusiveMaximum"}
        for ours, theirs in names.items():
            if ours in schema:
                number[theirs] = float(schema[ours])  # type: ignore[literal-required]
        return number

    def encode_default(self, dft: Any) -> Any:
        if isinstance(dft, BaseModel):
            return {name: self.encode_default(value) for name, value in dft}
        return float(dft) if isinstance(dft, Decimal) else super().encode_default(dft)


def json_schema() -> dict[str, Any]:
    """Return the schema of a whole file."""
    body = Settings.model_json_schema(schema_generator=_Generator)
    definitions = body.pop("$defs")
    executors = [item.model_dump(mode="json", exclude_unset=True) for item in EXECUTORS]
    body["properties"]["executors"]["examples"] = [executors]
    whole = {
        "$schema": DIALECT,
        "$id": SCHEMA_URL,
        "title": "Configuration of tta-orchestrate",
        "description": "Content of .tta/orchestration-config.yaml",
        "type": "object",
        "properties": {"orchestration": body},
        "required": ["orchestration"],
        "additionalProperties": False,
        "$defs": definitions,
    }
    return _tidied(whole)  # type: ignore[no-any-return]


def text() -> str:
    """Return the schema as the text of its file."""
    return json.dumps(json_schema(), indent=2, ensure_ascii=False) + "\n"


def _tidied(value: Any) -> Any:
    """Return *value* without the program's own markers, and with descriptions on one line."""
    if isinstance(value, dict):
        kept = {key: _tidied(child) for key, child in value.items() if key != "acting"}
        if isinstance(kept.get("description"), str):
            kept["description"] = " ".join(kept["description"].replace("``", "`").split())
        return kept
    return [_tidied(child) for child in value] if isinstance(value, list) else value
