"""YAML, JSON and TOML files that no longer parse."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

from tta_orchestrate.domain.finding import Candidate, Category, Rule, Severity
from tta_orchestrate.domain.parsing import language_of, parse_error
from tta_orchestrate.domain.report import Skipped, SkipReason
from tta_orchestrate.ports import Check, CheckResult, SourceFile

MAX_CHARACTERS: Final = 2_000_000
_WHY: Final = "Whatever reads the file fails, or keeps its old state."


def _rule(name: str) -> Rule:
    return Rule(
        id=f"data-syntax/{name.lower()}",
        title=f"{name} file does not parse",
        category=Category.BUG,
        severity=Severity.HIGH,
        why=_WHY,
        confidence=0.97,
    )


_TEMPLATE_FOLDER: Final = re.compile(r"(?:^|/)(?:templates|\{\{[^/]*\}\}[^/]*)/")
_TEMPLATE_MARK: Final = re.compile(r"\{\{|\{%|<%")


def _is_template(path: str, text: str) -> bool:
    """Whether a template engine turns the file into YAML or JSON only later (Helm, Jinja, cookiecutter, ERB)."""
    marked = _TEMPLATE_MARK.search(text) is not None
    return marked and ("{{" in path or _TEMPLATE_FOLDER.search(path) is not None or "{%" in text or "<%" in text)


class DataSyntaxCheck:
    """One finding for each broken file, at the line where the parser gave up."""

    name = "data-syntax"
    rules: Mapping[str, Rule] = {rule.id: rule for rule in map(_rule, ("YAML", "JSON", "TOML"))}

    def applies(self, file: SourceFile) -> bool:
        """Files whose name says YAML, JSON or TOML."""
        return language_of(file.path) in {"yaml", "json", "toml"} and not file.change.binary

    def run(self, files: Sequence[SourceFile]) -> CheckResult:
        """Parse every file whose text is known."""
        skipped: list[Skipped] = []
        claims: list[Candidate] = []
        for file in files:
            if file.text is None:
                skipped.append(Skipped(path=file.path, reason=SkipReason.NEEDS_FILE, detail="needs the whole file"))
            elif len(file.text) > MAX_CHARACTERS:
                skipped.append(Skipped(path=file.path, reason=SkipReason.TOO_LARGE, detail="too large to parse"))
            elif _is_template(file.path, file.text):
                skipped.append(Skipped(path=file.path, reason=SkipReason.UNSUPPORTED, detail="a template"))
            else:
                claims += self._in_file(file, file.text)
        return CheckResult(candidates=claims, skipped=skipped)

    def _in_file(self, file: SourceFile, text: str) -> list[Candidate]:
        error = parse_error(file.path, text)
        if error is None:
            return []
        reason = error.reason.encode("ascii", "backslashreplace").decode()[:200]
        rule = self.rules[f"data-syntax/{language_of(file.path)}"]
        quote = text.split("\n")[error.line - 1]
        message = f"The parser says: {reason}. {rule.why}"
        return [replace(file.claim(rule, quote=quote, start=error.line, message=message), whole_file=True)]


CHECK: Final[Check] = DataSyntaxCheck()
