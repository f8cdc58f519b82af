"""Attempts to get out of the sandbox: each function is one, and returns its evidence when it succeeded.

Run inside a job as ``python probes.py NAME``; the standard library only. What they aim at (a process that holds a
secret, files, loopback listeners) was put there by ``escapes.py`` for this purpose; nothing else is touched: device
files and system files are only opened, never written.
"""

import array
import ctypes
import json
import os
import resource
import signal
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

Aim = dict[str, Any]
PROBES: dict[str, Callable[[Aim], str]] = {}
CONTAINMENT = ("fork_bomb", "output_flood", "result_flood", "ignores_sigterm", "double_fork", "stopped_child")
"""Judged from outside: did the job end in time, and was nothing left of it?"""
ALONE = (
    *CONTAINMENT,
    "answer_without_nonce",
    "answer_with_a_guessed_nonce",
    "supervisors_output",
    "supervisors_pipe",
    "signal_parent",
    "parent_environment",
    "large_allocation",
    "inherited_descriptors",
)
"""Those that need a job of their own: for what they use up, or because their parent must be the supervisor."""
_LIBC = ctypes.CDLL(None, use_errno=True)
_ARM = os.uname().machine == "aarch64"


class BlockedError(Exception):
    """The attempt came to nothing, without an error of the system to show for it."""


def probe(function: Callable[[Aim], str]) -> Callable[[Aim], str]:
    """Put *function* on the list."""
    PROBES[function.__name__] = function
    return function


def _expect(condition: object, evidence: str = "yes") -> str:
    if not condition:
        raise BlockedError("nothing came of it")
    return evidence


def _syscall(x86: int, arm: int, *arguments: object) -> int:
    result = int(_LIBC.syscall(ctypes.c_long(arm if _ARM else x86), *arguments))
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
    return result


def _holds(path: str, aim: Aim) -> str:
    return _expect(aim["mark"].encode() in Path(path).read_bytes(), f"read {path}")


# -- secrets of other processes -----------------------------------------------------------------------------------


@probe
def own_environment(aim: Aim) -> str:
    return _expect(any(aim["mark"] in value for value in os.environ.values()))


@probe
def parent_environment(aim: Aim) -> str:
    return _holds(f"/proc/{os.getppid()}/environ", aim)


@probe
def first_process_environment(aim: Aim) -> str:
    return _holds("/proc/1/environ", aim)


@probe
def holder_environment(aim: Aim) -> str:
    return _holds(f"/proc/{aim['holder']}/environ", aim)


@probe
def holder_command_line(aim: Aim) -> str:
    return _holds(f"/proc/{aim['holder']}/cmdline", aim)


@probe
def holder_open_file(aim: Aim) -> str:
    return _holds(f"/proc/{aim['holder']}/fd/{aim['holder_fd']}", aim)


@probe
def holder_working_folder(aim: Aim) -> str:
    return _holds(f"/proc/{aim['holder']}/cwd/secret", aim)


@probe
def holder_root(aim: Aim) -> str:
    return _holds(f"/proc/{aim['holder']}/root{aim['file']}", aim)


@probe
def process_list(aim: Aim) -> str:
    return _expect(any(_holds_quietly(entry, aim) for entry in os.listdir("/proc") if entry.isdigit()))


def _holds_quietly(pid: str, aim: Aim) -> bool:
    try:
        return aim["mark"].encode() in Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False


@probe
def ps_listing(aim: Aim) -> str:
    done = subprocess.run(["/bin/ps", "auxewww"], capture_output=True, check=False)
    return _expect(aim["mark"].encode() in done.stdout)


@probe
def ptrace_holder(aim: Aim) -> str:
    _syscall(101, 117, ctypes.c_long(0x4206), ctypes.c_long(aim["holder"]), None, None)  # PTRACE_SEIZE
    return "attached"


@probe
def ptrace_own_child(aim: Aim) -> str:
    child = os.fork()
    if child == 0:
        time.sleep(2)
        os._exit(0)
    try:
        _syscall(101, 117, ctypes.c_long(0x4206), ctypes.c_long(child), None, None)
    finally:
        os.kill(child, signal.SIGKILL)
    return "ptrace is open"


