"""Which lines of some files run, and which line follows which: coverage without a dependency in the repository."""

import importlib.machinery
import os
import sys
import threading
from collections.abc import Iterable
from types import CodeType, FrameType, ModuleType
from typing import Any, Callable, Optional  # noqa: UP035 -- read by Python 3.9 as well

Arc = tuple[int, int]
_Local = Callable[[FrameType, str, Any], Any]


class Tracer:
    """Collects arcs ``(from line, to line)`` per file; entering a frame comes from 0, leaving goes to 0."""

    def __init__(self, files: Iterable[str]) -> None:
        self._files = frozenset(files)
        self._arcs: dict[str, set[Arc]] = {name: set() for name in self._files}
        self._wanted: dict[CodeType, bool] = {}

    def watch_imports(self) -> None:
        """Trace the files while they are imported; the rest of a session's start would only be slowed down."""
        original = importlib.machinery.SourceFileLoader.exec_module
        tracer = self

        def exec_module(loader: importlib.machinery.SourceFileLoader, module: ModuleType) -> None:
            if os.path.abspath(loader.path) not in tracer._files:
                return original(loader, module)
            before = sys.gettrace()
            tracer.start()
            try:
                return original(loader, module)
            finally:
                if before is None:
                    tracer.stop()

        if self._files:
            importlib.machinery.SourceFileLoader.exec_module = exec_module  # type: ignore[method-assign, assignment]

    def start(self) -> None:
        """Trace this thread and those it starts."""
        if not self._files:
            return
        threading.settrace(self._global)
        sys.settrace(self._global)

    def stop(self) -> None:
        """Trace no more."""
        if not self._files:
            return
        sys.settrace(None)
        threading.settrace(None)

    def take(self) -> dict[str, set[Arc]]:
        """Return what was seen since the last call, and forget it."""
        taken = {name: arcs for name, arcs in self._arcs.items() if arcs}
        self._arcs.update({name: set() for name in taken})
        return taken

    def _global(self, frame: FrameType, event: str, arg: object) -> Optional[_Local]:  # noqa: UP045, ARG002
        code = frame.f_code
        wanted = self._wanted.get(code)
        if wanted is None:
            wanted = self._wanted[code] = code.co_filename in self._files
        return self._local(self._arcs, code.co_filename) if wanted else None

    @staticmethod
    def _local(arcs: dict[str, set[Arc]], name: str) -> _Local:
        last = 0

        def trace(frame: FrameType, event: str, arg: object) -> Any:  # noqa: ARG001
            nonlocal last
            if event == "line":
                arcs[name].add((last, frame.f_lineno))
                last = frame.f_lineno
            elif event == "return":
                arcs[name].add((last, 0))
            return trace

        return trace
