"""Do one candidate: run its lines, look at what came out."""

import asyncio
import inspect
import signal
import types
import warnings
from dataclasses import dataclass, field
from types import FrameType
from typing import Any

from .kinds import Kind
from .subject import Subject, Target

PATIENCE = 0.4
"""Seconds for one candidate; the parent's patience is longer and ends with SIGKILL."""


class Stuck(BaseException):
    """The candidate does not come to an end."""


@dataclass
class Candidate:
    """Lines to run first, then an expression whose value is looked at."""

    target: str
    expr: str
    before: list[str] = field(default_factory=list)
    after: list[str] = field(default_factory=list)
    """Expressions to look at afterwards: state that the call may have changed."""
    arguments: list[str] = field(default_factory=list)
    keywords: dict[str, str] = field(default_factory=dict)
    receiver: str = ""
    steps: list[str] = field(default_factory=list)
    """Calls on the receiver, as they stand in ``before``."""
    example: bool = False
    """Whether somebody wrote it: such inputs read better than invented ones."""
    chosen: dict[str, Kind] = field(default_factory=dict)
    """Which kind of value each parameter was given: what the search learns from."""

    @property
    def size(self) -> int:
        """How much there is to read; an empty text says less than a letter."""
        empty = self.expr.count("''") + sum(line.count("''") for line in self.before)
        return len(self.expr) + 3 * empty + sum(len(line) + 4 for line in self.before)


class Evaluator:
    """Evaluates candidates against the module, or a mutant of it."""

    def __init__(self, subject: Subject, module: types.ModuleType | None = None) -> None:
        self._subject = subject
        self._base = subject.namespace(module)
        self._portray = subject.portrayer(module)

    def observe(self, candidate: Candidate, target: Target | None) -> dict[str, Any]:
        """Return what a test could assert; ``kind`` is ``stuck`` or ``accident`` where there is nothing."""
        names = dict(self._base)
        signal.signal(signal.SIGALRM, _alarm)
        signal.setitimer(signal.ITIMER_REAL, PATIENCE)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                return self._observe(candidate, names, target)
        except Stuck:
            return {"kind": "stuck"}
        except RecursionError:
            return {"kind": "accident", "type": "RecursionError", "message": ""}
        except (KeyboardInterrupt, GeneratorExit):
            return {"kind": "stuck"}
        except BaseException as error:
            return self._raised(error)
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)

    def _observe(self, candidate: Candidate, names: dict[str, Any], target: Target | None) -> dict[str, Any]:
        try:
            for line in candidate.before:
                exec(line, names)
        except Exception:
            return {"kind": "opaque"}  # nothing can be said of a call that is not reached
        value = eval(candidate.expr, names)
        if target is not None and target.is_async and hasattr(value, "__await__"):
            value = asyncio.run(value)
        if inspect.iscoroutine(value):
            value.close()
            return {"kind": "opaque"}
        try:
            seen = self._portray.observe(value)
        except Exception:
            return {"kind": "opaque"}  # it does not want to be looked at: that says nothing of the call
        if candidate.after:
            seen["after"] = [[look, text] for look in candidate.after if (text := self._after(look, names)) is not None]
        seen["self"] = type(value).__module__ == self._subject.module.__name__
        return seen

    def _after(self, look: str, names: dict[str, Any]) -> str | None:
        try:
            return self._portray.source(eval(look, names))
        except Exception:
            return None

    def _raised(self, error: BaseException) -> dict[str, Any]:
        cls = type(error)
        kind = "raises" if self._subject.explicit(error) else "accident"
        home = "builtins" if cls.__module__ == "builtins" else cls.__module__
        try:
            message = str(error)[:300]
        except Exception:
            message = ""
        trace, line = error.__traceback__, 0
        while trace is not None:
            if trace.tb_frame.f_code.co_filename == self._subject.file:
                line = trace.tb_lineno
            trace = trace.tb_next
        return {"kind": kind, "type": cls.__qualname__, "home": home, "message": message, "line": line}


def _alarm(number: int, frame: FrameType | None) -> None:  # noqa: ARG001
    raise Stuck
