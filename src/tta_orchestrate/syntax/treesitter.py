"""Reading declarations with tree-sitter: one walk for all languages, a ``Grammar`` says how each differs.

Parsers come from wheels with the grammar compiled in; nothing is downloaded. Where a file does not parse, what is
around the error is read all the same, and the places are reported.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Final

from tta_orchestrate.domain.symbol import Doc, Kind, Markup, Module, Parameter, Symbol, SyntaxProblem
from tta_orchestrate.syntax.digest import digest, own_digest
from tta_orchestrate.syntax.doccomment import undecorated

if TYPE_CHECKING:
    from tree_sitter import Node, Parser

_MAX_PROBLEMS: Final = 20
_MAX_SIGNATURE: Final = 400
_TAIL: Final = re.compile(r"(?:\s|=>|[{;=:])+$")
_OPENERS: Final = {"(": ")", "[": "]", "{": "}", "<": ">"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """How one node type declares symbols. Field names are the grammar's."""

    kind: Kind
    name: str = "name"
    body: str = "body"
    parameters: str = "parameters"
    returns: str = ""
    variables: str = ""
    """Node type of the declarators in it, for declarations of several names."""


Public = Callable[["Node", str, str], bool]
"""From (declaration, name, kind of the owner or ``""``) to whether others may use it."""


def colon_parameter(text: str) -> Parameter | None:
    """Read ``name: type = default`` (TypeScript, Kotlin, Rust, Python)."""
    head, default = _cut(text, "=")
    name, kind = _cut(head, ":")
    name = re.sub(
        r"^(?:(?:private|public|protected|readonly|override|vararg|val|var|mut|crossinline|noinline)\s+)+", "", name
    )
    stars = re.match(r"\.\.\.|\*{1,2}", name)
    bare = name.lstrip(".*&").rstrip("?").strip()
    if bare in {"self", "mut self", "this", "/", ""} or name.endswith("self"):
        return None
    return Parameter(name=bare, written=stars.group() if stars else "", type=kind, default=default)


def typed_first_parameter(text: str) -> Parameter | None:
    """Read ``final Type name`` (Java)."""
    clean = re.sub(r"@\w+(?:\([^)]*\))?\s*|\bfinal\s+", "", text).strip()
    kind, _, name = clean.rpartition(" ")
    return Parameter(name=name, type=kind.strip()) if name else None


def name_first_parameter(text: str) -> Parameter | None:
    """Read ``name Type`` (Go); a lone word is a type without a name, or a name whose type follows later."""
    name, _, kind = text.strip().partition(" ")
    return Parameter(name=name, type=kind.strip()) if kind and re.fullmatch(r"\w+", name) else None


def split_top(text: str, separator: str = ",") -> list[str]:
    """Split at separators outside of brackets and strings."""
    parts, depth, start, quote = [], 0, 0, ""
    for at, char in enumerate(text):
        if quote:
            quote = "" if char == quote and text[at - 1] != "\\" else quote
        elif char in "\"'`":
            quote = char if char != "'" or text.count("'") % 2 == 0 else ""
        elif char in _OPENERS:
            depth += 1
        elif char in ")]}" or (char == ">" and text[at - 1] not in "=-"):
            depth -= 1
        elif char == separator and depth == 0:
            parts.append(text[start:at])
            start = at + 1
    return [*parts, text[start:]]


def _cut(text: str, separator: str) -> tuple[str, str]:
    if separator == "=":
        text = text.replace("=>", "\0")
    head, *rest = split_top(text, separator)
    tail = separator.join(rest)
    return head.replace("\0", "=>").strip(), tail.replace("\0", "=>").strip()


def _everything(_node: "Node", _name: str, _owner: str) -> bool:
    return True


