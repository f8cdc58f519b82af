"""What a test of Java looks like: reading proposals, refusing them, writing files, functions, mutants. Text only."""

import re
from collections.abc import Collection, Iterator, Sequence
from textwrap import indent
from typing import TYPE_CHECKING, Final

from tta_orchestrate.domain.mutant import Mutant
from tta_orchestrate.ports.test_runner import Proposal, Symbol, heading
from tta_orchestrate.syntax.faults import Faults, find
from tta_orchestrate.syntax.treesitter import parser, walk
from tta_orchestrate.syntax.treesitter import verbatim as words

if TYPE_CHECKING:
    from tree_sitter import Node

_NAME: Final = re.compile(r"[a-z][A-Za-z0-9_]{2,80}\Z")
_PACKAGE: Final = re.compile(r"^\s*package\s+([\w.]+)\s*;", re.MULTILINE)
_FUNCTIONS: Final = {"method_declaration", "constructor_declaration", "compact_constructor_declaration"}
_TYPES: Final = {
    "class_declaration", "interface_declaration", "enum_declaration", "record_declaration",
    "annotation_type_declaration",
}  # fmt: skip
OF_JUNIT: Final = re.compile(r"(?:static )?org\.junit\.(?:jupiter\.api\.)?(?:Test|Assert(?:ions)?(?:\.\w+|\.\*)?)\Z")
LIBRARY: Final = re.compile(
    r"(?:static )?java\.(?:util\.(?:[A-Z*]|function\.|stream\.|regex\.)|math\.|text\.|nio\.charset\.|"
    r"time\.|io\.(?:IOException|UncheckedIOException|String(?:Reader|Writer)|ByteArray(?:In|Out)putStream)\b|"
    r"lang\.Math\b)"
)
REFUSED: Final = {
    "Runtime": "starts processes", "ProcessBuilder": "starts processes", "Process": "starts processes",
    "ProcessHandle": "starts processes", "Thread": "uses threads or sleeps", "ThreadGroup": "uses threads or sleeps",
    "Timer": "uses threads or sleeps", "CompletableFuture": "uses threads or sleeps",
    "Class": "looks inside by reflection", "ClassLoader": "looks inside by reflection",
    "Module": "looks inside by reflection", "ModuleLayer": "looks inside by reflection",
    "ServiceLoader": "looks inside by reflection", "Unsafe": "looks inside by reflection",
    "MethodHandles": "looks inside by reflection", "StackWalker": "looks inside by reflection",
    "SecurityManager": "touches the machine", "Socket": "uses the network", "URL": "uses the network",
    "HttpClient": "uses the network", "Files": "uses files", "Path": "uses files", "Paths": "uses files",
    "File": "uses files", "FileInputStream": "uses files", "FileOutputStream": "uses files",
    "FileReader": "uses files", "FileWriter": "uses files", "RandomAccessFile": "uses files",
    "Formatter": "uses files", "Scanner": "uses files",
    "Mockito": "uses mocks", "EasyMock": "uses mocks", "PowerMockito": "uses mocks", "Proxy": "uses mocks",
}  # fmt: skip
REFUSED_CALLS: Final = {
    "getClass": "looks inside by reflection", "forName": "looks inside by reflection",
    "setAccessible": "looks inside by reflection", "getClassLoader": "looks inside by reflection",
    "newInstance": "looks inside by reflection", "getProtectionDomain": "looks inside by reflection",
    "getModule": "looks inside by reflection", "parallelStream": "uses threads or sleeps",
    "parallel": "uses threads or sleeps", "sleep": "uses threads or sleeps", "exec": "starts processes",
    "now": "depends on the clock or on chance", "random": "depends on the clock or on chance",
    "randomUUID": "depends on the clock or on chance", "setDefault": "changes the machine for other tests",
    "assertTimeout": "depends on the clock or on chance",
    "assertTimeoutPreemptively": "depends on the clock or on chance",
    "assumeTrue": "is skipped", "assumeFalse": "is skipped", "abort": "is skipped",
    "mock": "uses mocks", "spy": "uses mocks",
}  # fmt: skip
REFLECTION: Final = re.compile(
    r"get(?:Declared|Enclosing|Record|Nest|Permitted)?(?:Field|Method|Constructor|Class)e?s?\Z"
)
OF_SYSTEM: Final = {"lineSeparator", "arraycopy", "identityHashCode"}
CHANCE: Final = {"Random", "Date", "GregorianCalendar"}
HOLLOW: Final = {"assertNotNull", "assertDoesNotThrow", "assertInstanceOf", "fail", "assertAll"}
_FAULTS: Final = Faults(
    assignment=frozenset({"assignment_expression"}),
    unary=frozenset({"unary_expression"}),
    conditions={"if_statement": "condition", "while_statement": "condition", "do_statement": "condition",
                "ternary_expression": "condition"},
    statements=frozenset({"expression_statement"}),
    calls=frozenset({"method_invocation"}),
    jumps={"break_statement": "continue;", "continue_statement": "break;"},
    numbers=frozenset({"decimal_integer_literal"}),
    strings=frozenset({"string_literal"}),
    left_alone=frozenset({"import_declaration", "package_declaration", "annotation", "marker_annotation", "modifiers",
                          "type_arguments", "dimensions_expr"}),
)  # fmt: skip


