"""``python -I -m tta_orchestrate.sandbox.prep FOLDER``: install what the tests of a repository need.

Runs in a container with a network and without anything worth stealing, on a copy of the tree without ``.git``. Whatever
an installer executes, it can change nothing but the folder ``deps``, which only the box ever reads.
"""

import contextlib
import json
import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

GROUPS: Final = ("test", "tests", "testing", "dev")
"""Extras, dependency groups and requirement files whose names say that tests need them."""
REQUIREMENTS: Final = (
    "requirements.txt",
    *(file.format(name) for name in GROUPS
      for file in ("requirements-{}.txt", "{}-requirements.txt", "requirements/{}.txt")),
    "tests/requirements.txt",
    "test/requirements.txt",
)  # fmt: skip
PINNING_LOCKS: Final = ("pylock.toml", "poetry.lock", "pdm.lock")
"""Lock files whose versions become constraints; ``uv.lock`` is exported by uv itself, with hashes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Python:
    """The virtual environment that the box will use."""

    venv: Path

    @property
    def program(self) -> str:
        """Its interpreter."""
        return str(self.venv / "bin" / "python")

    def pip(self, *words: str) -> tuple[str, ...]:
        """Return the command that installs *words*."""
        return (self.program, "-m", "pip", "install", "--no-input", "--disable-pip-version-check", "--quiet", *words)


def interpreter(folder: Path) -> str:
    """Return the interpreter that prep leaves in the shared *folder*."""
    return Python(venv=folder / "deps" / "venv").program


def commands(tree: Path, python: Python, setup: Sequence[str] = ()) -> Iterator[tuple[str, ...]]:
    """Yield what to run, in order, in the folder *tree*: *setup* if there is one, else what the files there ask for."""
    if setup:
        yield (
            "/usr/bin/env",
            f"VIRTUAL_ENV={python.venv}",
            f"PATH={python.venv}/bin:/usr/local/bin:/usr/bin:/bin",
            *setup,
        )
        return
    if (tree / "uv.lock").is_file():
        yield from _uv(python)
        return
    pins = _constraints(tree)
    for name in REQUIREMENTS:
        if (tree / name).is_file():
            yield python.pip("-r", name)
    yield from _project(tree, python, pins)


def _uv(python: Python) -> Iterator[tuple[str, ...]]:
    tools, listed = str(python.venv.parent / "tools"), str(python.venv.parent / "requirements.txt")
    yield python.pip("--target", tools, "uv")
    yield (f"{tools}/bin/uv", "export", "--frozen", "--quiet", "--all-extras", "--all-groups", "--no-emit-workspace",
           "--python", python.program, "--output-file", listed)  # fmt: skip
    yield python.pip("--require-hashes", "--no-deps", "-r", listed)


def _project(tree: Path, python: Python, pins: Sequence[str]) -> Iterator[tuple[str, ...]]:
    document = _toml(tree / "pyproject.toml")
    project = _table(document, "project")
    extras = [name for name in GROUPS if name in _table(project, "optional-dependencies")]
    if "build-system" in document or (tree / "setup.py").is_file():
        yield python.pip(*pins, f".[{','.join(extras)}]" if extras else ".")
    else:
        wanted = [*_list(project, "dependencies")]
        wanted += [one for name in extras for one in _list(_table(project, "optional-dependencies"), name)]
        if wanted:
            yield python.pip(*pins, "--", *wanted)
    groups = [name for name in GROUPS if name in _table(document, "dependency-groups")]
    if groups:
        yield python.pip(*pins, *(word for name in groups for word in ("--group", name)))


def _constraints(tree: Path) -> tuple[str, ...]:
    """Turn the first lock file there is into pip's constraints, beside the tree; return the words for pip."""
    for name in PINNING_LOCKS:
        document = _toml(tree / name)
        packages = _list(document, "package") or _list(document, "packages")
        pins = [f"{p['name']}=={p['version']}" for p in packages if isinstance(p, dict) and _pinned(p)]
        if pins:
            file = tree.parent / "constraints.txt"
            file.write_text("\n".join(pins) + "\n", encoding="utf-8")
            return ("-c", str(file))
    return ()


def _pinned(package: Mapping[str, Any]) -> bool:
    words = (package.get("name"), package.get("version"))
    return all(isinstance(word, str) and not any(c.isspace() for c in word) for word in words)


def _toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}


def _table(document: Mapping[str, Any], name: str) -> dict[str, Any]:
    found = document.get(name)
    return found if isinstance(found, dict) else {}


def _list(document: Mapping[str, Any], name: str) -> list[Any]:
    found = document.get(name)
    return found if isinstance(found, list) else []


def _run(command: Sequence[str], folder: Path) -> bool:
    sys.stdout.write(f"$ {' '.join(command)}\n")
    sys.stdout.flush()
    try:
        return subprocess.run(command, cwd=folder, stdin=subprocess.DEVNULL, check=False).returncode == 0
    except OSError as error:
        sys.stdout.write(f"{error}\n")
        return False


def install(tree: Path, python: Python, setup: Sequence[str]) -> bool:
    """Make the environment and fill it; return whether everything that was tried succeeded."""
    base = f"{sys.base_prefix}/bin/python3"
    if not _run((base, "-m", "venv", str(python.venv)), tree):
        return False
    failed = [command for command in commands(tree, python, setup) if not _run(command, tree)]
    if not _run((python.program, "-m", "pytest", "--version"), tree):
        # Beside what is there already: pytest is ours to add, other versions than the locked ones are not.
        failed += [command for command in [python.pip(*_installed(python, tree), "pytest")] if not _run(command, tree)]
    return not failed


def _installed(python: Python, tree: Path) -> tuple[str, ...]:
    """Turn what is installed by now into pip's constraints; return the words for pip."""
    listing = (python.program, "-m", "pip", "list", "--disable-pip-version-check", "--format", "freeze")
    found = subprocess.run(
        listing, cwd=tree, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    ).stdout
    file = tree.parent / "installed.txt"
    file.write_text("".join(f"{line}\n" for line in found.splitlines() if "==" in line), encoding="utf-8")
    return ("-c", str(file))


def main() -> None:
    """Install, and tell by the exit status whether all of it was done."""
    shared = Path(sys.argv[1])
    plan = json.loads((shared / "plan" / "prep.json").read_text(encoding="utf-8"))
    with contextlib.ExitStack() as stack:
        scratch = Path(stack.enter_context(tempfile.TemporaryDirectory(ignore_cleanup_errors=True)))
        tree = scratch / "tree"
        shutil.copytree(shared / "source" / plan["tree"], tree)
        done = install(tree, Python(venv=shared / "deps" / "venv"), plan["setup"])
    sys.exit(0 if done else 1)


if __name__ == "__main__":
    main()