@probe
def process_memory_read(aim: Aim) -> str:
    buffer = ctypes.create_string_buffer(16)
    here = (ctypes.c_size_t * 2)(ctypes.addressof(buffer), 16)
    there = (ctypes.c_size_t * 2)(aim["address"], 16)
    size = _syscall(
        310, 270, ctypes.c_long(aim["holder"]), here, ctypes.c_ulong(1), there, ctypes.c_ulong(1), ctypes.c_ulong(0)
    )
    return f"{size} bytes"


@probe
def process_memory_file(aim: Aim) -> str:
    with open(f"/proc/{aim['holder']}/mem", "rb"):
        return "opened"


@probe
def steal_descriptor(aim: Aim) -> str:
    pidfd = os.pidfd_open(aim["holder"])
    return str(_syscall(438, 438, ctypes.c_int(pidfd), ctypes.c_int(aim["holder_fd"]), ctypes.c_uint(0)))


@probe
def signal_holder(aim: Aim) -> str:
    os.kill(aim["holder"], 0)
    return "may signal"


@probe
def signal_parent(aim: Aim) -> str:
    _expect(os.getppid() != 1 or aim["same_pids"])
    os.kill(os.getppid(), 0)
    return "may signal"


@probe
def inherited_descriptors(aim: Aim) -> str:
    extra = []
    for fd in range(5, 256):
        try:
            os.fstat(fd)
        except OSError:
            continue
        extra.append(fd)
    return _expect(extra, f"open: {extra}")


# -- files ----------------------------------------------------------------------------------------------------------


@probe
def secret_file(aim: Aim) -> str:
    return _holds(aim["file"], aim)


@probe
def secret_by_symlink(aim: Aim) -> str:
    link = Path(_scratch(), "link")
    link.symlink_to(aim["file"])
    return _holds(str(link), aim)


@probe
def secret_by_hardlink(aim: Aim) -> str:
    link = Path(_scratch(), "hard")
    os.link(aim["file"], link)
    return _holds(str(link), aim)


@probe
def secret_by_parent_folders(aim: Aim) -> str:
    return _holds("../" * 12 + aim["file"].lstrip("/"), aim)


@probe
def secret_by_shell(aim: Aim) -> str:
    done = subprocess.run(["/bin/cat", aim["file"]], capture_output=True, check=False)
    return _expect(aim["mark"].encode() in done.stdout)


@probe
def folder_listing(aim: Aim) -> str:
    return _expect("secret" in os.listdir(os.path.dirname(aim["file"])))


@probe
def shadow_file(aim: Aim) -> str:
    return _expect(Path("/etc/shadow").read_bytes())


@probe
def home_of_root(aim: Aim) -> str:
    return _expect(set(os.listdir("/root")) - {".pyenv"}, "listed")


@probe
def host_scratch_space(aim: Aim) -> str:
    return _expect(os.path.exists(aim["host_file"]))


@probe
def command_file_of_the_runner(aim: Aim) -> str:
    with open(aim["command_file"], "a", encoding="ascii") as file:
        file.write("FORGED=1\n")
    return "written"


@probe
def results_folder(aim: Aim) -> str:
    with open(os.path.join(aim["results"], "result.json"), "w", encoding="ascii") as file:
        file.write("{}")
    return "written"


@probe
def source_under_test(aim: Aim) -> str:
    with open(os.path.join(aim["source"], "module.py"), "a", encoding="ascii"):
        return "opened for writing"


@probe
def system_program(aim: Aim) -> str:
    with open("/usr/bin/env", "ab"):
        return "opened for writing"


@probe
def interpreter(aim: Aim) -> str:
    with open(os.__file__, "ab"):
        return "opened for writing"


@probe
def block_device(aim: Aim) -> str:
    return _first_open(("/dev/vda", "/dev/sda", "/dev/nvme0n1"), os.O_RDONLY)


@probe
def kernel_memory(aim: Aim) -> str:
    return _first_open(("/dev/mem", "/dev/kmsg", "/proc/kcore", "/proc/kmsg"), os.O_RDONLY)


