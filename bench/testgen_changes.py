"""Seeded changes of behaviour to pure modules, each treated as a pull request: what test-gen proves and finds.

A change is a fault put into a function of a bench module, and it counts only when some call of the module answers
differently (the generator's own search is not asked: the module's docstring examples and a fixed set of arguments
are). Half of the changes introduce the fault (base: good, head: faulty), half repair it. Proved: at least one kept
test fails on the base and passes on the head. Found: a possible regression is reported.
"""

import argparse
import json
import os
import platform
import random
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

from testgen import MODULES, RULE
from testgen_place import git, killed, mutate, prepare

PROBE = """
import doctest, importlib, inspect, itertools, json, signal, sys
signal.alarm(20)
module = importlib.import_module(sys.argv[1])
values = [0, 1, 2, 7, 12, 101, -3, 1000, 4.5, -0.25, "", "a", "Hello World", "foo_bar", "x-1.2.3", "P1Y2M3DT4H", None,
          True, [], [1, 2, 3], ["b", "a"], (1, 2), {"a": 1}, "1.2.3-rc.1", "#ff0000", "MCMXC", [[1, 2], [3]]]
seen = []
def note(call):
    try:
        value = call()
        value = list(itertools.islice(value, 20)) if hasattr(value, "__next__") else value
        text = repr(value)
        seen.append(text if " at 0x" not in text else type(value).__name__)
    except BaseException as error:
        seen.append(type(error).__name__)
for example in doctest.DocTestFinder().find(module):
    names = dict(vars(module), **{module.__name__.rpartition(".")[2]: module})
    for part in example.examples:
        try:
            compile(part.source, "e", "eval")
        except SyntaxError:
            continue
        note(lambda: eval(part.source, names))
def callables():
    for name, thing in sorted(vars(module).items()):
        if name.startswith("_") or getattr(thing, "__module__", "") != module.__name__:
            continue
        if inspect.isfunction(thing):
            yield thing, ()
        elif inspect.isclass(thing):
            for other, method in sorted(vars(thing).items()):
                if inspect.isfunction(method):
                    for value in values[1:20:3]:
                        try:
                            made = thing(value)
                        except Exception:
                            continue
                        yield method, (made,)
for function, first in callables():
    for value in values:
        note(lambda: function(*first, value))
        note(lambda: function(*first, value, 2))
        note(lambda: function(*first, 2, value))
    note(lambda: function(*first))
print(json.dumps(seen))
"""


def answers(place, text):
    """Return what the probe sees of the module with *text*, ``None`` where it does not come to an end."""
    place.file.write_text(text)
    done = place.run(place.python, "-c", PROBE, place.module, seconds=30)
    return done.stdout if done is not None and done.returncode == 0 else None


def changes(module, python, seed, most):
    """Return up to *most* (faulty text, first changed line) pairs that the probe tells from the original."""
    with tempfile.TemporaryDirectory(prefix="tta-changes-") as folder:
        place = prepare(Path(folder), module, python)
        source = place.file.read_text()
        usual = answers(place, source)
        if usual is None or answers(place, source) != usual:
            return []
        found = []
        for text in mutate(source, seed, 60):
            if len(found) == most:
                break
            if (seen := answers(place, text)) is not None and seen != usual:
                found.append(text)
        return found


def one(module, number, faulty, options):
    """Run test-gen on one change and return its row."""
    with tempfile.TemporaryDirectory(prefix="tta-changes-") as folder:
        place = prepare(Path(folder), module, options.python)
        good = place.file.read_text()
        repairs = number % 2 == 1
        base, head = (faulty, good) if repairs else (good, faulty)
        place.file.write_text(base)
        git(place.root, "add", "-A")
        git(place.root, "commit", "-qm", "base")
        place.file.write_text(head)
        git(place.root, "commit", "-qam", "head")
        began = time.monotonic()
        output = place.root / "out"
        done = place.run(
            str(Path(sys.executable).parent / "tta-orchestrate"), "test-gen", "--base", "HEAD~1", "--seconds",
            str(options.seconds), "--python", place.python, "--output", str(output), seconds=options.seconds * 3 + 90,
            env={"PYTHONPATH": ""},
        )  # fmt: skip
        row = {"module": module, "repairs": repairs, "seconds": round(time.monotonic() - began, 1)}
        report = output / "findings.json"
        if done is None or not report.exists():
            return row | {"note": "cut" if done is None else f"status {done.returncode}: {done.stderr[-200:]}"}
        targets = json.loads(report.read_text())["targets"]
        if not targets:
            return row | {"note": "no target"}
        (target,) = targets
        labels = [kept["label"] for kept in target["kept"]]
        mutation = target["mutation"]["after"]
        row |= {
            "kept": len(labels), "proving": labels.count("change-proving"), "guards": labels.count("regression-guard"),
            "regressions": len(target["possible_regressions"]), "mutants": mutation["total"],
            "killed": mutation["killed"], "note": target["reason"],
        }  # fmt: skip
        patch = output / "changes.patch"
        if patch.exists() and patch.read_text().strip():
            git(place.root, "apply", str(patch))
            tests = [str(path.relative_to(place.root)) for path in place.tests.glob("test_*.py")]
            row["passes"] = not killed(place, tests, [head])
            row["fails_on_base"] = bool(killed(place, tests, [base]))
        return row


