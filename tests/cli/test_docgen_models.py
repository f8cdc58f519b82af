"""``tta-orchestrate docgen`` with keys: real SDKs against vendors on the loopback."""

import json

import pytest

import team
from tta_orchestrate.cli.app import run
from tta_orchestrate.loopback.server import Loopback

SOURCE = 'def one(a: int) -> int:\n    return a\n\n\ndef told() -> int:\n    """Told by a human."""\n    return 1\n'


@pytest.fixture(scope="module")
def server():
    with Loopback() as running:
        yield running


def say(text):
    def script(question):
        if "scores" in question.schema.get("properties", {}):
            return {"scores": [{"symbol": name, "score": 1.0} for name in ("", "one")]}
        return {"text": text} if "text" in question.schema.get("properties", {}) else team.script(question)

    return script


@pytest.fixture
def repository(tmp_path):
    folder = tmp_path / "repo"
    (folder / "pkg").mkdir(parents=True)
    (folder / "pkg" / "core.py").write_text(SOURCE)
    return folder


@pytest.fixture
def docgen(repository, server, monkeypatch):
    """Run with a whole team; the process's environment is where the command line reads keys."""
    monkeypatch.setenv("XDG_STATE_HOME", str(repository.parent / "state"))
    for name in team.KEYS:
        monkeypatch.delenv(name, raising=False)
    settings = team.settings(server.url).model_dump(
        mode="json", include={"executors", "orchestrator", "fallback_strategy", "calls"}
    )
    config = repository.parent / "config.json"
    config.write_text(json.dumps({"orchestration": settings}))

    def go(*flags, keys=True):
        for name, value in team.KEYS.items() if keys else ():
            monkeypatch.setenv(name, value)
        return run(
            ["docgen", "--all", "-C", str(repository), "-c", str(config), "-o", str(repository.parent / "out"), *flags]
        )

    return go


def page(repository):
    return (repository / "docs" / "tta" / "pages" / "pkg___core.md").read_text()


def report(repository, name="findings.json"):
    return json.loads((repository.parent / "out" / name).read_text())


def test_missing_prose_is_written_paid_and_told_and_a_second_run_asks_nobody(docgen, repository, server):
    server.reset(say("Gives back `a`."))
    assert docgen() == 0
    assert "Gives back `a`." in page(repository)
    assert "Told by a human." in page(repository)
    assert report(repository)["outcome"] == "clean"
    cost = report(repository, "cost-report.json")
    assert {call["stage"] for call in cost["calls"]} == {"execute", "judge"}
    judged = report(repository)["quality"]["judged"]
    assert report(repository)["quality"] == {"judged": judged, "judge_ppm": judged * 1_000_000}
    assert judged > 0
    booked = [json.loads(line) for line in next(repository.parent.rglob("ledger.jsonl")).read_text().splitlines()]
    [quality] = [line["quality"] for line in booked if line["phase"] == "settle"]
    assert (quality["judged"], quality["gated"], quality["passed"]) == (judged, judged, judged)
    assert sum(seen.charged for seen in server.log) > 0
    assert not (repository.parent / "out" / "journal.jsonl").exists()
    first, asked = page(repository), server.requests
    assert docgen() == 0
    assert (page(repository), server.requests) == (first, asked)


def test_what_the_truth_gate_refuses_is_not_written(docgen, repository, server):
    server.reset(say("Calls `ghost_name` and raises `ZeroDivisionError`."))
    assert docgen() == 0
    assert server.requests > 0
    assert "ghost_name" not in page(repository)
    assert "doc-status:: missing" in page(repository)
    assert "keep their derived text" in json.dumps(report(repository))


def test_with_a_budget_of_nothing_the_derived_text_stays_and_the_run_is_partial(docgen, repository, server):
    server.reset(say("Gives back `a`."))
    assert docgen("--budget-usd", "0") == 0
    assert server.charged == 0
    assert "doc-status:: missing" in page(repository)
    found = report(repository)
    assert found["outcome"] == "partial"
    assert any("budget" in failure["reason"] for failure in found["failures"])


def test_without_a_key_nobody_is_asked_and_the_run_is_clean(docgen, repository, server):
    server.reset(say("Gives back `a`."))
    assert docgen(keys=False) == 0
    assert server.log == []
    assert report(repository)["outcome"] == "clean"


def test_a_dry_run_keeps_its_journal_and_is_not_paid_twice(docgen, repository, server):
    server.reset(say("Gives back `a`."))
    assert docgen("--dry-run") == 0
    assert not (repository / "docs").exists()
    paid = server.charged
    assert docgen() == 0
    assert server.charged == paid
    assert "Gives back `a`." in page(repository)


@pytest.mark.parametrize("text", ["much", "-1", "nan"])
def test_a_budget_that_is_no_sum_of_money_is_refused(docgen, server, text):
    server.reset(say("Gives back `a`."))
    assert docgen("--budget-usd", text) == 2
    assert server.log == []


def test_the_money_goes_through_the_books_of_the_month(docgen, repository, server):
    server.reset(say("Gives back `a`."))
    assert docgen() == 0
    books = (repository.parent / "state" / "tta-orchestrate" / "ledger.jsonl").read_text()
    assert "docgen" in books
