"""Tests for Java at the command line: a real JDK, real JUnit and JaCoCo, a scripted model over the loopback."""

from dataclasses import replace

import pytest

from changes import commit, proposing, tta
from generated import git, once
from jvm import HOST, PRICE, REPOSITORY, SOURCE, Tree, needs_java
from tta_orchestrate.ports.test_runner import Answer, Ask, Kit, Missing, Proposal
from tta_orchestrate.runners.junit import RUNNER


def proposed(name, body, imports=""):
    return {"name": name, "code": f"{imports}@Test\nvoid {name}() throws Exception {{\n    {body}\n}}\n"}


HOSTILE = {
    "exitsTheMachine": "System.exit(0);",
    "readsTheEnvironment": 'assertEquals(null, System.getenv("ANTHROPIC_API_KEY"));',
    "startsProcesses": 'Runtime.getRuntime().exec("id"); assertEquals("low", new Price(1).band());',
    "writesVerdicts": 'java.nio.file.Files.writeString(java.nio.file.Path.of("/proc/self/fd/4"), "passed");',
    "hidesInEscapes": '\\u0053ystem.exit(0); assertEquals("low", new Price(1).band());',
    "reflects": "assertEquals(1, Price.class.getDeclaredFields().length);",
}
TESTS = {
    "Price.band": [
        proposed("looksAtTheTypeAlone", "assertTrue(new Price(500).band() instanceof String);"),
        proposed("tellsTheBands", 'assertEquals("low", new Price(100).band());\n    assertEquals("middle", new Price(101).band());\n'
                 '    assertEquals("middle", new Price(999).band());\n    assertEquals("high", new Price(1000).band());'),
        proposed("loopsForever", 'while (new Price(5).band().equals("low")) { }\n    assertEquals(1, new Price(1).half());'),
        *(proposed(name, body) for name, body in list(HOSTILE.items())[:3]),
    ],
    "Price.Price": [
        proposed("refusesANegativePrice",
                 "IllegalArgumentException e = assertThrows(IllegalArgumentException.class, () -> new Price(-1));\n"
                 '    assertEquals("a price is not negative", e.getMessage());\n    assertEquals(0, new Price(0).gross(1));'),
        *(proposed(name, body) for name, body in list(HOSTILE.items())[3:]),
    ],
    "Price.half": [proposed("roundsHalfUp", "assertEquals(3, new Price(5).half());")],
}  # fmt: skip


@pytest.fixture(scope="module")
def written(tmp_path_factory, worker_id):
    def make(folder):
        commit(folder / "repo", REPOSITORY)
        arguments = ("--file", SOURCE, "--seconds", "90")
        report, patch, _ = tta(folder / "repo", proposing(TESTS), *arguments, mutants=24)
        return report, patch, folder / "repo"

    return once(tmp_path_factory, worker_id, "java", make)


@needs_java
def test_what_earns_its_place_is_kept(written):
    target = written[0]["targets"][0]
    kept = {one["test"].rpartition("::")[2] for one in target["kept"]}
    assert kept == {"tellsTheBands", "refusesANegativePrice"}
    before, after = target["coverage"]["before"], target["coverage"]["after"]
    assert after["lines"]["covered"] > before["lines"]["covered"]
    assert after["branches"]["covered"] > before["branches"]["covered"]
    assert target["mutation"]["after"]["killed"] > target["mutation"]["before"]["killed"]


@needs_java
def test_every_other_proposal_ends_at_the_gate_made_for_it(written):
    target = written[0]["targets"][0]
    reasons = {drop["test"]: (drop["gate"], drop["reason"]) for drop in target["dropped"]}
    assert reasons["roundsHalfUp"][0] == "passes" or "expected value" in reasons["roundsHalfUp"][1]
    assert any("expected: <3> but was: <2>" in question for question in target["questions"])
    assert reasons["looksAtTheTypeAlone"][0] == "bites"
    assert reasons["loopsForever"][0] == "passes"
    assert "took longer" in reasons["loopsForever"][1]
    assert {reasons[name][0] for name in HOSTILE} == {"static"}


@needs_java
def test_the_patch_applies_and_the_file_is_a_class_in_the_package_of_the_source(written):
    _, patch, root = written
    (root.parent / "changes.patch").write_text(patch)
    git(root, "apply", "--check", "../changes.patch")
    assert "src/test/java/shop/PriceGeneratedTest.java" in patch
    assert "+// tta-orchestrate: generated" in patch
    assert "+package shop;" in patch


