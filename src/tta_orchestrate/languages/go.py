"""Go."""

import re
from typing import TYPE_CHECKING, Final

from tta_orchestrate.domain.symbol import Kind
from tta_orchestrate.ports.language import Language
from tta_orchestrate.syntax.curly import Curly
from tta_orchestrate.syntax.doccomment import plain
from tta_orchestrate.syntax.treesitter import Grammar, Rule, name_first_parameter, words

if TYPE_CHECKING:
    from tree_sitter import Node


def _public(_node: "Node", name: str, _owner: str) -> bool:
    return name[:1].isupper()


def _receiver(node: "Node") -> str:
    if node.type != "method_declaration":
        return ""
    match = re.search(r"(\w+)(?:\[[^\]]*\])?\s*\)$", words(node.child_by_field_name("receiver")))
    return match.group(1) if match else ""


LANGUAGE: Final[Language] = Curly(
    name="go",
    suffixes=(".go",),
    tests=r"_test\.go$",
    wrap=("{}", "package snippet\n{}", "package snippet\nfunc snippet() {\n{}\n}"),
    grammar=Grammar(
        name="go",
        wheel="tree_sitter_go",
        rules={
            "type_spec": Rule(kind=Kind.TYPE, body="type"),
            "type_alias": Rule(kind=Kind.TYPE, body="\0"),
            "function_declaration": Rule(kind=Kind.FUNCTION, returns="result"),
            "method_declaration": Rule(kind=Kind.METHOD, returns="result"),
            "method_elem": Rule(kind=Kind.METHOD, returns="result"),
            "field_declaration": Rule(kind=Kind.ATTRIBUTE, returns="type", body="\0"),
            "const_spec": Rule(kind=Kind.CONSTANT, body="\0"),
            "var_spec": Rule(kind=Kind.ATTRIBUTE, body="\0"),
        },
        wrappers=frozenset(
            {"type_declaration", "const_declaration", "var_declaration", "var_spec_list", "field_declaration_list"}
        ),
        comments=frozenset({"comment"}),
        doc_start=("//", "/*"),
        module_doc_start=("// Package ", "/*\nPackage ", "/* Package "),
        doc=plain,
        public=_public,
        owner=_receiver,
        parameter=name_first_parameter,
        throws=frozenset(),
        prefix={"type_spec": "type ", "type_alias": "type ", "const_spec": "const ", "var_spec": "var "},
    ),
)