def tree(text: str) -> "Node":
    """Parse *text*."""
    return parser("tree_sitter_java", "language").parse(text.encode("utf-8", "surrogateescape")).root_node


def package_of(text: str) -> str:
    """Return the package that a source declares, ``""`` for none."""
    found = _PACKAGE.search(text)
    return found.group(1) if found else ""


def symbols(text: str) -> tuple[Symbol, ...]:
    """Return methods and constructors, ``Type.name``."""
    found = []
    for node in walk(tree(text)):
        if node.type in _FUNCTIONS and node.child_by_field_name("body") is not None:
            name = ".".join([*_owners(node), words(node.child_by_field_name("name"))])
            found.append(Symbol(name=name, first=node.start_point[0] + 1, last=node.end_point[0] + 1))
    return tuple(found)


def _owners(node: "Node") -> list[str]:
    found, around = [], node.parent
    while around is not None:
        if around.type in _TYPES:
            found.append(words(around.child_by_field_name("name")))
        around = around.parent
    return found[::-1]


def mutants(text: str) -> tuple[Mutant, ...]:
    """Return every mutant of the methods in *text*. Some may not compile: types are not known here."""
    root, known = tree(text), symbols(text)
    return find(root, text, known, _FAULTS)


def read(name: str, code: str, symbol: str) -> Proposal | str:
    """Take a proposal apart: import declarations and one ``@Test`` method, nothing else."""
    if not _NAME.match(name):
        return "the name must be a lower-case Java identifier of 3 to 81 characters"
    if "\\u" in code:
        return "no Unicode escapes: write the character itself"
    head, method = _parts(code)
    if head is None or method is None:
        return "must be import declarations and one method `@Test void name() { ... }`, nothing else"
    imports: dict[str, str] = {}
    for line in head:
        meaning = " ".join(line.removeprefix("import").rstrip("; \n").split())
        if not OF_JUNIT.match(meaning):
            imports[meaning if meaning.endswith("*") else meaning.rpartition(".")[2]] = meaning
    wrong = _wrong_form(method, name)
    if wrong:
        return wrong
    body = method.child_by_field_name("body")
    throws = next((words(c) for c in method.named_children if c.type == "throws"), "")
    text = f"@Test\nvoid {name}() {throws + ' ' if throws else ''}{flush(words(body))}"
    return Proposal(name=name, imports=imports, body=text, symbol=symbol, code=code, checks=_without_values(method))


