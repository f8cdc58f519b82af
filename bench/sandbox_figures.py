"""How long a job takes to start in the sandbox, and what each of its layers stops.

    python bench/sandbox_figures.py [--runs 30] [--image IMAGE] [--engine docker]

Start-up: the wall clock of a job that does nothing (`/bin/true`, and a Python that ends at once), at level 2 on this
machine; with an image, also inside the very container that the Action calls box, one job after the other through
`Sandbox.run`, and the start of that container itself. Escapes: `sandbox.escapes --table`, all layers and then without
one at a time; the probes look for canaries that the script itself laid out.
"""

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "launcher"))

from container import Container, Limits, remove_argv, run_argv  # noqa: E402
from rooms import Rooms, box  # noqa: E402

MEASURE = """
import json, statistics, sys, time
from tta_orchestrate.sandbox.run import Sandbox
from tta_orchestrate.sandbox.spec import Bind, Job, Level
level, runs = Level(sys.argv[1]), int(sys.argv[2])
sandbox = Sandbox(level=level)
folders = sorted({sys.prefix, sys.base_prefix})
binds = tuple(Bind(source=one, target=one) for one in folders if not one.startswith("/usr"))
found = {}
python = sys.base_prefix + "/bin/python3"
for name, argv in (("/bin/true", ("/bin/true",)), ("python -I -c ''", (python, "-I", "-c", ""))):
    job = Job(argv=argv, cwd="/tmp", env={"PATH": "/usr/bin:/bin"}, binds=binds, level=level)
    times = []
    for _ in range(runs + 1):
        start = time.perf_counter()
        result = sandbox.run(job)
        times.append(1000 * (time.perf_counter() - start))
        assert (result.end, result.code) == ("exit", 0), result
    found[name] = times[1:]
print(json.dumps(found))
"""


def show(title, found):
    for name, times in found.items():
        spread = statistics.quantiles(times, n=10)
        middle = statistics.median(times)
        print(
            f"  {title:42}{name:18} median {middle:7.1f} ms, p10 {spread[0]:.1f}, p90 {spread[-1]:.1f}, n {len(times)}"
        )


def run(argv):
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    if done.returncode not in {0, 1} or done.stderr.startswith("Traceback"):
        sys.exit(f"{argv[0]} failed: {done.stderr[-500:]}")
    return done.stdout


def plain(runs):
    times = []
    for _ in range(runs):
        start = time.perf_counter()
        subprocess.run(["/bin/true"], check=True)
        times.append(1000 * (time.perf_counter() - start))
    return {"/bin/true": times}


def in_box(engine, container, arguments):
    named = replace(container, arguments=arguments, name=f"tta-bench-{os.getpid()}")
    try:
        return run(run_argv(engine, named))
    finally:
        subprocess.run(remove_argv(engine, named.name), capture_output=True, check=False)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--runs", type=int, default=30)
    parser.add_argument("--image", default="", help="also measure inside this image's box container")
    parser.add_argument("--engine", default="docker")
    options = parser.parse_args()
    machine = f"{platform.machine()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}, Linux {platform.release()}"
    print(f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC, {machine}, Python {platform.python_version()}")
    print("Start-up of a job")
    show("no sandbox", plain(options.runs))
    show(
        "level 2 (private namespaces, inner layers)",
        json.loads(run([sys.executable, "-c", MEASURE, "private", str(options.runs)])),
    )
    if options.image:
        with tempfile.TemporaryDirectory() as folder:
            rooms = Rooms.make(folder, owner=(os.geteuid(), os.getegid()))
            container = box(options.image, "", f"{os.geteuid()}:{os.getegid()}", rooms)
            show(
                "level 3 (inside the box container)",
                json.loads(in_box(options.engine, container, ("-I", "-c", MEASURE, "box", str(options.runs)))),
            )
            empty, times = (
                Container(
                    image=options.image,
                    name="",
                    user="65532:65532",
                    arguments=("-c", ""),
                    entrypoint="/opt/tta/bin/python",
                    limits=Limits(),
                ),
                [],
            )
            for _ in range(max(3, options.runs // 6)):
                start = time.perf_counter()
                in_box(options.engine, empty, ("-I", "-c", ""))
                times.append(1000 * (time.perf_counter() - start))
            show("the container itself, started and removed", {"python -I -c ''": times})
    print("Escape probes: tried and reached, with all layers and without one at a time")
    print(run([sys.executable, "-m", "tta_orchestrate.sandbox.escapes", "--table"]), end="")
    if options.image:
        with tempfile.TemporaryDirectory() as folder:
            rooms = Rooms.make(folder, owner=(os.geteuid(), os.getegid()))
            container = box(options.image, "", f"{os.geteuid()}:{os.getegid()}", rooms)
            outside = Path(folder) / "outside"
            outside.write_text("a file of the host")
            words = (
                "-I",
                "-m",
                "tta_orchestrate.sandbox.escapes",
                "--level",
                "box",
                "--host-file",
                str(outside),
                "--table",
            )
            print(in_box(options.engine, container, words), end="")
    return 0


if __name__ == "__main__":
    sys.exit(main())
