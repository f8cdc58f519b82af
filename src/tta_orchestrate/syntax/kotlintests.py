"""What a test of Kotlin looks like: reading proposals, refusing them, writing files, functions, mutants. Text only."""

import posixpath
import re
from collections.abc import Collection, Iterator, Sequence
from typing import TYPE_CHECKING, Final

from tta_orchestrate.domain.mutant import Mutant
from tta_orchestrate.ports.test_runner import Proposal, Symbol, heading
from tta_orchestrate.syntax import javatests
from tta_orchestrate.syntax.faults import Faults, find
from tta_orchestrate.syntax.treesitter import parser, walk
from tta_orchestrate.syntax.treesitter import verbatim as words

if TYPE_CHECKING:
    from tree_sitter import Node

_NAME: Final = re.compile(r"[a-z][A-Za-z0-9_]{2,80}\Z")
_PACKAGE: Final = re.compile(r"^\s*package\s+([\w.`]+)", re.MULTILINE)
_TYPES: Final = {"class_declaration", "object_declaration", "companion_object"}
_LIBRARY: Final = re.compile(r"kotlin\.(?:math|collections|text|ranges|sequences|comparisons)\.")
_REFUSED: Final = {
    **javatests.REFUSED, **javatests.REFUSED_CALLS,
    "exitProcess": "ends the machine", "println": "prints", "print": "prints", "readLine": "reads what is typed",
    "thread": "uses threads or sleeps", "runBlocking": "uses threads or sleeps",
    "javaClass": "looks inside by reflection",
    "measureTimeMillis": "depends on the clock or on chance", "jvmName": "looks inside by reflection",
    "declaredMembers": "looks inside by reflection", "memberProperties": "looks inside by reflection",
    "members": "looks inside by reflection", "kotlin": "names a package", "javax": "names a package",
    "jdk": "names a package", "sun": "names a package",
}  # fmt: skip
_INSIDE: Final = re.compile(r"[\w.]+::class\s*\.\s*java\b\s*\.|[\w.]+::class\s*\.(?!\s*java\b)")
_FAULTS: Final = Faults(
    assignment=frozenset({"assignment"}),
    conditions={"if_expression": "condition", "while_statement": "condition"},
    numbers=frozenset({"number_literal"}),
    strings=frozenset({"string_literal"}),
    left_alone=frozenset({"import", "package_header", "annotation", "modifiers", "user_type", "type_arguments"}),
)  # fmt: skip


def tree(text: str) -> "Node":
    """Parse *text*."""
    return parser("tree_sitter_kotlin", "language").parse(text.encode("utf-8", "surrogateescape")).root_node


def package_of(text: str) -> str:
    """Return the package that a source declares, ``""`` for none."""
    found = _PACKAGE.search(text)
    return found.group(1).replace("`", "") if found else ""


def types(text: str, path: str) -> tuple[str, ...]:
    """Return the classes that a source becomes, that of its top-level functions included."""
    nodes = tree(text).named_children
    found = [_name(n) for n in nodes if n.type in _TYPES]
    if any(n.type in {"function_declaration", "property_declaration"} for n in nodes):
        stem = posixpath.splitext(posixpath.basename(path))[0]
        found.append(f"{stem[:1].upper()}{stem[1:]}Kt")
    return tuple(name for name in found if name)


def _name(node: "Node") -> str:
    own = node.child_by_field_name("name") or next((c for c in node.named_children if c.type == "identifier"), None)
    return words(own)


def symbols(text: str) -> tuple[Symbol, ...]:
    """Return functions and initialisers, ``Type.name``."""
    found = []
    for node in walk(tree(text)):
        if node.type in {"function_declaration", "anonymous_initializer", "secondary_constructor"}:
            name = _name(node) if node.type == "function_declaration" else "init"
            whole = ".".join([*_owners(node), name])
            found.append(Symbol(name=whole, first=node.start_point[0] + 1, last=node.end_point[0] + 1))
    return tuple(found)


def _owners(node: "Node") -> list[str]:
    found, around = [], node.parent
    while around is not None:
        if around.type in _TYPES:
            found.append(_name(around) or "Companion")
        around = around.parent
    return found[::-1]


def mutants(text: str) -> tuple[Mutant, ...]:
    """Return every mutant of the functions in *text*. Some may not compile: types are not known here."""
    return find(tree(text), text, symbols(text), _FAULTS)


def read(name: str, code: str, symbol: str) -> Proposal | str:
    """Take a proposal apart: imports and one ``@Test fun``, nothing else."""
    if not _NAME.match(name):
        return "the name must be a lower-case identifier of 3 to 81 characters"
    root = tree(code.strip() + "\n")
    if root.has_error:
        return "does not parse"
    imports: dict[str, str] = {}
    function = None
    for node in root.named_children:
        if node.type == "import":
            meaning = " ".join(words(node).removeprefix("import").split())
            if not javatests.OF_JUNIT.match(meaning):
                imports[meaning.rpartition(" as ")[2].rpartition(".")[2] if "*" not in meaning else meaning] = meaning
        elif node.type == "function_declaration" and function is None:
            function = node
        elif "comment" not in node.type:
            return "must be imports and one function `@Test fun name() { ... }`, nothing else"
    body = _body(function, name)
    if isinstance(body, str):
        return body
    text = f"@Test\nfun {name}() {javatests.flush(words(body))}"
    return Proposal(name=name, imports=imports, body=text, symbol=symbol, code=code, checks=_without_values(body))


