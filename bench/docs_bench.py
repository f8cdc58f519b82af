"""Document eight real packages and measure what can be measured without a model.

Usage: python bench/docs_bench.py SITE_PACKAGES MODULES [PACKAGE ...]: SITE_PACKAGES holds the packages as installed,
MODULES a ``node_modules/mldoc`` (``-`` when there is none: parser acceptance is then left out, and said so).
"""

import ast
import json
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from oracle.mldoc_reading import Mldoc

from tta_orchestrate.modes.docgen.model import Piece
from tta_orchestrate.modes.docgen.writers import writer

PACKAGES = ("requests", "click", "httpx", "rich", "pydantic", "networkx", "sqlalchemy", "django")
HEADER = (
    "package", "pages", "symbols", "complete %", "accepted %", "stray", "names %", "phantom",
    "wall s", "MB", "2nd s", "same",
)  # fmt: skip
ORNAMENTS = frozenset({"Plain", "Code", "Link", "Break_Line"})


def run(repository: Path) -> tuple[float, int, str]:
    """Run docgen as a process of its own; return wall seconds, peak megabytes, and what it printed."""
    code = (
        "import resource,sys; from tta_orchestrate.cli.app import run; code = run(sys.argv[1:]);"
        "print('PEAK', resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024); sys.exit(code)"
    )
    began = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-c", code, "docgen", "--all", "-C", str(repository), "--output", str(repository / "out")],
        check=True,
        capture_output=True,
        text=True,
    )
    peak = int(re.search(r"PEAK (\d+)", done.stdout).group(1))
    return time.perf_counter() - began, peak, done.stdout


