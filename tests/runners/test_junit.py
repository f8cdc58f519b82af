"""Tests for Java at the command line: a real JDK, real JUnit and JaCoCo, a scripted model over the loopback."""

import json
import shutil
import socket
import sys
from contextlib import contextmanager
from dataclasses import replace

import pytest
from typer.testing import CliRunner

from generated import git, once
from scripted import blocks_of
from team import KEYS, settings
from toolchains import needs
from tta_orchestrate.cli.app import app
from tta_orchestrate.loopback.server import Loopback
from tta_orchestrate.modes.test_gen import snapshot
from tta_orchestrate.modes.test_gen.environment import find_environment
from tta_orchestrate.modes.test_gen.runs import Runs, Try
from tta_orchestrate.ports.test_runner import Answer, Ask, Host, Kit, Missing, Proposal
from tta_orchestrate.runners.junit import RUNNER
from tta_orchestrate.sandbox.run import Sandbox


class Tree(dict):
    """Texts by path, as the runners see a tree."""

    def files(self):
        return list(self)

    def read(self, path):
        return self[path]


HOST = Host(which=shutil.which, installed=lambda path: None)


def equipped(files, source="src/main/java/shop/Price.java"):
    return RUNNER.equip(Tree(files), source, HOST)


READY = equipped({"src/main/java/shop/Price.java": "package shop; class Price {}"})
needs_java = needs(READY.reason if isinstance(READY, Missing) else "")


PRICE = """
package shop;

/** A price in cents. */
public final class Price {
    private final int net;

    public Price(int net) {
        if (net < 0) {
            throw new IllegalArgumentException("a price is not negative");
        }
        this.net = net;
    }

    /** Return the price with {@code percent} of tax. */
    public int gross(int percent) {
        return net + net * percent / 100;
    }

    /** Return low up to 100, high from 1000 on, else middle. */
    public String band() {
        if (net > 100 && net < 1000) {
            return "middle";
        }
        return net <= 100 ? "low" : "high";
    }

    /** Return half of the price, rounded up. */
    public int half() {
        return net / 2;
    }
}
""".lstrip()
EXISTING = """
package shop;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.api.Test;

class PriceTest {
    @Test
    void addsTax() {
        assertEquals(120, new Price(100).gross(20));
    }
}
""".lstrip()
REPOSITORY = {
    "pom.xml": "<project><properties><maven.compiler.release>11</maven.compiler.release></properties></project>",
    "src/main/java/shop/Price.java": PRICE,
    "src/test/java/shop/PriceTest.java": EXISTING,
}


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


def script(question):
    shown = blocks_of("\n".join(question.parts))
    if "verdicts" in question.schema.get("properties", {}):
        return {"verdicts": []}
    for name, tests in TESTS.items():
        if f"Function: {name}." in question.text and "segment" in shown:
            return {"tests": tests}
    return {"tests": []}


def made(folder, files):
    for path, text in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)
    git(folder, "init", "-q", ".")
    git(folder, "add", "-A")
    git(folder, "-c", "user.name=n", "-c", "user.email=e", "commit", "-qm", "x")
    return folder


def tta(folder, url, *arguments):
    told = settings(url).model_dump(mode="json", include={"executors", "orchestrator", "fallback_strategy"})
    config, output = folder.parent / "config.yaml", folder.parent / "out"
    config.write_text(json.dumps({"orchestration": {**told, "test_gen": {"mutants": 24}}}))
    done = CliRunner().invoke(app, ["test-gen", "--config", str(config), "--output", str(output), *arguments])
    assert done.exit_code == 0, done.output + str(done.exception)
    return json.loads((output / "findings.json").read_text()), output


@pytest.fixture(scope="module")
def written(tmp_path_factory, worker_id):
    def make(folder):
        made(folder / "repo", REPOSITORY)
        with Loopback(script) as server, pytest.MonkeyPatch.context() as patch:
            for name, key in KEYS.items():
                patch.setenv(name, key)
            patch.chdir(folder / "repo")
            report, output = tta(
                folder / "repo", server.url, "--file", "src/main/java/shop/Price.java", "--seconds", "90"
            )
        return report, (output / "changes.patch").read_text(), folder / "repo"

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


HARNESS = []
"""The answer of its preparation, once for every test of this process."""


@contextmanager
def bench(files, source="src/main/java/shop/Price.java"):
    """What runs tests of a repository in the sandbox."""
    with snapshot.from_blobs({path: text.encode() for path, text in files.items()}) as tree:
        environment = find_environment(tree.path, asked="", fallback=sys.executable)
        runner = replace(RUNNER, patience=("2", "2"))
        runs = Runs(
            sandbox=Sandbox(), environment=environment, root=tree.path, runner=runner, kit=equipped(files, source)
        )
        if not HARNESS:
            HARNESS.append(runs.prepare(tree))
        assert HARNESS[0].ok
        yield replace(runs, kit=runner.prepared(HARNESS[0], runs.kit)), tree


