"""Rules of the project's own: patterns become a check, questions become rules that models may claim."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from tta_orchestrate.domain.finding import Rule, Severity
from tta_orchestrate.domain.patterns import LONGEST_LINE
from tta_orchestrate.domain.policy import Paths
from tta_orchestrate.modes.review.rules import QUESTION
from tta_orchestrate.ports import Check, CheckResult, SourceFile
from tta_orchestrate.settings.review import CustomRule

NAME: Final = "custom"
_MOST: Final = 200
"""Findings of one rule in one file."""


class PatternCheck:
    """What the configuration's patterns find on added lines."""

    name = NAME

    def __init__(self, rules: Iterable[CustomRule]) -> None:
        own = [rule for rule in rules if rule.pattern is not None]
        self.rules: Mapping[str, Rule] = {f"{NAME}/{rule.id}": _rule(f"{NAME}/{rule.id}", rule) for rule in own}
        self._patterns = [
            (self.rules[f"{NAME}/{rule.id}"], re.compile(rule.pattern or ""), Paths(rule.paths or ("*",)))
            for rule in own
        ]

    def applies(self, file: SourceFile) -> bool:
        """Whether any pattern is about *file*."""
        return any(file.path in paths for _rule, _pattern, paths in self._patterns)

    def run(self, files: Sequence[SourceFile]) -> CheckResult:
        """Search the added lines of *files*."""
        found = []
        for file in files:
            added = [line for hunk in file.change.hunks for line in hunk.lines() if line.kind == "+" and line.new]
            for rule, pattern, paths in self._patterns:
                if file.path in paths:
                    hits = [line for line in added if pattern.search(line.text[:LONGEST_LINE])][:_MOST]
                    found += [file.claim(rule, quote=line.text, start=line.new or 1) for line in hits]
        return CheckResult(candidates=found)


def checks(rules: Sequence[CustomRule]) -> tuple[Check, ...]:
    """Return the check for the patterns among *rules*, or none."""
    return (PatternCheck(rules),) if any(rule.pattern is not None for rule in rules) else ()


def questions(rules: Iterable[CustomRule]) -> dict[str, Rule]:
    """Return the questions among *rules* by the id under which models claim them."""
    asked = [(f"{QUESTION}{rule.id}", rule) for rule in rules if rule.question is not None]
    return {name: _rule(name, rule) for name, rule in asked}


def _rule(name: str, rule: CustomRule) -> Rule:
    return Rule(
        id=name,
        title=rule.message.split("\n", 1)[0][:120].rstrip("."),
        category=rule.category,
        severity=Severity(rule.severity),
        why=rule.question or rule.message,
    )
