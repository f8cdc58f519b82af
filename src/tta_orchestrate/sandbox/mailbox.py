"""Jobs and results as files between two containers that share nothing else.

The brain writes ``in/N.json``, which the box can only read; the box writes ``out/N.json``. What comes out of the box is
in the hands of whatever ran there: it is opened without following links, must be a plain file of bounded size, and is
read against a closed schema. Nothing of it is imported, unpickled or executed.
"""

import json
import math
import os
import stat
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from threading import Lock
from typing import Any, Final

from tta_orchestrate.errors import SandboxError
from tta_orchestrate.sandbox.run import Sandbox
from tta_orchestrate.sandbox.spec import Bind, End, Job, JobResult, Level, Limits

LARGEST: Final = 64 << 20
"""Bytes of one letter; the coverage of a large suite is most of it."""
POLL: Final = 0.02
_GRACE: Final = 30.0
"""Seconds that a job may take on top of its own: to be fetched, built up, swept and posted."""
_TYPES: Final[Mapping[type, Mapping[str, type | tuple[type, ...]]]] = {
    JobResult: {"end": str, "code": int, "lines": list, "stdout": str, "stderr": str, "seconds": (int, float),
                "forged": int, "reason": str},
    Job: {"argv": list, "cwd": str, "env": dict, "input": str, "binds": list, "limits": dict, "level": str,
          "loopback": bool, "without": list},
    Limits: {"seconds": (int, float), **{one.name: int for one in fields(Limits) if one.name != "seconds"}},
    Bind: {"source": str, "target": str},
}  # fmt: skip


class LetterError(ValueError):
    """A file in the mailbox is not what it has to be."""


def post(folder: Path, number: int, text: str) -> None:
    """Put letter *number* into *folder*, whole or not at all.

    Raises:
        LetterError: it is too large.
    """
    data = text.encode("ascii")  # the writers escape everything else
    if len(data) > LARGEST:
        raise LetterError(f"{len(data)} bytes are more than {LARGEST}")
    draft = folder / f".{number}.draft"
    fd = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o640)
    with os.fdopen(fd, "wb") as file:
        file.write(data)
    draft.replace(folder / f"{number}.json")


def fetch(folder: Path, number: int) -> bytes | None:
    """Return letter *number*, ``None`` while there is none.

    Raises:
        LetterError: it is no plain file with one name, or too large.
    """
    try:
        # A FIFO does not block the open, a link does not lead it away, a device is not read.
        fd = os.open(
            folder / f"{number}.json", os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY
        )
    except FileNotFoundError:
        return None
    except OSError as error:
        raise LetterError(f"it cannot be opened: {error.strerror}") from error
    try:
        status = os.fstat(fd)
        if not stat.S_ISREG(status.st_mode) or status.st_nlink != 1:
            raise LetterError("it is no plain file")
        if status.st_size > LARGEST:
            raise LetterError(f"{status.st_size} bytes are more than {LARGEST}")
        with os.fdopen(fd, "rb", closefd=False) as file:
            data = file.read(LARGEST + 1)
    finally:
        os.close(fd)
    if len(data) > LARGEST:
        raise LetterError(f"it grew beyond {LARGEST} bytes")
    return data


def read_job(data: bytes) -> Job:
    """Return the job that a letter holds.

    Raises:
        LetterError: it holds none.
    """
    raw = _checked(_parse(data), Job)
    _checked(raw["limits"], Limits)
    for bind in raw["binds"]:
        _checked(bind, Bind)
    _texts([*raw["argv"], *raw["without"], *raw["env"].values()])
    if not raw["argv"] or raw["level"] != Level.BOX:
        raise LetterError("it is no job for a box")
    return Job.from_json(json.dumps(raw))


def read_result(data: bytes) -> JobResult:
    """Return the result that a letter holds.

    Raises:
        LetterError: it holds none.
    """
    raw = _checked(_parse(data), JobResult)
    _texts(raw["lines"])
    if raw["end"] not in set(End):
        raise LetterError("it does not tell how the job ended")
    return JobResult(**{**raw, "end": End(raw["end"]), "lines": tuple(raw["lines"])})


def _parse(data: bytes) -> Any:
    def number(_: str) -> float:
        raise LetterError("NaN and infinity are no numbers")

    def unique(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) != len(pairs):
            raise LetterError("a key is given twice")
        return found

    try:
        return json.loads(data.decode("ascii"), parse_constant=number, object_pairs_hook=unique)
    except LetterError:
        raise
    except (ValueError, RecursionError) as error:
        raise LetterError(f"it is no JSON of ours: {type(error).__name__}") from None


def _checked(raw: Any, record: type) -> dict[str, Any]:
    """Return *raw* if it has the fields of *record*, all of them and no more, each of its plain type."""
    types = _TYPES[record]
    if not isinstance(raw, dict) or raw.keys() != types.keys():
        raise LetterError(f"it does not have the fields of {record.__name__}")
    for name, wanted in types.items():
        value = raw[name]
        wrong = isinstance(value, bool) and wanted is not bool
        if wrong or not isinstance(value, wanted) or (isinstance(value, float) and not math.isfinite(value)):
            raise LetterError(f"{record.__name__}.{name} is of another type")
    return raw


def _texts(values: Sequence[Any]) -> None:
    if not all(isinstance(value, str) for value in values):
        raise LetterError("a list holds something else than texts")


@dataclass(frozen=True, slots=True, kw_only=True)
class Mailbox(Sandbox):
    """A sandbox in another container: the same jobs, the same results, nothing runs here."""

    level: Level = Level.BOX
    folder: Path
    """Holds ``source`` (what jobs may be given to read), ``in`` and ``out``."""
    gone: Callable[[], str] = lambda: ""
    """Says why no answer will come any more, if that is so."""
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    _lock: Lock = field(default_factory=Lock)
    _sent: list[int] = field(default_factory=list)

    def run(self, job: Job) -> JobResult:
        """Have *job* run in the box and wait for its result.

        Raises:
            SandboxError: the box refused it, is gone, does not answer, or answers what cannot be read.
        """
        with self._lock:
            number = len(self._sent)
            self._sent.append(number)
            self._open_way(job)
            try:
                post(self.folder / "in", number, replace(job, level=Level.BOX).to_json())
                data = self._wait(number, self.clock() + job.limits.seconds + _GRACE)
                result = read_result(data)
            except LetterError as error:
                raise SandboxError(f"letter {number} of the box: {error}", remedy=_REMEDY) from error
            (self.folder / "in" / f"{number}.json").unlink(missing_ok=True)
        if result.end is End.REFUSED:
            raise SandboxError(f"the sandbox is incomplete in the box: {result.reason[:300]}", remedy=_REMEDY)
        return result

    def _wait(self, number: int, deadline: float) -> bytes:
        while (data := fetch(self.folder / "out", number)) is None:
            if why := self.gone():
                raise SandboxError(f"the box is gone: {why}", remedy=_REMEDY)
            if self.clock() > deadline:
                raise SandboxError("the box does not answer", remedy=_REMEDY)
            self.sleep(POLL)
        return data

    def _open_way(self, job: Job) -> None:
        """Let the users of the box walk to what the job may read; what is not bound stays closed to it by Landlock."""
        source = self.folder / "source"
        for bind in job.binds:
            for folder in Path(bind.source).parents:
                if folder.is_relative_to(source) and folder != source:
                    folder.chmod(0o711)


_REMEDY: Final = (
    "the log of the step holds what the box printed; the box needs Landlock and seccomp (Linux 5.13 or newer) and the "
    "capabilities that the launcher gives it"
)
