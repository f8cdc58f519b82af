"""A value as Python source, as far as a person would write it into an assertion."""

import collections
import dataclasses
import datetime as dt
import decimal
import enum
import fractions
import keyword
import math
import os
import pathlib
import tempfile
import types
import uuid
from collections.abc import Iterator
from itertools import islice
from typing import Any

ITEMS = 24
"""Longest collection that is written out."""
TEXT = 400
"""Longest text that is written out."""
ATTRIBUTES = 8
HELPERS = (
    "collections", "datetime", "decimal", "fractions", "itertools", "math", "operator", "pathlib", "re", "uuid",
    "asyncio",
)  # fmt: skip
"""Modules of the standard library that a test may use by their names."""
_PLACES = tuple(place for place in (os.getcwd(), os.environ.get("HOME", ""), tempfile.gettempdir()) if len(place) > 3)
"""Folders of this machine: what names one is another text elsewhere."""
_TAKEN = {*HELPERS, "pytest", "unittest", "self"}
_PLAIN = (dt.date, dt.time, dt.timedelta, dt.timezone)


class Portrayer:
    """Knows which names of the tested module a test can use."""

    def __init__(self, module: types.ModuleType) -> None:
        self._module = module

    def observe(self, value: Any) -> dict[str, Any]:
        """Return what can be asserted of *value*: ``{"kind": ...}`` and its parts."""
        if isinstance(value, Iterator) and not isinstance(value, (str, bytes)):
            items = list(islice(value, ITEMS + 1))
            whole = len(items) <= ITEMS
            source = self.source(items if whole else items[:5])
            return {"kind": "iterator", "whole": whole, "src": source} if source is not None else {"kind": "opaque"}
        source = self.source(value)
        if source is not None:
            return (
                {"kind": "nan"} if source == 'float("nan")' else {"kind": "value", "src": source, "type": _type(value)}
            )
        checks = self._checks(value)
        return (
            {"kind": "object", "type": _type(value), "checks": checks}
            if checks
            else {"kind": "opaque", "type": _type(value)}
        )

    def source(self, value: Any, depth: int = 0) -> str | None:
        """Return source that evaluates to an equal value, ``None`` where there is none."""
        kind = type(value)
        if value is None or kind in {bool, int}:
            return repr(value) if kind is not int or value.bit_length() <= 256 else None
        if kind is float:
            return repr(value) if math.isfinite(value) else f'float("{value}")'
        if kind is complex:
            return repr(value)
        if kind is str and any(place in value for place in _PLACES):
            return None
        if kind in {str, bytes, bytearray}:
            return repr(value) if len(value) <= TEXT and not (kind is str and " at 0x" in value) else None
        if isinstance(value, enum.Enum):
            return self._enum(value)
        if kind in {decimal.Decimal, fractions.Fraction, uuid.UUID}:
            return f"{kind.__module__}.{value!r}"
        if kind in {pathlib.PurePosixPath, pathlib.PosixPath} and self.source(str(value)) is not None:
            return f"pathlib.{value!r}"
        if isinstance(value, _PLAIN) and kind.__module__ == "datetime":
            return repr(value)
        if isinstance(value, (types.FunctionType, type, types.BuiltinFunctionType)):
            return self._named(value)
        if depth < 5 and (_of_class(kind, "__dataclass_fields__", dict) or _of_class(kind, "_fields", tuple)):
            record = self._record(value, depth)
            if record is not None:
                return record
        return self._collection(value, depth) if depth < 5 else None

    def _record(self, value: Any, depth: int) -> str | None:
        """Write a record (data class, named tuple) of the module as the call that makes an equal one."""
        cls = type(value)
        if not self._known(cls) or not any("__eq__" in vars(base) for base in cls.__mro__[:-1]):
            return None
        fields = _fields(cls)
        places = [name for name, _, by_place in fields if by_place][:3]
        parts: list[str] = []
        placed: list[Any] = []
        named: dict[str, Any] = {}
        for name, default, _ in fields:
            text = self.source(getattr(value, name), depth + 1)
            if text is None:
                return None
            if default == text:
                continue
            if not named and places[len(parts) : len(parts) + 1] == [name]:
                placed.append(getattr(value, name))
                parts.append(text)
            else:
                named[name] = getattr(value, name)
                parts.append(f"{name}={text}")
        try:
            same = cls(*placed, **named) == value
        except Exception:
            return None
        return f"{cls.__name__}({', '.join(parts)})" if same is True else None

    def _known(self, cls: type) -> bool:
        return usable(cls.__name__) and vars(self._module).get(cls.__name__) is cls

    def _enum(self, value: enum.Enum) -> str | None:
        cls = type(value)
        if not self._known(cls) or not value.name:
            return None
        if isinstance(value, enum.Flag) and value.name not in cls.__members__:
            parts = [name for name in value.name.split("|") if name in cls.__members__]
            return " | ".join(f"{cls.__name__}.{name}" for name in parts) if parts else None
        return member_text(cls.__name__, value.name)

    def _named(self, value: Any) -> str | None:
        name = getattr(value, "__name__", "")
        home = getattr(value, "__module__", None)
        if home == "builtins" and "." not in getattr(value, "__qualname__", "."):
            return str(name)
        return str(name) if usable(name) and vars(self._module).get(name) is value else None

    def _collection(self, value: Any, depth: int) -> str | None:
        if isinstance(value, dict):
            return self._mapping(value, depth)
        if not isinstance(value, (list, tuple, set, frozenset, collections.deque, collections.abc.KeysView)):
            return None
        if len(value) > ITEMS:
            return None
        parts = [self.source(item, depth + 1) for item in value]
        if any(part is None for part in parts):
            return None
        texts = [part for part in parts if part is not None]
        if isinstance(value, list):
            return "[" + ", ".join(texts) + "]"
        if isinstance(value, tuple):
            return "(" + ", ".join(texts) + ("," if len(texts) == 1 else "") + ")"
        if isinstance(value, collections.deque):
            return "collections.deque([" + ", ".join(texts) + "])"
        if isinstance(value, frozenset):
            return "frozenset({" + ", ".join(sorted(texts)) + "})" if texts else "frozenset()"
        return "{" + ", ".join(sorted(texts)) + "}" if texts else "set()"

    def _mapping(self, value: dict[Any, Any], depth: int) -> str | None:
        if len(value) > ITEMS:
            return None
        pairs = [(self.source(k, depth + 1), self.source(v, depth + 1)) for k, v in value.items()]
        if any(k is None or v is None for k, v in pairs):
            return None
        return "{" + ", ".join(f"{k}: {v}" for k, v in pairs) + "}"

    def _checks(self, value: Any) -> list[list[str]]:
        """What can be seen of an object: its text and its public data."""
        cls = type(value)
        found: list[list[str]] = []
        names = sorted({n for n in [*dir(cls), *getattr(value, "__dict__", {})] if not n.startswith("_")})
        for name in names:
            if len(found) >= ATTRIBUTES:
                break
            if callable(getattr(cls, name, None)) or _constant(value, name):
                continue
            text = self._quietly(lambda n=name: getattr(value, n))
            if text is not None:
                found.append([f"{{}}.{name}", text])
        if hasattr(cls, "__len__") and len(found) < ATTRIBUTES:
            text = self._quietly(lambda: len(value))
            if text is not None:
                found.append(["len({})", text])
        shown = self._shown(value)
        if not found:
            return shown
        return shown[:1] if shown and len(found) > 1 and _tells(shown[0][1], found) else found

    def _shown(self, value: Any) -> list[list[str]]:
        """What the class itself makes of the object as a text."""
        cls = type(value)
        found: list[list[str]] = []
        for function, special in (("str", "__str__"), ("repr", "__repr__")):
            owner = next((c for c in cls.__mro__ if special in vars(c)), object)
            if owner is object or owner.__module__ == "builtins":
                continue
            text = self._quietly(lambda f=function: str(value) if f == "str" else repr(value))
            if text is not None and "0x" not in text and not any(text == old for _, old in found):
                found.append([f"{function}({{}})", text])
        return found

    def _quietly(self, look: Any) -> str | None:
        try:
            return self.source(look())
        except Exception:
            return None


