"""What a suite in another language says of a change, and of mutants: told apart by files, told once."""

from tta_orchestrate.modes.test_gen import on_base
from tta_orchestrate.modes.test_gen.biting import by_suite
from tta_orchestrate.modes.test_gen.outcome import Drop, TargetResult
from tta_orchestrate.modes.test_gen.runs import Tried
from tta_orchestrate.ports.test_runner import FAILED, PASSED, Answer, Ran, SuiteRun


def broke(path, *tests):
    drops = [Drop(test=name, gate="fail-to-pass", reason="", file=file) for file, name in tests]
    return TargetResult(path=path, regressions=drops)


def told(*results):
    on_base.once(results)
    return {result.path: [drop.test for drop in result.regressions] for result in results}


def test_a_broken_test_is_told_at_the_file_whose_name_it_bears():
    test = ("src/test/shop/PriceTest.java", "PriceTest.tax")
    found = told(broke("src/main/shop/Coupon.java", test), broke("src/main/shop/Price.java", test))
    assert found == {"src/main/shop/Coupon.java": [], "src/main/shop/Price.java": ["PriceTest.tax"]}


def test_else_beside_which_it_stands_else_at_the_first():
    near, far = ("money/all_test.go", "TestAll"), ("end/end_test.go", "TestEnd")
    assert told(broke("cart/cart.go", near, far), broke("money/price.go", near, far)) == {
        "cart/cart.go": ["TestEnd"],
        "money/price.go": ["TestAll"],
    }


def test_tests_of_one_name_in_two_files_and_those_of_a_model_are_all_told():
    one, two, model = ("a_test.go", "TestX"), ("b_test.go", "TestX"), ("", "TestY")
    assert told(broke("a.go", one, two, model), broke("b.go", one, two, model)) == {
        "a.go": ["TestX", "TestY"],
        "b.go": ["TestX", "TestY"],
    }


def suite(*ran, cut=""):
    tests = tuple(Ran(file=file, name=name, outcome=outcome) for file, name, outcome in ran)
    return Tried(run=SuiteRun(tests=tests), answer=Answer(codes=(0,), cut=cut))


def test_a_mutant_with_which_a_file_says_nothing_did_not_load_and_one_that_loses_a_test_crashed():
    passed = {("a", "x"), ("a", "y"), ("b", "x")}
    said = {
        "survived": suite(("a", "x", PASSED), ("a", "y", PASSED), ("b", "x", PASSED)),
        "killed": suite(("a", "x", FAILED), ("b", "x", PASSED)),
        "crash": suite(("a", "x", PASSED), ("b", "x", PASSED)),
        "import": suite(("b", "x", PASSED), ("b", "y", FAILED)),
        "timeout": suite(cut="timeout"),
    }
    assert {status: by_suite(tried, passed).status for status, tried in said.items()} == {s: s for s in said}
