"""YAML, JSON and TOML files that no longer parse.

YAML is only composed, never constructed: a tag such as ``!Ref`` or ``!!python/object`` is a word, no instruction, and
an alias is a reference, so that a bomb of anchors stays as small as its text.
"""

import json
import re
import tomllib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import PurePosixPath
from typing import Any, Final

from tta_orchestrate.domain.finding import Candidate, Category, Rule, Severity
from tta_orchestrate.domain.report import Skipped, SkipReason
from tta_orchestrate.ports import Check, CheckResult, SourceFile

MAX_CHARACTERS: Final = 2_000_000
MAX_DEPTH: Final = 500
"""The YAML and TOML parsers need the square of the depth; no honest file comes near."""
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


def _yaml(text: str) -> tuple[int, str] | None:
    import yaml

    loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        return _yaml_events(text, yaml.parse(text, Loader=loader))
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        return (mark.line + 1 if mark else 1), error.problem or error.context or "not YAML"
    except yaml.YAMLError as error:
        return _row(text, getattr(error, "position", 0)), getattr(error, "reason", "") or "not YAML"
    except RecursionError:
        return 1, "nested too deeply"


def _yaml_events(text: str, events: Iterable[Any]) -> tuple[int, str] | None:
    """Return what the grammar allows but no loader takes: an alias of nothing, a depth that costs quadratic time."""
    import yaml

    anchors: set[str] = set()
    depth = 0
    for event in events:
        if isinstance(event, yaml.DocumentStartEvent):
            anchors = set()
        elif isinstance(event, yaml.AliasEvent) and event.anchor not in anchors:
            return _row(text, event.start_mark.index if event.start_mark else 0), "found undefined alias"
        elif isinstance(event, yaml.NodeEvent) and event.anchor:
            anchors.add(event.anchor)
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > MAX_DEPTH:
            return _row(text, event.start_mark.index if event.start_mark else 0), "nested too deeply"
    return None


def _row(text: str, at: int) -> int:
    return text.count("\n", 0, at) + 1


def _json(text: str) -> tuple[int, str] | None:
    try:
        json.loads(text.removeprefix("\ufeff"), parse_int=str, parse_float=str)
    except json.JSONDecodeError as error:
        return error.lineno, error.msg
    except RecursionError:
        return 1, "nested too deeply"
    return None


# Atomic groups keep it linear; a comment that never ends goes to the end.
_COMMENT: Final = r"(?>//[^\n]*|/\*.*?(?:\*/|\Z))"
_JSONC_TOKEN: Final = re.compile(rf'(?>"(?:[^"\\\n]|\\.)*+"?)|{_COMMENT}|,(?=(?:\s|{_COMMENT})*+[\]}}])', re.DOTALL)


def _jsonc(text: str) -> tuple[int, str] | None:
    """JSON with comments and trailing commas: both become blanks of the same shape, so that lines stay."""

    def blank(match: re.Match[str]) -> str:
        found = match.group()
        return found if found.startswith('"') else re.sub(r"[^\n]", " ", found)

    return _json(_JSONC_TOKEN.sub(blank, text))


_TOML_AT: Final = re.compile(r"\s*\(at line (\d+), column \d+\)|\s*\(at end of document\)")


_TOML_DEEP: Final = re.compile(rf"(?<![\w\"'-])(?:[\w\"'-]++[ \t]*+\.[ \t]*+){{{MAX_DEPTH}}}")


def _toml(text: str) -> tuple[int, str] | None:
    if deep := _TOML_DEEP.search(text):
        return _row(text, deep.start()), "nested too deeply"
    try:
        tomllib.loads(text.replace("\r\n", "\n").removeprefix("\ufeff"))
    except tomllib.TOMLDecodeError as error:
        at = _TOML_AT.search(str(error))
        row = int(at[1]) if at and at[1] else text.rstrip().count("\n") + 1
        return row, _TOML_AT.sub("", str(error))
    except ValueError:  # a date that no calendar has, an integer of too many digits
        return 1, "a value is out of range"
    except RecursionError:
        return 1, "nested too deeply"
    return None


_PARSERS: Final[Mapping[str, tuple[str, Callable[[str], tuple[int, str] | None]]]] = {
    ".yaml": ("yaml", _yaml),
    ".yml": ("yaml", _yaml),
    ".json": ("json", _json),
    ".jsonc": ("json", _jsonc),
    ".toml": ("toml", _toml),
}
_JSON_WITH_COMMENTS: Final = re.compile(
    r"(?:^|/)(?:[tj]sconfig(?:\.[\w.-]+)?\.json|\.?(?:eslintrc|babelrc|swcrc|jshintrc|devcontainer)(?:\.json)?"
    r"|(?:deno|biome|turbo|api-extractor|language-configuration|renovate)\.json|\.(?:vscode|devcontainer)/.*\.json)$"
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
        return PurePosixPath(file.path).suffix.lower() in _PARSERS and not file.change.binary

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
        kind, parse = _PARSERS[PurePosixPath(file.path).suffix.lower()]
        if kind == "json" and _JSON_WITH_COMMENTS.search(file.path):
            parse = _jsonc
        # Bytes that are no UTF-8 are a matter of encoding; the parsers see a plain sign in their place.
        error = parse(text.encode("utf-8", "replace").decode())
        if error is None:
            return []
        lines = text.split("\n")
        row = max(1, min(error[0], len(lines)))
        reason = error[1].encode("ascii", "backslashreplace").decode()[:200]
        rule = self.rules[f"data-syntax/{kind}"]
        claim = file.claim(rule, quote=lines[row - 1], start=row, message=f"The parser says: {reason}. {rule.why}")
        return [replace(claim, whole_file=True)]


CHECK: Final[Check] = DataSyntaxCheck()
