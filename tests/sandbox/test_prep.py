"""What prep would install, read from the files of a repository; installing itself is the end-to-end's."""

import json
from pathlib import Path

import pytest

from tta_orchestrate.sandbox.prep import Python, building, cache_key, commands, install

PIP = ("/v/bin/python", "-P", "-m", "pip", "install", "--no-input", "--disable-pip-version-check", "--quiet")


def tree_of(tmp_path, **files):
    tree = tmp_path / "tree"
    tree.mkdir(exist_ok=True)
    for name, text in files.items():
        path = tree / name.replace("__", "/").replace("_dot_", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tree


def planned(tmp_path, setup=(), step=commands, **files):
    found = step(tree_of(tmp_path, **files), Python(venv=Path("/v")), setup)
    return [one[len(PIP) :] if one[: len(PIP)] == PIP else one for one in found]


def test_a_repository_without_dependencies_needs_nothing(tmp_path):
    assert planned(tmp_path, shop_dot_py="x = 1\n") == []


def test_the_command_of_the_base_commit_is_all_that_runs(tmp_path):
    (command,) = planned(tmp_path, setup=("make", "deps; rm -rf /"), requirements_dot_txt="requests\n")
    assert command[-2:] == ("make", "deps; rm -rf /")
    assert "PATH=/v/bin:/usr/local/bin:/usr/bin:/bin" in command


def test_requirement_files_are_installed_each_by_itself_so_that_hashes_of_one_bind_only_it(tmp_path):
    files = {"requirements_dot_txt": "a", "requirements__test_dot_txt": "b", "docs__requirements_dot_txt": "c"}
    assert planned(tmp_path, **files) == [("-r", "requirements.txt"), ("-r", "requirements/test.txt")]


BUILT = '[build-system]\n[project]\nname = "P.x"\ndependencies = ["a"]\n[project.optional-dependencies]\n'


def test_dependencies_come_first_at_the_locked_versions_and_then_the_project_alone(tmp_path):
    project = BUILT + 'test = ["t"]\ndocs = ["d"]\n'
    lock = '[[package]]\nname = "t"\nversion = "1.2"\n[[package]]\nname = "odd name"\nversion = "1 --index-url x"\n'
    found = planned(tmp_path, pyproject_dot_toml=project, poetry_dot_lock=lock)
    assert found == [("-c", str(tmp_path / "constraints.txt"), "--", "a", "t")]
    assert (tmp_path / "constraints.txt").read_text() == "t==1.2\n"
    assert planned(tmp_path, step=building) == [("--no-deps", ".")]


def test_an_extra_that_names_others_of_the_project_stands_for_them(tmp_path):
    project = BUILT + 'dev = ["p-x[test, docs]", "p_x", "p-xy[test]"]\ntest = ["t", "p-x[dev]"]\ndocs = ["d>=2"]\n'
    assert planned(tmp_path, pyproject_dot_toml=project) == [("--", "a", "t", "d>=2", "p-xy[test]")]


@pytest.mark.parametrize(
    "text", ["[build-system]", BUILT.replace("dependencies = ", 'dynamic = ["dependencies"]\nx = ')]
)
def test_a_project_that_alone_knows_its_dependencies_is_installed_with_them(tmp_path, text):
    assert [one for one in planned(tmp_path, pyproject_dot_toml=text) if "a" in one] == []
    assert planned(tmp_path, step=building) == [(".",)]


def test_a_project_that_is_not_built_gets_its_dependencies_and_groups_only(tmp_path):
    project = '[project]\nname = "p"\ndependencies = ["a>1"]\n[dependency-groups]\nlint = ["l"]\n'
    groups = 'test = ["g", {include-group = "typing"}, {x = 1}]\ntyping = ["m", {include-group = "test"}]\n'
    assert planned(tmp_path, pyproject_dot_toml=project + groups) == [("--", "a>1", "g", "m")]
    assert planned(tmp_path, step=building) == []


def test_a_lock_of_pipenv_is_bound_by_its_hashes(tmp_path):
    digest = "sha256:" + "0a" * 32
    good = {"version": "==1.0", "hashes": [digest], "markers": "python_version >= '3.8'"}
    lock = {
        "default": {"a": good, "git": {"ref": "x"}, "no-hash": {"version": "==1"}},
        "develop": {"b": {"version": "==2", "hashes": [digest, "--index-url"]}, "--odd name": good, "c": {**good, "version": "==1 -r /etc/passwd"}},
    }  # fmt: skip
    (words,) = planned(tmp_path, Pipfile_dot_lock=json.dumps(lock))
    assert words == ("--require-hashes", "--no-deps", "-r", str(tmp_path / "pipfile.txt"))
    assert (tmp_path / "pipfile.txt").read_text() == (
        f"a==1.0 ; python_version >= '3.8' --hash={digest}\nb==2 --hash={digest}\n"
    )


def key(tmp_path, setup=(), period="", **files):
    return cache_key(tree_of(tmp_path, **files), setup, period)


def test_the_key_changes_with_everything_that_decides_and_with_nothing_else(tmp_path):
    seen = [key(tmp_path, shop_dot_py="1", requirements_dot_txt="a==1")]
    assert key(tmp_path, shop_dot_py="2", README_dot_md="x") == seen[0]
    seen.append(key(tmp_path, requirements_dot_txt="a==2"))
    seen.append(key(tmp_path, deep__more_dot_txt="b"))
    seen.append(key(tmp_path, uv_dot_lock=""))
    seen.append(key(tmp_path, vendor__a_dot_whl="x"))
    seen.append(key(tmp_path, period="another week"))
    seen.append(key(tmp_path, ("make", "deps")))
    seen.append(key(tmp_path, ("make", "deps"), shop_dot_py="3"))
    seen.append(key(tmp_path, requirements_dot_txt="-e .\n"))
    seen.append(key(tmp_path, shop_dot_py="4"))
    assert len(set(seen)) == len(seen)
    (tmp_path / "tree" / "link.txt").symlink_to("/etc/passwd")
    assert key(tmp_path) == seen[-1]


def test_a_lock_of_uv_is_exported_with_hashes_and_bound_by_them(tmp_path):
    _, export, install_ = planned(tmp_path, uv_dot_lock="version = 1\n", requirements_dot_txt="other\n")
    assert export[:3] == ("/tools/bin/uv", "export", "--frozen")
    assert install_ == ("--require-hashes", "--no-deps", "-r", "/requirements.txt")


@pytest.mark.parametrize("text", ["[", "project = 1", "[project]\ndependencies = 3", "x = " + "[" * 5000])
def test_files_that_cannot_be_read_ask_for_nothing(tmp_path, text):
    assert planned(tmp_path, pyproject_dot_toml=text, pylock_dot_toml=text) == []


def test_a_setup_that_fails_is_told(tmp_path, capfd):
    made = "echo tried; touch $VIRTUAL_ENV/lib/python3*/site-packages/pytest.py; exit 3"  # nothing is downloaded here
    tree = tree_of(tmp_path, pip__main_dot_py="raise SystemExit('not pip')", pytest_dot_py="raise SystemExit(9)")
    assert not install(tree, Python(venv=tmp_path / "venv"), ("/bin/sh", "-c", made))
    assert "tried" in capfd.readouterr().out
    assert (tmp_path / "venv" / "bin" / "python").exists()
