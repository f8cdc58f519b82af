"""Three jobs, three processes, one bare repository: the third is stopped by the limit of the month."""

import json
import os
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import pytest
import yaml

from ledgers import bare, branch
from tta_orchestrate.domain.ledger import Phase
from tta_orchestrate.loopback.server import Loopback

TESTS = Path(__file__).parent.parent


@pytest.fixture
def provider():
    from team import script

    with Loopback(script) as server:
        yield server


def configuration(folder, provider, ledger, **tracking):
    """One paid model, and a month of books on the branch."""
    body = {
        "executors": [
            {
                "model": "llama-3.3-70b-versatile",
                "provider": "groq",
                "api_key_env": "GROQ_API_KEY",
                "base_url": f"{provider.url}/v1",
            }
        ],
        "fallback_strategy": {"models": []},
        "alerts": {"thresholds": [0.0001]},
        "cost_tracking": {"run_limit_usd": 0.5, "ledger": {"store": "branch", "url": ledger}, **tracking},
    }
    path = folder / "config.yaml"
    path.write_text(yaml.safe_dump({"orchestration": body}))
    return path


def run(config, folder, number, units=4):
    started, output = start(config, folder, number, units)
    out, err = started.communicate()
    done = subprocess.CompletedProcess(started.args, started.returncode, out, err)
    return done, json.loads((output / "findings.json").read_text()) if output.is_dir() else None, output


def start(config, folder, number, units=4, **keys):
    output = folder / f"report-{number}"
    env = {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "PYTHONPATH": str(TESTS),
        "GROQ_API_KEY": "gsk_canary0123456789canary",
        "GITHUB_RUN_ID": str(number),
        "GITHUB_RUN_ATTEMPT": "1",
        "GITHUB_JOB": "review",
        "GITHUB_REPOSITORY": "acme/shop",
        **keys,
    }
    command = [sys.executable, str(TESTS / "ledger/job.py"), str(config), str(output), "review", str(units)]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    return subprocess.Popen(command, env=env, cwd=folder, **pipes), output


@pytest.mark.slow
def test_the_third_run_is_stopped_neutral_with_message_and_remedy(tmp_path, provider):
    ledger = bare(tmp_path / "origin.git")
    config = configuration(tmp_path, provider, ledger)
    first, report, _ = run(config, tmp_path, 1)
    assert (first.returncode, report["outcome"]) == (0, "clean"), first.stderr
    [settled] = [one for one in branch(ledger).read([month(ledger)]).entries if one.phase is Phase.SETTLE]
    assert settled.cash == provider.charged > 0

    # The month has room for one more run, and nothing after it.
    limit = float(settled.cash * 2 / 10**9)
    config = configuration(tmp_path, provider, ledger, budget_limit_usd=limit)
    second, report, _ = run(config, tmp_path, 2)
    assert second.returncode == 0
    before = provider.requests
    config = configuration(tmp_path, provider, ledger, budget_limit_usd=float(spent(ledger)))
    third, report, output = run(config, tmp_path, 3)
    assert provider.requests == before
    assert third.returncode == 0, third.stderr
    assert (report["outcome"], report["conclusion"]) == ("partial", "neutral")
    summary = (output / "summary.md").read_text()
    assert "the limit of the month is used up" in summary
    assert "budget" in summary
    assert "wait until" in summary
    assert spent(ledger) <= limit

    stopped, report, _ = run(
        configuration(tmp_path, provider, ledger, budget_limit_usd=0.0, on_limit="fail"), tmp_path, 4
    )
    assert (stopped.returncode, report) == (3, None)
    assert provider.requests == before


def month(ledger):
    [only] = branch(ledger).months()
    return only


def spent(ledger):
    entries = branch(ledger).read([month(ledger)]).entries
    return sum(one.cash for one in entries if one.phase is Phase.SETTLE) / 10**9


@pytest.mark.slow
def test_an_alert_goes_out_once_over_all_runs(tmp_path, provider):
    ledger = bare(tmp_path / "origin.git")
    config = configuration(tmp_path, provider, ledger, budget_limit_usd=1)
    notices = []
    for number in (1, 2):
        done, report, _ = run(config, tmp_path, number, units=1)
        assert done.returncode == 0, done.stderr
        notices.append([one for one in report["notices"] if "is at" in one])
    alerts = [one.job for one in branch(ledger).read([month(ledger)]).entries if one.phase is Phase.ALERT]
    assert len(alerts) == len(set(alerts))
    assert len(notices[0]) + len(notices[1]) == sum(" at " in one for one in alerts)
    assert sum(map(len, notices)) >= 1


@pytest.mark.slow
def test_books_that_are_out_let_the_run_go_on_under_its_own_limit_and_say_so(tmp_path, provider):
    config = configuration(tmp_path, provider, (tmp_path / "missing.git").as_uri())
    done, report, output = run(config, tmp_path, 1, units=1)
    assert done.returncode == 0
    assert any("only the limit of this run holds" in one for one in report["notices"])
    assert "only the limit of this run holds" in (output / "summary.md").read_text()


@pytest.mark.slow
def test_two_runs_at_the_same_time_do_not_overspend_the_months_line_for_measuring(tmp_path, provider):
    ledger = bare(tmp_path / "origin.git")
    line = Decimal("0.04")
    sampled = {"baseline_sample_rate": 1, "baseline_sample_limit_usd": float(line), "budget_limit_usd": 5}
    strong = {"model": "claude-sonnet-5-5", "api_key_env": "ANTHROPIC_API_KEY", "base_url": provider.url}
    config = configuration(tmp_path, provider, ledger, **sampled)
    told = yaml.safe_load(config.read_text())
    told["orchestration"]["orchestrator"] = strong
    config.write_text(yaml.safe_dump(told))
    jobs = [start(config, tmp_path, number, 8, ANTHROPIC_API_KEY="sk-ant-canary-0123456789abcdef") for number in (1, 2)]
    errors = [job.communicate()[1] for job, _ in jobs]
    assert [job.returncode for job, _ in jobs] == [0, 0], errors
    settled = [one for one in branch(ledger).read([month(ledger)]).entries if one.phase is Phase.SETTLE]
    assert sum(one.cash for one in settled) == provider.charged
    measured = sum(one.sample for one in settled)
    assert measured == sum(seen.charged for seen in provider.log if seen.model == "claude-sonnet-5-5")
    assert 0 < Decimal(measured) / 10**9 <= line
    assert sum(seen.model == "claude-sonnet-5-5" for seen in provider.log) < 16
