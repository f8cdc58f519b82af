"""Run tests against mutants of one file: a fork per mutant, each with the mutated text in place of the file's."""

import importlib.machinery
import os
import select
import signal
import time
from types import CodeType
from typing import Any

from .boot import Emit
from .run_tests import run


def serve(request: dict[str, Any], emit: Emit) -> None:
    """Answer one request: a record per mutant, as long as ``request["seconds"]`` lasts."""
    try:
        import pytest  # noqa: F401, PLC0415 -- loaded once here, shared by all forks
    except ImportError:
        pass
    with open(request["file"], encoding="utf-8", newline="") as file:
        source = file.read()
    deadline = time.monotonic() + float(request["seconds"])
    for mutant in request["mutants"]:
        if time.monotonic() >= deadline:
            break
        text = source[: mutant["start"]] + mutant["replacement"] + source[mutant["end"] :]
        emit({"event": "mutant", "id": mutant["id"], **_try(request, mutant, text)})
    emit({"event": "end", "status": 0})


def _try(request: dict[str, Any], mutant: dict[str, Any], text: str) -> dict[str, Any]:
    read, write = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(read)
        os.setpgid(0, 0)
        _child(request, mutant, text, write)
    os.close(write)
    answer, finished = _collect(read, pid, float(request["mutant_seconds"]))
    os.close(read)
    killers = [line[2:] for line in answer.split("\n") if line.startswith("K ")]
    if not finished:
        return {"status": "timeout", "killers": killers}
    if "\nE " in "\n" + answer:
        return {"status": "import", "killers": []}
    if "\nD" not in "\n" + answer:
        return {"status": "crash", "killers": killers}
    return {"status": "killed" if killers else "survived", "killers": killers}


def _collect(read: int, pid: int, limit: float) -> tuple[str, bool]:
    deadline = time.monotonic() + limit
    data = b""
    while (left := deadline - time.monotonic()) > 0:
        if not select.select([read], [], [], left)[0]:
            break
        chunk = os.read(read, 65536)
        if not chunk:
            os.waitpid(pid, 0)
            return data.decode("utf-8", "replace"), True
        data += chunk
    for kill in (os.killpg, os.kill):
        try:
            kill(pid, signal.SIGKILL)
        except OSError:
            continue
    os.waitpid(pid, 0)
    return data.decode("utf-8", "replace"), False


def _child(request: dict[str, Any], mutant: dict[str, Any], text: str, write: int) -> None:
    """Run the tests and say which failed; never returns."""
    quiet = os.open(os.devnull, os.O_WRONLY)
    os.dup2(quiet, 1)
    os.dup2(quiet, 2)
    try:
        replace(request["file"], text)

        def emit(record: dict[str, Any]) -> None:
            if record["event"] == "test" and record["outcome"] in {"failed", "timeout"}:
                os.write(write, f"K {record['id']}\n".encode("utf-8", "replace"))
            if record["event"] == "collect-error":
                os.write(write, b"E collect\n")

        tests = mutant.get("only")
        run({**request, "only": tests, "trace": ()}, emit)
        os.write(write, b"D\n")
    finally:
        os._exit(0)


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