@pytest.mark.parametrize(
    ("code", "why"),
    [
        ("assertNotNull(new Price(1));", "earnest"),
        ("assertEquals(1, 1);", "earnest"),
        ("new Price(1).gross(1);", "no assertion"),
        ("System.exit(0); assertEquals(1, new Price(1).half());", "machine"),
        ("Thread.sleep(10); assertEquals(1, new Price(1).half());", "sleeps"),
        ('assertEquals(1, Class.forName("shop.Price").hashCode());', "reflection"),
        ("assertEquals(1, new java.net.Socket().getPort());", "uses java.net"),
        ("assertEquals(1, new Price(1).getClass().getDeclaredMethods().length);", "reflection"),
        ("assertEquals(1, java.lang.management.ManagementFactory.getRuntimeMXBean().hashCode());", "uses java.lang"),
        ("assertEquals(java.time.LocalDate.now(), null);", "clock"),
        ("assertEquals(1, new java.util.Random().nextInt());", "chance"),
        ("org.junit.jupiter.api.Assumptions.assumeTrue(false); assertEquals(1, new Price(1).half());", "skipped"),
    ],
)
def test_the_static_gate_refuses(code, why):
    kit = Kit(programs={}, facts={"packages": "shop"})
    proposal = RUNNER.read("refused", f"@Test void refused() throws Exception {{ {code} }}", "Price.half")
    assert isinstance(proposal, Proposal)
    assert why in RUNNER.refusals(proposal, "Price.java", kit)


@pytest.mark.parametrize(
    "code",
    [
        "class X { @Test void sample() { assertTrue(true); } }",
        "@Test @Disabled void sample() { assertTrue(true); }",
        "void sample() { assertTrue(true); }",
        "@Test void other() { assertTrue(true); }",
        "@Test void sample() { assertTrue(true); } } class Y {",
        "static { System.exit(0); } @Test void sample() { assertTrue(true); }",
        "@Test void sample() { \\u0053ystem.exit(0); }",
        "@Test void sample() {",
    ],
)
def test_anything_but_imports_and_one_test_method_is_no_proposal(code):
    assert isinstance(RUNNER.read("sample", code, "Price.half"), str)


def test_imports_of_other_libraries_are_refused_and_those_of_the_repository_are_not():
    kit = Kit(programs={}, facts={"packages": "shop"})
    body = "@Test void sample() { assertEquals(1, new Price(1).half()); }"
    for imported, good in (("java.util.List", True), ("shop.sub.Other", True), ("java.net.URI", False),
                           ("java.util.concurrent.Executors", False), ("org.mockito.Mockito", False),
                           ("static java.lang.System.exit", False), ("java.io.File", False)):  # fmt: skip
        proposal = RUNNER.read("sample", f"import {imported};\n{body}", "Price.half")
        assert (RUNNER.refusals(proposal, "Price.java", kit) == "") == good, imported


def test_what_stays_of_a_bent_test_is_the_same():
    one = RUNNER.read("sample", "@Test void sample() { assertEquals(3, new Price(5).half()); }", "Price.half")
    two = RUNNER.read("other", "@Test void other() { assertEquals(2, new Price(5).half()); }", "Price.half")
    far = RUNNER.read("third", "@Test void third() { assertEquals(2, new Price(4).half()); }", "Price.half")
    assert one.checks == two.checks != far.checks


def test_mutants_are_splices_inside_of_methods():
    found = RUNNER.mutants(PRICE)
    operators = {m.operator for m in found}
    assert {"comparison", "arithmetic", "logical", "condition", "constant"} <= operators
    assert all(PRICE[m.start : m.end] == m.before for m in found)
    assert {m.symbol for m in found} == {"Price.Price", "Price.gross", "Price.band", "Price.half"}


def test_what_is_missing_is_named(tmp_path):
    found = replace(RUNNER, jars=tmp_path, machines=tmp_path).equip(Tree(REPOSITORY), SOURCE, HOST)
    assert isinstance(found, Missing)
    assert "junit-jupiter-api" in found.reason
    assert "apt-get install junit5" in found.reason


def test_answers_without_the_nonce_or_that_are_no_json_are_nothing():
    kit = Kit(programs={}, facts={"nonce": "n0"})
    text = 'n1 {"event":"test","name":"a","outcome":"passed"}\nn0 {oops\nn0 []\n{"event":"test"}\n'
    assert RUNNER.results(Answer(codes=(0,), files={"answers": text}), Ask(tests=()), kit, {}).tests == ()
