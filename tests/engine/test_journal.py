"""Crashes: SIGKILL at every write of the journal, then resume; torn lines, other runs, full disks, damaged caches."""

import errno
import json
import multiprocessing
import os
import signal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from team import gate, run_tasks, script, tasks
from tta_orchestrate.domain.cost import Call, NanoUsd, Usage
from tta_orchestrate.engine.cache import DiskCache
from tta_orchestrate.engine.journal import Journal
from tta_orchestrate.engine.redact import Redactor

UNITS = 3
CALL = Call(
    provider="p", request_model="m", response_model="m", role="orchestrator", stage="judge", unit="u", usage=Usage(),
    cash=NanoUsd(7), list_price=NanoUsd(7),
)  # fmt: skip
WRITES = 1 + 3 * UNITS  # run; reserve, settle and unit per task


@pytest.fixture(scope="module")
def processes():
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(
        ["tta_orchestrate.cli.wiring", "tta_orchestrate.providers.openai_compatible", "genai_prices", "httpx2"]
    )
    return context


@pytest.mark.parametrize("torn", [False, True])
@pytest.mark.parametrize("die_at", range(1, WRITES + 1))
def test_a_kill_at_any_write_then_a_resume_gives_the_same_and_pays_nothing_twice(
    server, tmp_path, processes, die_at, torn
):
    server.reset(script)
    child = processes.Process(target=run_tasks, args=(server.url, tmp_path, UNITS, die_at), kwargs={"torn": torn})
    child.start()
    child.join(30)
    assert child.exitcode == -signal.SIGKILL
    answers, cost = run_tasks(server.url, tmp_path, UNITS)
    assert [a["unit"] for a in answers] == ["unit-0", "unit-1", "unit-2"]
    assert server.requests == UNITS  # each unit was sent, and so paid, once
    assert sum(call.cash for call in cost.calls) <= server.charged
    assert cost.budgets[0].settled >= server.charged


def test_a_second_run_on_the_same_inputs_sends_nothing_and_still_tells_the_cost(world, server):
    first, cost = run_tasks(server.url, world.folder, UNITS)
    again, cost_again = run_tasks(server.url, world.folder, UNITS)
    assert first == again
    assert server.requests == UNITS
    assert cost_again.cash == cost.cash == server.charged
    assert any("resumed" in note for note in cost_again.notes)


def test_other_settings_or_inputs_do_not_resume(world, server):
    world.engine(journal=True).execute(tasks(1), gate)
    world.close()
    other = world.engine(journal=True, quality_threshold=0.1)
    assert other.cost().calls == ()


def test_a_call_that_died_still_counts_when_the_next_process_draws_its_ticket_again(tmp_path):
    path = tmp_path / "journal.jsonl"
    died = Journal(path, "k", Redactor())
    died.reserve("1:judge:1", 500, unit="u", model="m")
    died.close()
    second = Journal(path, "k", Redactor())
    second.reserve("1:judge:1", 400, unit="u", model="m")
    second.settle("1:judge:1", CALL)
    second.close()
    assert Journal(path, "k", Redactor()).past.spent == 500 + CALL.cash


def test_an_unsettled_reservation_counts_as_spent(tmp_path):
    path = tmp_path / "journal.jsonl"
    journal = Journal(path, "k", Redactor())
    journal.reserve("1", 500, unit="u", model="m")
    journal.close()
    again = Journal(path, "k", Redactor())
    assert again.past.spent == again.past.unknown == 500
    again.close()


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40)
@given(junk=st.binary(max_size=60), keep=st.integers(0, 400))
def test_any_tail_is_survived_and_what_is_written_afterwards_is_read_again(tmp_path, junk, keep):
    path = tmp_path / "journal.jsonl"
    path.unlink(missing_ok=True)
    journal = Journal(path, "k", Redactor())
    for n in range(4):
        journal.finish(f"key{n}", {"answer": n})
    journal.close()
    path.write_bytes(path.read_bytes()[:keep] + junk)
    second = Journal(path, "k", Redactor())
    second.finish("last", {"answer": 9})
    second.close()
    third = Journal(path, "k", Redactor())
    assert third.unit("last")["answer"] == 9
    third.close()
    assert all(json.loads(line) for line in path.read_bytes().splitlines())


def test_a_full_disk_costs_the_memory_and_not_the_run(world, server):
    def full():
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    engine = world.engine(journal=True, on_journal_write=full)
    assert all(r.answer for r in engine.execute(tasks(2), gate))
    assert engine.cost().cash == server.charged
    assert any("journal" in note and "No space" in note for note in engine.cost().notes)


def test_the_journal_does_not_follow_a_link(tmp_path):
    (tmp_path / "journal.jsonl").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(OSError, match=os.strerror(errno.ELOOP)):
        Journal(tmp_path / "journal.jsonl", "k", Redactor())
    assert not (tmp_path / "elsewhere").exists()


@pytest.mark.parametrize("damage", [b"", b"{", b"[]", b'{"text": 3}', b"\xff"])
def test_a_damaged_cache_file_is_a_miss(world, server, damage):
    engine = world.engine(calls={"cache_dir": str(world.folder)})
    engine.execute(tasks(1), gate)
    (kept,) = (world.folder / "answers").rglob("*.json")
    kept.write_bytes(damage)
    assert DiskCache(world.folder / "answers").get(kept.stem) is None
    assert world.engine(calls={"cache_dir": str(world.folder)}).execute(tasks(1), gate)[0].answer
    assert server.requests == 2
