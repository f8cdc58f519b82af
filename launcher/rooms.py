"""What the containers of one run share: folders, each written by one side only, and who gets which of them.

========== ============ ============= ==========================================
folder     written by   read by       holds
========== ============ ============= ==========================================
``source`` brain        all others    the tested tree: regular files, no ``.git``
``plan``   brain        prep, build   what to install; its key in the cache is for the launcher
``deps``   prep, build  box           what was installed; the brain never sees it
``in``     brain        box           jobs
``out``    box          brain         results; in the box, only its root may write
``state``  launcher     brain         how the others ended
========== ============ ============= ==========================================
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from container import PROXIES, Container, Limits, Mount

PYTHON = "/opt/tta/bin/python"
CAPABILITIES = ("SETUID", "SETGID", "SETPCAP", "CHOWN", "KILL")
"""What the box's supervisor needs to run each job as somebody else, and to end it."""
MODES = {"source": 0o755, "plan": 0o755, "deps": 0o755, "in": 0o750, "out": 0o770, "state": 0o755}


@dataclass(frozen=True)
class Rooms:
    """The shared folders, at the same paths in every container."""

    folder: Path

    @classmethod
    def make(cls, within: str, *, owner: tuple[int, int]) -> Rooms:
        """Make them, empty, for *owner* (the user and group of the program's container)."""
        folder = Path(tempfile.mkdtemp(prefix="tta-rooms-", dir=within if Path(within).is_dir() and within else None))
        for name, mode in MODES.items():
            room = folder / name
            room.mkdir()
            room.chmod(mode)
            if name != "state" and (os.geteuid(), os.getegid()) != owner:
                shutil.chown(room, *owner)
        return cls(folder)

    def brain_mounts(self) -> list[Mount]:
        """Return what the brain sees: everything but what was installed."""
        writable = {"source", "plan", "in"}
        return [Mount(self.folder / name, name in writable) for name in MODES if name != "deps"]

    def key(self) -> str:
        """Return the key that the brain gave to what *prep* will install; empty where there is none."""
        try:
            with (self.folder / "plan" / "key").open(encoding="ascii") as file:
                return file.read(100).strip()
        except (OSError, ValueError):
            return ""

    def tell(self, role: str, code: int) -> None:
        """Leave word of how container *role* ended."""
        draft = self.folder / "state" / f".{role}"
        draft.write_text(str(code), encoding="ascii")
        draft.replace(self.folder / "state" / role)

    def remove(self) -> None:
        """Remove them, as far as this user may."""
        shutil.rmtree(self.folder, ignore_errors=True)


def prep(
    image: str, name: str, user: str, rooms: Rooms, role: str = "prep", *, network: str, environ: Mapping[str, str]
) -> Container:
    """Return the container that installs: a network and a proxy at most, and never a proxy's password.

    *role* is ``prep`` for dependencies, ``build`` for the tested project itself, whose own code runs while it is built.
    """
    proxies = tuple(one for one in PROXIES if environ.get(one) and "@" not in environ[one])
    folder = rooms.folder
    return Container(
        image=image,
        name=name,
        user=user,
        arguments=("-I", "-m", "tta_orchestrate.sandbox.prep", str(folder), role),
        environment=proxies,
        mounts=(Mount(folder / "source"), Mount(folder / "plan"), Mount(folder / "deps", writable=True)),
        network=network,
        limits=Limits(scratch="2g", scratch_runs=True),
        entrypoint=PYTHON,
    )


def box(image: str, name: str, user: str, rooms: Rooms) -> Container:
    """Return the container that runs tests.

    Its root keeps five capabilities, none of which overrides file rights: the group of the workspace's owner is how it
    reads jobs and writes results, and jobs do not have that group.
    """
    folder = rooms.folder
    readable = tuple(Mount(folder / name) for name in ("source", "deps", "in"))
    return Container(
        image=image,
        name=name,
        user="0:" + user.partition(":")[2],
        arguments=("-I", "-m", "tta_orchestrate.sandbox.box", str(folder)),
        mounts=(*readable, Mount(folder / "out", writable=True)),
        limits=Limits(scratch_runs=True),
        entrypoint=PYTHON,
        capabilities=CAPABILITIES,
    )
