"""The door to what other runs spend: a store across runs answers it."""

from typing import Protocol

from tta_orchestrate.domain.ledger import Envelope, Refusal


class Spending(Protocol):
    """Books across runs."""

    def open(self) -> Envelope | Refusal | None:
        """Set money aside for this run; asked once, and only when a model could be asked.

        A ``Refusal`` lets nothing be called that costs; ``None``: no books are kept. An envelope that could not be
        recorded fails closed: only the limit of the run holds, and its notes say so.
        """
        ...
