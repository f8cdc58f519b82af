"""Plan and local review of a generated change of 3,000 files and 96,000 changed lines, and of twice that.

    python bench/review_scale.py [--files 3000] [--keep FOLDER]

Prints wall time and peak memory of `tta-orchestrate review` beside ruff alone on the same files, and the start-up times
of `--help` and of a configuration error (best of five).
"""

import argparse
import json
import os
import platform
import random
import shutil
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

LINES_PER_FILE = 32
TOOL = str(Path(sys.executable).with_name("tta-orchestrate"))
KINDS = (".py", ".py", ".py", ".js", ".yaml", ".md")


def text(chance: random.Random, suffix: str, lines: int) -> list[str]:
    """Lines of which no two are alike, so that a rewritten half differs in every line."""
    numbers = [chance.randrange(10**9) for _ in range(lines)]
    if suffix == ".py":
        body = [f"value_{number} = {number} * len(str({number}))" for number in numbers]
        if chance.random() < 0.05:
            body[1] += " + undefined_name"
        return body
    form = {".yaml": "key_{}: value", ".js": "export const value{} = 1;", ".md": "This line says {}."}[suffix]
    return [form.format(number) for number in numbers]


def build(folder: Path, files: int) -> None:
    """A repository whose second commit rewrites half of every file: 16 lines out, 16 lines in."""
    chance = random.Random(files)
    run = lambda *args: subprocess.run(["git", *args], cwd=folder, check=True, capture_output=True)  # noqa: E731
    folder.mkdir(parents=True)
    run("init", "-q", "-b", "main")
    run("config", "user.name", "bench")
    run("config", "user.email", "bench@example.invalid")
    paths = [folder / f"part{n % 60}" / f"file_{n}{KINDS[n % len(KINDS)]}" for n in range(files)]
    for stage in range(2):
        for path in paths:
            path.parent.mkdir(exist_ok=True)
            stable = text(random.Random(path.name), path.suffix, 2 * LINES_PER_FILE)
            half = LINES_PER_FILE // 2
            if stage:
                stable[half : 2 * half] = text(chance, path.suffix, half)
            path.write_text("\n".join(stable) + "\n")
        run("add", "-A")
        run("commit", "-q", "-m", f"stage {stage}")


def measured(argv: list[str], cwd: Path) -> tuple[float, float, int]:
    """Wall seconds, peak MB of the process tree's largest member, exit code."""
    probe = (
        "import json,resource,subprocess,sys,time;t=time.perf_counter();"
        "c=subprocess.run(sys.argv[1:],stdout=subprocess.DEVNULL,stderr=subprocess.DEVNULL).returncode;"
        "peak=resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss/1024;"
        "print(json.dumps([time.perf_counter()-t,peak,c]))"
    )
    done = subprocess.run([sys.executable, "-c", probe, *argv], cwd=cwd, capture_output=True, text=True, check=True)
    wall, peak, code = json.loads(done.stdout)
    return wall, peak, code


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--files", type=int, default=3000)
    options = arguments.parse_args()
    machine = f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"
    print(f"{datetime.now(UTC):%Y-%m-%d}  {machine}")
    print(f"{'change':28}{'wall s':>9}{'peak MB':>9}  result")
    with tempfile.TemporaryDirectory() as temporary:
        walls = []
        for files in (options.files, 2 * options.files):
            folder = Path(temporary) / f"repo{files}"
            build(folder, files)
            out = folder.parent / f"out{files}"
            wall, peak, code = measured([TOOL, "review", "--base", "HEAD~1", "--output", str(out)], folder)
            report = json.loads((out / "findings.json").read_text())
            covered = report["coverage"]
            walls.append(wall)
            files_read = f"{covered['files_reviewed']} of {covered['files_changed']} files"
            result = f"exit {code}, {covered['lines_changed']} lines, {files_read}, {len(report['findings'])} findings"
            print(f"{f'review, {files} files':28}{wall:9.2f}{peak:9.0f}  {result}")
            shutil.rmtree(folder / ".git" / "hooks", ignore_errors=True)
            ruff = [str(Path(sys.executable).with_name("ruff")), "check", "--isolated", "--no-cache", "--quiet", "."]
            wall, peak, code = measured(ruff, folder)
            print(f"{f'ruff alone, {files} files':28}{wall:9.2f}{peak:9.0f}  exit {code}")
        print(f"twice the input takes {walls[1] / walls[0]:.2f} times the time")
        bad = Path(temporary) / "bad.yaml"
        bad.write_text("orchestration:\n  quality_treshold: 0.9\n")
        for name, argv in {
            "--help": ["--help"],
            "configuration error": ["config", "check", "--config", str(bad)],
        }.items():
            best = min(timed([TOOL, *argv]) for _ in range(5))
            print(f"{name:28}{best:9.2f}")


def timed(argv: list[str]) -> float:
    start = time.perf_counter()
    subprocess.run(argv, capture_output=True, check=False)
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
