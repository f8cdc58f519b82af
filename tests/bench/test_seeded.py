import subprocess
from collections import Counter

import pytest
import seeded

from tta_orchestrate.domain.finding import Category, Severity

CASES = seeded.load()


def each_case(test):
    return pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)(test)


def test_there_are_enough_of_them_and_half_are_clean():
    clean = sum(not case.labels for case in CASES)
    assert len(CASES) >= 64
    assert clean == len(CASES) - clean
    languages = Counter(case.language for case in CASES)
    assert set(languages) == {"python", "typescript", "javascript", "go", "java", "rust"}
    for language in languages:
        assert {bool(case.labels) for case in CASES if case.language == language} == {True, False}


@each_case
def test_every_label_stands_on_changed_lines_and_quotes_them(case):
    for label, quote in zip(case.labels, case.quotes, strict=True):
        file = next(file for file in case.files if file.path == label.path)
        lines = file.after().splitlines()
        assert 1 <= label.start <= label.end <= len(lines)
        assert quote in lines[label.start - 1]
        assert file.changed() & set(range(label.start, label.end + 1))
        assert Category(label.category)
        assert Severity(label.severity)
        assert label.why.endswith(".")
        assert label.kind
    assert bool(case.labels) != bool(case.tempting)


@each_case
def test_git_applies_the_diff_and_arrives_at_the_file_after(case, tmp_path):
    for file in case.files:
        target = tmp_path / file.path
        target.parent.mkdir(parents=True, exist_ok=True)
        before = file.before()
        if before is not None:
            target.write_text(before)
        assert file.changed()
    patch = "".join(file.patch() for file in case.files)
    subprocess.run(["git", "apply", "-"], input=patch, text=True, cwd=tmp_path, check=True)
    for file in case.files:
        assert (tmp_path / file.path).read_text() == file.after()


def test_a_case_becomes_a_repository_of_two_commits(tmp_path):
    case = CASES[0]
    base, head = case.build(tmp_path / "repository")
    for commit, text in ((base, case.files[0].before()), (head, case.files[0].after())):
        shown = subprocess.run(
            ["git", "show", f"{commit}:{case.files[0].path}"],
            cwd=tmp_path / "repository",
            capture_output=True,
            text=True,
            check=True,
        )
        assert shown.stdout == text


def test_credentials_are_put_in_by_the_loader_and_stand_in_no_file():
    text = "".join(path.read_text() for path in seeded.FOLDER.glob("*.toml"))
    for stand_in, credential in seeded._CREDENTIALS.items():
        assert stand_in in text
        assert credential not in text
        assert any(credential in file.after() for case in CASES for file in case.files)


def test_removed_lines_count_as_a_change_of_their_neighbours():
    file = seeded.SeededFile(path="a", lines=(" one", "-two", " three", "+four"))
    assert file.before() == "one\ntwo\nthree\n"
    assert file.after() == "one\nthree\nfour\n"
    assert file.changed() == {1, 2, 3}