def _parts(code: str) -> tuple[list[str] | None, "Node | None"]:
    """Return the import declarations and the method of *code*, which may stand without a class around it."""
    lines = code.strip().split("\n")
    at = next((n for n, line in enumerate(lines) if line.strip() and not line.strip().startswith(("import ", "//"))), 0)
    top = tree("\n".join(lines[:at]) + "\n")
    inside = tree("class Proposed {\n" + "\n".join(lines[at:]) + "\n}\n")
    imports = [words(n) for n in top.named_children if n.type == "import_declaration"]
    strange = [n for n in top.named_children if n.type not in {"import_declaration", "line_comment"}]
    if top.has_error or inside.has_error or strange or len(inside.named_children) != 1:
        return None, None
    body = inside.named_children[0].child_by_field_name("body")
    members = [n for n in body.named_children if "comment" not in n.type] if body is not None else []
    if len(members) != 1 or members[0].type != "method_declaration":
        return None, None
    return imports, members[0]


def _wrong_form(method: "Node", name: str) -> str:
    marks = [words(n) for c in method.named_children if c.type == "modifiers" for n in c.named_children]
    parameters = method.child_by_field_name("parameters")
    if marks != ["@Test"]:
        return "the method bears @Test and no other annotation"
    if words(method.child_by_field_name("name")) != name:
        return "the method must be called by the name that is given"
    if words(method.child_by_field_name("type")) != "void" or (parameters is not None and parameters.named_children):
        return "the method is void and takes no arguments"
    return ""


def flush(block: str) -> str:
    """Return a block with its closing brace at the left margin."""
    if '"""' in block:  # its white space has a meaning
        return block
    first, *rest = block.split("\n")
    margin = len(rest[-1]) - len(rest[-1].lstrip()) if rest else 0
    return "\n".join([first, *(line[margin:] if not line[:margin].strip() else line.lstrip() for line in rest)])


def _calls(root: "Node") -> "Iterator[tuple[str, list[Node]]]":
    for node in walk(root):
        if node.type == "method_invocation":
            arguments = node.child_by_field_name("arguments")
            yield words(node.child_by_field_name("name")), list(arguments.named_children) if arguments else []


def _without_values(method: "Node") -> str:
    """Return the text of the body without the values that its checks expect, and without which check it is."""
    data, base = method.text or b"", method.start_byte
    body = method.child_by_field_name("body")
    cuts = []
    for node in walk(method):
        name = node.child_by_field_name("name")
        if node.type == "method_invocation" and name is not None and words(name).startswith(("assert", "fail")):
            arguments = node.child_by_field_name("arguments")
            given = list(arguments.named_children) if arguments is not None else []
            kept = given[1:2] if len(given) > 1 else given[:1]
            cuts += [(n.start_byte - base, n.end_byte - base) for n in (name, *(g for g in given if g not in kept))]
    for start, end in sorted(set(cuts), reverse=True):
        data = data[:start] + b"_" + data[end:]
    start = body.start_byte - base if body is not None else 0
    return " ".join(data[start:].decode("utf-8", "surrogateescape").split())


def refusal(proposal: Proposal, packages: Collection[str]) -> str:
    """Return why the static gate refuses *proposal*, ``""`` when it does not; *packages* are the repository's own."""
    for meaning in proposal.imports.values():
        target = meaning.removeprefix("static ")
        if target.rpartition(".")[2] in REFUSED:
            return f"imports {target}: {REFUSED[target.rpartition('.')[2]]}"
        if not LIBRARY.match(meaning) and not any(target.startswith(f"{p}.") for p in packages if p):
            return f"imports {target}: no network, processes, files, threads or unknown packages in a test"
    root = tree(f"class Proposed {{\n{proposal.body}\n}}\n")
    for node in walk(root):
        if why := _refused(node, packages):
            return why
    checks = [(name, given) for name, given in _calls(root) if name.startswith("assert") or name == "fail"]
    if not checks:
        return "has no assertion"
    if all(_hollow(name, given) for name, given in checks):
        return "has no assertion that can fail in earnest"
    return ""


