"""Orders: what was bought, and what it costs."""

from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True)
class Line:
    sku: str
    quantity: int
    price: Decimal


def total(lines: list[Line]) -> Decimal:
    """Sum of all lines."""
    return sum((line.price * line.quantity for line in lines), Decimal(0))


def find_order(connection, number: int):
    """Return one order, or None."""
    cursor = connection.execute("SELECT id, customer, state FROM orders WHERE id = ?", (number,))
    return cursor.fetchone()
