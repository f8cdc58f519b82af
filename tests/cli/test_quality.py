"""How good the work was: from the modes over the ledger to the report, and the alert when it falls."""

import csv
import io
import json
from dataclasses import replace
from datetime import UTC, datetime

import pytest

import team
from ledgers import entry
from reviews import Project
from samples import call
from scripted import FENCE, claim, verdict
from tta_orchestrate.cli.app import run
from tta_orchestrate.cli.desk import Desk
from tta_orchestrate.domain.cost import CostReport
from tta_orchestrate.domain.ledger import Phase, Quality
from tta_orchestrate.domain.outcome import Outcome, conclude
from tta_orchestrate.domain.report import Report
from tta_orchestrate.ledger import lines
from tta_orchestrate.ledger.local_file import LocalFile
from tta_orchestrate.loopback.server import Loopback
from tta_orchestrate.settings.model import Settings

BASE = {"app.py": "def half(a):\n    return a\n"}
CLAIMS = {"    return 2 / a": "May divide by zero", "    return a[0]": "May be empty", "    return a.x": "May be None"}
FIRST = "def half(a):\n    return 2 / a\n\n\ndef first(a):\n    return a[0]\n\n\ndef x(a):\n    return a.x\n"
FIXED = FIRST.replace("return 2 / a", "return 2 / a if a else 0")
LATER = FIXED.replace("return a[0]", "return a[0]  # tta: ignore[model/logic-error] never empty here")


def script(question):
    """A reader that files a claim for each of the lines it knows; a judge that gives 0.9 to each."""
    text = "\n".join(question.parts)
    shown = {kind: found for _nonce, kind, found in FENCE.findall(text)}
    if "verdicts" in question.schema.get("properties", {}):
        count = shown["claims"].count("\nclaim ")
        return {"verdicts": [verdict(n, score=0.9) for n in range(1, count + 1)]}
    change = shown.get("change", "")
    source = LATER if LATER.split("\n")[1] in change else FIRST
    return {
        "findings": [
            claim("app.py", number, line, title=CLAIMS[line.partition("  #")[0]])
            for number, line in enumerate(source.split("\n"), 1)
            if line in change and line.partition("  #")[0] in CLAIMS
        ]
    }


@pytest.fixture
def project(tmp_path, monkeypatch):
    project = Project(tmp_path / "repo", BASE, {"app.py": FIRST})
    monkeypatch.chdir(project.repo.path)
    for name in ("GROQ_API_KEY", "ANTHROPIC_API_KEY"):
        monkeypatch.setenv(name, team.KEYS[name])
    return project


def review(folder, url, number, base, *flags):
    told = team.settings(url).model_dump(mode="json", include={"executors", "orchestrator", "fallback_strategy"})
    told["executors"] = told["executors"][:1]
    told["cost_tracking"] = {"ledger": {"store": "file", "file": str(folder / "ledger.jsonl")}}
    config, output = folder / "config.json", folder / f"out-{number}"
    config.write_text(json.dumps({"orchestration": told}))
    assert run(["review", "--base", base, "-c", str(config), "-o", str(output), *flags]) == 0
    return json.loads((output / "findings.json").read_text()), output / "findings.json"


def settlements(folder):
    month = LocalFile(folder / "ledger.jsonl")
    return [one for one in month.read(month.months()).entries if one.phase is Phase.SETTLE]


