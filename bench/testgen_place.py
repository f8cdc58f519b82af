"""One package copied into a repository of its own, and what can be measured of tests in it by outsiders.

Lines and branches: coverage.py. Mutants: operators written for the benches alone, run by `testgen_kill.py`. Nothing
here comes from the product, so that no column is measured by what it was made with.
"""

import ast
import contextlib
import json
import os
import random
import re
import shutil
import signal
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

KILL = Path(__file__).with_name("testgen_kill.py")


@dataclass
class Place:
    """A copy of one package, and the interpreter that has what it needs."""

    root: Path
    module: str
    file: Path
    python: str

    @property
    def tests(self):
        return self.root / "tests"

    def run(self, *arguments, seconds=120, env=None, text=None):
        environ = {
            "PATH": os.environ["PATH"], "PYTHONPATH": str(self.root), "PYTHONHASHSEED": "0", "HOME": str(self.root),
            "PYTHONDONTWRITEBYTECODE": "1",
        }  # fmt: skip
        process = subprocess.Popen(
            arguments, cwd=self.root, env=environ | (env or {}), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True, start_new_session=True,
        )  # fmt: skip
        try:
            out, err = process.communicate(text, timeout=seconds)
            return subprocess.CompletedProcess(arguments, process.returncode, out, err)
        except subprocess.TimeoutExpired:
            return None
        finally:  # whatever it started and left behind would take time and memory from the next cell
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            for pipe in (process.stdin, process.stdout, process.stderr):
                with contextlib.suppress(OSError):
                    pipe.close()


def prepare(folder, module, python):
    """Copy the package of *module* out of the bench's environment, without its own tests."""
    top = module.partition(".")[0]
    code = f"import {top}, os; print(os.path.dirname({top}.__file__) if hasattr({top}, '__path__') else {top}.__file__)"
    found = subprocess.run([python, "-c", code], capture_output=True, text=True, check=False)
    if found.returncode:
        raise SystemExit(f"{module}: not installed: {found.stderr.strip().splitlines()[-1]}")
    source = Path(found.stdout.strip())
    if source.is_dir():
        shutil.copytree(source, folder / top, ignore=shutil.ignore_patterns("__pycache__", "test*"))
        file = folder.joinpath(*module.split(".")).with_suffix(".py")
        file = file if file.exists() else file.with_suffix("") / "__init__.py"
    else:
        file = Path(shutil.copy(source, folder / source.name))
    (folder / "tests").mkdir()
    git(folder, "init", "-q", ".")
    return Place(root=folder, module=module, file=file, python=python)


def git(folder, *arguments):
    identity = ("-c", "user.name=bench", "-c", "user.email=bench@localhost")
    done = subprocess.run(["git", *identity, *arguments], cwd=folder, check=True, capture_output=True, text=True)
    return done.stdout.strip()


def passing(place, *extra, env=None):
    """Return the ids of the tests that pass in one run."""
    done = place.run(
        place.python, "-m", "pytest", "-q", "-rA", "-p", "no:cacheprovider", "tests", *extra, seconds=300, env=env
    )
    return set(re.findall(r"^PASSED (\S.*)$", done.stdout, re.MULTILINE)) if done else set()


def covered(place, ids):
    """Return lines and branches of the module, in percent."""
    report = place.root / "coverage.json"
    environ = {"COVERAGE_FILE": str(place.root / ".coverage")}
    place.run(
        place.python, "-m", "coverage", "run", "--branch", f"--include={place.file}", "-m", "pytest", "-q", "-p",
        "no:cacheprovider", *sorted(ids), seconds=300, env=environ,
    )  # fmt: skip
    place.run(place.python, "-m", "coverage", "json", "-q", "-o", str(report), env=environ)
    if not report.exists():
        return 0.0, 0.0
    totals = json.loads(report.read_text())["totals"]
    lines = 100 * totals["covered_lines"] / max(1, totals["num_statements"])
    return lines, 100 * totals["covered_branches"] / max(1, totals["num_branches"])


