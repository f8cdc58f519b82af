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
    "openai": {"model": "gpt-5-mini", "provider": "openai", "api_key_env": "OPENAI_API_KEY"},
    "groq": {"model": "llama-3.3-70b-versatile", "provider": "groq", "api_key_env": "GROQ_API_KEY"},
}
PATHS = {"groq": "/v1", "openai": "/openai/v1"}
VENDORS = ("anthropic", "google", "openai")


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
        chosen = [EXECUTORS[name] | {"base_url": self.server.url + PATHS.get(name, "")} for name in executors]
        body = base | {
            "executors": chosen,
            "orchestrator": {"model": "claude-sonnet-5-5", "base_url": self.server.url},
            "cost_tracking": tracking,
        }
        self.config.write_text(json.dumps({"orchestration": body}))

    def docgen(self, *flags, batch=True):
        where = ["-C", str(self.root), "-c", str(self.config), "-o", str(self.out)]
        return run(["docgen", "--all", *(["--batch"] if batch else []), *where, *flags])

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
    for name, value in (team.KEYS | {"OPENAI_API_KEY": "sk-canary-0123456789"}).items():
        monkeypatch.setenv(name, value)
    return Place(tmp_path, server)


@pytest.mark.parametrize("vendor", VENDORS)
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
    assert "4 calls, 3 in batches at the batch price" in (place.out / "summary.md").read_text()
    assert "| `batch` |" in (place.out / "cost-report.md").read_text()
    assert len(server.batches.made) == 1
    assert place.counted() == server.charged > charged
    asked = len(server.log)
    assert place.docgen() == 0
    assert len(server.log) == asked


def test_a_run_that_finds_the_batch_still_running_says_so_and_sends_nothing(place, server):
    server.batches.looks = 1
    place.docgen()
    held = place.counted()
    assert place.docgen() == 0
    assert place.report()["outcome"] == "partial"
    assert "still runs" in place.said
    assert len(server.batches.made) == 1
    assert server.requests == 0
    assert place.counted() == held
    place.docgen()
    assert place.report()["outcome"] == "clean"
    assert place.counted() == server.charged


def test_a_run_without_the_flag_collects_too_and_asks_for_nothing_that_is_on_its_way(place, server):
    server.batches.looks = 1
    place.docgen()
    place.docgen(batch=False)
    assert place.report()["outcome"] == "partial"
    assert server.requests == 0
    place.docgen(batch=False)
    assert place.report()["outcome"] == "clean"
    assert {call["price_basis"] for call in place.report("cost-report.json")["calls"]} == {"batch", "standard"}
    assert place.counted() == server.charged


@pytest.mark.parametrize("vendor", VENDORS)
def test_half_a_batch_that_expired_is_told_not_paid_and_submitted_again(place, server, vendor):
    place.configure(vendor)
    server.batches.ends = lambda index: "succeeded" if index % 2 else "expired"
    place.docgen()
    server.batches.ends = lambda index: "succeeded"
    place.docgen()
    assert "2 expired, 1 ok" in place.said
    assert "submitted 2 requests" in place.said
    assert place.report()["outcome"] == "partial"
    outcomes = sorted(call["outcome"] for call in place.report("cost-report.json")["calls"] if call["stage"] != "judge")
    assert outcomes == ["expired", "expired", "ok"]
    place.docgen()
    assert place.report()["outcome"] == "clean"
    assert place.counted() == server.charged


def test_a_request_that_the_vendor_refused_goes_to_the_next_model_at_once(place, server):
    server.batches.ends = lambda index: "errored" if index == 0 else "succeeded"
    place.docgen()
    place.docgen()
    assert place.report()["outcome"] == "clean"
    calls = place.report("cost-report.json")["calls"]
    assert [c["price_basis"] for c in calls if c["stage"] == "escalate"] == ["standard"]
    assert len(server.batches.made) == 1
    assert place.counted() == server.charged


@pytest.mark.parametrize("vendor", VENDORS)
@pytest.mark.parametrize("known", [True, False])
def test_a_run_that_died_after_the_submission_is_found_again_and_never_sent_twice(place, server, vendor, known):
    place.configure(vendor)
    server.loses_batch_replies = not known
    place.docgen()
    server.loses_batch_replies = False
    place.forget(Phase.SUBMIT)
    held = place.counted()
    assert held >= server.charged > 0
    place.docgen()
    assert len(server.batches.made) == 1
    assert place.report()["outcome"] == "clean"
    assert place.counted() == server.charged


def test_a_batch_that_cannot_be_found_counts_in_full_and_that_is_said(place, server):
    place.docgen()
    place.forget(Phase.SUBMIT)
    server.batches.made.clear()
    held = place.counted()
    place.docgen()
    assert "is being submitted" in place.said, "perhaps by a run that is at it right now"
    assert place.counted() == held
    assert not server.batches.made
    place.age(timedelta(hours=2))
    server.log.clear()
    place.docgen()
    assert "does not know the batch" in place.said
    assert "submitted 3 requests" in place.said
    again = place.counted() - held
    assert again >= server.charged > 0


def test_a_batch_that_the_vendor_no_longer_knows_counts_in_full(place, server):
    place.docgen()
    held = place.counted()
    server.batches.made.clear()
    server.log.clear()
    place.docgen()
    assert "does not know the batch" in place.said
    assert place.counted() >= held + server.charged


