"""Parts: everything is in exactly one, and no part is much heavier than it must be."""

from hypothesis import given, settings
from hypothesis import strategies as st

from tta_orchestrate.domain.cost import NanoUsd
from tta_orchestrate.domain.shards import Item, balance, enough, matrix

items = st.lists(st.integers(1, 10_000), max_size=60).map(
    lambda sizes: [Item(path=f"f{n}", tokens=size, cost=NanoUsd(size * 3)) for n, size in enumerate(sizes)]
)


@given(items, st.integers(1, 12))
@settings(max_examples=60)
def test_every_file_is_in_exactly_one_part_and_none_is_empty(found, count):
    parts = balance(found, count)
    if not found:
        return
    assert sorted(item.path for part in parts for item in part.items) == sorted(item.path for item in found)
    assert all(part.items for part in parts)
    assert [part.number for part in parts] == list(range(1, len(parts) + 1))


@given(items.filter(bool), st.integers(1, 12))
@settings(max_examples=60)
def test_no_part_is_heavier_than_four_thirds_of_the_best_and_a_file(found, count):
    parts = balance(found, count)
    best = max(sum(item.cost for item in found) / len(parts), *(item.cost for item in found))
    assert max(part.cost for part in parts) <= best * 4 / 3 + max(item.cost for item in found)


def test_the_same_files_give_the_same_parts_in_any_order():
    found = [Item(path=f"f{n}", tokens=n % 7) for n in range(50)]
    assert balance(found, 4) == balance(reversed(found), 4)


def test_a_matrix_says_numbers_and_a_plan_is_never_too_wide():
    parts = balance([Item(path="a", tokens=10, cost=NanoUsd(5_000_000)), Item(path="b", tokens=1)], 2)
    assert matrix(parts)["include"][0] == {"shard": 1, "of": 2, "files": 1, "tokens": 10, "cost_usd": "0.005"}
    assert len(balance([Item(path=str(n), tokens=1) for n in range(1000)], 10_000)) == 256
    assert enough([Item(path="a", tokens=450)], 100) == 5