@probe
def kernel_settings(aim: Aim) -> str:
    return _first_open(
        ("/proc/sys/kernel/core_pattern", "/proc/sysrq-trigger", "/sys/kernel/uevent_helper"), os.O_WRONLY
    )


@probe
def control_groups(aim: Aim) -> str:
    return _first_open(("/sys/fs/cgroup/cgroup.procs", "/sys/fs/cgroup/release_agent"), os.O_WRONLY)


def _first_open(paths: tuple[str, ...], flags: int) -> str:
    reason: Exception = BlockedError("none of them is there")
    for path in paths:
        try:
            os.close(os.open(path, flags))
        except OSError as error:
            reason = error
        else:
            return path
    raise reason


@probe
def make_device(aim: Aim) -> str:
    path = os.path.join(_scratch(), "device")
    os.mknod(path, 0o20666, os.makedev(1, 1))
    return "made"


@probe
def open_by_handle(aim: Aim) -> str:
    handle = struct.pack("Ii", 8, 1) + bytes(8)
    root = os.open("/", os.O_PATH)
    try:
        _syscall(304, 265, ctypes.c_int(root), handle, ctypes.c_int(0))
    except OSError as error:
        if error.errno == 116:  # ESTALE: the call itself is open to us
            return "open"
        raise
    return "open"


# -- network --------------------------------------------------------------------------------------------------------


@probe
def tcp(aim: Aim) -> str:
    with socket.create_connection(("127.0.0.1", aim["tcp"]), timeout=2) as sock:
        return _expect(sock.recv(64).decode() == aim["mark"])


@probe
def tcp_ipv6(aim: Aim) -> str:
    with socket.create_connection(("::1", aim["tcp6"]), timeout=2) as sock:
        return _expect(sock.recv(64).decode() == aim["mark"])


@probe
def udp(aim: Aim) -> str:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.settimeout(1)
        sock.sendto(b"hello", ("127.0.0.1", aim["udp"]))
        return _expect(sock.recv(64).decode() == aim["mark"])


@probe
def listen_to_the_host(aim: Aim) -> str:
    _expect(aim["same_network"], "")
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as sock:
        sock.bind(("127.0.0.1", 0))
        sock.listen()
        return "listening"


@probe
def raw_socket(aim: Aim) -> str:
    socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP).close()
    return "made"


@probe
def packet_socket(aim: Aim) -> str:
    socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0).close()
    return "made"


@probe
def netlink_socket(aim: Aim) -> str:
    socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0).close()
    return "made"


@probe
def kernel_crypto_socket(aim: Aim) -> str:
    socket.socket(socket.AF_ALG, socket.SOCK_SEQPACKET, 0).close()
    return "made"


@probe
def vsock(aim: Aim) -> str:
    socket.socket(socket.AF_VSOCK, socket.SOCK_STREAM, 0).close()
    return "made"


@probe
def other_families(aim: Aim) -> str:
    made = []
    for family in (*range(3, 10), *range(11, 45)):
        try:
            socket.socket(family, socket.SOCK_DGRAM, 0).close()
        except OSError:
            continue
        made.append(family)
    return _expect(made, f"families {made}")


@probe
def docker_socket(aim: Aim) -> str:
    return _talk(aim["docker"], aim)


@probe
def path_socket(aim: Aim) -> str:
    return _talk(aim["socket"], aim)


@probe
def abstract_socket(aim: Aim) -> str:
    return _talk("\0" + aim["abstract"], aim)


def _talk(address: str, aim: Aim) -> str:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as sock:
        sock.settimeout(2)
        sock.connect(address)
        return _expect(sock.recv(64).decode() == aim["mark"])


@probe
def interfaces(aim: Aim) -> str:
    names = {name for _, name in socket.if_nameindex()} - {"lo"}
    return _expect(names, str(sorted(names)))


@probe
def routes(aim: Aim) -> str:
    lines = Path("/proc/net/route").read_text(encoding="ascii").splitlines()[1:]
    return _expect(lines, f"{len(lines)} routes")


