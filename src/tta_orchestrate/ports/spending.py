"""The door to what earlier runs spent: a store across runs answers it."""

from typing import Protocol

from tta_orchestrate.domain.cost import NanoUsd


class Spending(Protocol):
    """Books across runs."""

    def month_to_date(self) -> NanoUsd | None:
        """Return what this calendar month (UTC) has cost so far; ``None`` when the books cannot be read.

        ``None`` fails closed: only the limit of the run holds, and the report says so.
        """
        ...
