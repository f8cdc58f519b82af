"""What the change is, from its map alone: files, sizes, names.

Risk and focus by rule, and by the orchestrator when the change is worth a question. Only order and emphasis depend on
it, never what is read.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any, Final

from tta_orchestrate.domain.fence import unfenced
from tta_orchestrate.domain.secrets import mask_secrets
from tta_orchestrate.modes.review.memory import Store
from tta_orchestrate.modes.review.prompts import (
    DESCRIBE,
    DESCRIPTION,
    LABELS,
    SCOPE,
    SCOPE_PLAN,
    digest,
    fence,
    tokens,
)
from tta_orchestrate.modes.review.segments import Segment
from tta_orchestrate.modes.review.shown import Shown, inert
from tta_orchestrate.ports.model import Engine, GateResult, Prompt, Task

WORTH_FILES: Final = 8
WORTH_LINES: Final = 400
_MAP_TOKENS: Final = 3_000
_MOST_FOCUS: Final = 5
_LONGEST_FOCUS: Final = 100
_LARGE: Final = 120
"""Changed lines from which a file is not of low risk any more, whatever it is called."""


class Risk(IntEnum):
    """How much harm a mistake in a file could do; higher is read first."""

    LOW = 0
    NORMAL = 1
    HIGH = 2


_SENSITIVE: Final = re.compile(
    r"auth|login|passw|secret|token|crypt|permission|acl|payment|billing|checkout|migrat|\.sql$|sanitiz|escape|session"
    r"|(^|/)\.github/|dockerfile|deploy|security|\.tf$",
    re.IGNORECASE,
)
_HARMLESS: Final = re.compile(
    r"(^|/)(tests?|docs?|examples?|fixtures|locales?)/|(^|[/_.])test[_.]|\.(md|rst|txt|svg|css)$"
)


@dataclass(frozen=True, slots=True)
class Scope:
    """Risk by real path, and where to look; ``by_model`` when the orchestrator had a say."""

    risks: Mapping[str, Risk]
    focus: tuple[str, ...] = ()
    by_model: bool = False
    failed: str = ""


@dataclass(frozen=True, slots=True)
class ChangeMap:
    """The map: a line for each file, cut at a budget; ``paths`` leads from shown to real names."""

    text: str
    paths: Mapping[str, str] = field(default_factory=dict)


def risk_of(file: Shown) -> Risk:
    """Return the risk of *file* by name and size."""
    change = file.real.change
    if _SENSITIVE.search(file.path):
        return Risk.HIGH
    if _HARMLESS.search(file.path):
        return Risk.LOW
    return Risk.HIGH if change.added + change.removed > 2 * _LARGE else Risk.NORMAL


def change_map(files: Sequence[Shown], pieces: Sequence[Segment]) -> ChangeMap:
    """Return the map of *files*: status, size and touched symbols of each."""
    symbols: dict[str, dict[str, None]] = {}
    for piece in pieces:
        if piece.symbol:
            symbols.setdefault(piece.path, {})[piece.symbol] = None
    rows: list[str] = []
    left = _MAP_TOKENS
    for file in files:
        change = file.real.change
        names = " ".join(list(symbols.get(change.path, ()))[:6])
        row = inert(f"{file.path} {change.status.value} +{change.added} -{change.removed} {names}".rstrip())[:300]
        left -= tokens(row) + 1
        if left < 0:
            rows.append(f"and {len(files) - len(rows)} more files")
            break
        rows.append(row)
    return ChangeMap("\n".join(rows), {file.path: change_path(file) for file in files})


def change_path(file: Shown) -> str:
    """Return the real path of *file*."""
    return file.real.path


def analyse(engine: Engine, files: Sequence[Shown], pieces: Sequence[Segment], title: str) -> Scope:
    """Return the scope of the part of the change that is still to be read."""
    touched = {piece.path for piece in pieces}
    mine = [file for file in files if file.real.path in touched]
    scope = Scope({file.real.path: risk_of(file) for file in mine})
    lines = sum(file.real.change.added + file.real.change.removed for file in mine)
    if not engine.has_orchestrator or (len(mine) < WORTH_FILES and lines < WORTH_LINES):
        return scope
    known = change_map(mine, pieces)
    prompt = Prompt(
        system=SCOPE,
        data="\n".join([*titled(title), fence("map", known.text)]),
        schema=SCOPE_PLAN,
        schema_name="scope",
        max_output_tokens=1024,
    )
    (result,) = engine.judge([Task(unit=f"scope:{digest(prompt.data)[:16]}", stage="scope", prompt=prompt)], _is_plan)
    if result.answer is None:
        return Scope(scope.risks, failed=result.reason or "no answer")
    return _merged(scope, known, result.answer)


def titled(title: str) -> list[str]:
    """Return the change's title as a fenced block of at most 300 characters, or nothing."""
    return [fence("title", inert(mask_secrets(" ".join(title.split())))[:300])] if title.strip() else []


