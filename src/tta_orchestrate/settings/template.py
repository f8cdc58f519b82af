"""The commented file that ``config init`` writes: every key with its default, explained by the model's own words."""

import json
import re
from collections.abc import Iterator
from decimal import Decimal
from textwrap import wrap
from typing import Any, Final

from pydantic import BaseModel

from tta_orchestrate.ports.model import UseCase
from tta_orchestrate.settings.model import Settings
from tta_orchestrate.settings.models import Executor, ProviderName
from tta_orchestrate.settings.scalars import resolve

SCHEMA_URL: Final = "https://raw.githubusercontent.com/tta/orchestrate/v1/schema/orchestration-config.schema.json"

EXECUTORS: Final = (
    Executor(
        model="gemini-2.5-pro",
        provider=ProviderName.GOOGLE_AI_STUDIO,
        api_key_env="GOOGLE_API_KEY",
        use_cases=(UseCase.MODERATE, UseCase.COMPLEX),
    ),
    Executor(
        model="llama-3.3-70b-versatile",
        provider=ProviderName.GROQ,
        api_key_env="GROQ_API_KEY",
        use_cases=(UseCase.SIMPLE, UseCase.SPEED_CRITICAL),
    ),
    Executor(
        model="deepseek/deepseek-r1:free",
        provider=ProviderName.OPENROUTER,
        api_key_env="OPENROUTER_API_KEY",
        use_cases=(UseCase.COMPLEX, UseCase.REASONING),
    ),
)
"""What a new file starts with: three executors that cost nothing. Without their keys they are passed over."""

_ESCAPED: Final = {'"': '\\"', "\\": "\\\\"}
_OLD_BOOLEANS: Final = {"y", "n", "yes", "no", "on", "off"}
"""Text to us, but not to readers of YAML 1.1."""
_WIDTH: Final = 100
_BARE: Final = re.compile(r"[A-Za-z_.][A-Za-z0-9_./-]*")


def template() -> str:
    """Return the text of a new configuration file; it reads back as the defaults with ``EXECUTORS``."""
    lines = [
        f"# yaml-language-server: $schema={SCHEMA_URL}",
        "# Every key is optional and stands here with its default. Check: tta-orchestrate config check",
        "orchestration:",
        *_section(Settings(executors=EXECUTORS), indent=2),
    ]
    return "\n".join(lines) + "\n"


def flow(value: Any) -> str:
    """Return *value* as YAML on one line."""
    if isinstance(value, BaseModel):
        return flow({name: child for name, child in value if name in value.model_fields_set})
    if isinstance(value, dict):
        return "{" + ", ".join(f"{flow(key)}: {flow(child)}" for key, child in value.items()) + "}"
    if isinstance(value, tuple | list):
        return "[" + ", ".join(map(flow, value)) + "]"
    if isinstance(value, str):
        text = str(value)
        bare = _BARE.fullmatch(text) and resolve(text) == text and text.lower() not in _OLD_BOOLEANS
        return text if bare else _quoted(text)
    return str(value) if isinstance(value, Decimal) else json.dumps(value)


def _quoted(text: str) -> str:
    """Return *text* in double quotes, by YAML's rules: JSON's surrogate pairs would be two characters here."""
    written = (_ESCAPED.get(c) or (c if c.isprintable() else f"\\U{ord(c):08x}") for c in text)
    return f'"{"".join(written)}"'


def _section(section: BaseModel, *, indent: int) -> Iterator[str]:
    pad = " " * indent
    for name, field in type(section).model_fields.items():
        value = getattr(section, name)
        yield from _comment(field.description or type(value).__doc__ or "", pad)
        yield from (f"{pad}# Example: {name}: {flow(example)}" for example in field.examples or ())
        if isinstance(value, BaseModel) and type(value).model_fields:
            yield f"{pad}{name}:"
            yield from _section(value, indent=indent + 2)
        elif isinstance(value, tuple) and value and isinstance(value[0], BaseModel):
            yield f"{pad}{name}:"
            yield from (line for item in value for line in _item(item, f"{pad}  "))
        else:
            yield f"{pad}{name}: {flow(value)}"


def _item(item: BaseModel, pad: str) -> Iterator[str]:
    written = [name for name in type(item).model_fields if name in item.model_fields_set]
    for bullet, name in zip(["- ", *["  "] * len(written)], written, strict=False):
        yield f"{pad}{bullet}{name}: {flow(getattr(item, name))}"


def _comment(text: str, pad: str) -> Iterator[str]:
    for line in wrap(" ".join(text.replace("`", "").split()), _WIDTH - len(pad)):
        yield f"{pad}# {line}"