@pytest.mark.parametrize("vendor", VENDORS)
@pytest.mark.parametrize(
    "answer",
    [(500, {"error": {"message": "down"}}), (200, b"<!doctype html>"), (200, [1])],
    ids=["error", "html", "list"],
)
def test_a_vendor_that_talks_nonsense_loses_nothing(place, server, vendor, answer):
    place.configure(vendor)
    place.docgen()
    held = place.counted()
    server.batches.breaks = answer
    assert place.docgen() == 0
    assert place.report()["outcome"] == "partial"
    assert place.counted() == held
    assert (len(server.batches.made), server.requests) == (1, 0)
    server.batches.breaks = None
    place.docgen()
    assert place.report()["outcome"] == "clean"
    assert place.counted() == server.charged


@pytest.mark.parametrize("vendor", VENDORS)
@pytest.mark.parametrize("answer", [(200, b"<!doctype html>"), (200, {"data": [1], "operations": [1]})])
def test_nonsense_instead_of_a_list_leaves_the_batch_to_be_found_later(place, server, vendor, answer):
    place.configure(vendor)
    place.docgen()
    place.forget(Phase.SUBMIT)
    server.batches.breaks = answer
    assert place.docgen() == 0
    assert len(server.batches.made) == 1
    server.batches.breaks = None
    place.docgen()
    assert place.report()["outcome"] == "clean"
    assert place.counted() == server.charged


@pytest.mark.parametrize("vendor", VENDORS)
@pytest.mark.parametrize("answer", [(200, {}), (502, b"bad gateway")])
def test_nonsense_instead_of_an_id_is_no_crash_and_no_second_batch(place, server, vendor, answer):
    place.configure(vendor)
    server.batches.refuses = answer
    assert place.docgen() == 0
    assert place.report()["outcome"] == "partial"
    server.batches.refuses = None
    held = place.counted()
    assert held > 0, "it may have been taken"
    place.docgen()
    assert place.report()["outcome"] == "partial"
    assert place.counted() == held
    assert not server.batches.made


def test_a_refused_batch_costs_nothing_and_is_told(place, server):
    server.batches.refuses = (429, {"type": "error", "error": {"type": "rate_limit_error", "message": "slow down"}})
    place.docgen()
    assert "was not taken" in place.said
    assert place.report()["outcome"] == "partial"
    assert place.counted() == server.charged == 0
    server.batches.refuses = None
    place.docgen()
    assert "submitted 3 requests" in place.said


def test_answers_for_another_tree_are_paid_told_and_dropped(place, server):
    place.docgen()
    (place.root / "pkg" / "core.py").write_text(SOURCE.replace("return a\n", "return +a\n"))
    place.docgen()
    assert "answers of a batch belong to another tree" in place.said
    assert place.report()["outcome"] == "partial"
    calls = place.report("cost-report.json")["calls"]
    assert "unused" in {call["outcome"] for call in calls}
    place.docgen()
    assert place.report()["outcome"] == "clean"
    assert place.counted() == server.charged


def test_what_the_budget_does_not_allow_is_not_submitted(place, server):
    assert place.docgen("--budget-usd", "0.0005") == 0
    assert place.report()["outcome"] == "partial"
    sent = sum(len(batch.results) for batch in server.batches.made)
    assert sent < 3
    assert any("budget" in failure["reason"] for failure in place.report()["failures"])
    assert place.counted() <= 500_000


def test_open_batches_count_in_the_limit_of_the_month(place, server):
    server.batches.looks = 9
    place.docgen()
    held = place.counted()
    place.configure("anthropic", budget_limit_usd=held / 10**9)
    (place.root / "pkg" / "more.py").write_text("def three(b: int) -> int:\n    return b\n")
    place.docgen()
    assert "the limit of the month is used up" in place.said
    assert len(server.batches.made) == 1
    assert place.counted() == held


def test_a_used_up_month_still_takes_what_it_has_paid_for(place, server):
    place.docgen()
    place.configure("anthropic", budget_limit_usd=place.counted() / 10**9)
    place.docgen()
    assert "Gives back its argument." in place.page()
    assert place.counted() == server.charged


def test_a_provider_without_batches_is_asked_at_once_and_that_is_said(place, server):
    place.configure("groq")
    place.docgen()
    assert "llama-3.3-70b-versatile at groq offers no batches" in place.said
    assert place.report()["outcome"] == "clean"
    assert not server.batches.made


@pytest.mark.parametrize(
    ("tracking", "why"),
    [({"enabled": False}, "no books across runs"), ({"ledger": {"store": "artifacts"}}, "kept in artifacts")],
)
def test_without_durable_books_nothing_is_sent_in_a_batch(place, server, tracking, why):
    place.configure("anthropic", **tracking)
    place.docgen()
    assert why in place.said
    assert place.report()["outcome"] == "clean"
    assert not server.batches.made


def test_the_books_hold_no_prompt_and_no_path(place, server):
    place.docgen()
    written = place.books.read_text()
    assert "core" not in written
    assert "return a" not in written
    assert str(place.root) not in written


def test_a_job_for_other_files_leaves_the_batch_alone(place, server):
    place.docgen()
    where = ["-C", str(place.root), "-c", str(place.config), "-o", str(place.folder / "other")]
    assert run(["docgen", "--file", "pkg/core.py", *where]) == 0
    assert [entry.phase for entry in place.entries() if entry.batch] == [Phase.RESERVE, Phase.SUBMIT]
