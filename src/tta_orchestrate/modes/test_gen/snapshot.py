"""A copy of the tree to test: regular files only, no links, no ``.git``, nothing that git ignores."""

import os
import shutil
import stat
import subprocess
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path, PurePosixPath
from types import TracebackType
from typing import Final, Self

from tta_orchestrate.errors import SourceError

_LARGEST: Final = 32 << 20
_MOST_FILES: Final = 50_000
_SKIPPED: Final = {
    ".git",
    ".hg",
    ".tox",
    ".nox",
    "__pycache__",
    "node_modules",
    ".venv",
    "venv",
    ".mypy_cache",
    ".pytest_cache",
    ".ruff_cache",
}


class Snapshot:
    """A folder of its own with the copy; only this program writes to it, jobs see it read-only."""

    def __init__(self) -> None:
        self._private = Path(
            tempfile.mkdtemp(prefix="tta-tree-")
        )  # closed to other users; what lies in it is open to jobs
        self.path = self._private / "tree"
        self._folder(self.path)
        self.left_out: list[str] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        shutil.rmtree(self._private, ignore_errors=True)

    def _folder(self, path: Path) -> None:
        if not path.exists():
            self._folder(path.parent)
            path.mkdir()
            path.chmod(0o755)

    def write(self, path: str, data: bytes) -> None:
        """Put one file in.

        Raises:
            SourceError: *path* leads out of the tree.
        """
        pure = PurePosixPath(path)
        if pure.is_absolute() or ".." in pure.parts or ".git" in pure.parts:
            raise SourceError(f"{path!r} is no path inside the tree")
        target = self.path / pure
        self._folder(target.parent)
        target.write_bytes(data)
        target.chmod(0o644)

    def remove(self, path: str) -> None:
        """Take one file out again."""
        (self.path / path).unlink(missing_ok=True)

    def read(self, path: str) -> str:
        """Return the text of a file as Python would decode it (UTF-8; line ends kept)."""
        return (self.path / path).read_bytes().decode("utf-8", "surrogateescape")

    def files(self) -> Iterator[str]:
        """Yield the paths in the copy, sorted."""
        for folder, folders, names in os.walk(self.path):
            folders.sort()
            for name in sorted(names):
                yield str(PurePosixPath(os.path.relpath(os.path.join(folder, name), self.path)))  # noqa: PTH118


def from_folder(root: Path) -> Snapshot:
    """Copy the work tree at *root*: what git tracks or would track, or everything where there is no git."""
    snapshot = Snapshot()
    for path in _listed(root):
        source = root / path
        try:
            status = source.lstat()
        except OSError:
            continue  # deleted, but still in the index
        if not stat.S_ISREG(status.st_mode) or status.st_size > _LARGEST or _through_link(root, path):
            snapshot.left_out.append(path)
            continue
        snapshot.write(path, source.read_bytes())
        if status.st_mode & stat.S_IXUSR:
            (snapshot.path / path).chmod(0o755)
    return snapshot


def from_blobs(files: Mapping[str, bytes]) -> Snapshot:
    """Write the files of a revision."""
    snapshot = Snapshot()
    for path, data in files.items():
        snapshot.write(path, data)
    return snapshot


def _through_link(root: Path, path: str) -> bool:
    folder = root
    for part in PurePosixPath(path).parts[:-1]:
        folder /= part
        if folder.is_symlink():
            return True
    return False


def _listed(root: Path) -> Iterable[str]:
    if (root / ".git").exists():
        command = [
            "git",
            "-c",
            "core.fsmonitor=false",
            "-c",
            "core.hooksPath=/dev/null",
            "ls-files",
            "-coz",
            "--exclude-standard",
        ]
        done = subprocess.run(command, cwd=root, capture_output=True, check=False)
        if done.returncode == 0:
            return [os.fsdecode(name) for name in done.stdout.split(b"\0") if name]
    return _walked(root)


def _walked(root: Path) -> list[str]:
    found: list[str] = []
    for folder, folders, names in os.walk(root):
        folders[:] = sorted(f for f in folders if f not in _SKIPPED)
        found += [os.path.relpath(os.path.join(folder, name), root) for name in sorted(names)]  # noqa: PTH118
        if len(found) > _MOST_FILES:
            raise SourceError(f"{root} holds more than {_MOST_FILES} files", remedy="run inside a git repository")
    return found
