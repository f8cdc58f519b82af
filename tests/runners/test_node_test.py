"""Tests for JavaScript at the command line: a real node, a real repository, a scripted model over the loopback."""

import json
import shutil

import pytest
from typer.testing import CliRunner

from generated import git, once
from scripted import blocks_of
from team import KEYS, settings
from tta_orchestrate.cli.app import app
from tta_orchestrate.loopback.server import Loopback

pytestmark = pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed here")

PRICE = """
export function price(count, member) {
  if (count < 0) {
    throw new RangeError("a count is not negative");
  }
  let each = 10;
  if (member && count > 100) {
    each = 7;
  }
  return count * each;
}

/** Half of n, rounded up. */
export function half(n) {
  return Math.floor(n / 2);
}
""".lstrip()
EXISTING = """
import { test } from "node:test";
import assert from "node:assert/strict";
import { price } from "../src/price.js";

test("ten each", () => {
  assert.equal(price(3, false), 30);
});
""".lstrip()
HEAD = 'import test from "node:test";\nimport assert from "node:assert";\nimport { NAME } from "../src/price.js";\n'


def proposed(name, body, imported="price"):
    return {"name": name, "code": f'{HEAD.replace("NAME", imported)}test("x", () => {{\n{body}\n}});\n'}


TESTS = {
    "price": [
        proposed("members pay seven from 101 on", "  assert.equal(price(101, true), 707);\n  assert.equal(price(100, true), 1000);"),
        proposed("refuses a negative count", '  assert.throws(() => price(-1, false), { name: "RangeError", message: "a count is not negative" });\n  assert.equal(price(0, false), 0);'),
        proposed("looks at the type alone", '  assert.equal(typeof price(500, true), "number");'),
        proposed("sleeps", "  setTimeout(() => {}, 10);\n  assert.equal(price(1), 10);"),
    ],
    "half": [proposed("half of an odd number", "  assert.equal(half(3), 2);", "half")],
}  # fmt: skip


def script(question):
    shown = blocks_of("\n".join(question.parts))
    if "verdicts" in question.schema.get("properties", {}):
        return {"verdicts": []}
    for name, tests in TESTS.items():
        if f"Function: {name}." in question.text and "segment" in shown:
            return {"tests": tests}
    return {"tests": []}


def tta(folder, url, *arguments):
    told = settings(url).model_dump(mode="json", include={"executors", "orchestrator", "fallback_strategy"})
    config = folder.parent / f"{folder.name}.yaml"
    config.write_text(json.dumps({"orchestration": told}))
    output = folder.parent / f"{folder.name}-out"
    done = CliRunner().invoke(app, ["test-gen", "--config", str(config), "--output", str(output), *arguments])
    assert done.exit_code == 0, done.output + str(done.exception)
    return json.loads((output / "findings.json").read_text()), output


def made(folder, files):
    for path, text in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)
    git(folder, "init", "-q", ".")
    git(folder, "add", "-A")
    git(folder, "-c", "user.name=n", "-c", "user.email=e", "commit", "-qm", "x")
    return folder


@pytest.fixture(scope="module")
def written(tmp_path_factory, worker_id):
    def make(folder):
        files = {"package.json": '{"type": "module"}', "src/price.js": PRICE, "test/price.test.js": EXISTING}
        made(folder / "repo", files)
        with Loopback(script) as server, pytest.MonkeyPatch.context() as patch:
            for name, key in KEYS.items():
                patch.setenv(name, key)
            patch.chdir(folder / "repo")
            report, output = tta(folder / "repo", server.url, "--file", "src/price.js", "--seconds", "60")
        return report, (output / "changes.patch").read_text(), folder / "repo"

    return once(tmp_path_factory, worker_id, "node", make)


def test_what_earns_its_place_is_kept(written):
    target = written[0]["targets"][0]
    kept = {one["test"].rpartition("::")[2] for one in target["kept"]}
    assert kept == {"members pay seven from 101 on", "refuses a negative count"}