@dataclass(frozen=True, slots=True, kw_only=True)
class Grammar:
    """One language: which wheel, which nodes declare, which merely wrap, what is public, how comments read."""

    name: str
    wheel: str
    function: str = "language"
    rules: Mapping[str, Rule]
    wrappers: frozenset[str] = frozenset()
    comments: frozenset[str] = frozenset({"comment", "line_comment", "block_comment"})
    between: frozenset[str] = frozenset()
    """Nodes that may stand between a doc comment and its declaration (attributes)."""
    doc_start: tuple[str, ...] = ("/**",)
    module_doc_start: tuple[str, ...] = ()
    doc: Callable[[str], Doc] = lambda text: Doc(text=text, markup=Markup.MARKDOWN)
    public: Public = _everything
    owner: Callable[["Node"], str] = lambda _node: ""
    """The type that a declaration belongs to although it stands outside of it (Go receivers, Rust impls)."""
    imports: Callable[["Node", str], Iterator[tuple[str, str]]] = lambda _node, _key: iter(())
    """From (node, page name) to local names and the slash paths they mean."""
    calls: frozenset[str] = frozenset({"call_expression"})
    throws: frozenset[str] = frozenset({"throw_statement"})
    parameter: Callable[[str], Parameter | None] = colon_parameter
    mend: Callable[[str], str] | None = None
    """A spelling of the same length that a gap in the grammar does not trip over; tried when there are errors."""
    prefix: Mapping[str, str] = field(default_factory=dict)
    """Words that belong to the signature but stand in the wrapper."""
    docstrings: bool = False
    """Whether a string that begins the body documents it (Python)."""
    exported: Callable[["Node"], frozenset[str]] = lambda _root: frozenset()
    """Names that are made public elsewhere in the file."""


@cache
def parser(wheel: str, function: str) -> "Parser":
    """Return the parser of a grammar wheel."""
    import tree_sitter

    return tree_sitter.Parser(tree_sitter.Language(getattr(import_module(wheel), function)()))


def parses(grammar: Grammar, code: str) -> bool:
    """Whether *code* has no syntax error."""
    return not _parse(grammar, code).has_error


def read_module(
    grammar: Grammar, path: str, key: str, text: str, *, problems: tuple[SyntaxProblem, ...] = ()
) -> Module:
    """Return what *text* declares."""
    return _Reader(grammar, key, text).module(path, problems)


def _parse(grammar: Grammar, text: str) -> "Node":
    parse = parser(grammar.wheel, grammar.function).parse
    root = parse(text.encode()).root_node
    if not root.has_error or grammar.mend is None:
        return root
    mended = parse(grammar.mend(text).encode()).root_node
    return mended if _errors(mended) < _errors(root) else root


def _errors(root: "Node") -> int:
    return sum(n.end_byte - n.start_byte + 1 for n in _descend(root, errors=True) if n.is_error or n.is_missing)


def walk(root: "Node") -> "Iterator[Node]":
    """Yield *root* and everything named below it, in the order of the text."""
    pending = [root]
    while pending:
        node = pending.pop()
        yield node
        pending.extend(reversed(node.named_children))


def verbatim(node: "Node | None") -> str:
    """Return the text of *node*; bytes that are no UTF-8 stay as they were read."""
    return (node.text or b"").decode("utf-8", "surrogateescape") if node is not None else ""


def words(node: "Node | None") -> str:
    """Return the source text of *node*, white space collapsed."""
    return " ".join(raw(node).split())


def raw(node: "Node | None") -> str:
    """Return the source text of *node*."""
    return node.text.decode("utf-8", "replace") if node is not None and node.text is not None else ""


@dataclass(slots=True)
class _Found:
    symbol: Symbol
    owner: str = ""


@dataclass(frozen=True, slots=True)
class _Spot:
    """Where a name is declared: the statement, the declarator in it, and how it is read."""

    node: "Node"
    declarator: "Node"
    rule: Rule
    name: str


