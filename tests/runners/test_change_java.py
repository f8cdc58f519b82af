"""A change to Java: changed functions alone, kept tests on the base revision too, what broke as a finding."""

import pytest

from changes import asked, commit, labels, proposing, regressions, tta
from generated import once
from jvm import SOURCE, needs_java

ADDED = "src/main/java/shop/Coupon.java"
HEAD = """
package shop;

/** A price in cents. */
public final class Price {
    private final int net;

    public Price(int net) {
        this.net = net;
    }

    /** Return the price with {@code percent} of tax. */
    public int gross(int percent) {
        return net + net * percent / 10;
    }

    /** Return low up to 100, high from 1000 on, else middle. */
    public String band() {
        if (net > 100 && net < 1000) {
            return "middle";
        }
        return net <= 100 ? "low" : "high";
    }

    /** Return half of the price. */
    public int half() {
        return (net + 1) / 2;
    }

    /** Return what is left of the last whole {@code step}. */
    public int rest(int step) {
        return net % step;
    }

    /** Return twice the price. */
    public int twice() {
        return net * 2;
    }
}
""".lstrip()
REST = HEAD[HEAD.index("    /** Return what is left") : HEAD.index("    /** Return twice")]
BASE = HEAD.replace("percent / 10", "percent / 100").replace("(net + 1) / 2", "net / 2").replace(REST, "")
BASE = BASE.replace("net > 100 && net < 1000", "net > 50 && net < 1000").replace("net <= 100", "net <= 50")
COUPON = """
package shop;

public final class Coupon {
    public int off(Price price, int cents) {
        return cents > 10 ? price.half() - 1 : cents;
    }
}
""".lstrip()


def suite(name, body, imports=""):
    head = "package shop;\nimport static org.junit.jupiter.api.Assertions.assertEquals;\nimport org.junit.jupiter.api.Test;\n"
    return {f"src/test/java/shop/{name}.java": f"{head}{imports}class {name} {{\n    @Test\n{body}\n}}\n"}


FILES = {
    SOURCE: BASE,
    **suite("PriceTest", "    void addsTax() {\n        assertEquals(120, new Price(100).gross(20));\n    }"),
    **suite(
        "MockedTest", "    void mocks() {\n        assertEquals(1, mock(Price.class).half());\n    }",
        "import static org.mockito.Mockito.mock;\n",
    ),
}  # fmt: skip


def proposed(name, body):
    return {"name": name, "code": f"@Test\nvoid {name}() {{\n    {body}\n}}\n"}


TESTS = {
    "Price.band": [
        proposed("isLowUpToAHundred", 'assertEquals("low", new Price(100).band());\n    assertEquals("middle", new Price(101).band());'),
        proposed("isHighFromAThousandOn", 'assertEquals("middle", new Price(999).band());\n    assertEquals("high", new Price(1000).band());'),
    ],
    "Price.half": [proposed("roundsHalfDown", "assertEquals(2, new Price(5).half());")],
    "Price.rest": [proposed("leavesTheRest", "assertEquals(2, new Price(12).rest(5));")],
    "Coupon.off": [
        proposed("takesSomethingOff", "assertEquals(3, new Coupon().off(new Price(8), 11));\n"
                 "    assertEquals(10, new Coupon().off(new Price(8), 10));"),
    ],
}  # fmt: skip


pytestmark = needs_java


@pytest.fixture(scope="module")
def changed(tmp_path_factory, worker_id):
    """One pull request: the bands move, the tax breaks, halves are rounded up, a method and a class are new."""

    def make(folder):
        commit(folder / "repo", FILES)
        commit(folder / "repo", {SOURCE: HEAD, ADDED: COUPON}, "change")
        report, patch, prompts = tta(folder / "repo", proposing(TESTS), "--base", "HEAD~1", mutants=24)
        return report, patch, [str(prompt) for prompt in prompts]

    return once(tmp_path_factory, worker_id, "java-change", make)


def target(changed, path):
    return next(one for one in changed[0]["targets"] if one["path"] == path)


def test_a_test_that_fails_on_the_base_revision_proves_the_change_and_the_others_guard(changed):
    price = target(changed, SOURCE)
    assert price["gates"]["fail-to-pass"] == "run"
    assert labels(price) == {
        "isLowUpToAHundred": "change-proving",
        "isHighFromAThousandOn": "regression-guard",
        "leavesTheRest": "change-proving",
    }


def test_what_passed_on_the_base_revision_and_fails_now_is_a_finding_and_no_test(changed):
    assert regressions(changed[0]) == [(SOURCE, "PriceTest.addsTax"), (SOURCE, "roundsHalfDown")]
    assert "roundsHalfDown" not in changed[1]


def test_a_test_that_needs_what_is_not_here_is_named_and_takes_no_other_with_it(changed):
    told = target(changed, SOURCE)["baseline"]
    assert told["tests"] == 1
    assert "MockedTest.java" in told["note"]


def test_a_class_that_the_change_adds_has_no_base_and_all_its_tests_prove_it(changed):
    assert labels(target(changed, ADDED)) == {"takesSomethingOff": "change-proving"}
    assert "src/test/java/shop/CouponGeneratedTest.java" in changed[1]


def test_only_what_the_change_touches_is_asked_for_and_mutated(changed):
    assert asked(changed[2], SOURCE) <= {"Price.gross", "Price.band", "Price.half", "Price.rest"}
    assert {"Price.band", "Price.half", "Price.rest"} <= asked(changed[2], SOURCE)
    lines = HEAD.split("\n")
    told = [one for one in changed[0]["findings"] if one["rule"] == "test-gen/surviving-mutant"]
    assert not [one for one in told if "net * 2" in lines[one["start_line"] - 1]]


RATE = "package shop;\n\npublic final class Rate {\n    public int of(int net) {\n        return net / 5;\n    }\n}\n"
TOTAL = """
package shop;

public final class Total {
    public int of(int net) {
        return net > 10 ? net + new Rate().of(net) : net;
    }
}
""".lstrip()


def test_modules_of_one_build_change_together_and_each_runs_its_own_tests(tmp_path):
    total, rate = "core/src/main/java/shop/Total.java", "util/src/main/java/shop/Rate.java"
    tests = {
        **suite("TotalTest", "    void adds() {\n        assertEquals(24, new Total().of(20));\n    }"),
        **suite("RateTest", "    void fifth() {\n        assertEquals(4, new Rate().of(20));\n    }"),
    }
    before = {f"{'core' if 'Total' in path else 'util'}/{path}": text for path, text in tests.items()}
    commit(tmp_path / "repo", {"pom.xml": "<project/>", total: TOTAL.replace("> 10", "> 5"), rate: RATE, **before})
    commit(tmp_path / "repo", {total: TOTAL, rate: RATE.replace("/ 5", "/ 4")}, "change")
    proposals = {"Total.of": [proposed("leavesTenAlone", "assertEquals(10, new Total().of(10));")]}
    report, patch, _ = tta(tmp_path / "repo", proposing(proposals), "--base", "HEAD~1")
    assert regressions(report) == [(total, "TotalTest.adds"), (rate, "RateTest.fifth")]
    assert labels(target([report], total)) == {"leavesTenAlone": "change-proving"}
    assert "core/src/test/java/shop/TotalGeneratedTest.java" in patch
