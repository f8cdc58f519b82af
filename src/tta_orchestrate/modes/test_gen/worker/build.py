"""Putting a candidate together: a call, on an object that had some calls before, and where it may leave a trace."""

import ast
import builtins
import keyword
import re
from collections.abc import Sequence
from typing import Any

from . import kinds
from .evaluate import Candidate
from .portray import HELPERS
from .subject import Parameter, Subject, Target

_CHANGING = {
    "append", "add", "pop", "update", "remove", "clear", "extend", "insert", "discard", "appendleft", "popleft",
    "setdefault", "popitem", "sort", "reverse", "rotate", "subtract",
}  # fmt: skip
_MOST_LOOKS = 4
_WITH_RECEIVER = {"method", "operator", "property"}


class Builder:
    """Knows which methods change their object, and what of it can be seen."""

    def __init__(self, subject: Subject) -> None:
        self._subject = subject
        self.targets = {target.qual: target for target in subject.every}
        self._classes = {node.name: _Class(node) for node in subject.tree.body if isinstance(node, ast.ClassDef)}
        self._steps: dict[str, list[Target]] = {}
        self._broken: dict[tuple[str, ...], bool] = {}
        self._names = {owner: self._name(owner) for owner in self._classes}

    def name(self, owner: str) -> str:
        """Return what an *owner* is called in a test."""
        return self._names.get(owner, "subject")

    def _name(self, owner: str) -> str:
        name = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", owner).lower()
        parameters = {p.name for target in self.targets.values() for p in target.parameters}
        taken = {
            *vars(self._subject.module),
            *vars(builtins),
            *HELPERS,
            *parameters,
            "pytest",
            "unittest",
            "self",
            "result",
        }
        return name if name.isidentifier() and not keyword.iskeyword(name) and name not in taken else "subject"

    def build(
        self, target: Target, arguments: list[str], keywords: dict[str, str], receiver: str, steps: Sequence[str] = ()
    ) -> Candidate:
        """Return the candidate that calls *target*; *steps* are run on *receiver* before."""
        body = ", ".join([*arguments, *(f"{name}={text}" for name, text in keywords.items())])
        candidate = Candidate(
            target.qual, "", arguments=arguments, keywords=keywords, receiver=receiver, steps=list(steps)
        )
        if target.kind == "operator" and "[{a}]" not in target.template:
            body = bracketed(body or "None", number=False)
        named = target.kind in _WITH_RECEIVER and bool(steps)
        if target.kind == "method" and self.changes(target):
            candidate.after = self._looks(target.owner)
            named = named or bool(candidate.after)
        if named:
            candidate.before = [f"{self.name(target.owner)} = {receiver}", *steps]
        candidate.expr = target.template.format(r=self.name(target.owner) if named else bracketed(receiver), a=body)
        return candidate

    def changes(self, target: Target) -> bool:
        """Whether a call of *target* may leave its object changed."""
        owner = self._classes.get(target.owner)
        return owner is not None and target.qual.rpartition(".")[2] in owner.changing

    def steps(self, owner: str) -> list[Target]:
        """Return the methods that can be called before, because they change the object."""
        if owner not in self._steps:
            mine = (t for t in self._subject.every if t.owner == owner and t.kind == "method" and not t.is_async)
            self._steps[owner] = [target for target in mine if self.changes(target)]
        return self._steps[owner]

    def _looks(self, owner: str) -> list[str]:
        names, me = sorted(self._classes[owner].seen), self.name(owner)
        shown = sorted(
            t.qual.rpartition(".")[2] for t in self.targets.values() if t.owner == owner if t.kind == "property"
        )
        found = [f"{me}.{name}" for name in dict.fromkeys([*names, *shown])][:_MOST_LOOKS]
        return [*found, f"len({me})"] if f"{owner}.__len__" in self.targets and not names else found

    # -- types --------------------------------------------------------------------------------------------------

    def breaks(self, candidate: Candidate) -> bool:
        """Whether any argument in it is of another type than its parameter's annotation names."""
        key = (candidate.target, candidate.expr, *candidate.before)
        if key not in self._broken:
            if len(self._broken) > 20_000:
                self._broken.clear()
            self._broken[key] = self._breaks(candidate)
        return self._broken[key]

    def odd(self, candidate: Candidate) -> bool:
        """Whether an argument is of another kind than name and default of its parameter let expect."""
        target = self.targets.get(candidate.target)
        if target is None or not [*candidate.arguments, *candidate.keywords.values()]:
            return False
        by_name = {p.name: p for p in target.parameters}
        pairs = [*zip(target.parameters, candidate.arguments)]  # noqa: B905 -- a *name takes the rest
        pairs += [(by_name[name], text) for name, text in candidate.keywords.items() if name in by_name]
        guesses = [(p, ast.parse(text, mode="eval").body) for p, text in pairs if p.kinds and not p.declared]
        return any(not kinds.fits(node, p.kinds, self._subject.families) for p, node in guesses)

    def _breaks(self, candidate: Candidate) -> bool:
        target = self.targets.get(candidate.target)
        if target is not None and target.kind == "operator" and not self._accepts(target, candidate):
            return True
        owner = target.owner if target is not None and target.kind in _WITH_RECEIVER else ""
        calls = []
        try:
            for text in (*candidate.before, candidate.expr, *([] if candidate.before else [candidate.receiver])):
                calls += [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Call)]
        except (SyntaxError, ValueError):
            return True
        return any(not self._call_accepted(call, owner) for call in calls)

    def _accepts(self, target: Target, candidate: Candidate) -> bool:
        nodes = [ast.parse(text, mode="eval").body for text in candidate.arguments]
        return self._arguments_fit(target, nodes, [])

    def _call_accepted(self, call: ast.Call, owner: str) -> bool:
        name = ast.unparse(call.func) if isinstance(call.func, (ast.Name, ast.Attribute)) else ""
        target = self.targets.get(name) or self._subject.makers.get(name)
        if target is None and isinstance(call.func, ast.Attribute):
            target = self.targets.get(f"{owner}.{call.func.attr}")
        if target is None or target.kind in {"operator", "property"}:
            return True
        return self._arguments_fit(target, call.args, call.keywords)

    def _arguments_fit(self, target: Target, args: Sequence[ast.expr], named: Sequence[ast.keyword]) -> bool:
        by_name = {p.name: p for p in target.parameters}
        pairs = list(_pairs(target.parameters, args))
        pairs += [(by_name[k.arg], k.value) for k in named if k.arg in by_name]
        return all(not p.declared or kinds.fits(node, p.kinds, self._subject.families) for p, node in pairs)

    def as_declared(self, candidate: Candidate) -> bool:
        """Whether every argument is a plain value of the type that its parameter's annotation names."""
        target = self.targets.get(candidate.target)
        if target is None or target.kind not in {"function", "static"} or not candidate.arguments:
            return False
        texts = [*candidate.arguments, *candidate.keywords.values()]
        by_name = {p.name: p for p in target.parameters}
        asked = [*target.parameters[: len(candidate.arguments)], *(by_name.get(k) for k in candidate.keywords)]
        exact = all(p is not None and p.declared and kinds.ANY not in p.kinds for p in asked)
        return exact and all(is_literal(text) for text in texts) and not self.breaks(candidate)


