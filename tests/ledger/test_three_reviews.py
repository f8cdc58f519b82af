"""The command itself, three times, against one bare repository: the third is stopped by the limit of the month."""

import json
import os
import subprocess
import sys

import pytest
import yaml

from ledgers import bare, branch
from repos import make_repo
from tta_orchestrate.domain.ledger import Phase
from tta_orchestrate.loopback.server import Loopback


@pytest.mark.slow
def test_the_third_review_asks_no_model_and_says_why(tmp_path):
    repository = make_repo(tmp_path / "repo")
    repository.write("shop.py", "def f(a):\n    return a\n")
    repository.commit()
    repository.write("shop.py", "def f(a, b):\n    return a / b\n")
    repository.commit()
    ledger = bare(tmp_path / "origin.git")
    with Loopback() as provider:
        limit = None
        for number in (1, 2, 3):
            if number == 3:
                limit = spent(ledger)
            asked = provider.requests
            done, report, output = review(repository.path, tmp_path, provider.url, ledger, number, limit)
            assert done.returncode == 0, done.stderr
            assert (provider.requests > asked) is (number < 3)
    assert (report["outcome"], report["conclusion"]) == ("partial", "neutral")
    summary = (output / "summary.md").read_text()
    assert "the limit of the month is used up" in summary
    assert "wait until" in summary
    phases = [(one.run_id, one.phase) for one in entries(ledger) if one.phase is not Phase.ALERT]
    assert phases == [(run, phase) for run in ("1", "2") for phase in (Phase.RESERVE, Phase.SETTLE)]


@pytest.mark.slow
def test_a_month_that_leaves_too_little_for_a_call_names_itself_and_the_way_out(tmp_path):
    repository = make_repo(tmp_path / "repo")
    for text in ("def f(a):\n    return a\n", "def f(a, b):\n    return a / b\n"):
        repository.write("shop.py", text)
        repository.commit()
    with Loopback() as provider:
        done, report, output = review(repository.path, tmp_path, provider.url, bare(tmp_path / "o.git"), 1, 0.0002)
        assert provider.requests == 0
    assert (done.returncode, report["outcome"]) == (0, "partial")
    summary = (output / "summary.md").read_text().replace("\\", "").replace("\u200b", "")
    assert "The limit of the month stopped calls: it left $0.0002 of $0.0002 for this run" in summary
    assert "raise cost_tracking.budget_limit_usd, or wait until" in summary.replace("\n", " ")


def review(repository, folder, url, ledger, number, limit):
    tracking = {"run_limit_usd": 0.5, "ledger": {"url": ledger}}
    if limit is not None:
        tracking["budget_limit_usd"] = limit
    executor = {
        "model": "llama-3.3-70b-versatile",
        "provider": "groq",
        "api_key_env": "GROQ_API_KEY",
        "base_url": f"{url}/v1",
    }
    body = {"executors": [executor], "fallback_strategy": {"models": []}, "cost_tracking": tracking}
    config = folder / "config.yaml"
    config.write_text(yaml.safe_dump({"orchestration": body}))
    output = folder / f"report-{number}"
    env = {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "GROQ_API_KEY": "gsk_canary0123456789canary",
        "GITHUB_RUN_ID": str(number),
    }
    command = [sys.executable, "-m", "tta_orchestrate", "review", "--base", "HEAD~1", "--config", str(config)]
    command += ["--output", str(output)]
    done = subprocess.run(command, env=env, cwd=repository, capture_output=True, text=True, check=False)
    return done, json.loads((output / "findings.json").read_text()), output


def entries(ledger):
    store = branch(ledger)
    return store.read(store.months()).entries


def spent(ledger):
    return sum(one.cash for one in entries(ledger) if one.phase is Phase.SETTLE) / 10**9
