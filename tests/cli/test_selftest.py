"""``selftest`` and ``models`` as a user runs them: real processes, offline."""

import json
import os
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import pytest

TOOL = str(Path(sys.executable).with_name("tta-orchestrate"))


def run(*arguments, cwd, **env):
    clean = {name: value for name, value in os.environ.items() if "API_KEY" not in name}
    return subprocess.run(
        [TOOL, *arguments], capture_output=True, text=True, cwd=cwd, env=clean | env, timeout=120, check=False
    )


def test_selftest_passes_says_that_it_is_scripted_and_names_the_cost_report(tmp_path):
    done = run("selftest", "--output", "out", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert "scripted" in done.stdout
    assert "called by: Anthropic/Python" in done.stdout
    assert "called by: google-genai-sdk/" in done.stdout
    assert "FAIL" not in done.stdout
    report = next(line.removeprefix("cost report: ") for line in done.stdout.splitlines() if line.endswith(".html"))
    assert "scripted" in (tmp_path / "out/summary.md").read_text()
    assert (tmp_path / report).read_text().startswith("<!doctype html>")


def test_a_limit_that_is_too_low_holds_and_the_summary_says_what_was_left_out(tmp_path):
    done = run("selftest", "--output", "out", "--budget-usd", "0.01", cwd=tmp_path)
    assert done.returncode == 0, done.stdout
    assert "outcome: partial" in done.stdout
    cost = json.loads((tmp_path / "out/cost-report.json").read_text())
    assert 0 < Decimal(cost["totals"]["cash_usd"]) <= Decimal("0.01")
    assert "over budget" in (tmp_path / "out/summary.md").read_text()


def test_no_amount_is_a_usage_error(tmp_path):
    assert run("selftest", "--budget-usd", "lots", cwd=tmp_path).returncode == 2


@pytest.mark.parametrize("keys", [{}, {"ANTHROPIC_API_KEY": "sk-ant-canary-0123456789abcdef"}])
def test_models_shows_prices_retirements_and_what_would_be_used_and_no_key(tmp_path, keys):
    done = run("models", cwd=tmp_path, **keys)
    assert (done.returncode, done.stderr) == (0, "")
    assert "claude-haiku-5-5" in done.stdout
    assert "claude-sonnet-4.5" in done.stdout
    assert ("orchestrator  claude-" in done.stdout) is bool(keys)
    assert "canary" not in done.stdout


def test_help_names_the_commands(tmp_path):
    assert {"models", "selftest"} <= set(run("--help", cwd=tmp_path).stdout.split())
