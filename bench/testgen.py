"""Test generators on pure modules: import-only, `hypothesis write`, Pynguin and ours, measured by the same outsiders.

Lines and branches: coverage.py. Mutants: operators written for this file alone, the same sample for every column;
"net" leaves out those that a mere import notices. Kept: tests that pass; flaky: of those, failing in any rerun.
"""

import argparse
import ast
import json
import os
import platform
import random
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

MODULES = (
    "inflection", "roman", "slugify.slugify", "semver.version", "webcolors._conversion", "parse", "wcwidth.wcwidth",
    "tabulate", "stringcase", "toolz.itertoolz", "boltons.mathutils", "boltons.strutils", "humanize.number",
    "isodate.isoduration",
)  # fmt: skip
MOST_MUTANTS = 40
RULE = "-" * 108


@dataclass
class Score:
    line: float
    branch: float
    mutation: float
    kept: int
    flaky: int
    seconds: float
    note: str = ""


@dataclass
class Place:
    """A copy of one package in a repository of its own, and the interpreter that has what it needs."""

    root: Path
    module: str
    file: Path
    python: str

    @property
    def tests(self):
        return self.root / "tests"

    def run(self, *arguments, seconds=120, env=None, cwd=None):
        environ = {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(self.root),
            "PYTHONHASHSEED": "0",
            "HOME": str(self.root),
        }
        try:
            return subprocess.run(
                arguments, cwd=cwd or self.root, env=environ | (env or {}), capture_output=True, text=True,
                timeout=seconds, check=False,
            )  # fmt: skip
        except subprocess.TimeoutExpired:
            return None


def prepare(folder, module, python):
    """Copy the package of *module* out of the bench's environment."""
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
    subprocess.run(["git", "init", "-q", "."], cwd=folder, check=True)
    return Place(root=folder, module=module, file=file, python=python)


# -- the columns: each fills place.tests and may return a note ---------------------------------------------------------


def import_only(place, _):
    (place.tests / "test_import.py").write_text(f"def test_import():\n    import {place.module}\n")
    return ""


def hypothesis_write(place, job):
    tool = str(Path(place.python).parent / "hypothesis")
    done = place.run(tool, "write", place.module, seconds=max(60, job.seconds))
    if done is None or done.returncode or not done.stdout.strip():
        return "wrote nothing"
    (place.tests / "test_written.py").write_text(done.stdout)
    return ""


def pynguin(place, job):
    tool = job.pynguin
    if not tool or not Path(tool).exists():
        return "not installed"
    done = place.run(
        tool, "--project-path", str(place.root), "--output-path", str(place.tests), "--module-name", place.module,
        "--maximum-search-time", str(int(job.seconds)), "--seed", str(job.seed), seconds=job.seconds * 4 + 120,
        env={"PYNGUIN_DANGER_AWARE": "1"},
    )  # fmt: skip
    if done is None:
        return "cut"
    return "" if list(place.tests.glob("test_*.py")) else f"wrote nothing (status {done.returncode})"


def ours(place, job):
    output = place.root / "out"
    done = place.run(
        str(Path(sys.executable).parent / "tta-orchestrate"), "test-gen", "--file",
        str(place.file.relative_to(place.root)), "--seconds", str(job.seconds), "--seed", str(job.seed), "--python",
        place.python, "--output", str(output), seconds=job.seconds * 4 + 120, env={"PYTHONPATH": ""},
    )  # fmt: skip
    patch = output / "changes.patch"
    if done is None or not patch.exists():
        return "wrote nothing"
    subprocess.run(["git", "apply", str(patch)], cwd=place.root, check=True)
    return ""


TOOLS = {"import only": import_only, "hypothesis write": hypothesis_write, "pynguin": pynguin, "ours": ours}


# -- measuring ---------------------------------------------------------------------------------------------------------


def passing(place, *extra, env=None):
    """Return the ids of the tests that pass in one run."""
    done = place.run(
        place.python, "-m", "pytest", "-q", "-rA", "-p", "no:cacheprovider", "tests", *extra, seconds=300, env=env
    )
    return set(re.findall(r"^PASSED (\S.*)$", done.stdout, re.MULTILINE)) if done else set()


def covered(place, ids):
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


