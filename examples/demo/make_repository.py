"""Build the demonstration repository: a small shop, and a change ("refunds") with real mistakes in it.

Usage: python examples/demo/make_repository.py FOLDER

The folder then holds a git repository with two commits on ``main``; the second one is the change to review. The
credentials in it are made up here, at build time, so that none ever stands in this repository.
"""

import os
import random
import string
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
COMMITS = {"1-service": "Take orders", "2-refunds": "Add refunds"}


def invented_credentials() -> dict[str, str]:
    """Strings that look like an AWS key pair and open nothing."""
    chance = random.Random(7)
    upper, mixed = string.ascii_uppercase + "234567", string.ascii_letters + string.digits + "/+"
    return {
        "@@AWS_KEY_ID@@": "AKIA" + "".join(chance.choices(upper, k=16)),
        "@@AWS_SECRET@@": "".join(chance.choices(mixed, k=40)),
    }


def build(folder: Path) -> None:
    """Make the repository in *folder*, which must not exist yet or be empty."""
    folder.mkdir(parents=True, exist_ok=True)
    if any(folder.iterdir()):
        sys.exit(f"{folder} is not empty")
    day = "2026-11-0{} 12:00:00 +0000"
    git(folder, "init", "--quiet", "--initial-branch=main")
    for number, (stage, message) in enumerate(COMMITS.items(), start=1):
        for source in sorted((HERE / stage).rglob("*")):
            if source.is_file():
                place(source, folder / source.relative_to(HERE / stage))
        git(folder, "add", "--all")
        git(folder, "commit", "--quiet", "--message", message, date=day.format(number))


def place(source: Path, target: Path) -> None:
    text = source.read_text(encoding="utf-8")
    for placeholder, value in invented_credentials().items():
        text = text.replace(placeholder, value)
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(text, encoding="utf-8")


def git(folder: Path, *args: str, date: str = "") -> None:
    who = {"NAME": "Demo", "EMAIL": "demo@example.invalid", **({"DATE": date} if date else {})}
    identity = {f"GIT_{role}_{key}": value for role in ("AUTHOR", "COMMITTER") for key, value in who.items()}
    clean = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    environment = {**inherited, **identity, **clean}
    command = ["git", "-c", "commit.gpgsign=false", "-c", "core.hooksPath=" + os.devnull, *args]
    subprocess.run(command, cwd=folder, env=environment, check=True)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    build(Path(sys.argv[1]))
