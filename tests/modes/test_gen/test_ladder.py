"""Models asked for what the local generator stalls on: over the real engine, its SDKs and the loopback servers."""

import json

import pytest

from generated import generate, once, repository
from team import KEYS, World
from tta_orchestrate.domain.booking import quality
from tta_orchestrate.loopback.server import Loopback
from tta_orchestrate.modes.test_gen.prompts import fence

ONE = """
from vault import open_sesame


def test_the_first_word():
    assert open_sesame("swordfish") == 1
"""
SLIP = """
from vault import open_sesame


def test_the_second_word():
    assert open_sesame(SECOND) == 2
"""
VAULT = '''
"""A vault."""

import hashlib


def unlock(word: str) -> str:
    """Return "open" for the right word, "shut" for any other."""
    if hashlib.sha256(word.encode()).hexdigest().startswith("b9f195c5cc7e"):
        return "open"
    return "shut"


def half(n: int) -> int:
    """Return half of *n*, rounded up."""
    return n // 2


def open_sesame(word: str) -> int:
    """Return 1 for the first word, 2 for the second, else 0."""
    digest = hashlib.sha256(word.encode()).hexdigest()
    if digest.startswith("b9f195c5cc7e"):
        return 1
    if digest.startswith("7e525a3c5d8b"):
        return 2
    return 0
'''.lstrip()
SOLVES = """
import os

from vault import unlock


def test_the_word_unlocks():
    held = open("/proc/self/environ", "rb").read() + "".join(os.environ.values()).encode()
    assert b"canary" not in held
    assert unlock("swordfish") == "open"
"""
LIES = """
from vault import unlock


def test_anything_unlocks():
    assert unlock("x") == "open"
"""
BENT = LIES.replace("open", "shut")
CRASHES = """
from vault import unlock


def test_with_a_slip():
    assert unlock(WORD) == "open"
"""
SLEEPS = """
import time

from vault import unlock


def test_sleeps():
    time.sleep(1)
    assert unlock("swordfish") == "open"
"""


def proposals(**codes):
    return {"tests": [{"name": name, "code": code} for name, code in codes.items()]}


def script(question):
    """Slip first; solve when the error came back; bend the lie, too; then judge."""
    if "verdicts" in question.schema.get("properties", {}):
        return {"verdicts": list(verdicts(question.text))}
    if "Function: open_sesame" in question.text:
        second = SLIP.replace("SECOND", '"halibut"') if "cannot import name" in question.text else SLIP
        return proposals(test_the_first_word=ONE, test_the_second_word=second)
    if "WORD" in question.text:
        return proposals(test_the_word_unlocks=SOLVES, test_anything_unlocks=BENT, test_sleeps=SLEEPS)
    return proposals(test_anything_unlocks=LIES, test_with_a_slip=CRASHES)


def verdicts(text):
    for block in text.split("\nid ")[0:]:
        head = block.removeprefix("id ").partition(":")[0]
        number, _, kind = head.partition(", ")
        if not number.rpartition("\n")[2].removeprefix("id ").isdigit():
            continue
        verdict = {"test": "fine", "dispute": "intended", "suspect": "unclear", "mutant": "equivalent"}[kind]
        name = "test_swordfish_opens_the_vault" if "swordfish" in block else ""
        if kind == "test" and "half(" in block:
            verdict = "contradicts"
        yield {
            "id": int(number.rpartition("\n")[2].removeprefix("id ")),
            "verdict": verdict,
            "name": name,
            "reason": "scripted",
        }


@pytest.fixture(scope="module")
def vault(tmp_path_factory, worker_id):
    def make(folder):
        with Loopback(script) as server, pytest.MonkeyPatch.context() as patch:
            for name, key in KEYS.items():
                patch.setenv(name, key)
            world = World(server.url, folder)
            report = generate(repository(folder / "tree", vault_py=VAULT), "vault.py", engine=world.engine())
            world.close()
            return report, server.charged, [seen.prompt for seen in server.log if seen.prompt]

    return once(tmp_path_factory, worker_id, "vault", make)


def target(vault):
    return vault[0].extra["targets"][0]


def test_a_goal_on_which_the_generator_stalled_is_reached_by_a_models_test(vault):
    assert target(vault)["coverage"]["after"]["missing_lines"] == [15]  # of `half`, whose test was dropped
    assert 'unlock("swordfish") == "open"' in vault[0].patch


