"""Landlock: which files a process and its children may touch (kernel 5.13 and later; ``landlock(7)``)."""

import ctypes
import os
import stat
from collections.abc import Iterable
from typing import Final

from tta_orchestrate.sandbox import syscalls

_VERSION_FLAG: Final = 1
_RULE_PATH_BENEATH: Final = 1

_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_DIR = 1 << 0, 1 << 1, 1 << 2, 1 << 3
_TRUNCATE, _IOCTL_DEV = 1 << 14, 1 << 15
_OF_A_FILE: Final = _EXECUTE | _WRITE_FILE | _READ_FILE | _TRUNCATE | _IOCTL_DEV
_READ: Final = _EXECUTE | _READ_FILE | _READ_DIR
_RIGHTS_BY_ABI: Final = {1: 13, 2: 14, 3: 15, 4: 15, 5: 16}
_NET_ABI, _SCOPE_ABI = 4, 6
_NET_ALL: Final = 0b11
_SCOPE_ALL: Final = 0b11


class _Attributes(ctypes.Structure):
    _fields_ = (("fs", ctypes.c_uint64), ("net", ctypes.c_uint64), ("scoped", ctypes.c_uint64))


class _PathBeneath(ctypes.Structure):
    _pack_ = 1
    _fields_ = (("allowed", ctypes.c_uint64), ("parent", ctypes.c_int32))


def abi() -> int:
    """Return the version of Landlock that the kernel offers, 0 when there is none."""
    try:
        return syscalls.call("landlock_create_ruleset", None, ctypes.c_size_t(0), ctypes.c_uint32(_VERSION_FLAG))
    except OSError:
        return 0


def prepare(*, read: Iterable[str], write: Iterable[str], loopback: bool) -> int:
    """Return a rule set (a descriptor): *read* and execute beneath these paths, *write* beneath those, nothing else.

    Paths that do not exist are passed over. Without *loopback* TCP is closed as well (ABI 4); signals to, and abstract
    sockets of, processes outside are closed always (ABI 6).

    Raises:
        OSError: the kernel has no Landlock.
    """
    version = abi()
    attributes = _Attributes(
        fs=_every(version),
        net=_NET_ALL if version >= _NET_ABI and not loopback else 0,
        scoped=_SCOPE_ALL if version >= _SCOPE_ABI else 0,
    )
    size = 24 if version >= _SCOPE_ABI else 16 if version >= _NET_ABI else 8
    ruleset = syscalls.call(
        "landlock_create_ruleset", ctypes.byref(attributes), ctypes.c_size_t(size), ctypes.c_uint32(0)
    )
    for path in read:
        _allow(ruleset, path, _READ)
    for path in write:
        _allow(ruleset, path, _every(version))
    return ruleset


def enforce(ruleset: int) -> None:
    """Confine this process and its future children to *ruleset*, for good; ``no_new_privs`` must be set."""
    syscalls.call("landlock_restrict_self", ctypes.c_int(ruleset), ctypes.c_uint32(0))
    os.close(ruleset)


def _every(version: int) -> int:
    return (1 << _RIGHTS_BY_ABI.get(version, 16)) - 1


def _allow(ruleset: int, path: str, rights: int) -> None:
    try:
        parent = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except FileNotFoundError:
        return
    try:
        if not stat.S_ISDIR(os.fstat(parent).st_mode):
            rights &= _OF_A_FILE
        rule = _PathBeneath(allowed=rights & _every(abi()), parent=parent)
        syscalls.call(
            "landlock_add_rule",
            ctypes.c_int(ruleset),
            ctypes.c_int(_RULE_PATH_BENEATH),
            ctypes.byref(rule),
            ctypes.c_uint32(0),
        )
    finally:
        os.close(parent)
