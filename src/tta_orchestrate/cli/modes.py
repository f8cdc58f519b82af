"""What the Action's step calls: the modes, plugged in. One line per mode in ``MODES``."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from tta_orchestrate.cli.request import RunRequest
from tta_orchestrate.domain.report import Report
from tta_orchestrate.errors import ConfigError, GitError

if TYPE_CHECKING:
    from tta_orchestrate.settings.model import Settings
    from tta_orchestrate.workspace.git import Repository


def configure(request: RunRequest) -> "Settings":
    """Return the settings at the base commit: a change has no say in its own run.

    Raises:
        ConfigError: they are wrong.
        GitError: there is no such commit.
    """
    from tta_orchestrate.cli import options
    from tta_orchestrate.settings.document import ConfigSource
    from tta_orchestrate.settings.loader import load

    with _repository(request) as repository:
        rev = request.base or request.head
        if request.config:
            data = repository.read(rev, request.config)
            if data is None:
                raise ConfigError(
                    f"there is no {request.config!r} in the base commit",
                    remedy="commit the configuration to the base branch, or leave the input `config` empty",
                )
            source: ConfigSource | None = ConfigSource(name=request.config, data=data)
        else:
            source = options.steering_source(lambda path: repository.read(rev, path))
    flags = {"--fail-on": request.fail_on, "--budget-usd": request.budget_usd}
    return load(source, env=request.environ, flags=flags).settings


def run_mode(request: RunRequest, settings: "Settings") -> Report:
    """Run the mode that *request* names and return what came of it.

    Raises:
        OrchestrateError: nothing could be done.
    """
    if request.mode not in MODES:
        raise ConfigError(
            f"mode {request.mode!r} is not part of this version", remedy=f"use one of: {', '.join(MODES)}"
        )
    return MODES[request.mode](request, settings)


def _review(request: RunRequest, settings: "Settings") -> Report:
    from tta_orchestrate.cli.reading import Place
    from tta_orchestrate.cli.reviewing import report_on
    from tta_orchestrate.modes.review import source

    with _repository(request) as repository:
        if request.base:
            base, head = repository.merge_base(request.base, request.head), request.head
        else:
            base, head = repository.range_of(request.head)
        found = source.of_range(repository, base, head)
        subject = replace(
            found.subject, repository=request.repository, server_url=request.server_url, title=request.title
        )
        steering = source.steering(repository, request.base or base)
        return report_on(
            replace(found, subject=subject),
            settings,
            steering,
            Place(environ=request.environ, output=request.output),
            repository=repository,
            only=request.paths,
            known=request.known,
        )


def earlier_heads(request: RunRequest, before: str, limit: int) -> tuple[str, ...]:
    """Return the commits on which a review before this one may have left its state, the most likely first."""
    try:
        with _repository(request) as repository:
            passed = repository.commits_between(request.base, request.head, limit) if request.base else ()
    except GitError:
        passed = ()
    return tuple(dict.fromkeys([*([before] if before else []), *passed]))[:limit]


def _docgen(request: RunRequest, settings: "Settings") -> Report:
    from tta_orchestrate.cli.docgen_action import document

    with _repository(request) as repository:
        return document(request, settings, repository)


def _test_gen(request: RunRequest, settings: "Settings") -> Report:
    from tta_orchestrate.cli.boxes import generate

    with _repository(request) as repository:
        return generate(request, settings, repository)


def _repository(request: RunRequest) -> "Repository":
    from tta_orchestrate.workspace.git import Repository

    return Repository.open(request.objects, request.environ, trust_owner=True)


MODES: Final[Mapping[str, Callable[[RunRequest, "Settings"], Report]]] = {
    "review": _review,
    "test-gen": _test_gen,
    "docgen": _docgen,
}
