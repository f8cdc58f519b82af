"""A seccomp-BPF filter, assembled by hand: which system calls a test has no business making (``seccomp(2)``)."""

import ctypes
import errno
import struct
from typing import Final

from tta_orchestrate.sandbox import syscalls

_LOAD, _JUMP_EQUAL, _JUMP_SET, _JUMP_GE, _RETURN = 0x20, 0x15, 0x45, 0x35, 0x06
_ALLOW, _KILL, _ERRNO = 0x7FFF0000, 0x80000000, 0x00050000
_OFFSET_NR, _OFFSET_ARCH, _OFFSET_ARGS = 0, 4, 16
_X32_BIT: Final = 0x40000000
_MODE_FILTER: Final = 2
_NAMESPACE_FLAGS: Final = 0x7E020000 | 0x00000080  # CLONE_NEW* of clone(2), and the time namespace
_TIOCSTI, _TIOCLINUX = 0x5412, 0x541C
_LOOPBACK_FAMILIES: Final = (1, 2, 10)  # AF_UNIX, AF_INET, AF_INET6

_SPECIAL: Final = {"clone", "clone3", "ioctl", "socket"}
_NEEDED: Final = {"landlock_create_ruleset", "landlock_add_rule", "landlock_restrict_self"}
DENIED: Final = tuple(sorted(set(syscalls.NUMBERS) - _SPECIAL - _NEEDED))


def program(arch: str, *, loopback: bool) -> bytes:
    """Return the filter as the kernel's ``struct sock_filter[]``.

    Denied calls fail with ``EPERM``; ``clone3`` with ``ENOSYS`` (its flags lie in memory, out of a filter's sight; C
    libraries then fall back to ``clone``). A call of a foreign architecture kills. ``socketpair`` stays: asyncio needs
    it and it reaches nobody else.
    """
    code: list[bytes] = [
        _op(_LOAD, _OFFSET_ARCH),
        _op(_JUMP_EQUAL, syscalls.AUDIT_ARCH[arch], yes=1),
        _op(_RETURN, _KILL),
        _op(_LOAD, _OFFSET_NR),
    ]
    if arch == "x86_64":
        code += [_op(_JUMP_GE, _X32_BIT, no=1), _op(_RETURN, _KILL)]
    for name in DENIED:
        code += _if_call(name, arch, [_op(_RETURN, _ERRNO | errno.EPERM)])
    code += _if_call("clone3", arch, [_op(_RETURN, _ERRNO | errno.ENOSYS)])
    code += _if_call("clone", arch, _argument_check(0, _JUMP_SET, (_NAMESPACE_FLAGS,)))
    code += _if_call("ioctl", arch, _argument_check(1, _JUMP_EQUAL, (_TIOCSTI, _TIOCLINUX)))
    code += _if_call("socket", arch, _family_check() if loopback else [_op(_RETURN, _ERRNO | errno.EPERM)])
    code.append(_op(_RETURN, _ALLOW))
    return b"".join(code)


def _op(code: int, k: int, *, yes: int = 0, no: int = 0) -> bytes:
    return struct.pack("<HBBI", code, yes, no, k)


def _if_call(name: str, arch: str, then: list[bytes]) -> list[bytes]:
    nr = syscalls.number(name, arch)
    return [] if nr is None else [_op(_JUMP_EQUAL, nr, no=len(then)), *then]


def _argument_check(index: int, test: int, refused: tuple[int, ...]) -> list[bytes]:
    code = [_op(_LOAD, _OFFSET_ARGS + 8 * index)]
    for value in refused:
        code += [_op(test, value, no=1), _op(_RETURN, _ERRNO | errno.EPERM)]
    return [*code, _op(_RETURN, _ALLOW)]


def _family_check() -> list[bytes]:
    code = [_op(_LOAD, _OFFSET_ARGS)]
    for family in _LOOPBACK_FAMILIES:
        code += [_op(_JUMP_EQUAL, family, no=1), _op(_RETURN, _ALLOW)]
    return [*code, _op(_RETURN, _ERRNO | errno.EPERM)]


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_void_p))


def install(*, loopback: bool) -> None:
    """Put the filter on this process and its future children; ``no_new_privs`` must be set.

    Raises:
        OSError: the kernel refused, or the architecture has no table here.
    """
    arch = syscalls.machine()
    if arch not in syscalls.AUDIT_ARCH:
        raise OSError(errno.ENOSYS, f"no system call table for {arch}")
    code = program(arch, loopback=loopback)
    buffer = ctypes.create_string_buffer(code, len(code))
    wanted = _Program(length=len(code) // 8, filter=ctypes.addressof(buffer))
    syscalls.prctl(syscalls.PR_SET_SECCOMP, _MODE_FILTER, ctypes.byref(wanted))
