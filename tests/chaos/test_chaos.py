"""The chaos matrix as part of the suite: one test per fault and mode, all positions."""

from contextlib import closing

import pytest

from chaos.chaos_modes import MODES, SLOW_MODES
from chaos.matrix import DOORS, ROWS, run_row
from tta_orchestrate.loopback.server import Loopback


@pytest.fixture(scope="module")
def server():
    with closing(DOORS), Loopback() as running:
        yield running


@pytest.mark.parametrize("mode", MODES, ids=lambda mode: mode.name)
@pytest.mark.parametrize("fault", ROWS)
def test_no_fault_at_any_place_turns_green_overruns_or_pays_twice(server, fault, mode):
    for cell in run_row(server, fault, mode):
        assert cell.broken == [], f"{cell.fault} / {cell.position}"


@pytest.mark.parametrize("mode", SLOW_MODES, ids=lambda mode: mode.name)
@pytest.mark.parametrize("fault", [row for row in ROWS if row.startswith(("F6 ", "F13 ", "F27 "))])
def test_a_slower_mode_stands_a_sample_of_them(server, fault, mode):
    for cell in run_row(server, fault, mode):
        assert cell.broken == [], f"{cell.fault} / {cell.position}"
