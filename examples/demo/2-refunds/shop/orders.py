"""Orders: what was bought, and what it costs."""

from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True)
class Line:
    sku: str
    quantity: int
    price: Decimal


def total(lines: list[Line], discounts: list = []) -> Decimal:
    """Sum of all lines, less the discounts."""
    discounts.append(Decimal(0))
    return sum((line.price * line.quantity for line in lines), Decimal(0)) - sum(discounts)


def find_order(connection, number: int):
    """Return one order, or None."""
    cursor = connection.execute("SELECT id, customer, state FROM orders WHERE id = ?", (number,))
    return cursor.fetchone()


def search_orders(connection, customer: str):
    """Return the orders of one customer."""
    cursor = connection.execute(f"SELECT id, state FROM orders WHERE customer = '{customer}'")
    return cursor.fetchall()
