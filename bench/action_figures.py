"""What the Action costs in time: container start, and what the launcher and the sandboxed start add to it.

    DOCKER_HOST=... python bench/action_figures.py      # needs docker or podman; builds the image if it is not there

Prints medians of five with machine and date, and the size of the image. GitHub calls are asserted in
tests/github/test_check_run.py (1,000 findings: 21) and tests/github/test_review.py (68 files: at most 10).
"""

import os
import platform
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

ROOT = Path(__file__).parents[1]
ENGINE = os.environ.get("TTA_CONTAINER_ENGINE", "docker")
HARDENED = ["--cap-drop", "ALL", "--security-opt", "no-new-privileges", "--read-only", "--tmpfs", "/tmp"]


def median(argv: list[str], **more: object) -> float:
    """Seconds, median of five runs."""

    def once() -> float:
        start = time.perf_counter()
        subprocess.run(argv, check=True, capture_output=True, **more)
        return time.perf_counter() - start

    return statistics.median(once() for _ in range(5))


def lifetime(*options: str, image: str, words: tuple[str, ...] = ()) -> float:
    """Seconds from the order to start a container to its end, median of five; detached, so that no terminal counts."""

    def once() -> float:
        start = time.perf_counter()
        argv = [ENGINE, "run", "--detach", "--network", "none", *options, image, *words]
        name = subprocess.run(argv, check=True, capture_output=True, text=True).stdout.strip()
        subprocess.run([ENGINE, "wait", name], check=True, capture_output=True)
        passed = time.perf_counter() - start
        subprocess.run([ENGINE, "rm", name], check=True, capture_output=True)
        return passed

    return statistics.median(once() for _ in range(5))


def main() -> None:
    if shutil.which(ENGINE) is None:
        sys.exit(f"there is no {ENGINE} here: nothing was measured")
    built = subprocess.run(["bash", "scripts/image.sh"], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    image = re.findall(r"^image: (\S+)$", built, re.MULTILINE)[-1]
    machine = f"{platform.machine()}, {os.cpu_count()} cores"
    print(f"{datetime.now(UTC):%Y-%m-%d}  {machine}, {image}")
    bare = lifetime("--entrypoint", "/bin/true", image=image)
    version = lifetime(image=image, words=("--version",))
    hardened = lifetime(*HARDENED, image=image, words=("--version",))
    print(f"{'container that does nothing':44}{bare:8.2f} s")
    print(f"{'a container that prints one line (--version)':44}{version:8.2f} s")
    print(f"{'the same, hardened as the launcher does':44}{hardened:8.2f} s")
    with tempfile.TemporaryDirectory() as folder:
        repository = Path(folder, "demo")
        subprocess.run([sys.executable, "examples/demo/make_repository.py", str(repository)], cwd=ROOT, check=True)
        tool = str(Path(sys.executable).with_name("tta-orchestrate"))
        outside = median([tool, "review", "--base", "HEAD~1", "--output", str(Path(folder, "out"))], cwd=repository)
    print(f"{'review of the demo change, no container':44}{outside:8.2f} s")
    size = subprocess.run([ENGINE, "image", "inspect", "--format", "{{.Size}}", image], check=True, capture_output=True)
    print(f"{'image':44}{int(size.stdout) / 1e6:8.0f} MB")


if __name__ == "__main__":
    main()
