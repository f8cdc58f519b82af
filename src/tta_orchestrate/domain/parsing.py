"""Whether a text still parses as what its name says it is; nothing is built from it, nothing is executed.

YAML is only read as events, never constructed: a tag such as ``!Ref`` or ``!!python/object`` is a word, no
instruction, and an alias is a reference, so that a bomb of anchors stays as small as its text.
"""

import ast
import json
import re
import tomllib
import warnings
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any, Final

MAX_DEPTH: Final = 500
"""The YAML and TOML parsers need the square of the depth; no honest file comes near."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ParseError:
    """Where a text stops making sense: a 1-based line that exists, and a short reason."""

    line: int
    reason: str


def language_of(path: str) -> str:
    """Return ``python``, ``json``, ``yaml``, ``toml``, or ``""`` when the name is none of these."""
    return _SUFFIXES.get(PurePosixPath(path).suffix.lower(), "")


def parse_error(path: str, text: str) -> ParseError | None:
    """Return the first syntax error of *text*, ``None`` when it parses or its language is not known here."""
    language = language_of(path)
    if language == "json" and _JSON_WITH_COMMENTS.search(path):
        language = "jsonc"
    parse = _PARSERS.get(language)
    if parse is None:
        return None
    # Bytes that are no UTF-8 are a matter of encoding; but for Python, the parsers see a plain sign in their place.
    error = parse(text if language == "python" else text.encode("utf-8", "replace").decode())
    if error is None:
        return None
    last = text.count("\n") + (not text.endswith("\n"))
    return ParseError(line=max(1, min(error[0], last)), reason=error[1])


_Error = tuple[int, str]


def _python(text: str) -> _Error | None:
    """Bytes go in, so that a coding cookie and a byte order mark count."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            ast.parse(text.encode("utf-8", "surrogateescape"))
    except SyntaxError as error:
        return error.lineno or 1, error.msg
    except (ValueError, RecursionError, MemoryError):  # NUL bytes, on Python 3.11, or too deep a nesting
        return 1, "the interpreter cannot read it"
    return None


def _yaml(text: str) -> _Error | None:
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


def _yaml_events(text: str, events: Iterable[Any]) -> _Error | None:
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


def _json(text: str) -> _Error | None:
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


def _jsonc(text: str) -> _Error | None:
    """JSON with comments and trailing commas: both become blanks of the same shape, so that lines stay."""

    def blank(match: re.Match[str]) -> str:
        found = match.group()
        return found if found.startswith('"') else re.sub(r"[^\n]", " ", found)

    return _json(_JSONC_TOKEN.sub(blank, text))


_TOML_AT: Final = re.compile(r"\s*\(at line (\d+), column \d+\)|\s*\(at end of document\)")


_TOML_DEEP: Final = re.compile(rf"(?<![\w\"'-])(?:[\w\"'-]++[ \t]*+\.[ \t]*+){{{MAX_DEPTH}}}")


def _toml(text: str) -> _Error | None:
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


_JSON_WITH_COMMENTS: Final = re.compile(
    r"(?:^|/)(?:[tj]sconfig(?:\.[\w.-]+)?\.json|\.?(?:eslintrc|babelrc|swcrc|jshintrc|devcontainer)(?:\.json)?"
    r"|(?:deno|biome|turbo|api-extractor|language-configuration|renovate)\.json|\.(?:vscode|devcontainer)/.*\.json|[^/]*\.jsonc)$"
)
_SUFFIXES: Final[Mapping[str, str]] = {
    ".py": "python",
    ".pyi": "python",
    ".json": "json",
    ".jsonc": "json",
    ".yaml": "yaml",
    ".yml": "yaml",
    ".toml": "toml",
}
_PARSERS: Final[Mapping[str, Callable[[str], _Error | None]]] = {
    "python": _python,
    "json": _json,
    "jsonc": _jsonc,
    "yaml": _yaml,
    "toml": _toml,
}
