"""What Logseq's own parser (npm ``mldoc``) reads in a page, in the same terms as ``reading.py``: the oracle."""

import json
import subprocess
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent


class Mldoc:
    """A running mldoc; *modules* is a folder with ``node_modules/mldoc``."""

    def __init__(self, modules: Path) -> None:
        self.process = subprocess.Popen(
            ["node", str(HERE / "mldoc.js"), str(modules.resolve())],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            bufsize=1,
        )

    def parse(self, text: str) -> list[Any]:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps(text) + "\n")
        self.process.stdin.flush()
        return [node for node, _ in json.loads(self.process.stdout.readline())]

    def close(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait(timeout=30)


def outline(nodes: list[Any]) -> dict[str, Any]:
    """Return page properties, and per block: level, size, bullet, marker, properties, fences, references."""
    page: list[str] = []
    blocks: list[dict[str, Any]] = []
    begun = False
    for node in nodes:
        kind, *rest = node
        if kind == "Heading":
            head = rest[0]
            blocks.append(
                {
                    "level": head["level"] if head["unordered"] else 1,
                    "size": head.get("size") or 0,
                    "bullet": head["unordered"],
                    "marker": head.get("marker") or "",
                    "properties": [],
                    "fences": 0,
                    "refs": refs(head["title"]),
                }
            )
        elif kind == "Property_Drawer":
            names = [row[0] for row in rest[0]]
            if blocks:
                blocks[-1]["properties"] += names
            elif not page and not begun:
                page += names  # a second group is parsed, but dropped by Logseq
        elif kind == "Directive" and not blocks:
            page.append(rest[0])
        elif not blocks:
            begun = begun or (kind == "Paragraph" and not _blank(rest[0]))
        else:
            blocks[-1]["fences"] += kind in {"Src", "Example"}
            if kind != "Src":
                blocks[-1]["refs"] = merge(blocks[-1]["refs"], refs(rest))
    return {"properties": page, "blocks": blocks}


def _blank(inlines: list[Any]) -> bool:
    return all(item[0] == "Break_Line" or (item[0] == "Plain" and not item[1].strip()) for item in inlines)


def merge(one: dict[str, list[str]], other: dict[str, list[str]]) -> dict[str, list[str]]:
    return {kind: sorted(one[kind] + other[kind]) for kind in one}


def refs(tree: Any) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {"pages": [], "blocks": [], "tags": []}
    _walk(tree, found)
    return {kind: sorted(names) for kind, names in found.items()}


def _walk(tree: Any, found: dict[str, list[str]]) -> None:
    if not isinstance(tree, list):
        return
    if len(tree) > 1 and tree[0] == "Link" and isinstance(tree[1], dict):
        kind, target = tree[1]["url"][0], tree[1]["url"][1]
        if kind == "Page_ref":
            found["pages"].append(target)
        elif kind == "Block_ref":
            found["blocks"].append(target)
        return
    if len(tree) > 1 and tree[0] == "Tag":
        found["tags"].append(_words(tree[1]))
        return
    for child in tree:
        _walk(child, found)


def _words(tree: Any) -> str:
    if isinstance(tree, list) and len(tree) > 1 and tree[0] == "Plain":
        return str(tree[1])
    if isinstance(tree, list) and len(tree) > 1 and tree[0] == "Link" and isinstance(tree[1], dict):
        return str(tree[1]["url"][1])
    return "".join(_words(child) for child in tree) if isinstance(tree, list) else ""
