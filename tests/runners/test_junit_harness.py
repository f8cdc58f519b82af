"""The harness for Java in the sandbox: a real JDK, real JUnit and JaCoCo, hostile and odd repositories."""

import socket

import pytest

from jvm import PRICE, REPOSITORY, SOURCE, Tree, bench, class_of, equipped, needs_java, ran
from tta_orchestrate.modes.test_gen.runs import Try, measure_suite
from tta_orchestrate.ports.test_runner import Ask
from tta_orchestrate.runners.junit import RUNNER

pytestmark = needs_java


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


def test_a_test_finds_neither_keys_nor_a_network(monkeypatch):
    monkeypatch.setenv("ANTHROPIC_API_KEY", "canary-sk")
    with socket.create_server(("127.0.0.1", 0)) as server:
        body = CURIOUS.replace("PORT", str(server.getsockname()[1]))
        found = ran(class_of("CuriousTest", body), ["src/test/java/shop/CuriousTest.java"])
    assert found.run.tests[0].outcome == "failed"
    assert "TMPDIR" in found.run.tests[0].error
    assert "canary" not in found.run.tests[0].error
    assert "CONNECTED" not in found.run.tests[0].error


def test_a_file_that_does_not_compile_is_left_out_and_the_others_run():
    files = class_of("PriceTest", "@Test void fine() { assertEquals(120, new Price(100).gross(20)); }")
    files |= class_of("BrokenTest", "@Test void broken() { int x = }")
    found = ran(files, ["src/test/java/shop/PriceTest.java"]).run
    assert [(one.name, one.outcome) for one in found.tests] == [("PriceTest.fine", "passed")]
    both = ran(files, ["src/test/java/shop/BrokenTest.java", "src/test/java/shop/PriceTest.java"]).run
    assert [(one.name, one.outcome) for one in both.tests] == [("PriceTest.fine", "passed")]
    assert "BrokenTest.java" in both.error
    alone = ran(files, ["src/test/java/shop/BrokenTest.java"]).run
    assert alone.tests == ()
    assert "BrokenTest.java" in alone.error


def test_mutants_share_one_machine_and_one_that_cannot_be_stopped_is_told_apart():
    body = '@Test void band() { assertEquals("low", new Price(1).band()); }'
    stubborn = "while (true) { try { while (true) { } } catch (Throwable error) { } }"
    changes = ['"low"', '"LOW"'], ["return net / 2", "return net / 3"], ["int net) {", "int net) { oops"], [
        "if (net > 100 && net < 1000) {", f"if (net > 0) {{ {stubborn} }} if (net > 100 && net < 1000) {{"
    ], ["net <= 100", "net > 100"]  # fmt: skip
    texts = [PRICE.replace(before, after) for before, after in changes]
    source, test = SOURCE, "src/test/java/shop/PriceTest.java"
    with bench({**REPOSITORY, **class_of("PriceTest", body)}) as (runs, tree):
        tries = [Try(ask=Ask(tests=(test,)), files={source: text}, seconds=20) for text in texts]
        found = runs.mutants(tree, source, tries)
    outcomes = [[one.outcome for one in tried.run.tests] for tried in found]
    assert outcomes == [["failed"], ["passed"], [], ["failed"], ["failed"]]


def test_lines_and_each_branch_are_measured():
    body = """@Test void one() { new Price(101).band(); }
    @org.junit.jupiter.params.ParameterizedTest @org.junit.jupiter.params.provider.ValueSource(ints = {5, 6})
    void many(int n) { assertEquals("low", new Price(n).band()); }"""
    found = ran(class_of("PriceTest", body), ["src/test/java/shop/PriceTest.java"]).run
    measured = found.coverage[SOURCE]
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


def test_a_target_that_does_not_compile_leaves_the_suite_to_the_others():
    source, test, _ = LAYOUTS["flat"]
    odd = {"src/shop/Odd.java": "package shop;\n@lombok.Data class Odd { }\n"}
    with bench({source: HALF, test: next(iter(HALF_TEST.values())), **odd}, source) as (runs, tree):
        found = measure_suite(runs, tree, (source, *odd), seconds=60).run
    assert [(one.name, one.outcome) for one in found.tests] == [("HalfTest.half", "passed")]
    assert found.coverage[source].lines == {2}


def test_a_source_that_wants_what_only_a_registry_has_says_so():
    source = "src/main/java/shop/Half.java"
    with bench({source: "package shop;\n@lombok.Data class Half { }\n"}, source) as (runs, tree):
        place = RUNNER.place(tree, source, runs.kit)
        files = {place: RUNNER.loads(source, place, runs.kit)}
        found = runs.one(tree, Try(ask=Ask(tests=(place,), sources=(source,)), files=files)).run
    assert found.tests == ()
    assert "package lombok does not exist" in found.error


def test_junit_4_is_followed():
    old = "package shop;\nimport static org.junit.Assert.assertEquals;\nimport org.junit.Test;\npublic class PriceTest {\n"
    old += '    @Test public void low() { assertEquals("low", new Price(1).band()); }\n}\n'
    files = {**REPOSITORY, "src/test/java/shop/PriceTest.java": old}
    kit = equipped(files)
    proposal = RUNNER.read("taxes", "@Test void taxes() { assertEquals(12, new Price(10).gross(20)); }", "Price.gross")
    place = RUNNER.place(Tree(files), SOURCE, kit)
    files[place] = RUNNER.write([proposal], SOURCE, place, kit)
    assert "import org.junit.Test;" in files[place]
    found = ran(files, ["src/test/java/shop/PriceTest.java", place]).run
    assert {(one.name, one.outcome) for one in found.tests} == {("PriceTest.low", "passed"), ("taxes", "passed")}