class _Reader:
    def __init__(self, grammar: Grammar, key: str, text: str) -> None:
        self.grammar = grammar
        self.key = key
        self.text = text
        self.lines = text.split("\n")
        self.root = _parse(grammar, text)
        self.names: dict[str, str] = {}
        self.exported = grammar.exported(self.root)

    def module(self, path: str, problems: tuple[SyntaxProblem, ...]) -> Module:
        for node in _descend(self.root):
            self.names.update(self.grammar.imports(node, self.key))
        imports = tuple(sorted(set(self.names.values())))
        for name in _declared(self.root, self.grammar):
            self.names.setdefault(name, f"{self.key}/{name}")
        found = list(self._visit(self.root, "", ""))
        return Module(
            key=self.key,
            path=path,
            language=self.grammar.name,
            digest=digest(self.text),
            lines=len(self.text.splitlines()),
            doc=self._module_doc(),
            symbols=_unique(_adopt(found)),
            imports=imports,
            problems=problems or tuple(self._problems()),
        )

    def _problems(self) -> Iterator[SyntaxProblem]:
        if not self.root.has_error:
            return
        bad = [node for node in _descend(self.root, errors=True) if node.is_error or node.is_missing]
        for node in bad[:_MAX_PROBLEMS]:
            what = f"missing {node.type}" if node.is_missing else f"cannot read {words(node)[:60]!r}"
            yield SyntaxProblem(line=node.start_point[0] + 1, message=what)

    def _module_doc(self) -> Doc | None:
        comments: list[str] = []
        for child in self.root.children:
            if child.type in self.grammar.comments:
                text = raw(child)
                if text.startswith(self.grammar.module_doc_start or ("\0",)):
                    comments.append(text.rstrip("\n"))
            elif child.type != "package_clause" and child.is_named:
                break
        text = undecorated("\n".join(comments)) if comments else ""
        return self.grammar.doc(text) if text.strip() else None

    def _visit(self, node: "Node", prefix: str, owner: str, pending: "list[Node] | None" = None) -> Iterator[_Found]:
        comments: list[Node] = list(pending or [])
        for child in node.children:
            rule = self.grammar.rules.get(child.type)
            if child.type in self.grammar.comments:
                comments.append(child)
            elif rule is not None:
                yield from self._declare(child, rule, prefix, owner, comments)
                comments = []
            elif child.type in self.grammar.wrappers or child.is_error:
                yield from self._visit(child, prefix, owner, comments)
                comments = []
            elif child.is_named and child.type not in self.grammar.between:
                comments = []

    def _declare(
        self, node: "Node", rule: Rule, prefix: str, owner: str, comments: "Sequence[Node]"
    ) -> Iterator[_Found]:
        declarators = [c for c in node.named_children if c.type == rule.variables] if rule.variables else [node]
        for declarator in declarators:
            for name in _names(declarator, rule):
                yield self._symbol(_Spot(node, declarator, rule, name), prefix, owner, comments)

    def _symbol(self, spot: "_Spot", prefix: str, owner: str, comments: "Sequence[Node]") -> _Found:
        node, declarator, rule, name = spot.node, spot.declarator, spot.rule, spot.name
        outside = self.grammar.owner(node)
        path = f"{outside}.{name}" if outside else f"{prefix}{name}"
        body = _body(declarator, rule)
        start, end = node.start_point[0] + 1, node.end_point[0] + 1
        kind = _kind(declarator, rule, owner or outside)
        members: tuple[Symbol, ...] = ()
        if body is not None and kind.holds_members:
            members = _unique(_adopt(list(self._visit(body, f"{path}.", kind.value))))
        holder = _value(declarator)
        signature = self._signature(node, rule, body, holder)
        public = self.grammar.public(node, name, owner) or (not owner and name in self.exported)
        symbol = Symbol(
            name=name,
            path=path,
            kind=kind,
            signature=signature,
            start_line=start,
            end_line=end,
            digest=own_digest(self.lines, start, end, members),
            public=public,
            parameters=self._parameters(holder or declarator, rule),
            returns=words(declarator.child_by_field_name(rule.returns)).lstrip(": ") if rule.returns else "",
            doc=self._doc(comments, node),
            raises=tuple(dict.fromkeys(self._raises(node))) if not kind.holds_members else (),
            calls=tuple(sorted(set(self._calls(node, path)))) if not kind.holds_members else (),
            bases=tuple(_bases(node)) if kind.holds_members else (),
            members=members,
        )
        return _Found(symbol, outside)

    def _signature(self, node: "Node", rule: Rule, body: "Node | None", holder: "Node | None") -> str:
        inner = _body(holder, rule) if holder is not None else None
        end = inner or body
        data = self.text.encode()
        text = data[node.start_byte : end.start_byte if end is not None else node.end_byte].decode("utf-8", "replace")
        text = _TAIL.sub("", " ".join(_without_comments(text).split()))
        lead = re.search(rb"\b(fun )\s*$", data[: node.start_byte][-20:]) if self.grammar.mend else None
        text = self.grammar.prefix.get(node.type, "") + (lead.group(1).decode() if lead else "") + text
        return text if len(text) <= _MAX_SIGNATURE else text[:_MAX_SIGNATURE] + "…"

    def _parameters(self, node: "Node", rule: Rule) -> tuple[Parameter, ...]:
        found = node.child_by_field_name(rule.parameters)
        if found is None:
            found = next(
                (c for c in node.children if c.type in {"function_value_parameters", "primary_constructor"}), None
            )
        text = words(found).strip()
        if not text.startswith("("):
            return (Parameter(name=text),) if text and re.fullmatch(r"\w+", text) else ()
        pieces = (piece.strip() for piece in split_top(text[1:-1]))
        return tuple(p for piece in pieces if piece and (p := self.grammar.parameter(piece)) is not None)

    def _doc(self, comments: "Sequence[Node]", node: "Node") -> Doc | None:
        last = node.start_point[0]
        kept: list[str] = []
        if self.grammar.docstrings:
            return _docstring(node)
        for comment in reversed(comments):
            reach = 1 if kept or not (self.grammar.between or raw(comment).startswith("/*")) else _MAX_PROBLEMS
            text = raw(comment).rstrip("\n")
            end = comment.start_point[0] + text.count("\n")
            if not text.startswith(self.grammar.doc_start) or last - end > reach:
                break
            if text.startswith(self.grammar.module_doc_start or ("\0",)) and not text.startswith(
                self.grammar.doc_start
            ):
                break
            kept.append(text)
            last = comment.start_point[0]
            if text.startswith("/*"):
                break
        text = undecorated("\n".join(reversed(kept))) if kept else ""
        return self.grammar.doc(text) if text.strip() else None

    def _raises(self, node: "Node") -> Iterator[str]:
        for found in _descend(node):
            if found.type == "throws":
                yield from (words(child) for child in found.named_children)
            elif found.type in self.grammar.throws:
                match = re.match(r"throw\s+(?:new\s+)?([A-Z][\w.]*)", words(found))
                if match:
                    yield match.group(1)

    def _calls(self, node: "Node", path: str) -> Iterator[str]:
        for found in _descend(node):
            if found.type not in self.grammar.calls:
                continue
            function = found.child_by_field_name("function") or (
                found.named_children[0] if found.named_children else None
            )
            name = re.sub(r"\s+", "", raw(function)).replace("::", ".").replace("?.", ".")
            if not re.fullmatch(r"[A-Za-z_$][\w$.]*", name):
                continue
            first, _, rest = name.partition(".")
            if first in {"this", "self", "Self"} and rest and "." in path:
                yield f"{self.key}/{path.rpartition('.')[0].replace('.', '/')}/{rest.replace('.', '/')}"
            elif first in self.names:
                yield self.names[first] + (f"/{rest.replace('.', '/')}" if rest else "")


