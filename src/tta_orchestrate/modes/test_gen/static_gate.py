"""The first gate: what can be refused by reading a test, before anything runs."""

import ast
import sys
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

_REFUSED_MODULES: Final = {
    "socket", "ssl", "subprocess", "ctypes", "http", "urllib", "ftplib", "smtplib", "telnetlib", "poplib", "imaplib",
    "xmlrpc", "requests",
    "httpx", "aiohttp", "multiprocessing", "gc", "signal", "faulthandler", "pty", "_thread",
}  # fmt: skip
_ALWAYS: Final = {"pytest", "unittest", "hypothesis"}
_REFUSED_CALLS: Final = {
    "time.sleep": "sleeps", "sleep": "sleeps", "asyncio.sleep": "sleeps", "pytest.skip": "skips",
    "pytest.xfail": "skips",
    "pytest.importorskip": "skips", "self.skipTest": "skips", "eval": "evaluates text", "exec": "evaluates text",
    "__import__": "imports by name",
    "os._exit": "ends the process", "os.system": "starts a process", "sys.exit": "ends the process",
    "exit": "ends the process",
    "quit": "ends the process", "os.kill": "sends signals", "os.abort": "ends the process",
    "sys._getframe": "looks into the runner",
    "sys.settrace": "looks into the runner", "atexit.register": "outlives the test", "os.popen": "starts a process",
    "os.fork": "starts a process",
}  # fmt: skip
_REFUSED_ATTRIBUTES: Final = {"_exit", "__globals__", "__subclasses__", "f_back", "f_globals", "_getframe"}
_WRITES: Final = {"write_text", "write_bytes", "unlink", "rmtree", "rename", "replace_file", "chmod", "symlink_to"}


def refusals(text: str, *, module: str, available: Iterable[str]) -> dict[str, str]:
    """Return, for each test in *text* that is refused, why; the key ``""`` refuses the whole file.

    *available* are the top-level packages that an import may name beside the standard library.
    """
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError) as error:
        return {"": f"does not parse: {error}"}
    imported = _imports(tree, {*available, *_ALWAYS})
    if isinstance(imported, str):
        return {"": imported}
    found = {}
    for function in _tests(tree):
        reason = _reason(function, module, imported)
        if reason:
            found[function.name] = reason
    return found


def _tests(tree: ast.Module) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test"):
            yield node


def _imports(tree: ast.Module, available: set[str]) -> dict[str, str] | str:
    """Return local name to dotted origin, or why an import is refused."""
    names: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            pairs = [(alias.asname or alias.name.partition(".")[0], alias.name) for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and not node.level:
            pairs = [(alias.asname or alias.name, f"{node.module}.{alias.name}") for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            return "imports relatively"
        else:
            continue
        for local, origin in pairs:
            top = origin.partition(".")[0]
            if top in _REFUSED_MODULES and top not in available:
                return f"imports {top}: no network, processes or signals in a test"
            if top not in available and top not in sys.stdlib_module_names:
                return f"imports {top}, which is not available"
            names[local] = origin
    return names


def _reason(function: ast.FunctionDef | ast.AsyncFunctionDef, module: str, imported: Mapping[str, str]) -> str:
    for decorator in function.decorator_list:
        text = ast.unparse(decorator)
        if any(word in text for word in (".skip", ".xfail", "expectedFailure", "skipIf", "skipUnless")):
            return "is skipped or expected to fail"
    for node in ast.walk(function):
        if isinstance(node, ast.Attribute) and node.attr in _REFUSED_ATTRIBUTES:
            return f"reaches for {node.attr}"
        if isinstance(node, ast.Call) and (why := _refused_call(node, module, imported, function)):
            return why
    checks = list(_checks(function))
    if not checks:
        return "has no assertion"
    if all(_hollow(check) for check in checks):
        return "has no assertion that can fail in earnest"
    if any(_snapshot(check, module, imported) for check in checks):
        return "copies a constant of the module"
    return ""


def _refused_call(node: ast.Call, module: str, imported: Mapping[str, str], function: ast.AST) -> str:
    name = ast.unparse(node.func)
    head, _, rest = name.partition(".")
    dotted = imported.get(head, head) + (f".{rest}" if rest else "")
    for known in (name, dotted):
        if known in _REFUSED_CALLS and not (known.endswith("sleep") and node.args and ast.unparse(node.args[0]) == "0"):
            return _REFUSED_CALLS[known]
    last = name.rpartition(".")[2]
    if last in _WRITES and "tmp_path" not in {a.arg for a in ast.walk(function) if isinstance(a, ast.arg)}:
        return "writes files outside tmp_path"
    if name == "open" and any(
        isinstance(a, ast.Constant) and isinstance(a.value, str) and set(a.value) & set("wax+") for a in node.args[1:2]
    ):
        return "writes files"
    if _mocks_unit(name, node, module, imported):
        return "replaces a part of the unit under test"
    return ""


def _mocks_unit(name: str, node: ast.Call, module: str, imported: Mapping[str, str]) -> bool:
    if not (
        name.endswith(("patch", "patch.object", "monkeypatch.setattr", "patch.multiple", "patch.dict")) and node.args
    ):
        return False
    first = node.args[0]
    if isinstance(first, ast.Constant) and isinstance(first.value, str):
        return first.value == module or first.value.startswith(module + ".")
    head, _, rest = ast.unparse(first).partition(".")
    origin = imported.get(head, "") + (f".{rest}" if rest else "")
    return origin == module or origin.startswith(module + ".")


def _checks(function: ast.AST) -> Iterator[ast.expr]:
    for node in ast.walk(function):
        if isinstance(node, ast.Assert):
            yield node.test
        elif isinstance(node, ast.Call):
            name = ast.unparse(node.func)
            if name in {"pytest.raises", "raises"} or name.startswith(("self.assert", "self.fail")):
                yield node


def _hollow(check: ast.expr) -> bool:
    if isinstance(check, ast.Constant):
        return True
    if isinstance(check, ast.Compare) and len(check.ops) == 1:
        left, right = ast.dump(check.left), ast.dump(check.comparators[0])
        if left == right:
            return True
        if isinstance(check.ops[0], ast.IsNot) and isinstance(check.comparators[0], ast.Constant):
            return True
        return isinstance(check.left, ast.Constant) and isinstance(check.comparators[0], ast.Constant)
    if isinstance(check, ast.Call):
        name = ast.unparse(check.func)
        if name in {"isinstance", "callable", "hasattr", "self.assertIsNotNone", "self.assertIsInstance"}:
            return True
        if name.endswith("raises") or "assertRaises" in name:
            return (
                bool(check.args) and ast.unparse(check.args[0]) in {"Exception", "BaseException"} and not check.keywords
            )
        return name.endswith((".called", ".assert_called")) or all(isinstance(a, ast.Constant) for a in check.args)
    return False


def _snapshot(check: ast.expr, module: str, imported: Mapping[str, str]) -> bool:
    if not isinstance(check, ast.Compare) or any(isinstance(n, ast.Call) for n in ast.walk(check)):
        return False
    for side in (check.left, *check.comparators):
        head, _, rest = ast.unparse(side).partition(".")
        origin = imported.get(head, "")
        constant = (rest or head).rpartition(".")[2]
        if origin.startswith(module) and constant.isupper():
            return True
    return False
