"""What a test of Go looks like: reading proposals, refusing them, writing files, functions, mutants. Text only."""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Final

from tta_orchestrate.domain.measured import Measured
from tta_orchestrate.domain.mutant import Mutant
from tta_orchestrate.ports.test_runner import Proposal, Symbol, heading
from tta_orchestrate.syntax.faults import Faults, find
from tta_orchestrate.syntax.treesitter import parser, walk
from tta_orchestrate.syntax.treesitter import verbatim as words

if TYPE_CHECKING:
    from tree_sitter import Node

_NAME: Final = re.compile(r"Test[A-Z0-9_][A-Za-z0-9_]{2,80}\Z")
_LIBRARY: Final = frozenset({
    "bytes", "encoding/json", "errors", "fmt", "math", "math/big", "math/bits", "reflect", "regexp", "sort", "strconv",
    "strings", "time", "unicode", "unicode/utf8",
})  # fmt: skip
_REFUSED: Final = {
    "time.Now": "depends on the clock or on chance", "time.Since": "depends on the clock or on chance",
    "time.Until": "depends on the clock or on chance", "time.Sleep": "sleeps", "time.After": "sleeps",
    "time.Tick": "sleeps", "time.NewTimer": "sleeps", "time.NewTicker": "sleeps", "time.AfterFunc": "sleeps",
    "fmt.Print": "prints", "fmt.Println": "prints", "fmt.Printf": "prints", "fmt.Scan": "reads what is typed",
    "fmt.Scanln": "reads what is typed", "fmt.Scanf": "reads what is typed",
}  # fmt: skip
_OF_TESTING: Final = frozenset({"Error", "Errorf", "Fatal", "Fatalf", "Fail", "FailNow", "Log", "Logf", "Helper"})
_CHECKS: Final = frozenset({"Error", "Errorf", "Fatal", "Fatalf", "Fail", "FailNow"})
_BLOCK: Final = re.compile(r"^(.+):(\d+)\.(\d+),(\d+)\.(\d+) (\d+) (\d+)$")
_FAULTS: Final = Faults(
    assignment=frozenset({"assignment_statement"}),
    conditions={"if_statement": "condition", "for_clause": "condition"},
    statements=frozenset({"expression_statement"}),
    jumps={"break_statement": "continue", "continue_statement": "break"},
    numbers=frozenset({"int_literal"}),
    strings=frozenset({"interpreted_string_literal"}),
    left_alone=frozenset({"import_declaration", "package_clause", "type_declaration", "parameter_list", "array_type"}),
)  # fmt: skip


def tree(text: str) -> "Node":
    """Parse *text*."""
    return parser("tree_sitter_go", "language").parse(text.encode("utf-8", "surrogateescape")).root_node


def package_of(text: str) -> str:
    """Return the name in the package clause."""
    found = re.search(r"^package\s+(\w+)", text, re.MULTILINE)
    return found.group(1) if found else ""


def symbols(text: str) -> tuple[Symbol, ...]:
    """Return functions, and methods as ``Type.name``."""
    found = []
    for node in tree(text).named_children:
        if node.type in {"function_declaration", "method_declaration"}:
            name = words(node.child_by_field_name("name"))
            owner = re.search(r"(\w+)\s*(?:\[[^\]]*\])?\s*\)\s*$", words(node.child_by_field_name("receiver")))
            whole = f"{owner.group(1)}.{name}" if owner else name
            found.append(Symbol(name=whole, first=node.start_point[0] + 1, last=node.end_point[0] + 1))
    return tuple(found)


def mutants(text: str) -> tuple[Mutant, ...]:
    """Return every mutant of the functions in *text*. Some may not compile: types are not known here."""
    return find(tree(text), text, symbols(text), _FAULTS)


