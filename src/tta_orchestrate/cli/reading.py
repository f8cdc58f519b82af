"""What a review with models needs beyond the change: an engine, guidelines, a memory, the review before."""

from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from tta_orchestrate.errors import ConfigError

if TYPE_CHECKING:
    from tta_orchestrate.domain.identity import PreviousRun
    from tta_orchestrate.modes.review.guidelines import Guidelines
    from tta_orchestrate.modes.review.request import ReviewRequest
    from tta_orchestrate.ports.spending import Spending
    from tta_orchestrate.settings.model import Settings
    from tta_orchestrate.workspace.git import Repository


def with_models(
    request: "ReviewRequest",
    settings: "Settings",
    repository: "Repository | None",
    environ: Mapping[str, str],
    cache_dir: Path | None,
    stack: ExitStack,
    spending: "Spending | None" = None,
) -> "ReviewRequest":
    """Return *request* with an engine, whose models need keys in *environ*; *stack* closes it."""
    from tta_orchestrate.cli.wiring import Surroundings, build_engine
    from tta_orchestrate.modes.review import configured
    from tta_orchestrate.modes.review.callers import callers
    from tta_orchestrate.modes.review.memory import Nothing
    from tta_orchestrate.workspace.shelf import Shelf

    engine = build_engine(settings, environ, Surroundings(spending=spending))
    stack.callback(engine.close)
    if repository is not None:
        request = replace(request, is_ancestor=repository.is_ancestor)
    if not engine.has_executor:
        return replace(request, engine=engine)
    engine.warm()
    known = _guidelines(request, settings, repository)
    place = cache_dir or (Path(settings.calls.cache_dir) if settings.calls.cache_dir else None)
    head = request.change.head
    search = callers(lambda names, suffixes: repository.uses(head, names, suffixes)) if repository and head else None
    return replace(
        request,
        engine=engine,
        options=configured.options(settings, known, Shelf(place) if place else Nothing(), search),
        notices=(*request.notices, *known.notices),
    )


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
