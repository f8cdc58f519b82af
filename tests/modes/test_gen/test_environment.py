"""Which interpreter runs the tests of a repository."""

import sys

import pytest

from tta_orchestrate.errors import SourceError
from tta_orchestrate.modes.test_gen.environment import find_environment


def interpreter(folder, *, with_pytest=True):
    """A folder that looks like a virtual environment; return its interpreter."""
    (folder / "bin").mkdir(parents=True)
    package = folder / "lib" / "python3.11" / "site-packages" / "pytest"
    package.mkdir(parents=True)
    if with_pytest:
        (package / "__init__.py").touch()
    (folder / "pyvenv.cfg").write_text("home = /usr/bin\n")
    python = folder / "bin" / "python"
    python.touch()
    return python


def script(path, first):
    path.write_text(f"{first}\nimport pytest\n")
    return str(path)


def nothing(_):
    return None


def test_the_one_that_is_asked_for(tmp_path):
    python = interpreter(tmp_path / "other")
    found = find_environment(tmp_path, asked=str(python), fallback=sys.executable, which=nothing)
    assert (found.python, found.origin) == (str(python), "asked for")


def test_one_that_is_not_there_is_an_error_with_its_remedy(tmp_path):
    with pytest.raises(SourceError, match="no interpreter at nowhere"):
        find_environment(tmp_path, asked="nowhere", fallback=sys.executable, which=nothing)


def test_the_repositorys_own_comes_before_everything_else(tmp_path):
    python = interpreter(tmp_path / ".venv", with_pytest=False)
    assert find_environment(tmp_path, asked="", fallback=sys.executable, which=nothing).python == str(python)


def test_a_fallback_without_pytest_gives_way_to_the_pytest_on_the_path(tmp_path):
    fallback = interpreter(tmp_path / "ours", with_pytest=False)
    python = interpreter(tmp_path / "theirs")
    on_path = script(tmp_path / "pytest", f"#!{python}")
    found = find_environment(tmp_path, asked="", fallback=str(fallback), which=lambda _: on_path)
    assert found.python == str(python)
    assert "on the path" in found.origin


@pytest.mark.parametrize("first", ["#!/usr/bin/env bash", "#!python3", "", "#!/nowhere/python3", "\0binary"])
def test_a_script_that_names_no_interpreter_changes_nothing(tmp_path, first):
    fallback = interpreter(tmp_path / "ours", with_pytest=False)
    on_path = script(tmp_path / "pytest", first)
    found = find_environment(tmp_path, asked="", fallback=str(fallback), which=lambda _: on_path)
    assert found.python == str(fallback)


def test_a_fallback_with_pytest_stays(tmp_path):
    fallback = interpreter(tmp_path / "ours")
    on_path = script(tmp_path / "pytest", f"#!{interpreter(tmp_path / 'theirs')}")
    assert find_environment(tmp_path, asked="", fallback=str(fallback), which=lambda _: on_path).python == str(fallback)
