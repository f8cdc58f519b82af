"""Test generators on pure modules: import-only, `hypothesis write`, Pynguin and ours, measured by the same outsiders.

Every generator gets the same seconds in all (Pynguin: two thirds to search, one third for its assertions). "Net"
leaves out mutants that a mere import notices. Kept: tests that pass; flaky: of those, failing in any rerun. Before
any mutant the tests run on the unchanged source. With --json each cell is written down as soon as it is measured; a
second run with the same file measures only what is missing; `--seconds 0` prints what is there.
"""

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

from testgen_place import covered, flaky, killed, mutate, passing, prepare

MODULES = (
    "inflection", "semver.version", "slugify.slugify", "toolz.itertoolz", "humanize.number", "roman",
    "isodate.isoduration", "boltons.mathutils", "webcolors._conversion", "stringcase", "toolz.dicttoolz",
    "humanize.filesize", "boltons.strutils", "parse",
)  # fmt: skip
RULE = "-" * 112
KEYS = ("line", "branch", "mutation", "kept", "flaky", "seconds")


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
        "--maximum-search-time", str(round(job.seconds * 2 / 3)), "--maximum-mutation-time",
        str(round(job.seconds / 3)), "--no_xfail", "True", "--seed", str(job.seed), seconds=job.seconds * 2 + 60,
        env={"PYNGUIN_DANGER_AWARE": "1", "PYTHONDONTWRITEBYTECODE": ""},
    )  # fmt: skip
    if done is None:
        return "cut"
    return "" if list(place.tests.glob("test_*.py")) else f"wrote nothing (status {done.returncode})"


def ours(place, job):
    output = place.root / "out"
    done = place.run(
        str(Path(sys.executable).parent / "tta-orchestrate"), "test-gen", "--file",
        str(place.file.relative_to(place.root)), "--seconds", str(job.seconds), "--seed", str(job.seed), "--python",
        place.python, "--output", str(output), seconds=job.seconds * 2 + 60, env={"PYTHONPATH": ""},
    )  # fmt: skip
    patch = output / "changes.patch"
    if done is None or not patch.exists():
        return "cut" if done is None else f"wrote nothing (status {done.returncode})"
    subprocess.run(["git", "apply", str(patch)], cwd=place.root, check=True)
    return ""


TOOLS = {"import only": import_only, "hypothesis write": hypothesis_write, "pynguin": pynguin, "ours": ours}


# -- measuring ---------------------------------------------------------------------------------------------------------


def measure(name, module, seed, options):
    """Return one cell: what the tests of one tool are worth on one module."""
    with tempfile.TemporaryDirectory(prefix="tta-bench-") as folder:
        place = prepare(Path(folder), module, options.python)
        source = place.file.read_text()
        began = time.monotonic()
        note = TOOLS[name](place, argparse.Namespace(**vars(options), seed=seed))
        cell = dict.fromkeys(KEYS, 0) | {"seconds": round(time.monotonic() - began, 1), "note": note, "reruns": 0}
        place.file.write_text(source)
        ids = set() if note else passing(place)
        if not ids:
            return cell | {"note": note or "no test passes"}
        cell["line"], cell["branch"] = (round(part, 1) for part in covered(place, ids))
        cell["kept"] = len(ids)
        if options.keep:
            target = Path(options.keep, f"{module}-{name}-{seed}.py".replace(" ", "-"))
            target.write_text("".join(file.read_text() for file in sorted(place.tests.glob("test_*.py"))))
        if name == "import only":
            return cell
        if killed(place, ids, [source]):
            return cell | {"note": "fails on the unchanged source: no mutants run"}
        mutants = mutate(source, 0, options.mutants)
        bare = place.root / "tests_bare"
        bare.mkdir()
        (bare / "test_bare.py").write_text(f"def test_bare():\n    import {module}\n")
        shallow = killed(place, ["tests_bare/test_bare.py"], mutants)
        net = [number for number in range(len(mutants)) if number not in shallow]
        dead = killed(place, ids, [mutants[number] for number in net])
        cell["mutation"], cell["mutants"] = round(100 * len(dead) / max(1, len(net)), 1), len(net)
        cell["survivors"] = [_line(source, mutants[n]) for place_, n in enumerate(net) if place_ not in dead]
        cell["reruns"] = options.reruns if name == "ours" else min(5, options.reruns)
        return cell | {"flaky": flaky(place, ids, cell["reruns"])}


def _line(source, text):
    """Return the first line in which *text* differs."""
    pairs = enumerate(zip(source.splitlines(), text.splitlines(), strict=False), 1)
    return next((f"{number}: {new.strip()}" for number, (old, new) in pairs if old != new), "")


class Book:
    """The cells so far, in a file where one is given."""

    def __init__(self, path, options):
        self.path, self.lock = Path(path) if path else None, threading.Lock()
        self.cells = json.loads(self.path.read_text())["cells"] if self.path and self.path.exists() else {}
        self.effort = f"{options.seconds:g} s, {options.mutants} mutants, {options.reruns} reruns (5 for the others)"
        self.machine = f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"
        if self.path and self.path.exists():
            head = json.loads(self.path.read_text())
            self.effort, self.machine = head["effort"], head["machine"]

    def write(self, key, cell):
        with self.lock:
            self.cells[key] = cell | {"at": f"{datetime.now(UTC):%Y-%m-%d %H:%M}", "load": round(os.getloadavg()[0], 1)}
            if self.path:
                text = json.dumps({"effort": self.effort, "machine": self.machine, "cells": self.cells}, indent=1)
                temporary = self.path.with_suffix(".new")
                temporary.write_text(text)
                temporary.replace(self.path)


