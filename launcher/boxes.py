"""The containers beside the brain: started and ended on its order, their every word neutralised, none left behind."""

from __future__ import annotations

import contextlib
import subprocess
import threading
from collections.abc import Callable, Iterator
from typing import IO

from container import Container, kill_argv, remove_argv, run_argv
from host import Host
from relay import Relay

REMOVE_TIMEOUT = 5.0
CHUNK = 65536


class Boxes:
    """*prep*, *build* and *box* of one run, each started once at most."""

    def __init__(self, host: Host, say: Callable[[str], None]) -> None:
        self._host, self._say = host, say
        self._asked: set[str] = set()
        self._running: dict[str, tuple[Container, subprocess.Popen[str], threading.Thread]] = {}
        self._closed = False

    def order(self, words: str) -> None:
        """Do what the brain asked for: to start or stop one of them."""
        verb, role = words.split(" ")
        if verb == "stop":
            self._kill(role)
        elif role not in self._asked and not self._closed and (container := self._host.beside(role)):
            self._asked.add(role)
            if role != "prep" or not self._restored():
                self._start(role, container)

    def kill(self) -> None:
        """End all of them, without waiting for it; none starts any more."""
        self._closed = True
        for role in list(self._running):
            self._kill(role)

    def close(self) -> None:
        """End all of them and remove what they leave."""
        self.kill()
        for container, process, thread in self._running.values():
            remove(self._host.engine, container.name)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(REMOVE_TIMEOUT)
            if process.poll() is None:  # it was only about to be made when it was to be removed
                process.kill()
                remove(self._host.engine, container.name)
            thread.join(REMOVE_TIMEOUT)

    def _restored(self) -> bool:
        """Whether an earlier run has installed the very same."""
        cache, rooms = self._host.cache(), self._host.rooms
        if cache is None or rooms is None or not (said := cache.restore(rooms.key(), rooms.folder / "deps")):
            return False
        self._say(f"prep: {said}")
        taken = said.startswith("taken")
        if taken:
            rooms.tell("prep", 0)
        return taken

    def _keep(self) -> None:
        cache, rooms = self._host.cache(), self._host.rooms
        if cache is not None and rooms is not None and (said := cache.save(rooms.key(), rooms.folder / "deps")):
            self._say(f"prep: {said}")

    def _start(self, role: str, container: Container) -> None:
        network = f"network {container.network}"
        self._say(f"{role}: starting {container.name}: {network}, user {container.user}, no keys, no token, no .git")
        process = subprocess.Popen(
            run_argv(self._host.engine, container),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=dict(self._host.environ),
            start_new_session=True,
            encoding="utf-8",
            errors="replace",
        )
        thread = threading.Thread(target=self._follow, args=(role, process), daemon=True)
        self._running[role] = (container, process, thread)
        thread.start()

    def _follow(self, role: str, process: subprocess.Popen[str]) -> None:
        assert process.stdout is not None  # noqa: S101 -- asked for above
        for line in Relay("").lines(lines_of(process.stdout)):
            self._say(f"{role}: {line}")
        code = process.wait()
        self._say(f"{role}: ended with exit code {code}")
        if role == "prep" and code == 0:
            self._keep()  # before the brain hears of it, and so before code of the repository runs beside it
        with contextlib.suppress(OSError):  # the folders may be gone already when all is over
            if self._host.rooms:
                self._host.rooms.tell(role, code)

    def _kill(self, role: str) -> None:
        if role in self._running and self._running[role][1].poll() is None:
            quiet = subprocess.DEVNULL
            argv = kill_argv(self._host.engine, self._running[role][0].name)
            subprocess.Popen(argv, stdin=quiet, stdout=quiet, stderr=quiet)


def lines_of(stream: IO[str]) -> Iterator[str]:
    """Yield what a container prints, line by line, an endless line in pieces."""
    for chunk in iter(lambda: stream.readline(CHUNK), ""):
        yield chunk.removesuffix("\n")


def remove(engine: str, name: str) -> None:
    """End container *name* and remove it."""
    with contextlib.suppress(OSError, subprocess.TimeoutExpired):
        argv = remove_argv(engine, name)
        subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, timeout=REMOVE_TIMEOUT, check=False)
