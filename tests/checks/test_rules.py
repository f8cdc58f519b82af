import runpy
from pathlib import Path

import pytest

from tta_orchestrate import registry
from tta_orchestrate.domain.change import ChangedFile, FileStatus
from tta_orchestrate.ports import SourceFile

ROOT = Path(__file__).parents[2]
CHECKS = registry.load_all("checks")


def by_name(check):
    return check.name


def test_the_document_of_the_rules_is_that_of_the_code():
    script = runpy.run_path(str(ROOT / "scripts" / "review-rules"))
    text = (ROOT / "docs" / "review-rules.md").read_text("utf-8")
    assert script["render"](text) == text, "run `make review-rules`"
    for check in CHECKS:
        assert f"<!-- rules:{check.name} -->" in text
        assert all(f"| `{rule}` |" in text for rule in check.rules)


def test_no_rule_is_said_by_two_checks():
    ids = [rule for check in CHECKS for rule in check.rules]
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize("check", CHECKS, ids=by_name)
def test_a_check_is_found_by_its_name_and_tells_its_rules(check):
    assert registry.load("checks", check.name) is check
    for name, rule in check.rules.items():
        assert name == rule.id
        assert rule.title
        assert not rule.title.endswith(".")
        assert rule.why.endswith(".")
        assert 0 < rule.confidence <= 1


@pytest.mark.parametrize("check", CHECKS, ids=by_name)
def test_no_files_are_no_findings_and_a_binary_file_is_not_looked_at(check):
    result = check.run([])
    assert (list(result.candidates), list(result.skipped), dict(result.failures)) == ([], [], {})
    for path in ("a.py", "a.json", ".github/workflows/a.yml"):
        change = ChangedFile(path=path, old_path=path, status=FileStatus.ADDED, binary=True)
        assert not check.applies(SourceFile(change=change, text=None))


@pytest.mark.parametrize("check", CHECKS, ids=by_name)
def test_the_same_files_give_the_same_answer_and_only_rules_that_are_told(check):
    text = (
        "on: pull_request_target\npermissions: write-all\n<<<<<<< a\n=======\n>>>>>>> b\nx = '\u202e'\nprint(missing)\n"
    )
    files = [
        SourceFile(change=ChangedFile(path=path, old_path=path, status=FileStatus.ADDED), text=text)
        for path in ("a.py", "b.json", ".github/workflows/a.yml", "c.toml")
    ]
    files = [file for file in files if check.applies(file)]
    first, second = check.run(files), check.run(files)
    assert first == second
    assert {c.rule for c in first.candidates} <= set(check.rules)
