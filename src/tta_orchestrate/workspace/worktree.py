"""The files of a work tree on disk as a ``SourceTree``: for runs at a developer's machine. No process is started."""

import os
import re
import stat
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import pathspec

from tta_orchestrate.errors import SourceError

_SKIPPED: Final = frozenset({".git", ".hg", ".svn", "node_modules", "__pycache__", ".tox", ".nox", ".mypy_cache"})
_MAX_REF_HOPS: Final = 5


class WorkTree:
    """Regular files below *root* that git would not ignore; symbolic links are never followed."""

    def __init__(self, root: Path) -> None:
        if not root.is_dir():
            raise SourceError(f"{root} is not a folder", remedy="run inside a repository, or give --repository")
        self.root = root

    @property
    def commit(self) -> str:
        """The object name that HEAD points to, read from the files of ``.git``; ``""`` when there is none."""
        git = self._git_folder()
        return _resolve(git, "HEAD") if git is not None else ""

    @property
    def remote(self) -> str:
        """The address of the remote ``origin``, ``""`` when there is none."""
        git = self._git_folder()
        text = _text(git / "config") if git is not None else ""
        section = re.search(r'\[remote "origin"\]([^\[]*)', text)
        address = re.search(r"^\s*url\s*=\s*(\S+)", section.group(1), re.MULTILINE) if section else None
        return address.group(1) if address else ""

    @property
    def shallow(self) -> bool:
        """Whether the history is cut off."""
        git = self._git_folder()
        return git is not None and (git / "shallow").is_file()

    def files(self) -> Sequence[str]:
        """Return the paths of all regular files, sorted; ``.gitignore`` files are honoured."""
        return sorted(self._walk(self.root, "", []))

    def read(self, path: str) -> bytes | None:
        """Return the content of a regular file; anything else is ``None``."""
        try:
            descriptor = os.open(self.root / path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        except OSError:
            return None
        with os.fdopen(descriptor, "rb") as stream:
            return stream.read() if stat.S_ISREG(os.fstat(descriptor).st_mode) else None

    def _walk(self, folder: Path, prefix: str, rules: list[tuple[str, pathspec.GitIgnoreSpec]]) -> Iterator[str]:
        ignore = _text(folder / ".gitignore")
        if ignore:
            rules = [*rules, (prefix, pathspec.GitIgnoreSpec.from_lines(ignore.splitlines()))]
        with os.scandir(folder) as entries:
            for entry in entries:
                path = prefix + entry.name
                is_folder = entry.is_dir(follow_symlinks=False)
                if entry.name in _SKIPPED or _ignored(path + ("/" if is_folder else ""), rules):
                    continue
                if is_folder:
                    if not (folder / entry.name / "pyvenv.cfg").exists():
                        yield from self._walk(folder / entry.name, path + "/", rules)
                elif entry.is_file(follow_symlinks=False):
                    yield path

    def _git_folder(self) -> Path | None:
        git = self.root / ".git"
        if git.is_file():
            target = _text(git).removeprefix("gitdir:").strip()
            git = self.root / target
        return git if git.is_dir() else None


def _ignored(path: str, rules: Sequence[tuple[str, pathspec.GitIgnoreSpec]]) -> bool:
    return any(spec.match_file(path[len(prefix) :]) for prefix, spec in rules)


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def _resolve(git: Path, name: str) -> str:
    common = git / _text(git / "commondir").strip()
    for _ in range(_MAX_REF_HOPS):
        value = _text(git / name).strip() or _text(common / name).strip() or _packed(common, name)
        if not value.startswith("ref: "):
            return value if re.fullmatch(r"[0-9a-f]{40}|[0-9a-f]{64}", value) else ""
        name = value.removeprefix("ref: ")
    return ""


def _packed(git: Path, name: str) -> str:
    rows = (line.split(" ") for line in _text(git / "packed-refs").splitlines())
    return next((row[0] for row in rows if len(row) == 2 and row[1] == name), "")  # noqa: PLR2004