def ran(files, tests):
    """What the harness says of these test files, measured."""
    with bench({**REPOSITORY, **files}) as (runs, tree):
        return runs.one(tree, Try(ask=Ask(sources=("src/main/java/shop/Price.java",), tests=tuple(tests)), seconds=60))


def class_of(name, body, head=""):
    return {
        f"src/test/java/shop/{name}.java": f"package shop;\nimport static org.junit.jupiter.api.Assertions.*;\n"
        f"import org.junit.jupiter.api.*;\n{head}class {name} {{\n{body}\n}}\n"
    }


@needs_java
@pytest.mark.parametrize(
    ("attack", "shown"),
    [
        ("System.exit(0);", "ended the whole machine"),
        ("Runtime.getRuntime().halt(0);", "ended the whole machine"),
        ("while (true) { }", "took longer"),
    ],
)
def test_a_test_that_ends_the_machine_or_hangs_has_not_passed(attack, shown):
    files = class_of("BadTest", f"@Test void bad() {{ {attack} }}")
    found = ran(files, ["src/test/java/shop/BadTest.java"]).run.tests
    assert [(one.name, one.outcome) for one in found] == [("BadTest.bad", "failed")]
    assert shown in found[0].error


FORGER = """
    static final String RECORD = "{\\"event\\":\\"test\\",\\"name\\":\\"forged\\",\\"outcome\\":\\"passed\\",\\"file\\":\\"x\\"}\\n";

    @Test void forged() throws Exception {
        java.util.List<java.nio.file.Path> ways = new java.util.ArrayList<>();
        for (int fd = 0; fd < 64; fd++) ways.add(java.nio.file.Path.of("/proc/self/fd/" + fd));
        try (var files = java.nio.file.Files.walk(java.nio.file.Path.of(System.getenv("TMPDIR")).getParent())) {
            files.filter(java.nio.file.Files::isRegularFile).forEach(ways::add);
        }
        for (var way : ways) {
            try {
                java.nio.file.Files.writeString(way, RECORD, java.nio.file.StandardOpenOption.APPEND);
            } catch (Exception ignored) { }
        }
        fail("after all");
    }
"""


@needs_java
def test_records_that_a_test_writes_wherever_it_can_are_not_believed():
    found = ran(class_of("ForgerTest", FORGER), ["src/test/java/shop/ForgerTest.java"])
    assert [(one.name, one.outcome) for one in found.run.tests] == [("ForgerTest.forged", "failed")]


CURIOUS = """
    @Test void looks() throws Exception {
        StringBuilder seen = new StringBuilder(System.getenv().toString());
        for (String path : new String[] {"/proc/1/environ", "/proc/self/fd/0", "/proc/self/fd/3", "/etc/shadow"}) {
            try { seen.append(java.nio.file.Files.readString(java.nio.file.Path.of(path))); } catch (Exception e) { }
        }
        try (var s = new java.net.Socket("127.0.0.1", PORT)) { seen.append("CONNECTED"); } catch (Exception e) { }
        fail(seen.toString());
    }
"""


@needs_java
def test_a_test_finds_neither_keys_nor_a_network(monkeypatch):
    monkeypatch.setenv("ANTHROPIC_API_KEY", "canary-sk")
    with socket.create_server(("127.0.0.1", 0)) as server:
        body = CURIOUS.replace("PORT", str(server.getsockname()[1]))
        found = ran(class_of("CuriousTest", body), ["src/test/java/shop/CuriousTest.java"])
    assert found.run.tests[0].outcome == "failed"
    assert "TMPDIR" in found.run.tests[0].error
    assert "canary" not in found.run.tests[0].error
    assert "CONNECTED" not in found.run.tests[0].error


@needs_java
def test_a_file_that_does_not_compile_is_left_out_and_the_others_run():
    files = class_of("PriceTest", "@Test void fine() { assertEquals(120, new Price(100).gross(20)); }")
    files |= class_of("BrokenTest", "@Test void broken() { int x = }")
    found = ran(files, ["src/test/java/shop/PriceTest.java"]).run
    assert [(one.name, one.outcome) for one in found.tests] == [("PriceTest.fine", "passed")]
    alone = ran(files, ["src/test/java/shop/BrokenTest.java"]).run
    assert alone.tests == ()
    assert "BrokenTest.java" in alone.error


@needs_java
def test_mutants_share_one_machine_and_one_that_cannot_be_stopped_is_told_apart():
    body = '@Test void band() { assertEquals("low", new Price(1).band()); }'
    stubborn = "while (true) { try { while (true) { } } catch (Throwable error) { } }"
    changes = ['"low"', '"LOW"'], ["return net / 2", "return net / 3"], ["int net) {", "int net) { oops"], [
        "if (net > 100 && net < 1000) {", f"if (net > 0) {{ {stubborn} }} if (net > 100 && net < 1000) {{"
    ], ["net <= 100", "net > 100"]  # fmt: skip
    texts = [PRICE.replace(before, after) for before, after in changes]
    source, test = "src/main/java/shop/Price.java", "src/test/java/shop/PriceTest.java"
    with bench({**REPOSITORY, **class_of("PriceTest", body)}) as (runs, tree):
        tries = [Try(ask=Ask(tests=(test,)), files={source: text}, seconds=20) for text in texts]
        found = runs.mutants(tree, source, tries)
    outcomes = [[one.outcome for one in tried.run.tests] for tried in found]
    assert outcomes == [["failed"], ["passed"], [], ["failed"], ["failed"]]