def killed(place, ids, texts):
    """Return the numbers of the *texts* of the module that make a test of *ids* fail (a time-out counts)."""
    original = place.file.read_text()
    began = time.monotonic()
    place.run(place.python, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", *sorted(ids), seconds=300)
    patience = 5 + 5 * (time.monotonic() - began)
    request = {"file": str(place.file), "ids": sorted(ids), "texts": texts, "module": place.module, "seconds": patience}
    try:
        done = place.run(place.python, str(KILL), text=json.dumps(request), seconds=(patience + 2) * len(texts) + 60)
    finally:
        place.file.write_text(original)
    if done is None or done.returncode:
        raise RuntimeError(f"{place.module}: the mutants did not run: {done.stderr[-500:] if done else 'cut'}")
    return set(json.loads(done.stdout.strip().splitlines()[-1]))


def flaky(place, ids, reruns):
    """Return how many of *ids* fail in any of *reruns* fresh processes."""
    bad = set()
    for number in range(reruns):
        bad |= ids - passing(place, env={"PYTHONHASHSEED": str(number + 1), "TZ": ("UTC", "Asia/Tokyo")[number % 2]})
    return len(bad)


# -- faults ------------------------------------------------------------------------------------------------------------

SWAPS = {ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.FloorDiv, ast.FloorDiv: ast.Mult, ast.Mod: ast.Add}
TURNS = {ast.Lt: ast.GtE, ast.GtE: ast.Lt, ast.Gt: ast.LtE, ast.LtE: ast.Gt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq}


class Sites(ast.NodeVisitor):
    """Places for faults, as (node, replacement) pairs of whole expressions; the product splices tokens."""

    def __init__(self):
        self.found, self.depth = [], 0

    def visit_FunctionDef(self, node):
        self.depth += 1
        for statement in node.body:
            self.visit(statement)
        self.depth -= 1

    def add(self, node, new):
        if self.depth:
            self.found.append((node, ast.unparse(new)))

    def visit_BinOp(self, node):
        if new := SWAPS.get(type(node.op)):
            self.add(node, ast.BinOp(node.left, new(), node.right))
        self.generic_visit(node)

    def visit_Compare(self, node):
        if len(node.ops) == 1 and (new := TURNS.get(type(node.ops[0]))):
            self.add(node, ast.Compare(node.left, [new()], node.comparators))
        self.generic_visit(node)

    def visit_BoolOp(self, node):
        self.add(node, ast.BoolOp(ast.Or() if isinstance(node.op, ast.And) else ast.And(), node.values))
        self.generic_visit(node)

    def visit_If(self, node):
        self.add(node.test, ast.UnaryOp(ast.Not(), node.test))
        self.generic_visit(node)

    def visit_Return(self, node):
        if node.value is not None and not (isinstance(node.value, ast.Constant) and node.value.value is None):
            self.add(node.value, ast.Constant(None))
        self.generic_visit(node)

    def visit_Constant(self, node):
        if isinstance(node.value, int) and not isinstance(node.value, bool):
            self.add(node, ast.Constant(node.value + 1))


def mutate(source, seed, most):
    """Return up to *most* faulty texts of *source*, in an order that depends on *seed* alone."""
    sites = Sites()
    sites.visit(ast.parse(source))
    data = source.encode()
    starts = [0]
    for line in data.split(b"\n"):
        starts.append(starts[-1] + len(line) + 1)
    texts = []
    for node, new in sites.found:
        first, last = starts[node.lineno - 1] + node.col_offset, starts[node.end_lineno - 1] + node.end_col_offset
        text = (data[:first] + f"({new})".encode() + data[last:]).decode()
        try:
            compile(text, "mutant", "exec")
        except (SyntaxError, ValueError):
            continue
        texts.append(text)
    random.Random(seed).shuffle(texts)
    return texts[:most]
