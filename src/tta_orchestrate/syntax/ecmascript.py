"""What TypeScript and JavaScript share."""

import posixpath
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Final

from tta_orchestrate.domain.symbol import Kind, Module
from tta_orchestrate.syntax.doccomment import tagged
from tta_orchestrate.syntax.treesitter import Grammar, Rule, parses, raw, read_module, words

if TYPE_CHECKING:
    from tree_sitter import Node

_RULES: Final = {
    "class_declaration": Rule(kind=Kind.CLASS),
    "abstract_class_declaration": Rule(kind=Kind.CLASS),
    "interface_declaration": Rule(kind=Kind.INTERFACE),
    "enum_declaration": Rule(kind=Kind.ENUM),
    "enum_assignment": Rule(kind=Kind.CONSTANT),
    "property_identifier": Rule(kind=Kind.CONSTANT, name=""),
    "type_alias_declaration": Rule(kind=Kind.TYPE, body="\0"),
    "internal_module": Rule(kind=Kind.NAMESPACE),
    "function_declaration": Rule(kind=Kind.FUNCTION, returns="return_type"),
    "generator_function_declaration": Rule(kind=Kind.FUNCTION, returns="return_type"),
    "function_signature": Rule(kind=Kind.FUNCTION, returns="return_type"),
    "method_definition": Rule(kind=Kind.METHOD, returns="return_type"),
    "method_signature": Rule(kind=Kind.METHOD, returns="return_type"),
    "abstract_method_signature": Rule(kind=Kind.METHOD, returns="return_type"),
    "public_field_definition": Rule(kind=Kind.ATTRIBUTE, returns="type"),
    "field_definition": Rule(kind=Kind.ATTRIBUTE, name="property"),
    "property_signature": Rule(kind=Kind.ATTRIBUTE, returns="type"),
    "lexical_declaration": Rule(kind=Kind.CONSTANT, variables="variable_declarator", returns="type"),
    "variable_declaration": Rule(kind=Kind.ATTRIBUTE, variables="variable_declarator", returns="type"),
}


def _public(node: "Node", name: str, owner: str) -> bool:
    if owner and owner != Kind.NAMESPACE:
        modifier = next((words(c) for c in node.children if c.type == "accessibility_modifier"), "")
        return modifier not in {"private", "protected"} and not name.startswith("#")
    parent = node.parent
    return parent is not None and parent.type in {"export_statement", "ambient_declaration"}


def _imports(node: "Node", key: str) -> Iterator[tuple[str, str]]:
    if node.type != "import_statement":
        return
    source = raw(node.child_by_field_name("source")).strip("\"'`")
    if not source.startswith("."):
        return
    target = posixpath.normpath(posixpath.join(posixpath.dirname(key), source))
    target = re.sub(r"\.(?:js|ts|jsx|tsx|mjs|cjs)$", "", target)
    clause = words(node).removeprefix("import").partition(" from ")[0]
    yield f"\0{target}", target
    named = re.search(r"\{([^}]*)\}", clause)
    for part in named.group(1).split(",") if named else ():
        name, _, alias = part.replace("type ", "").strip().partition(" as ")
        if name:
            yield alias.strip() or name.strip(), f"{target}/{name.strip()}"
    star = re.search(r"\*\s+as\s+(\w+)", clause)
    if star:
        yield star.group(1), target


def _exported(root: "Node") -> frozenset[str]:
    text = raw(root)
    names: set[str] = set()
    for match in re.finditer(r"(?m)^\s*export\s*\{([^}]*)\}\s*;?\s*$", text):
        names |= {part.strip().partition(" as ")[0].strip() for part in match.group(1).split(",")}
    names |= set(re.findall(r"(?m)^\s*export\s+default\s+(\w+)\s*;?\s*$", text))
    names |= set(re.findall(r"(?m)^\s*(?:module\.)?exports\.\w+\s*=\s*(\w+)\s*;?\s*$", text))
    for match in re.finditer(r"(?m)^\s*module\.exports\s*=\s*(?:\{([^}]*)\}|(\w+))", text):
        parts = (match.group(1) or match.group(2) or "").split(",")
        names |= {part.strip().partition(":")[2].strip() or part.strip().partition(":")[0] for part in parts}
    if not names and not re.search(r"(?m)^\s*(?:export\s|(?:module\.)?exports\b)", text):
        names |= set(re.findall(r"(?m)^(?:async\s+)?(?:function\*?|class|const|let|var)\s+(\w+)", text))
    return frozenset(names)


TYPESCRIPT: Final = Grammar(
    name="typescript",
    wheel="tree_sitter_typescript",
    function="language_typescript",
    rules=_RULES,
    wrappers=frozenset({"export_statement", "ambient_declaration", "expression_statement", "statement_block"}),
    between=frozenset({"decorator"}),
    doc=tagged,
    public=_public,
    imports=_imports,
    calls=frozenset({"call_expression", "new_expression"}),
    exported=_exported,
)
TSX: Final = replace(TYPESCRIPT, function="language_tsx")
JAVASCRIPT: Final = replace(TYPESCRIPT, name="javascript", wheel="tree_sitter_javascript", function="language")


@dataclass(frozen=True)
class EcmaScript:
    """A plug-in for one of the two."""

    name: str
    grammar: Grammar
    suffixes: tuple[str, ...]
    other: Mapping[str, Grammar]

    @property
    def fence(self) -> str:
        """The info string of a code fence."""
        return self.name

    def key(self, path: str, files: Collection[str]) -> str:
        """Return the path without its ending."""
        del files
        return str(PurePosixPath(path).with_suffix(""))

    def read(self, path: str, key: str, text: str) -> Module:
        """Return what *text* declares."""
        grammar = self.other.get(PurePosixPath(path).suffix, self.grammar)
        return replace(read_module(grammar, path, key, text), language=self.name)

    def parses(self, code: str) -> bool:
        """Whether *code* has no syntax error."""
        return parses(self.grammar, code) or any(parses(grammar, code) for grammar in self.other.values())

    def is_test(self, path: str) -> bool:
        """Whether *path* is called ``*.test.*`` or ``*.spec.*``, or stands in ``__tests__``."""
        return bool(re.search(r"\.(?:test|spec)\.[^/]+$|(?:^|/)__tests__/", path))
