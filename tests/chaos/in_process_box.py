"""A sandbox for the matrix: it answers like the worker, for one module of ours and tests that our own script wrote.

Nothing of a stranger runs here, so no process is needed, and a cell takes a fraction of a second. The real worker and
the real sandbox have suites of their own.
"""

import ast
import json
import sys
import traceback
import types
from pathlib import Path

from tta_orchestrate.sandbox.spec import End, JobResult, Level


class InProcessBox:
    """Implements what ``Arena`` asks of a ``Sandbox``."""

    level = Level.BOX

    def check(self):
        """It is always there."""

    def run(self, job):
        """Answer one request to the worker."""
        asked = json.loads(job.input)
        records = {
            "probe": _probe,
            "explore": lambda _asked, _root: [{"event": "imported"}, {"event": "end"}],
            "run_tests": _run_tests,
            "mutate": _mutate,
        }[asked["command"]](asked, Path(job.cwd))
        return JobResult(end=End.EXIT, code=0, lines=tuple(map(json.dumps, records)))


def _probe(_asked, _root):
    return [{"event": "probe", "python": "3", "tools": {"pytest": "9"}, "packages": []}]


def _run_tests(asked, root):
    (source,) = root.glob("*.py")
    tests = _tests(asked["tests"], root, source, source.read_text())
    yield {"event": "collected", "ids": list(tests)}
    for name, test in tests.items():
        if asked["only"] is None or name in asked["only"]:
            arcs, error = _traced(test, str(source))
            outcome = "failed" if error else "passed"
            yield {"event": "test", "id": name, "outcome": outcome, "error": error, "arcs": {str(source): arcs}}
    yield {"event": "end", "runner": "pytest"}


def _mutate(asked, root):
    source = Path(asked["file"])
    text = source.read_text()
    for mutant in asked["mutants"]:
        changed = text[: mutant["start"]] + mutant["replacement"] + text[mutant["end"] :]
        tests = _tests(asked["tests"], root, source, changed)
        killers = [name for name in mutant["only"] if name in tests and _traced(tests[name], str(source))[1]]
        status = "killed" if killers else "survived"
        yield {"event": "mutant", "id": mutant["id"], "status": status, "killers": killers}


def _tests(paths, root, source, text):
    """Return the tests in *paths* by id, bound to the module *text*."""
    module = types.ModuleType(source.stem)
    exec(compile(text, str(source), "exec"), module.__dict__)
    found = {}
    for path in paths:
        tree = ast.parse((root / path).read_text())
        space = {}
        sys.modules[source.stem] = module
        try:
            exec(compile(tree, path, "exec"), space)
        finally:
            del sys.modules[source.stem]
        found |= {f"{path}::{name}": value for name, value in space.items() if name.startswith("test_")}
    return found


def _traced(test, file):
    arcs, last = set(), {}

    def line(frame, event, _argument):
        if event == "line":
            arcs.add((last.get(frame, -frame.f_code.co_firstlineno), frame.f_lineno))
            last[frame] = frame.f_lineno
        return line

    before = sys.gettrace()
    sys.settrace(lambda frame, event, argument: line if frame.f_code.co_filename == file else None)
    try:
        test()
    except Exception:  # noqa: BLE001 -- whatever a test ends in
        return sorted(arcs), traceback.format_exc(limit=1)
    finally:
        sys.settrace(before)
    return sorted(arcs), ""
