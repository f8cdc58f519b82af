"""Run tests against mutants of one file, a fork per mutant.

Most mutants change one function: the tests are collected once, and each fork swaps that function's code in place. A
mutant that shows at import (a default value, a function that import runs) gets a fork from before any import.
"""

import contextlib
import gc
import importlib
import importlib.machinery
import os
import select
import signal
import time
from collections.abc import Callable
from types import CodeType, FunctionType
from typing import Any

from .boot import Emit
from .run_tests import BRIEF, Watch, run, warm_hypothesis
from .tracer import Tracer


def serve(request: dict[str, Any], emit: Emit) -> None:
    """Answer one request: a record per mutant, as long as ``request["seconds"]`` lasts."""
    Server(request, emit, time.monotonic() + float(request["seconds"])).serve()
    emit({"event": "end", "status": 0})


class Server:
    """Serves the mutants of one request, those that can be swapped in first."""

    def __init__(self, request: dict[str, Any], emit: Emit, deadline: float) -> None:
        self._request, self._emit, self._deadline = request, emit, deadline
        with open(request["file"], encoding="utf-8-sig", newline="") as file:
            self._source: str = file.read()
        self._original = _codes(self._source, request["file"])
        self._at_import = set(request.get("import_lines", ()))

    def serve(self) -> None:
        """Answer every mutant that the time allows."""
        try:
            _load_pytest(self._request["tests"])
        except ImportError:
            for mutant in self._request["mutants"]:
                self._fresh(mutant)
            return
        swaps: list[tuple[dict[str, Any], dict[int, CodeType]]] = []
        rest = []
        for mutant in self._request["mutants"]:
            changed = self._changed_functions(mutant)
            if changed is None or self._at_import.intersection(range(mutant["line"], mutant["last"] + 1)):
                rest.append(mutant)
            else:
                swaps.append((mutant, changed))
        answered = self._swapping(swaps) if swaps else set()
        rest += [mutant for mutant, _ in swaps if mutant["id"] not in answered]
        for mutant in rest:
            self._fresh(mutant)

    def _text(self, mutant: dict[str, Any]) -> str:
        start, end, replacement = int(mutant["start"]), int(mutant["end"]), str(mutant["replacement"])
        return self._source[:start] + replacement + self._source[end:]

    def _changed_functions(self, mutant: dict[str, Any]) -> dict[int, CodeType] | None:
        """Return the functions that differ, by their place in the tree of code; ``None`` when more differs."""
        if mutant["start"] == mutant["end"]:
            return {}
        try:
            changed = _codes(self._text(mutant), self._request["file"])
        except (SyntaxError, ValueError):
            return None
        if [name for name, _, _ in changed] != [name for name, _, _ in self._original]:
            return None
        pairs = enumerate(zip(self._original, changed))  # noqa: B905 -- read by Python 3.9 as well
        different = {i: b for i, ((_, a, _), (_, b, _)) in pairs if not _same(a, b)}
        whole = all(
            code.co_flags & _FUNCTION and code.co_freevars == self._original[i][1].co_freevars
            for i, code in different.items()
        )
        return different if whole else None

    def _swapping(self, swaps: list[tuple[dict[str, Any], dict[int, CodeType]]]) -> set[int]:
        """Collect in one fork, then fork again for each mutant; return the mutants that were answered."""
        read, write = os.pipe()
        pid = os.fork()
        if pid == 0:
            os.close(read)
            os.setpgid(0, 0)
            _quiet()
            try:
                self._session(swaps, write)
            finally:
                os._exit(0)
        os.close(write)
        answered: set[int] = set()

        def line(text: str) -> None:
            number, status, *killers = text.split("\t")
            answered.add(int(number))
            self._emit({"event": "mutant", "id": int(number), "status": status, "killers": killers})

        _collect(
            read, pid, max(1.0, self._deadline - time.monotonic()) + 2 * float(self._request["mutant_seconds"]), line
        )
        os.close(read)
        return answered

    def _session(self, swaps: list[tuple[dict[str, Any], dict[int, CodeType]]], write: int) -> None:
        import pytest

        server = self

        class Plugin:
            @pytest.hookimpl(tryfirst=True)
            def pytest_runtestloop(self, session: Any) -> bool:
                items = {item.nodeid: item for item in session.items}
                functions = _functions(server._request["file"], server._original)
                gc.freeze()
                for mutant, changed in swaps:
                    if time.monotonic() >= server._deadline:
                        break
                    wanted = [items[name] for name in mutant["only"] if name in items]
                    if len(wanted) == len(mutant["only"]) and (not changed or all(functions.get(i) for i in changed)):
                        server._one(mutant, changed, functions, wanted, write)
                return True

        argv = [
            *self._request["tests"],
            "-q",
            "-p",
            "no:cacheprovider",
            "-p",
            "no:randomly",
            "--continue-on-collection-errors",
        ]
        argv += ["-p", "no:xdist", "-p", "no:cov", "-o", "addopts=", "--capture=fd", "--rootdir", os.getcwd()]
        pytest.main([*argv, *BRIEF], plugins=[Plugin()])

    def _one(
        self,
        mutant: dict[str, Any],
        changed: dict[int, CodeType],
        functions: dict[int, list[FunctionType]],
        items: list[Any],
        write: int,
    ) -> None:
        read, inner = os.pipe()
        pid = os.fork()
        if pid == 0:
            os.close(read)
            os.setpgid(0, 0)
            try:
                for index, code in changed.items():
                    for function in functions[index]:
                        function.__code__ = code
                self._run_items(items, inner)
                os.write(inner, b"D\n")
            finally:
                os._exit(0)
        os.close(inner)
        lines: list[str] = []
        finished = _collect(read, pid, float(self._request["mutant_seconds"]), lines.append)
        os.close(read)
        status, killers = _verdict(lines, finished=finished)
        os.write(write, ("\t".join([str(mutant["id"]), status, *killers]) + "\n").encode("utf-8", "replace"))

    def _run_items(self, items: list[Any], write: int) -> None:
        killers: list[str] = []

        def emit(record: dict[str, Any]) -> None:
            if record["event"] == "test" and record["outcome"] in {"failed", "timeout"}:
                killers.append(record["id"])
                os.write(write, f"K {record['id']}\n".encode("utf-8", "replace"))

        watch = Watch(Tracer(()), emit, float(self._request.get("test_seconds", 5)))

        class Listener:
            @staticmethod
            def pytest_runtest_logreport(report: Any) -> None:
                watch.note(report.outcome if not hasattr(report, "wasxfail") else "xfailed")

        if items:
            items[0].config.pluginmanager.register(Listener())
        for index, item in enumerate(items):
            if len(killers) >= ENOUGH:
                break
            following = items[index + 1] if index + 1 < len(items) else None
            watch.begin(item.nodeid)
            item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
            watch.end(item.nodeid)

    def _fresh(self, mutant: dict[str, Any]) -> None:
        if time.monotonic() >= self._deadline:
            return
        read, write = os.pipe()
        pid = os.fork()
        if pid == 0:
            os.close(read)
            os.setpgid(0, 0)
            self._fresh_child(mutant, write)
        os.close(write)
        lines: list[str] = []
        finished = _collect(read, pid, float(self._request["mutant_seconds"]) + 3, lines.append)
        os.close(read)
        status, killers = _verdict(lines, finished=finished)
        self._emit({"event": "mutant", "id": mutant["id"], "status": status, "killers": killers})

    def _fresh_child(self, mutant: dict[str, Any], write: int) -> None:
        """Run the tests and say which failed; never returns."""
        _quiet()
        killers: list[str] = []
        try:
            replace(self._request["file"], self._text(mutant))

            def emit(record: dict[str, Any]) -> None:
                if record["event"] == "test" and record["outcome"] in {"failed", "timeout"}:
                    killers.append(record["id"])
                    os.write(write, f"K {record['id']}\n".encode("utf-8", "replace"))
                    if len(killers) >= ENOUGH:
                        os.write(write, b"D\n")
                        os._exit(0)
                if record["event"] == "collect-error":
                    os.write(write, b"E collect\n")

            run({**self._request, "only": mutant["only"], "trace": (), "brief": True}, emit)
            os.write(write, b"D\n")
        finally:
            os._exit(0)


