"""``tta-orchestrate review`` on real repositories, from the command line to the files that it leaves."""

import io
import json
import os
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest

from repos import make_repo
from tta_orchestrate.cli.app import run

ROOT = Path(__file__).parents[2]
CONFIG = ".tta/orchestration-config.yaml"
BROKEN = "import os\n\n\ndef load(path):\n    return opne(path)\n"
FILES = {
    "metrics.prom",
    "cost-report.html",
    "findings.json",
    "findings.sarif",
    "summary.md",
    "cost-report.json",
    "cost-report.md",
}


@pytest.fixture
def repo(tmp_path, monkeypatch):
    builder = make_repo(tmp_path / "repo")
    builder.write("app.py", "def load(path):\n    return path\n")
    builder.write("README.md", "# app\n")
    builder.commit("first")
    monkeypatch.chdir(builder.path)
    for name in [name for name in os.environ if name.startswith(("GIT_", "TTA_"))]:
        monkeypatch.delenv(name)
    return builder


def review(*args, out="../out"):
    """Run the command; return exit code and findings.json (``None`` when there is none)."""
    code = run(["review", "--output", out, *args])
    report = Path(out, "findings.json")
    return code, json.loads(report.read_text()) if report.exists() else None


def rules(report):
    return sorted(finding["rule"] for finding in report["findings"])


def test_a_bug_on_a_changed_line_is_found_and_every_report_is_left(repo):
    repo.write("app.py", BROKEN)
    repo.commit("break it")
    code, report = review("--base", "HEAD~1")
    assert (code, report["outcome"], rules(report)) == (0, "findings", ["ruff/F821"])
    assert {path.name for path in Path("../out").iterdir()} == FILES
    jsonschema.validate(report, json.loads((ROOT / "schema/findings.schema.json").read_text()))


def test_every_quote_is_the_text_of_its_lines_at_head(repo):
    repo.write("app.py", BROKEN + "\n\ndef wait(a=[]):\n    try:\n        a()\n    except:\n        pass\n")
    repo.commit("break it")
    repo.write("app.py", "the work tree does not matter\n")
    _code, report = review("--base", "HEAD~1", "--head", "HEAD")
    assert len(report["findings"]) > 1
    for finding in report["findings"]:
        lines = repo.git("show", f"HEAD:{finding['path']}").split("\n")
        assert finding["quote"] == "\n".join(lines[finding["start_line"] - 1 : finding["end_line"]])


def test_without_flags_the_branch_is_compared_with_where_it_left_the_default_branch(repo):
    repo.git("checkout", "-q", "-b", "feature")
    repo.write("app.py", BROKEN)
    repo.commit("break it")
    repo.write("README.md", "# app, better\n")
    repo.commit("docs")
    _code, report = review()
    assert rules(report) == ["ruff/F821"]
    assert report["coverage"]["files_changed"] == 2


def test_the_first_commit_is_reviewed_whole(tmp_path, monkeypatch):
    builder = make_repo(tmp_path / "new")
    builder.write("app.py", BROKEN)
    builder.commit("first")
    monkeypatch.chdir(builder.path)
    assert rules(review()[1]) == ["ruff/F821"]


def test_staged_changes_are_read_from_the_index_even_before_the_first_commit(tmp_path, monkeypatch):
    builder = make_repo(tmp_path / "new")
    monkeypatch.chdir(builder.path)
    builder.write("app.py", BROKEN)
    builder.git("add", "app.py")
    builder.write("app.py", "fine = 1\n")
    assert rules(review("--staged")[1]) == ["ruff/F821"]


def test_a_clean_change_is_clean_and_says_that_no_model_read_it(repo, capsys):
    repo.write("app.py", "def load(path):\n    return str(path)\n")
    repo.commit("better")
    code, report = review("--base", "HEAD~1")
    assert (code, report["outcome"]) == (0, "clean")
    assert "no model has read this change" in capsys.readouterr().out