def show(book):
    """Print the table of what is measured."""
    dates = sorted(cell["at"] for cell in book.cells.values())
    print(f"{dates[0] if dates else '-'} UTC, {book.machine}; {book.effort}\n{RULE}")
    head = "".join(f"{word:>9}" for word in ("line", "branch", "net mut.", "kept", "flaky", "seconds", "seeds"))
    print(f"{'module':24}{'tool':18}{head}  note")
    rows = {}
    for module, name in sorted({tuple(key.split("|")[:2]) for key in book.cells}, key=_order):
        cells = [cell for key, cell in book.cells.items() if key.startswith(f"{module}|{name}|")]
        row = {key: statistics.fmean(cell[key] for cell in cells) for key in KEYS} | {"n": len(cells)}
        row["flaky"] = sum(cell["flaky"] for cell in cells)
        rows[module, name] = row
        numbers = "".join(f"{row[key]:9.1f}" for key in ("line", "branch", "mutation"))
        note = ", ".join(sorted({cell["note"] for cell in cells if cell["note"]}))
        numbers += f"{row['kept']:9.0f}{row['flaky']:9}{row['seconds']:9.1f}{len(cells):9}"
        print(f"{module:24}{name:18}{numbers}  {note}")
    print(RULE)
    for name in TOOLS:
        mine = [row for (_, tool), row in rows.items() if tool == name]
        if mine:
            numbers = "".join(
                f"{statistics.fmean(row[key] for row in mine):9.1f}" for key in ("line", "branch", "mutation")
            )
            print(f"{f'mean of {len(mine)}':24}{name:18}{numbers}{'':9}{sum(row['flaky'] for row in mine):9}")
    both = [m for m, tool in rows if tool == "ours" and (m, "pynguin") in rows]
    keys = ("line", "branch", "mutation")
    for word, test in (("ahead or level", lambda a, b: a >= b - 0.05), ("ahead", lambda a, b: a > b + 0.05)):
        counts = [sum(test(rows[m, "ours"][key], rows[m, "pynguin"][key]) for m in both) for key in keys]
        every = sum(all(test(rows[m, "ours"][key], rows[m, "pynguin"][key]) for key in keys) for m in both)
        print(f"ours {word} of Pynguin: line {counts[0]}, branch {counts[1]}, net mutation {counts[2]}, "
              f"all three {every} of {len(both)} modules")  # fmt: skip


def _order(pair):
    module, name = pair
    return (MODULES.index(module) if module in MODULES else 99, module, list(TOOLS).index(name))


def _options():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seconds", type=float, default=60, help="for each generator; 0: only print")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--modules", default="", help="names, separated by commas, or how many")
    parser.add_argument("--module", action="append", default=[])
    parser.add_argument("--tools", default=",".join(TOOLS))
    parser.add_argument("--mutants", type=int, default=60)
    parser.add_argument("--reruns", type=int, default=20)
    parser.add_argument("--jobs", type=int, default=1, help="cells measured at a time")
    parser.add_argument("--json", default="", help="results are kept here, and taken up again")
    parser.add_argument("--keep", default="", help="folder for the generated tests")
    parser.add_argument("--python", required=True, help="has the modules, pytest, coverage, hypothesis")
    parser.add_argument("--pynguin", default="", help="path of the program")
    return parser.parse_args()


def main():
    options = _options()
    # A virtual environment's interpreter is a link: only the path is made absolute.
    options.python, options.pynguin = str(Path.cwd() / options.python), str(Path.cwd() / (options.pynguin or "none"))
    named = MODULES[: int(options.modules)] if options.modules.isdigit() else options.modules.split(",")
    chosen = options.module or [name for name in named if name] or MODULES
    book = Book(options.json, options)
    if options.keep:
        Path(options.keep).mkdir(parents=True, exist_ok=True)

    def cell(module, name, seed):
        key = f"{module}|{name}|{seed}"
        if key in book.cells:
            return
        try:
            book.write(key, found := measure(name, module, seed, options))
        except (RuntimeError, OSError, subprocess.SubprocessError) as error:
            print(f"{key}: not measured: {str(error)[:200]}", file=sys.stderr, flush=True)
        else:
            figures = ", ".join(f"{what} {found[what]:g}" for what in KEYS)
            print(f"{key}: {figures} {found['note']}", file=sys.stderr, flush=True)

    if options.seconds:
        with ThreadPoolExecutor(options.jobs) as pool:
            for seed in range(options.seeds):
                for module in chosen:
                    for name in options.tools.split(","):
                        if seed == 0 or name in {"pynguin", "ours"}:
                            pool.submit(cell, module, name, seed)
    show(book)


if __name__ == "__main__":
    main()