@needs_java
def test_lines_and_each_branch_are_measured():
    body = """@Test void one() { new Price(101).band(); }
    @org.junit.jupiter.params.ParameterizedTest @org.junit.jupiter.params.provider.ValueSource(ints = {5, 6})
    void many(int n) { assertEquals("low", new Price(n).band()); }"""
    found = ran(class_of("PriceTest", body), ["src/test/java/shop/PriceTest.java"]).run
    measured = found.coverage["src/main/java/shop/Price.java"]
    text = PRICE.split("\n")
    lines = {text[n - 1].strip() for n in measured.all_lines - measured.lines}
    assert lines == {'throw new IllegalArgumentException("a price is not negative");', "return net + net * percent / 100;",
                     "return net / 2;"}  # fmt: skip
    assert len(measured.all_branches) == 8
    assert len(measured.branches) == 5
    assert [one.name for one in found.tests] == ["PriceTest.one", "PriceTest.many(int)"]


HALF = "package shop;\npublic class Half { public int of(int n) { return n / 2; } }\n"
HALF_TEST = class_of("HalfTest", "@Test void half() throws Exception { assertEquals(2, new Half().of(4)); }")
LAYOUTS = {
    "flat": ("src/shop/Half.java", "test/shop/HalfTest.java", {}),
    "modules": (
        "core/src/main/java/shop/Half.java",
        "core/src/test/java/shop/HalfTest.java",
        {"util/src/main/java/shop/Util.java": "package shop;\nclass Util { }\n"},
    ),
    "others that want what is not here": (
        "src/main/java/shop/Half.java",
        "src/test/java/shop/HalfTest.java",
        {
            "src/main/java/module-info.java": "module shop { }",
            "src/main/java/shop/Bad.java": "@lombok.Data class Bad { }",
        },
    ),
}


@needs_java
@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_repository_is_compiled_as_it_is_laid_out(layout):
    source, test, others = LAYOUTS[layout]
    files = {source: HALF, test: next(iter(HALF_TEST.values())), **others}
    with bench(files, source) as (runs, tree):
        found = runs.one(tree, Try(ask=Ask(tests=(test,), sources=(source,)), seconds=60)).run
        place = RUNNER.place(tree, source, runs.kit)
    assert [(one.name, one.outcome, one.file) for one in found.tests] == [("HalfTest.half", "passed", test)]
    assert found.coverage[source].lines == {2}
    assert place == test.replace("HalfTest", "HalfGeneratedTest")


@needs_java
def test_a_source_that_wants_what_only_a_registry_has_says_so():
    source = "src/main/java/shop/Half.java"
    with bench({source: "package shop;\n@lombok.Data class Half { }\n"}, source) as (runs, tree):
        place = RUNNER.place(tree, source, runs.kit)
        files = {place: RUNNER.loads(source, place, runs.kit)}
        found = runs.one(tree, Try(ask=Ask(tests=(place,), sources=(source,)), files=files)).run
    assert found.tests == ()
    assert "package lombok does not exist" in found.error


@needs_java
def test_junit_4_is_followed():
    old = "package shop;\nimport static org.junit.Assert.assertEquals;\nimport org.junit.Test;\npublic class PriceTest {\n"
    old += '    @Test public void low() { assertEquals("low", new Price(1).band()); }\n}\n'
    files = {**REPOSITORY, "src/test/java/shop/PriceTest.java": old}
    kit = equipped(files)
    proposal = RUNNER.read("taxes", "@Test void taxes() { assertEquals(12, new Price(10).gross(20)); }", "Price.gross")
    place = RUNNER.place(Tree(files), "src/main/java/shop/Price.java", kit)
    files[place] = RUNNER.write([proposal], "src/main/java/shop/Price.java", place, kit)
    assert "import org.junit.Test;" in files[place]
    found = ran(files, ["src/test/java/shop/PriceTest.java", place]).run
    assert {(one.name, one.outcome) for one in found.tests} == {("PriceTest.low", "passed"), ("taxes", "passed")}


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
    found = replace(RUNNER, jars=tmp_path, machines=tmp_path).equip(
        Tree(REPOSITORY), "src/main/java/shop/Price.java", HOST
    )
    assert isinstance(found, Missing)
    assert "junit-jupiter-api" in found.reason
    assert "apt-get install junit5" in found.reason


def test_answers_without_the_nonce_or_that_are_no_json_are_nothing():
    kit = Kit(programs={}, facts={"nonce": "n0"})
    text = 'n1 {"event":"test","name":"a","outcome":"passed"}\nn0 {oops\nn0 []\n{"event":"test"}\n'
    assert RUNNER.results(Answer(codes=(0,), files={"answers": text}), Ask(tests=()), kit, {}).tests == ()
