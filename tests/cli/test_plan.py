"""A plan, its parts, and their merge: the same as one run."""

import contextlib
import io
import json
import os

import pytest

from repos import make_repo
from tta_orchestrate.cli import app
from tta_orchestrate.workspace.parts import exactly


def run(*argv):
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = app.run(argv)
    return code, out.getvalue(), err.getvalue()


@pytest.fixture
def repository(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    builder = make_repo(tmp_path / "repo")
    builder.write("README.md", "x\n")
    builder.commit()
    names = ["a.py", "pkg/b.py", "pkg/c [x].py", "d*.py", "e.py", "uv.lock", "größe.py", "!f.py"]
    for number, name in enumerate(names):
        builder.write(name, "import os\n\n\ndef f():\n    return eval('1')\n" * (number + 1))
    builder.commit()
    os.chdir(builder.path)
    return builder


def test_the_merged_parts_equal_the_single_run(repository, tmp_path):
    code, printed, _ = run("plan", "--base", "HEAD~1", "--shards", "3", "--output", str(tmp_path / "plan"))
    assert code == 0
    include = json.loads(printed)["include"]
    assert [one["shard"] for one in include] == [1, 2, 3]
    assert sum(one["files"] for one in include) == 8
    plan = tmp_path / "plan/plan.json"
    for number in (1, 2, 3):
        part = ("--plan", str(plan), "--shard", str(number), "--output", str(tmp_path / f"parts/part-{number}"))
        assert run("review", "--base", "HEAD~1", *part)[0] == 0
    merged = ("report", "--merge", str(tmp_path / "parts"), "--plan", str(plan), "--output", str(tmp_path / "merged"))
    assert run(*merged)[0] == 0
    assert run("review", "--base", "HEAD~1", "--output", str(tmp_path / "single"))[0] == 0
    one, other = (json.loads((tmp_path / name / "findings.json").read_text()) for name in ("single", "merged"))
    assert one["findings"]
    for document in (one, other):
        for key in ("findings", "rejected", "skipped"):
            document[key].sort(key=json.dumps)
        document["coverage"]["performed_by"].sort()
    assert other == one


def test_a_part_that_is_missing_makes_the_whole_partial(repository, tmp_path):
    run("plan", "--base", "HEAD~1", "--shards", "2", "--output", str(tmp_path / "plan"))
    plan = tmp_path / "plan/plan.json"
    run("review", "--base", "HEAD~1", "--plan", str(plan), "--shard", "1", "--output", str(tmp_path / "parts/1"))
    run("report", "--merge", str(tmp_path / "parts"), "--plan", str(plan), "--output", str(tmp_path / "merged"))
    document = json.loads((tmp_path / "merged/findings.json").read_text())
    assert (document["outcome"], document["conclusion"]) == ("partial", "neutral")
    assert document["failures"][0]["unit"] == "shard 2"


@pytest.mark.parametrize("mode", ["docgen", "test-gen"])
def test_sources_are_parted_for_the_other_modes(repository, tmp_path, mode):
    code, printed, _ = run("plan", mode, "--shards", "2", "--output", str(tmp_path / "plan"))
    assert code == 0
    assert sum(one["files"] for one in json.loads(printed)["include"]) == 7


def test_wrong_words_are_told_with_the_way_out(repository, tmp_path):
    assert run("plan", "dance")[0] == 2
    assert run("review", "--shard", "1")[0] == 2
    (tmp_path / "plan.json").write_text("[]")
    assert run("review", "--base", "HEAD~1", "--plan", str(tmp_path / "plan.json"), "--shard", "1")[0] == 2
    assert run("report", "--merge", str(tmp_path / "nothing"))[0] == 2
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad/findings.json").write_text("{}")
    (tmp_path / "bad/cost-report.json").write_text("{}")
    code, _, complaint = run("report", "--merge", str(tmp_path / "bad"))
    assert code == 2
    assert "no report of this version" in complaint


def test_a_pattern_matches_its_own_file_alone():
    from tta_orchestrate.domain.policy import Paths

    for path in ("a*b.py", "x [1].py", "!y", "#z", "tail ", "back\\slash"):
        assert path in Paths([exactly(path)])
    assert "aXb.py" not in Paths([exactly("a*b.py")])
    assert "deep/a.py" not in Paths([exactly("a.py")])