def _body(function: "Node | None", name: str) -> "Node | str":
    if function is None:
        return "there is no function"
    marks = [words(n) for c in function.named_children if c.type == "modifiers" for n in c.named_children]
    parameters = next((c for c in function.named_children if c.type == "function_value_parameters"), None)
    body = next((c for c in function.named_children if c.type == "function_body"), None)
    if marks != ["@Test"]:
        return "the function bears @Test and no other annotation or modifier"
    if _name(function) != name:
        return "the function must be called by the name that is given"
    if parameters is None or parameters.named_children or body is None or not words(body).startswith("{"):
        return "the function takes no arguments, and has a body in braces"
    if [c.type for c in function.named_children if c.type in {"user_type", "type_parameters"}]:
        return "the function returns nothing"
    return body


def _calls(root: "Node") -> "Iterator[tuple[Node, str, list[Node], bool]]":
    """Yield each call by a plain name: the node, the name, the arguments, whether a lambda follows."""
    for node in walk(root):
        if node.type == "call_expression" and node.named_children:
            head = node.named_children[0]
            inner = head if head.type == "call_expression" else node
            given = next((c for c in inner.named_children if c.type == "value_arguments"), None)
            name = inner.named_children[0] if inner.named_children else head
            if name.type == "identifier":
                block = any(c.type == "annotated_lambda" for c in node.named_children)
                yield node, words(name), list(given.named_children) if given is not None else [], block


def _without_values(body: "Node") -> str:
    data, base, cuts = body.text or b"", body.start_byte, []
    for node, name, given, _ in _calls(body):
        if name.startswith(("assert", "fail")):
            kept = given[1:2] if len(given) > 1 else given[:1]
            cuts += [(g.start_byte - base, g.end_byte - base) for g in given if g not in kept]
            cuts.append((node.start_byte - base, node.start_byte - base + len(name.encode())))
    for start, end in sorted(set(cuts), reverse=True):
        data = data[:start] + b"_" + data[end:]
    return " ".join(data.decode("utf-8", "surrogateescape").split())


def refusal(proposal: Proposal, packages: Collection[str]) -> str:
    """Return why the static gate refuses *proposal*, ``""`` when it does not; *packages* are the repository's own."""
    for meaning in proposal.imports.values():
        last = meaning.partition(" as ")[0].rpartition(".")[2]
        own = any(meaning.startswith(f"{p}.") for p in packages if p)
        if last in javatests.REFUSED or not (own or javatests.LIBRARY.match(meaning) or _LIBRARY.match(meaning)):
            return f"imports {meaning}: no network, processes, files, threads or unknown packages in a test"
    root = tree(f"{proposal.body}\n")
    for node in walk(root):
        if why := _refused(node):
            return why
    checks = [(name, given, block) for _, name, given, block in _calls(root) if name.startswith(("assert", "fail"))]
    if not checks:
        return "has no assertion"
    if all(_hollow(name, given, block=block) for name, given, block in checks):
        return "has no assertion that can fail in earnest"
    return ""


def _refused(node: "Node") -> str:
    text = words(node)
    if node.type in {"annotation", "file_annotation"} and text != "@Test":
        return "bears annotations"
    if node.type == "navigation_expression" and re.match(
        r"[\w.]+::class\s*\.\s*java\b\s*\.|\w+::class\s*\.(?!\s*java\b)", text
    ):
        return "looks inside by reflection"
    if node.type == "navigation_expression" and text.startswith("java."):
        known = (
            javatests.LIBRARY.match(text) or javatests.LIBRARY.match(f"{text}.") or text in {"java.util", "java.time"}
        )
        return "" if known else f"uses {text}"
    if (
        node.type == "call_expression"
        and node.named_children
        and words(node.named_children[0]).rpartition(".")[2] in javatests.CHANCE
    ):
        given = next((c for c in node.named_children if c.type == "value_arguments"), None)
        return "" if given is not None and given.named_children else "depends on the clock or on chance"
    if node.type != "identifier":
        return ""
    if text == "System":
        rest = words(node.parent).removeprefix("System.") if node.parent is not None else ""
        return "" if rest in javatests.OF_SYSTEM else "touches the machine"
    if text.strip("`") in _REFUSED and text.strip("`") != "java":
        return _REFUSED[text.strip("`")]
    return "looks inside by reflection" if javatests.REFLECTION.match(text) else ""


def _hollow(name: str, given: "Sequence[Node]", *, block: bool) -> bool:
    if name == "assertThrows":
        return False
    if name in javatests.HOLLOW or not given:
        return not block or name in javatests.HOLLOW
    texts = [words(g) for g in given]
    literal = all(re.fullmatch(r"-?[\d.]+[LfF]?|true|false|null|\"[^\"$]*\"", t) for t in texts)
    return literal or (len(texts) > 1 and texts[0] == texts[1])


def write(proposals: Sequence[Proposal], *, about: str, package: str, name: str, junit: str) -> str:
    """Return the text of a test class; *junit* is ``4`` or ``5``."""
    own = {"org.junit.jupiter.api.Test", "org.junit.jupiter.api.Assertions.*"}
    own = own if junit == "5" else {"org.junit.Test", "org.junit.Assert.*"}
    wanted = sorted({meaning for p in proposals for meaning in p.imports.values()} | own)
    lines = [*heading(about), *([f"package {package}"] if package else []), ""]
    methods = "\n\n".join(javatests.indented(p.body) for p in proposals)
    return "\n".join([*lines, *(f"import {w}" for w in wanted), "", f"class {name} {{", methods, "}"]) + "\n"


def loads(*, about: str, package: str, name: str, junit: str, loaded: Sequence[str]) -> str:
    """Return the text of a test class with one test, ``loads``, that starts the classes *loaded* and does no more."""
    lines = "\n".join(f'    Class.forName("{each}")' for each in loaded)
    test = Proposal(name="loads", imports={}, body=f"@Test\nfun loads() {{\n{lines}\n}}")
    return write([test], about=about, package=package, name=name, junit=junit)
