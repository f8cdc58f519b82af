"""Tests for Kotlin at the command line: the system's compiler, real JUnit and JaCoCo, a scripted model over the loopback."""

import json
import shutil
from dataclasses import replace

import pytest
from typer.testing import CliRunner

from generated import git, once
from scripted import blocks_of
from team import KEYS, settings
from toolchains import needs
from tta_orchestrate.cli.app import app
from tta_orchestrate.loopback.server import Loopback
from tta_orchestrate.ports.test_runner import Host, Kit, Missing, Proposal
from tta_orchestrate.runners.kotlin import RUNNER

HOST = Host(which=shutil.which, installed=lambda path: None)
SOURCE = "src/main/kotlin/shop/Price.kt"


class Tree(dict):
    """Texts by path, as the runners see a tree."""

    def files(self):
        return list(self)

    def read(self, path):
        return self[path]


READY = RUNNER.equip(Tree({SOURCE: "package shop\nclass Price"}), SOURCE, HOST)
needs_kotlin = needs(READY.reason if isinstance(READY, Missing) else "")
PRICE = """
package shop

/** A price in cents. */
class Price(private val net: Int) {
    init {
        require(net >= 0) { "a price is not negative" }
    }

    /** Low up to 100, high from 1000 on, else middle. */
    fun band(): String {
        if (net > 100 && net < 1000) {
            return "middle"
        }
        return if (net <= 100) "low" else "high"
    }

    fun plus(more: Money): Price = Price(net + more.cents())
}

/** Half of n, rounded up. */
fun half(n: Int): Int = n / 2
""".lstrip()
MONEY = "package shop;\n\npublic interface Money {\n    int cents();\n}\n"
EXISTING = """
package shop

import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Test

class PriceTest {
    @Test
    fun low() {
        assertEquals("low", Price(5).band())
    }
}
""".lstrip()
REPOSITORY = {SOURCE: PRICE, "src/main/java/shop/Money.java": MONEY, "src/test/kotlin/shop/PriceTest.kt": EXISTING}


def proposed(name, body, imports=""):
    return {"name": name, "code": f"{imports}@Test\nfun {name}() {{\n    {body}\n}}\n"}


TESTS = {
    "Price.band": [
        proposed("looksAtTheTypeAlone", "assertTrue(Price(500).band() is String)"),
        proposed("tellsTheBands", 'assertEquals("low", Price(100).band())\n    assertEquals("middle", Price(101).band())\n'
                 '    assertEquals("middle", Price(999).band())\n    assertEquals("high", Price(1000).band())'),
        proposed("exitsTheMachine", "kotlin.system.exitProcess(0)"),
        proposed("readsTheEnvironment", 'assertEquals(null, System.getenv("ANTHROPIC_API_KEY"))'),
    ],
    "Price.plus": [proposed("addsMoneyOfJava", 'assertEquals("middle", Price(100).plus(Money { 1 }).band())')],
    "half": [proposed("roundsHalfUp", "assertEquals(3, half(5))")],
}  # fmt: skip


def script(question):
    if "verdicts" in question.schema.get("properties", {}):
        return {"verdicts": []}
    shown = blocks_of("\n".join(question.parts))
    for name, tests in TESTS.items():
        if f"Function: {name}." in question.text and "segment" in shown:
            return {"tests": tests}
    return {"tests": []}


@pytest.fixture(scope="module")
def written(tmp_path_factory, worker_id):
    def make(folder):
        repo = folder / "repo"
        for path, text in REPOSITORY.items():
            (repo / path).parent.mkdir(parents=True, exist_ok=True)
            (repo / path).write_text(text)
        git(repo, "init", "-q", ".")
        git(repo, "add", "-A")
        config, output = folder / "config.yaml", folder / "out"
        with Loopback(script) as server, pytest.MonkeyPatch.context() as patch:
            told = settings(server.url).model_dump(
                mode="json", include={"executors", "orchestrator", "fallback_strategy"}
            )
            config.write_text(json.dumps({"orchestration": {**told, "test_gen": {"mutants": 12}}}))
            for name, key in KEYS.items():
                patch.setenv(name, key)
            patch.chdir(repo)
            words = ["--config", str(config), "--output", str(output), "--file", SOURCE, "--seconds", "150"]
            done = CliRunner().invoke(app, ["test-gen", *words])
            assert done.exit_code == 0, done.output + str(done.exception)
        report = json.loads((output / "findings.json").read_text())
        patch_file = output / "changes.patch"
        return report, patch_file.read_text() if patch_file.exists() else "", repo

    return once(tmp_path_factory, worker_id, "kotlin", make)


