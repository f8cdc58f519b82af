"""From a module to its page: every public symbol, what humans wrote about it, and facts read from the code.

Facts that nobody wrote are marked "from the code"; prose that nobody wrote is marked ``doc-status: missing``.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Final

from tta_orchestrate.domain.symbol import Doc, DocField, Kind, Knob, Markup, Module, Parameter, Symbol
from tta_orchestrate.modes.docgen import diagrams, prose
from tta_orchestrate.modes.docgen.escape import one_line
from tta_orchestrate.modes.docgen.index import Desk
from tta_orchestrate.modes.docgen.model import (
    DASH,
    Block,
    Code,
    Fence,
    Inline,
    Link,
    Origin,
    Page,
    PageRef,
    Strong,
    Text,
    block_id,
)
from tta_orchestrate.syntax.digest import digest

FROM_CODE: Final = " · from the code"
_LONG_SIGNATURE: Final = 160
_MAX_CALLS: Final = 15
_LABELS: Final = {"Raises": "Raises", "Returns": "Returns"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """Prose that a model wrote for a symbol and that passed the truth gate; ``stale``: the code has changed since."""

    text: str
    model: str
    stale: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """The words of the generator itself, in the language of the prose."""

    overview: str = "Overview"
    api: str = "API"
    parameters: str = "Parameters"
    returns: str = "Returns"
    raises: str = "Raises"
    example: str = "Example"
    used_by: str = "Used by"
    calls: str = "Calls"
    imports: str = "Imports"
    bases: str = "Bases"
    options: str = "Command-line options"
    environment: str = "Environment variables"
    deprecated: str = "Deprecated"
    exports: str = "Re-exports"
    default: str = "default"
    from_code: str = "from the code"
    partial: str = "This file could not be read completely"
    undeclared: str = "Declared public, but not defined"
    phantom: str = "documented, but not a parameter"
    tested: str = "from the tests"
    more: str = "more"
    source: str = "Source"
    diagram: str = "Diagram"


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """What is the same for a whole page: how sources are linked, what models wrote, whose words are used."""

    link: Callable[[str, str, int, int], Inline | None]
    """From (symbol path, its digest, first line, last line) to a link to the source."""
    fence: str = ""
    written: Mapping[str, Written] = field(default_factory=dict)
    snippet: Callable[[str, int, int], str] = lambda _path, _start, _end: ""
    words: Words = field(default_factory=Words)


def build_page(module: Module, desk: Desk, frame: Frame) -> Page:
    """Return the page of *module*."""
    return _Builder(module, desk, frame).page()


class _Builder:
    def __init__(self, module: Module, desk: Desk, frame: Frame) -> None:
        self.module = module
        self.desk = desk
        self.frame = frame
        self.words = frame.words

    def page(self) -> Page:
        module = self.module
        sections = [
            self._problems(),
            self._overview(),
            self._exports(),
            self._api(),
            self._knobs("options", self.words.options, module.options),
            self._knobs("environment", self.words.environment, module.environment),
            self._relations(),
            *diagrams.of_module(module, self.words.diagram),
        ]
        return Page(
            name=module.key,
            title=module.key.replace("/", "." if module.language == "python" else "/"),
            properties=tuple(self._properties()),
            blocks=tuple(section for section in sections if section is not None),
        )

    def _properties(self) -> Iterator[tuple[str, tuple[Inline, ...]]]:
        module = self.module
        package = module.key.partition("/")[0]
        yield "type", (PageRef("Module"),)
        yield "language", (Text(module.language),)
        if package != module.key:
            yield "package", (PageRef(package),)
        link = self.frame.link("", digest(module.doc.text if module.doc else ""), 1, 0)
        yield "source", (link or Text(module.path),)
        yield "status", (PageRef("Generated"),)
        if module.problems:
            yield "parse-status", (Text("partial"),)
        public = list(module.public())
        described = sum(bool(s.doc and s.doc.text.strip()) or s.path in self.frame.written for s in public)
        yield "documented", (Text(f"{described} of {len(public)}"),)
        yield "tags", (Text(f"api, {module.language}"),)

    def _section(self, key: str, title: str, children: Sequence[Block], **properties: str) -> Block:
        return Block(
            key=key,
            body=(Text(title),),
            heading=2,
            id=block_id(self.desk.index.project, f"{self.module.key}||{key}"),
            properties=tuple(sorted((name.replace("_", "-"), value) for name, value in properties.items())),
            children=tuple(children),
        )

    def _problems(self) -> Block | None:
        if not self.module.problems:
            return None
        body = [
            Block(
                key=f"problems/{n}", body=(Code(f"{self.module.path}:{p.line}"), Text(f"{DASH}{one_line(p.message)}"))
            )
            for n, p in enumerate(self.module.problems)
        ]
        return self._section("problems", self.words.partial, body)

    def _overview(self) -> Block:
        doc = self.module.doc
        prose_blocks = [*self._described("overview", doc, "")]
        written = self.frame.written.get("")
        if not prose_blocks and written is not None:
            prose_blocks = list(self._from_model("overview", written, ""))
        if prose_blocks:
            status = {"doc_status": _status(written)} if written and not (doc and doc.text.strip()) else {}
            return self._section("overview", self.words.overview, prose_blocks, **status)
        public = sum(1 for _ in self.module.public())
        fact = (Code(self.module.path), Text(f"{DASH}{public} public symbols"))
        return self._section(
            "overview", self.words.overview, [Block(key="overview/fact", body=fact)], doc_status="missing"
        )

    def _exports(self) -> Block | None:
        rows: list[Block] = []
        for name, target in self.module.exports.items():
            place = self.desk.find(target)
            body: tuple[Inline, ...] = (Code(name),)
            if place is not None:
                body = (Code(name), Text(DASH), self.desk.link(place, target.replace("/", ".")))
            rows.append(Block(key=f"exports/{name}", body=body))
        rows += [
            Block(key=f"exports/{name}", body=(Code(name), Text(f"{DASH}{self.words.undeclared}")))
            for name in self.module.missing_exports
            if self.desk.find(f"{self.module.key}/{name}") is None
        ]
        return self._section("exports", self.words.exports, rows) if rows else None

    def _api(self) -> Block | None:
        symbols = [self._symbol(s, 3) for s in self.module.symbols if s.public]
        return self._section("api", self.words.api, symbols) if symbols else None

    def _symbol(self, symbol: Symbol, heading: int) -> Block:
        key = f"symbol:{symbol.path}"
        children = [
            *self._prose(key, symbol),
            *self._deprecated(key, symbol),
            *self._parameters(key, symbol),
            *self._returned(key, symbol),
            *self._raised(key, symbol),
            *self._examples(key, symbol),
            *self._inherits(key, symbol),
            *self._traffic(key, symbol),
            *(self._symbol(m, min(heading + 1, 6)) for m in symbol.members if m.public),
        ]
        body, exact = _title(symbol)
        if exact is not None:
            children.insert(0, Block(key=f"{key}/signature", fence=Fence(language=self.frame.fence, text=exact)))
        return Block(
            key=key,
            body=body,
            heading=heading,
            id=block_id(self.desk.index.project, f"{self.module.key}|{symbol.path}"),
            properties=tuple(self._symbol_properties(symbol)),
            children=tuple(children),
        )

    def _symbol_properties(self, symbol: Symbol) -> Iterator[tuple[str, str]]:
        yield "kind", symbol.kind.value
        if not (symbol.doc and symbol.doc.text.strip()):
            written = self.frame.written.get(symbol.path)
            yield "doc-status", _status(written) if written else "missing"

    def _prose(self, key: str, symbol: Symbol) -> Iterator[Block]:
        link = self.frame.link(symbol.path, symbol.digest, symbol.start_line, symbol.end_line)
        if link is not None:
            yield Block(key=f"{key}/source", body=(Text(f"{self.words.source}: "), link))
        described = list(self._described(f"{key}/doc", symbol.doc, symbol.path))
        written = self.frame.written.get(symbol.path)
        if described or written is None:
            yield from described
        else:
            yield from self._from_model(f"{key}/doc", written, symbol.path)

    def _from_model(self, key: str, written: Written, owner: str) -> Iterator[Block]:
        resolve = partial(self._resolve, owner)
        yield from prose.blocks(
            written.text, key, resolve, markup=Markup.MARKDOWN, fence=self.frame.fence, origin=Origin.MODEL
        )

    def _described(self, key: str, doc: Doc | None, owner: str) -> Iterator[Block]:
        if doc is None:
            return
        render = partial(prose.blocks, resolve=partial(self._resolve, owner), markup=doc.markup, fence=self.frame.fence)
        yield from render(doc.text, key)
        for n, (title, text) in enumerate(doc.notes):
            children = render(text, f"{key}/note{n}")
            yield Block(
                key=f"{key}/note{n}",
                body=(Strong(one_line(title) or "Note"),),
                children=children,
                origin=Origin.DOCSTRING,
            )

    def _resolve(self, owner: str, name: str) -> Inline | None:
        place = self.desk.name(name, owner)
        if place is None or (place.key == self.module.key and place.symbol == owner):
            return None
        return self.desk.link(place, name)

    def _deprecated(self, key: str, symbol: Symbol) -> Iterator[Block]:
        documented = symbol.doc.deprecated if symbol.doc else ""
        if documented or symbol.deprecated:
            said: Inline = Text(f"{DASH}{one_line(documented)}") if documented else Code(symbol.deprecated)
            yield Block(key=f"{key}/deprecated", body=(Strong(self.words.deprecated), Text(" "), said))

    def _parameters(self, key: str, symbol: Symbol) -> Iterator[Block]:
        documented = {f.name: f for f in symbol.doc.parameters} if symbol.doc else {}
        rows = [self._parameter(key, symbol, p, documented.pop(p.name, None)) for p in symbol.parameters]
        accepts_more = any(p.written == "**" for p in symbol.parameters)
        for name, extra in documented.items():
            note = "" if accepts_more or not symbol.parameters else f" ({self.words.phantom})"
            rows.append(self._field(f"{key}/parameters/{name}", extra, name, symbol.path, note=note))
        if rows:
            yield Block(key=f"{key}/parameters", body=(Strong(self.words.parameters),), children=tuple(rows))

    def _parameter(self, key: str, symbol: Symbol, p: Parameter, doc: DocField | None) -> Block:
        stars = p.written if p.written in {"*", "**"} else ""
        shown = f"{stars}{p.name}" + (f": {p.type}" if p.type else "")
        documented = doc or DocField(name=p.name)
        stated = f" ({one_line(documented.type)})" if documented.type and not p.type else ""
        default: tuple[Inline, ...] = (Text(f"{DASH}{self.words.default} "), Code(p.default)) if p.default else ()
        return self._field(f"{key}/parameters/{p.name}", documented, shown, symbol.path, after=default, note=stated)

    def _field(
        self, key: str, doc: DocField, shown: str, owner: str, *, after: tuple[Inline, ...] = (), note: str = ""
    ) -> Block:
        markup = Markup.RST
        found = prose.blocks(doc.text, key, partial(self._resolve, owner), markup=markup, fence=self.frame.fence)
        head, rest = (found[0].body, found[1:]) if found and found[0].fence is None else ((), found)
        children = (found[0].children if head else ()) + tuple(rest)
        body: list[Inline] = [Code(shown)] if shown else []
        if note:
            body.append(Text(note))
        body += after
        if head:
            body += [Text(DASH), *head] if body else head
        origin = Origin.DOCSTRING if doc.text else Origin.DERIVED
        return Block(key=key, body=tuple(body) or (Text("…"),), children=children, origin=origin)

    def _returned(self, key: str, symbol: Symbol) -> Iterator[Block]:
        documented = symbol.doc.returns if symbol.doc else ()
        if documented:
            rows = [
                self._field(
                    f"{key}/returns/{n}", f, f.type or f.name or (symbol.returns if n == 0 else ""), symbol.path
                )
                for n, f in enumerate(documented)
            ]
            yield Block(key=f"{key}/returns", body=(Strong(self.words.returns),), children=tuple(rows))
        elif symbol.returns not in {"", "None", "void", "Unit", "()"} and symbol.kind in {Kind.FUNCTION, Kind.METHOD}:
            body = (Strong(self.words.returns), Text(" "), Code(symbol.returns), Text(f" · {self.words.from_code}"))
            yield Block(key=f"{key}/returns", body=body)

    def _raised(self, key: str, symbol: Symbol) -> Iterator[Block]:
        documented = symbol.doc.raises if symbol.doc else ()
        rows = [self._field(f"{key}/raises/{n}", f, f.type or f.name, symbol.path) for n, f in enumerate(documented)]
        known = {(f.type or f.name).rpartition(".")[2] for f in documented}
        derived = (name for name in symbol.raises if name.rpartition(".")[2] not in known)
        tail = Text(f" · {self.words.from_code}")
        rows += [Block(key=f"{key}/raises/{name}", body=(Code(name), tail)) for name in derived]
        if rows:
            yield Block(key=f"{key}/raises", body=(Strong(self.words.raises),), children=tuple(rows))

    def _examples(self, key: str, symbol: Symbol) -> Iterator[Block]:
        for n, text in enumerate(symbol.doc.examples if symbol.doc else ()):
            language = "pycon" if text.lstrip().startswith(">>>") else self.frame.fence
            code = Block(
                key=f"{key}/example{n}/code", fence=Fence(language=language, text=text), origin=Origin.DOCSTRING
            )
            yield Block(key=f"{key}/example{n}", body=(Strong(self.words.example),), children=(code,))
        example = self.desk.example(symbol.path)
        text = self.frame.snippet(example.path, example.start_line, example.end_line) if example else ""
        if example and text:
            body = (
                Strong(self.words.example),
                Text(f" · {self.words.tested} "),
                Code(f"{example.path}::{example.name}"),
            )
            code = Block(key=f"{key}/tested/code", fence=Fence(language=self.frame.fence, text=text))
            yield Block(key=f"{key}/tested", body=body, children=(code,))

    def _inherits(self, key: str, symbol: Symbol) -> Iterator[Block]:
        if symbol.bases:
            body: list[Inline] = [Strong(self.words.bases), Text(" ")]
            for n, base in enumerate(symbol.bases):
                body += [*([Text(", ")] if n else []), self._resolve(symbol.path, base.partition("[")[0]) or Code(base)]
            yield Block(key=f"{key}/bases", body=tuple(body))

    def _traffic(self, key: str, symbol: Symbol) -> Iterator[Block]:
        called = {place: None for target in symbol.calls if (place := self.desk.find(target)) and place.symbol}
        places = [p for p in called if (p.key, p.symbol) != (self.module.key, symbol.path)]
        if places:
            yield self._links(f"{key}/calls", self.words.calls, places[:_MAX_CALLS], len(places[_MAX_CALLS:]))
        users, more = self.desk.users(symbol.path)
        if users:
            yield self._links(f"{key}/used-by", self.words.used_by, users, more)

    def _links(self, key: str, title: str, places: Sequence[object], more: int) -> Block:
        body: list[Inline] = [Strong(title), Text(f" · {self.words.from_code}: ")]
        for n, place in enumerate(places):
            label = getattr(place, "symbol", "") or getattr(place, "key", "")
            body += [*([Text(", ")] if n else []), self.desk.link(place, label)]  # type: ignore[arg-type]
        if more:
            body.append(Text(f" + {more} {self.words.more}"))
        return Block(key=key, body=tuple(body))

    def _knobs(self, key: str, title: str, knobs: Sequence[Knob]) -> Block | None:
        rows: dict[str, Block] = {}
        for knob in knobs:
            body: list[Inline] = [Code(knob.name)]
            if knob.default:
                body += [Text(f"{DASH}{self.words.default} "), Code(knob.default)]
            if knob.help:
                body += [Text(DASH), *prose.inlines(knob.help, partial(self._resolve, ""))]
            rows.setdefault(knob.name, Block(key=f"{key}/{knob.name}", body=tuple(body)))
        return self._section(key, f"{title} · {self.words.from_code}", list(rows.values())) if rows else None

    def _relations(self) -> Block | None:
        found = {place.key: None for name in self.module.imports if (place := self.desk.find(name)) is not None}
        imports = [key for key in found if key != self.module.key]
        users, more = self.desk.users("")
        groups = [
            (self.words.imports, "imports", imports, 0),
            (self.words.used_by, "used-by", [u.key for u in users], more),
        ]
        rows: list[Block] = []
        for title, key, pages, rest in groups:
            children = [Block(key=f"relations/{key}/{page}", body=(PageRef(page),)) for page in pages]
            if rest:
                children.append(Block(key=f"relations/{key}/more", body=(Text(f"+ {rest} {self.words.more}"),)))
            if children:
                rows.append(Block(key=f"relations/{key}", body=(Strong(title),), children=tuple(children)))
        return self._section("relations", f"{self.words.imports}, {self.words.used_by.lower()}", rows) if rows else None


def _status(written: Written) -> str:
    return "stale" if written.stale else "model"


def _title(symbol: Symbol) -> tuple[tuple[Inline, ...], str | None]:
    """Return the heading, and the exact signature when the heading had to be shortened."""
    flat = one_line(symbol.signature)
    if len(flat) <= _LONG_SIGNATURE and "`" not in flat and "::" not in flat:
        return (Code(flat),), None
    head = flat.partition("(")[0] if "(" in flat else symbol.name
    short = head if "::" not in head and "`" not in head and len(head) <= _LONG_SIGNATURE else symbol.name
    return (Code(f"{short}(…)" if "(" in flat else short),), symbol.signature


__all__ = ["Frame", "Link", "Words", "Written", "build_page"]
