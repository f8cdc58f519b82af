"""The doors of the program: what a plug-in of each room promises. Protocols only.

A room is a folder; a plug-in is one file in it, found by its name (``registry.py``), ending in a constant that mypy
checks: ``CHECK``, ``SINK`` …
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from tta_orchestrate.domain.change import ChangedFile
from tta_orchestrate.domain.finding import Candidate, Rule, Suggestion
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

    def lines(self) -> Iterator[tuple[int, str]]:
        """Yield number and text (without line feed) of every line; of the added lines when only the diff is known."""
        if self.text is not None:
            yield from enumerate(self.text.split("\n"), 1)
            return
        for hunk in self.change.hunks:
            yield from ((line.new, line.text) for line in hunk.lines() if line.kind == "+" and line.new is not None)

    def claim(
        self,
        rule: Rule,
        *,
        quote: str,
        start: int,
        end: int | None = None,
        message: str = "",
        suggestion: Suggestion | None = None,
        redact: tuple[str, ...] = (),
    ) -> Candidate:
        """Return *rule* broken at lines *start* to *end* of this file, whose text is *quote*.

        The check's name is what stands before the slash of the rule. Without a *message* the rule's reason is given.
        """
        return Candidate(
            path=self.path,
            start_line=start,
            end_line=start if end is None else end,
            quote=quote,
            rule=rule.id,
            category=rule.category,
            severity=rule.severity,
            source=rule.id.partition("/")[0],
            title=rule.title,
            message=message or rule.why,
            confidence=rule.confidence,
            suggestion=suggestion,
            help_url=rule.help_url,
            redact=redact,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckResult:
    """What a check found, what it had to leave out, and what it failed at (path to reason)."""

    candidates: Sequence[Candidate] = ()
    skipped: Sequence[Skipped] = ()
    failures: Mapping[str, str] = field(default_factory=dict)


class Check(Protocol):
    """A deterministic reviewer: reads text, executes nothing of it, reads no configuration from the change."""

    name: str
    rules: Mapping[str, Rule]
    """Everything it can say, by rule id: for SARIF and the documentation."""

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
