"""A private view of the machine: own process table, own network (loopback at most), own file tree."""

import ctypes
import fcntl
import os
import socket
import stat
import struct
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from tta_orchestrate.sandbox import syscalls
from tta_orchestrate.sandbox.spec import Bind

_NEWNS, _NEWUTS, _NEWIPC, _NEWUSER, _NEWPID, _NEWNET = 0x20000, 0x4000000, 0x8000000, 0x10000000, 0x20000000, 0x40000000
_MS_NOSUID, _MS_NODEV, _MS_NOEXEC, _MS_BIND, _MS_REC, _MS_PRIVATE = 2, 4, 8, 4096, 16384, 1 << 18
_MNT_DETACH: Final = 2
_AT_FDCWD, _AT_RECURSIVE = -100, 0x8000
_ATTR_RDONLY, _ATTR_NOSUID, _ATTR_NODEV = 1, 2, 4
_SIOCGIFFLAGS, _SIOCSIFFLAGS, _IFF_UP = 0x8913, 0x8914, 1

_SYSTEM: Final = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32")
_ETC: Final = (
    "alternatives", "hosts", "java-17-openjdk", "ld.so.cache", "ld.so.conf", "ld.so.conf.d", "localtime",
    "mime.types", "nsswitch.conf", "os-release", "protocols", "services", "timezone",
)  # fmt: skip
_DEVICES: Final = ("null", "zero", "full", "random", "urandom")
TMPFS_MIB: Final = 512


def enter() -> None:
    """Leave the parent's namespaces; the next ``fork`` is process 1 of a new table.

    Without root this goes through a user namespace, which some systems forbid.

    Raises:
        OSError: the system forbids it.
    """
    uid, gid = os.geteuid(), os.getegid()
    flags = _NEWNS | _NEWUTS | _NEWIPC | _NEWPID | _NEWNET
    if uid == 0:
        syscalls.unshare(flags)
        return
    syscalls.unshare(flags | _NEWUSER)
    Path("/proc/self/setgroups").write_text("deny", encoding="ascii")
    Path("/proc/self/uid_map").write_text(f"{uid} {uid} 1", encoding="ascii")
    Path("/proc/self/gid_map").write_text(f"{gid} {gid} 1", encoding="ascii")


def loopback_up() -> None:
    """Switch the new network's only interface on."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        request = struct.pack("16sh14x", b"lo", 0)
        flags = struct.unpack("16sh14x", fcntl.ioctl(sock, _SIOCGIFFLAGS, request))[1]
        fcntl.ioctl(sock, _SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", flags | _IFF_UP))


def private_root(binds: Iterable[Bind], *, uid: int, gid: int) -> None:
    """Swap the file tree for one that holds the system's programs, *binds* (all read-only) and empty scratch space.

    Raises:
        OSError: a mount was refused, or a source of *binds* does not exist.
    """
    syscalls.mount("none", "/", "none", _MS_REC | _MS_PRIVATE)
    root = tempfile.gettempdir()  # only a place to put the new root on, inside a mount namespace of its own
    sources = [(bind.target, os.open(bind.source, os.O_PATH | os.O_CLOEXEC)) for bind in binds]
    syscalls.mount("tmpfs", root, "tmpfs", _MS_NOSUID | _MS_NODEV, "mode=755,size=1m")
    for path in _SYSTEM:
        _system(path, root)
    _etc(root, uid, gid)
    _devices(root)
    Path(root, "proc").mkdir()
    syscalls.mount("proc", f"{root}/proc", "proc", _MS_NOSUID | _MS_NODEV | _MS_NOEXEC)
    _scratch(str(Path(root, "tmp")))
    for target, source in sorted(sources):
        _bind(f"/proc/self/fd/{source}", root + target)
        os.close(source)
    os.chdir(root)
    syscalls.call("pivot_root", b".", b".")
    syscalls.unmount(".", _MNT_DETACH)
    os.chdir("/")
    _read_only("/", recursive=False)


def _system(path: str, root: str) -> None:
    if Path(path).is_symlink():
        Path(root + path).symlink_to(Path(path).readlink())
    elif Path(path).is_dir():
        _bind(path, root + path)


def _etc(root: str, uid: int, gid: int) -> None:
    etc = Path(root, "etc")
    etc.mkdir()
    passwd = f"root:x:0:0:root:/root:/bin/false\ntester:x:{uid}:{gid}:tester:/tmp:/bin/sh\n"
    (etc / "passwd").write_text(passwd, encoding="ascii")
    (etc / "group").write_text(f"root:x:0:\ntester:x:{gid}:\n", encoding="ascii")
    for name in _ETC:
        source = Path("/etc", name)
        if source.exists():
            _bind(str(source.resolve()), str(etc / name))


def _devices(root: str) -> None:
    Path(root, "dev").mkdir()
    for name in _DEVICES:
        target = Path(root, "dev", name)
        target.touch()
        syscalls.mount(f"/dev/{name}", str(target), "none", _MS_BIND)
    for name, link in (("fd", "/proc/self/fd"), ("stdin", "fd/0"), ("stdout", "fd/1"), ("stderr", "fd/2")):
        Path(root, "dev", name).symlink_to(link)
    _scratch(f"{root}/dev/shm")  # noqa: S108 -- shared memory of this view alone


def _scratch(path: str) -> None:
    Path(path).mkdir()
    syscalls.mount("tmpfs", path, "tmpfs", _MS_NOSUID | _MS_NODEV, f"mode=1777,size={TMPFS_MIB}m")


def _bind(source: str, target: str) -> None:
    place = Path(target)
    if stat.S_ISDIR(os.stat(source).st_mode):  # noqa: PTH116 -- the source may be a /proc link that Path would resolve
        place.mkdir(parents=True, exist_ok=True)
    elif not place.exists():
        place.parent.mkdir(parents=True, exist_ok=True)
        place.touch()
    syscalls.mount(source, target, "none", _MS_BIND | _MS_REC)
    _read_only(target, recursive=True)


class _MountAttributes(ctypes.Structure):
    _fields_ = (
        ("set", ctypes.c_uint64),
        ("clear", ctypes.c_uint64),
        ("propagation", ctypes.c_uint64),
        ("userns", ctypes.c_uint64),
    )


def _read_only(target: str, *, recursive: bool) -> None:
    attributes = _MountAttributes(set=_ATTR_RDONLY | _ATTR_NOSUID | _ATTR_NODEV)
    syscalls.call(
        "mount_setattr",
        ctypes.c_int(_AT_FDCWD),
        ctypes.c_char_p(target.encode()),
        ctypes.c_uint(_AT_RECURSIVE if recursive else 0),
        ctypes.byref(attributes),
        ctypes.c_size_t(ctypes.sizeof(attributes)),
    )
