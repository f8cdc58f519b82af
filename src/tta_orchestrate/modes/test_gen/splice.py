"""Adding to a test file that this program made earlier: imports united, names kept apart, nothing taken away."""

import ast
import itertools
import re
from collections.abc import Iterator, Mapping

from tta_orchestrate.modes.test_gen.facts import MARK, Project, Unit, related
from tta_orchestrate.modes.test_gen.snapshot import Snapshot

_Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


def earlier_file(project: Project, unit: Unit, snapshot: Snapshot) -> str | None:
    """Return the file for *unit* that bears our mark on a line of its own, or ``None``."""
    for path in related(project, unit, snapshot):
        if not path.endswith("_characterisation.py"):
            continue
        text = snapshot.read(path)
        if MARK in text.splitlines() and unit.module in _modules(text):
            return path
    return None


def names_taken(project: Project, unit: Unit, snapshot: Snapshot) -> frozenset[str]:
    """Return the names of tests in the file that an earlier run made for *unit*: new ones are called otherwise."""
    path = earlier_file(project, unit, snapshot)
    try:
        tree = ast.parse(snapshot.read(path)) if path else ast.Module([], [])
    except (SyntaxError, ValueError):
        return frozenset()
    return frozenset(node.name for node in ast.walk(tree) if isinstance(node, _Definition))


def splice(old: str, new: str) -> tuple[str, dict[str, str]] | None:
    """Return *old* with the tests of *new* added, and how tests had to be renamed; ``None`` if either cannot be read.

    Every line of *old* stays, but for ``from x import …`` lines that take up more names.
    """
    try:
        there, here = ast.parse(old), ast.parse(new)
    except (SyntaxError, ValueError):
        return None
    lines = old.rstrip("\n").split("\n")
    taken = {node.name for node in ast.walk(there) if isinstance(node, _Definition)}
    renamed: dict[str, str] = {}
    classes = {node.name: node for node in there.body if isinstance(node, ast.ClassDef)}
    inserts: list[tuple[int, list[str]]] = []
    for node in here.body:
        if isinstance(node, ast.ClassDef) and node.name in classes:
            end = classes[node.name].end_lineno or len(lines)
            methods = [n for n in node.body if isinstance(n, _Definition)]
            inserts.append((end, [line for m in methods for line in ("", *_segment(new, m, taken, renamed))]))
        elif isinstance(node, _Definition):
            inserts.append((len(lines), ["", "", *_segment(new, node, taken, renamed)]))
    for _, (at, added) in sorted(enumerate(inserts), key=lambda entry: (entry[1][0], entry[0]), reverse=True):
        lines[at:at] = added
    for first, last, added in _imports(there, here):
        lines[first:last] = added
    text = "\n".join(lines) + "\n"
    return text, renamed


def moved(identity: str, path: str, renamed: Mapping[str, str]) -> str:
    """Return the runner's id of a test after it was added to *path*."""
    *owners, name = identity.partition("::")[2].split("::")
    plain, bracket, row = name.partition("[")
    return "::".join([path, *owners, renamed.get(plain, plain) + bracket + row])


def _segment(text: str, node: _Definition, taken: set[str], renamed: dict[str, str]) -> list[str]:
    """Return the source lines of *node*, under a name that is free."""
    first = min([node.lineno, *(d.lineno for d in node.decorator_list)])
    lines = text.split("\n")[first - 1 : node.end_lineno]
    name = next(n for n in itertools.chain([node.name], _numbered(node.name)) if n not in taken)
    taken.add(name)
    if name != node.name:
        renamed[node.name] = name
        at = node.lineno - first
        lines[at] = re.sub(rf"\b{re.escape(node.name)}\b", name, lines[at], count=1)
    return lines


def _numbered(name: str) -> Iterator[str]:
    return (f"{name}_{n}" for n in itertools.count(2))


def _imports(there: ast.Module, here: ast.Module) -> list[tuple[int, int, list[str]]]:
    """Return edits (first line, last line, new lines), 0-based and bottom up, that bring in what *here* imports."""
    known = [node for node in there.body if isinstance(node, ast.Import | ast.ImportFrom)]
    present = {ast.unparse(one) for node in known for one in _single(node)}
    edits: list[tuple[int, int, list[str]]] = []
    fresh: list[str] = []
    for node in (n for n in here.body if isinstance(n, ast.Import | ast.ImportFrom)):
        missing = [one for one in _single(node) if ast.unparse(one) not in present]
        home = next((n for n in known if isinstance(n, ast.ImportFrom) and _same_home(n, node)), None)
        if missing and home is not None:
            names = sorted({*home.names, *(alias for one in missing for alias in one.names)}, key=lambda a: a.name)
            united = ast.ImportFrom(module=home.module, names=names, level=home.level)
            edits.append((home.lineno - 1, home.end_lineno or home.lineno, [ast.unparse(united)]))
        elif missing:
            fresh += [ast.unparse(one) for one in missing]
    if fresh:
        end = max((node.end_lineno or node.lineno for node in known), default=_docstring_end(there))
        edits.append((end, end, fresh))
    return sorted(edits, key=lambda edit: edit[:2], reverse=True)


def _single(node: ast.Import | ast.ImportFrom) -> list[ast.Import | ast.ImportFrom]:
    if isinstance(node, ast.Import):
        return [ast.Import(names=[alias]) for alias in node.names]
    return [ast.ImportFrom(module=node.module, names=[alias], level=node.level) for alias in node.names]


def _same_home(one: ast.ImportFrom, other: ast.Import | ast.ImportFrom) -> bool:
    return isinstance(other, ast.ImportFrom) and (one.module, one.level) == (other.module, other.level)


def _docstring_end(tree: ast.Module) -> int:
    first = tree.body[0] if tree.body else None
    return (first.end_lineno or 0) if isinstance(first, ast.Expr) else 0


def _modules(text: str) -> set[str]:
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError):
        return set()
    return {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.module}
