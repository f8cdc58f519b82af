"""Rules of the project's own."""

import time

import pytest
from pydantic import ValidationError

from reviews import reviewed
from scripted import ScriptedEngine, claim, finding_reader, keeping_judge
from tta_orchestrate.domain.patterns import LONGEST_LINE, check_pattern
from tta_orchestrate.modes.review.custom_rules import checks, questions
from tta_orchestrate.modes.review.reader import Options
from tta_orchestrate.settings.review import CustomRule

PRINT = CustomRule(id="no-print", pattern=r"\bprint\(", paths=("src/**",), message="Use the logger.", severity="low")
GUARD = CustomRule(id="guarded", question="Is every endpoint behind a permission check?", message="Guard it.")


def test_a_pattern_finds_added_lines_of_its_paths_only():
    files = {"src/a.py": "old()\nprint(1)\n", "tests/a.py": "print(2)\n"}
    report = reviewed({"src/a.py": "old()\n", "README.md": "x\n"}, files, checks=checks([PRINT, GUARD]))
    (finding,) = report.findings
    assert (finding.path, finding.start_line, finding.rule) == ("src/a.py", 2, "custom/no-print")
    assert (finding.title, finding.severity, finding.source) == ("Use the logger", "low", "custom")


def test_without_patterns_there_is_no_check():
    assert checks([GUARD]) == ()


def test_a_question_becomes_a_rule_that_a_model_may_claim():
    asked = questions([PRINT, GUARD])
    assert list(asked) == ["question/guarded"]
    said = claim("src/a.py", 1, "serve()", rule="question/guarded")
    engine = ScriptedEngine(reader=finding_reader(said), judge_=keeping_judge)
    report = reviewed({"README.md": "x\n"}, {"src/a.py": "serve()\n"}, engine=engine, options=Options(questions=asked))
    assert [one.rule for one in report.findings] == ["question/guarded"]
    assert "question/guarded: Is every endpoint" in engine.of("judge")[0][0].prompt.data


@pytest.mark.parametrize(
    "pattern",
    [r"(a+)+b", r"(a|b)*c", r"((a+)b)*", r"(a?b?)*c", r"(.*)\1", r"(?P<x>a)(?P=x)", r"a*b*c*d*", "(", r"(?:a{2,}){3,}"],
)
def test_patterns_that_could_take_long_are_refused(pattern):
    with pytest.raises(ValueError, match=r"repeats|refers|more than|regular expression"):
        check_pattern(pattern)


@pytest.mark.parametrize(
    "pattern", [r"\bprint\(", r"requests\.get\((?!.*timeout)", r"TODO(?!\()", r"[a-z+*]+\(", r"a{3}", r"(x|y)z"]
)
def test_honest_patterns_pass_and_are_quick_on_the_longest_line(pattern):
    check_pattern(pattern)
    rule = CustomRule(id="x", pattern=pattern, message="x")
    (check,) = checks([rule])
    start = time.process_time()
    for _compiled_rule, compiled, _paths in check._patterns:
        compiled.search("requests.get(" * (LONGEST_LINE // 13))
    assert time.process_time() - start < 5


@pytest.mark.parametrize("fields", [{}, {"pattern": "x", "question": "is it so, really?"}])
def test_a_rule_is_either_a_pattern_or_a_question(fields):
    with pytest.raises(ValidationError, match="either a pattern or a question"):
        CustomRule(id="x", message="x", **fields)
