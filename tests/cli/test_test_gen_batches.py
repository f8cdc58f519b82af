"""``test-gen --batch`` in a repository of its own: what the local generator stalls on goes to a batch."""

import json

import pytest

import team
from generated import repository
from tta_orchestrate.cli.app import run
from tta_orchestrate.loopback.server import Loopback

VAULT = '''
"""A vault."""

import hashlib


def unlock(word: str) -> str:
    """Return "open" for the right word, "shut" for any other."""
    if hashlib.sha256(word.encode()).hexdigest().startswith("b9f195c5cc7e"):
        return "open"
    return "shut"
'''.lstrip()
SOLVES = """
from vault import unlock


def test_the_word_unlocks():
    assert unlock("swordfish") == "open"
"""


def script(question):
    if "verdicts" in question.schema.get("properties", {}):
        return {"verdicts": []}
    return {"tests": [{"name": "test_the_word_unlocks", "code": SOLVES}]}


@pytest.fixture
def gen(tmp_path, monkeypatch):
    """Run the command; the process's environment is where it reads keys."""
    root = repository(tmp_path / "tree", vault_py=VAULT)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.chdir(root)
    monkeypatch.setenv("ANTHROPIC_API_KEY", team.KEYS["ANTHROPIC_API_KEY"])
    out = tmp_path / "out"
    with Loopback(script) as server:
        haiku = {"model": "claude-haiku-5-5", "provider": "anthropic", "base_url": server.url}
        body = {
            "executors": [haiku | {"api_key_env": "ANTHROPIC_API_KEY"}],
            "orchestrator": {"model": "claude-sonnet-5-5", "base_url": server.url},
            "fallback_strategy": {"models": []},
            "test_gen": {"batch": True, "mutants": 3},
        }
        config = tmp_path / "config.json"
        config.write_text(json.dumps({"orchestration": body}))

        def go():
            code = run(["test-gen", "--file", "vault.py", "--seconds", "5", "-c", str(config), "-o", str(out)])
            return code, json.loads((out / "findings.json").read_text()), server

        yield go, out


def test_the_batch_of_one_night_becomes_tests_that_run_in_the_next(gen):
    go, out = gen
    code, first, server = go()
    assert (code, first["outcome"]) == (0, "partial")
    assert any("submitted 1 requests" in notice for notice in first["notices"])
    assert server.requests == 0, "nothing is asked at once: neither the executor nor the judge"
    code, second, server = go()
    assert (code, second["outcome"]) == (0, "clean")
    assert len(server.batches.made) == 1
    assert "def test_the_word_unlocks" in (out / "changes.patch").read_text()
