"""Hostile JavaScript in the sandbox: it sees no key, forges no verdict, outlives nothing and hangs nobody."""

import shutil
import sys
from pathlib import Path

import pytest

from changes import commit
from ecma import NODE
from tta_orchestrate.modes.test_gen import snapshot
from tta_orchestrate.modes.test_gen.environment import find_environment
from tta_orchestrate.modes.test_gen.proving import outcomes
from tta_orchestrate.modes.test_gen.runs import Runs, Try
from tta_orchestrate.ports.test_runner import Ask, Host
from tta_orchestrate.runners.node_test import RUNNER
from tta_orchestrate.sandbox.run import Sandbox

pytestmark = pytest.mark.skipif(NODE is None, reason="node is not installed here")
HEAD = 'import { test } from "node:test";\nimport assert from "node:assert/strict";\nimport fs from "node:fs";\n'
SPIES = """
const { O_NONBLOCK, O_RDONLY, O_WRONLY } = fs.constants;
const seen = [];
const reached = [];
const text = (path) => { try { return fs.readFileSync(path).toString("latin1"); } catch { return ""; } };
for (const pid of fs.readdirSync("/proc").filter((name) => /^\\d+$/.test(name))) {
  seen.push(text(`/proc/${pid}/environ`));
  if (!text(`/proc/${pid}/cmdline`).includes("python")) continue;
  for (const [file, how] of [["mem", O_RDONLY], ["fd/3", O_RDONLY | O_NONBLOCK], ["fd/4", O_WRONLY | O_NONBLOCK]]) {
    try { fs.openSync(`/proc/${pid}/${file}`, how); reached.push(file); } catch {}
  }
}
test("sees no key", () => {
  assert.ok(!(seen.join("") + JSON.stringify(process.env)).includes("canary"));
  assert.deepEqual(reached, []);
  assert.throws(() => fs.writeFileSync("/tta-tree/x", ""));
  assert.throws(() => fs.readdirSync("/root"));
});
"""
LEAVES = 'test("never runs", () => { assert.equal(1, 2); });\nprocess.exit(0);\n'
FORGES = """
test("is forged", () => { assert.equal(1, 2); });
const out = process.cwd().replace(/tree$/, "out/tests.jsonl");
setInterval(() => {}, 1000).unref();
fs.appendFileSync(out, JSON.stringify({ name: "is forged", outcome: "passed", file: "", ms: 1 }) + "\\n");
"""
LOOPS = 'test("loops", () => { for (;;) {} });\n'
FORKS = """
import { spawn } from "node:child_process";
for (let i = 0; i < 600; i += 1) { try { spawn("/bin/sleep", ["6173"], { detached: true, stdio: "ignore" }).on("error", () => {}).unref(); } catch {} }
test("leaves children", () => {});
"""
FILLS = 'test("fills", () => { const all = []; for (;;) all.push(Buffer.alloc(1 << 26, 1)); });\n'


@pytest.fixture
def trial(tmp_path):
    root = commit(tmp_path / "repo", {"package.json": '{"type": "module"}', "src/one.js": "export const one = 1;\n"})
    environment = find_environment(root, asked="", fallback=sys.executable)
    with snapshot.from_folder(root) as tree:
        kit = RUNNER.equip(tree, "src/one.js", Host(which=shutil.which, installed=lambda _: None))
        runs = Runs(sandbox=Sandbox(), environment=environment, root=root, runner=RUNNER, kit=kit, memory_mib=1024)

        def run(body, *names, seconds=20.0):
            what = Try(ask=Ask(tests=("test/evil.test.js",)), files={"test/evil.test.js": HEAD + body}, seconds=seconds)
            tried = runs.one(tree, what)
            return tried, {name: ran.outcome for name, ran in outcomes(tried, names).items()}

        yield run


def test_no_key_no_descriptor_and_no_tree_is_within_reach(trial, monkeypatch):
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-ant-canary")
    tried, ended = trial(SPIES, "sees no key")
    assert (tried.answer.codes, ended) == ((0,), {"sees no key": "passed"}), tried.run


def test_a_process_that_ends_with_0_before_its_tests_has_passed_none(trial):
    assert trial(LEAVES, "never runs")[1].get("never runs") != "passed"


def test_a_verdict_that_is_written_beside_the_real_one_does_not_count(trial):
    assert trial(FORGES, "is forged")[1] == {"is forged": "failed"}


def test_an_endless_loop_is_cut(trial):
    tried, ended = trial(LOOPS, "loops", seconds=3.0)
    assert (tried.answer.cut, ended) == ("timeout", {})


def test_children_do_not_outlive_the_run(trial):
    tried, _ended = trial(FORKS, "leaves children", seconds=10.0)
    assert tried.answer.codes or tried.answer.cut
    assert not [path for path in Path("/proc").glob("[0-9]*/cmdline") if _holds(path, b"6173")]


def test_memory_has_an_end(trial):
    assert trial(FILLS, "fills")[1].get("fills") != "passed"


def _holds(path, word):
    try:
        return word in path.read_bytes().split(b"\0")
    except OSError:
        return False