def _pairs(parameters: Sequence[Parameter], args: Sequence[ast.expr]) -> "list[tuple[Parameter, ast.expr]]":
    """Return each positional argument with its parameter; what follows a ``*name`` belongs to it."""
    found = []
    places = [p for p in parameters if p.kind not in {"KEYWORD_ONLY", "VAR_KEYWORD"}]
    for number, node in enumerate(args):
        if number < len(places):
            found.append((places[number], node))
        elif places and places[-1].kind == "VAR_POSITIONAL":
            found.append((places[-1], node))
    return found


class _Class:
    """What the text of a class tells about its state."""

    def __init__(self, node: ast.ClassDef) -> None:
        methods = {n.name: n for n in node.body if isinstance(n, (ast.FunctionDef, ast.AsyncFunctionDef))}
        makers = {"__init__", "__new__", "__post_init__"}
        assigned = {name: _assigned(method) for name, method in methods.items()}
        self.changing = {name for name in methods if assigned[name] and name not in makers}
        grown = True
        while grown:
            more = {n for n, m in methods.items() if _calls(m) & self.changing} - self.changing - makers
            self.changing |= more
            grown = bool(more)
        self.seen = {name for method in self.changing for name in assigned[method] if not name.startswith("_")}


def _assigned(function: ast.AST) -> set[str]:
    """Return the attributes of ``self`` that *function* assigns, deletes, fills or empties."""
    found: set[str] = set()
    for node in ast.walk(function):
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, (ast.Store, ast.Del)):
            found |= _own(node)
        elif isinstance(node, ast.Subscript) and isinstance(node.ctx, (ast.Store, ast.Del)):
            found |= _own(node.value)
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in _CHANGING:
            found |= _own(node.func.value)
    return found


def _own(node: ast.AST) -> set[str]:
    mine = isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "self"
    return {node.attr} if mine and isinstance(node, ast.Attribute) else set()


def _calls(function: ast.AST) -> set[str]:
    found = (n.func for n in ast.walk(function) if isinstance(n, ast.Call))
    return {name for func in found for name in _own(func)}


def is_literal(text: str) -> bool:
    """Whether *text* is a plain value."""
    return literal(text, None) is not None or text.strip() == "None"


def literal(text: str, otherwise: Any) -> Any:
    """Return the value of *text*, *otherwise* when it is not a plain one."""
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError, MemoryError, RecursionError, TypeError):
        return otherwise


def called(text: str) -> "ast.Call | None":
    """Return *text* as a call without stars, ``None`` when it is something else."""
    try:
        node = ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError):
        return None
    if not isinstance(node, ast.Call) or any(isinstance(a, ast.Starred) for a in node.args):
        return None
    return None if any(k.arg is None for k in node.keywords) else node


def bracketed(text: str, *, number: bool = True) -> str:
    """Put an expression in brackets where it would not bind tightly enough; a *number* binds no attribute."""
    try:
        node = ast.parse(text, mode="eval").body
    except SyntaxError:
        return text
    tight = (ast.Call, ast.Name, ast.Attribute, ast.Constant, ast.List, ast.Tuple, ast.Dict, ast.Set, ast.Subscript)
    loose_number = number and isinstance(node, ast.Constant) and isinstance(node.value, (int, float))
    return text if isinstance(node, tight) and not loose_number else f"({text})"
