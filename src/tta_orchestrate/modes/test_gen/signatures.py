"""What the text of a module says of its signatures: parameters, which are optional, and how objects start out."""

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from tta_orchestrate.modes.test_gen.cases import Case

HELPERS: Final = (
    "asyncio", "collections", "datetime", "decimal", "fractions", "itertools", "math", "operator", "pathlib", "re",
    "uuid",
)  # fmt: skip
"""Modules of the standard library that generated tests use."""
_Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """One parameter that a call can name or place."""

    name: str
    optional: bool = False
    keyword: bool = False
    """Whether a call must name it."""
    default: str = ""
    """Source of its default; empty where there is none, or where a factory makes it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    """How one function, method or class is called."""

    parameters: tuple[Parameter, ...] = ()
    starts: Mapping[str, str] = field(default_factory=dict)
    """For a class: attribute to what it is first, a literal or the name of a parameter."""

    @property
    def positional(self) -> tuple[str, ...]:
        """Return the names of the parameters that take a place."""
        return tuple(p.name for p in self.parameters if not p.keyword)

    @property
    def required(self) -> frozenset[str]:
        """Return the names of the parameters that every call gives."""
        return frozenset(p.name for p in self.parameters if not p.optional)


UNKNOWN: Final = Signature()


def parameters_of(source: str) -> dict[str, Signature]:
    """Return the signature of every function, method and constructor of *source*."""
    found: dict[str, Signature] = {}

    def visit(nodes: list[ast.stmt], owner: str) -> None:
        for node in nodes:
            if isinstance(node, ast.ClassDef):
                if _is_record(node):
                    found[node.name] = _record(node, found)
                visit(node.body, node.name)
            elif isinstance(node, _Function) and node.name == "__init__" and owner:
                found[owner] = Signature(parameters=_parameters(node, bound=True), starts=dict(_starts(node)))
            elif isinstance(node, _Function):
                static = any(ast.unparse(d) == "staticmethod" for d in node.decorator_list)
                name = f"{owner}.{node.name}" if owner else node.name
                found[name] = Signature(parameters=_parameters(node, bound=bool(owner) and not static))

    visit(ast.parse(source).body, "")
    return found


def given(case: Case, signature: Signature) -> dict[str, str]:
    """Return what the call of *case* gives: parameter to source; a place without a name is ``#0``, ``#1`` ...

    Places come first, then what is named, in the order of the signature.
    """
    names = signature.positional
    order = {p.name: n for n, p in enumerate(signature.parameters)}
    places = {names[n] if n < len(names) else f"#{n}": text for n, text in enumerate(case.arguments)}
    return {**places, **dict(sorted(case.keywords, key=lambda pair: (order.get(pair[0], len(order)), pair[0])))}


def start_of(receiver: str, signatures: Mapping[str, Signature]) -> dict[str, object]:
    """Return the attributes that an object made by the call *receiver* is known to start with."""
    try:
        call = ast.parse(receiver, mode="eval").body
    except SyntaxError:
        return {}
    if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Name):
        return {}
    signature = signatures.get(call.func.id, UNKNOWN)
    texts = {p.name: p.default for p in signature.parameters if p.default}
    texts |= dict(zip(signature.positional, map(ast.unparse, call.args), strict=False))
    texts |= {k.arg: ast.unparse(k.value) for k in call.keywords if k.arg}
    found: dict[str, object] = {}
    for attribute, text in signature.starts.items():
        try:
            found[attribute] = ast.literal_eval(texts.get(text, text))
        except (ValueError, SyntaxError):
            continue
    return found


def _parameters(node: _Function, *, bound: bool) -> tuple[Parameter, ...]:
    places = [*node.args.posonlyargs, *node.args.args]
    texts = ["", *map(ast.unparse, node.args.defaults)]
    first = len(places) - len(node.args.defaults)
    found = [
        Parameter(name=a.arg, optional=n >= first, default=texts[max(0, n - first + 1)]) for n, a in enumerate(places)
    ]
    named = [
        Parameter(
            name=a.arg, optional=default is not None, keyword=True, default=ast.unparse(default) if default else ""
        )
        for a, default in zip(node.args.kwonlyargs, node.args.kw_defaults, strict=True)
    ]
    return (*found[1 if bound else 0 :], *named)


def _starts(node: _Function) -> Iterator[tuple[str, str]]:
    """Yield what ``__init__`` surely assigns once: attributes of ``self``, from literals and parameters."""
    own = node.args.args[0].arg if node.args.args else ""
    if any(isinstance(n, ast.Call) and ast.unparse(n.func).startswith(f"{own}.") for n in ast.walk(node)):
        return
    assigned = [n.attr for n in ast.walk(node) if isinstance(n, ast.Attribute) and isinstance(n.ctx, ast.Store)]
    changed = {n.id for n in ast.walk(node) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
    for line in node.body:
        targets = (
            line.targets if isinstance(line, ast.Assign) else [line.target] if isinstance(line, ast.AnnAssign) else []
        )
        value = line.value if isinstance(line, ast.Assign | ast.AnnAssign) else None
        for target in targets:
            if isinstance(target, ast.Attribute) and ast.unparse(target.value) == own and value is not None:
                text = ast.unparse(value)
                if assigned.count(target.attr) == 1 and text not in changed:
                    yield target.attr, text


def _is_record(node: ast.ClassDef) -> bool:
    heads = [d.func if isinstance(d, ast.Call) else d for d in node.decorator_list]
    named = {ast.unparse(h).rpartition(".")[2] for h in heads} | {ast.unparse(b).rpartition(".")[2] for b in node.bases}
    return bool(named & {"dataclass", "NamedTuple"})


def _record(node: ast.ClassDef, known: Mapping[str, Signature]) -> Signature:
    """Return the constructor that a dataclass or named tuple is given; with foreign bases none is known."""
    fields: dict[str, Parameter] = {}
    for base in map(ast.unparse, node.bases):
        if base.rpartition(".")[2] == "NamedTuple" or base == "Generic" or base.startswith(("Generic[", "Protocol[")):
            continue
        if base not in known:
            return UNKNOWN
        fields |= {p.name: p for p in known[base].parameters}
    keyword = any("kw_only=True" in ast.unparse(d) for d in node.decorator_list)
    for line in node.body:
        if (
            isinstance(line, ast.AnnAssign)
            and isinstance(line.target, ast.Name)
            and "ClassVar" not in ast.unparse(line.annotation)
        ):
            parameter = _field(line.target.id, line.value, keyword=keyword)
            if parameter is not None:
                fields[parameter.name] = parameter
    settled = any(isinstance(line, _Function) and line.name == "__post_init__" for line in node.body)
    return Signature(parameters=tuple(fields.values()), starts={} if settled else {name: name for name in fields})


def _field(name: str, value: ast.expr | None, *, keyword: bool) -> Parameter | None:
    if not (isinstance(value, ast.Call) and ast.unparse(value.func).rpartition(".")[2] == "field"):
        return Parameter(
            name=name, optional=value is not None, keyword=keyword, default=ast.unparse(value) if value else ""
        )
    options = {k.arg: ast.unparse(k.value) for k in value.keywords}
    if options.get("init") == "False":
        return None
    optional = bool(options.keys() & {"default", "default_factory"})
    return Parameter(
        name=name,
        optional=optional,
        keyword=options.get("kw_only", str(keyword)) == "True",
        default=options.get("default", ""),
    )


def short_names(source: str, signatures: Mapping[str, Signature]) -> dict[str, str]:
    """Return the dotted names of the standard library that *source* imports by their last part: its own style.

    Left out: what would hide a module of that name, and names that a parameter has, which a test may need for itself.
    """
    taken = {parameter.name for signature in signatures.values() for parameter in signature.parameters}
    found = {}
    for node in ast.parse(source).body:
        if isinstance(node, ast.ImportFrom) and node.module in HELPERS and not node.level:
            for alias in node.names:
                if alias.asname is None and alias.name not in {*taken, *HELPERS, "*"}:
                    found[f"{node.module}.{alias.name}"] = alias.name
    return found
