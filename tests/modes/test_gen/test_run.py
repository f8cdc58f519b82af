"""Test generation from end to end, in the sandbox, on small repositories."""

import json
import subprocess
import sys

import pytest

from generated import generate, git, once, repository
from tta_orchestrate.domain.outcome import Outcome
from tta_orchestrate.sinks.summary_md import summary

SHOP = '''
"""A shop."""


def price(net: int, tax: int = 20) -> int:
    """Return the price.

    >>> price(100)
    120
    """
    if net < 0:
        raise ValueError(f"no price below nothing: {net}")
    if net > 1000:
        return net
    return net + net * tax // 100


def first(words: str) -> str:
    """Return the first word."""
    return words.split()[0]


async def fetch(n: int) -> int:
    """Return twice *n*, later."""
    return n * 2
'''.lstrip()

CENTS = """

def to_cents(units: int) -> int:
    return units * 100


def from_cents(cents: int) -> int:
    return cents // 100
"""


@pytest.fixture(scope="module")
def shop(tmp_path_factory, worker_id):
    def make(folder):
        return folder, generate(repository(folder, shop_py=SHOP + CENTS), "shop.py")

    return once(tmp_path_factory, worker_id, "shop", make)


@pytest.mark.slow
def test_the_patch_applies_and_its_tests_pass_with_the_repositorys_own_pytest(shop):
    folder, report = shop
    subprocess.run(["git", "apply", "-"], cwd=folder, input=report.patch, text=True, check=True)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"], cwd=folder, env={"PYTHONPATH": str(folder), "PATH": "/usr/bin:/bin"},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout


def test_a_law_that_holds_becomes_a_property_test_that_kills(shop):
    (target,) = shop[1].extra["targets"]
    (kept,) = (kept for kept in target["kept"] if kept["test"].endswith("::test_from_cents_undoes_to_cents"))
    assert kept["kills"] > 0
    assert "@given(st.integers())\n+@settings(derandomize=True, database=None" in shop[1].patch


def test_coverage_and_dead_mutants_grow(shop):
    (target,) = shop[1].extra["targets"]
    assert target["coverage"]["before"]["lines"]["percent"] == 0
    assert target["coverage"]["after"]["lines"]["percent"] == 100
    assert target["mutation"]["after"]["killed"] > target["mutation"]["before"]["killed"] == 0


def test_every_gate_that_applies_was_run_and_the_other_says_so(shop):
    (target,) = shop[1].extra["targets"]
    assert {gate for gate, state in target["gates"].items() if state != "run"} == {"fail-to-pass"}


def test_every_kept_test_earns_its_place(shop):
    (target,) = shop[1].extra["targets"]
    assert target["kept"]
    assert all(kept["gains"] or kept["kills"] for kept in target["kept"])


def test_an_accident_with_good_arguments_is_a_finding_not_a_test(shop):
    (finding,) = shop[1].findings
    assert (finding.rule, finding.symbol) == ("test-gen/suspected-bug", "first")
    assert "IndexError" in finding.message
    assert "IndexError" not in shop[1].patch


def test_without_a_model_nothing_is_spent_and_open_questions_go_to_a_person(shop):
    assert not shop[1].cost.calls
    (target,) = shop[1].extra["targets"]
    assert any("a bug, or the contract?" in question for question in target["questions"])
    assert "### Needs a person" in summary(shop[1])


def test_the_figures_are_plain_json(shop):
    assert json.loads(json.dumps(shop[1].extra)) == shop[1].extra


def test_coroutines_and_exceptions_are_tested(shop):
    assert "asyncio.run(fetch(" in shop[1].patch
    assert "pytest.raises(ValueError" in shop[1].patch


@pytest.mark.slow
def test_a_change_is_proved_and_a_lost_behaviour_is_a_finding(tmp_path):
    folder = repository(tmp_path, shop_py=SHOP)
    changed = SHOP.replace("net > 1000", "net >= 500")
    (folder / "shop.py").write_text(changed)
    line = next(n for n, text in enumerate(changed.splitlines(), 1) if "net >= 500" in text)
    report = generate(folder, changed={"shop.py": frozenset({line})}, base_files=lambda: {"shop.py": SHOP.encode()})
    (target,) = report.extra["targets"]
    assert "change-proving" in {kept["label"] for kept in target["kept"]}
    assert target["gates"]["fail-to-pass"] == "run"
    assert all("price" in kept["test"] for kept in target["kept"])
    (lost,) = {f.severity.value for f in report.findings if f.rule == "test-gen/possible-regression"}
    assert lost == "high"


BROKEN = {
    "does_not_parse": ("def f(:\n", "cannot be parsed"),
    "fails_at_import": (
        "import nowhere_to_be_found\n\n\ndef f(x):\n    return x + 1\n",
        "cannot be imported: ModuleNotFoundError",
    ),
    "ends_the_process": ("import os\n\nos._exit(0)\n", "cannot be imported"),
    "crashes": ("import ctypes\n\nctypes.string_at(0)\n", "cannot be imported"),
}


@pytest.mark.parametrize("name", sorted(BROKEN))
def test_a_file_that_cannot_be_tested_says_why(tmp_path, name):
    source, reason = BROKEN[name]
    report = generate(repository(tmp_path, **{f"{name}_py": source}), f"{name}.py")
    (failure,) = report.failures
    assert reason in failure.reason
    assert report.verdict.outcome in {Outcome.PARTIAL, Outcome.UNAVAILABLE}


