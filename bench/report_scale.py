"""How long the monthly report takes, and how much memory: 12 months of 2,000 runs each; and a plan of 10,000 files."""

import json
import resource
import sys
import tempfile
import time
from pathlib import Path

import ledger_sample
from machine import machine

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


def plan() -> dict:
    """Part 10,000 files."""
    from random import Random

    from tta_orchestrate.domain.cost import NanoUsd
    from tta_orchestrate.domain.shards import Item, balance

    random = Random(1)
    sizes = [int(random.paretovariate(1.2) * 300) for _ in range(10_000)]
    items = [Item(path=f"src/{n}.py", tokens=size, cost=NanoUsd(size * 300)) for n, size in enumerate(sizes)]
    started = time.monotonic()
    parts = balance(items, 20)
    seconds = time.monotonic() - started
    loads = [part.tokens for part in parts]
    return {
        "files": len(items),
        "parts": len(parts),
        "seconds": round(seconds, 3),
        "heaviest_to_lightest": round(max(loads) / min(loads), 3),
    }


def telemetry() -> dict:
    """Seconds that a run of 300 calls spends on metrics.prom, and on OTLP to a receiver on this machine."""
    import threading
    from dataclasses import replace
    from datetime import UTC, datetime
    from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

    sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))
    from samples import EVERYTHING
    from tta_orchestrate.cli.desk import Desk
    from tta_orchestrate.settings.model import Settings
    from tta_orchestrate.sinks.metrics_prom import SINK
    from tta_orchestrate.telemetry.otlp import Target, export

    class Receiver(BaseHTTPRequestHandler):
        def do_POST(self):
            self.rfile.read(int(self.headers["content-length"]))
            self.send_response(200)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *args):
            pass

    run = replace(EVERYTHING, cost=replace(EVERYTHING.cost, calls=EVERYTHING.cost.calls * 100))
    started = time.monotonic()
    SINK.render(run)
    figures = {"calls": len(run.cost.calls), "metrics_prom_seconds": round(time.monotonic() - started, 3)}
    started = time.monotonic()
    Desk(Settings(), {}, mode="review", output=Path()).close(run)
    figures["off_seconds"] = round(time.monotonic() - started, 6)
    server = ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    now = datetime.now(UTC)
    for name in ("otlp_first_seconds", "otlp_again_seconds"):  # the first one loads the SDK
        started = time.monotonic()
        note = export(run, Target(endpoint=f"http://127.0.0.1:{server.server_port}"), now, now)
        figures[name] = round(time.monotonic() - started, 3)
        assert not note, note
    server.shutdown()
    return figures


if __name__ == "__main__":
    figures = report()
    figures["plan"] = plan()
    figures["telemetry"] = telemetry()
    figures["machine"] = machine()
    figures["peak_rss_mib"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    print(json.dumps(figures))
    sys.exit(figures["exit"])
