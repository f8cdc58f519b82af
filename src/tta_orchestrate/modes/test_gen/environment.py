"""The interpreter of the tested repository, found and described by reading files, never by running it."""

import os
import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tta_orchestrate.errors import SourceError
from tta_orchestrate.sandbox.spec import Bind

Which = Callable[[str], str | None]
_VENVS: Final = (".venv", "venv", "env", ".env")
_SYSTEM: Final = ("/usr", "/bin", "/lib", "/sbin")


@dataclass(frozen=True, slots=True, kw_only=True)
class Environment:
    """An interpreter, and the folders a job must see to use it."""

    python: str
    binds: tuple[Bind, ...]
    origin: str
    """Where the choice came from, for the report."""


def find_environment(root: Path, *, asked: str, fallback: str, which: Which = shutil.which) -> Environment:
    """Return the interpreter *asked* for, else that of a virtual environment in *root*, else *fallback*.

    A fallback without pytest gives way to the interpreter of the ``pytest`` on the path.

    Raises:
        SourceError: the interpreter asked for does not exist.
    """
    if asked:
        python = Path(asked) if os.sep in asked else root / asked
        if not python.exists():
            raise SourceError(
                f"there is no interpreter at {asked}", remedy="give --python the path of a Python executable"
            )
        return _describe(python.absolute(), "asked for")
    for name in _VENVS:
        python = root / name / "bin" / "python"
        if python.exists() and (root / name / "pyvenv.cfg").is_file():
            return _describe(python, f"found in {name}/")
    other = None if _has_pytest(Path(fallback)) else _interpreter_of(which("pytest"))
    if other is not None:
        return _describe(other, "the one that `pytest` on the path runs in")
    return _describe(Path(fallback), "the interpreter of tta-orchestrate itself")


def _has_pytest(python: Path) -> bool:
    places = (python.parent.parent, python.resolve().parent.parent)
    return any(any(place.glob("lib/python3*/site-packages/pytest/__init__.py")) for place in places)


def _interpreter_of(script: str | None) -> Path | None:
    """Return the interpreter that the first line of *script* names, where it has pytest."""
    if script is None:
        return None
    try:
        with Path(script).open("rb") as file:
            first = file.readline(300).decode("utf-8", "replace").strip()
    except OSError:
        return None
    python = Path(first.removeprefix("#!").partition(" ")[0])
    good = first.startswith("#!") and python.name.startswith("python") and python.is_absolute() and python.exists()
    return python if good and _has_pytest(python) else None


def _describe(python: Path, origin: str) -> Environment:
    folders: list[Path] = []
    venv = python.parent.parent
    config = venv / "pyvenv.cfg"
    if config.is_file():
        folders.append(venv)
        folders += _prefix(Path(_home(config)))
    folders += [folder for link in _links(python) for folder in _prefix(link.parent)]
    folders += [Path(line) for line in _paths(venv)]
    unique = sorted({str(folder) for folder in folders if folder.is_dir() and not str(folder).startswith(_SYSTEM)})
    return Environment(python=str(python), binds=tuple(Bind(source=f, target=f) for f in unique), origin=origin)


def _home(config: Path) -> str:
    found = re.search(r"^home\s*=\s*(.+?)\s*$", config.read_text(encoding="utf-8"), re.MULTILINE)
    return found.group(1) if found else "/usr/bin"


def _links(python: Path) -> Iterator[Path]:
    """Yield each step of the chain of links that ends at the real executable."""
    for _ in range(8):
        yield python
        if not python.is_symlink():
            return
        python = Path(os.path.normpath(python.parent / python.readlink()))


def _prefix(bin_folder: Path) -> list[Path]:
    """Return the program and library folders of an installation, and nothing else that lies beside them."""
    prefix = bin_folder.parent
    if not any((prefix / "lib").glob("python3*")):
        return []
    return [prefix / name for name in ("bin", "lib", "lib64", "include")]


def _paths(venv: Path) -> Iterator[str]:
    """Yield the folders that ``.pth`` files add."""
    for file in sorted(venv.glob("lib/python3*/site-packages/*.pth")):
        for line in file.read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("/"):
                yield line.strip()
