"""What models propose in JavaScript: taken apart, refused by reading, placed by us."""

import pytest

from tta_orchestrate.ports.test_runner import MARK, heading
from tta_orchestrate.runners import jest, node_test, vitest
from tta_orchestrate.syntax import ecmatests
from tta_orchestrate.syntax.treesitter import Grammar  # noqa: F401 -- the grammars load from the same wheels

NODE = node_test.RUNNER
HEAD = 'import test from "node:test";\nimport assert from "node:assert";\nimport { f } from "../src/f.js";\n'


def read(body, name="does it", head=HEAD):
    return NODE.read(name, f'{head}test("x", () => {{ {body} }});', "f")


def kit(**facts):
    from tta_orchestrate.ports.test_runner import Kit

    return Kit(programs={"node": "/usr/bin/node"}, facts={"package": "", "packages": "", **facts})


@pytest.mark.parametrize(
    ("code", "why"),
    [
        (HEAD + 'test("x", () => {', "does not parse"),
        (HEAD, "no call of test"),
        (HEAD + 'test.only("x", () => {});', "must be one call"),
        (HEAD + 'describe("x", () => {});', "must be one call"),
        (HEAD + 'test("x", { skip: true }, () => {});', "a string and a function"),
        (HEAD + 'test("x", (t) => {});', "takes no arguments"),
        (HEAD + 'const a = 1;\ntest("x", () => {});', "nothing else"),
        (HEAD + 'test("x", () => {});\ntest("y", () => {});', "nothing else"),
        ('import "../src/f.js";\ntest("x", () => {});', "side effects"),
        ('import { mock } from "node:test";\ntest("x", () => {});', "not for tests like these"),
        ('import { test } from "../src/f.js";\ntest("x", () => {});', "runner's own name"),
    ],
)
def test_a_proposal_is_imports_and_one_test(code, why):
    assert why in NODE.read("does it", code, "f")


@pytest.mark.parametrize("name", ["", "a\nb", 'say "x"', "x" * 200, "*/", "`${1}`"])
def test_a_name_cannot_leave_its_string(name):
    assert "the name must be" in read("assert.equal(f(1), 2);", name)


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ("f(1);", "has no assertion"),
        ("assert.equal(1, 1);", "fail in earnest"),
        ("assert.equal(f(1), f(1));", "fail in earnest"),
        ("assert(true);", "fail in earnest"),
        ("assert.throws(() => f(1));", "fail in earnest"),
        ("process.exit(0); assert.equal(f(1), 2);", "process"),
        ('globalThis["process"]; assert.equal(f(1), 2);', "process"),
        ('f.constructor("return 1")(); assert.equal(f(1), 2);', "constructors"),
        ('f["constructor"]("return 1")(); assert.equal(f(1), 2);', "constructors"),
        ('eval("1"); assert.equal(f(1), 2);', "evaluates"),
        ('import("node:fs"); assert.equal(f(1), 2);', "imports by name"),
        ('require("node:fs"); assert.equal(f(1), 2);', "imports by name"),
        ('fetch("x"); assert.equal(f(1), 2);', "network"),
        ("setTimeout(() => {}, 1); assert.equal(f(1), 2);", "timers"),
        ("assert.equal(f(Date.now()), 2);", "clock"),
        ("assert.equal(f(new Date()), 2);", "clock"),
        ("assert.equal(f(Math.random()), 2);", "clock or on chance"),
        ("test.skip(); assert.equal(f(1), 2);", "skipped"),
        ("assert.snapshot(f(1)); assert.equal(f(1), 2);", "snapshot"),
        ('f.mock.method(f, "x"); assert.equal(f(1), 2);', "mocks"),
    ],
)
def test_the_static_gate_refuses_by_reading(body, why):
    proposal = read(body)
    assert not isinstance(proposal, str), proposal
    assert why in NODE.refusals(proposal, "src/f.js", kit())


@pytest.mark.parametrize(
    ("module", "allowed"),
    [("node:fs", False), ("node:child_process", False), ("node:path", True), ("lodash", False), ("../../x.js", False),
     ("chalk", True), ("chalk/sub", True), ("node:net", False), ("node:worker_threads", False)],
)  # fmt: skip
def test_only_what_is_named_may_be_imported(module, allowed):
    proposal = read("assert.equal(f(1), x);", head=f'{HEAD}import x from "{module}";\n')
    assert (NODE.refusals(proposal, "src/f.js", kit(packages="chalk")) == "") is allowed


