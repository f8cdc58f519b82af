"""``python -m tta_orchestrate.sandbox.escapes``: try every probe against the sandbox of this machine.

Sets up what is worth reaching – a process with a secret, files, listeners on loopback – outside of the sandbox, runs
each probe as a job, and believes the outside (was the listener called, is a process left?) rather than the probe.
"""

import argparse
import contextlib
import json
import os
import secrets
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import IO, Any, Final, cast

from tta_orchestrate.errors import SandboxError
from tta_orchestrate.sandbox import probes
from tta_orchestrate.sandbox.run import Sandbox
from tta_orchestrate.sandbox.spec import Bind, End, Job, JobResult, Level, Limits

_SECONDS: Final = 3.0
_TOGETHER: Final = 20.0
_SLACK: Final = 8.0
REMOVABLE: Final = ("namespaces", "landlock", "seccomp", "uid", "rlimits")
"""``no_new_privs`` cannot be left out alone: without it the kernel takes neither Landlock rules nor a filter."""
_NEEDS_LIMITS: Final = {"fork_bomb", "large_allocation", "large_file", "many_files"}
"""Not tried without limits: this machine is not ours alone."""


@dataclass(slots=True)
class Target:
    """What stands outside, waiting to be reached."""

    aim: dict[str, Any]
    mark: str
    called: set[str] = field(default_factory=set)


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """What came of one probe."""

    name: str
    reached: bool
    detail: str
    ran: bool = True
    """False when the sandbox refused to start it: that proves nothing."""


@contextlib.contextmanager
def target(host_file: str = "") -> Iterator[Target]:
    """Set the scene and take it down again; *host_file* lies outside of the container, if there is one."""
    mark = f"canary-{secrets.token_hex(12)}"
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="tta-escape-")))
        folder.chmod(0o777)
        for name in ("secret", "commands"):
            (folder / name).write_text(mark, encoding="ascii")
            (folder / name).chmod(0o666)
        for name in ("results", "source"):
            (folder / name).mkdir()
            (folder / name).chmod(0o777)
        (folder / "source" / "module.py").write_text("x = 1\n", encoding="ascii")
        (folder / "source" / "module.py").chmod(0o666)
        scene = Target(aim={}, mark=mark)
        scene.aim = {
            "mark": mark, "file": str(folder / "secret"),
            "host_file": host_file or str(folder / "secret"), "command_file": str(folder / "commands"),
            "results": str(folder / "results"),
            "source": str(folder / "source"), "docker": str(folder / "docker.sock"),
            "socket": str(folder / "any.sock"), "abstract": mark[:20],
            "tcp": _listen(stack, scene, "tcp", socket.AF_INET, ("127.0.0.1", 0)),
            "tcp6": _listen(stack, scene, "tcp_ipv6", socket.AF_INET6, ("::1", 0)) if socket.has_ipv6 else 1,
            "udp": _datagrams(stack, scene),
            "same_network": True, "same_pids": True,
        }  # fmt: skip
        for name, address in (
            ("docker_socket", scene.aim["docker"]),
            ("path_socket", scene.aim["socket"]),
            ("abstract_socket", "\0" + mark[:20]),
        ):
            _listen(stack, scene, name, socket.AF_UNIX, address)
        scene.aim.update(_holder(stack, folder, mark))
        yield scene


def _listen(stack: contextlib.ExitStack, scene: Target, name: str, family: int, address: Any) -> int:
    server = stack.enter_context(socket.socket(family, socket.SOCK_STREAM))
    try:
        server.bind(address)
    except OSError:  # no IPv6 on this machine: nothing there to reach
        return 1
    if isinstance(address, str) and not address.startswith("\0"):
        Path(address).chmod(0o777)
    server.listen()

    def serve() -> None:
        while True:
            try:
                connection, _ = server.accept()
            except OSError:
                return
            scene.called.add(name)
            with connection, contextlib.suppress(OSError):
                connection.sendall(scene.mark.encode())

    threading.Thread(target=serve, daemon=True).start()
    return int(server.getsockname()[1]) if family != socket.AF_UNIX else 0


