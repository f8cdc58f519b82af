"""The files of one commit as a ``SourceTree``, and its docs folder: git objects only, never the work tree."""

from collections.abc import Iterator, Sequence
from typing import Final

from tta_orchestrate.errors import SourceError
from tta_orchestrate.workspace.git import Repository

_REGULAR: Final = "100"


class CommitTree:
    """Regular files at *rev*. One ``git cat-file`` serves all reads; ``close`` ends it."""

    def __init__(self, repository: Repository, rev: str) -> None:
        self._commit = repository.resolve(rev)
        self._entries = repository.entries(self._commit)
        self._wanted = ""
        self._answers = repository.read_many(self._commit, self._questions())

    @property
    def commit(self) -> str:
        """The full object name."""
        return self._commit

    def files(self) -> Sequence[str]:
        """Return the paths of all regular files, sorted; names that are not UTF-8 are left out."""
        return sorted(path for path in self._entries if self._is_regular(path) and _is_text(path))

    def read(self, path: str) -> bytes | None:
        """Return the content of a regular file; anything else is ``None``."""
        if not self._is_regular(path):
            return None
        self._wanted = path
        return next(self._answers)[1]

    def close(self) -> None:
        """End the reading process."""
        self._answers.close()

    def _is_regular(self, path: str) -> bool:
        entry = self._entries.get(path)
        return entry is not None and entry.mode.startswith(_REGULAR)

    def _questions(self) -> Iterator[str]:
        while True:
            yield self._wanted


class CommitDocs:
    """The docs folder *relative* of a tree, to be read only."""

    def __init__(self, tree: CommitTree, relative: str) -> None:
        self._tree, self._prefix = tree, relative.rstrip("/") + "/"

    def read(self, path: str) -> str | None:
        """Return the text of a file, ``None`` when there is none.

        Raises:
            SourceError: it is no UTF-8 text.
        """
        data = self._tree.read(self._prefix + path)
        try:
            return None if data is None else data.decode()
        except UnicodeDecodeError as error:
            raise SourceError(f"{self._prefix}{path} is not UTF-8 text", remedy="convert or remove it") from error

    def files(self) -> Sequence[str]:
        """Return the paths of all files below the folder, sorted."""
        return [path.removeprefix(self._prefix) for path in self._tree.files() if path.startswith(self._prefix)]


def _is_text(path: str) -> bool:
    return path.isascii() or not any("\ud800" <= character <= "\udfff" for character in path)
