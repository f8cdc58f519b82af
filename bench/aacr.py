"""Datasets in AACR-Bench's JSON form (github.com/alibaba/aacr-bench, dataset/positive_samples.json).

An array of pull requests; of each we read `githubPrUrl`, `project_main_language`, `source_commit` (the base),
`target_commit` (the head) and `comments`: `path`, `side` (left/right), `from_line` and `to_line` (both included),
`category`, `note`. `negative_samples.json` has the same form and holds comments that the annotators refused.

Assumed, because the form does not say so: lines count from 1; where `from_line` is larger than `to_line` they are
swapped; comments without lines are left out and counted; a category that begins with "security" is security, and one
that is not in ``_CATEGORIES`` fits any of ours. The dataset's own scoring asks a model whether two comments mean the
same; here place and category decide, so figures compare our configurations and not us with its published ones.

The repositories are not part of the dataset. They are looked for, already cloned, as OWNER/NAME, OWNER__NAME or NAME.
"""

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from quality import Label

_PULL_REQUEST = re.compile(r"github\.com/([^/\s]+)/([^/\s]+)/pull/(\d+)")
_CATEGORIES = {
    "code defect": "bug",
    "maintainability and readability": "maintainability",
    "performance": "performance",
}


class DatasetError(Exception):
    """The file is not in the form that is described here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PullRequest:
    name: str
    """OWNER/NAME#NUMBER"""
    language: str
    base: str
    head: str
    labels: tuple[Label, ...]
    without_lines: int

    def repository(self, clones: Path) -> Path | None:
        owner, name = self.name.split("#", maxsplit=1)[0].split("/")
        candidates = (clones / owner / name, clones / f"{owner}__{name}", clones / name)
        return next((path for path in candidates if path.is_dir()), None)


def load(path: Path) -> list[PullRequest]:
    try:
        records = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DatasetError(f"{path}: {error}") from error
    if not isinstance(records, list):
        raise DatasetError(f"{path}: an array of pull requests is expected")
    return [_pull_request(record, f"{path}[{number}]") for number, record in enumerate(records)]


def _pull_request(record: Any, where: str) -> PullRequest:
    try:
        found = _PULL_REQUEST.search(record["githubPrUrl"])
        if found is None:
            raise DatasetError(f"{where}: githubPrUrl names no pull request")
        comments = [_label(comment) for comment in record["comments"]]
        return PullRequest(
            name=f"{found[1]}/{found[2]}#{found[3]}",
            language=str(record["project_main_language"]).lower(),
            base=_commit(record["source_commit"]),
            head=_commit(record["target_commit"]),
            labels=tuple(label for label in comments if label),
            without_lines=comments.count(None),
        )
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise DatasetError(f"{where}: {type(error).__name__}: {error}") from error


def _commit(name: Any) -> str:
    if not re.fullmatch(r"[0-9a-f]{7,64}", str(name)):
        raise DatasetError(f"{name!r} is no commit")
    return str(name)


def _label(comment: dict[str, Any]) -> Label | None:
    lines = [comment.get("from_line"), comment.get("to_line")]
    known = sorted(line for line in lines if isinstance(line, int) and line > 0)
    if not known:
        return None
    return Label(
        path=comment["path"],
        start=known[0],
        end=known[-1],
        side="LEFT" if str(comment.get("side", "right")).lower() == "left" else "RIGHT",
        category=_category(str(comment.get("category", "")).lower()),
        why=str(comment.get("note", "")),
    )


def _category(name: str) -> str:
    return "security" if name.startswith("security") else _CATEGORIES.get(name, "")