def _descend(node: "Node", *, errors: bool = False) -> "Iterator[Node]":
    pending = [node]
    while pending:
        found = pending.pop()
        yield found
        children = found.children if errors else found.named_children
        pending.extend(reversed(children))


def _declared(root: "Node", grammar: Grammar) -> Iterator[str]:
    for child in _descend(root):
        rule = grammar.rules.get(child.type)
        if (
            rule is not None
            and child.parent is not None
            and (child.parent == root or child.parent.type in grammar.wrappers)
        ):
            declarators = [c for c in child.named_children if c.type == rule.variables] if rule.variables else [child]
            for declarator in declarators:
                yield from _names(declarator, rule)


def _names(node: "Node", rule: Rule) -> list[str]:
    found = [raw(child) for child in node.children_by_field_name(rule.name)] if rule.name else [raw(node)]
    if not found and rule.name == "name":
        found = [raw(child) for child in node.named_children if child.type in {"identifier", "variable_declaration"}][
            :1
        ]
    clean = (re.split(r"[:\s(]", name.strip().strip("\"'`"))[0] for name in found)
    return [name for name in clean if re.fullmatch(r"[#\w$]+", name)]


def _body(node: "Node", rule: Rule) -> "Node | None":
    found = node.child_by_field_name(rule.body)
    if found is None:
        bodies = {"class_body", "enum_class_body", "function_body", "block", "statement_block", "getter"}
        found = next((child for child in node.named_children if child.type in bodies), None)
    return found


