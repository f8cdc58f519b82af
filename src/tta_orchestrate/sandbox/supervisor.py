"""The process between the program and a job: builds the walls, watches, kills, and alone says how it ended.

It reads one ``Job`` as JSON on standard input and writes one ``JobResult`` on standard output. It never runs, imports
or parses anything of the job's, and in the job's process table it is somebody else.
"""

import contextlib
import os
import secrets
import selectors
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from tta_orchestrate.sandbox import confine, namespaces, syscalls
from tta_orchestrate.sandbox.spec import End, Job, JobResult, Level

_TAIL: Final = 64 * 1024
_FIRST_UID: Final = 200_000
"""Far above any account; each supervisor takes its own, so that ``RLIMIT_NPROC`` counts one job only."""
_REFUSED: Final = 125
_CHUNK: Final = 1 << 16


@dataclass(slots=True)
class _Stream:
    """One pipe from the job. Only the newest *keep* bytes are kept; ``seen`` counts all."""

    fd: int
    keep: int
    seen: int = 0
    chunks: bytearray = field(default_factory=bytearray)

    def take(self, data: bytes) -> None:
        self.seen += len(data)
        self.chunks += data
        if len(self.chunks) > 2 * self.keep:
            del self.chunks[: -self.keep]

    def text(self) -> str:
        return bytes(self.chunks[-self.keep :]).decode("utf-8", "replace")


def supervise(job: Job) -> JobResult:
    """Run *job* to its end, whatever that is, and leave no process of it behind."""
    started = time.monotonic()
    nonce = secrets.token_hex(16)
    syscalls.prctl(syscalls.PR_SET_PDEATHSIG, signal.SIGKILL)
    syscalls.prctl(syscalls.PR_SET_CHILD_SUBREAPER, 1)
    syscalls.prctl(syscalls.PR_SET_DUMPABLE, 0)
    pipes = [os.pipe() for _ in range(4)]
    try:
        pid = _start(job, nonce, pipes)
    except OSError as error:
        return JobResult(end=End.REFUSED, code=0, lines=(), reason=str(error))
    for _, write in pipes:
        os.close(write)
    out, err, result, refusal = (
        _Stream(fd=read, keep=keep)
        for (read, _), keep in zip(pipes, (_TAIL, _TAIL, job.limits.result_kib << 10, _TAIL), strict=True)
    )
    end, status = _watch(pid, job, (out, err, result, refusal), started + job.limits.seconds)
    _sweep()
    code = os.waitstatus_to_exitcode(status)
    if refusal.seen:
        return JobResult(end=End.REFUSED, code=0, lines=(), reason=refusal.text())
    end = end or (End.SIGNAL if code < 0 else End.EXIT)
    lines, forged = _answers(result.text(), nonce)
    return JobResult(
        end=end,
        code=abs(code),
        lines=lines,
        stdout=out.text(),
        stderr=err.text(),
        seconds=round(time.monotonic() - started, 3),
        forged=forged,
    )


def _start(job: Job, nonce: str, pipes: Sequence[tuple[int, int]]) -> int:
    source = os.memfd_create("input")
    os.write(source, f"{nonce}\n".encode())
    _write_all(source, job.input.encode("utf-8", "surrogatepass"))
    os.lseek(source, 0, os.SEEK_SET)
    uid = _FIRST_UID + os.getpid() if os.geteuid() == 0 else os.getuid()
    private = job.level is Level.PRIVATE and "namespaces" not in job.without
    scratch = "/tmp" if private else _scratch(uid)  # noqa: S108 -- a tmpfs of the job's own
    if private:
        namespaces.enter()
    pid = os.fork()
    if pid == 0:
        _child(job, source, pipes, uid=uid, scratch=scratch, private=private)
    os.close(source)
    return pid


def _write_all(fd: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(fd, view) :]


_SCRATCHES: Final[list[tuple[str, int]]] = []
_SHARED_MEMORY: Final = "/dev/shm"  # noqa: S108 -- only what the job's own user left there is removed
_CLEARING: Final = 10
"""Seconds after which scratch space that cannot be removed is left where it is."""


def _scratch(uid: int) -> str:
    path = tempfile.mkdtemp(prefix="tta-job-")
    _SCRATCHES.append((path, uid))
    if os.geteuid() == 0:
        os.chown(path, uid, uid)
    return path


def _child(job: Job, source: int, pipes: Sequence[tuple[int, int]], *, uid: int, scratch: str, private: bool) -> None:
    """Process 1 of the new table where it is private, else the job itself; never returns."""
    refusal = pipes[3][1]
    try:
        syscalls.prctl(syscalls.PR_SET_PDEATHSIG, signal.SIGKILL)
        refusal = _arrange(source, pipes)
        if not private:
            confine.become(job, uid=uid, gid=uid, scratch=scratch)
        namespaces.private_root(job.binds, uid=uid, gid=uid)
        if job.loopback:
            namespaces.loopback_up()
        pid = os.fork()
        if pid == 0:
            confine.become(job, uid=uid, gid=uid, scratch=scratch)
        _init(pid, refusal)
    except BaseException as error:  # noqa: BLE001 -- whatever it is, the job must not run and the caller must hear of it
        with contextlib.suppress(OSError):
            os.write(refusal, f"{type(error).__name__}: {error}"[:500].encode())
    os._exit(_REFUSED)