def read(name: str, code: str, symbol: str) -> Proposal | str:
    """Take a proposal apart: imports and one ``func TestX(t *testing.T)``, nothing else."""
    if not _NAME.match(name):
        return "the name must be Test and a capital letter, then letters and digits"
    root = tree(code if package_of(code) else f"package proposed\n\n{code}")
    if root.has_error:
        return "does not parse"
    imports: dict[str, str] = {}
    function = None
    for node in root.named_children:
        if node.type == "import_declaration":
            imports.update(_imported(node))
        elif node.type == "function_declaration" and function is None:
            function = node
        elif node.type not in {"package_clause", "comment"}:
            return "must be imports and one test function, nothing else"
    wrong = _wrong_form(function, name)
    if function is None or wrong:
        return wrong
    imports.pop("testing", None)
    return Proposal(
        name=name, imports=imports, body=words(function), symbol=symbol, code=code, checks=_without_values(function)
    )  # fmt: skip


def _wrong_form(function: "Node | None", name: str) -> str:
    if function is None:
        return "there is no test function"
    if words(function.child_by_field_name("name")) != name:
        return "the function must be called by the name that is given"
    if "".join(words(function.child_by_field_name("parameters")).split()) != "(t*testing.T)":
        return "the function takes (t *testing.T)"
    return "the function returns nothing" if function.child_by_field_name("result") is not None else ""


def _imported(node: "Node") -> dict[str, str]:
    """Return local name to what stands in the import, the alias included."""
    found = {}
    for spec in (n for n in walk(node) if n.type == "import_spec"):
        path = words(spec.child_by_field_name("path")).strip('"`')
        alias = words(spec.child_by_field_name("name"))
        found[alias or path.rpartition("/")[2]] = f'{alias} "{path}"'.strip()
    return found


def _without_values(function: "Node") -> str:
    """Return the text of the body without what is compared with, and without what a failure says."""
    body = function.child_by_field_name("body")
    if body is None:
        return ""
    data, base, cuts = body.text or b"", body.start_byte, []
    for node in walk(body):
        right = node.child_by_field_name("right") if node.type == "binary_expression" else None
        if right is not None:
            operator = node.child_by_field_name("operator")
            cuts += [(n.start_byte - base, n.end_byte - base) for n in (right, operator) if n is not None]
        elif node.type == "call_expression" and words(node.child_by_field_name("function")).startswith("t."):
            arguments = node.child_by_field_name("arguments")
            cuts += [(arguments.start_byte - base, arguments.end_byte - base)] if arguments is not None else []
    last = len(data)
    for start, end in sorted(set(cuts), reverse=True):
        if end <= last:
            data, last = data[:start] + b"_" + data[end:], start
    return " ".join(data.decode("utf-8", "surrogateescape").split())


def refusal(proposal: Proposal, modules: Collection[str]) -> str:
    """Return why the static gate refuses *proposal*, ``""`` when it does not; *modules* may be imported whole."""
    for meaning in proposal.imports.values():
        alias, _, path = meaning.rpartition(" ")
        path = path.strip('"')
        if alias in {".", "_"}:
            return f"imports {path} without a name"
        if path not in _LIBRARY and not any(path == m or path.startswith(f"{m}/") for m in modules):
            return f"imports {path}: no network, processes, files, threads or unknown packages in a test"
    root = tree(f"package proposed\n\n{proposal.body}\n")
    for node in walk(root):
        if why := _refused(node):
            return why
    checks = [n for n in walk(root) if n.type == "call_expression" and _is_check(n)]
    if not checks:
        return "has no assertion: nothing calls t.Error or t.Fatal"
    if not any(_may_fail(n) for n in checks):
        return "has no assertion that can fail in earnest"
    return ""


def _refused(node: "Node") -> str:
    text = words(node)
    if node.type == "comment" and text.startswith(("//go:", "//export", "// +build")):
        return "steers the compiler"
    if node.type == "go_statement":
        return "starts threads"
    if node.type == "selector_expression":
        holder, name = words(node.child_by_field_name("operand")), words(node.child_by_field_name("field"))
        if holder == "t" and name not in _OF_TESTING:
            return f"uses t.{name}: one plain test, neither skipped nor parallel nor with an environment"
        return _REFUSED.get(text, "")
    if node.type == "call_expression" and words(node.child_by_field_name("function")) in {"print", "println"}:
        return "prints"
    return "reaches for memory" if node.type == "identifier" and text == "unsafe" else ""


