"""Repositories with a history, and the command run on them against models over the loopback."""

import json

import pytest
from typer.testing import CliRunner

from generated import git
from scripted import blocks_of
from team import KEYS, settings
from tta_orchestrate.cli.app import app
from tta_orchestrate.loopback.server import Loopback


def commit(folder, files, message="x"):
    """Commit *files* in *folder*; a text that is None takes its file away."""
    for path, text in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).unlink() if text is None else (folder / path).write_text(text)
    git(folder, "init", "-q", ".")
    git(folder, "add", "-A")
    git(folder, "-c", "user.name=n", "-c", "user.email=e", "commit", "-qm", message)
    return folder


def tta(folder, answer, *arguments, keys=True, mutants=8):
    """Run the command in *folder*; return the report, the patch and the prompts that were sent."""
    output = folder.parent / f"{folder.name}-out"
    with Loopback(answer) as server, pytest.MonkeyPatch.context() as patch:
        told = settings(server.url).model_dump(mode="json", include={"executors", "orchestrator", "fallback_strategy"})
        told["test_gen"] = {"mutants": mutants, "seconds_per_target": 120}
        config = folder.parent / f"{folder.name}.json"
        config.write_text(json.dumps({"orchestration": told}))
        patch.chdir(folder)
        for name, key in KEYS.items():
            patch.setenv(name, key) if keys else patch.delenv(name, raising=False)
        done = CliRunner().invoke(app, ["test-gen", "--config", str(config), "--output", str(output), *arguments])
        assert done.exit_code == 0, done.output + repr(done.exception)
        prompts = [seen.prompt for seen in server.log if seen.prompt]
    patch_file = output / "changes.patch"
    report = json.loads((output / "findings.json").read_text())
    return report, patch_file.read_text() if patch_file.exists() else "", prompts


def proposing(tests):
    """A model that answers with *tests* by the name of the function, and has no opinion where it judges."""

    def answer(question):
        if "verdicts" in question.schema.get("properties", {}):
            return {"verdicts": []}
        shown = blocks_of("\n".join(question.parts))
        named = [name for name in tests if f"Function: {name}." in question.text and "segment" in shown]
        return {"tests": tests[named[0]] if named else []}

    return answer


def labels(target):
    """Name to label of what is kept."""
    return {one["test"].rpartition("::")[2]: one["label"] for one in target["kept"]}


def regressions(report):
    """Where the possible regressions are, and of which test."""
    found = [one for one in report["findings"] if one["rule"] == "test-gen/possible-regression"]
    return sorted((one["path"], one["title"].removeprefix("Possible regression: ")) for one in found)


def asked(prompts, path):
    """The functions of *path* that a model was asked for."""
    texts = [text for text in map(str, prompts) if f"File: {path}. Function: " in text]
    return {text.partition(f"File: {path}. Function: ")[2].partition(". The test")[0] for text in texts}
