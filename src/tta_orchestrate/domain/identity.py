"""One finding over many pushes: new, still there, fixed, dismissed.

A fingerprint survives line shifts and rewording. What it does not survive (a model that files the same defect under
another rule, or quotes one line more of it) is matched by place: path, symbol and words.
"""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

from tta_orchestrate.domain.change import Side
from tta_orchestrate.domain.finding import Category, Finding, Severity, State, Suggestion
from tta_orchestrate.domain.redaction import presentable
from tta_orchestrate.errors import ConfigError

HISTORY = "history"
"""The top-level key of ``findings.json`` that holds what the next run needs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PreviousRun:
    """What an earlier ``findings.json`` says."""

    head: str = ""
    basis: str = ""
    """Names models, prompts, guidelines and rules of that run."""
    findings: tuple[Finding, ...] = ()
    """As published: secrets masked."""
    read: frozenset[str] = frozenset()
    """Keys of the segments that models had read."""
    segments: Mapping[str, tuple[str, int]] = field(default_factory=dict)
    """From fingerprint to the key of the segment that it was found in, and its line counted from there."""
    dropped: Mapping[str, str] = field(default_factory=dict)
    """Fingerprints that the judge refused, with its reasons."""
    silenced: tuple[Finding, ...] = ()
    """Not published because somebody said so: dismissed, in the baseline, ignored in the code."""
    dismissed: frozenset[str] = frozenset()

    @property
    def known(self) -> tuple[Finding, ...]:
        """Every finding that has an identity."""
        return (*self.findings, *self.silenced)


@dataclass(frozen=True, slots=True, kw_only=True)
class Identified:
    """The findings with their states, and the earlier ones that are gone."""

    findings: tuple[Finding, ...]
    fixed: tuple[Finding, ...] = ()


def read_previous(data: bytes, name: str) -> PreviousRun:
    """Return the run that wrote *data*, a ``findings.json``; entries that make no sense are passed over.

    Raises:
        ConfigError: it is not such a file at all.
    """
    remedy = "pass the findings.json of an earlier review, or leave --previous out"
    try:
        document = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"{name}: not valid JSON: {error}", remedy=remedy) from None
    if not isinstance(document, dict) or not str(document.get("schema_version", "")).startswith("1."):
        raise ConfigError(f"{name}: not a findings.json of version 1", remedy=remedy)
    history = document.get(HISTORY)
    history = history if isinstance(history, dict) else {}
    subject = document.get("subject")
    return PreviousRun(
        head=str(subject.get("head", "")) if isinstance(subject, dict) else "",
        basis=str(history.get("basis", "")),
        findings=tuple(one for entry in _list(document.get("findings")) if (one := _finding(entry))),
        read=frozenset(key for key in _list(history.get("read")) if isinstance(key, str)),
        segments={fp: at for fp, value in _dict(history.get("segments")).items() if (at := _place(value))},
        dropped={fp: why for fp, why in _dict(history.get("dropped")).items() if isinstance(why, str)},
        silenced=tuple(one for entry in _list(history.get("silenced")) if (one := _finding(entry))),
        dismissed=frozenset(key for key in _list(history.get("dismissed")) if isinstance(key, str)),
    )


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _place(value: Any) -> tuple[str, int] | None:
    match value:
        case [str(key), int(offset)]:
            return key, offset
        case _:
            return None


def _finding(entry: Any) -> Finding | None:
    try:
        return Finding(
            fingerprint=str(entry["fingerprint"]),
            path=str(entry["path"]),
            start_line=int(entry["start_line"]),
            end_line=int(entry["end_line"]),
            side=Side(entry["side"]),
            quote=str(entry["quote"]),
            rule=str(entry["rule"]),
            category=Category(entry["category"]),
            severity=Severity(entry["severity"]),
            source=str(entry["source"]),
            title=str(entry["title"]),
            message=str(entry["message"]),
            confidence=float(entry["confidence"]),
            symbol=str(entry.get("symbol", "")),
            folded=bool(entry.get("folded", False)),
            suggestion=_suggestion(entry.get("suggestion")),
        )
    except (KeyError, TypeError, ValueError, OverflowError, AttributeError):
        return None


def _suggestion(value: Any) -> Suggestion | None:
    if not isinstance(value, dict):
        return None
    return Suggestion(
        start_line=int(value["start_line"]), end_line=int(value["end_line"]), text=str(value.get("text", ""))
    )


def identify(findings: Sequence[Finding], previous: PreviousRun, said_by_model: Callable[[str], bool]) -> Identified:
    """Give each of *findings* its state against *previous*; a reworded one takes its earlier identity back.

    *said_by_model* tells rules that only models claim: tools do not reword.
    """
    left = {one.fingerprint: one for one in previous.known}
    matched: dict[str, Finding] = {}
    for one in findings:
        if one.fingerprint in left:
            matched[one.fingerprint] = left.pop(one.fingerprint)
    for one in findings:
        if one.fingerprint in matched or not said_by_model(one.rule):
            continue
        before = next((old for old in left.values() if _same_cause(one, old)), None)
        if before:
            matched[one.fingerprint] = left.pop(before.fingerprint)
    result = []
    taken: set[str] = set()
    for one in findings:
        before = matched.get(one.fingerprint)
        current = _as_before(one, before) if before else replace(one, state=State.NEW)
        if current.fingerprint not in taken:
            taken.add(current.fingerprint)
            result.append(current)
    return Identified(findings=tuple(result), fixed=tuple(one for one in previous.findings if one.fingerprint in left))


def _as_before(one: Finding, before: Finding) -> Finding:
    """Return *one* under the identity and the rule that readers, baselines and ignores know."""
    return replace(
        one, fingerprint=before.fingerprint, rule=before.rule, category=before.category, state=State.STILL_THERE
    )


def steady(one: Finding, previous: PreviousRun) -> Finding:
    """Return *one* no more severe than it was before, unless its code changed."""
    before = next((old for old in previous.known if old.fingerprint == one.fingerprint), None)
    if before is None or words(presentable(one).quote) != words(before.quote) or before.severity.at_least(one.severity):
        return one
    return replace(one, severity=before.severity)


def _same_cause(one: Finding, old: Finding) -> bool:
    """Same path, side and symbol, and the same words, or words in common and the same kind of harm."""
    if (one.path, one.side, one.symbol) != (old.path, old.side, old.symbol):
        return False
    mine, theirs = presentable(one).quote, old.quote
    if words(mine) == words(theirs):
        return True
    return one.category is old.category and bool(_telling(mine) & _telling(theirs))


def words(quote: str) -> str:
    """Return *quote* without regard to white space."""
    return " ".join(quote.split())


_TELLING = 8
"""Characters from which a line says something; shorter ones (``}``, ``else:``) stand everywhere."""


def _telling(quote: str) -> set[str]:
    return {line for raw in quote.split("\n") if len(line := words(raw)) >= _TELLING}


def as_json(one: Finding) -> dict[str, Any]:
    """Return *one* as the history keeps it, secrets masked; ``read_previous`` reads it."""
    shown = presentable(one)
    kept = {name: getattr(shown, name) for name in _KEPT}
    fix = shown.suggestion
    return {
        **{name: value.value if isinstance(value, StrEnum) else value for name, value in kept.items()},
        "suggestion": fix and {"start_line": fix.start_line, "end_line": fix.end_line, "text": fix.text},
    }


_KEPT = ("fingerprint", "path", "start_line", "end_line", "side", "quote", "rule", "category", "severity", "source",
         "title", "message", "confidence", "symbol", "folded")  # fmt: skip


def dismissals(previous: PreviousRun | None, resolved: Iterable[str]) -> frozenset[str]:
    """Return the fingerprints that somebody dismissed, now or in an earlier run."""
    return frozenset(resolved) | (previous.dismissed if previous else frozenset())