def test_nothing_to_review_is_not_clean(repo):
    code, report = review("--base", "HEAD", "--head", "HEAD")
    assert (code, report["outcome"], report["conclusion"]) == (0, "skipped", "neutral")
    repo.write("poetry.lock", "locked\n")
    repo.commit("lock")
    code, report = review("--base", "HEAD~1")
    assert (code, report["outcome"]) == (0, "skipped")
    assert report["skipped"] == [{"path": "poetry.lock", "reason": "lock-file", "detail": ""}]


def test_fail_on_fails_with_exit_code_1_and_only_at_its_severity(repo):
    repo.write("app.py", BROKEN)
    repo.commit("break it")
    assert review("--base", "HEAD~1", "--fail-on", "high")[0] == 1
    assert review("--base", "HEAD~1", "--fail-on", "critical")[0] == 0


def test_a_diff_alone_is_reviewed_and_what_needs_the_file_says_so(repo, monkeypatch):
    repo.write("app.py", BROKEN)
    repo.write("new.py", "print(undefined)\n")
    repo.write("notes.txt", "<<<<<<< HEAD\na\n=======\nb\n>>>>>>> other\n")
    repo.commit("break it")
    diff = subprocess.run(["git", "diff", "HEAD~1", "HEAD"], capture_output=True, check=True).stdout
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(diff)))
    code, report = review("--diff", "-")
    assert (code, report["outcome"]) == (0, "partial")
    assert {(entry["path"], entry["reason"]) for entry in report["skipped"]} == {("app.py", "needs-file")}
    assert rules(report) == ["conflict-markers/leftover", "ruff/F821"]


def test_a_diff_needs_no_repository(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("a.diff").write_text("--- a/x.txt\n+++ b/x.txt\n@@ -1 +1,2 @@\n a\n+b\n")
    code, report = review("--diff", "a.diff", out="out")
    assert (code, report["outcome"]) == (0, "clean")


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (["--base", "nowhere"], "no revision 'nowhere'"),
        (["--base", "HEAD", "--staged"], "exclude each other"),
        (["--diff", "missing.diff"], "missing.diff"),
        (["--scope", "galaxy"], "--scope"),
        (["--fail-on", "catastrophic"], "--fail-on"),
        (["--config", "missing.yaml"], "missing.yaml"),
        (["--sarif-in", "missing.sarif"], "missing.sarif"),
        (["--sarif-in", "README.md"], "README.md"),
    ],
)
def test_a_wrong_request_is_one_clear_error_with_exit_code_2(repo, capsys, args, words):
    code, report = review(*args)
    assert (code, report) == (2, None)
    complaint = capsys.readouterr().err
    assert words in complaint
    assert "Traceback" not in complaint


def test_a_combined_diff_is_refused_clearly(repo, capsys):
    Path("m.diff").write_text(
        "diff --cc app.py\nindex 1,2..3\n--- a/app.py\n+++ b/app.py\n@@@ -1,1 -1,1 +1,1 @@@\n++x\n"
    )
    assert review("--diff", "m.diff")[0] == 2
    assert "combined" in capsys.readouterr().err