def test_what_the_judge_and_people_said_goes_from_review_to_review_into_the_report(project, tmp_path):
    base = project.commits[0]
    with Loopback(script) as server:
        first, file = review(tmp_path, server.url, 1, base)
        assert len(first["findings"]) == 3
        assert first["quality"] == {"judged": 3, "judge_ppm": 2_700_000, "accepted": 0, "dismissed": 0}
        project.push({"app.py": LATER})
        second, file = review(tmp_path, server.url, 2, base, "--previous", str(file))
        assert (second["quality"]["accepted"], second["quality"]["dismissed"]) == (1, 1)
        third, _ = review(tmp_path, server.url, 3, base, "--previous", str(file))
        assert third["quality"] == {"judged": 0, "judge_ppm": 0, "accepted": 0, "dismissed": 0}
        booked = settlements(tmp_path)
        assert sum(one.cash for one in booked) == server.charged
    quality = sum((one.quality for one in booked), Quality())
    assert (quality.accepted, quality.dismissed, quality.gated) == (1, 1, 2)
    assert quality.judge_ppm == 900_000 * quality.judged

    ledger = ("--ledger", str(tmp_path / "ledger.jsonl"), "--month", booked[0].month, "--output", str(tmp_path / "r"))
    assert run(["report", *ledger]) == 0
    document = json.loads((tmp_path / "r/report.json").read_text())["quality"]
    assert (document["gate_pass"], document["judge_score"], document["accepted"]) == ("1.0000", "0.9000", "0.5000")
    [day] = document["trend"]
    assert (day["judge_score"], day["judge_ewma"], day["accepted"], day["decided"]) == ("0.9000", "0.9000", "0.5000", 2)
    assert "| findings accepted by people | 50.0 % | 2 |" in (tmp_path / "r/report.md").read_text()
    rows = list(csv.DictReader(io.StringIO((tmp_path / "r/report.csv").read_text(), newline="")))
    assert sorted((row["accepted"], row["dismissed"]) for row in rows) == [("0", "0"), ("0", "0"), ("1", "1")]
    assert max(row["judge_score_sum"] for row in rows) == "2.7000"
    page = (tmp_path / "r/report.html").read_text()
    assert '<data value="0.9000" data-path="quality.trend.0.judge_ewma">90.0 %</data>' in page


def test_a_run_that_goes_on_from_its_journal_is_not_booked_twice(project, tmp_path):
    with Loopback(script) as server:
        review(tmp_path, server.url, 1, project.commits[0])
        asked = server.requests
        review(tmp_path, server.url, 1, project.commits[0])
        assert server.requests == asked
        booked = settlements(tmp_path)
        assert sum(one.cash for one in booked) == server.charged
    assert [one.quality.judged for one in booked] == [3, 0]


JUDGED = CostReport(calls=(call(stage="judge", role="orchestrator"),))
GOOD = Quality(planned=10, done=10, gated=10, passed=9, judged=10, judge_ppm=9_000_000, accepted=8, dismissed=2)


@pytest.mark.parametrize(
    ("bad", "rule"),
    [
        ({"judged": 10, "judge_ppm": 4_000_000}, "judge_score of review"),
        ({"accepted": 1, "dismissed": 9}, "accepted of review"),
        ({"gated": 10, "passed": 3}, "quality of review"),
    ],
)
def test_a_fall_of_any_rate_is_told_once(tmp_path, bad, rule):
    file = tmp_path / "ledger.jsonl"
    days = [entry(str(day), day=f"2026-11-{day:02}", quality=GOOD) for day in range(1, 6)]
    file.write_bytes(b"".join(lines.encode(one) + b"\n" for one in days))
    told = Settings.model_validate(
        {"alerts": {"retirement_days": 0}, "cost_tracking": {"ledger": {"store": "file", "file": str(file)}}}
    )
    run_ = Report(mode="review", verdict=conclude(Outcome.CLEAN), extra={"quality": bad}, cost=JUDGED)
    notices = []
    for number in (1, 2):
        now = datetime(2026, 11, 6, 12, number, tzinfo=UTC)
        desk = Desk(told, {"GITHUB_RUN_ID": f"now{number}"}, mode="review", output=tmp_path, now=lambda now=now: now)
        desk.open()
        notices.append([one for one in desk.close(replace(run_)).notices if "quality" in one])
    assert [len(one) for one in notices] == [1, 0]
    book = LocalFile(file).read(["2026-11"])
    assert [one.job for one in book.entries if one.phase is Phase.ALERT] == [rule]
