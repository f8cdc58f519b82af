"""The result of a run: one frozen record that every sink renders."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from tta_orchestrate.domain.cost import CostReport
from tta_orchestrate.domain.finding import Finding, Rejected
from tta_orchestrate.domain.outcome import Verdict


class SkipReason(StrEnum):
    """Why a file, or one check of a file, was left out on purpose."""

    BINARY = "binary"
    SUBMODULE = "submodule"
    SYMLINK = "symlink"
    DELETED = "deleted"
    NO_TEXT_CHANGE = "no-text-change"
    LOCK_FILE = "lock-file"
    GENERATED = "generated"
    VENDORED = "vendored"
    MINIFIED = "minified"
    TOO_LARGE = "too-large"
    IGNORED = "ignored"
    NEEDS_FILE = "needs-file"
    OVER_BUDGET = "over-budget"
    UNSUPPORTED = "unsupported"


@dataclass(frozen=True, slots=True, kw_only=True)
class Skipped:
    """Something that was not looked at, and why."""

    path: str
    reason: SkipReason
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """A planned unit that has no valid result, and why: it makes the run ``partial`` at best."""

    unit: str
    path: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """How much of what was asked was really done."""

    files_changed: int = 0
    files_reviewed: int = 0
    lines_changed: int = 0
    lines_reviewed: int = 0
    units_planned: int = 0
    units_done: int = 0
    performed_by: tuple[str, ...] = ()
    """Who looked: names of checks and models."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """What was looked at, for headings and links."""

    repository: str = ""
    base: str = ""
    head: str = ""
    title: str = ""
    server_url: str = ""
    """``https://github.com`` or a GHES host; ``""`` when the run knows no server."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What happened. Sinks turn it into text; nothing is added after it is made."""

    mode: str
    verdict: Verdict
    findings: tuple[Finding, ...] = ()
    rejected: tuple[Rejected, ...] = ()
    skipped: tuple[Skipped, ...] = ()
    failures: tuple[Failure, ...] = ()
    coverage: Coverage = Coverage()
    subject: Subject = Subject()
    cost: CostReport = field(default_factory=CostReport)
    notices: tuple[str, ...] = ()
    """Things the reader must know: a model mapped to its successor, a limit that was hit …"""
    patch: str = ""
    """A unified diff (test-gen, docgen): written to ``changes.patch``."""
    extra: Mapping[str, Any] = field(default_factory=dict)
    """Mode-specific top-level keys of ``findings.json`` (``targets`` of test-gen, ``pages`` of docgen): plain JSON."""
