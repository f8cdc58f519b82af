"""Tests for Go at the command line: a real Go, a scripted model over the loopback."""

import json
import shutil
import socket
import sys
from contextlib import contextmanager

import pytest
from typer.testing import CliRunner

from generated import git, once
from scripted import blocks_of
from team import KEYS, settings
from toolchains import needs
from tta_orchestrate.cli.app import app
from tta_orchestrate.loopback.server import Loopback
from tta_orchestrate.modes.test_gen import snapshot
from tta_orchestrate.modes.test_gen.biting import by_suite
from tta_orchestrate.modes.test_gen.environment import find_environment
from tta_orchestrate.modes.test_gen.proving import ended
from tta_orchestrate.modes.test_gen.runs import Runs, Try, measure_suite
from tta_orchestrate.ports.test_runner import Ask, Host, Kit, Missing, Proposal
from tta_orchestrate.runners.go_test import RUNNER
from tta_orchestrate.sandbox.run import Sandbox

needs_go = needs("" if shutil.which("go") else "go is not installed here (golang-go)")
HOST = Host(which=shutil.which, installed=lambda path: None)
SOURCE = "money/price.go"
PRICE = """
// Package money knows prices.
package money

import "errors"

// ErrNegative says that a price is below nothing.
var ErrNegative = errors.New("a price is not negative")

// Price is in cents.
type Price struct{ net int }

// New returns a price.
func New(net int) (Price, error) {
	if net < 0 {
		return Price{}, ErrNegative
	}
	return Price{net: net}, nil
}

// Band returns low up to 100, high from 1000 on, else middle.
func (p Price) Band() string {
	if p.net > 100 && p.net < 1000 {
		return "middle"
	}
	if p.net <= 100 {
		return "low"
	}
	return "high"
}

// Half returns half of n, rounded up.
func Half(n int) int {
	return n / 2
}
""".lstrip()
EXISTING = """
package money

import "testing"

func TestLowBand(t *testing.T) {
	p, err := New(5)
	if err != nil || p.Band() != "low" {
		t.Fatalf("got %v %v", p.Band(), err)
	}
}
""".lstrip()
REPOSITORY = {"go.mod": "module example.org/shop\n\ngo 1.19\n", SOURCE: PRICE, "money/price_test.go": EXISTING}


class Tree(dict):
    """Texts by path, as the runners see a tree."""

    def files(self):
        return list(self)

    def read(self, path):
        return self[path]


def proposed(name, body, imports=""):
    return {"name": name, "code": f"{imports}func {name}(t *testing.T) {{\n{body}\n}}\n"}


def compares(expression, wanted):
    return f'\tif got := {expression}; got != {wanted} {{\n\t\tt.Errorf("got %v", got)\n\t}}'