# -- rights ---------------------------------------------------------------------------------------------------------


@probe
def become_root(aim: Aim) -> str:
    _expect(os.getuid(), "")
    os.setuid(0)
    return "root"


@probe
def capabilities(aim: Aim) -> str:
    status = Path("/proc/self/status").read_text(encoding="ascii")
    held = [
        line
        for line in status.splitlines()
        if line.startswith(("CapEff", "CapPrm", "CapAmb")) and int(line.split()[1], 16)
    ]
    return _expect(held, str(held))


@probe
def setuid_program(aim: Aim) -> str:
    for program in ("/bin/su", "/usr/bin/passwd", "/usr/bin/newgrp"):
        if os.path.exists(program) and not _no_new_privs():
            return program
    raise BlockedError("no_new_privs")


def _no_new_privs() -> bool:
    return bool(_LIBC.prctl(39, 0, 0, 0, 0))


def _unshare(flags: int) -> str:
    if _LIBC.unshare(ctypes.c_int(flags)) < 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
    return "unshared"


@probe
def user_namespace(aim: Aim) -> str:
    return _unshare(0x10000000)


@probe
def mount_namespace(aim: Aim) -> str:
    return _unshare(0x00020000)


@probe
def clone_with_namespace(aim: Aim) -> str:
    child = _syscall(56, 220, ctypes.c_long(0x10000000 | signal.SIGCHLD), None, None, None, None)
    if child == 0:
        os._exit(0)
    os.waitpid(child, 0)
    return "cloned"


@probe
def clone3_with_namespace(aim: Aim) -> str:
    arguments = array.array("Q", [0x10000000, 0, 0, 0, signal.SIGCHLD, 0, 0, 0])
    address, _ = arguments.buffer_info()
    child = _syscall(435, 435, ctypes.c_void_p(address), ctypes.c_size_t(64))
    if child == 0:
        os._exit(0)
    os.waitpid(child, 0)
    return "cloned"


@probe
def join_namespace(aim: Aim) -> str:
    fd = os.open(f"/proc/{aim['holder']}/ns/net", os.O_RDONLY)
    _syscall(308, 268, ctypes.c_int(fd), ctypes.c_int(0))
    return "joined"


@probe
def mount_something(aim: Aim) -> str:
    target = os.path.join(_scratch(), "mnt")
    os.mkdir(target)
    _syscall(165, 40, b"tmpfs", target.encode(), b"tmpfs", ctypes.c_ulong(0), None)
    return "mounted"


@probe
def change_root(aim: Aim) -> str:
    os.chroot(_scratch())
    return "changed"


@probe
def io_uring(aim: Aim) -> str:
    return str(_syscall(425, 425, ctypes.c_uint(2), ctypes.create_string_buffer(256)))


@probe
def bpf(aim: Aim) -> str:
    return str(
        _syscall(
            321,
            280,
            ctypes.c_int(0),
            ctypes.create_string_buffer(struct.pack("IIII", 2, 4, 4, 1), 128),
            ctypes.c_uint(128),
        )
    )


@probe
def performance_events(aim: Aim) -> str:
    attributes = ctypes.create_string_buffer(struct.pack("II", 1, 112), 128)
    return str(_syscall(298, 241, attributes, ctypes.c_int(0), ctypes.c_int(-1), ctypes.c_int(-1), ctypes.c_ulong(0)))


@probe
def user_fault_handler(aim: Aim) -> str:
    return str(_syscall(323, 282, ctypes.c_int(1)))


@probe
def keyring(aim: Aim) -> str:
    return str(_syscall(250, 219, ctypes.c_int(0), ctypes.c_int(-3), ctypes.c_int(1)))


@probe
def personality(aim: Aim) -> str:
    return str(_syscall(135, 92, ctypes.c_ulong(0xFFFFFFFF)))


@probe
def type_into_terminal(aim: Aim) -> str:
    import fcntl

    terminal, _ = os.openpty()
    fcntl.ioctl(terminal, 0x5412, b"x")
    return "typed"