def _load_pytest(tests: list[str]) -> None:
    """Load the runner once, for all forks."""
    import pytest  # noqa: F401
    from _pytest.config import default_plugins

    for name in default_plugins:
        importlib.import_module(f"_pytest.{name}")
    warm_hypothesis(tests, brief=True)


def _verdict(lines: list[str], *, finished: bool) -> tuple[str, list[str]]:
    killers = [line[2:] for line in lines if line.startswith("K ")]
    if killers:
        return "killed", killers
    if not finished:
        return "timeout", []
    if "E collect" in lines:
        return "import", []
    return ("survived" if "D" in lines else "crash"), []


def _collect(read: int, pid: int, limit: float, take: Callable[[str], Any]) -> bool:
    """Hand each line of the child to *take*; kill it at the limit. Return whether it came to its end."""
    deadline = time.monotonic() + limit
    data = b""
    finished = False
    while (left := deadline - time.monotonic()) > 0:
        if not select.select([read], [], [], left)[0]:
            break
        chunk = os.read(read, 65536)
        if not chunk:
            finished = True
            break
        *lines, data = (data + chunk).split(b"\n")
        for line in lines:
            take(line.decode("utf-8", "replace"))
    for kill in (os.killpg, os.kill):
        with contextlib.suppress(OSError):
            kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    return finished


