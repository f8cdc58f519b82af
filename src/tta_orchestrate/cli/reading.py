"""What a review with models needs beyond the change: an engine, guidelines, a memory, the review before."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from tta_orchestrate.errors import ConfigError

if TYPE_CHECKING:
    from tta_orchestrate.domain.change import Change
    from tta_orchestrate.domain.identity import PreviousRun
    from tta_orchestrate.modes.review.guidelines import Guidelines
    from tta_orchestrate.modes.review.request import ReviewRequest
    from tta_orchestrate.ports.model import Engine
    from tta_orchestrate.settings.model import Settings
    from tta_orchestrate.workspace.git import Repository


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a review with models happens."""

    environ: Mapping[str, str]
    """Where the keys are."""
    output: Path
    """The results folder: the journal lies there, and a run on the same inputs goes on from it."""
    cache_dir: Path | None = None
    """What models have read is remembered here; None: as ``calls.cache_dir`` says."""
    private: bool | None = None
    """Whether the repository is private; None when nobody knows."""
    part: str = ""
    """Which part of the change it is, when several jobs share it."""


def with_models(
    request: "ReviewRequest",
    settings: "Settings",
    repository: "Repository | None",
    place: Place,
    engine: "Engine",
) -> "ReviewRequest":
    """Return *request* with *engine*, and all that its models are told besides the change."""
    from tta_orchestrate.modes.review import configured
    from tta_orchestrate.modes.review.callers import callers
    from tta_orchestrate.modes.review.memory import Nothing
    from tta_orchestrate.workspace.shelf import Shelf

    if not engine.has_executor:
        return replace(request, engine=engine)
    known = _guidelines(request, settings, repository)
    shelf = place.cache_dir or (Path(settings.calls.cache_dir) if settings.calls.cache_dir else None)
    head = request.change.head
    search = callers(lambda names, suffixes: repository.uses(head, names, suffixes)) if repository and head else None
    return replace(
        request,
        engine=engine,
        options=configured.options(settings, known, Shelf(shelf) if shelf else Nothing(), search),
        notices=(*request.notices, *known.notices),
    )


def identity(change: "Change") -> str:
    """Return what the review is about, in one word: two equal changes give the same."""
    from tta_orchestrate.domain.diff import render

    seen = hashlib.sha256(b"review\0")
    for line in render(change.files):
        seen.update(line)
    return seen.hexdigest()


def _guidelines(request: "ReviewRequest", settings: "Settings", repository: "Repository | None") -> "Guidelines":
    from tta_orchestrate.modes.review.guidelines import Guidelines, collect

    base = request.change.base
    if repository is None or not base or not settings.review.guidelines.enabled:
        return Guidelines()
    return collect(
        repository.list_files(base),
        lambda path: repository.read(base, path),
        [file.path for file in request.change.files],
        settings.review.guidelines.max_tokens,
    )


def previous_run(path: Path | None) -> "PreviousRun | None":
    """Return the review before this one from its ``findings.json``.

    Raises:
        ConfigError: the file cannot be read, or is no such report.
    """
    from tta_orchestrate.domain.identity import read_previous

    if path is None:
        return None
    try:
        return read_previous(path.read_bytes(), str(path))
    except OSError as error:
        remedy = "check the path after --previous"
        raise ConfigError(f"the report {str(path)!r} cannot be read: {error.strerror}", remedy=remedy) from error
