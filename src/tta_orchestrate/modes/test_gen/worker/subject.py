"""The module under test, seen from inside: what can be called, with what, and what its text knows."""

import ast
import contextlib
import enum
import importlib
import inspect
import os
import re
import sys
import types
import typing
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from . import kinds
from .mining import ENTRIES, Mine, functions, quoted
from .portray import HELPERS, Portrayer, member_text, usable
from .reach import Reach

OPERATORS = {
    "__eq__": "{r} == {a}", "__ne__": "{r} != {a}", "__lt__": "{r} < {a}", "__le__": "{r} <= {a}",
    "__gt__": "{r} > {a}", "__ge__": "{r} >= {a}",
    "__add__": "{r} + {a}", "__sub__": "{r} - {a}", "__mul__": "{r} * {a}", "__truediv__": "{r} / {a}",
    "__floordiv__": "{r} // {a}",
    "__mod__": "{r} % {a}", "__pow__": "{r} ** {a}", "__and__": "{r} & {a}", "__or__": "{r} | {a}",
    "__xor__": "{r} ^ {a}",
    "__lshift__": "{r} << {a}", "__rshift__": "{r} >> {a}", "__radd__": "{a} + {r}", "__rsub__": "{a} - {r}",
    "__rmul__": "{a} * {r}",
    "__getitem__": "{r}[{a}]", "__contains__": "{a} in {r}", "__str__": "str({r})", "__repr__": "repr({r})",
    "__len__": "len({r})",
    "__bool__": "bool({r})", "__int__": "int({r})", "__float__": "float({r})", "__neg__": "-{r}", "__pos__": "+{r}",
    "__abs__": "abs({r})",
    "__invert__": "~{r}", "__iter__": "list({r})", "__reversed__": "list(reversed({r}))", "__bytes__": "bytes({r})",
}  # fmt: skip


@dataclass
class Parameter:
    """One parameter of a target."""

    name: str
    kind: str
    has_default: bool
    kinds: list[kinds.Kind]
    declared: bool = False
    """Whether the kinds come from an annotation, not from a guess."""


@dataclass
class Target:
    """Something that a test can call."""

    qual: str
    kind: str
    owner: str
    template: str
    parameters: list[Parameter]
    first: int
    last: int
    is_async: bool = False
    hangs: int = 0
    literals: dict[str, list[str]] = field(default_factory=dict)
    words: list[str] = field(default_factory=list)
    quoted: list[str] = field(default_factory=list)
    """What its docstring quotes as code or as a text."""