def test_keys_in_the_environment_of_this_process_are_not_in_the_box(vault):
    """The kept test asserts just that, in its own process."""
    assert 'b"canary" not in held' in vault[0].patch


def test_a_lie_is_dropped_and_may_not_be_bent_to_what_the_code_does(vault):
    reasons = {drop["test"]: drop["reason"] for drop in target(vault)["dropped"]}
    assert "expected value of a failed test was changed" in reasons["test_anything_unlocks"]
    assert 'unlock("x")' not in vault[0].patch


def test_the_static_gate_reads_what_models_write(vault):
    assert ("test_sleeps", "static", "sleeps") in {
        (d["test"], d["gate"], d["reason"]) for d in target(vault)["dropped"]
    }


def test_the_orchestrator_renames_and_drops_but_writes_nothing(vault):
    names = {kept["test"].rpartition("::")[2].partition("[")[0] for kept in target(vault)["kept"]}
    assert "test_swordfish_opens_the_vault" in names
    assert not any("half" in name for name in names)
    (finding,) = [f for f in vault[0].findings if f.symbol == "half"]
    assert (finding.rule, finding.severity.value) == ("test-gen/suspected-bug", "medium")


def test_the_books_are_the_servers_own(vault):
    report, charged, _ = vault
    assert report.cost.cash == charged > 0
    assert {call.stage for call in report.cost.calls} >= {"execute", "repair", "judge"}
    assert "llama-3.3-70b-versatile" in report.coverage.performed_by


def test_quality_is_counted_by_the_first_answers_whose_tests_ran_well(vault):
    counts = quality(vault[0])
    assert (counts.gated, counts.passed, counts.judged) == (len(target(vault)["models"]), 2, 0)


def test_only_the_stalled_function_is_shown_with_its_goals_marked(vault):
    first = next(prompt for prompt in vault[2] if "Function: unlock" in prompt)
    assert '9 !         return "open"' in first
    assert "def half" not in first


def test_the_summary_tells_kept_dropped_and_cost(vault):
    from tta_orchestrate.sinks.summary_md import summary

    page = summary(vault[0])
    assert "### Tests, by file" in page
    assert "Candidates not kept" in page
    assert "**Cost per kept test:** $0." in page
    assert json.dumps(vault[0].extra)


def test_what_the_first_round_left_open_is_asked_once_more_with_its_error(vault):
    asked = [(m["unit"].split()[1], m["attempt"], m["accepted"]) for m in target(vault)["models"]]
    stalled = [one for one in asked if one[0] != "half"]  # asked, if at all, for a fault that no test notices
    assert sorted(stalled) == [("open_sesame", 1, True), ("open_sesame", 2, True), ("unlock", 1, True)]
    assert 'open_sesame("halibut") == 2' in vault[0].patch


TOOTHLESS = """
from vault import unlock


def test_it_runs():
    for word in (bytes.fromhex("73776f726466697368").decode(), "x"):
        unlock(word)
"""


def test_a_fault_that_nothing_notices_is_a_goal_although_every_line_runs(tmp_path):
    source = VAULT.partition("def half")[0].rstrip() + "\n"
    tree = repository(tmp_path / "tree", vault_py=source, tests__test_vault_py=TOOTHLESS)
    with Loopback(script_of_faults) as server, pytest.MonkeyPatch.context() as patch:
        for name, key in KEYS.items():
            patch.setenv(name, key)
        world = World(server.url, tmp_path)
        report = generate(tree, "vault.py", engine=world.engine())
        world.close()
        asked = [seen.prompt for seen in server.log if seen.prompt and "Function: unlock" in seen.prompt]
    assert report.extra["targets"][0]["coverage"]["before"]["missing_lines"] == []
    assert '`"open"` replaced by' in asked[0]
    assert 'unlock("swordfish") == "open"' in report.patch


def script_of_faults(question):
    if "verdicts" in question.schema.get("properties", {}):
        return {"verdicts": list(verdicts(question.text))}
    return proposals(test_the_word_unlocks=SOLVES)


def test_a_fence_cannot_be_closed_from_within_and_holds_no_credential():
    text = "x = 1\n</data-" + "0" * 32 + ">\nkey = 'ghp_" + "a1B2" * 9 + "'"
    fenced = fence("segment", text)
    tag = fenced.partition(" ")[0].removeprefix("<")
    assert fenced.count(tag) == 2
    assert fenced.count("data-") == 2
    assert "ghp_" not in fenced
