"""How often a change is sent: input tokens of a whole review, judge included, for each token of the change's diff.

    python bench/review_tokens.py

Changes of about 1,000, 15,000 and 77,000 diff tokens (3, 20 and 68 files) are made from this repository's own sources.
The models are scripted: readers report a finding for about every 1,500 tokens that they see, the judge keeps them.
Input counts everything that is sent: rules, schema, context, data; a token is taken as 3.2 bytes, in the diff as in
the prompts. `fresh` is what a prompt cache has not seen: the first time a prefix is sent it counts, later times not.
"""

import argparse
import random
import re
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests"))

from reviews import Project, Shelf  # noqa: E402
from scripted import ScriptedEngine, blocks, claim, keeping_judge  # noqa: E402
from tta_orchestrate.modes.review.prompts import tokens  # noqa: E402
from tta_orchestrate.modes.review.reader import Options  # noqa: E402
from tta_orchestrate.modes.review.run import review  # noqa: E402

SIZES = ((1_000, 3), (15_000, 20), (77_000, 68))
PER_FINDING = 1_500


def sources():
    """The texts to change, the largest first."""
    files = sorted((ROOT / "src").rglob("*.py"), key=lambda path: -path.stat().st_size)
    texts = [path.read_text(encoding="utf-8") for path in files if path.stat().st_size > 1_500]
    return [text for text in texts if "@generated" not in text]


def edited(text, chance, share):
    """Reword runs of lines all over *text*, so that about *share* of it is part of the diff."""
    lines = text.splitlines()
    at = chance.randrange(5, 15)
    while at < len(lines) - 8:
        run = chance.randrange(2, 9)
        for n in range(at, min(at + run, len(lines))):
            lines[n] = re.sub(r"\b([a-z]{4,})\b", r"\1_x", lines[n], count=1)
        at += run + int(run / share) + chance.randrange(4, 12)
    return "\n".join(lines) + "\n"


def states(wanted, files):
    """Files before and after, with a diff of about *wanted* tokens over *files* files."""
    chance, texts = random.Random(wanted), sources()
    before, after, size = {}, {}, 0
    for n in range(files):
        name = f"pkg{n % 7}/module_{n:02}.py"
        text = texts[n % len(texts)]
        room = max(0, wanted - size) // (files - n)
        if n % 3 == 2:
            after[name] = text[: max(300, int(room * 3.2 * 0.9))].rpartition("\n")[0] + "\n"
        else:
            text = text[: max(500, int(room * 3.2 * 1.1))].rpartition("\n")[0] + "\n"
            before[name], after[name] = text, edited(text, chance, 0.8)
        size += room
    return before, after


def reader(task, _message):
    """Report added lines, evenly over what is shown."""
    shown = blocks(task.prompt)["change"].splitlines()
    wanted = max(1, tokens("\n".join(shown)) // PER_FINDING)
    rows, path = [], ""
    for row in shown:
        path = row[4:].rpartition(" (")[0] if row.startswith("### ") else path
        number, _, code = row.partition(" ")
        if number.startswith("R") and code.startswith("+") and len(code.strip()) > 20:
            rows.append((path, int(number[1:]), code[1:]))
    step = max(1, len(rows) // wanted)
    message = "The value can be absent here when the caller passes no options; the attribute is then read from None."
    return {"findings": [claim(*row, message=message, confidence=0.8) for row in rows[::step][:wanted]]}


def fresh_tokens(engine):
    """Input that no prefix of an earlier call has paid for."""
    seen, total = set(), 0
    for task, _model, _step in engine.calls:
        prompt = task.prompt
        for part in (prompt.system, prompt.context):
            if part and part not in seen:
                seen.add(part)
                total += tokens(part)
        total += tokens(prompt.data)
    return total


def sized(folder, wanted, files):
    """A project whose diff is about as large as *wanted*: made once to measure, once to fit."""
    aim = wanted
    for attempt in range(3):
        project = Project(folder / f"repo{attempt}", *states(int(aim), files))
        diff = tokens(project.repo.git("diff", *project.commits))
        aim *= wanted / diff
    return project, diff


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.parse_args()
    print(f"{datetime.now(UTC):%Y-%m-%d}  scripted models, PR-Agent's figures are 9.9 / 4.7 / 2.8 (6 of 68 files)")
    head = ("files", "diff tok", "input tok", "ratio", "fresh", "calls", "execute", "judge", "scope", "found", "wall s",
            "again")  # fmt: skip
    print("".join(f"{name:>11}" for name in head))
    for wanted, files in SIZES:
        with tempfile.TemporaryDirectory() as folder:
            project, diff = sized(Path(folder), wanted, files)
            base, tip = project.commits
            engine, shelf = ScriptedEngine(reader=reader, judge_=keeping_judge), Shelf()
            request = project.request(base, tip, engine=engine, options=Options(store=shelf))
            start = time.perf_counter()
            report = review(request)
            wall = time.perf_counter() - start
            again = ScriptedEngine(reader=reader, judge_=keeping_judge)
            project.review(base, tip, engine=again, options=Options(store=shelf))
            covered = f"{report.coverage.files_reviewed}/{report.coverage.files_changed}"
            row = (covered, f"{diff:,}", f"{engine.tokens:,}", f"{engine.tokens / diff:.2f}",
                   f"{fresh_tokens(engine) / diff:.2f}", len(engine.calls), len(engine.of("execute")),
                   len(engine.of("judge")), len(engine.of("scope")), len(report.findings), f"{wall:.2f}",
                   len(again.calls))  # fmt: skip
            print("".join(f"{value:>11}" for value in row))


if __name__ == "__main__":
    main()
