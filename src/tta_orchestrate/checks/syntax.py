"""Python files that no longer parse.

``ast`` judges first, in this process (parsing executes nothing). What it refuses is shown to ruff, which knows the
newest grammar: a file counts as broken only when both say so, so that an older interpreter raises no false alarm.
"""

import ast
import re
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import PurePosixPath
from typing import Final

from tta_orchestrate.domain.finding import Candidate, Category, Rule, Severity
from tta_orchestrate.domain.report import Skipped, SkipReason
from tta_orchestrate.ports import Check, CheckResult, SourceFile
from tta_orchestrate.workspace.ruff import SYNTAX_ERROR, Answer, RuffError, check

RULE: Final = Rule(
    id="syntax/python",
    title="Python file does not parse",
    category=Category.BUG,
    severity=Severity.HIGH,
    why="The module cannot be imported.",
)
MAX_CHARACTERS: Final = 5_000_000
"""ast needs about a hundred times the size of the text."""

_ROW: Final = re.compile(r"[^\r\n]*(?:\r\n|\r|\n)")


def _error(text: str) -> tuple[int, str] | None:
    """Return line and reason when ``ast`` refuses *text*. Bytes go in, so that a coding cookie and a BOM count."""
    if "\0" in text:
        return len(_ROW.findall(text[: text.index("\0")])) + 1, "source code cannot contain null bytes"
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            ast.parse(text.encode("utf-8", "surrogateescape"))
    except SyntaxError as error:
        return error.lineno or 1, error.msg
    except (ValueError, RecursionError, MemoryError):
        return 1, "nested too deeply for the interpreter"
    return None


def _is_certain(text: str, error: tuple[int, str]) -> bool:
    """Whether this is no matter of grammar but of bytes, which ruff is not shown."""
    return "\0" in text or "codec" in error[1] or "encoding" in error[1]


def _git_line(text: str, row: int) -> int:
    """Return the line as git counts (line feeds) of a row as Python counts (lone carriage returns too)."""
    before = (match.group() for match in islice(_ROW.finditer(text), max(row - 1, 0)))
    return 1 + sum(piece.endswith("\n") for piece in before)


class SyntaxCheck:
    """One finding for each broken file, at the line where the parser gave up."""

    name = "syntax"
    rules: Mapping[str, Rule] = {RULE.id: RULE}

    def __init__(self, runner: Callable[..., Answer] = check) -> None:
        self._runner = runner

    def applies(self, file: SourceFile) -> bool:
        """Python sources and stubs."""
        return PurePosixPath(file.path).suffix.lower() in {".py", ".pyi"} and not file.change.binary

    def run(self, files: Sequence[SourceFile]) -> CheckResult:
        """Parse every file whose text is known."""
        skipped: list[Skipped] = []
        broken: list[tuple[SourceFile, str, tuple[int, str]]] = []
        for file in files:
            if file.text is None:
                skipped.append(Skipped(path=file.path, reason=SkipReason.NEEDS_FILE, detail="needs the whole file"))
            elif len(file.text) > MAX_CHARACTERS:
                skipped.append(Skipped(path=file.path, reason=SkipReason.TOO_LARGE, detail="too large to parse"))
            elif error := _error(file.text):
                broken.append((file, file.text, error))
        if not broken:
            return CheckResult(skipped=skipped)
        texts = ((PurePosixPath(file.path).suffix.lower(), text) for file, text, _ in broken)
        try:
            second = self._runner(texts, select=["F701"])
        except RuffError as error:
            second = Answer(crashed=dict.fromkeys(range(len(broken)), str(error)))
        refused = {item.file for item in second.diagnostics if item.code in {SYNTAX_ERROR, "F701"}}
        claims = [_claim(*item) for n, item in enumerate(broken) if n in refused or _is_certain(*item[1:])]
        failures = {broken[n][0].path: f"the second parser failed: {why}" for n, why in second.crashed.items()}
        return CheckResult(candidates=claims, skipped=skipped, failures=failures)


def _claim(file: SourceFile, text: str, error: tuple[int, str]) -> Candidate:
    row, reason = error
    line = _git_line(text, row)
    claim = file.claim(RULE, quote=text.split("\n")[line - 1], start=line, message=f"Python says: {reason}. {RULE.why}")
    return replace(claim, whole_file=True)


CHECK: Final[Check] = SyntaxCheck()
