"""The three stores, by one contract; the branch against real git."""

import os
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from ledgers import NOW, RealClock, bare, branch, dollars, entry, report, terms, who
from tta_orchestrate.domain.ledger import Book, Envelope, Limit, Phase, Refusal, Window
from tta_orchestrate.errors import LedgerError
from tta_orchestrate.ledger.artifacts import FILENAME, Artifacts, BranchOrArtifact, take_in
from tta_orchestrate.ledger.envelope import open_envelope, settle
from tta_orchestrate.ledger.local_file import LocalFile


@pytest.fixture(params=["branch", "file", "artifacts"])
def store(request, tmp_path):
    match request.param:
        case "branch":
            return branch(bare(tmp_path / "o.git"))
        case "file":
            return LocalFile(tmp_path / "books/ledger.jsonl")
        case _:
            return Artifacts(tmp_path / "out")


def test_what_is_written_is_read_and_nothing_is_written_twice(store):
    first, second = entry("1", cash=5), entry("2", cash=7)
    store.transact("2026-11", lambda book: [first])
    after = store.transact("2026-11", lambda book: [first, second])
    assert after.entries == (first, second)
    assert store.read(["2026-11"]).entries == (first, second)
    assert store.months() == ("2026-11",)


def test_an_empty_store_is_an_empty_book(store):
    assert store.read(["2026-11"]) == Book()
    assert store.months() == ()


def test_months_are_kept_apart(store):
    store.transact("2026-10", lambda _: [entry("1", day="2026-10-31")])
    store.transact("2026-11", lambda _: [entry("2")])
    assert [one.run_id for one in store.read(["2026-11"]).entries] == ["2"]
    assert [one.run_id for one in store.read(["2026-10", "2026-11"]).entries] == ["1", "2"]


def test_three_runs_share_a_month_and_the_third_is_refused(store):
    under = terms(month=1.5, run=1)
    for number, expected in (("1", 1), ("2", 0.6)):
        opened = open_envelope(store, under, who(number), NOW)
        assert isinstance(opened, Envelope)
        assert opened.amount == dollars(expected)
        settle(store, opened, report(0.9 if number == "1" else 0.6), NOW)
    assert isinstance(open_envelope(store, under, who("3"), NOW), Refusal)


def test_settling_twice_counts_once(store):
    opened = open_envelope(store, terms(), who(), NOW)
    settle(store, opened, report(0.5), NOW)
    settle(store, opened, report(0.7), NOW)
    [kept] = [one for one in store.read(["2026-11"]).entries if one.phase is Phase.SETTLE]
    assert kept.cash == dollars(0.5)