class Subject:
    """The imported module with its targets, a namespace to evaluate in, and what was mined from its text."""

    def __init__(self, name: str, file: str, source: str, only: Sequence[str] = ()) -> None:
        self.name, self.file, self.source = name, file, source
        self.tree = ast.parse(source)
        self.module = importlib.import_module(name)
        self.raises = {
            line
            for node in ast.walk(self.tree)
            if isinstance(node, ast.Raise)
            for line in range(node.lineno, (node.end_lineno or node.lineno) + 1)
        }
        self._functions = functions(self.tree)
        self.patterns = self._patterns()
        self.reach = Reach(self.tree)
        self.left_out: list[str] = []
        """What no test can call: named as pytest names its own, or not to be asked what it is."""
        self.every = self._targets()
        """All targets of the module."""
        wanted = [t for t in self.every if self.reach.behind(t.qual).intersection(only)]
        self.targets = [t for t in self.every if t in wanted or t.kind == "class"] if wanted else self.every
        """Those that tests are wanted for, and the constructors."""
        self.makers, self.members = self._makers()
        self.families = self._families()
        mine = Mine(self.tree, self.module)
        for target in self.targets:
            own = self._functions.get(target.first)
            target.quoted = quoted(own)
            spans = [range(target.first, target.last + 1), *self.reach.spans(target.qual)]
            target.literals, target.words = mine.literals(target.qual, spans, target.quoted)

    def namespace(self, module: types.ModuleType | None = None) -> dict[str, Any]:
        """Return what a test sees: the module's own names, and a few modules of the standard library.

        Those go by their names, as a test imports them, also where the tested module calls something else so
        (``from datetime import datetime``).
        """
        module = module or self.module
        names = {n: v for n, v in vars(module).items() if not n.startswith("__")}
        return {**names, **{helper: importlib.import_module(helper) for helper in HELPERS}}

    def mutated(self, source: str) -> types.ModuleType:
        """Execute *source* as a module that stands beside the original one."""
        copy = types.ModuleType(self.name)
        for attribute in ("__package__", "__file__", "__spec__", "__path__"):
            with contextlib.suppress(AttributeError):
                setattr(copy, attribute, getattr(self.module, attribute))
        exec(compile(source, self.file, "exec", dont_inherit=True), vars(copy))
        return copy

    def portrayer(self, module: types.ModuleType | None = None) -> Portrayer:
        """Return the portrayer for values of *module*."""
        return Portrayer(module or self.module)

    def explicit(self, error: BaseException) -> bool:
        """Whether *error* was raised by a ``raise`` of this file: a contract, not an accident."""
        trace = error.__traceback__
        while trace is not None and trace.tb_next is not None:
            trace = trace.tb_next
        return trace is not None and trace.tb_frame.f_code.co_filename == self.file and trace.tb_lineno in self.raises

    def _targets(self) -> list[Target]:
        found: list[Target] = []
        for name, value in sorted(vars(self.module).items()):
            try:
                mine = self._targets_of(name, value)
            except Exception:  # it answers questions about itself in its own way
                self.left_out.append(name)
                continue
            if usable(name):
                found += mine
            elif mine and not name.startswith("_"):
                self.left_out.append(name)
        return found

    def _targets_of(self, name: str, value: Any) -> list[Target]:
        plain = inspect.unwrap(value) if callable(value) and not isinstance(value, type) else value
        if isinstance(plain, types.FunctionType) and self._ours(plain):
            return [self._target(name, "function", "", f"{name}({{a}})", value, plain)]
        if isinstance(value, type) and value.__module__ == self.module.__name__ and value.__name__ == name:
            return self._class_targets(name, value)
        return []

    def _ours(self, function: types.FunctionType) -> bool:
        return function.__code__.co_filename == self.file and "<locals>" not in function.__qualname__.partition(".")[0]

    def _class_targets(self, name: str, cls: type) -> list[Target]:
        found: list[Target] = []
        if not inspect.isabstract(cls) and not issubclass(cls, enum.Enum):
            init = vars(cls).get("__init__") or getattr(cls, "__init__", None)
            new = next(
                (c.__dict__["__new__"] for c in cls.__mro__ if "__new__" in c.__dict__ and c is not object), None
            )
            callee = init if isinstance(init, types.FunctionType) else getattr(new, "__func__", cls)
            found.append(self._target(name, "class", name, f"{name}({{a}})", cls, callee))
        for member, raw in sorted(vars(cls).items()):
            function = getattr(raw, "__func__", raw)
            if isinstance(raw, property) or type(raw).__name__ == "cached_property":
                getter = raw.fget if isinstance(raw, property) else raw.func
                if not member.startswith("_") and isinstance(getter, types.FunctionType):
                    found.append(self._target(f"{name}.{member}", "property", name, "{r}." + member, None, getter))
                continue
            function = inspect.unwrap(function) if callable(function) and not isinstance(function, type) else function
            if not isinstance(function, types.FunctionType) or not self._ours(function):
                continue
            if isinstance(raw, (staticmethod, classmethod)):
                if not member.startswith("_"):
                    template = f"{name}.{member}({{a}})"
                    found.append(
                        self._target(f"{name}.{member}", "static", name, template, getattr(cls, member), function)
                    )
            elif member in OPERATORS:
                found.append(
                    self._target(
                        f"{name}.{member}", "operator", name, OPERATORS[member], function, function, bound=True
                    )
                )
            elif member == "__call__":
                found.append(
                    self._target(f"{name}.{member}", "method", name, "{r}({a})", function, function, bound=True)
                )
            elif not member.startswith("_"):
                template = f"{{r}}.{member}({{a}})"
                found.append(self._target(f"{name}.{member}", "method", name, template, function, function, bound=True))
        return found

    def _makers(self) -> tuple[dict[str, Target], dict[str, list[str]]]:
        """Return the constructors of classes, and the members of enumerations, that the module has by name.

        Classes of the same package count as well: a test can import them from where the module has them.
        """
        makers = {t.qual: t for t in self.every if t.kind == "class"}
        members: dict[str, list[str]] = {}
        for name, value in vars(self.module).items():
            with contextlib.suppress(Exception):  # a class may answer questions about itself in its own way
                if not self._of_package(name, value):
                    continue
                if issubclass(value, enum.Enum):
                    members[name] = [member_text(name, member) for member in list(value.__members__)[:ENTRIES]]
                elif name not in makers and not inspect.isabstract(value) and not issubclass(value, BaseException):
                    init = vars(value).get("__init__")
                    callee = init if isinstance(init, types.FunctionType) else value
                    makers[name] = self._target(name, "class", name, f"{name}({{a}})", value, callee)
        return makers, members

    def _of_package(self, name: str, value: Any) -> bool:
        ours = isinstance(value, type) and value.__module__.partition(".")[0] == self.name.partition(".")[0]
        return ours and usable(name) and value.__name__ == name

    def _families(self) -> dict[str, list[str]]:
        """Return, for each class and each base of one, the names of what is one and can be made."""
        found: dict[str, list[str]] = {}
        for name in sorted({*self.makers, *self.members}):
            for base in getattr(self.module, name).__mro__:
                if base is not object and base.__module__ not in {"builtins", "abc", "enum", "typing"}:
                    found.setdefault(base.__name__, []).append(name)
        return found

    def _target(  # noqa: PLR0917 -- the facts of one target, in the order of its record
        self, qual: str, kind: str, owner: str, template: str, callee: Any, function: Any, *, bound: bool = False
    ) -> Target:
        code = getattr(function, "__code__", None)
        first = code.co_firstlineno if code is not None else 0
        last = (
            max((line for _, _, line in code.co_lines() if line), default=first)
            if code is not None and hasattr(code, "co_lines")
            else first
        )
        parameters = [] if callee is None else self._parameters(callee, owner, bound=bound)
        is_async = inspect.iscoroutinefunction(function)
        return Target(qual, kind, owner, template, parameters, first, self._last_line(first, last), is_async)

    def _last_line(self, first: int, last: int) -> int:
        node = self._functions.get(first)
        return last if node is None else node.end_lineno or last

    def _parameters(self, callee: Any, owner: str, *, bound: bool) -> list[Parameter]:
        try:
            signature = inspect.signature(callee)
        except (TypeError, ValueError):
            return []
        hints: dict[str, Any] = {}
        for source in (callee, getattr(callee, "__init__", None)):
            with contextlib.suppress(Exception):
                hints = {**typing.get_type_hints(source), **hints}
        found = []
        asked_for = self._checked(callee)
        for index, (name, p) in enumerate(signature.parameters.items()):
            if bound and index == 0:
                continue
            annotation = hints.get(name, None if p.annotation is p.empty else p.annotation)
            has_default = p.default is not p.empty
            named = [] if annotation is None else kinds.declared(annotation)
            if named and has_default and p.default is None and kinds.NONE not in named:
                named.append(kinds.NONE)
            guessed = (*asked_for.get(name, ()), *kinds.guessed(name, p.default, has_default=has_default))
            wanted = named or list(dict.fromkeys(guessed))
            if p.kind is p.VAR_KEYWORD:
                found += [
                    Parameter(n, "KEYWORD_ONLY", True, kinds.guessed(n, None, has_default=False))
                    for n in self._asked(callee, name)
                ]
            if name == "other" and owner:
                own = kinds.Kind(f"@{owner}")
                wanted = [own, *(kind for kind in wanted if kind != own)]
            found.append(Parameter(name, p.kind.name, has_default, wanted, bool(named)))
        return found

    def _body(self, callee: Any) -> list[ast.AST]:
        """Return everything in the text of the function *callee*; nothing when it stands elsewhere."""
        code = getattr(inspect.unwrap(callee), "__code__", None)
        if code is None or code.co_filename != self.file:
            return []
        node = self._functions.get(code.co_firstlineno)
        return [] if node is None else list(ast.walk(node))

    def _checked(self, callee: Any) -> dict[str, list[kinds.Kind]]:
        """Return what the text of *callee* asks each name to be an instance of."""
        found: dict[str, list[kinds.Kind]] = {}
        for node in self._body(callee):
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "isinstance"):
                continue
            name, *classes = node.args
            if isinstance(name, ast.Name) and len(classes) == 1:
                every = classes[0].elts if isinstance(classes[0], ast.Tuple) else classes
                named = (kind for one in every for kind in kinds.declared(ast.unparse(one)))
                found.setdefault(name.id, []).extend(kind for kind in named if kind != kinds.ANY)
        return found

    def _asked(self, callee: Any, name: str) -> list[str]:
        """Names that the text of *callee* asks its ``**name`` for."""
        found: dict[str, None] = {}
        for node in self._body(callee):
            key: Any = None
            if isinstance(node, ast.Subscript) and isinstance(node.value, ast.Name) and node.value.id == name:
                key = node.slice
            elif (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Attribute)
                and isinstance(node.func.value, ast.Name)
                and node.func.value.id == name
                and node.func.attr in {"get", "pop", "setdefault"}
                and node.args
            ):
                key = node.args[0]
            if isinstance(key, ast.Constant) and isinstance(key.value, str) and key.value.isidentifier():
                found[key.value] = None
        return list(found)[:6]

    def _patterns(self) -> list[tuple[str, int]]:
        """Regular expressions that the module compiles or holds as text."""
        found: dict[str, int] = {}
        holders = [
            vars(self.module),
            *(vars(v) for v in vars(self.module).values() if isinstance(v, type) and v.__module__ == self.name),
        ]
        for holder in holders:
            for value in list(holder.values()):
                if isinstance(value, re.Pattern) and isinstance(value.pattern, str):
                    found[value.pattern] = value.flags
                elif isinstance(value, str) and ("(?P<" in value or "\\d" in value):
                    found.setdefault(value, re.VERBOSE if "\n" in value else 0)
        for node in ast.walk(self.tree):
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Attribute)
                and node.func.attr in {"compile", "sub", "match", "search", "fullmatch", "split", "findall", "finditer"}
            ):
                if node.args and isinstance(node.args[0], ast.Constant) and isinstance(node.args[0].value, str):
                    found.setdefault(node.args[0].value, 0)
        for value in vars(self.module).values():
            if isinstance(value, (list, tuple)):
                for entry in list(value)[:200]:
                    if isinstance(entry, tuple) and entry and isinstance(entry[0], str):
                        found.setdefault(entry[0], 0)
        return list(found.items())


def quiet() -> None:
    """Send what the tested code prints to nowhere."""
    null = os.open(os.devnull, os.O_RDWR)
    os.dup2(null, 1)
    os.dup2(null, 2)
    sys.stdout = sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115 -- for the whole life of the process
