"""The seeded changes of bench/data/seeded: one TOML file each, with the labels that a perfect reviewer would find.

A file's `diff` is a unified diff with the whole file as its context and without headers: the lines that start with a
blank or `-` are the file before, those with a blank or `+` the file after; a file without lines before is new. Labels
name lines at head. A change without `defects` is clean, and `tempting` says what a noisy reviewer would say of it.
"""

import os
import subprocess
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from quality import Label

FOLDER = Path(__file__).parent / "data" / "seeded"
# Stand-ins of the cases: assembled here, so that nothing that looks like a credential stands in the repository.
_CREDENTIALS = {
    "‹aws-key›": "AKIA" + "Q3EGVBQSN2RT7KZP",
    "‹slack-token›": "xoxb-" + "293857192837-482950192847-" + "q7Zt9Lw2Xc5Vb8Nm3Kj6Hg1F",
}
_GIT = {
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_AUTHOR_NAME": "Ada",
    "GIT_AUTHOR_EMAIL": "ada@example.com",
    "GIT_COMMITTER_NAME": "Ada",
    "GIT_COMMITTER_EMAIL": "ada@example.com",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class SeededFile:
    path: str
    lines: tuple[str, ...]
    """Lines of the diff, each with its sign."""

    def before(self) -> str | None:
        return _text(line[1:] for line in self.lines if line[0] != "+") or None

    def after(self) -> str:
        return _text(line[1:] for line in self.lines if line[0] != "-")

    def patch(self) -> str:
        old = sum(line[0] != "+" for line in self.lines)
        new = sum(line[0] != "-" for line in self.lines)
        names = f"--- a/{self.path}" if old else "new file mode 100644\n--- /dev/null"
        hunk = f"@@ -{1 if old else 0},{old} +1,{new} @@"
        return f"diff --git a/{self.path} b/{self.path}\n{names}\n+++ b/{self.path}\n{hunk}\n{_text(self.lines)}"

    def changed(self) -> set[int]:
        """Lines at head that were added, or that stand beside removed ones."""
        number, found = 0, set()
        for line in self.lines:
            number += line[0] != "-"
            if line[0] == "+":
                found.add(number)
            elif line[0] == "-":
                found |= {number, number + 1}
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class SeededCase:
    name: str
    language: str
    title: str
    tempting: str
    files: tuple[SeededFile, ...]
    labels: tuple[Label, ...]
    quotes: tuple[str, ...]
    """What stands in the first line of each label."""

    def build(self, folder: Path) -> tuple[str, str]:
        """Make a repository in *folder* (made here); returns the names of its two commits."""
        folder.mkdir(parents=True)
        _git(folder, "init", "--quiet", "--initial-branch=main")
        commits = []
        for version in (SeededFile.before, SeededFile.after):
            for file in self.files:
                text = version(file)
                if text is not None:
                    target = folder / file.path
                    target.parent.mkdir(parents=True, exist_ok=True)
                    target.write_text(text, encoding="utf-8")
            _git(folder, "add", "--all")
            _git(folder, "commit", "--quiet", "--allow-empty", "--message", self.title)
            commits.append(_git(folder, "rev-parse", "HEAD").strip())
        return commits[0], commits[1]


def load(folder: Path = FOLDER) -> list[SeededCase]:
    return [_case(path) for path in sorted(folder.glob("*.toml"))]


def _case(path: Path) -> SeededCase:
    text = path.read_text(encoding="utf-8")
    for stand_in, credential in _CREDENTIALS.items():
        text = text.replace(stand_in, credential)
    raw = tomllib.loads(text)
    defects = raw.get("defects", [])
    return SeededCase(
        name=path.stem,
        language=raw["language"],
        title=raw["title"],
        tempting=raw.get("tempting", ""),
        files=tuple(
            SeededFile(path=file["path"], lines=tuple(line or " " for line in file["diff"].splitlines()))
            for file in raw["files"]
        ),
        labels=tuple(
            Label(
                path=defect["path"],
                start=defect["lines"][0],
                end=defect["lines"][1],
                category=defect["category"],
                severity=defect["severity"],
                kind=defect["kind"],
                why=defect["why"],
            )
            for defect in defects
        ),
        quotes=tuple(defect["quote"] for defect in defects),
    )


def _text(lines: Iterator[str] | tuple[str, ...]) -> str:
    return "".join(f"{line}\n" for line in lines)


def _git(folder: Path, *args: str) -> str:
    environ = {**_GIT, "PATH": os.environ["PATH"], "HOME": str(folder)}
    done = subprocess.run(["git", *args], cwd=folder, env=environ, check=True, capture_output=True, text=True)
    return done.stdout
