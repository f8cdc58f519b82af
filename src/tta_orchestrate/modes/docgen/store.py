"""Writing below the docs folder, and nowhere else: no link is followed, files appear whole or not at all."""

import os
import secrets
import stat
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from tta_orchestrate.errors import ConfigError, DeliveryError


class DocsFolder:
    """The only place that docgen writes to. *root* may not exist yet; *repository* must contain it."""

    def __init__(self, repository: Path, relative: str) -> None:
        _refuse_outside(relative)
        self.repository = repository
        self.relative = str(PurePosixPath(relative))
        self.root = repository / self.relative
        self._refuse_links(self.root)

    def read(self, path: str) -> str | None:
        """Return the text of a file, ``None`` when there is none.

        Raises:
            DeliveryError: it is a link or no text.
        """
        target = self._target(path)
        try:
            if not stat.S_ISREG(target.lstat().st_mode):
                raise DeliveryError(f"{self.relative}/{path} is not a regular file", remedy="remove it")
            with target.open(encoding="utf-8", newline="") as stream:
                return stream.read()
        except FileNotFoundError:
            return None
        except UnicodeDecodeError as error:
            raise DeliveryError(f"{self.relative}/{path} is not UTF-8 text", remedy="convert or remove it") from error

    def files(self) -> Sequence[str]:
        """Return the paths of all regular files below the folder, sorted; links are left out."""
        found: list[str] = []
        for folder, _, names in os.walk(self.root, followlinks=False):
            base = Path(folder)
            found += [(base / n).relative_to(self.root).as_posix() for n in names if not (base / n).is_symlink()]
        return sorted(found)

    def write(self, path: str, text: str) -> None:
        """Write a file atomically; parents are made.

        Raises:
            DeliveryError: something on the way is a link, or the disk refuses.
        """
        target = self._target(path)
        temporary = target.with_name(f".{target.name[:80]}.{secrets.token_hex(4)}.tmp")
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            self._refuse_links(target)
            descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o644)
            with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as stream:
                stream.write(text)
            temporary.replace(target)
        except OSError as error:
            temporary.unlink(missing_ok=True)
            raise DeliveryError(f"cannot write {self.relative}/{path}: {error.strerror}") from error

    def delete(self, path: str) -> None:
        """Delete a file."""
        self._target(path).unlink(missing_ok=True)

    def _target(self, path: str) -> Path:
        _refuse_outside(path)
        target = self.root / path
        self._refuse_links(target)
        return target

    def _refuse_links(self, target: Path) -> None:
        steps = [target, *target.parents]
        for step in steps[: len(target.relative_to(self.repository).parts)]:
            if step.is_symlink():
                name = step.relative_to(self.repository)
                raise DeliveryError(f"{name} is a symbolic link", remedy="docgen never writes through links: remove it")


def _refuse_outside(path: str) -> None:
    pure = PurePosixPath(path)
    if not path or pure.is_absolute() or ".." in pure.parts or "\\" in path or "\0" in path or ".git" in pure.parts:
        raise ConfigError(f"{path!r} is no place for documentation", remedy="give a folder inside the repository")


def case_collisions(paths: Sequence[str]) -> Sequence[tuple[str, str]]:
    """Return pairs of paths that are one file on a file system that ignores case."""
    seen: dict[str, str] = {}
    found: list[tuple[str, str]] = []
    for path in paths:
        first = seen.setdefault(path.casefold(), path)
        if first != path:
            found.append((first, path))
    return found
