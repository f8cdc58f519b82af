"""Plans and part reports from disk: what another job left, read strictly and trusted with nothing but itself."""

import base64
import json
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any, Final

from pydantic import TypeAdapter, ValidationError

from tta_orchestrate.domain.cost import Baseline, BudgetState, Call, CostReport, NanoUsd, Usage, nano
from tta_orchestrate.domain.finding import Candidate, Finding, Rejected, Rejection
from tta_orchestrate.domain.outcome import Conclusion, Outcome, Verdict
from tta_orchestrate.domain.report import Coverage, Failure, Report, Skipped, Subject
from tta_orchestrate.domain.shards import Shard
from tta_orchestrate.errors import SourceError

PLAN: Final = "plan.json"
_MAGIC: Final = frozenset("\\*?[]")


def plan_document(mode: str, shards: Sequence[Shard]) -> dict[str, Any]:
    """Return what ``plan`` leaves for the jobs: the paths of each part."""
    parts = [{"shard": one.number, "tokens": one.tokens, "paths": [item.path for item in one.items]} for one in shards]
    return {"schema_version": "1.0", "mode": mode, "shards": parts}


def paths_of(plan: Path, number: int) -> tuple[str, ...]:
    """Return the paths of part *number* as patterns that match these very files. Raises ``SourceError``."""
    parts = {part.get("shard"): part.get("paths") for part in _parts(plan)}
    if not isinstance(paths := parts.get(number), list):
        raise SourceError(f"{str(plan)!r} has no shard {number}", remedy=f"choose one of 1..{len(parts)}")
    return tuple(exactly(str(path)) for path in paths)


def exactly(path: str) -> str:
    """Return the pattern of ``.gitignore`` that matches *path* and nothing else."""
    escaped = "".join(f"\\{char}" if char in _MAGIC else char for char in path)
    return "/" + (f"{escaped[:-1]}\\ " if escaped.endswith(" ") else escaped)


def missing_of(plan: Path, found: Iterable[int]) -> tuple[int, ...]:
    """Return the numbers of the plan's parts that are not among *found*."""
    here = set(found)
    return tuple(part["shard"] for part in _parts(plan) if part.get("shard") not in here)


def _parts(plan: Path) -> list[dict[str, Any]]:
    document = _json(plan)
    parts = document.get("shards")
    if not isinstance(parts, list) or not all(isinstance(part, dict) for part in parts):
        raise SourceError(f"{str(plan)!r} is no plan", remedy="make one with: tta-orchestrate plan")
    return parts


def part_report(folder: Path) -> Report:
    """Return the report in *folder*, from ``findings.json`` and ``cost-report.json``. Raises ``SourceError``."""
    said, cost = _json(folder / "findings.json"), _json(folder / "cost-report.json")
    try:
        return Report(
            mode=str(said["mode"]),
            verdict=Verdict(
                outcome=Outcome(said["outcome"]),
                conclusion=Conclusion(said["conclusion"]),
                exit_code=int(said["exit_code"]),
            ),
            findings=tuple(_FINDING.validate_python(_exact(one)) for one in said["findings"]),
            rejected=tuple(_rejected(one) for one in said["rejected"]),
            skipped=_SKIPPED.validate_python(said["skipped"]),
            failures=_FAILURES.validate_python(said["failures"]),
            coverage=_COVERAGE.validate_python(said["coverage"]),
            subject=_SUBJECT.validate_python(said["subject"]),
            notices=tuple(map(str, said["notices"])),
            cost=_cost(cost),
        )
    except (KeyError, TypeError, ValueError, InvalidOperation, ValidationError) as error:
        raise SourceError(
            f"{str(folder)!r} holds no report of this version: {type(error).__name__}",
            remedy="name folders that `--output` of this version of the program wrote",
        ) from error


_FINDING: Final = TypeAdapter(Finding)
_CANDIDATE: Final = TypeAdapter(Candidate)
_SKIPPED: Final = TypeAdapter(tuple[Skipped, ...])
_FAILURES: Final = TypeAdapter(tuple[Failure, ...])
_COVERAGE: Final = TypeAdapter(Coverage)
_SUBJECT: Final = TypeAdapter(Subject)
_USAGE: Final = TypeAdapter(Usage)


def _exact(one: Mapping[str, Any]) -> dict[str, Any]:
    """Undo what JSON cannot carry: bytes that are no UTF-8 stand beside in base64."""
    kept = {key: value for key, value in one.items() if key != "redacted" and not key.endswith("_base64")}
    for name in ("path", "quote"):
        if f"{name}_base64" in one:
            kept[name] = base64.b64decode(one[f"{name}_base64"]).decode("utf-8", "surrogateescape")
    return kept


def _rejected(one: Mapping[str, Any]) -> Rejected:
    candidate = _CANDIDATE.validate_python(_exact(one["candidate"]))
    return Rejected(candidate=candidate, reason=Rejection(one["reason"]), detail=str(one["detail"]))


def _money(text: str) -> NanoUsd:
    return nano(Decimal(text))


def _cost(document: Mapping[str, Any]) -> CostReport:
    return CostReport(
        calls=tuple(_call(one) for one in document["calls"]),
        budgets=tuple(
            BudgetState(
                name=str(one["name"]),
                limit=_money(one["limit_usd"]),
                settled=_money(one["settled_usd"]),
                hard=one["hard"] is True,
                reached=one["reached"] is True,
            )
            for one in document["budget"]
        ),
        baselines=tuple(
            Baseline(
                name=str(one["name"]),
                basis=str(one["basis"]),
                list_price=_money(one["list_usd"]),
                tasks=int(one["n"]),
                interval=tuple(one["interval"]) if one["interval"] else None,
            )
            for one in document["baseline"]
        ),
        price_data=str(document["price_data"]),
        notes=tuple(map(str, document["notes"])),
    )


_TEXTS: Final = ("provider", "request_model", "response_model", "role", "stage", "unit", "outcome", "started_at")


def _call(one: Mapping[str, Any]) -> Call:
    return Call(
        **{name: str(one[name]) for name in _TEXTS},
        finish_reason=str(one["finish_reason"]),
        price_basis=str(one.get("price_basis", "standard")),
        attempt=int(one["attempt"]),
        cached=one["cached"] is True,
        duration_ms=int(one["duration_ms"]),
        usage=_USAGE.validate_python({name: one[name] for name in Usage.__slots__}),
        cash=_money(one["cash_usd"]),
        list_price=_money(one["list_usd"]),
    )


def _json(path: Path) -> dict[str, Any]:
    remedy = "check the folder: every part leaves findings.json and cost-report.json, and plan leaves plan.json"
    try:
        found = json.loads(path.read_bytes())
    except OSError as error:
        raise SourceError(f"{str(path)!r} cannot be read: {error.strerror}", remedy=remedy) from error
    except (ValueError, RecursionError) as error:
        raise SourceError(f"{str(path)!r} is not valid JSON", remedy=remedy) from error
    if not isinstance(found, dict):
        raise SourceError(f"{str(path)!r} is not an object", remedy=remedy)
    return found