@probe
def raise_limits(aim: Aim) -> str:
    _, hard = resource.getrlimit(resource.RLIMIT_NPROC)
    _expect(hard != resource.RLIM_INFINITY or os.getuid() == 0, "")
    resource.setrlimit(resource.RLIMIT_NPROC, (hard + 1000, hard + 1000))
    return "raised"


# -- using too much ---------------------------------------------------------------------------------------------------


@probe
def large_file(aim: Aim) -> str:
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    with open(os.path.join(_scratch(), "large"), "wb") as file:
        file.writelines(bytes(1 << 20) for _ in range(200))
    return "200 MB written"


@probe
def large_allocation(aim: Aim) -> str:
    try:
        return str(len(bytearray(4 << 30)))
    except MemoryError as error:
        raise BlockedError("MemoryError") from error


@probe
def many_files(aim: Aim) -> str:
    opened = [os.open("/dev/null", os.O_RDONLY) for _ in range(1000)]
    return f"{len(opened)} open"


@probe
def fork_bomb(aim: Aim) -> str:
    made = 0
    try:
        while made < 400:
            if os.fork() == 0:
                time.sleep(30)
                os._exit(0)
            made += 1
    except OSError as error:
        raise BlockedError(f"stopped after {made}: {error}") from error
    return f"{made} processes"


@probe
def output_flood(aim: Aim) -> str:
    block = b"x" * 65536
    for _ in range(4096):
        os.write(1, block)
    return "256 MB"


@probe
def result_flood(aim: Aim) -> str:
    block = b"y" * 65535 + b"\n"
    for _ in range(4096):
        os.write(4, block)
    return "256 MB"


@probe
def ignores_sigterm(aim: Aim) -> str:
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGALRM):
        signal.signal(number, signal.SIG_IGN)
    time.sleep(60)
    return "still here"


@probe
def double_fork(aim: Aim) -> str:
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            time.sleep(60)
        os._exit(0)
    time.sleep(0.2)
    raise BlockedError("judged from outside")


@probe
def stopped_child(aim: Aim) -> str:
    child = os.fork()
    if child == 0:
        os.setsid()
        os.kill(os.getpid(), signal.SIGSTOP)
        os._exit(0)
    time.sleep(0.2)
    raise BlockedError("judged from outside")


# -- the verdict ------------------------------------------------------------------------------------------------------


@probe
def answer_without_nonce(aim: Aim) -> str:
    os.write(4, b'{"event": "test", "id": "forged", "outcome": "passed"}\n')
    raise BlockedError("judged from outside")


@probe
def answer_with_a_guessed_nonce(aim: Aim) -> str:
    os.write(4, b"0" * 32 + b" forged\n")
    raise BlockedError("judged from outside")


@probe
def supervisors_output(aim: Aim) -> str:
    with open(f"/proc/{os.getppid()}/fd/1", "w", encoding="ascii") as file:
        file.write('{"end": "exit", "code": 0, "lines": ["forged"]}')
    return "written"


@probe
def supervisors_pipe(aim: Aim) -> str:
    for fd in range(5, 20):
        try:
            os.write(fd, b"forged\n")
        except OSError:
            continue
        return f"wrote to {fd}"
    raise BlockedError("none is open")


def _scratch() -> str:
    return os.environ["TMPDIR"]


def _attempt(name: str, aim: Aim) -> str:
    signal.alarm(3)
    try:
        return "reached: " + PROBES[name](aim)
    except Exception as error:  # noqa: BLE001 -- whatever stopped it, it was stopped
        return f"blocked: {type(error).__name__}: {error}"


def main() -> None:
    """Do the probes that the arguments name, each in a fork of its own, and answer on descriptor 4."""
    with os.fdopen(3, encoding="utf-8") as file:
        nonce = file.readline().strip()
        aim = json.load(file)
    for name in sys.argv[1:]:
        child = os.fork() if len(sys.argv) > 2 else 0
        if child:
            os.waitpid(child, 0)
            continue
        os.write(4, f"{nonce} {name} {_attempt(name, aim)[:300]}\n".encode())
        os._exit(0)


if __name__ == "__main__":
    main()
