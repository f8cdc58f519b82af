"""What the tree says of itself: packages, test layout, framework, and where new tests belong. Text is only parsed."""

import ast
import re
import tomllib
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Final

from tta_orchestrate.modes.test_gen.snapshot import Snapshot

_TEST_FILE: Final = re.compile(r"(^|/)(test_[^/]*|[^/]*_test|tests)\.py$")
MARK: Final = "# tta-orchestrate: generated"
"""A line of every file this program makes; only such files are ever added to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Style:
    """How this repository writes tests."""

    framework: str
    """``pytest`` or ``unittest``."""
    classes: bool = False
    """Whether most tests stand in classes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """The layout of one tree."""

    tests: tuple[str, ...]
    """Files that hold tests, sorted."""
    folder: str
    """Where tests live, ``""`` for the root."""
    roots: tuple[str, ...]
    """Folders that must be on ``sys.path``."""
    style: Style


@dataclass(frozen=True, slots=True, kw_only=True)
class Unit:
    """One file to write tests for."""

    path: str
    module: str
    root: str
    """The folder its import starts from."""
    source: str


def read_project(snapshot: Snapshot) -> Project:
    """Look at the whole tree."""
    files = list(snapshot.files())
    tests = tuple(f for f in files if _TEST_FILE.search(f) and not f.endswith("conftest.py"))
    texts = {path: _text(snapshot, path) for path in tests}
    config = _toml(snapshot)
    options = _pytest_options(config)
    roots = {_root_of(path, set(files)) for path in files if path.endswith(".py") and path not in tests}
    return Project(
        tests=tests,
        folder=_folder(tests, options, files),
        roots=tuple(sorted(roots, key=lambda r: (r != "src", len(r), r)))[:8],
        style=_style(texts, files, configured=bool(options) or "pytest.ini" in files),
    )


def read_unit(snapshot: Snapshot, path: str) -> Unit:
    """Look at one Python file of the tree."""
    files = set(snapshot.files())
    root = _root_of(path, files)
    relative = PurePosixPath(path).relative_to(root) if root else PurePosixPath(path)
    parts = list(relative.with_suffix("").parts)
    if parts[-1] == "__init__" and len(parts) > 1:
        parts.pop()
    source = snapshot.read(path).removeprefix("\ufeff")
    return Unit(path=path, module=".".join(parts), root=root, source=source)


def test_path(project: Project, unit: Unit, existing: Iterable[str]) -> str:
    """Return a path for new tests of *unit*: beside the tests it already has, under a name that is free.

    Base names stay unique over the tree, because test folders without ``__init__.py`` share one name space.
    """
    taken = set(existing)
    near = [t for t in project.tests if PurePosixPath(t).stem in {f"test_{_stem(unit)}", f"{_stem(unit)}_test"}]
    folder = str(PurePosixPath(near[0]).parent) if near else project.folder
    if any(str(part) in taken for part in (PurePosixPath(folder), *PurePosixPath(folder).parents)):
        folder = ""  # a file has the name of the folder
    names = {PurePosixPath(path).name for path in taken}
    for stem in (
        _stem(unit),
        unit.module.replace(".", "_"),
        *(f"{unit.module.replace('.', '_')}_{n}" for n in range(2, 100)),
    ):
        name = f"test_{stem}_characterisation.py"
        path = name if folder in {"", "."} else f"{folder}/{name}"
        if name not in names:
            return path
    raise AssertionError


def _stem(unit: Unit) -> str:
    return unit.module.rpartition(".")[2].lstrip("_") or "module"


def is_support(path: str) -> bool:
    """Whether *path* is no source that deserves tests of its own: configuration of tests, set-up scripts, examples."""
    pure = PurePosixPath(path)
    folders = {
        "tests",
        "test",
        "docs",
        "doc",
        "examples",
        "example",
        "bench",
        "benchmarks",
        "scripts",
        ".github",
        "tools",
    }
    return pure.name in {"conftest.py", "setup.py", "noxfile.py", "__main__.py"} or bool(
        folders.intersection(pure.parts[:-1])
    )


def related(project: Project, unit: Unit, snapshot: Snapshot) -> tuple[str, ...]:
    """Return the test files that are in *snapshot*, those that speak of *unit* first."""
    names = {unit.module.rpartition(".")[2], unit.module.partition(".")[0]}

    def rank(path: str) -> tuple[int, str]:
        text = _text(snapshot, path)
        mentioned = unit.module in text or any(f"import {name}" in text or f"from {name}" in text for name in names)
        return (0 if _stem(unit) in path and mentioned else 1 if mentioned else 2, path)

    return tuple(sorted(set(project.tests).intersection(snapshot.files()), key=rank))


def _root_of(path: str, files: set[str]) -> str:
    folder = PurePosixPath(path).parent
    while str(folder) != "." and f"{folder}/__init__.py" in files:
        folder = folder.parent
    parts = folder.parts
    if "src" in parts:  # a name-space package below a src layout
        return "/".join(parts[: parts.index("src") + 1])
    return "" if str(folder) == "." else str(folder)


def _folder(tests: tuple[str, ...], options: Mapping[str, object], files: list[str]) -> str:
    configured = options.get("testpaths")
    if (
        isinstance(configured, list)
        and configured
        and isinstance(configured[0], str)
        and any(t.startswith(configured[0]) for t in tests)
    ):
        return configured[0].rstrip("/")
    folders = Counter(str(PurePosixPath(test).parent) for test in tests)
    if folders:
        return min(folders, key=lambda f: (-folders[f], len(f), f))
    return next((name for name in ("tests", "test") if any(f.startswith(f"{name}/") for f in files)), "tests")


def _style(texts: Mapping[str, str], files: list[str], *, configured: bool) -> Style:
    functions = methods = cases = 0
    for text in texts.values():
        try:
            tree = ast.parse(text)
        except (SyntaxError, ValueError):
            continue
        for node in tree.body:
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                functions += node.name.startswith("test")
            elif isinstance(node, ast.ClassDef):
                count = sum(isinstance(n, ast.FunctionDef) and n.name.startswith("test") for n in node.body)
                if any("TestCase" in ast.unparse(base) for base in node.bases):
                    cases += count
                else:
                    methods += count
    conftest = any(f.endswith("conftest.py") for f in files)
    pytest_like = (
        configured or conftest or functions or methods or not cases or any("import pytest" in t for t in texts.values())
    )
    return Style(framework="pytest" if pytest_like else "unittest", classes=methods > functions)


def _pytest_options(config: Mapping[str, object]) -> Mapping[str, object]:
    node: object = config
    for key in ("tool", "pytest", "ini_options"):
        node = node.get(key) if isinstance(node, Mapping) else None
    return node if isinstance(node, Mapping) else {}


def _text(snapshot: Snapshot, path: str) -> str:
    return snapshot.read(path)


def _toml(snapshot: Snapshot) -> dict[str, object]:
    try:
        return tomllib.loads(snapshot.read("pyproject.toml"))
    except (OSError, tomllib.TOMLDecodeError, UnicodeError):
        return {}
