"""Kotlin."""

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from tta_orchestrate.domain.symbol import Kind
from tta_orchestrate.ports.language import Language
from tta_orchestrate.syntax.curly import Curly
from tta_orchestrate.syntax.doccomment import tagged
from tta_orchestrate.syntax.treesitter import Grammar, Rule, words

if TYPE_CHECKING:
    from tree_sitter import Node


def _public(node: "Node", _name: str, _owner: str) -> bool:
    modifiers = next((words(child) for child in node.children if child.type == "modifiers"), "").split()
    return "private" not in modifiers and "internal" not in modifiers


def _imports(node: "Node", _key: str) -> Iterator[tuple[str, str]]:
    if node.type == "import":
        target, _, alias = words(node).removeprefix("import").strip().partition(" as ")
        name = target.rpartition(".")[2]
        if name != "*":
            yield alias or name, f"{target.replace('.', '/')}/{name}"


def _mend(text: str) -> str:
    """End the last statement of one-line bodies, and hide ``fun`` of functional interfaces: the grammar trips there."""
    text = re.sub(r" \}", ";}", text)
    return re.sub(r"\bfun(?=\s+interface\b)", "   ", text)


LANGUAGE: Final[Language] = Curly(
    name="kotlin",
    suffixes=(".kt", ".kts"),
    roots=("src/main/kotlin/", "src/main/java/", "src/commonMain/kotlin/", "src/"),
    wrap=("{}", "fun snippet() { {} }", "class Snippet { {} }"),
    grammar=Grammar(
        name="kotlin",
        wheel="tree_sitter_kotlin",
        rules={
            "class_declaration": Rule(kind=Kind.CLASS),
            "object_declaration": Rule(kind=Kind.OBJECT),
            "function_declaration": Rule(kind=Kind.FUNCTION),
            "property_declaration": Rule(kind=Kind.ATTRIBUTE, body="\0"),
            "type_alias": Rule(kind=Kind.TYPE, name="type", body="\0"),
            "enum_entry": Rule(kind=Kind.CONSTANT),
        },
        wrappers=frozenset({"companion_object", "class_body"}),
        doc=tagged,
        public=_public,
        imports=_imports,
        mend=_mend,
        throws=frozenset({"throw_expression"}),
    ),
)
