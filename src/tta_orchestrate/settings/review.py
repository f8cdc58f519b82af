"""Section ``review``: how changes are reviewed."""

from typing import Self

from pydantic import Field, field_validator, model_validator

from tta_orchestrate.domain.evidence import Scope
from tta_orchestrate.domain.finding import Category, Severity
from tta_orchestrate.domain.outcome import OnPartial
from tta_orchestrate.domain.patterns import check_pattern
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


class Guidelines(Section):
    """The project's own conventions, as models get to know them: always from the base commit.

    Read are `AGENTS.md`, `CLAUDE.md`, `REVIEW.md`, `.tta/guidelines/*.md`, `.github/copilot-instructions.md` and
    `.github/instructions/**/*.instructions.md`.
    """

    enabled: bool = True
    """Off: models review without them."""
    max_tokens: int = Field(default=1_500, ge=100, le=20_000)
    """What they may add to each request; what does not fit is named in the report."""


class CustomRule(Section):
    """A rule of the project's own: a pattern for added lines, or a question that models answer."""

    id: str = Field(pattern=r"^[a-z0-9][a-z0-9-]{0,40}$")
    """Findings carry `custom/<id>` (patterns) or `question/<id>`."""
    paths: tuple[Glob, ...] = ()
    """The files that a pattern is about: patterns as in `.gitignore`; empty means all."""
    pattern: str | None = Field(default=None, min_length=1, max_length=200)
    """A regular expression (Python's) that no added line may match; repeats inside repeats are refused."""
    question: str | None = Field(default=None, min_length=10, max_length=400)
    """What a reader is to look for, in words: `is every new endpoint behind a permission check?`"""
    message: str = Field(min_length=1, max_length=400)
    """What the author is told."""
    severity: Severity = Severity.MEDIUM
    """How bad it is."""
    category: Category = Category.MAINTAINABILITY
    """What kind of harm it does."""

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if (self.pattern is None) == (self.question is None):
            raise ValueError("give either a pattern or a question")
        return self

    @field_validator("pattern")
    @classmethod
    def _linear(cls, pattern: str | None) -> str | None:
        if pattern is not None:
            check_pattern(pattern)
        return pattern


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
    guidelines: Guidelines = Guidelines()
    custom_rules: tuple[CustomRule, ...] = Field(
        default=(),
        examples=[[{"id": "no-print", "pattern": "\\bprint\\(", "paths": ["src/**"], "message": "Use the logger."}]],
    )
    """Rules of the project's own."""
    describe: bool = False
    """Let a model propose title, summary and labels for the pull request; they stand in the report."""
    shard_tokens: int = Field(default=24_000, ge=2_000, le=500_000)
    """The most that one request to a reader carries; keep it well below the smallest model's context."""
    context_tokens: int = Field(default=4_000, ge=0, le=100_000)
    """The most that code around the change may add over the whole review: functions, imports, callers."""
    baseline: RepositoryPath = ".tta/baseline.json"
    """File of accepted findings; `review --write-baseline` writes it."""
    max_file_bytes: int = Field(default=1_000_000, ge=1)
    """Larger files are skipped, and listed as such."""
    max_line_length: int = Field(default=5_000, ge=80)
    """A file with a longer line, in characters, counts as minified and is skipped."""
