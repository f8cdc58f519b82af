"""What the harness on the JVM answers, read: tests, lines and branches."""

import json
import posixpath
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from tta_orchestrate.domain.measured import Measured
from tta_orchestrate.ports.test_runner import FAILED, PASSED, SKIPPED, Kit, Ran

OURS: Final = re.compile(r"Generated\d*Test\.(?:java|kt)$")
"""Files of this program's making: their tests go by the name of the method alone."""


def inside(path: str, kit: Kit) -> str:
    """Return *path* as the commands see it."""
    return posixpath.relpath(path, kit.folder or ".")


def outside(path: str, kit: Kit) -> str:
    """Return what the commands call *path* as the tree does."""
    return posixpath.normpath(posixpath.join(kit.folder, path)) if path else ""


def records(text: str, nonce: str) -> Iterator[dict[str, Any]]:
    """Yield the lines behind the nonce."""
    for line in text.split("\n"):
        if line.startswith(f"{nonce} "):
            try:
                record = json.loads(line[len(nonce) + 1 :])
            except (ValueError, RecursionError):
                continue
            if isinstance(record, dict):
                yield record


def ran(records: Sequence[Mapping[str, Any]], kit: Kit) -> Iterator[Ran]:
    """Yield what became of each test; one that began and did not end took the machine with it."""
    running: Mapping[str, Any] | None = None
    for record in records:
        if record.get("event") == "start":
            running = record
        elif record.get("event") == "test":
            running = None
            yield _one(record, kit, {"passed": PASSED, "skipped": SKIPPED}.get(str(record.get("outcome")), FAILED))
    if running is not None:
        yield _one({**running, "error": "ended the whole machine, or did not end"}, kit, FAILED)


def _one(record: Mapping[str, Any], kit: Kit, outcome: str) -> Ran:
    file, name, seconds = outside(str(record.get("file", "")), kit), str(record.get("name")), record.get("seconds")
    if not OURS.search(file):
        name = f"{posixpath.splitext(posixpath.basename(file))[0]}.{name}"
    return Ran(
        name=name, outcome=outcome, file=file, seconds=seconds if isinstance(seconds, float) else 0.0,
        error=str(record.get("error", "")), asserted=record.get("asserted") is True,
    )  # fmt: skip


def coverage(
    records: Sequence[Mapping[str, Any]], kit: Kit, texts: Mapping[str, str]
) -> Iterator[tuple[str, Measured]]:
    """Yield what of each source ran. Kotlin puts what it copies from other files behind the last line: left out."""
    for record in records:
        if record.get("event") == "coverage":
            path = outside(str(record["path"]), kit)
            last = texts.get(path, "").count("\n") + 1
            every = [(int(line), int(count)) for line, count in record["all"] if int(line) <= last]
            yield (
                path,
                Measured(
                    lines=frozenset(int(line) for line in record["lines"] if int(line) <= last),
                    branches=frozenset((int(line), int(n)) for line, n in record["branches"] if int(line) <= last),
                    all_lines=frozenset(line for line, _ in every),
                    all_branches=frozenset((line, number) for line, count in every for number in range(count)),
                ),
            )