def _merged(scope: Scope, known: ChangeMap, answer: Any) -> Scope:
    """Take what the model says where it is about this change; it can raise a risk, and lower only what is small."""
    risks = dict(scope.risks)
    for entry in answer["files"]:
        path = known.paths.get(str(entry.get("path")))
        if path is None:
            continue
        if entry.get("risk") == "high":
            risks[path] = Risk.HIGH
        elif risks[path] is Risk.NORMAL:
            risks[path] = Risk.LOW
    focus = [unfenced(inert(" ".join(str(one).split()))) for one in answer["focus"][:_MOST_FOCUS]]
    return Scope(risks, tuple(one[:_LONGEST_FOCUS] for one in focus if one), by_model=True)


def _is_plan(_task: Task, answer: Any) -> GateResult:
    lists = isinstance(answer, dict) and all(isinstance(answer.get(name), list) for name in ("focus", "files"))
    good = lists and all(isinstance(entry, dict) for entry in answer["files"])
    return GateResult(
        accepted=good, message="" if good else "focus and files must be lists", score=1.0 if good else None
    )


def describe(
    engine: Engine, files: Sequence[Shown], pieces: Sequence[Segment], title: str, store: Store
) -> dict[str, Any] | None:
    """Return title, summary, labels and files that a model proposes for the pull request, ``None`` if none does."""
    known = change_map(files, pieces)
    prompt = Prompt(
        system=DESCRIBE,
        data="\n".join([*titled(title), fence("map", known.text)]),
        schema=DESCRIPTION,
        schema_name="description",
        max_output_tokens=2048,
    )
    task = Task(unit=f"describe:{digest(prompt.data)[:16]}", stage="describe", prompt=prompt)
    key = f"describe-{digest(prompt.data)[:32]}"
    answer: Any = store.get(key)
    if not _is_description(task, answer).accepted:
        (result,) = engine.execute([task], _is_description)
        if result.answer is None:
            return None
        answer = result.answer
        store.put(key, answer)
    return {
        "title": str(answer["title"])[:200],
        "summary": str(answer["summary"])[:2_000],
        "labels": [label for label in dict.fromkeys(answer["labels"]) if label in LABELS][:4],
        "files": [
            {"path": known.paths[entry["path"]], "what": str(entry["what"])[:200]}
            for entry in answer["files"]
            if entry["path"] in known.paths
        ],
    }


def _is_description(_task: Task, answer: Any) -> GateResult:
    texts = isinstance(answer, dict) and all(isinstance(answer.get(name), str) for name in ("title", "summary"))
    lists = texts and all(isinstance(answer.get(name), list) for name in ("labels", "files"))
    good = lists and all(
        isinstance(entry, dict) and isinstance(entry.get("path"), str) and isinstance(entry.get("what"), str)
        for entry in answer["files"]
    )
    good = good and all(isinstance(label, str) for label in answer["labels"])
    return _said(good, "the answer lacks a part")


def _said(good: bool, otherwise: str) -> GateResult:
    return GateResult(accepted=True, score=1.0) if good else GateResult(accepted=False, message=otherwise)
