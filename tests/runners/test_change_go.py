"""A change to Go: changed functions alone, kept tests on the base revision too, what broke as a finding."""

import shutil

import pytest

from changes import asked, commit, labels, proposing, regressions, tta
from generated import once
from toolchains import needs

pytestmark = needs("" if shutil.which("go") else "go is not installed here (golang-go)")
PRICE, LIST, CART, ADDED = "money/price.go", "money/list.go", "cart/cart.go", "money/coupon.go"
REST = """
// Rest is what is left of the last whole step.
func Rest(n, step int) int {
	return n % step
}
"""
HEAD = f"""
// Package money knows prices.
package money

// Gross adds percent of tax.
func Gross(net, percent int) int {{
	return net + net*percent/10
}}

// Band returns low up to 100, high from 1000 on, else middle.
func Band(net int) string {{
	if net > 100 && net < 1000 {{
		return "middle"
	}}
	if net <= 100 {{
		return "low"
	}}
	return "high"
}}

// Half is half of n.
func Half(n int) int {{
	return (n + 1) / 2
}}
{REST}
// Twice is twice n.
func Twice(n int) int {{
	return n * 2
}}
""".lstrip()
BASE = HEAD.replace("percent/10", "percent/100").replace("(n + 1) / 2", "n / 2").replace(REST, "")
BASE = BASE.replace("net > 100", "net > 50").replace("net <= 100", "net <= 50")
AT = """
package money

// At is the price at n, nothing behind the end.
func At(prices []int, n int) int {
	if n >= len(prices) {
		return 0
	}
	return prices[n]
}
""".lstrip()
LIST_BASE = AT.replace("\tif n >= len(prices) {\n\t\treturn 0\n\t}\n", "")
COUPON = """
package money

// Off is what a coupon takes away.
func Off(cents int) int {
	if cents > 10 {
		return Half(cents)
	}
	return cents
}
""".lstrip()
CARTS = """
// Package cart adds prices up.
package cart

import "example.org/shop/money"

// Gross is the price of all of them.
func Gross(nets []int) int {
	sum := 0
	for _, net := range nets {
		sum += money.Gross(net, 0)
	}
	return sum
}
""".lstrip()


def compares(expression, wanted):
    return f'\tif got := {expression}; got != {wanted} {{\n\t\tt.Errorf("got %v", got)\n\t}}'


def suite(package, *tests):
    body = "".join(f"\nfunc {name}(t *testing.T) {{\n{compares(call, wanted)}\n}}\n" for name, call, wanted in tests)
    return f'package {package}\n\nimport "testing"\n{body}'


FILES = {
    "go.mod": "module example.org/shop\n\ngo 1.19\n",
    PRICE: BASE,
    LIST: LIST_BASE,
    CART: CARTS.replace("sum := 0", "var sum int"),
    "money/price_test.go": suite("money", ("TestGross", "Gross(100, 20)", 120)),
    "cart/cart_test.go": suite("cart", ("TestGross", "Gross([]int{1, 2})", 3), ("TestBand", "Gross(nil)", 7)),
}


def proposed(name, *checks):
    body = "\n".join(compares(call, wanted) for call, wanted in checks)
    return {"name": name, "code": f"func {name}(t *testing.T) {{\n{body}\n}}\n"}


TESTS = {
    "Band": [
        proposed("TestLowUpToAHundred", ("Band(100)", '"low"'), ("Band(101)", '"middle"')),
        proposed("TestHighFromAThousandOn", ("Band(999)", '"middle"'), ("Band(1000)", '"high"')),
    ],
    "Half": [proposed("TestHalfRoundsDown", ("Half(5)", 2))],
    "Rest": [proposed("TestRest", ("Rest(12, 5)", 2))],
    "At": [
        proposed("TestAtBeforeTheBeginning", ("At([]int{4}, -1)", 0)),
        proposed("TestAtBehindTheEnd", ("At([]int{4}, 1)", 0)),
        proposed("TestAtAPrice", ("At([]int{4, 5}, 1)", 5)),
    ],
    "Off": [proposed("TestOff", ("Off(11)", 6), ("Off(10)", 10))],
}


