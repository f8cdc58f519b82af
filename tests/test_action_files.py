"""What is said in several places is said the same: inputs, outputs, pins, permissions."""

import re
from pathlib import Path

import container
import host
import pytest
import relay
import yaml

from tta_orchestrate.github import inputs, runtime
from tta_orchestrate.settings.overrides import ENVIRONMENT

ROOT = Path(__file__).parents[1]
DOCS = (ROOT / "docs" / "action.md").read_text()
ACTIONS = {path: yaml.safe_load((ROOT / path).read_text()) for path in ("action.yml", "container/action.yml")}
EXAMPLES = sorted((ROOT / "examples" / "workflows").glob("*.yml"))
WORKFLOWS = [*sorted((ROOT / ".github" / "workflows").glob("*.yml")), *EXAMPLES]
ROOT_ACTION = ACTIONS["action.yml"]


def table(heading):
    """Return the rows of the table below *heading*, as lists of cells."""
    section = DOCS.split(f"## {heading}\n", 1)[1].split("\n## ", 1)[0]
    rows = [line.strip("|").split("|") for line in section.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in row] for row in rows[2:]]


def steps(workflow):
    """Return every step of a workflow or composite action."""
    document = yaml.safe_load(workflow.read_text())
    jobs = document.get("jobs", {"": document.get("runs", {})})
    return [step for job in jobs.values() for step in job.get("steps", [])]


def test_examples_run_the_program_in_the_version_of_this_tree():
    version = re.search(r'^version = "(.+)"', (ROOT / "pyproject.toml").read_text(), re.MULTILINE)[1]
    texts = {path.name: path.read_text() for path in EXAMPLES}
    named = {name: re.findall(r"pipx (?:run|install) (\S+)", text) for name, text in texts.items()}
    assert {name for name, found in named.items() if found} == {
        "monthly-report.yml",
        "sharded-review.yml",
        "test-gen-deliver.yml",
    }
    assert {one for found in named.values() for one in found} == {f"tta-orchestrate=={version}"}


def test_no_example_has_pipx_look_into_a_checked_out_change():
    for file in EXAMPLES:
        flow = yaml.safe_load(file.read_text())
        if "pull_request" not in flow[True]:
            continue
        for job in flow["jobs"].values():
            names = [step.get("uses", step.get("run", "")) for step in job.get("steps", ())]
            out = next((n for n, name in enumerate(names) if name.startswith("actions/checkout")), len(names))
            assert not any("pipx" in name for name in names[out:]), file.name


def test_inputs_are_the_same_everywhere():
    names = list(ROOT_ACTION["inputs"])
    assert [row[0].strip("`") for row in table("Inputs")] == names
    assert set(names) - {"image"} == set(inputs.NAMES) == set(container.INPUTS)
    assert ACTIONS["container/action.yml"]["inputs"] == {k: v for k, v in ROOT_ACTION["inputs"].items() if k != "image"}


def test_every_input_is_handed_to_the_launcher_and_no_other():
    run = next(step for step in ROOT_ACTION["runs"]["steps"] if step.get("id") == "run")
    handed = {name: value for name, value in run["env"].items() if name.startswith("INPUT_")}
    assert handed == {container.variable(name): f"${{{{ inputs.{name} }}}}" for name in container.INPUTS}


def test_outputs_are_the_same_everywhere():
    names = list(runtime.OUTPUTS)
    assert [row[0].strip("`") for row in table("Outputs")] == names == list(host.OUTPUTS)
    assert {name: one["value"] for name, one in ROOT_ACTION["outputs"].items()} == {
        name: f"${{{{ steps.run.outputs.{name} }}}}" for name in names
    }
    assert list(ACTIONS["container/action.yml"]["outputs"]) == names


def test_the_settings_from_the_environment_reach_the_program():
    assert set(ENVIRONMENT) <= set(container.BRAIN_ENVIRONMENT)


def test_nothing_that_gives_power_reaches_the_program():
    for name in container.BRAIN_ENVIRONMENT:
        assert not re.search(r"RUNTIME|ID_TOKEN|GITHUB_(ENV|PATH|STATE|TOKEN)$|RUNNER_TEMP|DOCKER", name)
    assert not {"set-output", "save-state", "set-env", "add-path", "stop-commands", "echo"} & set(
        relay.ALLOWED_COMMANDS
    )