@pytest.mark.parametrize("body", ["assert.equal(f(1), 2);", "assert.deepEqual(f(1), [1]);", "assert.ok(f(1) > 3);",
                                  "assert.throws(() => f(1), TypeError);", "assert.equal(f(new Date(0)), 2);"])  # fmt: skip
def test_an_ordinary_test_is_not_refused(body):
    assert NODE.refusals(read(body), "src/f.js", kit()) == ""


def test_a_bent_test_has_the_shape_of_the_one_that_failed():
    first, bent, other = (
        read("assert.equal(f(1), 2);"),
        read("assert.strictEqual(f(1), 3);"),
        read("assert.equal(f(2), 2);"),
    )
    assert first.checks == bent.checks != other.checks


def test_imports_are_merged_by_module_and_the_runners_own_are_written_once():
    two = NODE.read(
        "b", HEAD.replace("{ f }", "{ g as h, f }") + 'test("x", () => { assert.equal(h(f(1)), 2); });', "g"
    )
    text = (
        NODE.write([read("assert.equal(f(1), 2);", "a one"), two], "src/f.js", "test/f.test.js", kit())
        if not isinstance(two, str)
        else two
    )
    assert "the name must be" in text  # one letter is no name
    two = NODE.read(
        "b two", HEAD.replace("{ f }", "{ g as h, f }") + 'test("x", () => { assert.equal(h(f(1)), 2); });', "g"
    )
    text = NODE.write([read("assert.equal(f(1), 2);", "a one"), two], "src/f.js", "test/f.test.js", kit())
    assert text.count("import") == 3
    assert 'import { f, g as h } from "../src/f.js";' in text
    assert text.startswith(f"// {MARK}\n")
    assert not ecmatests.tree(text).has_error


@pytest.mark.parametrize("path", ["a\nevil();//.js", "a\u2028evil();.js", "a\\u000aevil();.java", "a\revil().go"])
def test_the_path_of_the_source_cannot_leave_its_comment(path):
    mark, tests = heading(path)
    assert mark == f"// {MARK}"
    assert tests.isprintable()
    assert "\\" not in tests
    assert tests.startswith("// Tests of a?")


def test_a_common_js_repository_gets_requires():
    proposal = jest.RUNNER.read(
        "does it", 'import d, { f as g } from "../src/f";\ntest("x", () => { expect(g(d)).toBe(1); });', "f"
    )
    text = jest.RUNNER.write([proposal], "src/f.js", "test/f.test.js", kit(module="required"))
    assert 'const d = require("../src/f");\nconst { f: g } = require("../src/f");' in text
    assert "import" not in text


@pytest.mark.parametrize(
    ("body", "why"),
    [("vi.fn(); expect(f(1)).toBe(1);", "mocks"), ("expect(f(1)).toMatchSnapshot();", "snapshot"),
     ("expect(f(1)).toBeDefined();", "fail in earnest"), ("expect(1).toBe(1);", "fail in earnest"),
     ("expect(f(1)).toBe(f(1));", "fail in earnest"), ("expect(() => f(1)).toThrow();", "fail in earnest"),
     ("expect(f(1)).not.toBe(2);", ""), ("expect(() => f(1)).toThrow(/x/);", "")],
)  # fmt: skip
def test_expectations_are_read_too(body, why):
    code = f'import {{ f }} from "../src/f";\ntest("x", () => {{ const n: number = 1; {body} }});'
    proposal = vitest.RUNNER.read("does it", code, "f")
    found = vitest.RUNNER.refusals(proposal, "src/f.ts", kit())
    assert (why in found) if why else found == ""


def test_functions_are_found_wherever_they_get_their_name():
    text = (
        "export default function main() {}\nconst a = () => 1;\nclass K { m() { function inner() {} } #p() {} }\n"
        "exports.b = function () {};\nmodule.exports.c = (x) => x;\nconst o = { d() {}, e: () => 2 };\n"
    )
    assert [s.name for s in NODE.symbols(text)] == ["main", "a", "K.m", "inner", "K.#p", "b", "c", "d", "e"]


def test_a_file_that_does_not_parse_still_has_its_functions_and_no_error_is_raised():
    assert [s.name for s in NODE.symbols("function a() { return 1 }\nfunction b( {")][:1] == ["a"]
    assert NODE.mutants("function a() { return 1 + ; }") is not None
