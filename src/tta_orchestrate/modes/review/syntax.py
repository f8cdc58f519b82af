"""Where functions and classes begin and end, and which lines import: by tree-sitter, else by indentation.

Used twice: for the enclosing symbol of a finding (its identity), and for the context that a model is shown.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib import import_module
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Final

from tta_orchestrate.domain.symbols import SymbolAt, symbol_lookup

if TYPE_CHECKING:
    from tree_sitter import Node, Parser


@dataclass(frozen=True, slots=True)
class Span:
    """A definition: first and last line (1-based, inclusive) and its qualified name."""

    first: int
    last: int
    name: str


@dataclass(frozen=True, slots=True)
class Outline:
    """The definitions of a text in the order of their first lines, outer before inner, and its import lines."""

    spans: tuple[Span, ...] = ()
    imports: tuple[int, ...] = ()

    def enclosing(self, line: int) -> Span | None:
        """Return the innermost definition that holds *line*."""
        found = [span for span in self.spans if span.first <= line <= span.last]
        return min(found, key=lambda span: (span.last - span.first, -span.first), default=None)

    def names(self, lines: frozenset[int]) -> tuple[str, ...]:
        """Return the innermost definitions that hold any of *lines*, in order."""
        spans = (self.enclosing(line) for line in sorted(lines))
        return tuple(dict.fromkeys(span.name for span in spans if span))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Grammar:
    """What counts as a definition and as an import in one grammar; ``part`` is the wheel's entry point."""

    wheel: str
    part: str = "language"
    definitions: frozenset[str]
    imports: frozenset[str]


def _grammar(wheel: str, definitions: str, imports: str, part: str = "language") -> _Grammar:
    return _Grammar(
        wheel=wheel, part=part, definitions=frozenset(definitions.split()), imports=frozenset(imports.split())
    )


_SCRIPT: Final = (
    "function_declaration generator_function_declaration class_declaration abstract_class_declaration method_definition"
    " interface_declaration enum_declaration type_alias_declaration internal_module variable_declarator"
)
_GRAMMARS: Final[Mapping[str, _Grammar]] = {
    "python": _grammar(
        "tree_sitter_python",
        "function_definition class_definition",
        "import_statement import_from_statement future_import_statement",
    ),
    "javascript": _grammar("tree_sitter_javascript", _SCRIPT, "import_statement"),
    "typescript": _grammar("tree_sitter_typescript", _SCRIPT, "import_statement", "language_typescript"),
    "tsx": _grammar("tree_sitter_typescript", _SCRIPT, "import_statement", "language_tsx"),
    "java": _grammar(
        "tree_sitter_java",
        "class_declaration interface_declaration enum_declaration record_declaration annotation_type_declaration"
        " method_declaration constructor_declaration",
        "import_declaration",
    ),
    "kotlin": _grammar(
        "tree_sitter_kotlin",
        "class_declaration object_declaration function_declaration",
        "import import_header import_list",
    ),
    "go": _grammar(
        "tree_sitter_go", "function_declaration method_declaration type_spec", "import_declaration import_spec"
    ),
    "rust": _grammar(
        "tree_sitter_rust",
        "function_item struct_item enum_item trait_item impl_item mod_item union_item macro_definition",
        "use_declaration extern_crate_declaration",
    ),
}
_SUFFIXES: Final[Mapping[str, str]] = {
    **dict.fromkeys((".py", ".pyi"), "python"),
    **dict.fromkeys((".js", ".mjs", ".cjs", ".jsx"), "javascript"),
    **dict.fromkeys((".ts", ".mts", ".cts"), "typescript"),
    **dict.fromkeys((".kt", ".kts"), "kotlin"),
    ".tsx": "tsx",
    ".java": "java",
    ".go": "go",
    ".rs": "rust",
}
SUFFIXES: Final = tuple(_SUFFIXES)
_FUNCTIONS: Final = frozenset({"arrow_function", "function_expression", "function", "class", "generator_function"})
_MAX_BYTES: Final = 2_000_000


def language_of(path: str) -> str:
    """Return the grammar's name for *path*, ``""`` when there is none."""
    return _SUFFIXES.get(PurePosixPath(path).suffix.lower(), "")


@lru_cache(maxsize=64)
def outline(path: str, text: str) -> Outline:
    """Return the outline of *text*; an empty one where no grammar reads it. Broken code gives what can be read."""
    language = language_of(path)
    data = text.encode("utf-8", "replace")
    if not language or len(data) > _MAX_BYTES:
        return Outline()
    grammar = _GRAMMARS[language]
    tree = _parser(language).parse(data)
    spans: list[Span] = []
    imports: set[int] = set()
    for node, prefix in _walk(tree.root_node, grammar):
        first, last = node.start_point[0] + 1, node.end_point[0] + 1
        if node.type in grammar.imports:
            imports.update(range(first, last + 1 if node.end_point[1] else last))
        else:
            spans.append(Span(first, last, prefix))
    return Outline(tuple(sorted(spans, key=lambda s: (s.first, -s.last))), tuple(sorted(imports)))


@cache
def _parser(language: str) -> "Parser":
    from tree_sitter import Language, Parser

    grammar = _GRAMMARS[language]
    entry: Callable[[], object] = getattr(import_module(grammar.wheel), grammar.part)
    return Parser(Language(entry()))


def _walk(root: "Node", grammar: _Grammar) -> "Iterator[tuple[Node, str]]":
    """Yield definitions with their qualified names, and imports; without recursion, so no depth breaks it."""
    stack: list[tuple[Node, str]] = [(root, "")]
    while stack:
        node, prefix = stack.pop()
        if node.type in grammar.imports:
            yield node, ""
            continue
        name = _name(node) if node.type in grammar.definitions else ""
        if name:
            yield _decorated(node), prefix + name
        inner = f"{prefix}{name}." if name else prefix
        stack += [(child, inner) for child in reversed(node.named_children)]


def _decorated(node: "Node") -> "Node":
    parent = node.parent
    return parent if parent is not None and parent.type in {"decorated_definition", "export_statement"} else node


def _name(node: "Node") -> str:
    if node.type == "variable_declarator":
        value = node.child_by_field_name("value")
        if value is None or value.type not in _FUNCTIONS:
            return ""
    named = node.child_by_field_name("name") or (
        node.child_by_field_name("type") if node.type == "impl_item" else None
    )  # fmt: skip
    if named is None:
        kinds = {"identifier", "type_identifier", "simple_identifier"}
        named = next((child for child in node.named_children if child.type in kinds), None)
    name = _text(named)[:200]
    if node.type == "method_declaration" and (receiver := node.child_by_field_name("receiver")) is not None:
        owner = _text(receiver).strip("()").split()[-1:]  # Go: `(s *Server)`
        return f"{''.join(owner).lstrip('*').partition('[')[0]}.{name}"
    return name


def _text(node: "Node | None") -> str:
    return (node.text or b"").decode("utf-8", "replace") if node is not None else ""


def lookup(path: str, text: str) -> SymbolAt:
    """Return the enclosing symbol of a line: by grammar where there is one, else by indentation.

    Python is read by its own parser (``domain/symbols.py``), which names the same things in the same way.
    """
    found = outline(path, text) if language_of(path) not in {"", "python"} else Outline()
    if not found.spans:
        return symbol_lookup(path, text)

    def symbol_at(line: int) -> str:
        span = found.enclosing(line)
        return span.name if span else ""

    return symbol_at
