"""``python -I -m tta_orchestrate.sandbox.prep FOLDER prep|build``: install what the tests of a repository need.

Runs in a container with a network and without anything worth stealing, on a copy of the tree without ``.git``. Whatever
an installer executes, it can change nothing but the folder ``deps``, which only the box ever reads.

Dependencies come first (``prep``): no code of the tested tree runs meanwhile, so the result depends on nothing but what
``cache_key`` hashes, and may be kept for later runs. Then, in a container of its own, the project itself is built.
"""

import contextlib
import hashlib
import json
import re
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
"""Lock files whose versions become constraints; ``uv.lock`` (by uv itself) and ``Pipfile.lock`` bind by hashes."""
_OWN: Final = re.compile(r"\s*([A-Za-z0-9._-]+)\s*(?:\[([^\]]*)\])?\s*")
_LOCAL: Final = re.compile(rb"^\s*(?:-e|--editable|[./])|file:", re.MULTILINE)
"""A requirement that is a folder or file of the tree: then code of the tree runs, and all of it decides."""
_WORD: Final = re.compile(r"[A-Za-z0-9._=!+*-]+")
_HASH: Final = re.compile(r"sha(?:256|384|512):[0-9a-f]+")
_DECLARING: Final = (".txt", ".in", ".toml", ".lock", ".whl", ".tar.gz", ".zip")


@dataclass(frozen=True, slots=True, kw_only=True)
class Python:
    """The virtual environment that the box will use."""

    venv: Path

    @property
    def program(self) -> str:
        """Its interpreter."""
        return str(self.venv / "bin" / "python")

    def pip(self, *words: str) -> tuple[str, ...]:
        """Return the command that installs *words*; ``-P``: what lies in the tree is not taken for pip."""
        return (
            self.program,
            "-P",
            "-m",
            "pip",
            "install",
            "--no-input",
            "--disable-pip-version-check",
            "--quiet",
            *words,
        )


def interpreter(folder: Path) -> str:
    """Return the interpreter that prep leaves in the shared *folder*."""
    return Python(venv=folder / "deps" / "venv").program


def cache_key(tree: Path, setup: Sequence[str] = (), period: str = "") -> str:
    """Return a digest of all that decides what ``prep`` installs; where code of the tree does it, of the whole tree.

    The interpreter's version is part of it, and *period*: what no lock file pins grows no older. The launcher adds the
    image.
    """
    files = [path for path in sorted(tree.rglob("*")) if path.is_file() and not path.is_symlink()]
    declaring = [path for path in files if path.name == "Pipfile" or path.name.endswith(_DECLARING)]
    whole = bool(setup) or any(_LOCAL.search(path.read_bytes()) for path in declaring if path.suffix in {".txt", ".in"})
    seen = hashlib.sha256(json.dumps([sys.version, period, list(setup)]).encode())
    for path in files if whole else declaring:
        content = hashlib.sha256(path.read_bytes()).hexdigest()
        seen.update(json.dumps([path.relative_to(tree).as_posix(), content]).encode())
    return seen.hexdigest()


def commands(tree: Path, python: Python, setup: Sequence[str] = ()) -> Iterator[tuple[str, ...]]:
    """Yield what to run for the dependencies, in the folder *tree*: *setup*, or without one what its files ask for.

    Nothing of it executes code of the tree, unless *setup* or a requirement file says so.
    """
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
    if locked := _pipfile(tree):
        yield python.pip("--require-hashes", "--no-deps", "-r", locked)
    for name in REQUIREMENTS:
        if (tree / name).is_file():
            yield python.pip("-r", name)
    if wanted := _declared(_toml(tree / "pyproject.toml")):
        yield python.pip(*pins, "--", *wanted)


def building(tree: Path, python: Python, setup: Sequence[str] = ()) -> Iterator[tuple[str, ...]]:
    """Yield what builds and installs the project itself, if it is one; with dependencies only if no file says them."""
    document = _toml(tree / "pyproject.toml")
    if setup or not is_built(tree):
        return
    project = _table(document, "project")
    unsaid = not project or {"dependencies", "optional-dependencies"}.intersection(_list(project, "dynamic"))
    if (tree / "uv.lock").is_file() or not unsaid:
        yield python.pip("--no-deps", ".")
    else:
        extras = [name for name in GROUPS if name in _table(project, "optional-dependencies")]
        yield python.pip(*_constraints(tree), f".[{','.join(extras)}]" if extras else ".")


def is_built(tree: Path) -> bool:
    """Whether the project says how it is built."""
    return "build-system" in _toml(tree / "pyproject.toml") or (tree / "setup.py").is_file()


def _uv(python: Python) -> Iterator[tuple[str, ...]]:
    tools, listed = str(python.venv.parent / "tools"), str(python.venv.parent / "requirements.txt")
    yield python.pip("--target", tools, "uv")
    yield (f"{tools}/bin/uv", "export", "--frozen", "--quiet", "--all-extras", "--all-groups", "--no-emit-workspace",
           "--python", python.program, "--output-file", listed)  # fmt: skip
    yield python.pip("--require-hashes", "--no-deps", "-r", listed)


