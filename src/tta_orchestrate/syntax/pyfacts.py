"""Facts that Python code states about itself: what it raises, calls, which options and variables it reads."""

import ast
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from tta_orchestrate.domain.symbol import Knob

Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
_DEFINITIONS: Final = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
_OPTION_CALLS: Final = frozenset({"add_argument", "option", "argument", "Option", "Argument"})
_ENVIRONMENT: Final = frozenset({"os.environ.get", "os.getenv", "environ.get", "getenv", "os.environ.setdefault"})
_MAX_VALUE: Final = 80


@dataclass(frozen=True, slots=True, kw_only=True)
class PyFacts:
    """Facts of one file; ``raises`` and ``calls`` are by dotted symbol path (``""`` is module level)."""

    imports: tuple[str, ...] = ()
    raises: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    calls: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    options: tuple[Knob, ...] = ()
    environment: tuple[Knob, ...] = ()


def slash(dotted: str) -> str:
    """Return a dotted name as a slash path."""
    return dotted.replace(".", "/")


def read_facts(tree: ast.Module, key: str, *, is_package: bool) -> PyFacts:
    """Return the facts of *tree*, whose page is *key*; relative imports count from there."""
    reader = _Reader(key, is_package=is_package)
    reader.collect_names(tree)
    reader.scope(tree, "")
    return PyFacts(
        imports=tuple(sorted(set(reader.imports))),
        raises={path: tuple(dict.fromkeys(names)) for path, names in reader.raises.items()},
        calls={path: tuple(sorted(set(names))) for path, names in reader.calls.items()},
        options=tuple(reader.options),
        environment=tuple(reader.environment),
    )


def dotted_name(node: ast.AST) -> str:
    """Return ``a.b.c`` for a chain of names, ``""`` for anything else."""
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    if not isinstance(node, ast.Name):
        return ""
    return ".".join([node.id, *reversed(parts)])


def absolute(module: str | None, level: int, key: str, *, is_package: bool) -> str:
    """Return the slash path that ``from <dots><module>`` means in the file whose page is *key*."""
    if level == 0:
        return slash(module or "")
    parts = key.split("/")
    keep = len(parts) - level + (1 if is_package else 0)
    return "/".join([*parts[: max(keep, 0)], *([slash(module)] if module else [])])


class _Reader:
    def __init__(self, key: str, *, is_package: bool) -> None:
        self.key = key
        self.is_package = is_package
        self.names: dict[str, str] = {}
        self.imports: list[str] = []
        self.raises: dict[str, list[str]] = {}
        self.calls: dict[str, list[str]] = {}
        self.options: list[Knob] = []
        self.environment: list[Knob] = []

    def collect_names(self, tree: ast.Module) -> None:
        for node in tree.body:
            if isinstance(node, _DEFINITIONS):
                self.names[node.name] = f"{self.key}/{node.name}"
        for found in ast.walk(tree):
            if isinstance(found, ast.Import):
                self._import(found)
            elif isinstance(found, ast.ImportFrom):
                self._import_from(found)

    def _import(self, node: ast.Import) -> None:
        for alias in node.names:
            self.imports.append(slash(alias.name))
            bound = alias.asname or alias.name.partition(".")[0]
            self.names[bound] = slash(alias.name if alias.asname else bound)

    def _import_from(self, node: ast.ImportFrom) -> None:
        source = absolute(node.module, node.level, self.key, is_package=self.is_package)
        self.imports.append(source)
        for alias in node.names:
            if alias.name != "*":
                self.imports.append(f"{source}/{alias.name}")
                self.names[alias.asname or alias.name] = f"{source}/{alias.name}"

    def scope(self, node: ast.AST, path: str, owner: str = "") -> None:
        for child in self._own(node):
            if isinstance(child, _DEFINITIONS):
                inner = f"{path}.{child.name}" if path else child.name
                self.scope(child, inner, inner if isinstance(child, ast.ClassDef) else owner)
            else:
                self._look(child, path, owner)

    @staticmethod
    def _own(node: ast.AST) -> Iterator[ast.AST]:
        """Yield descendants in source order, stopping at nested definitions (which are yielded whole)."""
        pending = list(reversed(list(ast.iter_child_nodes(node))))
        while pending:
            child = pending.pop()
            yield child
            if not isinstance(child, _DEFINITIONS):
                pending.extend(reversed(list(ast.iter_child_nodes(child))))

    def _look(self, node: ast.AST, path: str, owner: str) -> None:
        if isinstance(node, ast.Raise) and node.exc is not None:
            raised = dotted_name(node.exc.func if isinstance(node.exc, ast.Call) else node.exc)
            if raised and raised.rpartition(".")[2][:1].isupper():
                self.raises.setdefault(path, []).append(raised)
        elif isinstance(node, ast.Call):
            self._call(node, path, owner)
        elif isinstance(node, ast.Subscript) and dotted_name(node.value) in {"os.environ", "environ"}:
            self._variable(node.slice, node.lineno, "")

    def _call(self, node: ast.Call, path: str, owner: str) -> None:
        name = dotted_name(node.func)
        if not name:
            return
        if name.rpartition(".")[2] in _OPTION_CALLS:
            self._option(node)
        if name in _ENVIRONMENT and node.args:
            self._variable(node.args[0], node.lineno, _literal(node.args[1]) if len(node.args) > 1 else "")
        target = self._resolve(name, owner)
        if target:
            self.calls.setdefault(path, []).append(target)

    def _resolve(self, name: str, owner: str) -> str:
        first, _, rest = name.partition(".")
        if first in {"self", "cls"} and owner and rest:
            return f"{self.key}/{slash(owner)}/{slash(rest)}"
        target = self.names.get(first, "")
        if not target or target.partition("/")[0] in sys.stdlib_module_names:
            return ""
        return f"{target}/{slash(rest)}" if rest else target

    def _option(self, node: ast.Call) -> None:
        flags = [a.value for a in node.args if isinstance(a, ast.Constant) and isinstance(a.value, str)]
        flags = [flag for flag in flags if flag.startswith("-") and " " not in flag]
        if not flags:
            return
        keywords = {k.arg: k.value for k in node.keywords if k.arg}
        help_node, default = keywords.get("help"), keywords.get("default")
        text = help_node.value if isinstance(help_node, ast.Constant) and isinstance(help_node.value, str) else ""
        shown = _literal(default) if default is not None else ""
        self.options.append(Knob(name=", ".join(flags), line=node.lineno, default=shown, help=text))

    def _variable(self, node: ast.AST, line: int, default: str) -> None:
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value:
            self.environment.append(Knob(name=node.value, line=line, default=default))


def _literal(node: ast.expr) -> str:
    text = " ".join(ast.unparse(node).split())
    return text if len(text) <= _MAX_VALUE else text[: _MAX_VALUE - 1] + "…"
