"""Values from outside the file: five environment variables, and the flags that set a key. Flags win."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum
from pathlib import PurePath
from typing import Any, Final

from tta_orchestrate.settings.problem import Path, Problem, Problems, did_you_mean
from tta_orchestrate.settings.scalars import resolve
from tta_orchestrate.settings.shape import type_at
from tta_orchestrate.settings.text import found, printable

ENVIRONMENT: Final[Mapping[str, Path]] = {
    "TTA_ORCHESTRATION_ENABLED": ("enabled",),
    "TTA_PREFER_FREE_MODELS": ("prefer_free_models",),
    "TTA_QUALITY_THRESHOLD": ("quality_threshold",),
    "TTA_ORCHESTRATOR_MODEL": ("orchestrator", "model"),
    "TTA_BUDGET_LIMIT_USD": ("cost_tracking", "budget_limit_usd"),
}
FLAGS: Final[Mapping[str, Path]] = {
    "--fail-on": ("review", "fail_on", "severity"),
    "--scope": ("review", "scope"),
    "--min-severity": ("review", "min_severity"),
    "--on-partial": ("review", "on_partial"),
    "--baseline": ("review", "baseline"),
    "--budget-usd": ("cost_tracking", "run_limit_usd"),
}
"""A command that offers one of these passes ``{"--scope": value}`` to ``load``; None means not given."""

NEVER: Final = "never"
"""``--fail-on never`` makes the review advisory whatever the file says."""

_NUMBERS: Final = (int, float, Decimal)
_WORDS: Final = {
    **dict.fromkeys(("true", "1", "yes", "on"), True),
    **dict.fromkeys(("false", "0", "no", "off"), False),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Override:
    """One value for one key, and who says so (``flag --scope``, ``environment TTA_QUALITY_THRESHOLD``)."""

    origin: str
    path: Path
    value: Any


def overrides(env: Mapping[str, str], flags: Mapping[str, object]) -> tuple[Override, ...]:
    """Return what *env* and *flags* set, the strongest last; an empty variable is unset, a flag that is None not given.

    Raises:
        Problems: a variable that must be true or false is neither.
    """
    problems: list[Problem] = []
    found_here = [*_from_env(env, problems), *_from_flags(flags)]
    if problems:
        raise Problems(problems)
    return tuple(found_here)


def unknown_variables(env: Mapping[str, str]) -> Iterator[str]:
    """Yield a warning for every variable that looks like a misspelt override, and would be ignored in silence."""
    for name in sorted(env):
        if name.startswith("TTA_") and name not in ENVIRONMENT:
            near = did_you_mean(name, ENVIRONMENT, cutoff=0.85)
            if near:
                yield f"environment {printable(name)} is not read{near}"


def apply(data: Any, found_here: tuple[Override, ...]) -> Any:
    """Return a copy of *data* in which every override stands at its path."""
    for override in found_here:
        data = _put(data, override.path, override.value)
    return data


def _from_env(env: Mapping[str, str], problems: list[Problem]) -> Iterator[Override]:
    for name, path in ENVIRONMENT.items():
        text = env.get(name, "").strip()
        if not text:
            continue
        try:
            text.encode("utf-8")
            yield Override(origin=f"environment {name}", path=path, value=_read(text, type_at(path)))
        except UnicodeEncodeError:
            problems.append(Problem(place=f"environment {name}", message=f"is not UTF-8, found {found(text)}"))
        except ValueError as error:
            problems.append(Problem(place=f"environment {name}", message=str(error)))


def _from_flags(flags: Mapping[str, object]) -> Iterator[Override]:
    for name, value in flags.items():
        path = FLAGS[name]
        if value is None:
            continue
        plain = _plain(value)
        if isinstance(plain, str) and type_at(path) in _NUMBERS:
            plain = resolve(plain)
        if name == "--fail-on" and plain == NEVER:
            path, plain = path[:-1], None
        yield Override(origin=f"flag {name}", path=path, value=plain)


def _plain(value: object) -> object:
    """Return what a file would say for *value* of a flag."""
    match value:
        case Enum():
            return value.value
        case float():
            return Decimal(repr(value))
        case PurePath():
            return value.as_posix().encode("utf-8", "surrogateescape").decode("utf-8", "replace")
        case str():
            return value.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
        case _:
            return value


def _read(text: str, annotation: Any) -> Any:
    if annotation is bool:
        if text.lower() not in _WORDS:
            raise ValueError(f"expected true or false, found {found(text)}")
        return _WORDS[text.lower()]
    return resolve(text) if annotation in _NUMBERS else text


def _put(data: Any, path: Path, value: Any) -> Any:
    if not path:
        return value
    entries = data if isinstance(data, dict) else {}
    head, *rest = path
    return {**entries, head: _put(entries.get(head), tuple(rest), value)}
