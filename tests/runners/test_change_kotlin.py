"""A change to Kotlin: kept tests on the base revision too, what broke as a finding."""

import shutil

import pytest

from changes import commit, labels, proposing, regressions, tta
from generated import once
from jvm import Tree
from toolchains import needs
from tta_orchestrate.ports.test_runner import Host, Missing
from tta_orchestrate.runners.kotlin import RUNNER

SOURCE = "src/main/kotlin/shop/Price.kt"
HEAD = """
package shop

/** Low up to 100, high from 1000 on, else middle. */
fun band(net: Int): String {
    if (net > 100 && net < 1000) {
        return "middle"
    }
    return if (net <= 100) "low" else "high"
}

fun half(n: Int): Int = (n + 1) / 2

fun rest(n: Int, step: Int): Int = n % step

fun gross(net: Int): Int = net + net / 10
""".lstrip()
BASE = HEAD.replace("net > 100", "net > 50").replace("net <= 100", "net <= 50").replace("(n + 1) / 2", "n / 2")
BASE = BASE.replace("net / 10", "net / 5").replace("fun rest(n: Int, step: Int): Int = n % step\n\n", "")
SUITE = """
package shop

import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Test

class PriceTest {
    @Test
    fun addsTax() {
        assertEquals(120, gross(100))
    }
}
""".lstrip()
FILES = {SOURCE: BASE, "src/test/kotlin/shop/PriceTest.kt": SUITE}


def proposed(name, body):
    return {"name": name, "code": f"@Test\nfun {name}() {{\n    {body}\n}}\n"}


TESTS = {
    "band": [
        proposed("isLowUpToAHundred", 'assertEquals("low", band(100))\n    assertEquals("middle", band(101))'),
        proposed("isHighFromAThousandOn", 'assertEquals("middle", band(999))\n    assertEquals("high", band(1000))'),
    ],
    "half": [proposed("roundsHalfDown", "assertEquals(2, half(5))")],
    "rest": [proposed("leavesTheRest", "assertEquals(2, rest(12, 5))")],
}
READY = RUNNER.equip(Tree(FILES), SOURCE, Host(which=shutil.which, installed=lambda path: None))
pytestmark = needs(READY.reason if isinstance(READY, Missing) else "")


@pytest.fixture(scope="module")
def changed(tmp_path_factory, worker_id):
    def make(folder):
        commit(folder / "repo", FILES)
        commit(folder / "repo", {SOURCE: HEAD}, "change")
        return tta(folder / "repo", proposing(TESTS), "--base", "HEAD~1", mutants=24)[:2]

    return once(tmp_path_factory, worker_id, "kotlin-change", make)


def test_a_test_that_fails_on_the_base_revision_proves_the_change_and_the_others_guard(changed):
    assert labels(changed[0]["targets"][0]) == {
        "isLowUpToAHundred": "change-proving",
        "isHighFromAThousandOn": "regression-guard",
        "leavesTheRest": "change-proving",
    }


def test_what_passed_on_the_base_revision_and_fails_now_is_a_finding_and_no_test(changed):
    assert regressions(changed[0]) == [(SOURCE, "PriceTest.addsTax"), (SOURCE, "roundsHalfDown")]
    assert "roundsHalfDown" not in changed[1]
