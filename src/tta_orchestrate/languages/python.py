"""Python, by griffe (static: the documented code is never imported); broken files by tree-sitter."""

import ast
import logging
import warnings
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, Final

from tta_orchestrate.domain.symbol import Doc, Kind, Module, Parameter, Symbol, SyntaxProblem
from tta_orchestrate.ports.language import Language
from tta_orchestrate.syntax.digest import digest, own_digest
from tta_orchestrate.syntax.pyfacts import PyFacts, read_facts, slash

if TYPE_CHECKING:
    import griffe

_MAX_VALUE: Final = 80
_SOURCE_ROOTS: Final = ("src",)
_IGNORED_ERRORS: Final = frozenset({"NotImplementedError", "StopIteration", "AssertionError"})


class Python:
    """The Python plug-in."""

    name = "python"
    suffixes: tuple[str, ...] = (".py", ".pyi")
    fence = "python"

    def key(self, path: str, files: Collection[str]) -> str:
        """Return the import path with slashes: packages reach up as far as ``__init__.py`` does."""
        pure = PurePosixPath(path)
        parts = list(pure.with_suffix("").parts)
        top = len(parts) - 1
        while top > 0 and "/".join([*parts[:top], "__init__.py"]) in files:
            top -= 1
        if top == len(parts) - 1:  # no package: the folders below a source root are the name
            top = 1 if top > 0 and parts[0] in _SOURCE_ROOTS else 0
        names = parts[top:]
        if names[-1] == "__init__" and len(names) > 1:
            names = names[:-1]
        return "/".join(names)

    def read(self, path: str, key: str, text: str) -> Module:
        """Return what *text* declares; what the running interpreter cannot parse is read by tree-sitter."""
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                tree = ast.parse(text)
                module = _visit(path, key, _without_main(tree, text))
        except (SyntaxError, ValueError, RecursionError) as error:
            return _partial(path, key, text, error)
        is_package = PurePosixPath(path).stem == "__init__"
        facts = read_facts(tree, key, is_package=is_package)
        return _Reading(path, key, text, facts).module(module)

    def parses(self, code: str) -> bool:
        """Whether *code* compiles as a module, an expression, or the input of a doctest."""
        source = _doctest_input(code) if code.lstrip().startswith(">>>") else code
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                ast.parse(source)
        except (SyntaxError, ValueError, RecursionError):
            return False
        return True

    def is_test(self, path: str) -> bool:
        """Whether pytest or unittest would collect *path*, or it stands in a tests folder."""
        pure = PurePosixPath(path)
        return pure.name.startswith("test_") or pure.stem.endswith("_test") or "tests" in pure.parts[:-1]


def _without_main(tree: ast.Module, text: str) -> str:
    """Blank ``if __name__ == "__main__":`` blocks: what a script imports for itself must not hide what it declares."""
    guards = [n for n in tree.body if isinstance(n, ast.If) and ast.unparse(n.test) == "__name__ == '__main__'"]
    if not guards:
        return text
    lines = text.split("\n")
    for guard in guards:
        lines[guard.lineno - 1 : guard.end_lineno] = [""] * ((guard.end_lineno or guard.lineno) - guard.lineno + 1)
    return "\n".join(lines)


def _doctest_input(code: str) -> str:
    marked = (line.strip() for line in code.splitlines())
    return "\n".join(line[4:] for line in marked if line.startswith((">>>", "...")))


def _visit(path: str, key: str, text: str) -> "griffe.Module":
    import griffe

    logging.getLogger("griffe").setLevel(logging.CRITICAL)
    lines, modules = griffe.LinesCollection(), griffe.ModulesCollection()
    name = key.replace("/", ".")
    module = griffe.visit(name, filepath=Path(path), code=text, lines_collection=lines, modules_collection=modules)
    modules[module.name.rpartition(".")[2]] = module
    griffe.DataclassesExtension().on_package(pkg=module)
    return module


def _partial(path: str, key: str, text: str, error: Exception) -> Module:
    from tta_orchestrate.syntax.treesitter import PYTHON, read_module

    line = error.lineno or 1 if isinstance(error, SyntaxError) else 1
    message = error.msg if isinstance(error, SyntaxError) else str(error) or type(error).__name__
    return read_module(PYTHON, path, key, text, problems=(SyntaxProblem(line=line, message=message),))


class _Reading:
    def __init__(self, path: str, key: str, text: str, facts: PyFacts) -> None:
        self.path = path
        self.key = key
        self.text = text
        self.lines = text.splitlines()
        self.facts = facts

    def module(self, found: "griffe.Module") -> Module:
        exports, missing = self._exports(found)
        return Module(
            key=self.key,
            path=self.path,
            language="python",
            digest=digest(self.text),
            lines=len(self.lines),
            doc=_doc(found),
            symbols=tuple(self._symbols(found, "")),
            exports=exports,
            missing_exports=missing,
            imports=self.facts.imports,
            options=self.facts.options,
            environment=self.facts.environment,
        )

    def _exports(self, found: "griffe.Module") -> tuple[dict[str, str], tuple[str, ...]]:
        exports = {
            name: slash(str(getattr(member, "target_path", "")))
            for name, member in sorted(found.members.items())
            if member.is_alias and member.is_public and not name.endswith("*")
        }
        known = {*found.members, *(path.rpartition("/")[2] for path in self.facts.imports)}
        declared = [name for name in found.exports or () if isinstance(name, str)]
        missing = () if _has_star(found) else tuple(n for n in declared if n not in known and not n.startswith("__"))
        return exports, missing

    def _symbols(self, owner: "griffe.Object", prefix: str) -> Iterator[Symbol]:
        for name, member in owner.members.items():
            if member.is_alias or member.is_module or name.startswith("*") or name in {"__all__", "__slots__"}:
                continue
            symbol = self._symbol(member, f"{prefix}{name}", in_class=owner.is_class)
            if symbol is not None:
                yield symbol

    def _symbol(self, member: Any, path: str, *, in_class: bool) -> Symbol | None:
        start, end = member.lineno or 1, member.endlineno or member.lineno or 1
        parameters = _parameters(member, in_class=in_class)
        members = tuple(self._symbols(member, f"{path}.")) if member.is_class else ()
        return Symbol(
            name=member.name,
            path=path,
            kind=_kind(member, in_class=in_class),
            signature=_signature(member, parameters),
            start_line=start,
            end_line=end,
            digest=own_digest(self.lines, start, end, members),
            public=bool(member.is_public) or _redefines_import(member),
            parameters=parameters,
            returns=_returns(member),
            doc=_doc(member),
            raises=tuple(n for n in self.facts.raises.get(path, ()) if n not in _IGNORED_ERRORS),
            calls=self.facts.calls.get(path, ()),
            bases=tuple(str(base) for base in member.bases) if member.is_class else (),
            deprecated=_deprecated(member),
            members=members,
        )


