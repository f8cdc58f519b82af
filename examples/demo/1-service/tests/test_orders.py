from decimal import Decimal

from shop.orders import Line, total


def test_total_adds_up():
    assert total([Line("tea", 2, Decimal("3.50"))]) == Decimal("7.00")
