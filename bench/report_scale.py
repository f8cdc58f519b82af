"""How long the monthly report takes, and how much memory: 12 months of 2,000 runs each; and a plan of 10,000 files."""

import json
import resource
import sys
import tempfile
import time
from pathlib import Path

import ledger_sample

from tta_orchestrate.cli import app
from tta_orchestrate.domain.accounts import months_back
from tta_orchestrate.ledger import lines

RUNS = 2000


def report() -> dict:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "ledger.jsonl"
        months = months_back("2026-11", 12)
        with file.open("wb") as out:
            out.writelines(lines.encode(entry) + b"\n" for entry in ledger_sample.entries(months, RUNS))
        size = file.stat().st_size
        started = time.monotonic()
        command = ["report", "--month", "2026-11", "--ledger", str(file), "--output", f"{folder}/out"]
        code = app.run([*command, "--as-of", "2026-11-29T00:00:00Z"])
        seconds = time.monotonic() - started
        document = json.loads((Path(folder) / "out/report.json").read_text())
        sizes = {one.name: one.stat().st_size for one in (Path(folder) / "out").iterdir()}
    return {
        "months": len(months),
        "runs_a_month": RUNS,
        "ledger_bytes": size,
        "seconds": round(seconds, 2),
        "exit": code,
        "runs_reported": document["totals"]["runs"],
        "bytes": sizes,
    }


if __name__ == "__main__":
    figures = report()
    figures["peak_rss_mib"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    print(json.dumps(figures))
    sys.exit(figures["exit"])