def _value(node: "Node") -> "Node | None":
    value = node.child_by_field_name("value")
    functions = {"arrow_function", "function_expression", "generator_function", "function"}
    return value if value is not None and value.type in functions else None


def _kind(node: "Node", rule: Rule, owner: str) -> Kind:
    if rule.kind is Kind.FUNCTION and owner:
        return Kind.METHOD
    if _value(node) is not None:
        return Kind.METHOD if owner else Kind.FUNCTION
    if rule.kind is Kind.CLASS:
        head = words(node)[:200].partition("{")[0]
        if node.type == "class_declaration" and re.search(r"\binterface\b", head) and "class " not in head:
            return Kind.INTERFACE
        if re.search(r"\benum class\b", head):
            return Kind.ENUM
    if rule.kind is Kind.TYPE and node.type == "type_spec":
        inner = node.child_by_field_name("type")
        return {"struct_type": Kind.STRUCT, "interface_type": Kind.INTERFACE}.get(
            inner.type if inner else "", Kind.TYPE
        )
    return rule.kind


def _bases(node: "Node") -> Iterator[str]:
    kinds = {
        "superclass",
        "super_interfaces",
        "extends_interfaces",
        "class_heritage",
        "delegation_specifiers",
        "extends_type_clause",
    }
    for child in node.named_children:
        if child.type in kinds:
            text = re.sub(r"\b(extends|implements)\b", ",", words(child)).strip(": ")
            yield from (re.sub(r"\(.*\)$", "", part.strip()) for part in split_top(text) if part.strip())


def _adopt(found: Sequence[_Found]) -> tuple[Symbol, ...]:
    """Put declarations from outside into the types they belong to."""
    owned: dict[str, list[Symbol]] = {}
    for item in found:
        if item.owner:
            owned.setdefault(item.owner, []).append(item.symbol)
    names = {item.symbol.path for item in found if not item.owner}
    kept = [
        replace(item.symbol, members=(*item.symbol.members, *owned.get(item.symbol.path, ())))
        for item in found
        if not item.owner
    ]
    strays = [item.symbol for item in found if item.owner and item.owner not in names]
    return (*kept, *strays)


def _unique(symbols: Sequence[Symbol]) -> tuple[Symbol, ...]:
    """Number overloads: ``add``, ``add~2`` … so that every declaration keeps a place of its own."""
    seen: dict[str, int] = {}
    kept: list[Symbol] = []
    for symbol in symbols:
        seen[symbol.path] = seen.get(symbol.path, 0) + 1
        count = seen[symbol.path]
        kept.append(symbol if count == 1 else replace(symbol, path=f"{symbol.path}~{count}"))
    return tuple(kept)


def _docstring(node: "Node") -> Doc | None:
    body = node.child_by_field_name("body")
    first = body.named_children[0] if body is not None and body.named_children else None
    if first is not None and first.type == "expression_statement" and raw(first).lstrip("rRuU").startswith(('"', "'")):
        return Doc(text=raw(first).lstrip("rRuU").strip("\"'"))
    return None


def _without_comments(text: str) -> str:
    return re.sub(r"/\*.*?\*/|(?m:^\s*(?://|#)[^\n]*$)", " ", text, flags=re.DOTALL)


def _python_public(_node: "Node", name: str, _owner: str) -> bool:
    return not name.startswith("_") or (name.startswith("__") and name.endswith("__"))


PYTHON: Final = Grammar(
    name="python",
    wheel="tree_sitter_python",
    rules={
        "class_definition": Rule(kind=Kind.CLASS),
        "function_definition": Rule(kind=Kind.FUNCTION, returns="return_type"),
    },
    wrappers=frozenset({"decorated_definition", "module", "block"}),
    doc_start=("\0",),
    docstrings=True,
    public=_python_public,
    calls=frozenset({"call"}),
)
