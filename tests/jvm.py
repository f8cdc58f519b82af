"""A small repository in Java, and what runs tests of it in the sandbox with the real tools."""

import shutil
import sys
from contextlib import contextmanager
from dataclasses import replace

from toolchains import needs
from tta_orchestrate.modes.test_gen import snapshot
from tta_orchestrate.modes.test_gen.environment import find_environment
from tta_orchestrate.modes.test_gen.runs import Runs, Try
from tta_orchestrate.ports.test_runner import Ask, Host, Missing
from tta_orchestrate.runners.junit import RUNNER
from tta_orchestrate.sandbox.run import Sandbox

SOURCE = "src/main/java/shop/Price.java"


class Tree(dict):
    """Texts by path, as the runners see a tree."""

    def files(self):
        return list(self)

    def read(self, path):
        return self[path]


HOST = Host(which=shutil.which, installed=lambda path: None)


def equipped(files, source=SOURCE):
    return RUNNER.equip(Tree(files), source, HOST)


READY = equipped({SOURCE: "package shop; class Price {}"})
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
    SOURCE: PRICE,
    "src/test/java/shop/PriceTest.java": EXISTING,
}


HARNESS = []
"""The answer of its preparation, once for every test of this process."""


@contextmanager
def bench(files, source=SOURCE):
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
        return runs.one(tree, Try(ask=Ask(sources=(SOURCE,), tests=tuple(tests)), seconds=60))


def class_of(name, body, head=""):
    return {
        f"src/test/java/shop/{name}.java": f"package shop;\nimport static org.junit.jupiter.api.Assertions.*;\n"
        f"import org.junit.jupiter.api.*;\n{head}class {name} {{\n{body}\n}}\n"
    }
