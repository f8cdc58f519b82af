"""A ledger for jobs that may read but not write (forks, read-only tokens): entries are left as an artifact.

``transact`` sees what the branch holds, where that can be read, and writes its own entries to a file in the results
folder, which the workflow uploads; the next trusted run takes it in (:func:`take_in`).
"""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

from tta_orchestrate.domain.ledger import Book, Entry, Phase, merge
from tta_orchestrate.errors import LedgerError
from tta_orchestrate.ledger import lines
from tta_orchestrate.ledger.local_file import LocalFile
from tta_orchestrate.ledger.port import Ledger, Plan

FILENAME: Final = "ledger.jsonl"


class Artifacts:
    """Writes beside the results, reads where it may."""

    def __init__(self, folder: Path, elsewhere: Ledger | None = None) -> None:
        self._own = LocalFile(folder / FILENAME)
        self._elsewhere = elsewhere

    def months(self) -> tuple[str, ...]:
        """Return the months of both."""
        others = self._elsewhere.months() if self._elsewhere else ()
        return tuple(sorted({*others, *self._own.months()}))

    def read(self, months: Sequence[str]) -> Book:
        """Return what stands elsewhere and here."""
        own = self._own.read(months)
        if self._elsewhere is None:
            return own
        other = self._elsewhere.read(months)
        return Book(entries=merge(other.entries, own.entries), unreadable=other.unreadable + own.unreadable)

    def transact(self, month: str, plan: Plan) -> Book:
        """Write here; nobody else writes this file, so there is no race, and no promise towards other jobs either."""
        book = self.read((month,))
        known = book.keys()
        added = [entry for entry in plan(book) if entry.key not in known]
        self._own.transact(month, lambda _: added)
        return Book(entries=(*book.entries, *added), unreadable=book.unreadable)


class BranchOrArtifact:
    """The branch; where it refuses to be written, an artifact, under the limits that can still be read."""

    def __init__(self, branch: Ledger, beside: Ledger) -> None:
        self._branch = branch
        self._beside = beside

    def months(self) -> tuple[str, ...]:
        """Return the months of both."""
        return self._beside.months()

    def read(self, months: Sequence[str]) -> Book:
        """Return what stands in both."""
        return self._beside.read(months)

    def transact(self, month: str, plan: Plan) -> Book:
        """Write to the branch, else beside the results."""
        try:
            return self._branch.transact(month, plan)
        except LedgerError:
            return self._beside.transact(month, plan)


def take_in(ledger: Ledger, files: Iterable[Path], run_id: str = "") -> int:
    """Write the entries of downloaded artifact *files* into *ledger*; return how many were new.

    With *run_id* only reservations and settlements of that run are taken: an artifact of a fork is somebody else's
    word, and speaks for its own run alone.
    """
    found = merge(*(_entries(file) for file in files))
    allowed = [one for one in found if not run_id or (one.run_id == run_id and one.phase in _OF_A_RUN)]
    new = 0
    for month in sorted({one.month for one in allowed}):
        here = [one for one in allowed if one.month == month]
        known = ledger.read((month,)).keys()
        ledger.transact(month, lambda _, here=here: here)  # type: ignore[misc]
        new += sum(one.key not in known for one in here)
    return new


_OF_A_RUN: Final = frozenset({Phase.RESERVE, Phase.SETTLE})


def _entries(file: Path) -> tuple[Entry, ...]:
    try:
        with file.open("rb") as opened:
            return lines.read(opened).entries
    except OSError as error:
        raise LedgerError(
            f"the ledger file {str(file)!r} cannot be read: {error.strerror}", remedy="download the artifacts first"
        ) from error