def test_the_mode_defaults_to_the_same():
    assert ROOT_ACTION["inputs"]["mode"]["default"] == inputs.Inputs().mode == host.MODES[0]
    assert {mode.value for mode in inputs.Mode} == set(host.MODES)


@pytest.mark.parametrize("file", [ROOT / "action.yml", *WORKFLOWS], ids=lambda file: file.name)
def test_what_others_wrote_is_pinned_by_commit(file):
    for step in steps(file):
        used = step.get("uses", "./")
        assert used.startswith(("./", "tta/orchestrate")) or re.search(r"@[0-9a-f]{40}\Z", used), used


@pytest.mark.parametrize("file", [ROOT / "action.yml", *WORKFLOWS], ids=lambda file: file.name)
def test_no_expression_stands_in_a_script(file):
    assert not [step["run"] for step in steps(file) if "${{" in step.get("run", "")]


@pytest.mark.parametrize("file", EXAMPLES, ids=lambda file: file.name)
def test_every_example_asks_for_the_permissions_of_its_mode_and_no_more(file):
    document = yaml.safe_load(file.read_text())
    assert document["permissions"] == {}
    allowed = {
        row[0].strip("`"): dict(zip(("contents", "checks", "pull-requests"), row[1:], strict=True))
        for row in table("Permissions")
    }
    for job in document["jobs"].values():
        assert job["timeout-minutes"]
        step = next((step for step in job["steps"] if step.get("uses", "").startswith("tta/orchestrate")), None)
        if step is None:  # a job of the command line
            delivers = any(re.search(r"tta-orchestrate\S* deliver", one.get("run", "")) for one in job["steps"])
            writes = {scope for scope, level in job["permissions"].items() if level != "read"}
            assert writes <= ({"contents", "pull-requests"} if delivers else {"issues"})
            continue
        mode = step.get("with", {}).get("mode", "review")
        for scope, level in job["permissions"].items():
            rows = [allowed[one] for one in host.MODES] if "${{" in mode else [allowed[mode]]
            assert all(level in row[scope] for row in rows), f"{scope}: {level}"


def test_the_job_that_delivers_holds_no_key_checks_nothing_out_and_follows_one_that_may_only_read():
    jobs = yaml.safe_load((ROOT / "examples" / "workflows" / "test-gen-deliver.yml").read_text())["jobs"]
    assert jobs["test-gen"]["permissions"]["contents"] == "read"
    assert jobs["deliver"]["needs"] == "test-gen"
    assert [step for step in jobs["deliver"]["steps"] if "uses" in step] == []
    assert "secrets." not in str(jobs["deliver"])


@pytest.mark.parametrize("file", EXAMPLES, ids=lambda file: file.name)
def test_every_example_uses_inputs_that_exist(file):
    for step in steps(file):
        if step.get("uses", "").startswith("tta/orchestrate"):
            assert set(step.get("with", {})) <= set(ROOT_ACTION["inputs"])
        if step.get("uses", "").startswith("actions/checkout"):
            assert step["with"]["persist-credentials"] is False


def test_the_action_can_be_listed_on_the_marketplace():
    assert ROOT_ACTION["branding"] == {"icon": "check-circle", "color": "purple"}
    assert len(ROOT_ACTION["description"]) <= 125
    assert all(one["description"] for one in ROOT_ACTION["inputs"].values())


def test_the_lock_says_to_build_until_a_release_names_a_digest():
    lines = [line for line in (ROOT / "image.lock").read_text().splitlines() if not line.startswith("#")]
    assert len(lines) == 1
    assert lines[0] == "build" or re.search(r"@sha256:[0-9a-f]{64}\Z", lines[0])


def test_the_readme_names_every_input_and_output():
    readme = (ROOT / "README.md").read_text()
    action = yaml.safe_load((ROOT / "action.yml").read_text())
    assert [name for name in (*action["inputs"], *action["outputs"]) if f"`{name}`" not in readme] == []


def test_the_readme_stays_short():
    assert len((ROOT / "README.md").read_text().splitlines()) <= 150
