"""A change to JavaScript: the changed lines first, kept tests on the base revision too, what broke as a finding."""

import pytest

from changes import commit, tta
from ecma import files_for, needed, repository, script
from generated import once

pytestmark = pytest.mark.skipif(bool(needed("node_test")), reason=needed("node_test"))


@pytest.fixture(scope="module")
def changed(tmp_path_factory, worker_id):
    """The discount begins at 101 now, began at 51 before; the plain price broke on the way."""

    def make(folder):
        files = files_for("node_test")
        head = files["src/price.js"]
        repository(folder / "repo", "node_test", {**files, "src/price.js": head.replace("> 100", "> 50")})
        commit(folder / "repo", {"src/price.js": head.replace("each = 10", "each = 11")}, "change")
        return tta(folder / "repo", script("node_test", "../src/price.js"), "--base", "HEAD~1", mutants=6)

    return once(tmp_path_factory, worker_id, "ecma-change", make)


def test_a_test_that_fails_on_the_base_revision_proves_the_change_and_the_others_guard(changed):
    kept = {one["test"].rpartition("::")[2]: one["label"] for one in changed[0]["targets"][0]["kept"]}
    assert kept == {"refuses a negative count": "regression-guard"}
    assert changed[0]["targets"][0]["gates"]["fail-to-pass"] == "run"


def test_an_existing_test_that_passed_before_is_a_possible_regression(changed):
    found = {one["title"] for one in changed[0]["findings"] if one["rule"] == "test-gen/possible-regression"}
    assert "Possible regression: ten each" in found


def test_changed_lines_that_nothing_runs_are_told(changed):
    rules = {one["rule"] for one in changed[0]["findings"]}
    assert rules & {"test-gen/uncovered-change", "test-gen/surviving-mutant"}


def test_a_script_for_which_nobody_names_a_runner_is_left_alone_and_said_to_be(tmp_path):
    commit(tmp_path / "repo", {"web/app.js": "function f(a) {\n  return a;\n}\n", "README.md": ""})
    commit(tmp_path / "repo", {"web/app.js": "function f(a) {\n  return -a;\n}\n"}, "change")
    report, patch, prompts = tta(tmp_path / "repo", script("node_test", ""), "--base", "HEAD~1")
    assert (report["targets"], patch, prompts) == ([], "", [])
    assert [(one["path"], one["reason"]) for one in report["skipped"]] == [("web/app.js", "unsupported")]