def show(rows, head):
    print(f"{head}\n{RULE}")
    print(
        f"{'module':24}{'change':>10}{'proving':>9}{'guards':>8}{'regressions':>13}{'killed':>12}{'seconds':>9}  note"
    )
    for row in rows:
        kind = "repair" if row["repairs"] else "fault"
        told = f"{row.get('killed', 0)}/{row.get('mutants', 0)}"
        print(f"{row['module']:24}{kind:>10}{row.get('proving', 0):9}{row.get('guards', 0):8}"
              f"{row.get('regressions', 0):13}{told:>12}{row['seconds']:9.1f}  {row.get('note', '')[:60]}")  # fmt: skip
    n = max(1, len(rows))
    proved = sum(bool(row.get("proving")) for row in rows)
    confirmed = sum(bool(row.get("proving") and row.get("passes") and row.get("fails_on_base")) for row in rows)
    lost = sum(bool(row.get("regressions")) for row in rows)
    total, dead = sum(row.get("mutants", 0) for row in rows), sum(row.get("killed", 0) for row in rows)
    print(RULE)
    print(f"n = {len(rows)} changes; proved by a fail-to-pass test: {proved} ({100 * proved / n:.0f} %), "
          f"{confirmed} of them confirmed by plain pytest on both revisions")  # fmt: skip
    print(f"with a possible regression: {lost} ({100 * lost / n:.0f} %); mutants killed in changed functions: "
          f"{dead} of {total} ({100 * dead / max(1, total):.0f} %)")  # fmt: skip
    kept = sum(row.get("kept", 0) for row in rows)
    print(f"kept tests: {kept / n:.1f} per change; seconds: {sum(row['seconds'] for row in rows) / n:.1f} per change")


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--changes", type=int, default=30)
    parser.add_argument("--seconds", type=float, default=30)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--json", default="", help="rows are kept here, and taken up again")
    parser.add_argument("--python", required=True)
    options = parser.parse_args()
    options.python = str(Path.cwd() / options.python)
    store = Path(options.json) if options.json else None
    known = json.loads(store.read_text()) if store and store.exists() else {}
    each = -(-options.changes // len(MODULES)) + 1
    with ThreadPoolExecutor(options.jobs) as pool:
        found = list(pool.map(lambda module: changes(module, options.python, options.seed, each), MODULES))
        pairs = [(module, text) for module, texts in zip(MODULES, found, strict=True) for text in texts]
        random.Random(options.seed).shuffle(pairs)
        pairs = sorted(enumerate(pairs[: options.changes]), key=lambda pair: pair[1][0])

        def work(pair):
            number, (module, faulty) = pair
            key = f"{options.seed}|{number}|{module}"
            if key not in known:
                try:
                    known[key] = one(module, number, faulty, options)
                except (RuntimeError, OSError, subprocess.SubprocessError, ValueError) as error:
                    print(f"{key}: not measured: {str(error)[:200]}", file=sys.stderr, flush=True)
                    return
                print(f"{key}: {known[key]}", file=sys.stderr, flush=True)
                if store:
                    store.write_text(json.dumps(dict(known), indent=1))

        list(pool.map(work, pairs))
    head = (f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC, {platform.machine()}, {os.cpu_count()} cores, load "
            f"{os.getloadavg()[0]:.1f}; {options.seconds:g} s per change, seed {options.seed}")  # fmt: skip
    show(list(known.values()), head)


if __name__ == "__main__":
    main()
