"""Java."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from tta_orchestrate.domain.symbol import Kind
from tta_orchestrate.ports.language import Language
from tta_orchestrate.syntax.curly import Curly
from tta_orchestrate.syntax.doccomment import javadoc
from tta_orchestrate.syntax.treesitter import Grammar, Rule, typed_first_parameter, words

if TYPE_CHECKING:
    from tree_sitter import Node

_OPEN_OWNERS: Final = frozenset({Kind.INTERFACE, Kind.ENUM})


def _public(node: "Node", _name: str, owner: str) -> bool:
    modifiers = next((words(child) for child in node.children if child.type == "modifiers"), "").split()
    if owner in _OPEN_OWNERS and "private" not in modifiers:
        return owner == Kind.INTERFACE or node.type == "enum_constant" or "public" in modifiers
    return "public" in modifiers or "protected" in modifiers


def _imports(node: "Node", _key: str) -> Iterator[tuple[str, str]]:
    if node.type == "import_declaration":
        target = words(node).removeprefix("import").removeprefix(" static").strip("; ")
        name = target.rpartition(".")[2]
        if name != "*":
            yield name, f"{target.replace('.', '/')}/{name}"


LANGUAGE: Final[Language] = Curly(
    name="java",
    suffixes=(".java",),
    roots=("src/main/java/", "src/"),
    wrap=("{}", "class Snippet { void snippet() { {} } }", "class Snippet { {} }"),
    grammar=Grammar(
        name="java",
        wheel="tree_sitter_java",
        rules={
            "class_declaration": Rule(kind=Kind.CLASS),
            "interface_declaration": Rule(kind=Kind.INTERFACE),
            "annotation_type_declaration": Rule(kind=Kind.INTERFACE),
            "enum_declaration": Rule(kind=Kind.ENUM),
            "record_declaration": Rule(kind=Kind.RECORD),
            "enum_constant": Rule(kind=Kind.CONSTANT),
            "method_declaration": Rule(kind=Kind.METHOD, returns="type"),
            "annotation_type_element_declaration": Rule(kind=Kind.METHOD, returns="type"),
            "constructor_declaration": Rule(kind=Kind.METHOD),
            "compact_constructor_declaration": Rule(kind=Kind.METHOD),
            "field_declaration": Rule(kind=Kind.ATTRIBUTE, variables="variable_declarator"),
            "constant_declaration": Rule(kind=Kind.CONSTANT, variables="variable_declarator"),
        },
        wrappers=frozenset({"enum_body_declarations"}),
        doc=javadoc,
        public=_public,
        imports=_imports,
        parameter=typed_first_parameter,
        calls=frozenset({"method_invocation", "object_creation_expression"}),
    ),
)
