"""``tta-orchestrate models``: the catalogue with prices, and what this configuration would use with these keys."""

import os
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from tta_orchestrate.cli import options

if TYPE_CHECKING:
    from tta_orchestrate.engine.catalogue import Model
    from tta_orchestrate.engine.prices import PriceBook
    from tta_orchestrate.settings.model import Settings


def models(
    config: options.Config = None,
    check: Annotated[
        bool, typer.Option("--check", help="Exit 1 when a model that this configuration names retires within 30 days.")
    ] = False,
) -> int:
    """Show the catalogue with prices, retirement dates, and what this configuration would use.

    Nothing is sent and no key is shown; prices are the dated ones of the installed `genai-prices`.
    """
    settings = options.settings(options.config_source(config)).settings
    now = datetime.now(UTC)
    for line in _catalogue(settings, now):
        print(line)
    print()
    warnings = 0
    for line, is_warning in _configured(settings, now):
        print(line)
        warnings += is_warning
    return 1 if check and warnings else 0


def _catalogue(settings: "Settings", now: datetime) -> Iterator[str]:
    from tta_orchestrate.cli.wiring import price_book
    from tta_orchestrate.engine import catalogue
    from tta_orchestrate.engine.prices import price_data

    known = catalogue.load()
    book = price_book(settings)
    yield f"Catalogue {known.version}; {price_data()}; US dollars per million tokens."
    yield f"{'model':28}{'provider':18}{'tier':8}{'input':>9}{'output':>9}{'context':>11}  remarks"
    for model in sorted(known.models.values(), key=lambda model: (model.provider, model.name)):
        fresh, written = _per_million(book, model, now)
        yield (
            f"{model.name:28}{model.provider:18}{model.tier:8}{fresh:>9}{written:>9}{model.context_tokens:>11,}"
            f"  {_remarks(model, now)}"
        ).rstrip()


def _per_million(book: "PriceBook", model: "Model", now: datetime) -> tuple[str, str]:
    from tta_orchestrate.domain.cost import Usage, usd
    from tta_orchestrate.engine.failures import CallFailure

    short = 1000  # some prices rise with the length of the prompt: this is the entry price
    try:
        fresh = book.price(model.provider, model.name, Usage(input_tokens=short), now)
        written = book.price(model.provider, model.name, Usage(output_tokens=short), now)
    except CallFailure:
        return "unpriced", "unpriced"
    return usd(type(fresh)(fresh * 1000)), usd(type(written)(written * 1000))


def _remarks(model: "Model", now: datetime) -> str:
    remarks = [f"also {', '.join(model.aliases)}"] if model.aliases else []
    if model.free_tier:
        remarks.append("has a free tier")
    if model.retires_on is not None:
        word = "retired" if now.date() >= model.retires_on else "retires"
        remarks.append(f"{word} {model.retires_on}, then {model.successor or 'nothing'}")
    return "; ".join(remarks)


def _configured(settings: "Settings", now: datetime) -> Iterator[tuple[str, bool]]:
    """Yield the lines about this configuration, and whether each is a warning about a retirement."""
    from tta_orchestrate.cli.wiring import roster
    from tta_orchestrate.engine import catalogue
    from tta_orchestrate.ports.model import UseCase

    present = roster(settings, os.environ)
    team = present.team()
    yield "This configuration would use, with the keys of this environment:", False
    if not (team.executors or team.fallbacks or team.orchestrator):
        yield "  no model: everything is done by the local tools (no key is set, or `enabled` is false)", False
    for candidate in team.executors:
        kinds = ", ".join(use_case.value for use_case in candidate.use_cases) or "everything"
        free = ", free" if candidate.free else ""
        yield f"  executor      {candidate.model} at {candidate.provider} for {kinds}{free}", False
    for candidate in team.fallbacks:
        yield f"  fallback      {candidate.model} at {candidate.provider}", False
    if team.orchestrator:
        yield f"  orchestrator  {team.orchestrator.model} at {team.orchestrator.provider}", False
    from tta_orchestrate.engine.routing import route

    for use_case in UseCase if team.executors else ():
        chain = " -> ".join(candidate.model for candidate in route(team, use_case))
        yield f"  {use_case.value:14}{chain}", False
    retiring = [
        warning
        for name in dict.fromkeys(
            [settings.orchestrator.model, *(e.model for e in settings.executors), *settings.fallback_strategy.models]
        )
        for warning in catalogue.load().resolve(name, now.date()).warnings
    ]
    for warning in dict.fromkeys([*retiring, *present.warnings]):
        yield f"warning: {warning}", warning in retiring
