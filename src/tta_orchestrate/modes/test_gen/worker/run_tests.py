"""Run tests of the repository, one session, and tell per test how it ended and what it covered."""

import os
import random
import signal
import sys
import time
import unittest
from collections.abc import Sequence
from types import FrameType
from typing import Any, Optional

from .boot import Emit
from .tracer import Tracer

_ERROR_TAIL = 2000
BRIEF = ("--assert=plain", "--tb=native")
"""For runs of which only the outcomes matter: no assertion is rewritten, no difference explained."""


class TestTimeout(BaseException):
    """A test took longer than it may; not an ``Exception``, so that tests do not swallow it by chance."""


def serve(request: dict[str, Any], emit: Emit) -> None:
    """Answer one request."""
    emit(run(request, emit))


def run(request: dict[str, Any], emit: Emit) -> dict[str, Any]:
    """Run ``request["tests"]`` (paths or node ids), emit one record per test, return the closing record."""
    tracer = Tracer(request.get("trace", ()))
    try:
        import pytest  # noqa: F401
    except ImportError:
        return _run_unittest(request, tracer, emit)
    return _run_pytest(request, tracer, emit)


class Watch:
    """Times one test, traces it, and makes its record."""

    def __init__(self, tracer: Tracer, emit: Emit, limit: float) -> None:
        self._tracer, self._emit, self._limit = tracer, emit, limit
        self._began = 0.0
        self._outcome, self._error = "", ""

    def begin(self, name: str) -> None:
        """A test starts."""
        self._emit({"event": "start", "id": name})
        self._began, self._outcome, self._error = time.monotonic(), "", ""
        signal.signal(signal.SIGALRM, self._alarm)
        signal.setitimer(signal.ITIMER_REAL, self._limit)
        self._tracer.take()
        self._tracer.start()

    def _alarm(self, number: int, frame: Optional[FrameType]) -> None:  # noqa: UP045, ARG002
        raise TestTimeout(f"longer than {self._limit:g} s")

    def note(self, outcome: str, error: str = "") -> None:
        """A phase of it ended; the worst outcome stays."""
        if outcome != "passed" or not self._outcome:
            self._outcome, self._error = outcome, error[-_ERROR_TAIL:]

    def end(self, name: str) -> None:
        """It is over: make the record."""
        signal.setitimer(signal.ITIMER_REAL, 0)
        self._tracer.stop()
        arcs = {path: sorted(found) for path, found in self._tracer.take().items()}
        record = {"event": "test", "id": name, "outcome": self._outcome or "passed", "arcs": arcs}
        self._emit({**record, "error": self._error, "seconds": round(time.monotonic() - self._began, 4)})


def _run_pytest(request: dict[str, Any], tracer: Tracer, emit: Emit) -> dict[str, Any]:
    import pytest

    watch = Watch(tracer, emit, float(request.get("test_seconds", 10)))

    class Plugin:
        @pytest.hookimpl(tryfirst=True)
        def pytest_collection_modifyitems(self, items: list[Any]) -> None:
            wanted = request.get("only")
            if wanted is not None:
                place = {name: number for number, name in enumerate(wanted)}
                items[:] = [item for item in items if item.nodeid in place]
                if request.get("brief"):  # the quick ones first: a mutant that they notice needs no others
                    items.sort(key=lambda item: place[item.nodeid])
            dropped = set(request.get("deselect", ()))
            items[:] = [item for item in items if item.nodeid not in dropped]
            _reorder(items, request.get("order", ""))

        @pytest.hookimpl(hookwrapper=True)
        def pytest_runtest_protocol(self, item: Any) -> Any:
            watch.begin(item.nodeid)
            yield
            watch.end(item.nodeid)

        @pytest.hookimpl(trylast=True)
        def pytest_runtest_logreport(self, report: Any) -> None:
            if report.outcome == "failed" and "TestTimeout" in str(report.longrepr):
                watch.note("timeout", str(report.longrepr))
            elif hasattr(report, "wasxfail"):
                watch.note("xfailed")
            else:
                watch.note(report.outcome, str(report.longrepr) if report.outcome != "passed" else "")

        def pytest_collectreport(self, report: Any) -> None:
            if report.outcome == "failed":
                emit({"event": "collect-error", "id": report.nodeid, "error": str(report.longrepr)[-_ERROR_TAIL:]})

        def pytest_collection_finish(self, session: Any) -> None:
            arcs = {path: sorted(found) for path, found in tracer.take().items()}
            emit({"event": "collected", "ids": [item.nodeid for item in session.items], "arcs": arcs})

    argv = [*request["tests"], "-q", "-p", "no:cacheprovider", "-p", "no:randomly", "--continue-on-collection-errors"]
    argv += ["-p", "no:xdist", "-p", "no:cov", "-o", "addopts=", "--capture=fd", "--rootdir", os.getcwd()]
    if request.get("collect_only"):
        argv.append("--collect-only")
    argv += BRIEF if request.get("brief") else ()
    warm_hypothesis(request["tests"], brief=bool(request.get("brief")))
    tracer.watch_imports()
    status = int(pytest.main(argv, plugins=[Plugin()]))
    return {"event": "end", "status": status, "runner": f"pytest {pytest.__version__}"}