def _quiet() -> None:
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 1)
    os.dup2(null, 2)


ENOUGH = 6
"""Tests that notice a mutant, after which no more are run on it."""
_Node = tuple[str, CodeType, int]
_FUNCTION = 0x2
"""CO_NEWLOCALS: the code of a function, a lambda or a comprehension, not of a class or module."""


def _codes(source: str, path: str) -> list[_Node]:
    """Return the module, its classes and their functions in order: name, code, and the index of the code around it.

    What is nested in a function rides in that function's constants.
    """
    found: list[_Node] = []

    def walk(code: CodeType, parent: int) -> None:
        index = len(found)
        found.append((code.co_name, code, parent))
        for constant in () if code.co_flags & _FUNCTION else code.co_consts:
            if isinstance(constant, CodeType):
                walk(constant, index)

    walk(compile(source, path, "exec", dont_inherit=True), -1)
    return found


def _same(one: CodeType, other: CodeType) -> bool:
    """Whether two codes do the same; functions and classes inside the code of a module or class are compared apart."""
    if one.co_code != other.co_code or one.co_names != other.co_names or len(one.co_consts) != len(other.co_consts):
        return False
    deep = bool(one.co_flags & _FUNCTION)
    for mine, its in zip(one.co_consts, other.co_consts):  # noqa: B905 -- read by Python 3.9 as well
        if isinstance(mine, CodeType) and isinstance(its, CodeType):
            if deep and not _same(mine, its):
                return False
        elif (type(mine), repr(mine)) != (type(its), repr(its)):
            return False
    return True


def _functions(path: str, original: list[_Node]) -> dict[int, list[FunctionType]]:
    """Return the living functions of *path* by the place of their code; nested ones come with the outer code."""
    places = {(code.co_name, code.co_firstlineno): index for index, (_, code, _) in enumerate(original)}
    found: dict[int, list[FunctionType]] = {}
    for thing in gc.get_objects():
        if isinstance(thing, FunctionType) and thing.__code__.co_filename == path:
            index = places.get((thing.__code__.co_name, thing.__code__.co_firstlineno))
            if index is not None:
                found.setdefault(index, []).append(thing)
    return found


def replace(path: str, text: str) -> None:
    """Let every import of *path* in this process see *text*."""
    real = os.path.realpath(path)
    original = importlib.machinery.SourceFileLoader.get_code

    def get_code(self: importlib.machinery.SourceFileLoader, fullname: str) -> Any:
        if os.path.realpath(self.path) == real:
            code: CodeType = compile(text, self.path, "exec", dont_inherit=True)
            return code
        return original(self, fullname)

    importlib.machinery.SourceFileLoader.get_code = get_code  # type: ignore[method-assign, assignment]
