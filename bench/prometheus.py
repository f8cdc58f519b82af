"""Does a real Prometheus read what is emitted? Scrapes metrics.prom of the sample report and asks every panel's query.

``bench/prometheus.py --prometheus PROGRAM``: Debian's package ``prometheus`` has one (``apt-get download prometheus``,
``dpkg -x``); nothing of it is installed here.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import quote
from urllib.request import urlopen

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))
from machine import machine

from samples import EVERYTHING
from tta_orchestrate.sinks.metrics_prom import SINK
from tta_orchestrate.telemetry.dashboards import PROMETHEUS_PANELS

PORT = 19090


class Metrics(BaseHTTPRequestHandler):
    """Serves the file."""

    def do_GET(self):
        content = SINK.render(EVERYTHING).encode()
        self.send_response(200)
        self.send_header("content-type", "text/plain; version=0.0.4")
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *args):
        pass


def ask(query: str) -> list:
    with urlopen(f"http://127.0.0.1:{PORT}/api/v1/query?query={quote(query)}", timeout=5) as answer:
        return json.load(answer)["data"]["result"]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--prometheus", default="prometheus")
    program = parser.parse_args().prometheus
    server = ThreadingHTTPServer(("127.0.0.1", 0), Metrics)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    target = f"127.0.0.1:{server.server_port}"
    config = {
        "scrape_configs": [{"job_name": "tta", "scrape_interval": "1s", "static_configs": [{"targets": [target]}]}]
    }
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "prometheus.yml"
        file.write_text(json.dumps(config))
        flags = [
            f"--config.file={file}",
            f"--storage.tsdb.path={folder}/data",
            f"--web.listen-address=127.0.0.1:{PORT}",
        ]
        process = subprocess.Popen([program, *flags], stderr=subprocess.DEVNULL)
        try:
            deadline = time.monotonic() + 30
            found = []
            while not found and time.monotonic() < deadline:
                time.sleep(0.5)
                try:
                    found = ask("tta_runs_total")
                except OSError:
                    continue
            empty = [title for title, _, query in PROMETHEUS_PANELS if not ask(query)] if found else ["everything"]
            up = ask("up")[0]["value"][1] if found else "0"
        finally:
            process.terminate()
            process.wait()
    print(machine())
    print(json.dumps({"up": up, "panels": len(PROMETHEUS_PANELS), "empty": empty}))
    return 1 if empty else 0


if __name__ == "__main__":
    sys.exit(main())
