"""The index of a book: which names exist and who uses them, and what each page asked of it.

A page depends on its own source and on the answers it got from the index. Both are kept in the manifest, so a page
is rebuilt exactly when one of them differs, however far away the change was.
"""

import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final

from tta_orchestrate.domain.symbol import Module
from tta_orchestrate.modes.docgen.model import BlockRef, Inline, PageRef, block_id
from tta_orchestrate.syntax.digest import digest

_MAX_HOPS: Final = 8
_SHOWN: Final = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """A test that calls a symbol: where it stands."""

    path: str
    name: str
    start_line: int
    end_line: int
    digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What the index keeps of one module. ``symbols`` maps each public dotted path to whether a human described it."""

    key: str
    path: str
    language: str
    described: bool = False
    symbols: Mapping[str, bool] = field(default_factory=dict)
    exports: Mapping[str, str] = field(default_factory=dict)
    calls: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    imports: tuple[str, ...] = ()
    partial: bool = False

    @classmethod
    def of(cls, module: Module) -> "Facts":
        """Return what the index keeps of *module*."""
        public = list(module.public())
        return cls(
            key=module.key,
            path=module.path,
            language=module.language,
            described=bool(module.doc and module.doc.text.strip()),
            symbols={s.path: bool(s.doc and s.doc.text.strip()) for s in public},
            exports=dict(module.exports),
            calls={s.path: s.calls for s in module.walk() if s.calls},
            imports=module.imports,
            partial=bool(module.problems),
        )


@dataclass(frozen=True, slots=True)
class Place:
    """A page, or a symbol on it (``symbol`` dotted, ``""`` for the page)."""

    key: str
    symbol: str = ""


class Index:
    """All modules of a book, by page name."""

    def __init__(
        self, project: str, facts: Iterable[Facts], examples: Callable[["Index"], Mapping[str, Example]] | None = None
    ) -> None:
        self.project = project
        self.facts = {f.key: f for f in sorted(facts, key=lambda f: f.key)}
        self._find_examples = examples
        self._users: dict[Place, set[Place]] | None = None
        self.names: frozenset[str] | None = None
        """Every segment of every name, once somebody collected them."""

    @cached_property
    def examples(self) -> Mapping[str, Example]:
        """From ``page#symbol`` to the test that shows it; found when first asked for."""
        return self._find_examples(self) if self._find_examples is not None else {}

    def find(self, path: str) -> Place | None:
        """Return what a slash path means, through re-exports; ``None`` when it is nothing of this book."""
        for _ in range(_MAX_HOPS):
            parts = path.split("/")
            cut = next((n for n in range(len(parts), 0, -1) if "/".join(parts[:n]) in self.facts), 0)
            if not cut:
                return None
            facts, rest = self.facts["/".join(parts[:cut])], parts[cut:]
            symbol = ".".join(rest)
            if not rest or symbol in facts.symbols:
                return Place(facts.key, symbol)
            target = facts.exports.get(rest[0])
            if target is None:
                return None
            path = "/".join([target, *rest[1:]])
        return None

    def users(self) -> Mapping[Place, set[Place]]:
        """Return who uses what: from each place to the places whose code names it."""
        if self._users is None:
            self._users = defaultdict(set)
            for facts in self.facts.values():
                self._collect(facts)
        return self._users

    def _collect(self, facts: Facts) -> None:
        users = self._users if self._users is not None else {}
        for name in facts.imports:
            place = self.find(name)
            if place is not None and place.key != facts.key:
                users[Place(place.key)].add(Place(facts.key))
        for symbol, targets in facts.calls.items():
            source = Place(facts.key, self.visible(facts, symbol))
            for target in targets:
                place = self.find(target)
                if place is not None and place.symbol and place != source:
                    users[place].add(source)

    @staticmethod
    def visible(facts: Facts, symbol: str) -> str:
        """Return *symbol*, or the nearest owner of it that has a place on the page."""
        while symbol and symbol not in facts.symbols:
            symbol = symbol.rpartition(".")[0]
        return symbol


class Desk:
    """The index as one page sees it; every question and answer is written down."""

    def __init__(self, index: Index, key: str) -> None:
        self.index = index
        self.key = key
        self.asked: dict[str, str] = {}

    def find(self, path: str) -> Place | None:
        """Look a slash path up."""
        return _place(self._ask(f"find {path}"))

    def name(self, name: str, owner: str) -> Place | None:
        """Look up a name as written in the documentation of symbol *owner* of this page."""
        return _place(self._ask(f"name {owner} {name}"))

    def users(self, symbol: str) -> tuple[tuple[Place, ...], int]:
        """Return who uses a symbol of this page (``""``: the page), at most twenty, and how many more there are."""
        answer = json.loads(self._ask(f"users {symbol}"))
        return tuple(Place(*pair) for pair in answer[0]), answer[1]

    def example(self, symbol: str) -> Example | None:
        """Return the shortest test that calls a symbol of this page."""
        answer = json.loads(self._ask(f"example {symbol}"))
        return Example(**answer) if answer else None

    def digest(self) -> str:
        """Return the digest of everything that was asked and answered."""
        return digest(json.dumps(sorted(self.asked.items())))

    def _ask(self, question: str) -> str:
        if question not in self.asked:
            self.asked[question] = answer(self.index, self.key, question)
        return self.asked[question]

    def link(self, place: Place, label: str = "") -> Inline:
        """Return a link to *place*."""
        if not place.symbol:
            return PageRef(place.key, label)
        identity = block_id(self.index.project, f"{place.key}|{place.symbol}")
        return BlockRef(identity, place.key, label or place.symbol)


def answers_digest(index: Index, key: str, questions: Iterable[str]) -> str:
    """Return what ``Desk.digest`` would say if page *key* asked *questions* of *index*."""
    return digest(json.dumps(sorted((q, answer(index, key, q)) for q in questions)))


def answer(index: Index, key: str, question: str) -> str:
    """Answer one question of page *key*, as JSON."""
    kind, _, rest = question.partition(" ")
    match kind:
        case "find":
            return _dump(index.find(rest))
        case "name":
            owner, _, name = rest.partition(" ")
            return _dump(_by_name(index, key, owner, name))
        case "users":
            found = sorted(index.users().get(Place(key, rest), ()), key=lambda p: (p.key, p.symbol))
            return json.dumps([[[p.key, p.symbol] for p in found[:_SHOWN]], max(len(found) - _SHOWN, 0)])
        case _:
            example = index.examples.get(f"{key}#{rest}")
            return json.dumps(_as_json(example) if example else None)


def _by_name(index: Index, key: str, owner: str, name: str) -> Place | None:
    path = name.replace("::", ".").replace("/", ".")
    facts = index.facts.get(key)
    scope = owner
    while facts is not None:
        candidate = f"{scope}.{path}" if scope else path
        if candidate in facts.symbols:
            return Place(key, candidate)
        if not scope:
            break
        scope = scope.rpartition(".")[0]
    if facts is not None and path.partition(".")[0] in facts.exports:
        return index.find(f"{key}/{path.replace('.', '/')}")
    return index.find(path.replace(".", "/")) if "." in path or path in index.facts else None


def _dump(place: Place | None) -> str:
    return json.dumps([place.key, place.symbol] if place else None)


def _place(text: str) -> Place | None:
    found = json.loads(text)
    return Place(*found) if found else None


def _as_json(example: Example) -> dict[str, Any]:
    return {name: getattr(example, name) for name in Example.__slots__}
