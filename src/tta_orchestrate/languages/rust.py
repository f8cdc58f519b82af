"""Rust."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from tta_orchestrate.domain.symbol import Kind
from tta_orchestrate.ports.language import Language
from tta_orchestrate.syntax.curly import Curly
from tta_orchestrate.syntax.doccomment import rustdoc
from tta_orchestrate.syntax.treesitter import Grammar, Rule, words

if TYPE_CHECKING:
    from tree_sitter import Node


def _public(node: "Node", _name: str, owner: str) -> bool:
    if owner in {Kind.TRAIT, Kind.ENUM}:
        return True
    if node.type == "macro_definition":
        before = node.prev_named_sibling
        return before is not None and "macro_export" in words(before)
    return any(words(child) == "pub" for child in node.children if child.type == "visibility_modifier")


def _implemented(node: "Node") -> str:
    """Return the type of the inherent ``impl`` around *node*; methods of traits are documented with the trait."""
    block = node.parent.parent if node.parent is not None else None
    if block is None or block.type != "impl_item" or block.child_by_field_name("trait") is not None:
        return ""
    return words(block.child_by_field_name("type")).partition("<")[0].rpartition("::")[2]


def _imports(node: "Node", key: str) -> Iterator[tuple[str, str]]:
    if node.type == "use_declaration":
        text = words(node).partition("use ")[2].rstrip(";")
        target, _, alias = text.partition(" as ")
        if target.startswith("crate::") and "{" not in target:
            path = target.removeprefix("crate::").replace("::", "/")
            yield alias or path.rpartition("/")[2], path
        elif target.startswith("super::") and "{" not in target:
            path = "/".join([*key.split("/")[:-1], target.removeprefix("super::").replace("::", "/")])
            yield alias or path.rpartition("/")[2], path


LANGUAGE: Final[Language] = Curly(
    name="rust",
    suffixes=(".rs",),
    roots=("src/",),
    index=("mod.rs",),
    tests=r"(?:^|/)tests/",
    wrap=("{}", "fn snippet() { {} }"),
    grammar=Grammar(
        name="rust",
        wheel="tree_sitter_rust",
        rules={
            "struct_item": Rule(kind=Kind.STRUCT),
            "union_item": Rule(kind=Kind.STRUCT),
            "enum_item": Rule(kind=Kind.ENUM),
            "enum_variant": Rule(kind=Kind.CONSTANT, body="\0"),
            "trait_item": Rule(kind=Kind.TRAIT),
            "function_item": Rule(kind=Kind.FUNCTION, returns="return_type"),
            "function_signature_item": Rule(kind=Kind.FUNCTION, returns="return_type"),
            "associated_type": Rule(kind=Kind.TYPE),
            "field_declaration": Rule(kind=Kind.ATTRIBUTE, returns="type", body="\0"),
            "const_item": Rule(kind=Kind.CONSTANT, returns="type"),
            "static_item": Rule(kind=Kind.CONSTANT, returns="type"),
            "type_item": Rule(kind=Kind.TYPE, body="\0"),
            "mod_item": Rule(kind=Kind.MODULE),
            "macro_definition": Rule(kind=Kind.MACRO),
        },
        wrappers=frozenset({"impl_item", "declaration_list", "field_declaration_list", "enum_variant_list"}),
        between=frozenset({"attribute_item", "inner_attribute_item"}),
        doc_start=("///", "/**"),
        module_doc_start=("//!", "/*!"),
        doc=rustdoc,
        public=_public,
        owner=_implemented,
        imports=_imports,
        throws=frozenset(),
    ),
)
