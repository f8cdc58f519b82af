import json
import subprocess
import sys
from pathlib import Path

import aacr
import pytest
import review_quality
import seeded

BENCH = Path(review_quality.__file__)
COMMENT = {
    "is_ai_comment": True,
    "note": "The term reaches the query.",
    "path": "shop/customers.py",
    "side": "right",
    "from_line": 13,
    "to_line": 12,
    "category": "Security Vulnerability",
    "context": "Diff Level",
}


def record(**changes):
    return {
        "change_line_count": 6,
        "project_main_language": "Python",
        "source_commit": "a" * 40,
        "target_commit": "b" * 40,
        "githubPrUrl": "https://github.com/shop/customers/pull/7",
        "comments": [COMMENT],
    } | changes


def dataset(tmp_path, *records):
    path = tmp_path / "samples.json"
    path.write_text(json.dumps(records))
    return path


def test_a_pull_request_of_the_dataset_is_read(tmp_path):
    [pull] = aacr.load(dataset(tmp_path, record(comments=[COMMENT, COMMENT | {"from_line": None, "to_line": None}])))
    assert (pull.name, pull.language, pull.base[0], pull.head[0]) == ("shop/customers#7", "python", "a", "b")
    [label] = pull.labels
    assert (label.start, label.end, label.side, label.category) == (12, 13, "RIGHT", "security")
    assert pull.without_lines == 1


def test_sides_and_unknown_categories(tmp_path):
    [pull] = aacr.load(dataset(tmp_path, record(comments=[COMMENT | {"side": "left", "category": "Other"}])))
    assert (pull.labels[0].side, pull.labels[0].category) == ("LEFT", "")


@pytest.mark.parametrize(
    "bad", [{"githubPrUrl": "elsewhere"}, {"source_commit": "--output=x"}, {"comments": None}, {"comments": [3]}]
)
def test_a_record_that_is_not_in_the_form_is_named(tmp_path, bad):
    with pytest.raises(aacr.DatasetError):
        aacr.load(dataset(tmp_path, record(**bad)))


def test_a_file_that_is_no_array_is_refused(tmp_path):
    path = tmp_path / "samples.json"
    for text in ("{}", "[", "7"):
        path.write_text(text)
        with pytest.raises(aacr.DatasetError):
            aacr.load(path)


def test_a_dataset_is_reviewed_from_its_clones(tmp_path):
    case = next(case for case in seeded.load() if case.name == "py-customer-search")
    base, head = case.build(tmp_path / "clones" / "shop" / "customers")
    known = record(source_commit=base, target_commit=head)
    absent = record(githubPrUrl="https://github.com/shop/absent/pull/1")
    out = tmp_path / "figures.json"
    argv = ["--aacr", dataset(tmp_path, known, absent), "--clones", tmp_path / "clones", "--json", out]
    done = subprocess.run([sys.executable, BENCH, *argv], capture_output=True, text=True, check=True)
    assert "1 pull requests; 1 without a clone" in done.stdout
    everything = json.loads(out.read_text())["all"]["all"]
    assert (everything["changes"], everything["right"], everything["usd"]) == (1, 1, "0.00")


def test_a_change_that_cannot_be_reviewed_is_told_apart(tmp_path):
    task = review_quality.Task(name="gone", language="go", labels=(), build=lambda folder: (folder, "a" * 40, "b" * 40))
    reviewed = review_quality.run(task, None)
    assert "exit" in reviewed.failure
    assert not reviewed.claims
