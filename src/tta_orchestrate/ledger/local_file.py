"""A ledger in one local file: for the command line. Writers take turns by an advisory lock."""

import fcntl
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from tta_orchestrate.domain.ledger import Book, Entry
from tta_orchestrate.errors import LedgerError
from tta_orchestrate.ledger import lines
from tta_orchestrate.ledger.port import Plan


class LocalFile:
    """JSON lines, all months in one file."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def months(self) -> tuple[str, ...]:
        """Return the months that the file speaks of."""
        return tuple(sorted({entry.month for entry in self._book().entries}))

    def read(self, months: Sequence[str]) -> Book:
        """Return the entries of *months*."""
        return _only(self._book(), months)

    def transact(self, month: str, plan: Plan) -> Book:
        """Append under the lock; an unfinished last line of a killed writer is closed first."""
        with self._locked() as file:
            book = _only(lines.read(file.readlines()), (month,))
            known = book.keys()
            added: list[Entry] = [entry for entry in plan(book) if entry.key not in known]
            if added:
                file.write(_closing(file) + b"".join(lines.encode(entry) + b"\n" for entry in added))
                file.flush()
            return Book(entries=(*book.entries, *added), unreadable=book.unreadable)

    def _book(self) -> Book:
        try:
            with self._path.open("rb") as file:
                return lines.read(file)
        except FileNotFoundError:
            return Book()
        except OSError as error:
            raise _unusable(self._path, error) from error

    @contextmanager
    def _locked(self) -> Iterator[IO[bytes]]:
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with self._path.open("a+b") as file:
                fcntl.flock(file, fcntl.LOCK_EX)
                file.seek(0)
                yield file
        except OSError as error:
            raise _unusable(self._path, error) from error


def _closing(file: IO[bytes]) -> bytes:
    size = file.seek(0, 2)
    if not size:
        return b""
    file.seek(size - 1)
    return b"" if file.read(1) == b"\n" else b"\n"


def _only(book: Book, months: Sequence[str]) -> Book:
    return Book(entries=tuple(e for e in book.entries if e.month in months), unreadable=book.unreadable)


def _unusable(path: Path, error: OSError) -> LedgerError:
    return LedgerError(
        f"the ledger {str(path)!r} cannot be used: {error.strerror or type(error).__name__}",
        remedy="check the path and its permissions (cost_tracking.ledger.file, --ledger)",
    )
