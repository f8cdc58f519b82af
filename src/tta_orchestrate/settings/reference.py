"""The table of all keys in ``docs/configuration.md``, made from the model so that it cannot fall behind."""

from enum import Enum
from types import NoneType, UnionType
from typing import Any, Final, Union, get_args, get_origin

from pydantic_core import PydanticUndefined

from tta_orchestrate.settings.overrides import ENVIRONMENT, FLAGS
from tta_orchestrate.settings.shape import Key, bounds, required, walk
from tta_orchestrate.settings.template import flow

BEGIN: Final = "<!-- keys: made by `make schema`, do not edit -->"
END: Final = "<!-- /keys -->"


def updated(document: str) -> str:
    """Return *document* with a fresh table between its markers."""
    before, _, rest = document.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n\n{table()}\n{END}{after}"


def table() -> str:
    """Return every key with type, default, meaning and overrides as a Markdown table."""
    rows = ["| key (below `orchestration`) | type | default | meaning |", "|---|---|---|---|"]
    rows += [_row(key) for key in walk()]
    return "\n".join(rows) + "\n"


def _row(key: Key) -> str:
    doc = key.field.description or (key.section.__doc__ if key.section else "") or ""
    meaning = " ".join([*doc.replace("``", "`").split(), *_setters(key)])
    cells = (f"`{'.'.join(key.path)}`", _type(key), _default(key), meaning)
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _setters(key: Key) -> list[str]:
    names = [name for name, path in (*ENVIRONMENT.items(), *FLAGS.items()) if path == key.path]
    return [f"(also {', '.join(f'`{name}`' for name in names)})"] if names else []


def _type(key: Key) -> str:
    words = _word(required(key.field.annotation))
    limits = bounds(key.field)
    optional = get_origin(key.field.annotation) in {Union, UnionType} and NoneType in get_args(key.field.annotation)
    return words + (f", {limits}" if limits else "") + (" or `null`" if optional else "")


def _word(annotation: Any) -> str:
    if get_origin(annotation) is tuple:
        words = _word(get_args(annotation)[0])
        return "list of sections" if words == "section" else f"list of {words}"
    if get_origin(annotation) is dict:
        return f"mapping to {_word(get_args(annotation)[1])}"
    if hasattr(annotation, "__metadata__"):
        return _word(get_args(annotation)[0])
    if issubclass(annotation, Enum):
        return ", ".join(f"`{member.value}`" for member in annotation)
    return {"bool": "boolean", "int": "integer", "str": "text", "float": "number", "Decimal": "number"}.get(
        annotation.__name__, "section"
    )


def _default(key: Key) -> str:
    default = key.field.default
    if default is PydanticUndefined:
        return "required"
    return "" if key.section and default not in {None, ()} else f"`{flow(default)}`"