@needs_kotlin
def test_what_earns_its_place_is_kept(written):
    target = written[0]["targets"][0]
    kept = {one["test"].rpartition("::")[2] for one in target["kept"]}
    assert kept == {"tellsTheBands", "addsMoneyOfJava"}, json.dumps(target, indent=1)
    before, after = target["coverage"]["before"], target["coverage"]["after"]
    assert after["lines"]["covered"] > before["lines"]["covered"]
    assert after["branches"]["covered"] > before["branches"]["covered"]
    assert target["mutation"]["after"]["killed"] > target["mutation"]["before"]["killed"]


@needs_kotlin
def test_every_other_proposal_ends_at_the_gate_made_for_it(written):
    target = written[0]["targets"][0]
    reasons = {drop["test"]: (drop["gate"], drop["reason"]) for drop in target["dropped"]}
    assert any("expected: <3> but was: <2>" in question for question in target["questions"])
    assert reasons["looksAtTheTypeAlone"][0] in {"bites", "gains"}
    assert {reasons[name][0] for name in ("exitsTheMachine", "readsTheEnvironment")} == {"static"}


@needs_kotlin
def test_the_patch_applies(written):
    _, patch, root = written
    (root.parent / "changes.patch").write_text(patch)
    git(root, "apply", "--check", "../changes.patch")
    assert "src/test/kotlin/shop/PriceGeneratedTest.kt" in patch
    assert "+// tta-orchestrate: generated" in patch


@pytest.mark.parametrize(
    ("code", "why"),
    [
        ("assertNotNull(Price(1))", "earnest"),
        ("assertEquals(1, 1)", "earnest"),
        ("Price(1).band()", "no assertion"),
        ('System.exit(0)\n    assertEquals("low", Price(1).band())', "machine"),
        ('kotlin.system.exitProcess(0)\n    assertEquals("low", Price(1).band())', "names a package"),
        ('Thread.sleep(10)\n    assertEquals("low", Price(1).band())', "sleeps"),
        ("assertEquals(1, Price(1).javaClass.hashCode())", "reflection"),
        ("assertEquals(1, Price::class.java.declaredFields.size)", "reflection"),
        ("assertEquals(1, java.net.Socket().port)", "uses java.net"),
        ("assertEquals(1, java.util.Random().nextInt())", "chance"),
        ('println("x")\n    assertEquals("low", Price(1).band())', "prints"),
    ],
)
def test_the_static_gate_refuses(code, why):
    proposal = RUNNER.read("refused", f"@Test\nfun refused() {{\n    {code}\n}}\n", "Price.band")
    assert isinstance(proposal, Proposal)
    assert why in RUNNER.refusals(proposal, SOURCE, Kit(programs={}, facts={"packages": "shop"}))


@pytest.mark.parametrize(
    "code",
    [
        "class X { @Test fun sample() { } }",
        "@Test @Disabled fun sample() { }",
        "fun sample() { }",
        "@Test fun other() { }",
        "@Test fun sample(x: Int) { }",
        "val x = 1\n@Test fun sample() { }",
        "@Test fun sample() {",
    ],
)
def test_anything_but_imports_and_one_test_function_is_no_proposal(code):
    assert isinstance(RUNNER.read("sample", code, "half"), str)


def test_an_assertion_of_an_exception_is_one():
    body = '    val error = assertThrows(IllegalArgumentException::class.java) { Price(-1) }\n    assertEquals("x", error.message)'
    proposal = RUNNER.read("refuses", f"@Test\nfun refuses() {{\n{body}\n}}\n", "Price.init")
    assert RUNNER.refusals(proposal, SOURCE, Kit(programs={}, facts={"packages": "shop"})) == ""


def test_mutants_are_splices_inside_of_functions():
    found = RUNNER.mutants(PRICE)
    assert {"comparison", "arithmetic", "logical", "condition", "constant"} <= {m.operator for m in found}
    assert all(PRICE[m.start : m.end] == m.before for m in found)
    assert {m.symbol for m in found} == {"Price.init", "Price.band", "Price.plus", "half"}


def test_what_is_missing_is_named(tmp_path):
    found = replace(RUNNER, kotlin=tmp_path).equip(Tree(REPOSITORY), SOURCE, HOST)
    assert isinstance(found, Missing)
    assert "kotlinc" in found.reason