def snapshot(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def intended(piece: Piece, level: int = 1) -> Iterator[tuple[int, int, list[str], int]]:
    """Yield what was meant per block: level, heading size, property names, fences."""
    for child in piece.children:
        first, *rest = child.text.split("\n")
        fenced = first.startswith("```")
        size = len(first) - len(first.lstrip("#")) if first.startswith("#") else 0
        names = [] if fenced else [row.partition("::")[0] for row in rest]
        yield level, size, names, int(fenced)
        yield from intended(child, level + 1)


def parsed(nodes: list) -> tuple[list[tuple[int, int, list[str], int]], int]:
    """Return what mldoc read per block, and how much in it nobody meant."""
    blocks, stray = [], 0
    for number, (kind, *rest) in enumerate(nodes):
        if kind == "Heading":
            head = rest[0]
            stray += not head["unordered"] or bool(head.get("marker")) or bool(head.get("priority"))
            stray += sum(ornament(part) for part in head["title"])
            blocks.append((head["level"], head.get("size") or 0, [], 0))
        elif kind == "Property_Drawer" and blocks:
            blocks[-1][2].extend(row[0] for row in rest[0])
        elif kind == "Src" and blocks:
            blocks[-1] = (*blocks[-1][:3], blocks[-1][3] + 1)
        elif not (kind == "Property_Drawer" and number == 0) and not (kind == "Paragraph" and not blocks):
            stray += 1
    return blocks, stray


def ornament(part: list) -> int:
    if part[0] == "Emphasis":
        return int(part[1][0] != ["Bold"])
    return int(part[0] not in ORNAMENTS and not (part[0] == "Macro" and part[1]["name"].startswith("query")))


def acceptance(pages: Path, oracle: Mldoc) -> tuple[int, int, int]:
    """Return pages, pages that mldoc reads as meant, and stray properties, references, tags and other inlines."""
    logseq = writer("logseq")
    total = good = strays = 0
    for page in sorted(pages.glob("*.md")):
        text = page.read_text(encoding="utf-8")
        blocks, stray = parsed(oracle.parse(text))
        wanted = [(level, size, names, fences) for level, size, names, fences in intended(logseq.dissect(text))]
        total += 1
        strays += stray
        good += stray == 0 and blocks == wanted
    return total, good, strays


def declared(package: Path) -> set[tuple[str, str]]:
    """Return the public functions and classes by plain ``ast``: the oracle of completeness, written without griffe."""
    found: set[tuple[str, str]] = set()
    for path in sorted(package.rglob("*.py")):
        if "tests" in path.relative_to(package).parts or path.name == "conftest.py" or path.name.startswith("test_"):
            continue
        tree = ast.parse(path.read_text(encoding="utf-8"))
        exported = next((names for node in tree.body if (names := dunder_all(node)) is not None), None)
        for node in tree.body:
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                public = node.name in exported if exported is not None else not node.name.startswith("_")
                if public:
                    found.add((str(path.relative_to(package.parent)), node.name))
    return found


def dunder_all(node: ast.stmt) -> set[str] | None:
    if isinstance(node, ast.Assign) and any(isinstance(t, ast.Name) and t.id == "__all__" for t in node.targets):
        try:
            return set(ast.literal_eval(node.value))
        except (ValueError, TypeError):
            return None
    return None


def documented(folder: Path) -> tuple[set[tuple[str, str]], int, int]:
    """Return documented top-level names by source file, all symbols, and phantom parameters, as the docs have them."""
    names: set[tuple[str, str]] = set()
    symbols = phantoms = 0
    for line in (folder / ".docgen" / "manifest.jsonl").read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        if row.get("path") and row.get("facts"):
            symbols += len(row["facts"]["symbols"])
            text = (folder / row["file"]).read_text(encoding="utf-8")
            phantoms += text.count("(documented, but not a parameter)")
            there = {piece.id for piece in writer("logseq").dissect(text).walk() if piece.id}
            ids = {path: known[1] for path, known in flatten(row["blocks"])}
            names |= {(row["path"], path) for path in row["facts"]["symbols"] if ids.get(f"symbol:{path}") in there}
    return names, symbols, phantoms


def flatten(block: list) -> Iterator[tuple[str, list]]:
    yield block[0], block
    for child in block[3]:
        yield from flatten(child)


def resolved_names(folder: Path, package: Path) -> tuple[int, int]:
    """Return how many code spans on the pages are one identifier, and how many of these stand in the sources."""
    words = set()
    for path in package.rglob("*.py"):
        words |= set(re.findall(r"[A-Za-z_]\w*", path.read_text(encoding="utf-8")))
    spans = [
        span
        for page in (folder / "pages").glob("*.md")
        for span in re.findall(r"(?<!`)`([A-Za-z_]\w*)`(?!`)", page.read_text(encoding="utf-8"))
    ]
    return len(spans), sum(span in words for span in spans)


def measure(site: Path, package: str, oracle: Mldoc | None) -> list[str]:
    with tempfile.TemporaryDirectory() as scratch:
        repository = Path(scratch)
        shutil.copytree(site / package, repository / package, ignore=shutil.ignore_patterns("__pycache__"))
        wall, peak, _ = run(repository)
        docs = repository / "docs" / "tta"
        first = snapshot(docs)
        again, _, _ = run(repository)
        same = snapshot(docs) == first
        names, symbols, phantoms = documented(docs)
        wanted = declared(repository / package)
        complete = 100 * len(wanted & names) / len(wanted)
        for path, name in sorted(wanted - names)[:5]:
            print(f"  not documented: {path}: {name}", file=sys.stderr)
        total, good, strays = acceptance(docs / "pages", oracle) if oracle else (len(first), 0, 0)
        accepted = f"{100 * good / total:.2f}" if oracle else "-"
        spans, found = resolved_names(docs, repository / package)
        cells = [
            package,
            total,
            symbols,
            f"{complete:.2f}",
            accepted,
            strays if oracle else "-",
            f"{100 * found / max(spans, 1):.1f}",
        ]
        return [str(c) for c in [*cells, phantoms, f"{wall:.1f}", peak, f"{again:.2f}", "yes" if same else "NO"]]


def main(site: str, modules: str, *packages: str) -> int:
    oracle = None if modules == "-" else Mldoc(Path(modules))
    if oracle is None:
        print("parser acceptance is not measured: no node or npm")
    print("| " + " | ".join(HEADER) + " |")
    print("|" + "---|" * len(HEADER))
    failed = False
    for package in packages or PACKAGES:
        row = measure(Path(site), package, oracle)
        failed = failed or row[-1] != "yes"
        print("| " + " | ".join(row) + " |", flush=True)
    if oracle is not None:
        oracle.close()
    return int(failed)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
