"""What *prep* installed, kept between runs in a folder that the workflow persists (``actions/cache``), by its key.

The launcher alone touches it, while no container runs that could change it meanwhile: what a repository executes never
sees the folder. An entry appears whole or not at all, and is taken only if every file of it is as it was. Entries of
strangers' changes have keys of their own (``forks-…``) and are never taken for others.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import secrets
import shutil
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

KEY = re.compile(r"(?:own|forks)-[0-9a-f]{64}\Z")
MOST_FILES = 200_000
MOST_BYTES = 4 << 30
_LARGEST_MANIFEST = 64 << 20
_SCRIPT = 1 << 16
_CHUNK = 1 << 20


class _UnusableError(Exception):
    """This tree cannot be kept, or this entry not be taken; the text says why."""


@dataclass(frozen=True)
class Cache:
    """Entries by key below *folder*."""

    folder: Path
    image: str
    """What ran: another image has another Python and other installers."""
    owner: tuple[int, int]
    """Whose the restored files shall be."""

    def restore(self, key: str, target: Path) -> str:
        """Fill the empty folder *target* with the entry; return what to say of it, empty when there is none to take.

        A damaged entry is removed, and *target* is empty again.
        """
        entry = self._entry(key)
        if entry is None or not os.path.lexists(entry):
            return ""
        try:
            _take(entry, target, self.owner)
        except (_UnusableError, OSError, ValueError, KeyError, TypeError) as error:
            shutil.rmtree(entry, ignore_errors=True)
            for one in list(target.iterdir()):
                one.unlink() if one.is_symlink() or one.is_file() else shutil.rmtree(one)
            return f"the kept entry is damaged and was removed: {_words(error)}"
        return "taken from the cache"

    def save(self, key: str, source: Path) -> str:
        """Keep *source*; return what to say of it. An entry that is there already stays."""
        entry = self._entry(key)
        if entry is None or os.path.lexists(entry):
            return ""
        draft = entry.with_name(f".{entry.name}.{secrets.token_hex(8)}")
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            _keep(source, draft)
            draft.rename(entry)  # an entry that another job made meanwhile is not empty, and stays
        except (_UnusableError, OSError) as error:
            return f"not kept: {_words(error)}"
        finally:
            shutil.rmtree(draft, ignore_errors=True)
        return "kept in the cache"

    def _entry(self, key: str) -> Path | None:
        if not KEY.match(key):
            return None
        trust, _, name = key.partition("-")
        return self.folder / f"{trust}-{hashlib.sha256(f'{self.image} {name}'.encode()).hexdigest()}"


def _words(error: Exception) -> str:
    return re.sub(r"[^\w ./:-]", "?", str(error), flags=re.ASCII)[:200]


def _keep(source: Path, draft: Path) -> None:
    """Copy the tree *source* into *draft*, beside a list of what is in it."""
    draft.mkdir(mode=0o700)
    records, size = {}, 0
    for path, status in _walk(source):
        copy = draft / "deps" / path
        record: list[str | int]
        if stat.S_ISDIR(status.st_mode):
            copy.mkdir(parents=True)
            record = ["folder", stat.S_IMODE(status.st_mode) & 0o755 | 0o700]
        elif stat.S_ISLNK(status.st_mode):
            goal = str((source / path).readlink())
            copy.symlink_to(goal)
            record = ["link", goal]
        else:
            record = ["file", stat.S_IMODE(status.st_mode) & 0o755 | 0o600, _copy(source / path, copy)]
            size += status.st_size
        records[path] = record
        if len(records) > MOST_FILES or size > MOST_BYTES:
            raise _UnusableError("it is too large")
    document = {"made_at": str(source), "records": records}
    with (draft / "manifest.json").open("w", encoding="ascii") as file:
        json.dump(document, file)
        file.flush()
        os.fsync(file.fileno())


def _take(entry: Path, target: Path, owner: tuple[int, int]) -> None:
    """Copy what the list of *entry* names into *target*, if it is all there, as it was, and nothing else."""
    manifest = entry / "manifest.json"
    if manifest.is_symlink() or manifest.stat().st_size > _LARGEST_MANIFEST:
        raise _UnusableError("its list is no list")
    document = json.loads(manifest.read_text(encoding="ascii"))
    records, made_at = dict(document["records"]), str(document["made_at"])
    for path, status in _walk(entry / "deps"):
        record, copy = records.pop(path, None), target / path
        if stat.S_ISDIR(status.st_mode):
            found = ["folder", record[1] if record else 0]
            copy.mkdir(exist_ok=path == "")
        elif stat.S_ISLNK(status.st_mode):
            goal = str((entry / "deps" / path).readlink())
            copy.symlink_to(goal)
            found = ["link", goal]
        else:
            found = ["file", record[1] if record else 0, _copy(entry / "deps" / path, copy)]
        if found != record:
            raise _UnusableError(f"{path or 'it'} is not as it was")
        if found[0] != "link":
            copy.chmod(int(found[1]) & 0o755)
        if (os.geteuid(), os.getegid()) != owner and os.geteuid() == 0:
            os.chown(copy, *owner, follow_symlinks=False)
    if records:
        raise _UnusableError("something is missing")
    _rename_interpreter(target, made_at)


def _walk(root: Path) -> Iterator[tuple[str, os.stat_result]]:
    """Yield folders (the root first, as ``""``), files and links below *root* by relative path; no link is followed."""
    waiting = [""]
    while waiting:
        path = waiting.pop()
        status = os.lstat(root / path)
        if not (stat.S_ISDIR(status.st_mode) or stat.S_ISREG(status.st_mode) or stat.S_ISLNK(status.st_mode)):
            raise _UnusableError(f"{path} is neither file nor folder nor link")
        yield path, status
        if stat.S_ISDIR(status.st_mode):
            names = sorted((one.name for one in (root / path).iterdir()), reverse=True)
            waiting += [f"{path}/{name}" if path else name for name in names]


def _copy(source: Path, target: Path) -> str:
    """Copy one plain file; return the digest of what was copied."""
    digest = hashlib.sha256()
    with os.fdopen(os.open(source, os.O_RDONLY | os.O_NOFOLLOW), "rb") as old, target.open("xb") as new:
        while chunk := old.read(_CHUNK):
            digest.update(chunk)
            new.write(chunk)
    return digest.hexdigest()


def _rename_interpreter(target: Path, made_at: str) -> None:
    """Have the scripts of the environment name its interpreter where it lies now."""
    programs = target / "venv" / "bin"
    if programs.is_symlink() or programs.parent.is_symlink() or not programs.is_dir():
        return
    for script in programs.iterdir():
        if script.is_symlink() or not script.is_file() or script.stat().st_size > _SCRIPT:
            continue
        data = script.read_bytes()
        if data.startswith(b"#!" + os.fsencode(made_at) + b"/"):
            script.write_bytes(data.replace(os.fsencode(made_at), os.fsencode(target)))
