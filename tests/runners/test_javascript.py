"""Tests for JavaScript and TypeScript at the command line: real runners, real repositories, scripted models."""

import subprocess

import pytest

from changes import tta
from ecma import files_for, needed, repository, script
from generated import git, once
from tta_orchestrate.modes.test_gen.deliverable import Standing, deliverable

WHERE = {"node_test": "../src/price.js", "vitest": "./price", "jest": "../src/price"}
SOURCES = {"node_test": "src/price.js", "vitest": "src/price.ts", "jest": "src/price.js"}


@pytest.fixture(scope="module", params=["node_test", "vitest", "jest"])
def written(request, tmp_path_factory, worker_id):
    runner = request.param
    if reason := needed(runner):
        pytest.skip(reason)

    def make(folder):
        repository(folder / "repo", runner)
        answer = script(runner, WHERE[runner])
        return runner, folder / "repo", *tta(folder / "repo", answer, "--file", SOURCES[runner])

    return once(tmp_path_factory, worker_id, f"ecma-{runner}", make)


def target(written):
    return written[2]["targets"][0]


def drops(written):
    return {(drop["test"], drop["gate"]) for drop in target(written)["dropped"]}


def test_only_what_earns_its_place_is_kept(written):
    kept = {one["test"].rpartition("::")[2]: one for one in target(written)["kept"]}
    assert set(kept) == {"members pay seven from 101 on", "refuses a negative count"}
    assert all(one["gains"] and one["kills"] for one in kept.values())


def test_every_gate_names_what_it_dropped(written):
    assert drops(written) >= {
        ("half of an odd number", "passes"),
        ("a grade is something", "bites"),
        ("the day of an instant", "stable"),
        ("waits", "static"),
        ("reads the environment", "static"),
        ("leaves", "static"),
    }


def test_coverage_and_mutants_are_told_before_and_after(written):
    coverage, mutation = target(written)["coverage"], target(written)["mutation"]
    assert coverage["after"]["lines"]["covered"] > coverage["before"]["lines"]["covered"] > 0
    assert coverage["after"]["branches"]["covered"] > coverage["before"]["branches"]["covered"] > 0
    assert mutation["after"]["killed"] > mutation["before"]["killed"]
    assert target(written)["baseline"]["passed"] == 1


def test_no_gate_that_was_not_run_is_called_run(written):
    gates = target(written)["gates"]
    assert gates.pop("fail-to-pass") == "not run"
    assert set(gates.values()) == {"run"}


def test_the_patch_applies_and_the_repositorys_own_runner_passes(written):
    runner, folder, _report, patch, _prompts = written
    git(folder, "stash", "-u", "-q") if git(folder, "status", "--porcelain") else None
    subprocess.run(["git", "apply", "-"], input=patch, text=True, cwd=folder, check=True)
    command = {
        "node_test": ["node", "--test"],
        "vitest": ["node", "node_modules/vitest/vitest.mjs", "run"],
        "jest": ["node", "node_modules/jest/bin/jest.js"],
    }[runner]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    git(folder, "clean", "-fdq")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "tta-orchestrate: generated" in patch


def test_the_delivery_job_takes_the_patch(written):
    _runner, folder, _report, patch, _prompts = written
    files = git(folder, "ls-files").split()
    standing = Standing(
        modes=dict.fromkeys(files, "100644"), read=lambda path: (folder / path).read_bytes(), base_files=files
    )
    (text,) = deliverable(patch.encode(), standing).values()
    assert text.startswith("// tta-orchestrate: generated\n// Tests of src/price.")


def test_an_expected_value_that_fails_becomes_a_finding_and_is_never_bent(written):
    assert "half(3)" not in written[3]
    (finding,) = [one for one in written[2]["findings"] if one["rule"] == "test-gen/suspected-bug"]
    assert finding["symbol"] == "half"
    assert "1" in finding["message"]


def test_the_model_sees_the_open_lines_and_no_other_function(written):
    prompt = next(p for p in written[4] if "Function: half." in p)
    assert "!" in prompt.partition("return Math.floor")[0][-12:]
    assert "excellent" not in prompt


def test_the_keys_of_this_process_are_sent_to_nobody_and_the_runner_is_named(written):
    assert not any("canary" in prompt for prompt in written[4])
    assert any(target(written)["baseline"]["runner"] in notice for notice in written[2]["notices"])


def test_without_a_key_the_gaps_are_measured_and_the_reason_is_told(tmp_path):
    if reason := needed("node_test"):
        pytest.skip(reason)
    repository(tmp_path / "repo", "node_test")
    report, patch, prompts = tta(
        tmp_path / "repo", script("node_test", ""), "--file", "src/price.js", keys=False, mutants=2
    )
    assert (report["outcome"], patch, prompts) == ("partial", "", [])
    assert "no local generator" in report["failures"][0]["reason"]
    assert report["targets"][0]["coverage"]["before"]["lines"]["covered"] > 0


def test_packages_that_are_not_installed_are_named_with_the_remedy(tmp_path):
    if reason := needed("node_test"):
        pytest.skip(reason)
    files = files_for("vitest")
    repository(tmp_path / "repo", "node_test", files)
    report, _patch, _prompts = tta(tmp_path / "repo", script("vitest", ""), "--file", "src/price.ts")
    assert "npm ci" in report["failures"][0]["reason"]
    assert report["outcome"] != "clean"