def _fields(cls: Any) -> list[tuple[str, str | None, bool]]:
    """Return what the constructor takes, with the source of a plain default, and whether it may go by its place."""
    if not _of_class(cls, "__dataclass_fields__", dict):
        return [(name, None, True) for name in cls._fields]
    plain = (bool, int, float, str, type(None))
    return [
        (f.name, repr(f.default) if isinstance(f.default, plain) else None, not getattr(f, "kw_only", False))
        for f in dataclasses.fields(cls)
        if f.init
    ]


def _tells(shown: str, attributes: list[list[str]]) -> bool:
    """Whether the text of an object holds all its *attributes*: then it says the same in one line."""
    texts = [text[1:-1] if text[:1] in {"'", '"'} else text for _, text in attributes]
    left = shown
    for text in sorted((t for t in texts if t not in {"None", "", "False", "[]", "{}", "()"}), key=len, reverse=True):
        if text not in left:
            return False
        left = left.replace(text, " ", 1)
    return True


def _constant(value: Any, name: str) -> bool:
    """Whether *name* is plain data of the class: to write it down would only copy the source."""
    if name in getattr(value, "__dict__", {}):
        return False
    raw = next((vars(c)[name] for c in type(value).__mro__ if name in vars(c)), None)
    return not hasattr(type(raw), "__get__")


def _of_class(cls: type, name: str, kind: type) -> bool:
    """Whether the class itself has *name*: an object may answer to any name."""
    return any(isinstance(vars(base).get(name), kind) for base in cls.__mro__)


def usable(name: str) -> bool:
    """Whether a test can import *name* and mean it: not private, nothing that pytest collects or runs by itself."""
    own = name.lower().startswith(("test", "setup", "teardown", "pytest_"))
    return name.isidentifier() and not name.startswith("_") and name not in _TAKEN and not own


def member_text(owner: str, member: str) -> str:
    """Return the source of a member of an enumeration."""
    plain = member.isidentifier() and not keyword.iskeyword(member)
    return f"{owner}.{member}" if plain else f"{owner}[{member!r}]"


def _type(value: Any) -> str:
    cls = type(value)
    return f"{cls.__module__}.{cls.__qualname__}"