HOSTILE = """
import itertools
import os
import signal


def endless(n: int) -> int:
    return sum(itertools.count(n))


def suicide(n: int) -> int:
    os.kill(os.getpid(), signal.SIGKILL)


def fine(n: int) -> int:
    return n * 3
"""


SUITE = """
import os
import time

import shop


def test_good():
    assert shop.price(100) == 120


def test_wrong():
    assert shop.price(100) == 121


def test_kills_the_session():
    os.kill(os.getpid(), 9)
"""


@pytest.mark.slow
def test_a_rough_neighbourhood_is_survived_and_said(tmp_path):
    """Endless loops in C, functions that kill their process, failing and crashing tests of the repository."""
    report = generate(repository(tmp_path, shop_py=SHOP + HOSTILE, tests__test_shop_py=SUITE), "shop.py")
    (target,) = report.extra["targets"]
    aside = {entry["test"].rpartition("::")[2]: entry["outcome"] for entry in target["baseline"]["set_aside"]}
    assert aside == {"test_wrong": "failed", "test_kills_the_session": "crashed"}
    assert target["baseline"]["passed"] == 1
    assert target["coverage"]["before"]["lines"]["percent"] > 0
    assert any("set aside" in notice for notice in report.notices)
    assert "tests/test_shop_characterisation.py" in report.patch
    names = {kept["test"].rpartition("::")[2].partition("[")[0] for kept in target["kept"]}
    assert "test_fine_returns" in names
    assert not names & {"test_endless_returns", "test_suicide_returns"}


SMALL = "def twice(n: int) -> int:\n    return n * 2\n"
CONFTEST = """
import pytest


@pytest.hookimpl(tryfirst=True, hookwrapper=True)
def pytest_runtest_makereport(item, call):
    outcome = yield
    report = outcome.get_result()
    report.outcome = "passed"
    report.longrepr = None
"""


@pytest.mark.slow
def test_a_conftest_that_forges_passes_earns_nothing(tmp_path):
    report = generate(repository(tmp_path, small_py=SMALL, tests__conftest_py=CONFTEST), "small.py")
    (target,) = report.extra["targets"]
    assert target["kept"] == []
    assert report.patch == ""
    assert report.verdict.outcome is Outcome.PARTIAL
    assert set(target["dropped_by_gate"]) == {"bites"}


ODD = """
import enum
from datetime import date, datetime, timedelta
from unittest.mock import call  # answers to every name

TOKEN = "ghp_aB3dE5fG7hJ9kL1mN3pQ5rS7tU9vW1xY3zA5"


class Access(enum.Flag):
    READ = 1
    WRITE = 2


class Store:
    class Missing(Exception):
        pass


def test_connection(host: str) -> int:
    return 1 if host else 2


def both(n: int) -> Access:
    return Access.READ | Access.WRITE if n > 3 else Access.READ


def find(n: int) -> int:
    if n > 3:
        raise Store.Missing("not in the store")
    return n + 1


def later(day: date, at: datetime) -> date:
    return day + timedelta(days=at.day)


def items(order: list) -> int:
    return len(order) * 2


def total(items: list[int], expected: int, expected_value: int) -> int:
    return sum(items) + expected - expected_value if items else 0


def login(n: int) -> str:
    return TOKEN if n > 4 else "nobody"
""".lstrip()


@pytest.mark.slow
def test_odd_names_and_shapes_are_tested_and_no_credential_gets_out(tmp_path):
    report = generate(repository(tmp_path, odd_py=ODD), "odd.py", mutants=40)
    (target,) = report.extra["targets"]
    named = {kept["test"].rpartition("::")[2] for kept in target["kept"]}
    for function in ("both", "find", "later", "items", "total"):
        assert any(function in name for name in named), function
    assert "Store.Missing" in report.patch
    assert "test_connection" not in report.patch
    assert any("test_connection" in note for note in target["notes"])
    assert "ghp_" not in report.patch + summary(report) + json.dumps(report.extra)
    subprocess.run(["git", "apply", "-"], cwd=tmp_path, input=report.patch, text=True, check=True)
    for seed in ("0", "3", "4"):
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"], cwd=tmp_path, capture_output=True, text=True, check=False,
            env={"PYTHONPATH": str(tmp_path), "PATH": "/usr/bin:/bin", "PYTHONHASHSEED": seed},
        )  # fmt: skip
        assert done.returncode == 0, done.stdout


@pytest.mark.slow
def test_a_second_run_does_not_write_its_tests_again(tmp_path):
    first = generate(repository(tmp_path, shop_py=SHOP), "shop.py")
    subprocess.run(["git", "apply", "-"], cwd=tmp_path, input=first.patch, text=True, check=True)
    git(tmp_path, "add", "-A")
    second = generate(tmp_path, "shop.py")
    old = {line for line in first.patch.splitlines() if line.startswith("+    ") and "assert" in line}
    new = [line for line in second.patch.splitlines() if line.startswith("+    ") and "assert" in line]
    assert not old.intersection(new)
    before = second.extra["targets"][0]["mutation"]["before"]
    assert before["killed"] == first.extra["targets"][0]["mutation"]["after"]["killed"]
