"""What the model says about a path: its type, its neighbours, whether it acts. All lists of keys come from here."""

from collections.abc import Iterator
from dataclasses import dataclass
from types import NoneType, UnionType
from typing import Any, Final, TypeGuard, Union, get_args, get_origin

from pydantic.fields import FieldInfo

from tta_orchestrate.settings.model import Settings
from tta_orchestrate.settings.problem import Path
from tta_orchestrate.settings.section import Section

_LIMITS: Final = {"ge": "at least", "gt": "more than", "le": "at most", "lt": "less than"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """One key of the model; lists of sections appear as one level with ``[]`` in the path."""

    path: tuple[str, ...]
    field: FieldInfo
    section: type[Section] | None
    """The section that the key opens, if it opens one."""


def is_section(annotation: Any) -> TypeGuard[type[Section]]:
    """Whether *annotation* is a section of the configuration."""
    return isinstance(annotation, type) and issubclass(annotation, Section)


def required(annotation: Any) -> Any:
    """Return ``X`` for ``X | None``."""
    if get_origin(annotation) in {Union, UnionType}:
        members = [member for member in get_args(annotation) if member is not NoneType]
        return members[0] if len(members) == 1 else annotation
    return annotation


def inside(annotation: Any, part: str | int) -> Any:
    """Return the type of the child *part* of a value of type *annotation*; None when it has no such child."""
    bare = required(annotation)
    if is_section(bare):
        field = bare.model_fields.get(str(part))
        return field.annotation if field else None
    arguments = get_args(bare)
    if get_origin(bare) is dict:
        return arguments[1]
    return arguments[0] if get_origin(bare) in {tuple, list, frozenset, set} else None


def type_at(path: Path) -> Any:
    """Return the type of the setting at *path* (below ``orchestration``); None when there is no such key."""
    annotation: Any = Settings
    for part in path:
        annotation = inside(annotation, part)
    return required(annotation)


def field_at(path: Path) -> FieldInfo | None:
    """Return the definition of the key at *path*; None for list elements and unknown keys."""
    parent = type_at(path[:-1]) if path else None
    return parent.model_fields.get(str(path[-1])) if is_section(parent) else None


def bounds(field: FieldInfo | None) -> str:
    """Return the range of a number: ``0..1``, ``at least 80``; empty when it has none."""
    limits = {
        name: getattr(rule, name)
        for rule in (field.metadata if field else ())
        for name in _LIMITS
        if hasattr(rule, name)
    }
    if "ge" in limits and "le" in limits:
        return f"within {limits['ge']}..{limits['le']}"
    return " and ".join(f"{_LIMITS[name]} {value}" for name, value in limits.items())


def keys_at(path: Path) -> tuple[str, ...]:
    """Return the valid keys of the section at *path*."""
    annotation = type_at(path)
    return tuple(annotation.model_fields) if is_section(annotation) else ()


def walk(section: type[Section] = Settings, prefix: tuple[str, ...] = ()) -> Iterator[Key]:
    """Yield every key of the model, a section before its own keys."""
    for name, field in section.model_fields.items():
        path = (*prefix, name)
        bare = required(field.annotation)
        many = get_origin(bare) is tuple
        child = get_args(bare)[0] if many else bare
        inner = child if is_section(child) else None
        yield Key(path=path, field=field, section=inner)
        if inner:
            yield from walk(inner, (*prefix, f"{name}[]") if many else path)


def not_yet_acting() -> tuple[str, ...]:
    """Return the keys that carry the marker ``NOT_YET_ACTING``, in the order of the model."""
    extras = ((key, key.field.json_schema_extra) for key in walk())
    marked = (key for key, extra in extras if isinstance(extra, dict) and extra.get("acting") is False)
    return tuple(".".join(("orchestration", *key.path)) for key in marked)


def leaves(value: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """Yield every value of a settings record that is not itself made of values; an empty list or mapping is a leaf."""
    if isinstance(value, Section):
        children: list[tuple[str | int, Any]] = [(name, getattr(value, name)) for name in type(value).model_fields]
    elif isinstance(value, dict):
        children = list(value.items())
    elif isinstance(value, tuple | list):
        children = list(enumerate(value))
    else:
        children = []
    if children:
        for part, child in children:
            yield from leaves(child, (*path, part))
    elif not isinstance(value, Section):
        yield path, value
