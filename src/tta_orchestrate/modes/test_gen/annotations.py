"""What test generation says about the tested code itself, as findings at its lines."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Final

from tta_orchestrate.domain.finding import Category, Finding, Severity, fingerprint
from tta_orchestrate.modes.test_gen.mutants import Mutant
from tta_orchestrate.modes.test_gen.outcome import Drop, Suspect, TargetResult
from tta_orchestrate.modes.test_gen.snapshot import Snapshot

RULE_SUSPECT: Final = "test-gen/suspected-bug"
RULE_REGRESSION: Final = "test-gen/possible-regression"
RULE_UNCOVERED: Final = "test-gen/uncovered-change"
RULE_SURVIVOR: Final = "test-gen/surviving-mutant"
_MOST: Final = 10
"""Findings of one of the two mild kinds per file; the figures tell the rest."""


def findings(result: TargetResult, tree: Snapshot, changed: frozenset[int] | None) -> Iterator[Finding]:
    """Yield possible regressions and suspected bugs; with *changed* lines also what of them no test notices."""
    if result.before is None:
        return  # never looked at
    lines = tree.read(result.path).splitlines()
    place = min(changed or {1})
    for drop in result.regressions:
        yield _regression(result.path, place, lines, drop)
    for suspect in result.suspects:
        yield _suspected(result.path, suspect, lines)
    missing = frozenset(result.after.missing) if result.after and changed else frozenset()
    for first, last in _blocks(missing & (changed or frozenset()))[:_MOST]:
        yield _uncovered(result.path, first, last, lines)
    for mutant in [m for m in result.survivors if changed and changed.intersection(range(m.line, m.last + 1))][:_MOST]:
        yield _survivor(result.path, mutant, lines)


def _regression(path: str, line: int, lines: list[str], drop: Drop) -> Finding:
    claim = _claim(path, line, lines, RULE_REGRESSION, symbol=drop.test)
    title = f"Possible regression: {drop.test}"
    return replace(claim, severity=Severity.HIGH, title=title, message=drop.reason, symbol="", category=Category.BUG)


def _suspected(path: str, suspect: Suspect, lines: list[str]) -> Finding:
    message = f"`{suspect.expr}` ends in {suspect.error}. Every argument is of its declared type. "
    message += "Expected: a result, or an error raised on purpose. A person has to say which."
    if suspect.expected:
        message = f"`{suspect.expr}`: expected {suspect.expected}; actual: {suspect.error}."
    claim = _claim(path, suspect.line, lines, RULE_SUSPECT, symbol=suspect.target)
    return replace(
        claim,
        severity=Severity.MEDIUM,
        category=Category.BUG,
        title=f"Suspected bug in {suspect.target}",
        message=message,
    )


def _uncovered(path: str, first: int, last: int, lines: list[str]) -> Finding:
    claim = _claim(path, first, lines, RULE_UNCOVERED, last=last)
    what = f"Changed line {first} is" if first == last else f"Changed lines {first}-{last} are"
    return replace(claim, title=f"{what} run by no test", message="Neither the suite nor a generated test gets there.")


def _survivor(path: str, mutant: Mutant, lines: list[str]) -> Finding:
    claim = _claim(path, mutant.line, lines, RULE_SURVIVOR, symbol=f"{mutant.symbol}:{mutant.start}:{mutant.operator}")
    message = f"With `{mutant.before[:100]}` replaced by `{mutant.replacement[:100]}` every test still passes. "
    message += "Is a test missing, or does it make no difference?"
    return replace(claim, symbol=mutant.symbol, title="No test notices when this line is changed", message=message)


def _blocks(lines: Iterable[int]) -> list[tuple[int, int]]:
    """Return runs of neighbouring lines."""
    found: list[tuple[int, int]] = []
    for line in sorted(lines):
        if found and line == found[-1][1] + 1:
            found[-1] = (found[-1][0], line)
        else:
            found.append((line, line))
    return found


def _claim(path: str, line: int, lines: list[str], rule: str, *, symbol: str = "", last: int = 0) -> Finding:
    quote = "\n".join(lines[line - 1 : max(line, last)]) if 0 < line <= len(lines) else ""
    return Finding(
        path=path, start_line=line, end_line=max(line, last), quote=quote, rule=rule, category=Category.TESTING,
        severity=Severity.LOW, source="test-gen", title="", message="", confidence=0.5, symbol=symbol,
        fingerprint=fingerprint(path=path, quote=quote, rule=rule, symbol=symbol),
    )  # fmt: skip
