"""The door to the sources that are documented."""

from collections.abc import Sequence
from typing import Protocol


class SourceTree(Protocol):
    """Files of one version of a repository. Symbolic links and submodules are never among them."""

    @property
    def commit(self) -> str:
        """The full object name of the version, ``""`` when there is none."""
        ...

    def files(self) -> Sequence[str]:
        """Return the paths of all regular files, sorted, with forward slashes."""
        ...

    def read(self, path: str) -> bytes | None:
        """Return the content of *path*, ``None`` when there is no such regular file."""
        ...