def warm_hypothesis(tests: Sequence[str], *, brief: bool = False) -> None:
    """Load Hypothesis where *tests* use it: its first property takes long, and no test shall be blamed for that.

    With *brief* no simplest example is looked for when a property breaks.
    """
    if not any(_mentions(path.partition("::")[0], "from hypothesis import") for path in tests):
        return
    from hypothesis import Phase, given, settings, strategies

    if brief:
        settings.register_profile("tta", phases=[Phase.explicit, Phase.generate])
        settings.load_profile("tta")

    @settings(max_examples=1, database=None, deadline=None)
    @given(strategies.text())
    def first(text: str) -> None:
        """Nothing is tested here."""

    first()


def _mentions(path: str, text: str) -> bool:
    if not os.path.isfile(path):
        return False
    with open(path, encoding="utf-8", errors="replace") as file:
        return text in file.read()


def _reorder(items: list[Any], order: str) -> None:
    if order == "reverse":
        items.reverse()
    elif order:
        random.Random(order).shuffle(items)


def _cases(suite: unittest.TestSuite) -> list[unittest.TestCase]:
    found: list[unittest.TestCase] = []
    for test in suite:
        found += _cases(test) if isinstance(test, unittest.TestSuite) else [test]
    return found


def _run_unittest(request: dict[str, Any], tracer: Tracer, emit: Emit) -> dict[str, Any]:
    watch = Watch(tracer, emit, float(request.get("test_seconds", 10)))

    class Result(unittest.TestResult):
        def startTest(self, test: unittest.TestCase) -> None:  # noqa: N802
            watch.begin(_unittest_name(test))
            super().startTest(test)

        def addSubTest(self, test: Any, subtest: Any, err: Any) -> None:  # noqa: N802
            super().addSubTest(test, subtest, err)
            if err is not None:
                watch.note("failed", self._exc_info_to_string(err, test))  # type: ignore[attr-defined]

        def addFailure(self, test: Any, err: Any) -> None:  # noqa: N802
            watch.note("failed", self._exc_info_to_string(err, test))  # type: ignore[attr-defined]

        addError = addFailure  # noqa: N815

        def addSkip(self, test: Any, reason: str) -> None:  # noqa: ARG002, N802
            watch.note("skipped", reason)

        def stopTest(self, test: unittest.TestCase) -> None:  # noqa: N802
            watch.end(_unittest_name(test))
            super().stopTest(test)

    tracer.watch_imports()
    cases = _load(request["tests"], emit)
    only, dropped = request.get("only"), set(request.get("deselect", ()))
    cases = [c for c in cases if (only is None or _unittest_name(c) in only) and _unittest_name(c) not in dropped]
    _reorder(cases, request.get("order", ""))
    arcs = {path: sorted(found) for path, found in tracer.take().items()}
    emit({"event": "collected", "ids": [_unittest_name(case) for case in cases], "arcs": arcs})
    if not request.get("collect_only"):
        unittest.TestSuite(cases).run(Result())
    return {"event": "end", "status": 0, "runner": "unittest"}


def _unittest_name(test: unittest.TestCase) -> str:
    module = sys.modules.get(type(test).__module__)
    path = os.path.relpath(getattr(module, "__file__", None) or type(test).__module__)
    return f"{path}::{type(test).__qualname__}::{test.id().rpartition('.')[2]}"


def _load(paths: Sequence[str], emit: Emit) -> list[unittest.TestCase]:
    found: list[unittest.TestCase] = []
    for entry in paths:
        path = entry.partition("::")[0]
        folder, name = os.path.split(os.path.abspath(path))
        if os.path.isdir(path):
            folder, name = os.path.abspath(path), "test*.py"
        loader = unittest.TestLoader()
        found += _cases(loader.discover(folder, pattern=name, top_level_dir=folder))
        for error in loader.errors:
            emit({"event": "collect-error", "id": path, "error": str(error)[-_ERROR_TAIL:]})
    return [case for case in found if type(case).__name__ != "_FailedTest"]