def _redefines_import(member: Any) -> bool:
    """Whether the file declares anew what it also imports: griffe takes such a name for imported only."""
    owner = member.parent
    declared = owner is not None and owner.is_module and owner.exports is None
    return declared and member.name in owner.imports and not member.name.startswith("_")


def _has_star(found: "griffe.Module") -> bool:
    return any(name.endswith("*") or "/*" in name for name in found.members)


def _kind(member: Any, *, in_class: bool) -> Kind:
    if member.is_class:
        bases = {str(base).rpartition(".")[2] for base in member.bases}
        return Kind.ENUM if bases & {"Enum", "IntEnum", "StrEnum", "Flag", "IntFlag"} else Kind.CLASS
    if member.is_function:
        return Kind.METHOD if in_class else Kind.FUNCTION
    if member.is_attribute:
        if "property" in member.labels:
            return Kind.PROPERTY
        return Kind.CONSTANT if member.name.isupper() else Kind.ATTRIBUTE
    return Kind.TYPE


def _parameters(member: Any, *, in_class: bool) -> tuple[Parameter, ...]:
    if member.is_class:
        init = member.members.get("__init__")
        return _parameters(init, in_class=True) if init is not None and init.is_function else ()
    if not member.is_function:
        return ()
    found = list(member.parameters)
    if in_class and found and "staticmethod" not in member.labels:
        found = found[1:]
    return tuple(_parameter(p) for p in found)


def _parameter(found: Any) -> Parameter:
    kind = str(found.kind.value if found.kind else "")
    stars = {"variadic positional": "*", "variadic keyword": "**"}.get(kind, "")
    marker = {"positional-only": "/", "keyword-only": "*,"}.get(kind, "")
    default = "" if stars or found.default is None else str(found.default)
    return Parameter(
        name=found.name.lstrip("*"),
        written=stars or marker,
        type="" if found.annotation is None else _flat(str(found.annotation)),
        default=_flat(default),
    )


def _flat(text: str) -> str:
    return " ".join(text.split())


def _arguments(parameters: Sequence[Parameter]) -> str:
    parts: list[str] = []
    open_positional, keyword_only = False, False
    for p in parameters:
        if open_positional and p.written != "/":
            parts.append("/")
        open_positional = p.written == "/"
        if p.written == "*,":
            if not keyword_only:
                parts.append("*")
            keyword_only = True
        keyword_only = keyword_only or p.written == "*"
        parts.append(_argument(p))
    if open_positional:
        parts.append("/")
    return ", ".join(parts)


def _argument(p: Parameter) -> str:
    name = f"{p.written}{p.name}" if p.written in {"*", "**"} else p.name
    if p.type:
        return f"{name}: {p.type}" + (f" = {p.default}" if p.default else "")
    return name + (f"={p.default}" if p.default else "")


def _signature(member: Any, parameters: Sequence[Parameter]) -> str:
    returns = _returns(member)
    if member.is_function:
        prefix = "async " if "async" in member.labels else ""
        arrow = f" -> {returns}" if returns else ""
        return f"{prefix}{member.name}({_arguments(parameters)}){arrow}"
    if member.is_class:
        init = member.members.get("__init__")
        if init is not None and init.is_function:
            return f"class {member.name}({_arguments(parameters)})"
        bases = ", ".join(str(base) for base in member.bases)
        return f"class {member.name}" + (f"({bases})" if bases else "")
    text: str = member.name + (f": {returns}" if returns else "") + _value(member)
    return text


def _value(member: Any) -> str:
    value = _flat(str(member.value)) if getattr(member, "value", None) is not None else ""
    if not value or "property" in member.labels or len(value) > _MAX_VALUE:
        return ""
    return f" = {value}"


def _returns(member: Any) -> str:
    annotation = None if member.is_class else getattr(member, "annotation", None)
    return "" if annotation is None else _flat(str(annotation))


def _deprecated(member: Any) -> str:
    for decorator in getattr(member, "decorators", ()):
        text = str(decorator.value)
        if text.partition("(")[0].rpartition(".")[2] in {"deprecated", "deprecated_params"}:
            return _flat(text)
    return ""


def _doc(member: Any) -> Doc | None:
    if member.docstring is None or not member.docstring.value.strip():
        return None
    from tta_orchestrate.syntax.pydoc import parse_docstring

    return parse_docstring(member.docstring)


LANGUAGE: Final[Language] = Python()