def _arrange(source: int, pipes: Sequence[tuple[int, int]]) -> int:
    """Give the child its descriptors: 0 empty, 1, 2, 3 input, 4 result; 5 tells of refusals, ``exec`` closes it."""
    wanted = [os.open("/dev/null", os.O_RDONLY), pipes[0][1], pipes[1][1], source, pipes[2][1], pipes[3][1]]
    high = [os.dup2(fd, 100 + i) for i, fd in enumerate(wanted)]
    for i, fd in enumerate(high):
        os.dup2(fd, i, inheritable=i < 5)  # noqa: PLR2004
    os.closerange(6, 4096)
    return 5


def _init(job_pid: int, refusal: int) -> None:
    """Reap everything; when the job itself has ended, end too, which kills all that is left of the table."""
    os.close(refusal)
    while True:
        pid, status = os.wait()
        if pid == job_pid:
            code = os.waitstatus_to_exitcode(status)
            os._exit(code if code >= 0 else 128 - code)


def _watch(pid: int, job: Job, streams: Sequence[_Stream], deadline: float) -> tuple[End | None, int]:
    selector = selectors.DefaultSelector()
    for stream in streams:
        selector.register(stream.fd, selectors.EVENT_READ, stream)
    end, status = None, None
    while status is None:
        done, raw = os.waitpid(pid, os.WNOHANG)
        if done:
            status = raw
            break
        if time.monotonic() >= deadline:
            end = End.TIMEOUT
        elif _flooded(job, streams):
            end = End.FLOOD
        if end:
            _kill(pid)
            status = os.waitpid(pid, 0)[1]
            break
        _drain(selector, min(0.05, max(0.0, deadline - time.monotonic())))
    while selector.get_map() and _drain(
        selector, 0
    ):  # what is left in the pipes; a survivor's open end is not waited for
        continue
    return end, status


def _drain(selector: selectors.BaseSelector, timeout: float) -> bool:
    ready = selector.select(timeout)
    for key, _ in ready:
        data = os.read(key.fd, _CHUNK)
        if data:
            key.data.take(data)
        else:
            selector.unregister(key.fd)
    return bool(ready)


def _flooded(job: Job, streams: Sequence[_Stream]) -> bool:
    out, err, result, _ = streams
    return out.seen + err.seen > job.limits.output_kib << 10 or result.seen > job.limits.result_kib << 10


def _kill(pid: int) -> None:
    for target in (-pid, pid):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            (os.killpg if target < 0 else os.kill)(abs(target), signal.SIGKILL)


def _sweep() -> None:
    """Kill every descendant that is left (they are ours: this process is the sub-reaper), then remove scratch space."""
    for _ in range(200):
        for child in _children():
            _kill(child)
        try:
            pid, _ = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            break
        if not pid:
            time.sleep(0.01)
    for path, uid in _SCRATCHES:
        _clear(path, uid)


def _clear(path: str, uid: int) -> None:
    """Remove scratch space, as the user it belongs to: root in a container may not override that user's rights."""
    if os.geteuid() == 0:
        pid = os.fork()
        if pid == 0:
            try:
                os.setgroups([])
                os.setresgid(uid, uid, uid)
                os.setresuid(uid, uid, uid)
                signal.alarm(_CLEARING)
                for entry in os.scandir(_SHARED_MEMORY):
                    if entry.stat(follow_symlinks=False).st_uid == uid:
                        _remove(entry.path)
                _remove(path)
            finally:
                os._exit(0)
        os.waitpid(pid, 0)
    shutil.rmtree(path, ignore_errors=True)


def _remove(path: str) -> None:
    shutil.rmtree(path, ignore_errors=True)
    with contextlib.suppress(OSError):
        os.unlink(path)  # noqa: PTH108 -- whatever it is, by its name


def _children() -> list[int]:
    me = os.getpid()
    try:
        with open(f"/proc/{me}/task/{me}/children", encoding="ascii") as file:  # noqa: PTH123
            return [int(pid) for pid in file.read().split()]
    except OSError:
        return []


def _answers(text: str, nonce: str) -> tuple[tuple[str, ...], int]:
    lines = [line for line in text.split("\n") if line]
    true = tuple(line[len(nonce) + 1 :] for line in lines if line.startswith(nonce + " "))
    return true, len(lines) - len(true)


def main() -> None:
    """Serve one job."""
    job = Job.from_json(sys.stdin.read())
    sys.stdout.write(supervise(job).to_json())
