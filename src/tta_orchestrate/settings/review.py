"""Section ``review``: how changes are reviewed."""

from pydantic import Field

from tta_orchestrate.domain.evidence import Scope
from tta_orchestrate.domain.finding import Category, Severity
from tta_orchestrate.domain.outcome import OnPartial
from tta_orchestrate.settings.globs import Glob, RepositoryPath
from tta_orchestrate.settings.section import Section


class FailOn(Section):
    """Which findings fail the check; all three conditions must hold for one and the same finding."""

    severity: Severity = Severity.LOW
    """This bad, or worse."""
    categories: tuple[Category, ...] = ()
    """One of these; empty means any."""
    min_confidence: float = Field(default=0.0, ge=0, le=1)
    """At least this sure."""


class Rule(Section):
    """What is different for some paths. Rules apply in order, and the last one that says something wins."""

    paths: tuple[Glob, ...] = Field(min_length=1)
    """The files it is about: patterns as in `.gitignore`."""
    ignore: bool = False
    """Leave these files out of the review; they are listed as skipped."""
    disable: tuple[str, ...] = ()
    """Rule ids that are not reported here; `*` matches any characters (`ruff/S*`)."""
    severity: Severity | None = None
    """The severity that every finding here gets."""
    fail_on: FailOn | None = None
    """Used here in the place of `review.fail_on`."""


class Checks(Section):
    """The checks that need no model."""

    disable: tuple[str, ...] = ()
    """Names of the checks that do not run."""


class Review(Section):
    """How changes are reviewed."""

    scope: Scope = Scope.CHANGED
    """`changed` reports what touches changed lines; `file` reports everything in the changed files."""
    min_severity: Severity = Severity.LOW
    """Milder findings are not reported."""
    fail_on: FailOn | None = Field(default=None, examples=[{"severity": "high", "min_confidence": 0.8}])
    """Which findings fail the check; without it the review is advisory and never fails."""
    on_partial: OnPartial = OnPartial.NEUTRAL
    """What an incomplete review means for the check."""
    ignore: tuple[Glob, ...] = Field(default=(), examples=[["docs/**", "*.snap"]])
    """Files that are not reviewed: patterns as in `.gitignore`; they are listed as skipped."""
    rules: tuple[Rule, ...] = Field(
        default=(), examples=[[{"paths": ["tests/**"], "disable": ["ruff/S101"], "severity": "low"}]]
    )
    """What is different for some paths."""
    checks: Checks = Checks()
    baseline: RepositoryPath = ".tta/baseline.json"
    """File of accepted findings; `review --write-baseline` writes it."""
    max_file_bytes: int = Field(default=1_000_000, ge=1)
    """Larger files are skipped, and listed as such."""
    max_line_length: int = Field(default=5_000, ge=80)
    """A file with a longer line, in characters, counts as minified and is skipped."""
