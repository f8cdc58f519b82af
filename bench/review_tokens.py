"""How often a change is sent: input tokens of a whole review, judge included, for each token of the change's diff.

    python bench/review_tokens.py

Changes of about 1,000, 15,000 and 77,000 diff tokens (3, 20 and 68 files) are made from this repository's own sources.
The engine, the gates and the vendors' SDKs are the real ones; the models are scripted, behind a loopback server that
answers at once or 2 s late: readers report a finding for about every 1,500 tokens that they see, the judge keeps them.
Input counts everything that is sent: rules, schema, context, data; a token is taken as 3.2 bytes, in the diff as in
the prompts. `again` is how many calls the same review costs the second time.
"""

import json
import os
import platform
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
from scripted import FENCE, claim, verdict  # noqa: E402
from team import KEYS, settings  # noqa: E402
from tta_orchestrate.cli.wiring import Surroundings, build_engine  # noqa: E402
from tta_orchestrate.loopback.server import Loopback  # noqa: E402
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


def reader(shown):
    """Report added lines, evenly over what is shown."""
    lines = shown.splitlines()
    wanted = max(1, tokens(shown) // PER_FINDING)
    rows, path = [], ""
    for row in lines:
        path = row[4:].rpartition(" (")[0] if row.startswith("### ") else path
        number, _, code = row.partition(" ")
        if number.startswith("R") and code.startswith("+") and len(code.strip()) > 20:
            rows.append((path, int(number[1:]), code[1:]))
    step = max(1, len(rows) // wanted)
    message = "The value can be absent here when the caller passes no options; the attribute is then read from None."
    return {"findings": [claim(*row, message=message, confidence=0.8) for row in rows[::step][:wanted]]}


def script(latency, sent):
    """The models of the loopback server, each answer *latency* seconds late; *sent* collects tokens."""

    def answer(question):
        time.sleep(latency)
        sent.append(tokens(question.text) + tokens(json.dumps(question.schema)))
        shown = {kind: text for _nonce, kind, text in FENCE.findall("\n".join(question.parts))}
        if "verdicts" in question.schema.get("properties", {}):
            return {"verdicts": [verdict(n) for n in range(1, shown["claims"].count("\nclaim ") + 1)]}
        return {"focus": [], "files": []} if "map" in shown else reader(shown["change"])

    return answer


def sized(folder, wanted, files):
    """A project whose diff is about as large as *wanted*: made once to measure, once to fit."""
    aim = wanted
    for attempt in range(3):
        project = Project(folder / f"repo{attempt}", *states(int(aim), files))
        diff = tokens(project.repo.git("diff", *project.commits))
        aim *= wanted / diff
    return project, diff


def measured(project, latency, store):
    """The report, wall seconds, tokens sent and requests of one review by the real engine and SDKs."""
    sent = []
    with Loopback(script(latency, sent)) as server:
        chosen = settings(server.url, calls={"workers": 8, "concurrency": 8})
        first = chosen.executors[:1]
        engine = build_engine(chosen.model_copy(update={"executors": first}), KEYS, Surroundings())
        request = project.request(*project.commits, engine=engine, options=Options(store=store))
        start = time.perf_counter()
        report = review(request)
        wall = time.perf_counter() - start
        engine.close()
        return report, wall, sum(sent), server.requests


def main():
    print(f"{datetime.now(UTC):%Y-%m-%d}  {platform.machine()}, {os.cpu_count()} cores; PR-Agent 0.49: 9.9 / 4.7 / 2.8")
    head = ("files", "diff tok", "input tok", "ratio", "calls", "execute", "judge", "scope", "found", "0 s", "2 s",
            "again")  # fmt: skip
    print("".join(f"{name:>10}" for name in head))
    measured(
        Project(Path(tempfile.mkdtemp()) / "repo", {"a.py": "x = 1\n"}, {"a.py": "a_line_that_is_long_enough = 2\n"}),
        0,
        Shelf(),
    )  # warm-up
    for wanted, files in SIZES:
        with tempfile.TemporaryDirectory() as folder:
            project, diff = sized(Path(folder), wanted, files)
            shelf = Shelf()
            report, wall, sent, calls = measured(project, 0, shelf)
            _report, _wall, _sent, repeated = measured(project, 0, shelf)
            _report, slow, _sent, _calls = measured(project, 2, Shelf())
        stages = [call.stage for call in report.cost.calls]
        covered = f"{report.coverage.files_reviewed}/{report.coverage.files_changed}"
        row = (covered, f"{diff:,}", f"{sent:,}", f"{sent / diff:.2f}", calls, stages.count("execute"),
               stages.count("judge"), stages.count("scope"), len(report.findings), f"{wall:.2f}", f"{slow:.2f}",
               repeated)  # fmt: skip
        print("".join(f"{value:>10}" for value in row))


if __name__ == "__main__":
    main()