def _declared(document: Mapping[str, Any]) -> list[str]:
    """Return what ``pyproject.toml`` requires: the project's own, and extras and groups (PEP 735) for tests."""
    project, groups = _table(document, "project"), _table(document, "dependency-groups")
    wanted = [*_list(project, "dependencies")]
    wanted += [one for name in GROUPS for one in _extra(project, name, ())]
    wanted += [one for name in GROUPS for one in _group(groups, name, ())]
    return list(dict.fromkeys(one for one in wanted if isinstance(one, str)))


def _extra(project: Mapping[str, Any], name: str, above: tuple[str, ...]) -> Iterator[str]:
    """Yield the requirements of an extra; one that names other extras of the project itself stands for those."""
    for one in _list(_table(project, "optional-dependencies"), name):
        match = _OWN.fullmatch(one) if isinstance(one, str) else None
        if match and _plain(match[1]) == _plain(str(project.get("name", ""))):
            for other in (part.strip() for part in (match[2] or "").split(",")):
                yield from _extra(project, other, (*above, name)) if other not in (*above, name) else ()
        elif isinstance(one, str):
            yield one


def _plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _group(groups: Mapping[str, Any], name: str, above: tuple[str, ...]) -> Iterator[str]:
    for one in _list(groups, name):
        included = one.get("include-group") if isinstance(one, dict) else None
        if isinstance(included, str) and included not in above:
            yield from _group(groups, included, (*above, name))
        elif isinstance(one, str):
            yield one


def _pipfile(tree: Path) -> str:
    """Turn ``Pipfile.lock`` into a requirement file with hashes, beside the tree; return its path, if there is one."""
    try:
        document = json.loads((tree / "Pipfile.lock").read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return ""
    packages = [*_table(document, "default").items(), *_table(document, "develop").items()]
    rows = dict(row for name, entry in packages if isinstance(entry, dict) and (row := _locked(name, entry)))
    if not rows:
        return ""
    file = tree.parent / "pipfile.txt"
    file.write_text("".join(f"{line}\n" for line in rows.values()), encoding="utf-8")
    return str(file)


def _locked(name: str, entry: Mapping[str, Any]) -> tuple[str, str] | None:
    """Return a package of ``Pipfile.lock`` as pip writes it; one without a version or hashes (git, path) is none."""
    version, marker = entry.get("version"), entry.get("markers")
    hashes = [one for one in _list(entry, "hashes") if isinstance(one, str) and _HASH.fullmatch(one)]
    if not isinstance(version, str) or not _WORD.fullmatch(name) or not _WORD.fullmatch(version) or not hashes:
        return None
    condition = f" ; {marker}" if isinstance(marker, str) and marker.isprintable() and "#" not in marker else ""
    return name, f"{name}{version}{condition} " + " ".join(f"--hash={one}" for one in hashes)


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


def _table(document: Any, name: str) -> dict[str, Any]:
    found = document.get(name) if isinstance(document, dict) else None
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
    if not _run((python.program, "-P", "-m", "pytest", "--version"), tree):
        # Beside what is there already: pytest is ours to add, other versions than the locked ones are not.
        failed += [command for command in [python.pip(*_installed(python, tree), "pytest")] if not _run(command, tree)]
    return not failed


def _installed(python: Python, tree: Path) -> tuple[str, ...]:
    """Turn what is installed by now into pip's constraints; return the words for pip."""
    listing = (python.program, "-P", "-m", "pip", "list", "--disable-pip-version-check", "--format", "freeze")
    found = subprocess.run(
        listing, cwd=tree, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    ).stdout
    file = tree.parent / "installed.txt"
    file.write_text("".join(f"{line}\n" for line in found.splitlines() if "==" in line), encoding="utf-8")
    return ("-c", str(file))


def build(tree: Path, python: Python, setup: Sequence[str]) -> bool:
    """Build and install the project beside its dependencies; return whether that succeeded."""
    return all(_run(command, tree) for command in building(tree, python, setup))


def main() -> None:
    """Install, and tell by the exit status whether all of it was done."""
    shared, role = Path(sys.argv[1]), sys.argv[2]
    plan = json.loads((shared / "plan" / "prep.json").read_text(encoding="utf-8"))
    with contextlib.ExitStack() as stack:
        scratch = Path(stack.enter_context(tempfile.TemporaryDirectory(ignore_cleanup_errors=True)))
        tree = scratch / "tree"
        shutil.copytree(shared / "source" / plan["tree"], tree)
        step = build if role == "build" else install
        done = step(tree, Python(venv=shared / "deps" / "venv"), plan["setup"])
    sys.exit(0 if done else 1)


if __name__ == "__main__":
    main()
