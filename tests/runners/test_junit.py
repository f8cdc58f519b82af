"""Tests for Java at the command line: a real JDK, real JUnit and JaCoCo, a scripted model over the loopback."""

import json
import re
import subprocess

import pytest
from typer.testing import CliRunner

from generated import git, once
from scripted import blocks_of
from team import KEYS, settings
from tta_orchestrate.cli.app import app
from tta_orchestrate.loopback.server import Loopback
from tta_orchestrate.ports.test_runner import Kit
from tta_orchestrate.runners.junit import RUNNER


class Folder:
    """A folder as the runners see a tree."""

    def __init__(self, root):
        self.root = root

    def files(self):
        return [str(p.relative_to(self.root)) for p in self.root.rglob("*") if p.is_file()]

    def read(self, path):
        return (self.root / path).read_text()


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
    "exits": "System.exit(0);",
    "readsTheEnvironment": 'assertEquals(null, System.getenv("ANTHROPIC_API_KEY"));',
    "runs": 'Runtime.getRuntime().exec("id"); assertEquals("low", new Price(1).band());',
    "writesVerdicts": 'java.nio.file.Files.writeString(java.nio.file.Path.of("/proc/self/fd/4"), "passed");',
    "escapes": '\\u0053ystem.exit(0); assertEquals("low", new Price(1).band());',
    "reflects": 'assertEquals(1, Price.class.getDeclaredFields().length);',
}
TESTS = {
    "Price.band": [
        proposed("tellsTheBands", 'assertEquals("low", new Price(100).band());\n    assertEquals("middle", new Price(101).band());\n'
                 '    assertEquals("middle", new Price(999).band());\n    assertEquals("high", new Price(1000).band());'),
        proposed("looksAtTheTypeAlone", "assertTrue(new Price(500).band() instanceof String);"),
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
            report, output = tta(folder / "repo", server.url, "--file", "src/main/java/shop/Price.java", "--seconds", "90")
        return report, (output / "changes.patch").read_text(), folder / "repo"

    return once(tmp_path_factory, worker_id, "java", make)


def test_what_earns_its_place_is_kept(written):
    target = written[0]["targets"][0]
    print(json.dumps(target, indent=1))
    kept = {one["test"].rpartition("::")[2] for one in target["kept"]}
    assert kept == {"tellsTheBands", "refusesANegativePrice"}
