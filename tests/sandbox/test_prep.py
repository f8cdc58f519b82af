"""What prep would install, read from the files of a repository; installing itself is the end-to-end's."""

from pathlib import Path

import pytest

from tta_orchestrate.sandbox.prep import Python, commands, install

PIP = ("/v/bin/python", "-m", "pip", "install", "--no-input", "--disable-pip-version-check", "--quiet")


def planned(tmp_path, setup=(), **files):
    tree = tmp_path / "tree"
    for name, text in files.items():
        path = tree / name.replace("__", "/").replace("_dot_", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    tree.mkdir(exist_ok=True)
    return [
        one[len(PIP) :] if one[: len(PIP)] == PIP else one for one in commands(tree, Python(venv=Path("/v")), setup)
    ]


def test_a_repository_without_dependencies_needs_nothing(tmp_path):
    assert planned(tmp_path, shop_dot_py="x = 1\n") == []


def test_the_command_of_the_base_commit_is_all_that_runs(tmp_path):
    (command,) = planned(tmp_path, setup=("make", "deps; rm -rf /"), requirements_dot_txt="requests\n")
    assert command[-2:] == ("make", "deps; rm -rf /")
    assert "PATH=/v/bin:/usr/local/bin:/usr/bin:/bin" in command


def test_requirement_files_are_installed_each_by_itself_so_that_hashes_of_one_bind_only_it(tmp_path):
    files = {"requirements_dot_txt": "a", "requirements__test_dot_txt": "b", "docs__requirements_dot_txt": "c"}
    assert planned(tmp_path, **files) == [("-r", "requirements.txt"), ("-r", "requirements/test.txt")]


def test_a_project_that_is_built_is_installed_with_its_test_extras_at_the_locked_versions(tmp_path):
    project = '[build-system]\n[project]\nname = "p"\n[project.optional-dependencies]\ntest = ["t"]\ndocs = ["d"]\n'
    lock = '[[package]]\nname = "t"\nversion = "1.2"\n[[package]]\nname = "odd name"\nversion = "1 --index-url x"\n'
    found = planned(tmp_path, pyproject_dot_toml=project, poetry_dot_lock=lock)
    assert found == [("-c", str(tmp_path / "constraints.txt"), ".[test]")]
    assert (tmp_path / "constraints.txt").read_text() == "t==1.2\n"


def test_a_project_that_is_not_built_gets_its_dependencies_and_groups_only(tmp_path):
    project = '[project]\nname = "p"\ndependencies = ["a>1"]\n[dependency-groups]\ntest = ["g"]\nlint = ["l"]\n'
    assert planned(tmp_path, pyproject_dot_toml=project) == [("--", "a>1"), ("--group", "test")]


def test_a_lock_of_uv_is_exported_with_hashes_and_bound_by_them(tmp_path):
    _, export, install_ = planned(tmp_path, uv_dot_lock="version = 1\n", requirements_dot_txt="other\n")
    assert export[:3] == ("/tools/bin/uv", "export", "--frozen")
    assert install_ == ("--require-hashes", "--no-deps", "-r", "/requirements.txt")


@pytest.mark.parametrize("text", ["[", "project = 1", "[project]\ndependencies = 3", "x = " + "[" * 5000])
def test_files_that_cannot_be_read_ask_for_nothing(tmp_path, text):
    assert planned(tmp_path, pyproject_dot_toml=text, pylock_dot_toml=text) == []


def test_a_setup_that_fails_is_told(tmp_path, capfd):
    tree = tmp_path / "tree"
    tree.mkdir()
    (tree / "pytest.py").touch()  # nothing is downloaded here
    assert not install(tree, Python(venv=tmp_path / "venv"), ("/bin/sh", "-c", "echo tried; exit 3"))
    assert "tried" in capfd.readouterr().out
    assert (tmp_path / "venv" / "bin" / "python").exists()
