"""The filter, executed by an interpreter of classic BPF written from the kernel's documentation."""

import errno
import struct

import pytest

from tta_orchestrate.sandbox import seccomp, syscalls

ALLOW, EPERM, ENOSYS, KILL = "allow", "eperm", "enosys", "kill"


def verdict(program: bytes, *, nr: int, arch: int, args=(0,) * 6) -> str:
    """Run a filter over one ``struct seccomp_data``."""
    data = struct.pack("<IIQ6Q", nr & 0xFFFFFFFF, arch, 0, *args)
    code = list(struct.iter_unpack("<HBBI", program))
    accumulator = at = 0
    while True:
        op, yes, no, k = code[at]
        at += 1
        match op:
            case 0x20:
                (accumulator,) = struct.unpack_from("<I", data, k)
            case 0x15:
                at += yes if accumulator == k else no
            case 0x35:
                at += yes if accumulator >= k else no
            case 0x45:
                at += yes if accumulator & k else no
            case 0x06:
                known = {
                    0x7FFF0000: ALLOW,
                    0x80000000: KILL,
                    0x50000 | errno.EPERM: EPERM,
                    0x50000 | errno.ENOSYS: ENOSYS,
                }
                return known[k]
            case _:
                raise AssertionError(f"not an instruction of the filter: {op:#x}")


ARCHES = sorted(syscalls.AUDIT_ARCH)


def ask(arch: str, name: str, *args: int, loopback: bool = False) -> str:
    padded = (*args, *(0,) * (6 - len(args)))
    number = syscalls.number(name, arch)
    return verdict(seccomp.program(arch, loopback=loopback), nr=number, arch=syscalls.AUDIT_ARCH[arch], args=padded)


@pytest.mark.parametrize("arch", ARCHES)
def test_every_denied_call_fails_with_eperm(arch):
    present = [name for name in seccomp.DENIED if syscalls.number(name, arch) is not None]
    assert len(present) > 40
    assert {ask(arch, name) for name in present} == {EPERM}


@pytest.mark.parametrize(("arch", "read", "write"), [("x86_64", 0, 1), ("aarch64", 63, 64)])
def test_ordinary_calls_pass(arch, read, write):
    program = seccomp.program(arch, loopback=False)
    assert {verdict(program, nr=nr, arch=syscalls.AUDIT_ARCH[arch]) for nr in (read, write)} == {ALLOW}


@pytest.mark.parametrize("arch", ARCHES)
def test_a_call_of_another_architecture_kills(arch):
    other = next(number for name, number in syscalls.AUDIT_ARCH.items() if name != arch)
    assert verdict(seccomp.program(arch, loopback=False), nr=0, arch=other) == KILL


def test_the_x32_table_is_closed():
    program = seccomp.program("x86_64", loopback=False)
    assert verdict(program, nr=0x40000000 | 101, arch=syscalls.AUDIT_ARCH["x86_64"]) == KILL


@pytest.mark.parametrize("arch", ARCHES)
@pytest.mark.parametrize(
    ("flags", "expected"), [(0x11, ALLOW), (0x01200011, ALLOW), (0x10000011, EPERM), (0x40000000, EPERM), (0x80, EPERM)]
)
def test_clone_may_make_processes_but_no_namespaces(arch, flags, expected):
    assert ask(arch, "clone", flags) == expected


@pytest.mark.parametrize("arch", ARCHES)
def test_clone3_looks_absent_because_its_flags_cannot_be_seen(arch):
    assert ask(arch, "clone3") == ENOSYS


@pytest.mark.parametrize("arch", ARCHES)
def test_no_socket_of_any_family_without_loopback(arch):
    assert {ask(arch, "socket", family) for family in range(50)} == {EPERM}


@pytest.mark.parametrize("arch", ARCHES)
def test_loopback_opens_unix_and_internet_sockets_only(arch):
    assert {f for f in range(50) if ask(arch, "socket", f, loopback=True) == ALLOW} == {1, 2, 10}


@pytest.mark.parametrize("arch", ARCHES)
def test_typing_into_a_terminal_is_refused_and_other_ioctls_pass(arch):
    assert ask(arch, "ioctl", 0, 0x5412) == EPERM
    assert ask(arch, "ioctl", 0, 0x541C) == EPERM
    assert ask(arch, "ioctl", 0, 0x5401) == ALLOW
