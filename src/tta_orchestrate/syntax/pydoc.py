"""Python docstrings: google, numpy or sphinx style, told apart by griffe."""

import textwrap
import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from tta_orchestrate.domain.symbol import Doc, DocField

if TYPE_CHECKING:
    import griffe


def parse_docstring(docstring: "griffe.Docstring") -> Doc:
    """Return the parts of *docstring*; one that griffe cannot take apart stays one text."""
    import griffe

    text = docstring.value
    if not any(mark in text for mark in (":", "---", "===")):
        return Doc(text=text)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            sections = docstring.parse(griffe.Parser.auto)
    except (AttributeError, IndexError, KeyError, RecursionError, TypeError, ValueError):
        return Doc(text=text)
    return _assemble(sections)


def _assemble(sections: Sequence[Any]) -> Doc:
    texts: list[str] = []
    fields: dict[str, list[DocField]] = {"parameters": [], "returns": [], "raises": []}
    examples: list[str] = []
    notes: list[tuple[str, str]] = []
    deprecated = ""
    for section in sections:
        kind = section.kind.value
        match kind:
            case "text":
                texts.append(section.value)
            case "parameters" | "other parameters":
                fields["parameters"] += [_field(item) for item in section.value]
            case "returns" | "yields":
                fields["returns"] += [_field(item) for item in section.value]
            case "raises":
                fields["raises"] += [_field(item) for item in section.value]
            case "examples":
                examples += [value for _, value in section.value if value.strip()]
            case "deprecated":
                deprecated = _text(section.value.description) or str(section.value.version or "yes")
            case "admonition":
                notes.append((section.title or section.value.kind, _text(section.value.contents)))
            case _:
                notes += _listed(kind, section)
    return Doc(
        text="\n\n".join(texts),
        parameters=tuple(fields["parameters"]),
        returns=tuple(fields["returns"]),
        raises=tuple(fields["raises"]),
        examples=tuple(examples),
        notes=tuple(notes),
        deprecated=deprecated,
    )


def _field(item: Any) -> DocField:
    annotation = getattr(item, "annotation", None)
    name = getattr(item, "name", "") or ""
    return DocField(
        name=name.lstrip("*"),
        type="" if annotation is None else " ".join(str(annotation).split()),
        text=_text(item.description),
    )


def _text(value: Any) -> str:
    return textwrap.dedent(str(value or "")).strip("\n")


def _listed(kind: str, section: Any) -> list[tuple[str, str]]:
    if not isinstance(section.value, list):
        return []
    title = section.title or kind.capitalize()
    lines = [
        f"- ``{getattr(i, 'name', '') or getattr(i, 'annotation', '')}``: {_text(i.description)}" for i in section.value
    ]
    return [(title, "\n".join(line.replace("\n", "\n  ") for line in lines))]
