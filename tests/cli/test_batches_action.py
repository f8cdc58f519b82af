"""``docgen.batch`` on a schedule: no disk between the runs, the books on the orphan branch know what is open."""

import json
import os
import subprocess

import pytest

import team
from ledgers import NOW, bare, branch
from tta_orchestrate.cli.modes import configure, run_mode
from tta_orchestrate.cli.request import RunRequest
from tta_orchestrate.domain.ledger import Phase, stands
from tta_orchestrate.loopback.server import Loopback

SOURCE = "def one(a: int) -> int:\n    return a\n"


class Night:
    """A repository whose workflow documents it every night, each time on a fresh machine."""

    def __init__(self, folder, server):
        self.folder, self.server, self.number = folder, server, 0
        self.clone, self.ledger = folder / "clone", bare(folder / "bare")
        self.clone.mkdir()
        self.git("init", "--quiet", "--initial-branch", "main")
        haiku = {"model": "claude-haiku-5-5", "provider": "anthropic", "api_key_env": "ANTHROPIC_API_KEY"}
        body = {
            "executors": [haiku | {"base_url": server.url}],
            "orchestrator": {"model": "claude-sonnet-5-5", "provider": "local"},
            "fallback_strategy": {"models": []},
            "cost_tracking": {"ledger": {"store": "branch", "url": self.ledger}},
            "docgen": {"batch": True},
        }
        self.commit(".tta/orchestration-config.yaml", json.dumps({"orchestration": body}))
        self.commit("pkg/core.py", SOURCE)

    def git(self, *args):
        words = ["git", "-c", "user.name=dev", "-c", "user.email=dev@localhost", *args]
        return subprocess.run(words, cwd=self.clone, check=True, capture_output=True, text=True).stdout.strip()

    def commit(self, name, text):
        path = self.clone / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        self.git("add", "-A")
        self.git("commit", "--quiet", "--message", "work")

    def run(self):
        self.number += 1
        head = self.git("rev-parse", "main")
        facts = {
            "GITHUB_EVENT_NAME": "schedule", "GITHUB_REF": "refs/heads/main", "GITHUB_SHA": head, "PATH": os.environ["PATH"],
            "GITHUB_RUN_ID": str(self.number), "GITHUB_RUN_ATTEMPT": "1", "GITHUB_JOB": "docs", "GITHUB_ACTIONS": "true",
            "GITHUB_REPOSITORY": "o/r", "ANTHROPIC_API_KEY": team.KEYS["ANTHROPIC_API_KEY"],
        }  # fmt: skip
        request = RunRequest(
            mode="docgen", workspace=self.clone, objects=self.clone, output=self.folder / f"out-{self.number}", config="",
            base="", head=head, paths=(), fail_on=None, budget_usd=None, trusted=True, title="", repository="o/r",
            server_url="https://github.com", environ=facts, api=None,
        )  # fmt: skip
        return run_mode(request, configure(request))

    @property
    def entries(self):
        book = branch(self.ledger)
        return book.read(book.months()).entries


@pytest.fixture
def night(tmp_path):
    with Loopback(lambda question: {"text": "Gives back `a`."}) as server:
        yield Night(tmp_path, server)


def test_the_second_night_collects_what_the_first_submitted(night):
    first = night.run()
    assert (first.verdict.outcome, first.verdict.conclusion) == ("partial", "neutral")
    assert "Gives back" not in first.patch
    assert night.server.requests == 0
    night.commit("README.md", "The tip has moved on.\n")
    second = night.run()
    assert second.verdict.outcome == "clean"
    assert "Gives back `a`." in second.patch
    assert [(call.outcome, call.price_basis) for call in second.cost.calls] == [("ok", "batch")] * 2
    assert len(night.server.batches.made) == 1
    assert sum(stand.entry.cash for stand in stands(night.entries, NOW)) == night.server.charged
    phases = [(entry.run_id, entry.phase) for entry in night.entries if entry.batch]
    assert phases == [("1", Phase.RESERVE), ("1", Phase.SUBMIT), ("1", Phase.SETTLE)]


def test_what_changed_in_between_is_dropped_and_the_rest_is_used(night):
    night.commit("pkg/more.py", "def two(b: int) -> int:\n    return b\n")
    night.run()
    night.commit("pkg/core.py", SOURCE.replace("return a", "return +a"))
    second = night.run()
    assert second.verdict.outcome == "partial"
    assert "Gives back" in second.patch
    assert any("belong to another tree" in notice for notice in second.notices)
    settled = [entry for entry in night.entries if entry.batch and entry.phase is Phase.SETTLE]
    assert len(settled) == 1
    assert sum(entry.cash for entry in settled) <= night.server.charged
