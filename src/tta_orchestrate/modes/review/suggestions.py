"""The last proof of a model's suggestion for Python: applied, it adds nothing that ruff calls an error."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

from tta_orchestrate.domain.evidence import FileEvidence
from tta_orchestrate.domain.finding import Finding
from tta_orchestrate.domain.parsing import language_of
from tta_orchestrate.modes.review.rules import said_by_model
from tta_orchestrate.workspace import ruff

_ERRORS: Final = ("E9", "F")
"""Syntax errors, and pyflakes: undefined names, unused imports, broken formats …"""


def proven(findings: Sequence[Finding], files: Mapping[str, FileEvidence]) -> tuple[list[Finding], str]:
    """Return *findings* without the suggestions that would add an error, and a remark when some were dropped."""
    doubtful = [one for one in findings if _is_doubtful(one, files)]
    if not doubtful:
        return list(findings), ""
    bad = _adding_errors(doubtful, files)
    kept = [replace(one, suggestion=None) if one.fingerprint in bad else one for one in findings]
    return kept, f"{len(bad)} suggestions were dropped: ruff finds new errors in them." if bad else ""


def _is_doubtful(one: Finding, files: Mapping[str, FileEvidence]) -> bool:
    known = files[one.path].text is not None
    return one.suggestion is not None and said_by_model(one.rule) and known and language_of(one.path) == "python"


def _adding_errors(doubtful: Sequence[Finding], files: Mapping[str, FileEvidence]) -> set[str]:
    paths = list(dict.fromkeys(one.path for one in doubtful))
    texts = [files[path].text or "" for path in paths] + [_applied(one, files[one.path].text or "") for one in doubtful]
    try:
        answer = ruff.check([(".py", text) for text in texts], select=_ERRORS)
    except ruff.RuffError:
        return {one.fingerprint for one in doubtful}  # not proven
    counts = [Counter[str]() for _text in texts]
    for said in answer.diagnostics:
        counts[said.file][said.code] += 1
    before = {path: counts[index] for index, path in enumerate(paths)}
    after = counts[len(paths) :]
    crashed = {index - len(paths) for index in answer.crashed}
    return {
        one.fingerprint for index, one in enumerate(doubtful) if index in crashed or after[index] - before[one.path]
    }


def _applied(one: Finding, text: str) -> str:
    fix = one.suggestion
    if fix is None:
        return text
    lines = text.split("\n")
    lines[fix.start_line - 1 : fix.end_line] = fix.text.split("\n") if fix.text else []
    return "\n".join(lines)
