"""The door to the books: read some months, or change one month in a transaction."""

from collections.abc import Callable, Sequence
from typing import Protocol

from tta_orchestrate.domain.ledger import Book, Entry

Plan = Callable[[Book], Sequence[Entry]]
"""From what stands in the books to the entries to add. Pure: it is asked again after a lost race."""


class Ledger(Protocol):
    """One store. Every method raises ``LedgerError`` when the store cannot be read or written."""

    def months(self) -> tuple[str, ...]:
        """Return the months (``YYYY-MM``) there are, in order."""
        ...

    def read(self, months: Sequence[str]) -> Book:
        """Return the entries of *months*; a month without any is empty."""
        ...

    def transact(self, month: str, plan: Plan) -> Book:
        """Add what *plan* says to *month*, all or nothing, and return the book as it is then.

        Entries whose key is there already are not written again.
        """
        ...