def killed(place, ids, mutants):
    """Return which *mutants* make a test of *ids* fail (a time-out counts)."""
    original = place.file.read_text()
    dead = set()
    try:
        for number, text in enumerate(mutants):
            place.file.write_text(text)
            done = place.run(
                place.python, "-B", "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", *sorted(ids), seconds=30
            )
            if done is None or done.returncode:
                dead.add(number)
    finally:
        place.file.write_text(original)
    return dead


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


def flaky(place, ids, reruns):
    bad = set()
    for number in range(reruns):
        bad |= ids - passing(place, env={"PYTHONHASHSEED": str(number + 1), "TZ": ("UTC", "Asia/Tokyo")[number % 2]})
    return len(bad)


def measure(name, module, seed, options):
    with tempfile.TemporaryDirectory(prefix="tta-bench-") as folder:
        place = prepare(Path(folder), module, options.python)
        source = place.file.read_text()
        began = time.monotonic()
        note = TOOLS[name](place, argparse.Namespace(**vars(options), seed=seed))
        seconds = time.monotonic() - began
        place.file.write_text(source)
        if note:
            return Score(0, 0, 0, 0, 0, seconds, note)
        ids = passing(place)
        if not ids:
            return Score(0, 0, 0, 0, 0, seconds, "no test passes")
        lines, branches = covered(place, ids)
        if killed(place, ids, [source]):
            return Score(lines, branches, 0, len(ids), 0, seconds, "fails on the unchanged source: no mutants run")
        mutants = mutate(source, 0, options.mutants)
        bare = place.root / "tests_bare"
        bare.mkdir()
        (bare / "test_bare.py").write_text(f"def test_bare():\n    import {module}\n")
        shallow = killed(place, ["tests_bare/test_bare.py"], mutants)
        rest = [text for number, text in enumerate(mutants) if number not in shallow]
        dead = killed(place, ids, rest) if name != "import only" else set()
        score = 100 * len(dead) / max(1, len(rest))
        return Score(lines, branches, score, len(ids), flaky(place, ids, options.reruns), seconds)


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--modules", default="", help="names, separated by commas, or how many")
    parser.add_argument("--mutants", type=int, default=MOST_MUTANTS)
    parser.add_argument("--reruns", type=int, default=20)
    parser.add_argument(
        "--python", required=True, help="interpreter that has the modules, pytest, coverage, hypothesis"
    )
    parser.add_argument("--pynguin", default="", help="path of the program")
    options = parser.parse_args()
    chosen = MODULES[: int(options.modules)] if options.modules.isdigit() else options.modules.split(",")
    chosen = [name for name in chosen if name] or MODULES
    machine = f"{platform.machine()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}"
    effort = f"{options.seconds:g} s, {options.seeds} seed(s), {options.mutants} mutants, {options.reruns} reruns"
    print(f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC, {machine}, {platform.python_version()}; {effort}")
    print(RULE)
    print(
        f"{'module':24}{'tool':18}{'line':>7}{'branch':>8}{'net mut.':>10}{'kept':>6}{'flaky':>7}{'seconds':>9}  note"
    )
    means = {}
    for module in chosen:
        for name in TOOLS:
            seeds = range(options.seeds) if name in {"pynguin", "ours"} else [0]
            scores = [measure(name, module, seed, options) for seed in seeds]
            means.setdefault(name, []).append(show(module, name, scores))
    print(RULE)
    for name, rows in means.items():
        line, branch, mutation = (statistics.fmean(column) for column in zip(*rows, strict=True))
        print(f"{'mean':24}{name:18}{line:7.1f}{branch:8.1f}{mutation:10.1f}")


def show(module, name, scores):
    line, branch, mutation, kept, seconds = (
        statistics.fmean(getattr(score, what) for score in scores)
        for what in ("line", "branch", "mutation", "kept", "seconds")
    )
    notes = ", ".join(sorted({score.note for score in scores if score.note}))
    shaky = sum(score.flaky for score in scores)
    print(
        f"{module:24}{name:18}{line:7.1f}{branch:8.1f}{mutation:10.1f}{kept:6.0f}{shaky:7}{seconds:9.1f}  {notes}",
        flush=True,
    )
    return line, branch, mutation


if __name__ == "__main__":
    main()
