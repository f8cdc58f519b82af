"""What the test runners of JavaScript and TypeScript share: reading proposals, refusing them, functions, mutants."""

import json
import posixpath
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from tta_orchestrate.domain.mutant import Mutant
from tta_orchestrate.ports.test_runner import Proposal, Symbol, heading
from tta_orchestrate.syntax.faults import ARITHMETIC, COMPARISONS, LOGIC, Faults, find
from tta_orchestrate.syntax.treesitter import parser, walk
from tta_orchestrate.syntax.treesitter import verbatim as words

if TYPE_CHECKING:
    from tree_sitter import Node

_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9 _.,:()+-]{2,98}\Z")
_FUNCTIONS: Final = {
    "function_declaration", "generator_function_declaration", "method_definition", "arrow_function",
    "function_expression", "generator_function",
}  # fmt: skip
_BUILT_IN: Final = {
    "node:assert", "node:assert/strict", "node:path", "node:url", "node:util", "node:events", "node:buffer",
    "node:stream", "node:string_decoder", "node:querystring", "assert", "assert/strict", "path", "url", "util",
    "events", "buffer", "stream",
}  # fmt: skip
_REFUSED: Final = {
    "process": "reaches for the process", "globalThis": "reaches for the process", "global": "reaches for the process",
    "require": "imports by name", "module": "reaches for the module system", "eval": "evaluates text",
    "Function": "evaluates text", "fetch": "uses the network", "WebSocket": "uses the network",
    "XMLHttpRequest": "uses the network", "EventSource": "uses the network", "setTimeout": "uses timers",
    "setInterval": "uses timers", "setImmediate": "uses timers", "Atomics": "waits", "SharedArrayBuffer": "waits",
    "WebAssembly": "evaluates text", "Worker": "starts threads", "performance": "reads the clock",
}  # fmt: skip
_REFUSED_MEMBERS: Final = {
    "skip": "is skipped", "skipIf": "is skipped", "runIf": "is skipped", "only": "silences other tests",
    "todo": "is not finished", "fails": "is expected to fail", "failing": "is expected to fail",
    "constructor": "reaches for constructors", "__proto__": "reaches for prototypes", "mock": "uses mocks",
    "toMatchSnapshot": "is a snapshot", "toMatchInlineSnapshot": "is a snapshot",
    "toMatchFileSnapshot": "is a snapshot",
    "toThrowErrorMatchingSnapshot": "is a snapshot", "toThrowErrorMatchingInlineSnapshot": "is a snapshot",
    "snapshot": "is a snapshot", "useFakeTimers": "uses timers", "spyOn": "uses mocks",
    "doMock": "uses mocks", "stubGlobal": "uses mocks", "resetModules": "uses mocks", "fn": "uses mocks",
}  # fmt: skip
_HOLLOW: Final = {"toBeDefined", "toBeTruthy", "toHaveBeenCalled", "toBeInstanceOf"}
_LITERALS: Final = {"number", "string", "true", "false", "null", "undefined", "template_string", "regex"}
_FAULTS: Final = Faults(
    binary=frozenset({"binary_expression"}),
    assignment=frozenset({"augmented_assignment_expression"}),
    comparisons={**COMPARISONS, "===": ("!==",), "!==": ("===",)},
    arithmetic={**ARITHMETIC, "**": ("*",)},
    logic={**LOGIC, "??": ("&&",)},
    conditions={
        "if_statement": "condition", "while_statement": "condition", "do_statement": "condition",
        "ternary_expression": "condition",
    },
    returns={"return_statement": "undefined"},
    statements=frozenset({"expression_statement"}),
    jumps={"break_statement": "continue;", "continue_statement": "break;"},
    numbers=frozenset({"number"}),
    strings=frozenset({"string"}),
    left_alone=frozenset({"import_statement", "type_annotation", "type_alias_declaration", "interface_declaration",
                          "type_arguments", "type_parameters", "decorator", "jsx_attribute"}),
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Framework:
    """How one of the runners spells things."""

    head: tuple[str, ...]
    """Import statements of every file."""
    own: frozenset[str]
    """Modules that the head imports already."""
    names: frozenset[str]
    """What it imports from them (or finds in the air)."""
    mocks: frozenset[str] = field(default_factory=frozenset)
    """Objects that replace things."""


_SCRIPT: Final = ("tree_sitter_javascript", "language")
_TYPED: Final = (("tree_sitter_typescript", "language_typescript"), ("tree_sitter_typescript", "language_tsx"))


def tree(text: str, suffixes: Sequence[str] = (".js",)) -> "Node":
    """Parse *text*: as JavaScript, or, where *suffixes* has TypeScript, by the first grammar that finds no error."""
    data = text.encode("utf-8", "surrogateescape")
    grammars = (_SCRIPT, *_TYPED) if any(s in suffixes for s in (".ts", ".tsx", ".mts", ".cts")) else (_SCRIPT,)
    roots = [parser(*grammar).parse(data).root_node for grammar in grammars[:1]]
    for grammar in grammars[1:]:
        if not roots[0].has_error:
            break
        root = parser(*grammar).parse(data).root_node
        roots = [root] if not root.has_error else roots
    return roots[0]


def symbols(text: str, suffixes: Sequence[str]) -> tuple[Symbol, ...]:
    """Return the functions that have a name: declared, assigned, or a method."""
    return tuple(
        Symbol(name=name, first=node.start_point[0] + 1, last=node.end_point[0] + 1)
        for node in walk(tree(text, suffixes))
        if node.type in _FUNCTIONS and (name := _name(node))
    )


def _name(node: "Node") -> str:
    own = node.child_by_field_name("name")
    parent = node.parent
    if own is None and parent is not None:
        if parent.type in {"variable_declarator", "public_field_definition"}:
            own = parent.child_by_field_name("name")
        elif parent.type == "field_definition":
            own = parent.child_by_field_name("property")
        elif parent.type == "pair":
            own = parent.child_by_field_name("key")
        elif parent.type == "assignment_expression":
            own = parent.child_by_field_name("left")
        elif parent.type == "export_statement":
            return "default"
    name = words(own).removeprefix("module.exports.").removeprefix("exports.").strip("\"'")
    if not re.fullmatch(r"[#$\w.]+", name):
        return ""
    around = parent
    while around is not None and around.type not in {"class_declaration", "class", "abstract_class_declaration"}:
        if around.type in _FUNCTIONS:
            return name
        around = around.parent
    owner = words(around.child_by_field_name("name")) if around is not None else ""
    return f"{owner}.{name}" if owner else name


def mutants(text: str, suffixes: Sequence[str]) -> tuple[Mutant, ...]:
    """Return every mutant of the functions in *text*."""
    return find(tree(text, suffixes), text, symbols(text, suffixes), _FAULTS)


def read(name: str, code: str, symbol: str, framework: Framework, suffixes: Sequence[str]) -> Proposal | str:
    """Take a proposal apart: import statements and one ``test("…", () => …)``, nothing else."""
    if not _NAME.match(name):
        return "the name must be 3 to 99 letters, digits, blanks and _ . , : ( ) + - alone"
    root = tree(code, suffixes)
    if root.has_error:
        return "does not parse"
    imports: dict[str, str] = {}
    call = None
    for node in root.named_children:
        if node.type == "import_statement":
            found = _imported(node, framework)
            if isinstance(found, str):
                return found
            imports.update(found)
        elif node.type == "expression_statement" and call is None:
            call = node.named_children[0]
        elif node.type != "comment":
            return "must be import statements and one call of test, nothing else"
    function = _test_function(call) if call is not None else "there is no call of test"
    if isinstance(function, str):
        return function
    body = f"test({json.dumps(name)}, {words(function)});"
    return Proposal(
        name=name, imports=imports, body=body, symbol=symbol, code=code, checks=_without_values(function)
    )  # fmt: skip


def _test_function(call: "Node") -> "Node | str":
    arguments = call.child_by_field_name("arguments")
    if call.type != "call_expression" or words(call.child_by_field_name("function")) not in {"test", "it"}:
        return 'must be one call `test("...", () => { ... })`, without .skip, .only, .each or describe'
    given = arguments.named_children if arguments is not None else []
    if len(given) != 2 or given[0].type != "string" or given[1].type not in _FUNCTIONS:  # noqa: PLR2004
        return "test takes a string and a function, nothing else"
    parameters = given[1].child_by_field_name("parameters") or given[1].child_by_field_name("parameter")
    if parameters is not None and parameters.named_children:
        return "the function of the test takes no arguments"
    return given[1]


def _imported(node: "Node", framework: Framework) -> dict[str, str] | str:
    """Return local name to ``module⏎imported name``."""
    module = words(node.child_by_field_name("source")).strip("\"'")
    clause = next((c for c in node.named_children if c.type == "import_clause"), None)
    if clause is None:
        return "imports only for side effects"
    found = {}
    for part in clause.named_children:
        if part.type == "identifier":
            found[words(part)] = f"{module}\ndefault"
        elif part.type == "namespace_import":
            found[words(part.named_children[-1])] = f"{module}\n*"
        elif part.type == "named_imports":
            for one in (c for c in part.named_children if c.type == "import_specifier"):
                name, alias = words(one.child_by_field_name("name")), words(one.child_by_field_name("alias"))
                found[alias or name] = f"{module}\n{name}"
    if module in framework.own:
        strange = set(found) - framework.names
        return {} if not strange else f"{', '.join(sorted(strange))} from {module} is not for tests like these"
    taken = set(found) & framework.names
    return found if not taken else f"{', '.join(sorted(taken))} is the runner's own name"


def _without_values(function: "Node") -> str:
    """Return the text without the arguments of every check behind the first: what bending a test leaves alone."""
    data = function.text or b""
    cuts = []
    for node in walk(function):
        if node.type == "call_expression" and (check := _check(node)) is not None:
            values = check[2] if check[0] == "expect" else check[1][1:]
            cuts += [(v.start_byte - function.start_byte, v.end_byte - function.start_byte) for v in values]
            callee = node.child_by_field_name("function")
            if callee is not None and callee.type == "member_expression":
                name = callee.child_by_field_name("property")
                if name is not None:
                    cuts.append((name.start_byte - function.start_byte, name.end_byte - function.start_byte))
    for start, end in sorted(set(cuts), reverse=True):
        data = data[:start] + b"_" + data[end:]
    return " ".join(data.decode("utf-8", "surrogateescape").split())


def _check(call: "Node") -> tuple[str, list["Node"], list["Node"]] | None:
    """Return (kind, arguments, values expected) of an assertion: ``assert.x(...)`` or ``expect(...).x(...)``."""
    callee, arguments = call.child_by_field_name("function"), call.child_by_field_name("arguments")
    given = list(arguments.named_children) if arguments is not None else []
    text = words(callee)
    if text == "assert" or text.startswith("assert."):
        return "assert", given, given[1:]
    base = callee
    while base is not None and base.type == "member_expression":
        base = base.child_by_field_name("object")
    if callee is not base and base is not None and base.type == "call_expression":
        inner = base.child_by_field_name("arguments")
        if words(base.child_by_field_name("function")) == "expect":
            return "expect", list(inner.named_children) if inner is not None else [], given
    return None


def refusal(
    proposal: Proposal, source: str, suffixes: Sequence[str], framework: Framework, packages: Sequence[str]
) -> str:
    """Return why the static gate refuses *proposal*, ``""`` when it does not."""
    for meaning in proposal.imports.values():
        module = meaning.partition("\n")[0]
        if why := _refused_module(module, source, packages):
            return why
    root = tree(proposal.body, suffixes)
    for node in walk(root):
        if why := _refused_node(node, framework):
            return why
    checks = [(n, c) for n in walk(root) if n.type == "call_expression" and (c := _check(n)) is not None]
    if not checks:
        return "has no assertion"
    if all(_hollow(node, check) for node, check in checks):
        return "has no assertion that can fail in earnest"
    return ""


def _refused_module(module: str, place: str, packages: Sequence[str]) -> str:
    if module.startswith("."):
        inside = posixpath.normpath(posixpath.join(posixpath.dirname(place), module))
        return "imports from outside of the repository" if inside.startswith("..") else ""
    package = "/".join(module.split("/")[: 2 if module.startswith("@") else 1])
    if module in _BUILT_IN or package in packages:
        return ""
    return f"imports {module}: no network, processes, files or unknown packages in a test"


def _refused_node(node: "Node", framework: Framework) -> str:
    text = words(node)
    if node.type == "identifier":
        if text in framework.mocks:
            return "uses mocks"
        return _REFUSED.get(text, "")
    if node.type == "member_expression":
        if text in {"Date.now", "Math.random"}:
            return "depends on the clock or on chance"
        return _REFUSED_MEMBERS.get(words(node.child_by_field_name("property")), "")
    if node.type == "subscript_expression":
        index = node.child_by_field_name("index")
        if index is not None and index.type == "string":
            return _REFUSED_MEMBERS.get(words(index).strip("\"'"), "")
    if node.type == "new_expression" and words(node.child_by_field_name("constructor")) == "Date":
        arguments = node.child_by_field_name("arguments")
        return "" if arguments is not None and arguments.named_children else "depends on the clock or on chance"
    if node.type in {"import", "meta_property"}:
        return "imports by name"
    return ""


def _hollow(call: "Node", check: tuple[str, list["Node"], list["Node"]]) -> bool:
    kind, given, values = check
    method = words(call.child_by_field_name("function")).rpartition(".")[2]
    texts = [words(v) for v in given]
    if not given or all(n.type in _LITERALS for n in (*given, *values)):
        return True
    if kind == "expect":
        return method in _HOLLOW or (method == "toThrow" and not values and ".not" not in words(call)) or (
            bool(values) and texts[:1] == [words(values[0])]
        )  # fmt: skip
    if method in {"throws", "rejects"} and len(given) == 1:
        return True
    return len(texts) > 1 and texts[0] == texts[1]


def write(proposals: Sequence[Proposal], framework: Framework, *, about: str, required: bool = False) -> str:
    """Return the text of a file: mark, imports by module and name, then the tests. *required*: CommonJS."""
    by_module: dict[str, dict[str, str]] = {}
    for proposal in proposals:
        for local, meaning in proposal.imports.items():
            module, _, name = meaning.partition("\n")
            by_module.setdefault(module, {})[local] = name
    lines = [*heading(about), *framework.head]
    for module in sorted(by_module):
        lines += _statements(module, by_module[module], required=required)
    return "\n\n".join(["\n".join(lines), *(p.body for p in proposals)]) + "\n"


def _statements(module: str, names: Mapping[str, str], *, required: bool) -> list[str]:
    named = sorted((name, local) for local, name in names.items() if name not in {"default", "*"})
    whole = sorted((local, name) for local, name in names.items() if name in {"default", "*"})
    source = json.dumps(module)
    if required:
        parts = [f"const {local} = require({source});" for local, _ in whole]
        listed = ", ".join(name if name == local else f"{name}: {local}" for name, local in named)
        return parts + ([f"const {{ {listed} }} = require({source});"] if listed else [])
    parts = [f"import {'* as ' if name == '*' else ''}{local} from {source};" for local, name in whole]
    listed = ", ".join(name if name == local else f"{name} as {local}" for name, local in named)
    return parts + ([f"import {{ {listed} }} from {source};"] if listed else [])


def specifier(place: str, source: str) -> str:
    """Return how *source* is imported from *place*."""
    path = posixpath.relpath(source, posixpath.dirname(place) or ".")
    return path if path.startswith(".") else f"./{path}"
