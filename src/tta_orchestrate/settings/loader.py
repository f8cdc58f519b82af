"""Reads the configuration: text in, records out. Finding and reading the file is the caller's part."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from tta_orchestrate.settings.document import ConfigSource, Node, compose
from tta_orchestrate.settings.model import Settings
from tta_orchestrate.settings.overrides import Override, apply, overrides, unknown_variables
from tta_orchestrate.settings.places import ROOT
from tta_orchestrate.settings.problem import Mark, Path, Problem, Problems, did_you_mean, refuse
from tta_orchestrate.settings.shape import leaves
from tta_orchestrate.settings.text import dotted, found, printable
from tta_orchestrate.settings.validate import Fault, validate

_REMEDY: Final = "docs/configuration.md lists every key; `tta-orchestrate config init` writes a commented file"


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Where a value came from; ``str`` gives ``flag --scope``, ``FILE:4`` or ``default``."""

    kind: str
    """``flag``, ``environment``, ``file`` or ``default``."""
    name: str = ""
    """The flag, the variable, or the file."""
    line: int | None = None

    def __str__(self) -> str:
        if self.kind == "file":
            return f"{self.name}:{self.line}"
        return f"{self.kind} {self.name}".strip()


DEFAULT: Final = Origin(kind="default")


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """The settings; the origin of each value by dotted path below ``orchestration`` (``executors.0.model``)."""

    settings: Settings
    origins: Mapping[str, Origin]
    warnings: tuple[str, ...] = ()


def load(source: ConfigSource | None, *, env: Mapping[str, str], flags: Mapping[str, object]) -> Loaded:
    """Return what flags, environment, file and defaults say together, in this order of precedence.

    *flags* maps names of ``overrides.FLAGS`` to values. Without a *source* everything has its default.

    Raises:
        ConfigError: with one line for each problem: ``FILE:LINE:COLUMN: KEY: what is wrong``.
    """
    try:
        body = _body(source) if source else None
        over = overrides(env, flags)
        settings = _settled(source, body, over)
    except Problems as error:
        raise refuse(error.problems, remedy=_REMEDY) from None
    origins = {dotted(path): _origin(path, source, body, over) for path, _ in leaves(settings)}
    return Loaded(settings=settings, origins=origins, warnings=tuple(_warnings(settings, env)))


def _body(source: ConfigSource) -> Node:
    """Return the node below ``orchestration``."""
    document = compose(source)
    start = Mark(line=1, column=1)
    if document is None:
        raise Problems([source.problem(start, f"the file is empty; the root key {ROOT} is missing")])
    if not isinstance(document.value, dict):
        message = f"expected a mapping with the root key {ROOT}, found {found(document.plain())}"
        raise Problems([source.problem(document.mark, message)])
    strangers = [key for key in document.value if key != ROOT]
    problems = [source.problem(document.keys[key], _stranger(key, document)) for key in strangers]
    if ROOT not in document.value and not strangers:
        problems.append(source.problem(document.mark, f"the root key {ROOT} is missing"))
    if problems:
        raise Problems(problems)
    return document.value[ROOT]


def _stranger(key: str, document: Node) -> str:
    near = did_you_mean(key, [ROOT])
    if ROOT in document.keys:
        return f"{printable(key)}: unknown key; everything belongs below the root key {ROOT}"
    return f"{printable(key)}: unknown key{near or f'; the root key is {ROOT}'}"


def _settled(source: ConfigSource | None, body: Node | None, over: tuple[Override, ...]) -> Settings:
    """Validate the file, then the overrides, each alone so that each is blamed for its own; then both together."""
    problems: list[Problem] = []
    data: Any = {}
    if source and body:
        data = body.plain()
        placed = [(body.nearest(fault.path), fault) for fault in _faults(data)]
        placed.sort(key=lambda pair: (pair[0].line, pair[0].column))
        problems += [source.problem(mark, _told(fault)) for mark, fault in placed]
    for override in over:
        faults = _faults(apply({}, (override,)))
        problems += [Problem(place=override.origin, message=_told(fault)) for fault in faults]
    if not problems:
        settings = validate(apply(data, over))
        if isinstance(settings, Settings):
            return settings
        problems += [Problem(place="configuration", message=_told(fault)) for fault in settings]
    raise Problems(problems)


def _faults(data: Any) -> tuple[Fault, ...]:
    settings = validate(data)
    return () if isinstance(settings, Settings) else settings


def _told(fault: Fault) -> str:
    return f"{dotted((ROOT, *fault.path))}: {fault.message}"


def _origin(path: Path, source: ConfigSource | None, body: Node | None, over: tuple[Override, ...]) -> Origin:
    for override in reversed(over):
        if path[: len(override.path)] == override.path:
            kind, _, name = override.origin.partition(" ")
            return Origin(kind=kind, name=name)
    if source and body and body.at(path):
        return Origin(kind="file", name=printable(source.name, 200), line=body.nearest(path).line)
    return DEFAULT


def _warnings(settings: Settings, env: Mapping[str, str]) -> Iterator[str]:
    if not settings.enabled:
        yield f"{ROOT}.enabled is false: every run ends at once as skipped"
    yield from unknown_variables(env)