def _refused(node: "Node", packages: Collection[str]) -> str:
    text = words(node)
    if node.type in {"identifier", "type_identifier"} and text in REFUSED:
        return REFUSED[text]
    if node.type == "method_invocation":
        name, holder = words(node.child_by_field_name("name")), words(node.child_by_field_name("object"))
        if holder == "System" and name in OF_SYSTEM:
            return ""
        return "looks inside by reflection" if REFLECTION.match(name) else REFUSED_CALLS.get(name, "")
    if node.type == "identifier" and text == "System":
        around = node.parent
        name = words(around.child_by_field_name("name")) if around is not None else ""
        return "" if name in OF_SYSTEM else "touches the machine"
    if node.type in {"scoped_type_identifier", "field_access", "scoped_identifier"} and text.startswith(
        ("java.", "javax.", "jdk.", "sun.", "com.sun.")
    ):
        own = any(text.startswith(f"{p}.") for p in packages if p)
        known = own or LIBRARY.match(text) or LIBRARY.match(f"{text}.") or text in {"java.util", "java.time"}
        return "" if known else f"uses {text}"
    if (
        node.type == "object_creation_expression"
        and words(node.child_by_field_name("type")).rpartition(".")[2] in CHANCE
    ):
        arguments = node.child_by_field_name("arguments")
        return "" if arguments is not None and arguments.named_children else "depends on the clock or on chance"
    if node.type in {"marker_annotation", "annotation"} and text != "@Test":
        return "bears annotations"
    return ""


def _hollow(name: str, given: "Sequence[Node]") -> bool:
    if name in HOLLOW or not given:
        return True
    if name == "assertThrows":
        return False
    texts = [words(g) for g in given]
    literal = all(g.type.endswith("_literal") or g.type in {"true", "false", "null_literal"} for g in given)
    return literal or (len(texts) > 1 and texts[0] == texts[1])


def write(proposals: Sequence[Proposal], *, about: str, package: str, name: str, junit: str) -> str:
    """Return the text of a test class; *junit* is ``4`` or ``5``."""
    own = ("org.junit.jupiter.api.Test", "org.junit.jupiter.api.Assertions.*")
    own = own if junit == "5" else ("org.junit.Test", "org.junit.Assert.*")
    wanted = {meaning for p in proposals for meaning in p.imports.values()}
    wanted = {w for w in wanted if not package or w.rpartition(".")[0] != package}
    static = sorted({w for w in wanted if w.startswith("static ")} | {f"static {own[1]}"})
    plain = sorted({w for w in wanted if not w.startswith("static ")} | {own[0]})
    public = "public " if junit == "4" else ""
    methods = [indented(p.body.replace("@Test\nvoid ", f"@Test\n{public}void ", 1)) for p in proposals]
    lines = [*heading(about)]
    lines += [f"package {package};", ""] if package else [""]
    lines += [*(f"import {w};" for w in static), "", *(f"import {w};" for w in plain), ""]
    return "\n".join([*lines, f"{public}class {name} {{", "\n\n".join(methods), "}"]) + "\n"


def indented(body: str) -> str:
    """Return a method as it stands in a class."""
    return body if '"""' in body else indent(body, "    ")


def loads(*, about: str, package: str, name: str, junit: str, loaded: Sequence[str]) -> str:
    """Return the text of a test class with one test, ``loads``, that starts the classes *loaded* and does no more."""
    lines = "\n".join(f'    Class.forName("{each}");' for each in loaded)
    body = f"@Test\nvoid loads() throws Exception {{\n{lines}\n}}"
    test = Proposal(name="loads", imports={}, body=body)
    return write([test], about=about, package=package, name=name, junit=junit)


def types(text: str, path: str) -> tuple[str, ...]:
    """Return the top-level types that a source declares."""
    del path
    return tuple(words(n.child_by_field_name("name")) for n in tree(text).named_children if n.type in _TYPES)
