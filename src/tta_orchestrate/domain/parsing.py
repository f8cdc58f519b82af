"""Whether a text still parses as what its name says it is; nothing is built from it, nothing is executed."""

import ast
import json
import re
import tomllib
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Final

import yaml


@dataclass(frozen=True, slots=True, kw_only=True)
class ParseError:
    """Where a text stops making sense: 1-based line and a short reason in plain words."""

    line: int
    reason: str


def language_of(path: str) -> str:
    """Return ``python``, ``json``, ``yaml``, ``toml``, or ``""`` when the name is none of these."""
    name = PurePosixPath(path).name.lower()
    return _SUFFIXES.get(PurePosixPath(name).suffix, "")


def parse_error(path: str, text: str) -> ParseError | None:
    """Return the first syntax error of *text*, ``None`` when it parses or its language is not known here."""
    parse = _PARSERS.get(language_of(path))
    return parse(path, text) if parse else None


def _python(_path: str, text: str) -> ParseError | None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            ast.parse(text.encode("utf-8", "surrogateescape"))
    except SyntaxError as error:
        return ParseError(line=_within(error.lineno or 1, text), reason=error.msg)
    except ValueError as error:  # NUL bytes, on Python 3.11
        return ParseError(line=1, reason=str(error))
    except (RecursionError, MemoryError):
        return ParseError(line=1, reason="nested too deeply for the parser")
    return None


_JSON_WITH_COMMENTS: Final = re.compile(
    r"(^|/)(tsconfig|jsconfig)[^/]*\.json$|(^|/)\.vscode/|(^|/)\.devcontainer/|\.jsonc$|\.code-workspace$"
)


def _json(path: str, text: str) -> ParseError | None:
    if _JSON_WITH_COMMENTS.search(path):
        return None
    try:
        json.loads(text.removeprefix("\ufeff"))
    except json.JSONDecodeError as error:
        return ParseError(line=_within(error.lineno, text), reason=error.msg)
    except RecursionError:
        return ParseError(line=1, reason="nested too deeply for the parser")
    return None


def _toml(_path: str, text: str) -> ParseError | None:
    try:
        tomllib.loads(text.replace("\r\n", "\n"))
    except tomllib.TOMLDecodeError as error:
        found = re.search(r"at line (\d+)", str(error))
        line = int(found[1]) if found else text.count("\n") + 1
        return ParseError(line=_within(line, text), reason=re.sub(r" \(at .*\)$", "", str(error)))
    except RecursionError:
        return ParseError(line=1, reason="nested too deeply for the parser")
    return None


_LOADER: Final = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def _yaml(_path: str, text: str) -> ParseError | None:
    """Events only: tags and anchors are read and never followed, so no bomb can go off."""
    try:
        for _event in yaml.parse(text, Loader=_LOADER):
            pass
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        return ParseError(line=_within(mark.line + 1 if mark else 1, text), reason=error.problem or "not valid YAML")
    except (yaml.YAMLError, UnicodeEncodeError):
        return ParseError(line=1, reason="holds characters that YAML does not allow")
    except RecursionError:
        return ParseError(line=1, reason="nested too deeply for the parser")
    return None


def _within(line: int, text: str) -> int:
    """Clamp *line* to a line that exists: parsers like to point one past the end."""
    last = text.count("\n") + (not text.endswith("\n"))
    return max(1, min(line, last))


_SUFFIXES: Final[Mapping[str, str]] = {
    ".py": "python",
    ".pyi": "python",
    ".json": "json",
    ".jsonc": "json",
    ".yaml": "yaml",
    ".yml": "yaml",
    ".toml": "toml",
}
_PARSERS: Final[Mapping[str, Callable[[str, str], ParseError | None]]] = {
    "python": _python,
    "json": _json,
    "yaml": _yaml,
    "toml": _toml,
}
