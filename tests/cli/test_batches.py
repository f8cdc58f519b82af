"""``--batch``: one run submits to the vendor's batch, a later one collects; real SDKs, real books, one server."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

import team
from tta_orchestrate.cli.app import run
from tta_orchestrate.domain.ledger import Phase, stands
from tta_orchestrate.ledger import lines
from tta_orchestrate.loopback.server import Loopback

SOURCE = "def one(a: int) -> int:\n    return a\n\n\ndef two(a: int) -> int:\n    return one(a)\n"
EXECUTORS = {
    "anthropic": {"model": "claude-haiku-5-5", "provider": "anthropic", "api_key_env": "ANTHROPIC_API_KEY"},
    "google": {"model": "gemini-3.8-flash", "provider": "google-ai-studio", "api_key_env": "GOOGLE_API_KEY"},
    "groq": {"model": "llama-3.3-70b-versatile", "provider": "groq", "api_key_env": "GROQ_API_KEY"},
}


@pytest.fixture(scope="module")
def running():
    with Loopback() as server:
        yield server


def say(question):
    if "scores" in question.schema.get("properties", {}):
        names = [line.split('"')[3] for line in question.text.splitlines() if line.startswith('   "symbol": ')]
        return {"scores": [{"symbol": name, "score": 1.0} for name in names]}
    return {"text": "Gives back its argument."}


@pytest.fixture
def server(running):
    running.reset(say)
    return running


class Place:
    """A repository, its configuration and the books of its user."""

    def __init__(self, folder, server):
        self.root, self.out, self.folder = folder / "repo", folder / "out", folder
        self.config, self.server = folder / "config.json", server
        (self.root / "pkg").mkdir(parents=True)
        (self.root / "pkg" / "core.py").write_text(SOURCE)
        self.configure("anthropic")

    def configure(self, *executors, **tracking):
        base = team.settings(self.server.url).model_dump(mode="json", include={"fallback_strategy", "calls"})
        chosen = [
            EXECUTORS[name] | {"base_url": self.server.url + ("/v1" if name == "groq" else "")} for name in executors
        ]
        body = base | {
            "executors": chosen,
            "orchestrator": {"model": "claude-sonnet-5-5", "base_url": self.server.url},
            "cost_tracking": tracking,
        }
        self.config.write_text(json.dumps({"orchestration": body}))

    def docgen(self, *flags):
        where = ["-C", str(self.root), "-c", str(self.config), "-o", str(self.out)]
        return run(["docgen", "--all", "--batch", *where, *flags])

    @property
    def books(self) -> Path:
        return self.folder / "state" / "tta-orchestrate" / "ledger.jsonl"

    def entries(self):
        return lines.read(self.books.read_bytes().split(b"\n")).entries

    def counted(self):
        """What the books count: settlements, and what is set aside."""
        return sum(stand.entry.cash for stand in stands(self.entries(), datetime.now(UTC)))

    def age(self, by: timedelta):
        """Let everything in the books have happened earlier."""
        moved = []
        for line in self.books.read_text().splitlines():
            raw = json.loads(line)
            raw["at"] = (datetime.fromisoformat(raw["at"]) - by).strftime("%Y-%m-%dT%H:%M:%SZ")
            moved.append(json.dumps(raw))
        self.books.write_text("\n".join(moved) + "\n")

    def forget(self, phase: Phase):
        """Lose what was written of *phase* in batches, and the answers beside the results: a run that died."""
        kept = [e for e in self.entries() if not (e.phase is phase and e.batch)]
        self.books.write_bytes(b"".join(lines.encode(e) + b"\n" for e in kept))

    def report(self, name="findings.json"):
        return json.loads((self.out / name).read_text())

    @property
    def said(self):
        return json.dumps(self.report()["notices"])

    def page(self):
        return (self.root / "docs" / "tta" / "pages" / "pkg___core.md").read_text()


@pytest.fixture
def place(tmp_path, server, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    for name, value in team.KEYS.items():
        monkeypatch.setenv(name, value)
    return Place(tmp_path, server)


@pytest.mark.parametrize("vendor", ["anthropic", "google"])
def test_one_run_submits_and_a_later_one_goes_on_through_the_gates(place, server, vendor):
    place.configure(vendor)
    assert place.docgen() == 0
    assert place.report()["outcome"] == "partial"
    assert "submitted 3 requests to the batch of" in place.said
    assert "doc-status:: missing" in place.page()
    assert server.requests == 0, "nothing was asked at once"
    charged = server.charged
    assert 0 < charged <= place.counted()
    assert place.docgen() == 0
    assert place.report()["outcome"] == "clean"
    assert place.page().count("Gives back its argument.") == 3
    calls = place.report("cost-report.json")["calls"]
    assert {call["price_basis"] for call in calls if call["stage"] == "execute"} == {"batch"}
    assert {call["price_basis"] for call in calls if call["stage"] == "judge"} == {"standard"}
    assert len(server.batches.made) == 1
    assert place.counted() == server.charged > charged
    asked = len(server.log)
    assert place.docgen() == 0
    assert len(server.log) == asked
