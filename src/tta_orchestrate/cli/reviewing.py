"""From a source and settings to the report of a review: the same for the command, the Action and pull requests."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from tta_orchestrate.errors import ConfigError

if TYPE_CHECKING:
    from tta_orchestrate.cli.earlier import Known
    from tta_orchestrate.cli.reading import Place
    from tta_orchestrate.domain.finding import Candidate, Rejected
    from tta_orchestrate.domain.report import Report
    from tta_orchestrate.modes.review.request import ReviewRequest
    from tta_orchestrate.modes.review.source import Source
    from tta_orchestrate.ports import Check
    from tta_orchestrate.ports.model import Engine
    from tta_orchestrate.settings.model import Settings
    from tta_orchestrate.workspace.git import Repository

Steering = Callable[[str], bytes | None]
"""From a path to the file that may steer the run."""


def request_for(
    source: "Source", settings: "Settings", steering: Steering, only: tuple[str, ...], sarif: Sequence[Path]
) -> "ReviewRequest":
    """Return what one review needs to know, but for its models; *sarif* are other tools' results."""
    from tta_orchestrate.domain.baseline import read_baseline
    from tta_orchestrate.domain.skips import Skipper
    from tta_orchestrate.modes.review import configured
    from tta_orchestrate.modes.review.request import ReviewRequest

    accepted = steering(settings.review.baseline)
    imported, refused = _imported(sarif)
    return ReviewRequest(
        change=source.change,
        skipper=Skipper(configured.skip_rules(settings.review, only), source.attributes),
        checks=_checks(settings),
        policy=configured.policy(
            settings.review, read_baseline(accepted, settings.review.baseline) if accepted else frozenset()
        ),
        scope=settings.review.scope,
        on_partial=settings.review.on_partial,
        read_head=source.read_head,
        read_base=source.read_base,
        imported=imported,
        refused=refused,
        subject=source.subject,
    )


def report_on(
    source: "Source",
    settings: "Settings",
    steering: Steering,
    place: "Place",
    *,
    repository: "Repository | None" = None,
    only: tuple[str, ...] = (),
    known: "Known | None" = None,
) -> "Report":
    """Return the review of *source*, with models where *place* has a key; *steering* reads what steers the run."""
    request = request_for(source, settings, steering, only, ())
    if known is not None:
        request = replace(request, previous=known.previous, said=known.said, dismissed=known.dismissed)
    return run(request, settings, repository, place)


def run(
    request: "ReviewRequest",
    settings: "Settings",
    repository: "Repository | None",
    place: "Place",
) -> "Report":
    """Do what *request* asks for, with the models that *settings* name and *place* has keys for.

    Money is set aside in the books across runs before the first of them is asked, and settled at the end.
    """
    from tta_orchestrate.cli import reading
    from tta_orchestrate.cli.paid_work import paid_work
    from tta_orchestrate.cli.progress import progress
    from tta_orchestrate.modes.review.run import review

    if repository is not None:
        request = replace(request, is_ancestor=repository.is_ancestor)

    def work(engine: "Engine | None") -> "Report":
        asked = reading.with_models(request, settings, repository, place, engine) if engine else request
        with progress() as tell:
            return review(asked, tell)

    return paid_work(
        settings,
        place.environ,
        mode="review",
        output=place.output,
        run_key=reading.identity(request.change),
        work=work,
        subject=request.subject,
        private=place.private,
        part=place.part,
    )


def _checks(settings: "Settings") -> "tuple[Check, ...]":
    from tta_orchestrate import registry
    from tta_orchestrate.modes.review import custom_rules

    off = {name.replace("-", "_") for name in settings.review.checks.disable}
    shipped = tuple(registry.load("checks", name) for name in registry.names("checks") if name not in off)
    return (*shipped, *custom_rules.checks(settings.review.custom_rules))


def _imported(files: Sequence[Path]) -> "tuple[list[Candidate], list[Rejected]]":
    from tta_orchestrate.domain.sarif import read_sarif

    candidates: list[Candidate] = []
    rejected: list[Rejected] = []
    for file in files:
        try:
            data = file.read_bytes()
        except OSError as error:
            raise ConfigError(
                f"the SARIF file {str(file)!r} cannot be read: {error.strerror}",
                remedy="check the path after --sarif-in",
            ) from error
        reading = read_sarif(data, name=str(file), roots=(str(Path.cwd()),))
        candidates += reading.candidates
        rejected += reading.rejected
    return candidates, rejected
