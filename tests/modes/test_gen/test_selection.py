"""A row earns its place by what it adds."""

from hypothesis import given
from hypothesis import strategies as st

from tta_orchestrate.modes.test_gen.worker.selection import Row, choose

ARCS = st.frozensets(st.tuples(st.integers(0, 4), st.integers(0, 4)), max_size=5)
ROWS = st.lists(st.builds(Row, ARCS, st.frozensets(st.integers(0, 6), max_size=4), st.floats(20, 200)), max_size=12)


def row(*arcs, kills=(), cost=20.0):
    return Row(frozenset(arcs), frozenset(kills), cost)


def test_the_cheaper_of_two_equals_is_taken_and_the_other_left():
    rows = [row((1, 2), cost=90), row((1, 2), cost=30)]
    assert [chosen.row for chosen in choose(rows, frozenset(), last=(), most=9)] == [1]


def test_what_is_covered_already_earns_nothing():
    assert choose([row((1, 2))], frozenset({(1, 2)}), last=(), most=9) == []


def test_the_late_ones_come_only_for_arcs_that_nothing_else_runs():
    rows = [row((1, 2)), row((1, 2), kills={1}), row((1, 3), kills={2})]
    chosen = choose(rows, frozenset(), last={1, 2}, most=9)
    assert [(c.row, c.arcs) for c in chosen] == [(0, {(1, 2)}), (2, {(1, 3)})]


@given(ROWS, ARCS, st.integers(1, 12), st.sets(st.integers(0, 11)))
def test_each_chosen_row_adds_something_and_without_a_limit_nothing_is_left_out(rows, covered, most, last):
    last = {number for number in last if number < len(rows)}
    chosen = choose(rows, covered, last=last, most=most)
    assert len(chosen) <= most
    assert all(c.arcs or c.kills for c in chosen)
    everything = choose(rows, covered, last=last, most=len(rows))
    assert frozenset().union(covered, *(c.arcs for c in everything)) == frozenset().union(
        covered, *(r.arcs for r in rows)
    )
    tame = [r for number, r in enumerate(rows) if number not in last]
    assert frozenset().union(*(c.kills for c in everything)) >= frozenset().union(*(r.kills for r in tame))
