"""A piece of work in a fork that a hang cannot outlive: the parent listens, and kills what no longer beats."""

import mmap
import os
import pickle
import select
import signal
import time
from collections.abc import Callable
from typing import Any

_STUCK_SECONDS = 1.5


def run(work: Callable[..., None], take: Callable[[Any], None], deadline: float) -> tuple[bool, str]:
    """Run *work(send, beat)* in a fork, hand its messages to *take*; kill it when it stops beating or the time is up.

    Return whether it came to an end or was busy when its time was over, and what it last said that it was doing.
    """
    read, write = os.pipe()
    board = mmap.mmap(-1, 512)
    pid = os.fork()
    if pid == 0:
        os.close(read)
        _serve(work, write, board)
    os.close(write)
    finished = _listen(read, board, take, deadline)
    os.close(read)
    try:
        os.kill(pid, signal.SIGKILL)
    finally:
        os.waitpid(pid, 0)
    doing = bytes(board[8:]).rstrip(b"\0").decode("utf-8", "replace")
    board.close()
    return finished, doing


def _serve(work: Callable[..., None], write: int, board: mmap.mmap) -> None:
    counter = 0

    def send(message: Any) -> None:
        data = pickle.dumps(message)
        data = len(data).to_bytes(4, "big") + data
        while data:
            data = data[os.write(write, data) :]

    def beat(name: str) -> None:
        nonlocal counter
        counter += 1
        board[:8] = counter.to_bytes(8, "big")
        board[8:] = name.encode()[:504].ljust(504, b"\0")

    try:
        os.setpgid(0, 0)
        work(send, beat)
    finally:
        os._exit(0)


def _listen(read: int, board: mmap.mmap, take: Callable[[Any], None], deadline: float) -> bool:
    buffer, last, moved = b"", b"", time.monotonic()
    while True:
        now = time.monotonic()
        if bytes(board[:8]) != last:
            last, moved = bytes(board[:8]), now
        if now >= deadline or now - moved > _STUCK_SECONDS:
            return now >= deadline and now - moved <= _STUCK_SECONDS
        if not select.select([read], [], [], 0.05)[0]:
            continue
        chunk = os.read(read, 1 << 16)
        if not chunk:
            return True
        buffer += chunk
        while len(buffer) >= 4 and len(buffer) >= 4 + int.from_bytes(buffer[:4], "big"):
            size = int.from_bytes(buffer[:4], "big")
            take(pickle.loads(buffer[4 : 4 + size]))  # noqa: S301 -- from our own fork, in the same box
            buffer = buffer[4 + size :]
