"""Rules as policy: what fails a check, what is silenced, and by whom. Nothing is silenced silently."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from typing import Final

import pathspec

from tta_orchestrate.domain.finding import Category, Finding, Rejected, Rejection, Severity


@dataclass(frozen=True, slots=True, kw_only=True)
class FailOn:
    """What fails the check: at least this severe, of these categories (none named: all), at least this certain."""

    severity: Severity = Severity.HIGH
    categories: frozenset[Category] = frozenset()
    min_confidence: float = 0.0

    def met_by(self, finding: Finding) -> bool:
        """Whether *finding* fails the check."""
        return (
            finding.severity.at_least(self.severity)
            and (not self.categories or finding.category in self.categories)
            and finding.confidence >= self.min_confidence
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class PathRule:
    """What is different below some paths; later rules win over earlier ones."""

    paths: tuple[str, ...]
    """gitignore-style patterns."""
    off: tuple[str, ...] = ()
    """Rule ids or globs (``ruff/S*``) that say nothing here."""
    severity: Severity | None = None
    """The severity that every finding here gets."""
    fail_on: FailOn | None = None
    """Another bar for these paths."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """Everything that decides over findings after the evidence gate."""

    fail_on: FailOn | None = None
    """``None``: advisory, no finding fails the check."""
    rules: tuple[PathRule, ...] = ()
    off: tuple[str, ...] = ()
    """Rule ids or globs that say nothing anywhere."""
    min_severity: Severity = Severity.LOW
    min_confidence: float = 0.0
    baseline: frozenset[str] = frozenset()
    """Fingerprints that were accepted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """What is published, what is not, and whether a published finding fails the check."""

    findings: tuple[Finding, ...]
    rejected: tuple[Rejected, ...]
    fail_on_met: bool


class Paths:
    """gitignore-style patterns as one predicate."""

    def __init__(self, patterns: Iterable[str]) -> None:
        self._spec = pathspec.GitIgnoreSpec.from_lines(patterns)

    def __contains__(self, path: object) -> bool:
        return isinstance(path, str) and self._spec.match_file(path)


def apply(policy: Policy, findings: Iterable[Finding], texts: Mapping[str, Sequence[str]]) -> Judged:
    """Return what of *findings* is published under *policy*.

    Args:
        policy: From the base commit, never from the change.
        findings: After the evidence gate.
        texts: Known lines by path, for inline ignores: index 0 is line 1.
    """
    rules = [(Paths(rule.paths), rule) for rule in policy.rules]
    published: list[Finding] = []
    rejected: list[Rejected] = []
    fails = False
    for original in findings:
        matching = [rule for paths, rule in rules if original.path in paths]
        finding = _graded(original, matching)
        silenced = _silenced(policy, finding, matching, texts.get(finding.path, ()))
        if silenced:
            rejected.append(silenced)
            continue
        published.append(finding)
        bar = next((rule.fail_on for rule in reversed(matching) if rule.fail_on), policy.fail_on)
        fails = fails or (bar is not None and not finding.folded and bar.met_by(finding))
    return Judged(findings=tuple(published), rejected=tuple(rejected), fail_on_met=fails)


def _graded(finding: Finding, matching: Sequence[PathRule]) -> Finding:
    severity = next((rule.severity for rule in reversed(matching) if rule.severity), None)
    return replace(finding, severity=severity) if severity else finding


def _silenced(policy: Policy, finding: Finding, matching: Sequence[PathRule], lines: Sequence[str]) -> Rejected | None:
    off = next((p for p in (*policy.off, *(p for r in matching for p in r.off)) if fnmatchcase(finding.rule, p)), None)
    if off:
        return Rejected(candidate=finding, reason=Rejection.RULE_OFF, detail=f"switched off by {off!r}")
    if not finding.severity.at_least(policy.min_severity) or finding.confidence < policy.min_confidence:
        return Rejected(candidate=finding, reason=Rejection.BELOW_BAR, detail="below min_severity or min_confidence")
    if finding.fingerprint in policy.baseline:
        return Rejected(candidate=finding, reason=Rejection.BASELINE, detail="accepted in the baseline file")
    reason = inline_ignore(finding, lines)
    return Rejected(candidate=finding, reason=Rejection.INLINE_IGNORE, detail=reason) if reason else None


_IGNORE: Final = re.compile(r"tta:\s*ignore\[([^\]\n]{1,200})\]\s*(\S[^\n]{0,500})?")
_COMMENT_ONLY: Final = re.compile(r"^\s*(?:#|//|--|;|%|/\*|\*|<!--|\{#|')")


def inline_ignore(finding: Finding, lines: Sequence[str]) -> str:
    """Return the reason that a ``tta: ignore[RULE] reason`` comment gives, ``""`` when none silences *finding*.

    The comment stands on one of the finding's lines, or alone on the line above. A comment without a reason silences
    nothing.
    """
    above = finding.start_line - 2
    nearby = list(lines[finding.start_line - 1 : finding.end_line])
    if 0 <= above < len(lines) and _COMMENT_ONLY.match(lines[above]):
        nearby.append(lines[above])
    for line in nearby:
        for rules, reason in _IGNORE.findall(line):
            if reason and any(fnmatchcase(finding.rule, rule.strip()) for rule in rules.split(",")):
                return str(reason).removesuffix("-->").removesuffix("*/").strip()
    return ""
