"""Which models are asked, in which order: pure functions of the task's measured size and the configuration."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from tta_orchestrate.ports.model import Provider, UseCase


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """One configured model, ready to be asked."""

    model: str
    """As sent on the wire."""
    provider: str
    door: Callable[[], Provider]
    """Makes the provider on first use: the SDK loads only when it is needed."""
    role: str
    """``executor`` or ``orchestrator``."""
    use_cases: tuple[UseCase, ...] = ()
    free: bool = False
    """Its calls cost no cash."""
    context_tokens: int = 0
    """0: not known."""
    output_tokens: int = 0

    @property
    def identity(self) -> tuple[str, str]:
        """Provider and model: the same pair is asked once per task."""
        return self.provider, self.model


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """What can be measured of a piece of work before anybody reads it."""

    lines: int = 0
    """Changed or documented lines."""
    files: int = 1
    branches: int = 0
    """Decision points: ``if``, loops, handlers, boolean operators …"""
    languages: int = 1
    touches_risk: bool = False
    """Authentication, cryptography, money, concurrency, migrations: by path or imports."""


_EXPERT: Final = 400
_COMPLEX: Final = 150
_MODERATE: Final = 25


def use_case(size: Size) -> UseCase:
    """Return how demanding work of *size* is: never from words in a description, which its author chooses."""
    weight = size.lines + 20 * (size.files - 1) + 4 * size.branches + 40 * (size.languages - 1)
    if size.touches_risk:
        weight = max(2 * weight, _MODERATE)
    if weight >= _EXPERT:
        return UseCase.EXPERT
    if weight >= _COMPLEX:
        return UseCase.COMPLEX
    return UseCase.MODERATE if weight >= _MODERATE else UseCase.SIMPLE


@dataclass(frozen=True, slots=True, kw_only=True)
class Team:
    """All models of a configuration."""

    executors: Sequence[Candidate] = ()
    fallbacks: Sequence[Candidate] = ()
    orchestrator: Candidate | None = None
    prefer_free: bool = True

    @property
    def is_empty(self) -> bool:
        """Whether there is nobody to ask."""
        return not (self.executors or self.fallbacks or self.orchestrator)


def route(team: Team, wanted: UseCase) -> tuple[Candidate, ...]:
    """Return who is asked for bulk work, in order.

    Executors made for *wanted*, else those made for everything, else all; free ones first when that is preferred; then
    the fallback chain; the orchestrator last, as the escalation.
    """
    made_for = [e for e in team.executors if wanted in e.use_cases]
    for_all = [e for e in team.executors if not e.use_cases]
    chosen = (made_for + for_all) or list(team.executors)
    if team.prefer_free:
        chosen.sort(key=lambda candidate: not candidate.free)
    last = [team.orchestrator] if team.orchestrator else []
    strong = {candidate.identity for candidate in last}
    chain = [*chosen, *(f for f in team.fallbacks if f.identity not in strong), *last]
    return tuple({candidate.identity: candidate for candidate in reversed(chain)}.values())[::-1]
