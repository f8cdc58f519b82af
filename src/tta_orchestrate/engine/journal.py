"""The run's memory on disk: one fsynced JSON line per step, so that nothing is paid twice after a crash.

Lines: ``run`` (which inputs), ``reserve`` (before a call is sent), ``settle`` (what it cost), ``unit`` (a finished
answer). A torn last line, the mark of a kill during a write, is dropped. A reservation without its settlement counts as
spent: whether that call was billed, nobody can tell.
"""

import json
import os
import threading
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final, Protocol

from tta_orchestrate.domain.cost import Call, NanoUsd, Usage
from tta_orchestrate.engine.redact import Redactor

VERSION: Final = 1
Json = Any


class Memory(Protocol):
    """What the cascade needs of a journal."""

    @property
    def lost(self) -> str:
        """Why nothing is written any more; ``""`` while it is."""
        ...

    def unit(self, key: str) -> Mapping[str, Json] | None:
        """Return the finished answer of an earlier run on the same inputs, or ``None``."""
        ...

    def reserve(self, ticket: str, amount: NanoUsd, *, unit: str, model: str) -> None:
        """A call is about to be sent."""
        ...

    def settle(self, ticket: str, call: Call) -> None:
        """It came to this."""
        ...

    def finish(self, key: str, record: Mapping[str, Json]) -> None:
        """A unit has its accepted answer."""
        ...

    def close(self) -> None:
        """No more will be written."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """What an interrupted run on the same inputs left behind."""

    units: Mapping[str, Mapping[str, Json]]
    calls: tuple[Call, ...]
    unknown: NanoUsd
    """Reserved and never settled."""

    @property
    def spent(self) -> NanoUsd:
        """What counts against the run's limit already."""
        return NanoUsd(sum(call.cash for call in self.calls) + self.unknown)


NOTHING: Final = Past(units={}, calls=(), unknown=NanoUsd(0))


class NoJournal:
    """Remembers nothing."""

    lost = ""

    def unit(self, key: str) -> None:
        """Nothing is known."""

    def reserve(self, ticket: str, amount: NanoUsd, *, unit: str, model: str) -> None:
        """Do nothing."""

    def settle(self, ticket: str, call: Call) -> None:
        """Do nothing."""

    def finish(self, key: str, record: Mapping[str, Json]) -> None:
        """Do nothing."""

    def close(self) -> None:
        """Do nothing."""


class Journal:
    """The file. Thread-safe; each line is on disk before the method returns.

    A full disk costs the memory, never the run: writing stops and ``lost`` says why.
    """

    def __init__(
        self, path: Path, run_key: str, redactor: Redactor, *, on_write: Callable[[], None] = lambda: None
    ) -> None:
        self._redactor = redactor
        self._lock = threading.Lock()
        self._on_write = on_write
        self.lost = ""
        self.past, keep = _read(path, run_key)
        path.parent.mkdir(parents=True, exist_ok=True)
        self._fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        os.ftruncate(self._fd, keep)
        os.lseek(self._fd, keep, os.SEEK_SET)
        if keep == 0:
            self._write({"kind": "run", "v": VERSION, "run": run_key})

    def unit(self, key: str) -> Mapping[str, Json] | None:
        """Return the finished answer of an earlier run on the same inputs, or ``None``."""
        return self.past.units.get(key)

    def reserve(self, ticket: str, amount: NanoUsd, *, unit: str, model: str) -> None:
        """A call is about to be sent."""
        self._write({"kind": "reserve", "ticket": ticket, "nano_usd": amount, "unit": unit, "model": model})

    def settle(self, ticket: str, call: Call) -> None:
        """It came to this."""
        self._write({"kind": "settle", "ticket": ticket, "call": asdict(call)})

    def finish(self, key: str, record: Mapping[str, Json]) -> None:
        """A unit has its accepted answer."""
        self._write({"kind": "unit", "key": key, **record})

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            if self._fd >= 0:
                os.close(self._fd)
            self._fd = -1

    def _write(self, record: Mapping[str, Json]) -> None:
        line = json.dumps(self._redactor.json(dict(record)), ensure_ascii=True, separators=(",", ":")).encode() + b"\n"
        with self._lock:
            if self._fd < 0 or self.lost:
                return
            try:
                start = os.lseek(self._fd, 0, os.SEEK_CUR)
                self._on_write()
                if os.write(self._fd, line) != len(line):
                    os.ftruncate(self._fd, start)
                    raise OSError("short write")  # noqa: TRY301
                os.fsync(self._fd)
            except OSError as error:
                self.lost = f"the journal cannot be written ({error.strerror or error}): a re-run would pay again"


def _read(path: Path, run_key: str) -> tuple[Past, int]:
    """Return what *path* holds of the run *run_key*, and how many of its bytes are good; (nothing, 0) for another."""
    try:
        raw = path.read_bytes()
    except FileNotFoundError:
        return NOTHING, 0
    records, good = [], 0
    for line in raw.splitlines(keepends=True):
        try:
            record = json.loads(line) if line.endswith(b"\n") else None
        except ValueError:
            break
        if not isinstance(record, dict):
            break
        records.append(record)
        good += len(line)
    head = records[0] if records else {}
    if head.get("run") != run_key or head.get("v") != VERSION:
        return NOTHING, 0
    return _past(records), good


def _past(records: list[dict[str, Json]]) -> Past:
    """Add it up in order: a ticket that is drawn again is another process's, and the first one's call stays unknown."""
    open_tickets: dict[str, int] = {}
    unknown, calls = 0, []
    for record in records:
        if record["kind"] == "reserve":
            unknown += open_tickets.pop(record["ticket"], 0)
            open_tickets[record["ticket"]] = int(record["nano_usd"])
        elif record["kind"] == "settle":
            open_tickets.pop(record["ticket"], None)
            calls.append(Call(**{**record["call"], "usage": Usage(**record["call"]["usage"])}))
    units = {r["key"]: r for r in records if r["kind"] == "unit"}
    return Past(units=units, calls=tuple(calls), unknown=NanoUsd(unknown + sum(open_tickets.values())))
