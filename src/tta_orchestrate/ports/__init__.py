"""The doors of the program: what a plug-in of each room promises. Protocols only.

A room is a folder; a plug-in is one file in it, found by its name (``registry.py``), ending in a constant that mypy
checks: ``CHECK``, ``SINK`` …
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from tta_orchestrate.domain.change import ChangedFile
from tta_orchestrate.domain.finding import Candidate
from tta_orchestrate.domain.report import Report, Skipped


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceFile:
    """A changed file with its text at head; ``text is None`` when only the diff is known."""

    change: ChangedFile
    text: str | None

    @property
    def path(self) -> str:
        """The path at head."""
        return self.change.path


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckResult:
    """What a check found, what it had to leave out, and what it failed at (path to reason)."""

    candidates: Sequence[Candidate] = ()
    skipped: Sequence[Skipped] = ()
    failures: Mapping[str, str] = field(default_factory=dict)


class Check(Protocol):
    """A deterministic reviewer: reads text, executes nothing of it, reads no configuration from the change."""

    name: str

    def applies(self, file: SourceFile) -> bool:
        """Whether this check has anything to say about *file*; decides what counts as planned."""
        ...

    def run(self, files: Sequence[SourceFile]) -> CheckResult:
        """Look at all the files that it applies to, in one go."""
        ...


class Sink(Protocol):
    """A form in which a report is left in the results folder: it renders, the edge writes."""

    filename: str

    def applies(self, report: Report) -> bool:
        """Whether this file is written for *report*."""
        ...

    def render(self, report: Report) -> str:
        """Return the whole text of the file."""
        ...