@pytest.fixture(scope="module")
def changed(tmp_path_factory, worker_id):
    """One pull request: the bands move, the tax breaks, halves are rounded up, a slip is mended, a file is new."""

    def make(folder):
        commit(folder / "repo", FILES)
        commit(folder / "repo", {PRICE: HEAD, LIST: AT, CART: CARTS, ADDED: COUPON}, "change")
        report, patch, prompts = tta(folder / "repo", proposing(TESTS), "--base", "HEAD~1", mutants=24)
        return report, patch, [str(prompt) for prompt in prompts]

    return once(tmp_path_factory, worker_id, "go-change", make)


def target(changed, path):
    return next(one for one in changed[0]["targets"] if one["path"] == path)


def test_a_test_that_fails_on_the_base_revision_proves_the_change_and_the_others_guard(changed):
    price = target(changed, PRICE)
    assert price["gates"]["fail-to-pass"] == "run"
    assert labels(price) == {
        "TestLowUpToAHundred": "change-proving",
        "TestHighFromAThousandOn": "regression-guard",
        "TestRest": "change-proving",
    }


def test_one_that_panics_at_head_or_on_the_base_revision_takes_no_other_with_it(changed):
    assert [(one["test"], one["gate"]) for one in target(changed, LIST)["dropped"]] == [
        ("TestAtBeforeTheBeginning", "passes")
    ]
    assert labels(target(changed, LIST)) == {"TestAtBehindTheEnd": "change-proving", "TestAtAPrice": "regression-guard"}


def test_what_passed_on_the_base_revision_and_fails_now_is_one_finding_and_no_test(changed):
    assert regressions(changed[0]) == [(PRICE, "TestGross"), (PRICE, "TestHalfRoundsDown")]
    assert "TestHalfRoundsDown" not in changed[1]


def test_a_file_that_the_change_adds_has_no_base_and_all_its_tests_prove_it(changed):
    assert labels(target(changed, ADDED)) == {"TestOff": "change-proving"}
    assert "money/coupon_generated_test.go" in changed[1]


def test_the_suite_of_another_package_is_measured_once_and_kills_mutants_too(changed):
    assert target(changed, CART)["baseline"]["tests"] == target(changed, PRICE)["baseline"]["tests"] == 3
    assert target(changed, CART)["mutation"]["before"]["killed"] > 0


def test_only_what_the_change_touches_is_asked_for_and_mutated(changed):
    assert asked(changed[2], PRICE) <= {"Gross", "Band", "Half", "Rest"}
    assert {"Band", "Half", "Rest"} <= asked(changed[2], PRICE)
    lines = HEAD.split("\n")
    told = [
        one for one in changed[0]["findings"] if one["rule"] == "test-gen/surviving-mutant" and one["path"] == PRICE
    ]
    assert not [one for one in told if "n * 2" in lines[one["start_line"] - 1]]


def test_a_change_that_only_takes_lines_out_may_break_something_too(tmp_path):
    guarded = LIST_BASE.replace("\treturn prices", "\tif n < 0 {\n\t\treturn 0\n\t}\n\treturn prices")
    tests = suite("money", ("TestBefore", "At([]int{4}, -1)", 0), ("TestFirst", "At([]int{4}, 0)", 4))
    commit(tmp_path / "repo", {"go.mod": FILES["go.mod"], LIST: guarded, "money/list_test.go": tests})
    commit(tmp_path / "repo", {LIST: LIST_BASE}, "change")
    report, patch, prompts = tta(tmp_path / "repo", proposing({}), "--base", "HEAD~1", keys=False)
    assert regressions(report) == [(LIST, "TestBefore")]
    assert (patch, prompts) == ("", [])
