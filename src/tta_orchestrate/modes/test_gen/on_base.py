"""A pull request in another language than Python: what the suite and the new tests do on the base revision."""

import posixpath
from collections.abc import Sequence
from dataclasses import replace

from tta_orchestrate.modes.test_gen import proving
from tta_orchestrate.modes.test_gen.diff import CHANGE_PROVING, REGRESSION_GUARD, UNKNOWN, Diff
from tta_orchestrate.modes.test_gen.outcome import Drop, TargetResult
from tta_orchestrate.modes.test_gen.proving import Target
from tta_orchestrate.modes.test_gen.runs import measure_suite
from tta_orchestrate.ports.test_runner import FAILED, PASSED, Proposal


def broken(target: Target, diff: Diff) -> list[Drop]:
    """Return what the suite fails at now and passed on the base revision: the change may have broken it."""
    failed = {(r.name, r.file): r for r in target.suite.run.tests if r.outcome == FAILED}
    if not failed:
        return []
    base = measure_suite(target.runs, diff.base, (), seconds=2 * target.suite.answer.seconds + 20)
    found = []
    for ran in base.run.tests:
        now = failed.get((ran.name, ran.file))
        if ran.outcome == PASSED and now is not None:
            reason = f"passes on the base revision, fails on head: {now.error[:300]}"
            found.append(Drop(test=ran.name[:200], gate="fail-to-pass", reason=reason, file=ran.file))
    return found


def once(results: Sequence[TargetResult]) -> None:
    """Leave each broken test of the suite with one file: whose name it bears, else beside which it stands, else any."""

    def near(path: str, test: str) -> tuple[bool, bool]:
        stem = posixpath.splitext(posixpath.basename(path))[0].lower()
        return stem in posixpath.basename(test).lower(), posixpath.dirname(path) == posixpath.dirname(test)

    best: dict[tuple[str, str], TargetResult] = {}
    for result in results:
        for drop in result.regressions:
            held = best.setdefault((drop.file, drop.test), result)
            if near(result.path, drop.file) > near(held.path, drop.file):
                best[drop.file, drop.test] = result
    for result in results:
        kept = [d for d in result.regressions if not d.file or best[d.file, d.test] is result]
        result.regressions = kept


def label(target: Target, tests: Sequence[Proposal], diff: Diff) -> None:
    """Run what is kept on the base revision: fail to pass proves the change, pass to pass guards what was there."""
    result = target.result
    found = _labels(target, tests, diff)
    if len(tests) > 1:  # one that uses what is new, or that ends the process, takes the others in its file with it
        for test in [t for t in tests if t.name not in found]:
            found |= _labels(target, [test], diff)
    result.kept = [replace(one, label=found.get(one.test.rpartition("::")[2], UNKNOWN)) for one in result.kept]
    if found:
        result.gates["fail-to-pass"] = "run"


def _labels(target: Target, tests: Sequence[Proposal], diff: Diff) -> dict[str, str]:
    """Return the labels that one run on the base revision gives to *tests*; none to those that it did not reach."""
    tried = target.runs.one(diff.base, target.attempt(tests))
    ran = proving.outcomes(tried, {t.name for t in tests})
    if not ran and len(tests) == 1 and not tried.answer.cut:  # what it uses is new
        return {tests[0].name: CHANGE_PROVING}
    return {name: REGRESSION_GUARD if one.outcome == PASSED else CHANGE_PROVING for name, one in ran.items()}


def passes(target: Target, test: Proposal, diff: Diff) -> bool:
    """Whether *test* passes on the base revision."""
    ran = proving.outcomes(target.runs.one(diff.base, target.attempt([test])), {test.name}).get(test.name)
    return ran is not None and ran.outcome == PASSED
