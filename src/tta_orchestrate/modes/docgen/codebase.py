"""What the repository is called and where it is hosted, from its own files."""

import re
import tomllib
from dataclasses import dataclass
from typing import Any

from tta_orchestrate.ports.language import Language
from tta_orchestrate.ports.tree import SourceTree


@dataclass(frozen=True, slots=True, kw_only=True)
class Codebase:
    """What is documented: its files, its name, where it is hosted, which languages are known."""

    tree: SourceTree
    project: str
    repository: str = ""
    server_url: str = ""
    languages: tuple[Language, ...] = ()
    before: SourceTree | None = None
    """The version to compare the public API with, ``None`` when there is none to be had."""
    shallow: bool = False
    """Whether the clone holds only a part of the history."""


def parse_remote(address: str) -> tuple[str, str]:
    """Return server address and ``owner/name`` of a git remote, two empty strings when it has none of the web."""
    match = re.fullmatch(r"(?:https?://|ssh://|git://)?(?:[^@/\s]*@)?([\w.-]+)(?::\d+)?[:/](.+?)(?:\.git)?/?", address)
    if match is None or "." not in match.group(1):
        return "", ""
    return f"https://{match.group(1)}", match.group(2).strip("/")


def project_name(tree: SourceTree, slug: str, folder: str) -> str:
    """Return the name in ``pyproject.toml``, else of the repository, else of the folder."""
    data = tree.read("pyproject.toml")
    if data is not None:
        try:
            project: Any = tomllib.loads(data.decode("utf-8", "replace")).get("project", {})
        except tomllib.TOMLDecodeError:
            project = {}
        name = project.get("name") if isinstance(project, dict) else None
        if isinstance(name, str) and re.fullmatch(r"[\w. -]+", name):
            return name
    return slug.rpartition("/")[2] or folder or "project"
