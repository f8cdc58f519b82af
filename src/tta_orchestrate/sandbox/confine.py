"""What a job's process does to itself, in order, just before it becomes the program it was asked to be."""

import os
import resource
import signal
from collections.abc import Sequence
from typing import Final

from tta_orchestrate.sandbox import landlock, seccomp, syscalls
from tta_orchestrate.sandbox.spec import Job, Level, Limits

INPUT_FD: Final = 3
RESULT_FD: Final = 4
LAYERS: Final = ("env", "rlimits", "uid", "no_new_privs", "landlock", "seccomp", "namespaces")

_READABLE_ALWAYS: Final = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32")
_READABLE_FILES: Final = (
    "/etc/passwd", "/etc/group", "/etc/nsswitch.conf", "/etc/hosts", "/etc/localtime", "/etc/timezone",
    "/etc/ld.so.cache", "/etc/ld.so.conf", "/etc/ld.so.conf.d", "/etc/mime.types", "/etc/os-release",
    "/etc/alternatives", "/etc/protocols", "/etc/services", "/etc/java-17-openjdk",
    "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom",
    "/proc/meminfo", "/proc/cpuinfo", "/proc/stat", "/proc/filesystems", "/proc/self", "/sys/fs/cgroup",
)  # fmt: skip
_MIB: Final = 1 << 20
_LARGEST_CAPABILITY: Final = 63


def become(job: Job, *, uid: int, gid: int, scratch: str) -> None:
    """Turn this (freshly forked, single-threaded) process into *job*; returns only by raising.

    Raises:
        OSError: a layer could not be put on; the job must not run.
    """
    os.setsid()
    for number in (signal.SIGPIPE, signal.SIGINT, signal.SIGTERM, signal.SIGCHLD):
        signal.signal(number, signal.SIG_DFL)
    os.umask(0o077)
    if "rlimits" not in job.without:
        _rlimits(job.limits)
    _oom_first()
    os.chdir(job.cwd)
    ruleset = _ruleset(job, scratch)  # while this process can still reach every path
    if os.geteuid() == 0 and job.level is not Level.OFF and "uid" not in job.without:
        _drop(uid, gid)
    if job.level is not Level.OFF:
        _lock(job, ruleset)
    env = {**job.env, "HOME": scratch, "TMPDIR": scratch, "USER": "tester", "LOGNAME": "tester"}
    os.execve(job.argv[0], list(job.argv), env)  # noqa: S606 -- no shell on purpose


def _rlimits(limits: Limits) -> None:
    def cap(what: int, value: int) -> None:
        _, hard = resource.getrlimit(what)
        value = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(what, (value, value))

    cap(resource.RLIMIT_CORE, 0)
    cap(resource.RLIMIT_FSIZE, limits.file_mib * _MIB)
    cap(resource.RLIMIT_NOFILE, limits.open_files)
    cap(resource.RLIMIT_NPROC, limits.processes)
    cap(resource.RLIMIT_CPU, int(limits.seconds) * 2 + 5)
    if limits.memory_mib:
        cap(resource.RLIMIT_AS, limits.memory_mib * _MIB)


def _oom_first() -> None:
    with open("/proc/self/oom_score_adj", "w", encoding="ascii") as file:  # noqa: PTH123
        file.write("1000")


def _drop(uid: int, gid: int) -> None:
    for capability in range(_LARGEST_CAPABILITY + 1):
        try:
            syscalls.prctl(syscalls.PR_CAPBSET_DROP, capability)
        except OSError:
            break
    os.setgroups([])
    os.setresgid(gid, gid, gid)
    os.setresuid(uid, uid, uid)


def _ruleset(job: Job, scratch: str) -> int | None:
    if job.level is Level.OFF or "landlock" in job.without:
        return None
    writable = (scratch, "/dev/shm", "/dev/null")  # noqa: S108 -- shared memory is private, or the container's
    return landlock.prepare(read=_readable(job), write=writable, loopback=job.loopback)


def _lock(job: Job, ruleset: int | None) -> None:
    if "no_new_privs" not in job.without:
        syscalls.prctl(syscalls.PR_SET_NO_NEW_PRIVS, 1)
    if ruleset is not None:
        landlock.enforce(ruleset)
    if "seccomp" not in job.without:
        seccomp.install(loopback=job.loopback)


def _readable(job: Job) -> Sequence[str]:
    seen_at = [bind.target if job.level is Level.PRIVATE else bind.source for bind in job.binds]
    private = ["/proc"] if job.level is Level.PRIVATE else []
    return [*_READABLE_ALWAYS, *_READABLE_FILES, *private, *seen_at]