def _is_check(node: "Node") -> bool:
    holder, _, name = words(node.child_by_field_name("function")).partition(".")
    return holder == "t" and name in _CHECKS


def _may_fail(check: "Node") -> bool:
    """Whether it stands behind a condition that is not settled by its own text."""
    around = check.parent
    while around is not None:
        condition = around.child_by_field_name("condition") if around.type == "if_statement" else None
        if condition is not None:
            left, right = condition.child_by_field_name("left"), condition.child_by_field_name("right")
            named = [n for n in walk(condition) if n.type == "identifier" and words(n) not in {"true", "false", "nil"}]
            if named and not (left is not None and words(left) == words(right)):
                return True
        around = around.parent
    return False


def write(proposals: Sequence[Proposal], *, about: str, package: str) -> str:
    """Return the text of a test file."""
    wanted = sorted({'"testing"', *(meaning for p in proposals for meaning in p.imports.values())}, key=_path)
    head = [*heading(about), "", f"package {package}", "", "import ("]
    return (
        "\n".join([*head, *(f"\t{line}" for line in wanted), ")"]) + "".join(f"\n\n{p.body}" for p in proposals) + "\n"
    )


def _path(meaning: str) -> str:
    return meaning.rpartition(" ")[2]


def measure(profile: str, path: str, text: str) -> Measured:
    """Read a profile of ``go test -coverprofile``: lines of the blocks that ran. Go measures no branches.

    *path* ends the file's name in the profile; *text* is the source, as it was run.
    """
    source = text.split("\n")
    every: set[int] = set()
    ran: set[int] = set()
    for line in profile.splitlines():
        found = _BLOCK.match(line)
        if found and (found.group(1) == path or found.group(1).endswith(f"/{path}")):
            numbers = [int(n) for n in found.groups()[1:]]
            lines = _lines(source, *numbers[:4])
            every |= lines
            ran |= lines if numbers[5] else set()
    return Measured(lines=frozenset(ran), all_lines=frozenset(every))


def _lines(source: Sequence[str], first: int, start: int, last: int, end: int) -> set[int]:
    """Return the lines of a block that hold some of a statement: no braces, blanks and comments."""
    found = set()
    for number in range(first, min(last, len(source)) + 1):
        text = source[number - 1]
        text = text[: end - 1] if number == last else text
        text = (text[start - 1 :] if number == first else text).strip()
        if text.strip("{} \t") and not text.startswith("//"):
            found.add(number)
    return found


def outcomes(records: Sequence[Mapping[str, object]]) -> "Iterator[tuple[str, str, str, float, str]]":
    """Yield (package, test, outcome, seconds, output) of every test that began; ``""`` for one that never said so.

    A process that ends itself with 0 looks like a pass to the Go command; a test that ended has said it.
    """
    said: dict[tuple[str, str], list[str]] = {}
    begun: dict[tuple[str, str], None] = {}
    for record in records:
        key = (str(record.get("Package", "")), str(record.get("Test", "")).partition("/")[0])
        action = record.get("Action")
        if not key[1]:
            continue
        if action == "output":
            said.setdefault(key, []).append(str(record.get("Output", "")))
        elif action == "run" and "/" not in str(record.get("Test")):
            begun[key] = None
        elif action in {"pass", "fail", "skip"} and "/" not in str(record.get("Test")):
            begun.pop(key, None)
            elapsed = record.get("Elapsed")
            seconds = float(elapsed) if isinstance(elapsed, int | float) else 0.0
            output = "".join(said.get(key, ()))
            spoken = action == "fail" or f"--- {str(action).upper()}: {key[1]} (" in output
            yield *key, str(action) if spoken else "", seconds, output
    for key in begun:
        yield *key, "", 0.0, "".join(said.get(key, ()))