def _datagrams(stack: contextlib.ExitStack, scene: Target) -> int:
    server = stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
    server.bind(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                _, peer = server.recvfrom(64)
                scene.called.add("udp")
                server.sendto(scene.mark.encode(), peer)
            except OSError:
                return

    threading.Thread(target=serve, daemon=True).start()
    return int(server.getsockname()[1])


_HOLDER: Final = (
    "import ctypes, os, sys, time; b = ctypes.create_string_buffer(sys.argv[1].encode(), 64); "
    "fd = os.open('secret', os.O_RDONLY); print(ctypes.addressof(b), fd, flush=True); time.sleep(600)"
)


def _holder(stack: contextlib.ExitStack, folder: Path, mark: str) -> dict[str, int]:
    """Start the process that holds the secret: in its environment, arguments, memory and open files."""
    process = subprocess.Popen(
        [sys.executable, "-I", "-c", _HOLDER, mark],
        cwd=folder,
        env={"API_KEY": mark},
        stdout=subprocess.PIPE,
        text=True,
    )
    stack.callback(process.wait)
    stack.callback(process.kill)
    output = cast("IO[str]", process.stdout)
    stack.callback(output.close)
    address, fd = output.readline().split()
    return {"holder": process.pid, "address": int(address), "holder_fd": int(fd)}


def attempt(names: Sequence[str], scene: Target, sandbox: Sandbox, job: Job) -> list[Attempt]:
    """Run some probes as one job and judge them from outside."""
    private = sandbox.level is Level.PRIVATE and "namespaces" not in job.without
    aim = {**scene.aim, "same_network": not private, "same_pids": not private}
    before = _processes()
    scene.called.clear()
    try:
        limits = replace(job.limits, seconds=_SECONDS if len(names) == 1 else _TOGETHER)
        result = sandbox.run(replace(job, argv=(*job.argv, *names), input=json.dumps(aim), limits=limits))
    except SandboxError as error:
        return [Attempt(name=name, reached=False, detail=f"refused: {error}", ran=False) for name in names]
    time.sleep(0.05)
    left = _processes() - before
    said = dict(line.split(" ", 1) for line in result.lines if " " in line)
    return [_judge(name, scene, result, said, left) for name in names]


def _job(scene: Target, python: str, binds: Sequence[Bind], without: Sequence[str]) -> Job:
    source = scene.aim["source"]
    return Job(
        argv=(python, "-I", "-B", probes.__file__),
        cwd=source,
        env={"PATH": "/usr/bin:/bin"},
        binds=(Bind(source=source, target=source), *binds, Bind(source=probes.__file__, target=probes.__file__)),
        limits=Limits(memory_mib=512, file_mib=64, processes=48, output_kib=2048, result_kib=2048),
        without=tuple(without),
    )


def _judge(name: str, scene: Target, result: JobResult, said: Mapping[str, str], left: set[str]) -> Attempt:
    answer = said.get(name, f"{result.end} {result.code}")
    for wrong, detail in (
        (left, f"left behind: {sorted(left)}"),
        (name in scene.called, "the listener outside was called"),
        (any("forged" in line for line in result.lines), "a forged answer was taken"),
        (result.seconds > _TOGETHER + _SLACK, f"ran for {result.seconds} s"),
        (name == "command_file_of_the_runner" and _touched(scene), "the command file was written"),
        (name == "results_folder" and os.listdir(scene.aim["results"]), "the results folder was written"),  # noqa: PTH208
    ):
        if wrong:
            return Attempt(name=name, reached=True, detail=detail)
    if name in probes.CONTAINMENT:
        contained = result.end in {End.TIMEOUT, End.FLOOD} or answer.startswith("blocked")
        return Attempt(name=name, reached=not contained, detail=f"{result.end}: {answer}")
    ran = name in said or name in probes.ALONE
    return Attempt(name=name, reached=answer.startswith("reached"), detail=answer, ran=ran)


def _touched(scene: Target) -> bool:
    return Path(scene.aim["command_file"]).read_text(encoding="ascii") != scene.mark


def _processes() -> set[str]:
    """Processes that run a probe, as the outside sees them."""
    found = set()
    for entry in os.listdir("/proc"):  # noqa: PTH208
        if entry.isdigit():
            with contextlib.suppress(OSError):
                if probes.__file__.encode() in Path(f"/proc/{entry}/cmdline").read_bytes():
                    found.add(entry)
    return found


def run(
    level: Level,
    *,
    python: str,
    binds: Sequence[Bind],
    without: Sequence[str] = (),
    names: Sequence[str] = (),
    host_file: str = "",
) -> list[Attempt]:
    """Try *names* (all by default)."""
    wanted = [n for n in names or probes.PROBES if "rlimits" not in without or n not in _NEEDS_LIMITS]
    sandbox = Sandbox(level=level)
    together = [name for name in wanted if name not in probes.ALONE]
    groups = [[name] for name in wanted if name in probes.ALONE] + ([together] if together else [])
    with target(host_file) as scene:
        job = _job(scene, python, binds, without)
        found = [one for group in groups for one in attempt(group, scene, sandbox, job)]
    return sorted(found, key=lambda one: wanted.index(one.name))


def _binds() -> tuple[Bind, ...]:
    folders = {Path(p) for p in (sys.prefix, sys.base_prefix)}
    return tuple(Bind(source=str(f), target=str(f)) for f in sorted(folders) if not str(f).startswith("/usr"))


def main() -> None:
    """Print a line per probe that got through, then the count; exit status 1 when one did."""
    parser = argparse.ArgumentParser(description="Try to escape from the sandbox.")
    parser.add_argument("--level", type=Level, choices=[Level.PRIVATE, Level.BOX], default=Level.PRIVATE)
    parser.add_argument("--table", action="store_true", help="also without one layer at a time")
    parser.add_argument("--verbose", action="store_true", help="a line for every probe")
    parser.add_argument("--python", default=sys.executable, help="interpreter for the probes")
    parser.add_argument("--host-file", default="", help="at level box: a file of the host, outside of the container")
    options = parser.parse_args()
    found = run(options.level, python=options.python, binds=_binds(), host_file=options.host_file)
    for one in found:
        if one.reached or not one.ran or options.verbose:
            word = "REACHED" if one.reached else "stopped" if one.ran else "NOT RUN"
            sys.stdout.write(f"{word}  {one.name}: {one.detail}\n")
    sys.stdout.write(f"level {options.level}: {_count(found)}\n")
    for layer in REMOVABLE if options.table else ():
        part = run(options.level, python=options.python, binds=_binds(), without=(layer,), host_file=options.host_file)
        through = [one.name for one in part if one.reached]
        sys.stdout.write(f"without {layer}: {_count(part)}: {', '.join(through)}\n")
    sys.exit(1 if any(one.reached or not one.ran for one in found) else 0)


def _count(found: Sequence[Attempt]) -> str:
    ran = [one for one in found if one.ran]
    refused = f", {len(found) - len(ran)} not run" if len(ran) < len(found) else ""
    return f"{len(ran)} probes tried{refused}, {sum(one.reached for one in ran)} reached"


if __name__ == "__main__":
    main()