def test_the_branch_needs_two_pushes_a_run_and_keeps_its_history(tmp_path):
    url = bare(tmp_path / "o.git")
    store = branch(url)
    settle(store, open_envelope(store, terms(), who(), NOW), report(0.5), NOW)
    assert (store.pushes.done, store.pushes.tried) == (2, 2)
    log = subprocess.run(
        ["git", "--git-dir", str(tmp_path / "o.git"), "log", "--format=%an %s", "tta-ledger"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert log.stdout.splitlines() == ["tta-orchestrate ledger: 2026-11"] * 2
    subprocess.run(["git", "--git-dir", str(tmp_path / "o.git"), "fsck", "--strict"], check=True, capture_output=True)


def test_parallel_writers_lose_nothing(tmp_path):
    url = bare(tmp_path / "o.git")

    def write(number):
        store = branch(url, seed=number, clock=RealClock())
        for run in range(3):
            opened = open_envelope(store, terms(month=10**6), who(f"{number}-{run}"), NOW)
            assert settle(store, opened, report(0.01), NOW).recorded

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(write, range(4)))
    assert len(branch(url).read(["2026-11"]).entries) == 4 * 3 * 2


def test_parallel_runs_never_reserve_more_than_the_month_leaves(tmp_path):
    url = bare(tmp_path / "o.git")

    def open_one(number):
        store = branch(url, seed=number, clock=RealClock())
        return open_envelope(store, terms(month=2, run=1), who(str(number)), NOW)

    with ThreadPoolExecutor(4) as pool:
        opened = list(pool.map(open_one, range(4)))
    assert sum(isinstance(one, Envelope) for one in opened) == 2
    assert sum(isinstance(one, Refusal) for one in opened) == 2


def test_a_push_whose_answer_got_lost_is_found_at_the_next_try(tmp_path):
    url = bare(tmp_path / "o.git")
    branch(url).transact("2026-11", lambda _: [entry("1")])
    again = branch(url)
    again.transact("2026-11", lambda _: [entry("1")])
    assert again.pushes.tried == 0


def test_a_lost_race_is_retried_with_capped_jitter_and_then_given_up(tmp_path):
    url = bare(tmp_path / "o.git")
    rival = branch(url)
    clock = RealClock()
    clock.wait = lambda seconds, _: clock.waits.append(seconds)
    store = branch(url, clock=clock, tries=4)
    numbers = iter(range(100))

    def plan(_):
        number = next(numbers)
        rival.transact("2026-11", lambda _: [entry(f"rival {number}")])
        return [entry("mine")]

    with pytest.raises(LedgerError, match="4 tries") as caught:
        store.transact("2026-11", plan)
    assert "concurrency" in caught.value.remedy
    assert len(clock.waits) == 3
    assert all(0 <= wait <= store.backoff.cap for wait in clock.waits)
    assert len(rival.read(["2026-11"]).entries) == 4


def test_a_branch_that_refuses_is_reported_with_the_permission_to_give(tmp_path):
    url = bare(tmp_path / "o.git")
    hook = tmp_path / "o.git/hooks/pre-receive"
    hook.write_text("#!/bin/sh\necho 'protected branch' >&2\nexit 1\n")
    hook.chmod(0o755)
    store = branch(url)
    with pytest.raises(LedgerError, match="refuses the ledger") as caught:
        store.transact("2026-11", lambda _: [entry()])
    assert "contents: write" in caught.value.remedy
    assert store.pushes.tried == 1


def test_without_write_permission_the_entries_are_left_as_an_artifact_and_taken_in_later(tmp_path):
    url = bare(tmp_path / "o.git")
    branch(url).transact("2026-11", lambda _: [entry("0", cash=dollars(9.5))])
    hook = tmp_path / "o.git/hooks/pre-receive"
    hook.write_text("#!/bin/sh\nexit 1\n")
    hook.chmod(0o755)
    reader = branch(url)
    store = BranchOrArtifact(reader, Artifacts(tmp_path / "out", reader))
    opened = open_envelope(store, terms(month=10), who("7"), NOW)
    assert opened.amount == dollars(0.5)
    assert settle(store, opened, report(0.2), NOW).recorded
    hook.unlink()
    assert take_in(branch(url), [tmp_path / "out" / FILENAME], run_id="7") == 2
    assert take_in(branch(url), [tmp_path / "out" / FILENAME], run_id="7") == 0
    assert {one.run_id for one in branch(url).read(["2026-11"]).entries} == {"0", "7"}


def test_an_artifact_speaks_only_for_its_own_run(tmp_path):
    Artifacts(tmp_path).transact("2026-11", lambda _: [entry("7"), entry("8"), entry("7", Phase.ALERT, job="x")])
    target = LocalFile(tmp_path / "target.jsonl")
    assert take_in(target, [tmp_path / FILENAME], run_id="7") == 1
    assert [one.run_id for one in target.read(["2026-11"]).entries] == ["7"]


def test_books_that_are_out_leave_the_runs_own_limit_and_say_so(tmp_path):
    gone = branch((tmp_path / "nothing.git").as_uri())
    opened = open_envelope(gone, terms(run=1), who(), NOW)
    assert isinstance(opened, Envelope)
    assert (opened.amount, opened.recorded) == (dollars(1), False)
    assert "only the limit of this run holds" in opened.notes[0]
    assert settle(gone, opened, report(0.5), NOW).notes
    stopped = open_envelope(gone, terms(stop_on_outage=True), who(), NOW)
    assert isinstance(stopped, Refusal)
    assert "books across runs are out" in stopped.reason


def test_lines_that_cannot_be_read_stay_and_are_told(tmp_path):
    file = tmp_path / "l.jsonl"
    file.write_bytes(b'{"v":9,"new":true}\n{"v":1,"run":"cut o')
    opened = open_envelope(LocalFile(file), terms(), who(), NOW)
    assert "2 lines" in opened.notes[0]
    assert file.read_bytes().startswith(b'{"v":9,"new":true}\n{"v":1,"run":"cut o\n')


def test_a_file_that_cannot_be_used_is_a_ledger_error(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(LedgerError, match="cannot be used"):
        LocalFile(tmp_path / "file/ledger.jsonl").transact("2026-11", lambda _: [entry()])


@pytest.mark.parametrize(
    "url",
    ["ssh://git@example.com/x.git", "https://user:pw@example.com/x.git", "http://example.com/x.git", "ext::sh -c id"],
)
def test_addresses_that_carry_secrets_or_run_programs_are_refused(url):
    with pytest.raises(LedgerError):
        branch(url).read(["2026-11"])


def test_the_configuration_of_the_user_and_its_hooks_are_not_obeyed(tmp_path, monkeypatch):
    url = bare(tmp_path / "o.git")
    trap = tmp_path / "trap"
    home = tmp_path / "home"
    home.mkdir()
    (home / ".gitconfig").write_text(
        f'[core]\n\thooksPath = {tmp_path}/hooks\n[url "/nowhere"]\n\tinsteadOf = file://\n'
    )
    (tmp_path / "hooks").mkdir()
    (tmp_path / "hooks/pre-push").write_text(f"#!/bin/sh\ntouch {trap}\n")
    (tmp_path / "hooks/pre-push").chmod(0o755)
    store = branch(url)
    object.__setattr__(store, "environ", {"PATH": os.environ["PATH"], "HOME": str(home)})
    store.transact("2026-11", lambda _: [entry()])
    assert not trap.exists()
    assert len(store.read(["2026-11"]).entries) == 1


def test_alerts_are_claimed_by_exactly_one_of_several_runs(store):
    def alarm(book):
        return [entry("2026-11", Phase.ALERT, job="month at 80 %")]

    first = open_envelope(store, terms(), who("1"), NOW)
    second = open_envelope(store, terms(), who("2"), NOW)
    told = [settle(store, one, report(0.1), NOW, alarm).told for one in (first, second)]
    assert [len(one) for one in told] == [1, 0]


def test_a_daily_limit_uses_the_same_file_and_the_zone_of_the_terms(store):
    under = terms(limits=(Limit(window=Window.DAY, amount=dollars(1)),), zone="Pacific/Auckland")
    opened = open_envelope(store, under, who("1"), NOW)
    assert opened.day == "2026-11-23"
    settle(store, opened, report(1), NOW)
    assert isinstance(open_envelope(store, under, who("2"), NOW), Refusal)


def test_the_token_travels_by_environment_and_only_to_its_own_origin(tmp_path):
    from tta_orchestrate.ledger.remote_git import RemoteGit

    remote = RemoteGit("https://github.example/acme/shop.git", os.environ, "TOKEN-VALUE")
    settings = {k: v for k, v in remote.git.environ.items() if k.startswith("GIT_CONFIG_")}
    assert "http.https://github.example/.extraheader" in settings.values()
    assert "TOKEN-VALUE" not in repr(remote.git)
    assert not any("TOKEN" in part for part in remote.git._command(("push",)))
    assert Path(remote.git.environ["GIT_DIR"]).is_dir()
    remote.close()
    assert not Path(remote.git.environ["GIT_DIR"]).exists()


def test_runs_at_the_same_time_share_the_months_line_for_measuring(tmp_path):
    url = bare(tmp_path / "o.git")
    under = terms(month=100, run=0.4, sample_limit=dollars(1))

    def job(number):
        return open_envelope(branch(url, seed=number, clock=RealClock()), under, who(str(number)), NOW)

    with ThreadPoolExecutor(4) as pool:
        opened = list(pool.map(job, range(4)))
    assert sorted(one.sample for one in opened) == [0, dollars(0.2), dollars(0.4), dollars(0.4)]
    assert {one.amount for one in opened} == {dollars(0.4)}
    most = max(opened, key=lambda one: one.sample)
    settle(branch(url), most, report(0.1), NOW)  # it measured nothing: its part of the line is free again
    again = open_envelope(branch(url), under, who("5"), NOW)
    assert again.sample == dollars(0.4)


def test_a_second_step_of_one_job_has_an_entry_of_its_own(store):
    for _ in range(2):
        opened = open_envelope(store, terms(), who(), NOW)
        settle(store, opened, report(), NOW)
    entries = [one for one in store.read(["2026-11"]).entries if one.phase is Phase.SETTLE]
    assert [one.job for one in entries] == [who().job, f"{who().job}#2"]
