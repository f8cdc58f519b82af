"""The Logseq linter: what Logseq would misread, drop or merge in a file graph, without Logseq.

Rules are numbered after nothing but themselves; each message says what Logseq does with the line.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tta_orchestrate.modes.docgen.reading import PageReading, Reading, read_page, references
from tta_orchestrate.modes.docgen.store import case_collisions
from tta_orchestrate.modes.docgen.writers.logseq import decode_name, encode_name

_UUID: Final = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}")
_BAD_KEY: Final = re.compile(r"[\"^(){}*`\[\]\\|<>]|^#")
_MAX_BLOCK: Final = 10_000
_QUIET: Final = frozenset({"type", "status", "package", "tags", "alias", "language", "template"})
"""Properties whose references need no page of their own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One line that Logseq would not read as meant."""

    path: str
    line: int
    rule: str
    message: str


def lint_graph(folder: Path) -> tuple[Problem, ...]:
    """Return the problems of the graph in *folder*, by file and line."""
    files: dict[str, str] = {}
    found: list[Problem] = []
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if any(part.startswith(".") for part in Path(name).parts) or name.startswith("logseq/") or not path.is_file():
            continue
        if path.suffix == ".md":
            try:
                files[name] = path.read_bytes().decode("utf-8")
            except UnicodeDecodeError:
                found.append(Problem(path=name, line=1, rule="encoding", message="the file is not UTF-8"))
    config = folder / "logseq" / "config.edn"
    text = config.read_text(encoding="utf-8", errors="replace") if config.is_file() else ""
    return tuple(sorted([*found, *lint_files(files, config=text)], key=lambda p: (p.path, p.line, p.rule)))


def lint_files(files: Mapping[str, str], *, config: str = "") -> Sequence[Problem]:
    """Return the problems of a graph given as path to text; *config* is ``logseq/config.edn``."""
    readings = {path: read_page(text) for path, text in files.items()}
    found = [*_files(files, config)]
    for path, reading in readings.items():
        found += _page(path, files[path], reading)
    found += _identities(readings)
    found += _links(readings)
    return found


def lint_page(text: str, path: str = "page.md") -> tuple[Problem, ...]:
    """Return the problems of one page, links aside."""
    reading = read_page(text)
    return tuple(sorted([*_page(path, text, reading), *_identities({path: reading})], key=lambda p: (p.line, p.rule)))


def _files(files: Mapping[str, str], config: str) -> Iterator[Problem]:
    if any("___" in path or "%" in path for path in files) and ":file/name-format :triple-lowbar" not in config:
        message = "without :file/name-format :triple-lowbar Logseq decodes these file names the old way"
        yield Problem(path="logseq/config.edn", line=1, rule="name-format", message=message)
    for first, second in case_collisions([decode_name(Path(p).stem) for p in sorted(files)]):
        message = f"{first!r} and {second!r} are one page: names ignore case"
        yield Problem(path=f"pages/{encode_name(second)}.md", line=1, rule="case-collision", message=message)
    for path in files:
        if not path.startswith(("pages/", "journals/")):
            yield Problem(path=path, line=1, rule="place", message="pages live in pages/ or journals/")
        elif path.startswith("journals/") and not re.fullmatch(r"journals/\d{4}_\d\d_\d\d\.md", path):
            yield Problem(path=path, line=1, rule="journal-name", message="journals are called yyyy_MM_dd.md")
        elif path.startswith("pages/") and encode_name(decode_name(Path(path).stem)) != Path(path).stem:
            yield Problem(path=path, line=1, rule="file-name", message="Logseq would save this page under another name")


def _page(path: str, text: str, reading: PageReading) -> Iterator[Problem]:
    def problem(line: int, rule: str, message: str) -> Problem:
        return Problem(path=path, line=line, rule=rule, message=message)

    if "\r" in text:
        yield problem(1, "line-ends", "use line feeds alone")
    for line in reading.loose:
        yield problem(
            1, "loose-text", f"text before the first block, or a property that cuts off the rest: {line[:60]!r}"
        )
    if not reading.properties and any(not block.bullet for block in reading.blocks[:1]):
        yield problem(1, "title-heading", "a heading before the page properties makes them properties of the heading")
    for name, value in reading.properties:
        yield from (problem(1, rule, message) for rule, message in _property(name, value))
    for block in reading.blocks:
        yield from (problem(block.line, rule, message) for rule, message in _block(block))


def _property(name: str, value: str) -> Iterator[tuple[str, str]]:
    if _BAD_KEY.search(name):
        yield "property-name", f"{name!r} is no property name"
    elif not value:
        yield "empty-property", f"{name!r}:: without a value is a property all the same"
    if "`" in value:
        yield "property-value", "backticks do not protect references in property values"


def _block(block: Reading) -> Iterator[tuple[str, str]]:
    if not block.bullet:
        yield "bare-heading", "a heading outside a bullet starts a new block and takes the following ones away"
    if block.late_properties:
        yield "late-property", f"{block.late_properties[0][0]}:: after other text is not where Logseq looks"
    for name, value in block.properties:
        yield from _property(name, value)
        if name == "id" and not _UUID.fullmatch(value):
            yield "id", f"{value!r} is no UUID: Logseq makes a new one at every import"
    yield from _text(block)


def _text(block: Reading) -> Iterator[tuple[str, str]]:
    if block.unclosed:
        yield "open-fence", "the code fence is never closed"
    if block.long_fence or any(line.startswith("````") for line in block.lines()):
        yield "long-fence", "fences have exactly three characters"
    if block.title.startswith("<"):
        yield "html-start", "a block that starts with HTML loses its id"
    if block.title.startswith("|"):
        yield "table-start", "a table on the bullet line loses its header"
    if sum(map(len, block.lines())) > _MAX_BLOCK:
        yield "long-block", "above 10,000 characters Logseq neither edits nor finds it"


def _identities(readings: Mapping[str, PageReading]) -> Iterator[Problem]:
    seen: dict[str, str] = {}
    for path, reading in readings.items():
        for block in reading.blocks:
            for value in (v for name, v in block.properties if name == "id"):
                if value in seen:
                    message = f"the id stands in {seen[value]} too: Logseq gives this block a new one"
                    yield Problem(path=path, line=block.line, rule="duplicate-id", message=message)
                seen.setdefault(value, path)


def _links(readings: Mapping[str, PageReading]) -> Iterator[Problem]:
    pages = {decode_name(Path(path).stem).casefold() for path in readings}
    ids: set[str] = set()
    for reading in readings.values():
        properties = [*reading.properties, *(p for block in reading.blocks for p in block.properties)]
        ids |= {value for name, value in properties if name == "id"}
        pages |= {
            alias.strip().casefold() for name, value in properties if name == "alias" for alias in value.split(",")
        }
        for name, value in properties:
            if name in _QUIET:
                pages |= {page.casefold() for page in references(value).pages}
    for path, reading in readings.items():
        for block in reading.blocks:
            found = references("\n".join(block.lines()))
            for page in (*found.pages, *found.tags):
                if page.casefold() not in pages:
                    yield Problem(path=path, line=block.line, rule="no-such-page", message=f"there is no page {page!r}")
            for block_id in found.blocks:
                if block_id not in ids:
                    message = f"there is no block {block_id!r}"
                    yield Problem(path=path, line=block.line, rule="no-such-block", message=message)
