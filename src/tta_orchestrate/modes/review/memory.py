"""What was read and judged before, by content: an unchanged hunk is never paid for twice.

What comes out of a store is no more trusted than a model's answer: every claim passes the evidence gate again.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final, Protocol

from tta_orchestrate.domain.change import Side
from tta_orchestrate.domain.finding import Candidate, Category, Severity, Suggestion

Json = Any


class Store(Protocol):
    """Small JSON values by key; a value that is lost or broken is simply not there."""

    def get(self, key: str) -> Json | None:
        """Return what was put under *key*, ``None`` when there is nothing."""
        ...

    def put(self, key: str, value: Json) -> None:
        """Keep *value*."""
        ...


class Nothing:
    """The store of a run without a memory."""

    def get(self, key: str) -> Json | None:  # noqa: ARG002
        """Return ``None``."""
        return None

    def put(self, key: str, value: Json) -> None:
        """Forget *value*."""


_TEXTS: Final = ("quote", "rule", "source", "title", "message")


def stored(candidate: Candidate, base: int) -> dict[str, Json]:
    """Return *candidate*, which quotes shown lines, as JSON with its lines counted from *base*."""
    fix = candidate.suggestion
    return {
        **{name: getattr(candidate, name) for name in _TEXTS},
        "offset": candidate.start_line - base,
        "length": candidate.end_line - candidate.start_line,
        "side": candidate.side.value,
        "category": candidate.category.value,
        "severity": candidate.severity.value,
        "confidence": candidate.confidence,
        "suggestion": fix.text if fix else None,
    }


def recalled(value: Json, path: str, bases: Mapping[Side, int]) -> Candidate | None:
    """Return the candidate that :func:`stored` wrote, ``None`` when *value* is nothing of the kind."""
    try:
        side = Side(value["side"])
        start = bases[side] + int(value["offset"])
        candidate = Candidate(
            path=path,
            start_line=start,
            end_line=start + int(value["length"]),
            side=side,
            category=Category(value["category"]),
            severity=Severity(value["severity"]),
            confidence=min(1.0, max(0.0, float(value["confidence"]))),
            quote=str(value["quote"]),
            rule=str(value["rule"]),
            source=str(value["source"]),
            title=str(value["title"]),
            message=str(value["message"]),
        )
        fix = value["suggestion"]
    except (KeyError, TypeError, ValueError, OverflowError):
        return None
    if not isinstance(fix, str):
        return candidate
    return replace(candidate, suggestion=Suggestion(start_line=start, end_line=candidate.end_line, text=fix))
