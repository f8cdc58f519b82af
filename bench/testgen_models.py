"""What models cost in test generation: calls, tokens, repairs and money for each test that is kept.

    python bench/testgen_models.py

Modules are made whose branches hide behind digests, so that the local generator stalls on every function. The engine,
the gates, the sandbox and the vendors' SDKs are the real ones; the models are scripted, behind a loopback server. They
know the words, and of every three functions they answer one at once, one only after the error came back to them, and
one never rightly (the expected value is wrong, and stays so). Prices are the published ones of the named models.
"""

import hashlib
import os
import platform
import re
import sys
import tempfile
import time
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests"))

from generated import generate, repository  # noqa: E402
from team import KEYS, World  # noqa: E402
from tta_orchestrate.loopback.server import Loopback  # noqa: E402

MODULES, FUNCTIONS = 3, 6
KINDS = ("right at once", "right after its error", "never right")


def name_of(module, number):
    return f"gate_{module}_{number}"


def word(name):
    return f"word-of-{name}"


def source(module):
    parts = ['"""Gates."""\n\nimport hashlib\n']
    for number in range(FUNCTIONS):
        name = name_of(module, number)
        digest = hashlib.sha256(word(name).encode()).hexdigest()
        parts.append(
            f'\n\ndef {name}(word: str) -> str:\n    """Return "open" for the right word, "shut" for any other."""\n'
            f'    if hashlib.sha256(word.encode()).hexdigest() == "{digest}":\n        return "open"\n'
            '    return "shut"\n'
        )
    return "".join(parts)


def kind_of(name):
    return KINDS[int(name.rpartition("_")[2]) % len(KINDS)]


def test_of(name, called, said):
    module = f"doors_{name.split('_')[1]}"
    return f"from {module} import {name}\n\n\ndef test_the_word_of_{name}():\n    assert {name}({called}) == {said!r}\n"


def script(question):
    """Answer as the kind of the function asks for; a judge who is content."""
    if "verdicts" in question.schema.get("properties", {}):
        found = re.findall(r"^id (\d+), (\w+):", question.text, re.MULTILINE)
        fitting = {"test": "fine", "mutant": "testable", "suspect": "unclear", "dispute": "unclear"}
        return {"verdicts": [{"id": int(n), "verdict": fitting[k], "name": "", "reason": "scripted"} for n, k in found]}
    name = re.search(r"Function: (\w+)", question.text)[1]
    kind, right = kind_of(name), repr(word(name))
    slipped = kind == KINDS[1] and "cannot import name" not in question.text
    code = test_of(name, "WORD" if slipped else right, "ajar" if kind == KINDS[2] else "open")
    return {"tests": [{"name": f"test_the_word_of_{name}", "code": code}]}


def main():
    for name, key in KEYS.items():
        os.environ[name] = key
    machine = f"{platform.machine()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}"
    print(f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC, {machine}, Python {platform.python_version()}")
    files = {f"doors_{module}.py": source(module) for module in range(MODULES)}
    started = time.monotonic()
    with tempfile.TemporaryDirectory() as folder, Loopback(script) as server:
        world = World(server.url, Path(folder))
        tree = Path(folder) / "tree"
        tree.mkdir()
        repository(tree, **{name.replace(".py", "_py"): text for name, text in files.items()})
        report = generate(tree, *files, engine=world.engine(), mutants=60)
        charged = server.charged
        world.close()
    calls, targets = report.cost.calls, report.extra["targets"]
    kept = [one["test"] for target in targets for one in target["kept"]]
    theirs = [one for one in kept if "test_the_word_of" in one]
    goals, by_kind = MODULES * FUNCTIONS, Counter(kind_of(one.partition("test_the_word_of_")[2]) for one in theirs)
    wanted = Counter(kind_of(name_of(module, number)) for module in range(MODULES) for number in range(FUNCTIONS))
    print(f"{len(files)} modules, {goals} functions on which the generator stalls; {time.monotonic() - started:.0f} s")
    for kind in KINDS:
        print(f"  kept of the functions whose answer is {kind + ':':24} {by_kind[kind]} of {wanted[kind]}")
    print(f"{'stage':10}{'model':28}{'calls':>6}{'input':>9}{'output':>8}{'list price':>13}")
    rows = Counter((call.stage, call.request_model) for call in calls)
    for (stage, model), count in sorted(rows.items()):
        mine = [call for call in calls if (call.stage, call.request_model) == (stage, model)]
        tokens = [sum(getattr(call.usage, field) for call in mine) for field in ("input_tokens", "output_tokens")]
        price = sum(call.list_price for call in mine) / 10**9
        print(f"{stage:10}{model:28}{count:6}{tokens[0]:9}{tokens[1]:8}{price:13.6f}")
    total, each = report.cost.list_price / 10**9, report.cost.list_price / 10**9 / max(1, len(theirs))
    print(
        f"tests kept {len(kept)} ({len(theirs)} of models), repairs {sum(call.stage == 'repair' for call in calls)}, "
        f"calls per kept test of a model {len(calls) / max(1, len(theirs)):.1f}, "
        f"list price ${total:.6f}, per kept test of a model ${each:.6f}; "
        f"books equal the server's count: {report.cost.cash == charged}"
    )
    return 0 if report.cost.cash == charged and by_kind[KINDS[2]] == 0 else 1


if __name__ == "__main__":
    sys.exit(main())
