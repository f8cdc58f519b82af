"""ruff as a process: texts go in as numbered files of a private folder, diagnostics come out.

Nothing of a change reaches ruff but the texts: no path, no configuration file (``--isolated``), no environment.
"""

import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from tta_orchestrate.errors import OrchestrateError

TARGET_VERSION: Final = "py314"
"""The newest stable grammar: what an older Python cannot read is for that project's own tests to say."""
TIMEOUT_SECONDS: Final = 120.0
MAX_PROCESSES: Final = 64
_SPACE: Final = "free some space; TMPDIR names the folder for temporary files"
_FOUND_NOTHING_OR_SOMETHING: Final = (0, 1)


class RuffError(OrchestrateError):
    """ruff is missing, crashed, took too long or answered in an unknown form; nothing can be said about the files."""


class _CrashError(RuffError):
    """ruff died of one of the files: without it the others can still be looked at."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """Replace the text from one position to another; rows and columns are 1-based, in characters."""

    start: tuple[int, int]
    end: tuple[int, int]
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnostic:
    """One line of ruff's answer; ``file`` is the index of the text. ``fix`` holds the edits of a *safe* fix only."""

    file: int
    code: str
    message: str
    start: tuple[int, int]
    end: tuple[int, int]
    url: str = ""
    fix: tuple[Edit, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What ruff said, and the files (index to reason) that made it crash."""

    diagnostics: tuple[Diagnostic, ...] = ()
    crashed: Mapping[int, str] = field(default_factory=dict)


SYNTAX_ERROR: Final = "invalid-syntax"
UNREADABLE: Final = "E902"


def find_ruff() -> str:
    """Return the path of the ruff program that was installed with this one.

    Raises:
        RuffError: there is none.
    """
    beside = Path(sys.executable).parent / "ruff"
    if beside.is_file():
        return str(beside)
    try:
        from ruff import find_ruff_bin  # type: ignore[import-untyped]

        return str(find_ruff_bin())
    except (ImportError, FileNotFoundError):
        raise RuffError("ruff is not installed", remedy="install this program again: ruff comes with it") from None


_LONE_RETURN: Final = re.compile(r"\r(?!\n)")


def as_shown(text: str) -> str:
    """Return what ruff gets to see: what is not Unicode as question marks, lone carriage returns as blanks.

    Each one for one, so that rows (as git counts them) and columns stay true.
    """
    return _LONE_RETURN.sub(" ", text).encode("utf-8", "replace").decode("utf-8")


def check(
    texts: Iterable[tuple[str, str]],
    *,
    select: Sequence[str],
    binary: str | None = None,
    timeout: float = TIMEOUT_SECONDS,
) -> Answer:
    """Return what ruff says about *texts*, each a pair of suffix (``.py``, ``.pyi``) and text, in one process.

    A file that makes ruff crash is searched for by halves, so that it does not take the others with it; after
    ``MAX_PROCESSES`` what is left counts as crashed. ``noqa`` comments do not count: an author could silence a
    security rule with them.

    Raises:
        RuffError: ruff is missing, takes longer than *timeout* seconds, or its folder cannot be written.
    """
    program = binary or find_ruff()
    waiting = [list(enumerate(texts))]
    said: list[Diagnostic] = []
    crashed: dict[int, str] = {}
    started = 0
    while waiting:
        batch = waiting.pop()
        started += 1
        try:
            said += _run(batch, select, program, timeout)
        except _CrashError as error:
            if len(batch) == 1 or started >= MAX_PROCESSES:
                crashed |= dict.fromkeys((index for index, _ in batch), str(error))
            else:
                middle = len(batch) // 2
                waiting += [batch[:middle], batch[middle:]]
    return Answer(diagnostics=tuple(said), crashed=crashed)


def _run(
    batch: Sequence[tuple[int, tuple[str, str]]], select: Sequence[str], binary: str, limit: float
) -> list[Diagnostic]:
    with tempfile.TemporaryDirectory(prefix="tta-ruff-") as folder:
        try:
            for number, (suffix, text) in batch:
                Path(folder, f"{number}{suffix}").write_bytes(as_shown(text).encode())
        except OSError as error:
            raise RuffError(f"the files cannot be written for ruff: {error.strerror}", remedy=_SPACE) from None
        return [_diagnostic(item) for item in _ask(folder, select, binary, limit)]


def _ask(folder: str, select: Sequence[str], binary: str, timeout: float) -> list[Mapping[str, Any]]:
    flags = ["--isolated", "--no-cache", "--ignore-noqa", "--no-respect-gitignore", "--no-preview", "--no-fix"]
    command = [binary, "check", *flags, "--target-version", TARGET_VERSION, "--output-format", "json"]
    try:
        done = subprocess.run(
            [*command, "--select", ",".join([*select, UNREADABLE]), "."],
            cwd=folder,
            env={},
            capture_output=True,
            timeout=timeout,
            check=False,
            stdin=subprocess.DEVNULL,
        )
    except subprocess.TimeoutExpired:
        raise RuffError(f"ruff took longer than {timeout:g} s", remedy="review fewer files at once") from None
    except OSError as error:
        raise RuffError(f"ruff cannot be started: {error.strerror}", remedy="install this program again") from None
    if done.returncode not in _FOUND_NOTHING_OR_SOMETHING:
        raise _CrashError(f"ruff ended with code {done.returncode}", remedy="report it: this is a fault of the tool")
    try:
        answer = json.loads(done.stdout)
    except ValueError:
        answer = None
    if not isinstance(answer, list):
        raise RuffError("ruff answered with something that is not its JSON", remedy="install this program again")
    return answer


def _position(raw: Mapping[str, int] | None) -> tuple[int, int]:
    return (raw["row"], raw["column"]) if raw else (1, 1)


def _diagnostic(raw: Mapping[str, Any]) -> Diagnostic:
    fix = raw.get("fix") or {}
    edits = fix["edits"] if fix.get("applicability") == "safe" else ()
    return Diagnostic(
        file=int(Path(raw["filename"]).stem),
        code=raw["code"] or SYNTAX_ERROR,
        message=raw["message"],
        start=_position(raw["location"]),
        end=_position(raw["end_location"]),
        url=raw["url"] or "",
        fix=tuple(
            Edit(start=_position(e["location"]), end=_position(e["end_location"]), text=e["content"] or "")
            for e in edits
        ),
    )