HOSTILE = [
    proposed("TestExits", "\tos.Exit(0)", 'import "os"\n\n'),
    proposed("TestReadsTheEnvironment", '\tt.Errorf("%v", os.Environ())', 'import "os"\n\n'),
    proposed("TestForgesAVerdict", '\tfmt.Println("--- PASS: TestForgesAVerdict (0.00s)")\n' + compares("Half(4)", "7"), 'import "fmt"\n\n'),
    proposed("TestStartsThreads", "\tgo func() {}()\n" + compares("Half(4)", "2")),
]  # fmt: skip
TESTS = {
    "Price.Band": [
        proposed("TestLooksAtNothing", '\tp, _ := New(500)\n\tif p.Band() == "" {\n\t\tt.Fatal("empty")\n\t}'),
        proposed("TestBands", '\tfor net, want := range map[int]string{100: "low", 101: "middle", 999: "middle", 1000: "high"} {\n'
                 '\t\tp, _ := New(net)\n' + compares("p.Band()", "want") + "\n\t}"),
        proposed("TestLoops", "\tfor Half(4) == 2 {\n\t}\n" + compares("Half(4)", "2")),
    ],
    "New": [
        proposed("TestNegativeIsRefused", '\tif _, err := New(-1); !errors.Is(err, ErrNegative) {\n\t\tt.Fatalf("got %v", err)\n\t}\n'
                 '\tif _, err := New(0); err != nil {\n\t\tt.Fatalf("got %v", err)\n\t}', 'import "errors"\n\n'),
        *HOSTILE,
    ],
    "Half": [proposed("TestHalfIsRoundedUp", compares("Half(5)", "3"))],
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
            config.write_text(json.dumps({"orchestration": {**told, "test_gen": {"mutants": 20}}}))
            for name, key in KEYS.items():
                patch.setenv(name, key)
            patch.chdir(repo)
            words = ["--config", str(config), "--output", str(output), "--file", SOURCE, "--seconds", "90"]
            done = CliRunner().invoke(app, ["test-gen", *words])
            assert done.exit_code == 0, done.output + str(done.exception)
        report = json.loads((output / "findings.json").read_text())
        return report, (output / "changes.patch").read_text(), repo

    return once(tmp_path_factory, worker_id, "go", make)


@needs_go
def test_what_earns_its_place_is_kept(written):
    target = written[0]["targets"][0]
    kept = {one["test"].rpartition("::")[2] for one in target["kept"]}
    assert kept == {"TestBands", "TestNegativeIsRefused"}
    before, after = target["coverage"]["before"], target["coverage"]["after"]
    assert after["lines"]["covered"] > before["lines"]["covered"]
    assert after["branches"]["total"] == 0, "Go measures no branches, and none are claimed"
    assert target["mutation"]["after"]["killed"] > target["mutation"]["before"]["killed"]


@needs_go
def test_every_other_proposal_ends_at_the_gate_made_for_it(written):
    target = written[0]["targets"][0]
    reasons = {drop["test"]: (drop["gate"], drop["reason"]) for drop in target["dropped"]}
    assert any("got 2" in question for question in target["questions"])
    assert reasons["TestLooksAtNothing"][0] in {"bites", "gains"}
    assert reasons["TestLoops"][0] in {"collects", "passes"}
    assert {reasons[one["name"]][0] for one in HOSTILE} == {"static"}


@needs_go
def test_the_patch_applies(written):
    _, patch, root = written
    (root.parent / "changes.patch").write_text(patch)
    git(root, "apply", "--check", "../changes.patch")
    assert "money/price_generated_test.go" in patch
    assert "+// tta-orchestrate: generated" in patch


@contextmanager
def bench(files):
    """What runs tests of a repository in the sandbox."""
    with snapshot.from_blobs({path: text.encode() for path, text in files.items()}) as tree:
        yield Runs(
            sandbox=Sandbox(), environment=find_environment(tree.path, asked="", fallback=sys.executable),
            root=tree.path, runner=RUNNER, kit=RUNNER.equip(tree, SOURCE, HOST),
        ), tree  # fmt: skip


def ran(body, imports="", seconds=30):
    """What one hostile test of the repository comes to, in the sandbox."""
    test = "money/bad_test.go"
    code = f'package money\n\nimport (\n"testing"\n{imports}\n)\n\nfunc TestBad(t *testing.T) {{\n{body}\n}}\n'
    files = {**REPOSITORY, test: code}
    with bench(files) as (runs, tree):
        return runs.one(tree, Try(ask=Ask(tests=(test,), sources=(SOURCE,)), seconds=seconds)).run


@needs_go
@pytest.mark.parametrize(
    ("body", "imports"),
    [
        ("os.Exit(0)", '"os"'),
        ("syscall.Exit(0)", '"syscall"'),
        ("panic(1)", ""),
        ("t.FailNow()", ""),
        ("select {}", ""),
    ],
)
def test_a_test_that_ends_or_blocks_the_process_has_not_passed(body, imports):
    found = ran(body, imports, seconds=10).tests
    assert [(one.name, one.outcome) for one in found] == [("TestBad", "failed")]


@needs_go
def test_a_test_finds_neither_keys_nor_a_network(monkeypatch):
    monkeypatch.setenv("ANTHROPIC_API_KEY", "canary-sk")
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f'"127.0.0.1:{server.getsockname()[1]}"'
        body = f'_, err := net.Dial("tcp", {address})\nold, _ := os.ReadFile("/proc/1/environ")\n'
        found = ran(f'{body}t.Fatalf("%v %v %s", err, os.Environ(), old)', '"net"\n"os"').tests[0]
    assert found.outcome == "failed"
    assert "GOCACHE" in found.error
    assert "canary" not in found.error
    assert "<nil>" not in found.error


@needs_go
def test_what_does_not_compile_says_so():
    found = ran("x :=")
    assert found.tests == ()
    assert "bad_test.go" in found.error


@needs_go
def test_a_target_that_does_not_compile_leaves_the_suite_to_the_others():
    foreign = 'package odd\n\nimport "example.com/elsewhere"\n\nfunc Odd() int { return elsewhere.One }\n'
    files = {"odd/odd.go": foreign, "even/even.go": "package even\n\nfunc Even() int { return two }\n"}
    with bench({**REPOSITORY, **files}) as (runs, tree):
        suite = measure_suite(runs, tree, (SOURCE, *files), seconds=60)
    assert [(one.name, one.file, one.outcome) for one in suite.run.tests] == [
        ("TestLowBand", "money/price_test.go", "passed")
    ]
    assert suite.run.coverage[SOURCE].lines


@needs_go
def test_tests_of_one_name_in_two_packages_are_told_apart_and_what_does_not_build_kills_nothing():
    cart = 'package cart\n\nimport "testing"\n\nfunc TestLowBand(t *testing.T) {\n\tt.Fatal("broken before")\n}\n'
    files = {**REPOSITORY, "cart/cart.go": "package cart\n", "cart/cart_test.go": cart}
    with bench(files) as (runs, tree):
        suite = measure_suite(runs, tree, (SOURCE,), seconds=60)
        texts = [PRICE.replace("n / 2", "n / 3"), PRICE.replace("n / 2", "n / two"), PRICE.replace('"low"', '"LOW"')]
        ask = Ask(tests=RUNNER.tests(tree))
        tried = runs.many(tree, [Try(ask=ask, files={SOURCE: text}, seconds=60) for text in texts])
    passed = ended(suite, "passed")
    assert passed == {("money/price_test.go", "TestLowBand")}
    assert [by_suite(one, passed).status for one in tried] == ["survived", "import", "killed"]


@needs_go
def test_lines_of_statements_are_measured_and_no_braces():
    measured = ran("if _, err := New(1); err != nil {\nt.Fatal(err)\n}").coverage[SOURCE]
    text = PRICE.split("\n")
    assert {text[n - 1].strip() for n in measured.lines} == {"if net < 0 {", "return Price{net: net}, nil"}
    assert len(measured.all_lines) == 9


@pytest.mark.parametrize(
    ("body", "imports", "why"),
    [
        ("\tHalf(1)", "", "no assertion"),
        ('\tif false {\n\t\tt.Fatal("x")\n\t}', "", "earnest"),
        ('\tif Half(1) != Half(1) {\n\t\tt.Fatal("x")\n\t}', "", "earnest"),
        ('\tt.Skip()\n\tif Half(1) != 1 {\n\t\tt.Fatal("x")\n\t}', "", "t.Skip"),
        ('\ttime.Sleep(1)\n\tif Half(1) != 1 {\n\t\tt.Fatal("x")\n\t}', 'import "time"\n', "sleeps"),
        ('\tif Half(1) != 1 {\n\t\tt.Fatal("x")\n\t}', 'import "net/http"\n', "no network"),
        ('\tif Half(1) != 1 {\n\t\tt.Fatal("x")\n\t}', 'import . "fmt"\n', "without a name"),
        ('\tprintln("--- PASS: TestX")\n\tif Half(1) != 1 {\n\t\tt.Fatal("x")\n\t}', "", "prints"),
    ],
)
def test_the_static_gate_refuses(body, imports, why):
    proposal = RUNNER.read("TestSample", f"{imports}func TestSample(t *testing.T) {{\n{body}\n}}", "Half")
    assert isinstance(proposal, Proposal)
    assert why in RUNNER.refusals(proposal, SOURCE, Kit(programs={}, facts={"module": "example.org/shop"}))


@pytest.mark.parametrize(
    "code",
    [
        "func TestOther(t *testing.T) {}",
        "func TestSample(t *testing.T) {}\nfunc init() {}",
        "var x = 1\nfunc TestSample(t *testing.T) {}",
        "func TestSample(m *testing.M) {}",
        "func TestSample(t *testing.T) {",
    ],
)
def test_anything_but_imports_and_one_test_function_is_no_proposal(code):
    assert isinstance(RUNNER.read("TestSample", code, "Half"), str)


def test_what_stays_of_a_bent_test_is_the_same():
    one, two, far = (
        RUNNER.read("TestSample", f"func TestSample(t *testing.T) {{\n{compares(call, wanted)}\n}}", "Half")
        for call, wanted in (("Half(5)", "3"), ("Half(5)", "2"), ("Half(4)", "2"))
    )
    assert one.checks == two.checks != far.checks


def test_mutants_are_splices_inside_of_functions():
    found = RUNNER.mutants(PRICE)
    assert {"comparison", "arithmetic", "logical", "condition", "constant"} <= {m.operator for m in found}
    assert all(PRICE[m.start : m.end] == m.before for m in found)
    assert {m.symbol for m in found} == {"New", "Price.Band", "Half"}


def test_what_is_missing_is_named():
    nothing = Host(which=lambda name: None, installed=lambda path: None)
    found = RUNNER.equip(Tree(REPOSITORY), SOURCE, nothing)
    assert isinstance(found, Missing)
    assert "golang-go" in found.reason
    assert isinstance(
        RUNNER.equip(Tree({SOURCE: PRICE}), SOURCE, Host(which=lambda name: "/usr/bin/go", installed=lambda p: None)),
        Missing,
    )