def test_outside_a_repository_the_remedy_is_told(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert review(out="out")[0] == 2
    assert "--diff" in capsys.readouterr().err


def test_a_shallow_clone_without_the_base_says_how_to_deepen(repo, tmp_path, monkeypatch, capsys):
    repo.git("checkout", "-q", "-b", "feature")
    repo.write("app.py", BROKEN)
    repo.commit("break it")
    shallow = tmp_path / "shallow"
    repo.git("clone", "-q", "--depth", "1", f"file://{repo.path}", str(shallow))
    monkeypatch.chdir(shallow)
    assert review("--base", "HEAD~1")[0] == 2
    assert "fetch-depth: 0" in capsys.readouterr().err


def test_configuration_comes_from_the_base_commit_when_a_base_is_given(repo):
    repo.write("app.py", BROKEN)
    repo.write(CONFIG, "orchestration:\n  review:\n    ignore: ['*.py']\n")
    repo.commit("break it, and look away")
    assert rules(review("--base", "HEAD~1")[1]) == ["ruff/F821"]
    repo.write("app.py", BROKEN + "x = undefined\n")
    repo.commit("more")
    assert review("--base", "HEAD~1")[1]["outcome"] == "skipped"


@pytest.mark.parametrize(
    "config",
    [
        "orchestration:\n  enabled: false\n",
        "orchestration:\n  review: {min_severity: critical, checks: {disable: [ruff]}}\n",
        "orchestration:\n  review: {rules: [{paths: ['**'], disable: ['*']}]}\n",
        "not: even: valid",
    ],
)
def test_no_configuration_in_the_change_has_any_effect(repo, config):
    repo.write("app.py", BROKEN)
    repo.commit("break it")
    _code, plain = review("--base", "HEAD~1")
    repo.write(CONFIG, config)
    repo.write("ruff.toml", 'exclude = ["*.py"]\n')
    repo.write(".gitattributes", "*.py linguist-generated binary -diff\n")
    repo.write(".tta/baseline.json", json.dumps({"schema_version": 1, "accepted": plain["findings"]}))
    repo.commit("look away")
    _code, steered = review("--base", "HEAD~2")
    assert [f for f in steered["findings"] if f["path"] == "app.py"] == plain["findings"]


def test_an_accepted_baseline_silences_what_it_names_and_lists_it(repo, capsys):
    repo.write("app.py", BROKEN)
    repo.commit("break it")
    assert review("--base", "HEAD~1", "--write-baseline")[0] == 0
    repo.commit("accept")
    repo.write("app.py", "# moved down\n" + BROKEN + "y = undefined\n")
    repo.commit("more")
    _code, report = review("--base", "HEAD~1", "--scope", "file")
    assert [finding["quote"] for finding in report["findings"]] == ["y = undefined"]
    assert [entry["reason"] for entry in report["rejected"]] == ["baseline"]


def test_results_of_other_tools_pass_the_same_gates(repo):
    repo.write("app.js", "const a = 1;\neval(a);\n")
    repo.commit("js")

    def result(uri, line, **more):
        place = {"physicalLocation": {"artifactLocation": {"uri": uri}, "region": {"startLine": line, **more}}}
        return {"ruleId": "no-eval", "level": "error", "message": {"text": "eval"}, "locations": [place]}

    results = [result("app.js", 2), result("app.js", 99), result("other.js", 1), {"message": {}}]
    sarif = {"version": "2.1.0", "runs": [{"tool": {"driver": {"name": "eslint"}}, "results": results}]}
    Path("../tool.sarif").write_text(json.dumps(sarif))
    _code, report = review("--base", "HEAD~1", "--sarif-in", "../tool.sarif")
    (finding,) = report["findings"]
    assert (finding["start_line"], finding["quote"]) == (2, "eval(a);")
    assert sorted(entry["reason"] for entry in report["rejected"]) == ["malformed", "no-such-line", "not-in-change"]


def test_a_secret_is_reported_and_shown_nowhere(repo, capsys):
    secret = "ghp_" + "aB3dE5gH7jK9" * 3
    repo.write("app.py", f'TOKEN = "{secret}"\n')
    repo.commit("oops")
    _code, report = review("--base", "HEAD~1")
    assert any(rule.startswith("secrets/") for rule in rules(report))
    shown = capsys.readouterr()
    everything = [shown.out, shown.err, *(path.read_text() for path in Path("../out").iterdir())]
    assert not any(secret in text for text in everything)


def test_nothing_of_the_change_is_executed(repo):
    canary = repo.path / "canary"
    touch = f"import pathlib; pathlib.Path({str(canary)!r}).touch()\n"
    repo.write("app.py", touch)
    repo.write("conftest.py", touch)
    repo.write("setup.py", touch)
    repo.write("x.yaml", f"!!python/object/apply:os.system ['touch {canary}']\n")
    repo.commit("trap")
    repo.git("config", "diff.external", f"touch {canary}")
    repo.git("config", "core.fsmonitor", f"touch {canary}")
    repo.write(".git/hooks/post-index-change", f"#!/bin/sh\ntouch {canary}\n", executable=True)
    canary.unlink(missing_ok=True)
    review("--base", "HEAD~1")
    assert not canary.exists()


def test_a_link_is_named_and_never_followed(repo):
    repo.link("secrets.py", "/etc/passwd")
    repo.commit("link")
    _code, report = review("--base", "HEAD~1")
    assert report["skipped"][0]["reason"] == "symlink"
    assert "root:" not in json.dumps(report)


def test_odd_paths_are_reviewed_like_any_other(repo):
    for name in ["with space.py", "tab\there.py", "ünï.py", 'quo"te.py', "new\nline.py", b"latin\xe9.py"]:
        repo.write(name, BROKEN)
    repo.commit("odd")
    _code, report = review("--base", "HEAD~1")
    assert len(report["findings"]) == 6
    assert report["coverage"]["files_reviewed"] == 6


def test_a_file_that_was_broken_before_is_not_blamed_on_this_change(repo):
    repo.write("app.py", "def broken(:\n    pass\n\n\nx = 1\n")
    repo.commit("broken")
    repo.write("app.py", "def broken(:\n    pass\n\n\nx = 2\n")
    repo.commit("unrelated")
    _code, report = review("--base", "HEAD~1")
    assert report["findings"] == []
    assert [entry["reason"] for entry in report["rejected"]] == ["unchanged-lines"]


def test_the_process_is_quick_to_say_what_is_wrong_and_has_no_traceback(repo):
    repo.write(CONFIG, "orchestration:\n  quality_treshold: 0.9\n")
    tool = Path(sys.executable).with_name("tta-orchestrate")
    done = subprocess.run([tool, "review", "--output", "../out"], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "did you mean quality_threshold" in done.stderr
    assert f"{CONFIG}:2" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("name", [CONFIG, ".tta/baseline.json"])
def test_a_link_out_of_the_repository_steers_nothing_and_its_target_is_not_shown(repo, tmp_path, capsys, name):
    (tmp_path / "private").write_text("TOKEN=hunter2\n")
    repo.link(name, str(tmp_path / "private"))
    assert review()[0] == 2
    told = capsys.readouterr().err
    assert "leads out of the repository" in told
    assert "hunter2" not in told


@pytest.mark.parametrize("link", [".tta", ".tta/baseline.json"])
def test_a_baseline_is_not_written_through_a_link(repo, tmp_path, link):
    (tmp_path / "outside").mkdir()
    target = tmp_path / "outside" if link == ".tta" else tmp_path / "outside" / "profile"
    repo.link(link, str(target))
    repo.write("app.py", BROKEN)
    repo.git("add", "app.py")
    assert review("--staged", "--write-baseline")[0] == 2
    assert list((tmp_path / "outside").iterdir()) == []


def test_a_link_inside_the_repository_is_followed(repo):
    repo.write("ci/tta.yaml", "orchestration:\n  enabled: false\n")
    repo.link(CONFIG, "../ci/tta.yaml")
    assert review()[1]["outcome"] == "skipped"


NEW_FILE = "diff --git a/{0} b/{0}\nnew file mode 100644\n--- /dev/null\n+++ b/{0}\n@@ -0,0 +1 @@\n+x = 1\n"


def test_text_that_is_no_diff_is_refused_and_not_called_an_empty_change(repo, capsys):
    repo.write("notes.diff", "these are\nnotes\n")
    assert review("--diff", "notes.diff")[0] == 2
    assert "holds no diff" in capsys.readouterr().err
    repo.write("empty.diff", "\n")
    assert review("--diff", "empty.diff")[1]["outcome"] == "skipped"


def test_a_series_of_patches_to_one_file_is_refused(repo, capsys):
    repo.write("two.diff", NEW_FILE.format("a.py") * 2)
    assert review("--diff", "two.diff")[0] == 2
    assert "'a.py' twice" in capsys.readouterr().err
    repo.write("both.diff", NEW_FILE.format("a.py") + NEW_FILE.format("b.py"))
    assert review("--diff", "both.diff")[1]["coverage"]["files_reviewed"] == 2
