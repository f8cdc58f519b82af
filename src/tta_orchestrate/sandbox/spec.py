"""What is asked of the sandbox, and what it answers: plain records that cross a pipe as JSON."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any


class Level(StrEnum):
    """How far a job is kept from everything else."""

    OFF = "off"
    """Only limits and deadlines: for code that is trusted anyway. Never chosen by the program itself."""
    BOX = "box"
    """The inner layers, inside a container that already has its own process table and no network."""
    PRIVATE = "private"
    """The inner layers plus own process table, network and file tree ("level 2")."""


class End(StrEnum):
    """How a job ended."""

    EXIT = "exit"
    SIGNAL = "signal"
    TIMEOUT = "timeout"
    FLOOD = "flood"
    """It wrote more than it may."""
    REFUSED = "refused"
    """The sandbox could not be built; nothing was run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bind:
    """A host path that the job may read, and the path at which it sees it."""

    source: str
    target: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What a job may use."""

    seconds: float = 60.0
    """Wall clock; then everything in the job is killed."""
    memory_mib: int = 2048
    """Address space of each process; 0 for runtimes that reserve far more than they use (V8, the JVM)."""
    file_mib: int = 64
    """Largest file."""
    processes: int = 64
    open_files: int = 256
    output_kib: int = 8192
    """Standard output and error together; only their tails are kept."""
    result_kib: int = 65536


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One process tree to run.

    The job reads *input* from file descriptor 3, whose first line is a nonce; it answers on file descriptor 4 in lines
    that each start with that nonce and a blank. Other lines there are dropped and counted.
    """

    argv: tuple[str, ...]
    cwd: str
    env: Mapping[str, str] = field(default_factory=dict)
    input: str = ""
    binds: tuple[Bind, ...] = ()
    limits: Limits = Limits()
    level: Level = Level.PRIVATE
    loopback: bool = False
    """Let the job talk to itself over its own loopback interface (only where that network is private)."""
    without: tuple[str, ...] = ()
    """Layers left out, for measuring what each one stops; never set outside the probes."""

    def to_json(self) -> str:
        """Return one line."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> "Job":
        """Read what ``to_json`` wrote."""
        raw: dict[str, Any] = json.loads(text)
        raw["argv"], raw["without"] = tuple(raw["argv"]), tuple(raw["without"])
        raw["binds"] = tuple(Bind(**bind) for bind in raw["binds"])
        raw["limits"], raw["level"] = Limits(**raw["limits"]), Level(raw["level"])
        return cls(**raw)


@dataclass(frozen=True, slots=True, kw_only=True)
class JobResult:
    """What came of a job; texts are untrusted."""

    end: End
    code: int
    """Exit status, or the number of the signal."""
    lines: tuple[str, ...]
    """What it answered, nonces taken off."""
    stdout: str = ""
    stderr: str = ""
    seconds: float = 0.0
    forged: int = 0
    """Answer lines without the nonce."""
    reason: str = ""
    """Why it was refused."""

    def to_json(self) -> str:
        """Return one line."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> "JobResult":
        """Read what ``to_json`` wrote."""
        raw: dict[str, Any] = json.loads(text)
        raw["end"], raw["lines"] = End(raw["end"]), tuple(raw["lines"])
        return cls(**raw)
