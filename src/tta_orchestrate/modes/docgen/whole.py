"""Pages and files about the whole: home, what is missing, ``llms.txt``, the coverage badge."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from tta_orchestrate.modes.docgen import diagrams
from tta_orchestrate.modes.docgen.index import Facts, Index, Place
from tta_orchestrate.modes.docgen.model import DASH, Block, BlockRef, Inline, Page, PageRef, Text, block_id

_GREEN, _YELLOW = 80, 50


@dataclass(frozen=True, slots=True, kw_only=True)
class DocCoverage:
    """How many public symbols (modules included) have prose, by a human or by a checked model."""

    symbols: int
    described: int

    @property
    def percent(self) -> float:
        """In 0..100, one decimal place, rounded down: 100 means all."""
        return 100.0 if not self.symbols else int(1000 * self.described / self.symbols) / 10


def coverage(index: Index, written: Mapping[str, frozenset[str]]) -> DocCoverage:
    """Count; *written* names the symbols that models described, by page."""
    symbols, described = 0, 0
    for key, facts in index.facts.items():
        known = {**facts.symbols, "": facts.described}
        symbols += len(known)
        described += sum(1 for path, has in known.items() if has or path in written.get(key, frozenset()))
    return DocCoverage(symbols=symbols, described=described)


def home_name(project: str) -> str:
    """Return the name of the home page."""
    return f"{project} documentation"


def missing_name(project: str) -> str:
    """Return the name of the page that lists what has no prose."""
    return f"{project} documentation/missing"


def home_page(index: Index, done: DocCoverage) -> Page:
    """Return the page that leads to all others: a tree of packages, numbers, the import graph."""
    name = home_name(index.project)
    identity = block_id(index.project, f"{name}||modules")
    rows = (
        Block(key="numbers/modules", body=(Text(f"{len(index.facts)} modules, {done.symbols} public symbols"),)),
        Block(
            key="numbers/coverage", body=(Text(f"{done.described} of {done.symbols} described{DASH}"), _missing(index))
        ),
    )
    numbers = Block(key="numbers", body=(Text("Numbers"),), heading=2, children=rows)
    modules = Block(key="modules", body=(Text("Modules"),), heading=2, id=identity, children=_tree(index))
    graph = diagrams.of_imports(_imports(index), "Imports")
    blocks = [numbers, modules, *([graph] if graph else [])]
    properties: tuple[tuple[str, tuple[Inline, ...]], ...] = (
        ("type", (PageRef("Documentation"),)),
        ("status", (PageRef("Generated"),)),
    )
    return Page(name=name, title=f"{index.project} documentation", properties=properties, blocks=tuple(blocks))


def _missing(index: Index) -> Inline:
    return PageRef(missing_name(index.project), "what is missing")


def _tree(index: Index) -> tuple[Block, ...]:
    """One block per module, beneath the module whose name begins its own."""
    beneath: dict[str, list[str]] = {}
    for key in index.facts:
        parent = key.rpartition("/")[0]
        while parent and parent not in index.facts:
            parent = parent.rpartition("/")[0]
        beneath.setdefault(parent, []).append(key)

    def branch(parent: str) -> tuple[Block, ...]:
        keys = sorted(beneath.get(parent, ()))
        return tuple(Block(key=f"module/{key}", body=(PageRef(key),), children=branch(key)) for key in keys)

    return branch("")


def _imports(index: Index) -> Mapping[str, list[str]]:
    graph: dict[str, list[str]] = {}
    for key, facts in index.facts.items():
        places = [place.key for name in facts.imports if (place := index.find(name)) is not None]
        graph[key] = places
    return graph


def missing_page(index: Index, written: Mapping[str, frozenset[str]]) -> Page:
    """Return the page that says which public symbols nobody described; for Logseq a query that stays live."""
    query = Block(key="query", body=(Text("Blocks without prose"),), heading=2, children=(_QUERY,), only=("logseq",))
    rows = [block for key, facts in index.facts.items() if (block := _missing_in(index, facts, key, written))]
    listed = Block(key="missing", body=(Text("Missing documentation"),), heading=2, children=tuple(rows))
    properties: tuple[tuple[str, tuple[Inline, ...]], ...] = (
        ("type", (PageRef("Documentation"),)),
        ("status", (PageRef("Generated"),)),
    )
    return Page(
        name=missing_name(index.project),
        title=f"{index.project}: missing documentation",
        properties=properties,
        blocks=(query, listed),
    )


_QUERY: Final = Block(key="query/macro", macro="query (property :doc-status missing)", only=("logseq",))


def _missing_in(index: Index, facts: Facts, key: str, written: Mapping[str, frozenset[str]]) -> Block | None:
    described = written.get(key, frozenset())
    paths = [path for path, has in facts.symbols.items() if not has and path not in described]
    if not paths and (facts.described or "" in described):
        return None
    children: list[Block] = []
    for path in paths:
        identity = block_id(index.project, f"{key}|{path}")
        children.append(Block(key=f"missing/{key}/{path}", body=(_cite(identity, Place(key, path)),)))
    return Block(key=f"missing/{key}", body=(PageRef(key), Text(f"{DASH}{len(paths)}")), children=tuple(children))


def _cite(identity: str, place: Place) -> Inline:
    return BlockRef(identity, place.key, place.symbol)


def llms_txt(index: Index, files: Mapping[str, str]) -> str:
    """Return ``llms.txt``: a title and one link per page (llmstxt.org)."""
    lines = [f"# {index.project}", "", f"> {len(index.facts)} modules, documented from the code.", "", "## Modules", ""]
    for key, facts in index.facts.items():
        link = files.get(key, "").replace("%", "%25").replace(" ", "%20")
        lines.append(f"- [{key}]({link}): {len(facts.symbols)} public symbols, {facts.path}")
    return "\n".join(lines) + "\n"


def badge(done: DocCoverage) -> str:
    """Return the JSON of a shields.io endpoint badge."""
    percent = done.percent
    colour = "brightgreen" if percent >= _GREEN else "yellow" if percent >= _YELLOW else "orange"
    content = {"schemaVersion": 1, "label": "docs", "message": f"{percent:g} %", "color": colour}
    return json.dumps(content, ensure_ascii=False) + "\n"
