"""Run commands of another language's test runner, each in a fresh copy of the tree, and bring back what they leave.

This process alone knows the nonce: it cannot be traced or read by the commands (not dumpable), they inherit neither of
its descriptors, and nothing of them outlives their run.
"""

import contextlib
import ctypes
import os
import resource
import shutil
import signal
import stat
import subprocess
import time
from typing import Any

from .boot import Emit

_PR_SET_DUMPABLE, _PR_SET_CHILD_SUBREAPER = 4, 36
_TAIL = 16 << 10
_LARGEST, _MOST = 16 << 20, 48 << 20
_MIB = 1 << 20


def serve(request: dict[str, Any], emit: Emit) -> None:
    """Do the runs of *request* one after the other; each answers with an event ``run``, a last event is ``end``."""
    libc = ctypes.CDLL(None)
    libc.prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
    libc.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    home = os.environ["HOME"]
    os.makedirs(f"{home}/cache", exist_ok=True)
    for number, run in enumerate(request["runs"]):
        place = f"{home}/run-{number}"
        started = time.monotonic()
        try:
            answer = _run(run, request, place, f"{home}/cache")
        except OSError as error:
            answer = {"cut": f"could not be run: {error.strerror}"}
        finally:
            _end_all()
        emit({"event": "run", "number": number, "seconds": round(time.monotonic() - started, 3), **answer})
        shutil.rmtree(place, ignore_errors=True)
    emit({"event": "end"})


def _run(run: dict[str, Any], request: dict[str, Any], place: str, cache: str) -> dict[str, Any]:
    names = {"@tree@": f"{place}/tree", "@out@": f"{place}/out", "@tools@": f"{place}/tools", "@cache@": cache}
    _lay_out(run, request, names)
    deadline = time.monotonic() + float(run["seconds"])
    codes, cut = [], ""
    with open(f"{place}/output", "wb") as output:
        for step in run["steps"]:
            argv = [_filled(word, names) for word in step]
            env = {key: _filled(value, names) for key, value in run["env"].items()}
            env.update({"HOME": place, "TMPDIR": f"{place}/tmp"})
            code = _step(
                argv,
                env,
                f"{names['@tree@']}/{run['folder']}",
                output=output,
                deadline=deadline,
                data_mib=request["data_mib"],
            )
            if code is None:
                cut = "timeout"
                break
            codes.append(code)
            if code:
                break
    _end_all()  # before anything is read: nobody writes any more
    return {
        "codes": codes, "cut": cut, "tree": names["@tree@"], "output": _tail(f"{place}/output"),
        "files": _brought(names["@out@"], run["results"]),
    }  # fmt: skip


def _lay_out(run: dict[str, Any], request: dict[str, Any], names: dict[str, str]) -> None:
    tree = names["@tree@"]
    os.makedirs(os.path.dirname(tree))
    shutil.copytree(request["tree"], tree, symlinks=True)
    for folder in ("@out@", "@tools@"):
        os.makedirs(names[folder])
    os.makedirs(f"{os.path.dirname(tree)}/tmp")
    for link in request["links"]:
        _link(link["target"], f"{tree}/{link['path']}")
    for path, text in run["files"].items():
        target = f"{tree}/{path}"
        if text is None:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(target)
            continue
        os.makedirs(os.path.dirname(target), exist_ok=True)
        _write(target, text)
    for name, text in run["tools"].items():
        _write(f"{names['@tools@']}/{name}", _filled(text, names))


def _link(source: str, target: str) -> None:
    """Make *target* a folder of links, so that what tools write beside the installed packages lands in the copy.

    A package that is itself a link (a workspace's own) keeps its way, which then ends in the copy of the tree.
    """
    os.makedirs(target, exist_ok=True)
    for entry in os.scandir(source):
        place = f"{target}/{entry.name}"
        if entry.name.startswith(".") and entry.name not in {".bin", ".pnpm"}:
            continue
        with contextlib.suppress(FileExistsError):
            if entry.is_symlink():
                os.symlink(os.readlink(entry.path), place)
            elif entry.name.startswith("@") and entry.is_dir():
                _link(entry.path, place)
            else:
                os.symlink(entry.path, place)


def _write(path: str, text: str) -> None:
    with open(path, "w", encoding="utf-8", errors="surrogateescape", newline="") as file:
        file.write(text)


def _filled(text: str, names: dict[str, str]) -> str:
    for name, value in names.items():
        text = text.replace(name, value)
    return text


def _step(argv: list[str], env: dict[str, str], cwd: str, *, output: Any, deadline: float, data_mib: int) -> int | None:
    """Return the exit status, ``None`` when the time was over."""

    def limit() -> None:
        if data_mib:
            resource.setrlimit(resource.RLIMIT_DATA, (data_mib * _MIB, data_mib * _MIB))

    with subprocess.Popen(
        argv, env=env, cwd=cwd, stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True,
        close_fds=True, preexec_fn=limit,  # noqa: PLW1509 -- one thread
    ) as process:  # fmt: skip
        try:
            return process.wait(max(0.1, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            return None
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)


def _end_all() -> None:
    """Kill every descendant that is left: whoever lost its parent has become a child of this process."""
    for _ in range(200):
        children = _children()
        if not children:
            return
        for child in children:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(child, signal.SIGKILL)
        with contextlib.suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:
                continue
        time.sleep(0.005)


def _children() -> list[int]:
    me = os.getpid()
    try:
        with open(f"/proc/{me}/task/{me}/children", encoding="ascii") as file:
            return [int(pid) for pid in file.read().split()]
    except OSError:  # a process that is not dumpable may find its own entries closed
        return _children_by_status(me)


def _children_by_status(me: int) -> list[int]:
    found = []
    for name in os.listdir("/proc"):
        if name.isdigit():
            with contextlib.suppress(OSError, ValueError, IndexError), open(f"/proc/{name}/stat", "rb") as file:
                if int(file.read().rpartition(b")")[2].split()[1]) == me:
                    found.append(int(name))
    return found


def _tail(path: str) -> str:
    with open(path, "rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - _TAIL))
        return file.read().decode("utf-8", "replace")


def _brought(out: str, patterns: list[str]) -> dict[str, str]:
    import glob

    found: dict[str, str] = {}
    room = _MOST
    for pattern in patterns:
        for path in sorted(glob.glob(f"{glob.escape(out)}/{pattern}", recursive=True)):
            with contextlib.suppress(OSError):
                fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
                with os.fdopen(fd, "rb") as file:
                    status = os.fstat(fd)
                    if stat.S_ISREG(status.st_mode) and status.st_size <= min(room, _LARGEST):
                        room -= status.st_size
                        found[os.path.relpath(path, out)] = file.read(_LARGEST).decode("utf-8", "replace")
    return found
