"""Docgen from the sources to the changes of the docs folder. Pure: it reads through ports and returns what to write."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Final, Protocol

from tta_orchestrate.domain.booking import QUALITY_KEY
from tta_orchestrate.domain.cost import CostReport
from tta_orchestrate.domain.outcome import Outcome, Tally, conclude, decide
from tta_orchestrate.domain.report import Coverage, Failure, Report, Subject
from tta_orchestrate.errors import ConfigError
from tta_orchestrate.modes.docgen import whole
from tta_orchestrate.modes.docgen.build import Frame, build_page
from tta_orchestrate.modes.docgen.codebase import Codebase
from tta_orchestrate.modes.docgen.index import Desk, Facts
from tta_orchestrate.modes.docgen.links import SourceLinks
from tta_orchestrate.modes.docgen.manifest import FILENAME, Manifest, PageRecord, Prose
from tta_orchestrate.modes.docgen.merge import Merged, merge
from tta_orchestrate.modes.docgen.model import Page
from tta_orchestrate.modes.docgen.patch import make_patch
from tta_orchestrate.modes.docgen.plan import Plan, Source, Survey, make_plan, read_source, survey
from tta_orchestrate.modes.docgen.writers import Book, Writer, writer
from tta_orchestrate.modes.docgen.written import current_prose
from tta_orchestrate.ports.model import Engine
from tta_orchestrate.settings.docgen import Docgen
from tta_orchestrate.syntax.digest import digest
from tta_orchestrate.syntax.pyapi import Breakage, breakages

GENERATOR: Final = "1"
"""Raised whenever the same sources give other pages: every page is then made anew."""
_FEW_PAGES: Final = 4
_LISTED: Final = 20


class Docs(Protocol):
    """The docs folder as it is."""

    def read(self, path: str) -> str | None:
        """Return the text of a file, ``None`` when there is none."""
        ...

    def files(self) -> Sequence[str]:
        """Return the paths of all files."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What is asked for."""

    settings: Docgen
    quality_threshold: float = 0.85
    files: tuple[str, ...] = ()
    """Only the pages of these sources; empty means all."""
    prune: bool = False
    allow_removal: bool = False
    today: str = ""
    """``yyyy_MM_dd`` for the journal."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """The report, and the changes below the docs folder: path to text, ``None`` for a file to delete."""

    report: Report
    changes: Mapping[str, str | None] = field(default_factory=dict)


def run(request: Request, base: Codebase, docs: Docs, engine: Engine | None = None) -> Result:
    """Make the pages that are stale or missing; *engine* is ``None`` when no model is configured.

    Raises:
        ConfigError: nothing is there to document, names collide, or too many pages would vanish at once.
        SourceError: the manifest is broken.
    """
    return _Run(request, base, docs, engine).result()


class _Run:
    def __init__(self, request: Request, base: Codebase, docs: Docs, engine: Engine | None) -> None:
        self.request = request
        self.settings = request.settings
        self.base = base
        self.docs = docs
        self.engine = engine
        self.writer: Writer = writer(self.settings.format)
        self.old = load_manifest(docs)
        self.signature = signature_of(base, self.settings)
        self.changes: dict[str, str | None] = {}
        self.records: dict[str, PageRecord] = {}
        self.merged: dict[str, Merged] = {}
        self.failures: list[Failure] = []
        self.undone: tuple[Failure, ...] = ()
        self.scores: tuple[int, ...] = ()
        self.notices: list[str] = []

    def result(self) -> Result:
        found = survey(self.base.tree, self.settings, self.base.languages)
        self._refuse_nothing(found)
        plan = make_plan(found, self.old, signature=self.signature, project=self.base.project, only=self.request.files)
        if not self.request.files:
            self._restore(plan)
        prose = self._upgrade(plan, found)
        if self._settled(plan, prose):
            self.records = dict(self.old.pages)
            done = whole.coverage(plan.index, self._written())
            self._failures(plan)
            return Result(report=self._report(plan, found, done))
        self.records = {k: p for k, p in self.old.pages.items() if k in found.sources or p.path == "" or k in plan.gone}
        book = self._book(plan)
        for key in sorted({*plan.stale, *prose}):
            self._module_page(key, plan, found.sources[key], book, prose.get(key))
        for key in plan.gone:
            self._gone_page(key)
        self._guard(plan)
        done = whole.coverage(plan.index, self._written())
        if not self.request.files:
            self._whole(plan, book, done)
        self._failures(plan)
        self._manifest(plan)
        return Result(report=self._report(plan, found, done), changes=dict(self.changes))

    def _restore(self, plan: Plan) -> None:
        """Make pages anew whose files are gone; pruning looks at every page."""
        there = set(self.docs.files())
        lost = {key for key in plan.index.facts if (p := self.old.pages.get(key)) and p.file not in there}
        every = plan.index.facts if self.request.prune else ()
        plan.stale = tuple(sorted({*plan.stale, *lost, *every}))

    def _settled(self, plan: Plan, prose: Mapping[str, Mapping[str, Prose]]) -> bool:
        """Whether nothing has changed since the last complete run, so that nothing needs to be looked at."""
        same = plan.index_digest == self.old.index and self.signature == self.old.signature
        fresh = self.old.writer == self.writer.name
        open_ends = plan.stale or plan.gone or prose or self.request.prune or self.request.files
        return same and fresh and not open_ends

    def _refuse_nothing(self, found: Survey) -> None:
        wanted = self.request.files
        if wanted and not any(source.path in wanted for source in found.sources.values()):
            raise ConfigError(
                f"nothing to document in {', '.join(wanted)}", remedy="check the path, and docgen.include and .exclude"
            )
        if not found.sources and any(page.path for page in self.old.pages.values()):
            raise ConfigError(
                "no source file is left, but there are pages",
                remedy="the checkout looks empty; if it is meant, delete the docs folder",
            )

    def _upgrade(self, plan: Plan, found: Survey) -> Mapping[str, Mapping[str, Prose]]:
        if self.engine is None or not self.settings.max_model_blocks:
            return {}
        from tta_orchestrate.modes.docgen.upgrade import upgrade

        outcome = upgrade(
            plan, found, self.old, self.engine, self.settings, quality_threshold=self.request.quality_threshold
        )
        self.notices += outcome.notices
        self.undone = outcome.undone
        self.scores = outcome.scores
        return outcome.prose

    def _book(self, plan: Plan) -> Book:
        project = self.base.project
        home, missing = whole.home_name(project), whole.missing_name(project)
        files = {key: self.writer.filename(key) for key in plan.index.facts}
        files |= {home: self.writer.filename(home, home=True), missing: self.writer.filename(missing)}
        self._refuse_collisions(files)
        return Book(project=project, home=home, titles={key: key for key in files}, files=files)

    def _refuse_collisions(self, files: Mapping[str, str]) -> None:
        ours = {path.casefold(): path for path in files.values()}
        if len(ours) != len(files):
            raise ConfigError("two pages would have the same file", remedy="exclude one of them: docgen.exclude")
        for path in self.docs.files():
            mine = ours.get(path.casefold())
            if mine is not None and mine != path:
                raise ConfigError(
                    f"{mine} differs from the existing {path} only by case", remedy="rename or remove the existing file"
                )

    def _module_page(self, key: str, plan: Plan, source: Source, book: Book, prose: Mapping[str, Prose] | None) -> None:
        module = plan.modules.get(key) or read_source(source)
        plan.modules[key] = module
        old = self.old.pages.get(key)
        known_prose = dict(old.prose if old else {}) | dict(prose or {})
        links = SourceLinks(module.path, old.evidence if old else {}, self.base, self.settings)
        desk = Desk(plan.index, key)
        written, kept = current_prose(module, known_prose)
        frame = Frame(link=links.link, fence=source.language.fence, written=written, snippet=self._snippet)
        page = build_page(module, desk, frame)
        record = PageRecord(
            key=key,
            path=module.path,
            file=book.files[key],
            digest=source.digest,
            facts=Facts.of(module),
            questions=tuple(sorted(desk.asked)),
            answers=desk.digest(),
            evidence=links.evidence,
            prose=kept,
        )
        self._merge(page, record, book)

    def _snippet(self, path: str, start: int, end: int) -> str:
        data = self.base.tree.read(path)
        if data is None:
            return ""
        import textwrap

        lines = data.decode("utf-8", "replace").splitlines()[start - 1 : end]
        return textwrap.dedent("\n".join(lines)).strip("\n")

    def _merge(self, page: Page, record: PageRecord, book: Book) -> None:
        old = self.old.pages.get(record.key)
        same_writer = self.old.writer in {"", self.writer.name}
        current = self.docs.read(record.file)
        merged = merge(
            self.writer.render(page, book),
            self.writer.dissect(current) if current is not None else None,
            old.known if old and same_writer else None,
            old.head if old and same_writer else "",
            self.writer,
            prune=self.request.prune,
        )
        self.records[record.key] = replace(record, head=merged.head, blocks=merged.known.to_json())
        self.merged[record.key] = merged
        self._change(record.file, self.writer.assemble(merged.piece), current)

    def _change(self, path: str, text: str, current: str | None) -> None:
        """Remember a change; a file that says the same in another spelling stays as it is."""
        if current is None or (text != current and text != self._normal(path, current)):
            self.changes[path] = text

    def _normal(self, path: str, text: str) -> str:
        return self.writer.assemble(self.writer.dissect(text)) if path.endswith(".md") else text

    def _gone_page(self, key: str) -> None:
        record = self.old.pages[key]
        current = self.docs.read(record.file)
        if current is None:
            self.records.pop(key, None)
            return
        if self.request.prune and self._pristine(record, current):
            self.changes[record.file] = None
            self.records.pop(key, None)
            return
        self.records[key] = replace(record, removed=True)
        if record.removed:
            return
        piece = self.writer.dissect(current)
        marked = self.writer.head_property(piece, "status", "[[Removed]]")
        self.records[key] = replace(self.records[key], head=marked.text)
        self._change(record.file, self.writer.assemble(marked), current)

    def _pristine(self, record: PageRecord, current: str) -> bool:
        from tta_orchestrate.modes.docgen.merge import untouched

        return record.known is not None and untouched(record.known, self.writer.dissect(current), self.writer)

    def _guard(self, plan: Plan) -> None:
        known = [page for page in self.old.pages.values() if page.path and not page.removed]
        if self.request.allow_removal or len(known) < _FEW_PAGES:
            return
        lost = [key for key in plan.gone if not self.old.pages[key].removed]
        shrunk = [k for k, m in self.merged.items() if (o := self.old.pages.get(k)) and _shrunk(o, m)]
        if len(lost) + len(shrunk) > self.settings.max_removed_share * len(known):
            raise ConfigError(
                f"{len(lost)} of {len(known)} pages would vanish and {len(shrunk)} shrink to less than half: "
                "nothing was written",
                remedy="check the checkout; if it is meant, run with --allow-removal or raise docgen.max_removed_share",
            )

    def _written(self) -> Mapping[str, frozenset[str]]:
        return {key: frozenset(page.prose) for key, page in self.records.items() if page.prose}

    def _whole(self, plan: Plan, book: Book, done: whole.DocCoverage) -> None:
        index = plan.index
        for page in (whole.home_page(index, done), whole.missing_page(index, self._written())):
            self._merge(page, PageRecord(key=page.name, path="", file=book.files[page.name], digest=""), book)
        texts = {"llms.txt": whole.llms_txt(index, book.files), "badge.json": whole.badge(done)}
        for path, text in texts.items():
            current = self.docs.read(path)
            if current != text:
                self.changes[path] = text
        for path, text in self.writer.extras(book).items():
            if self.docs.read(path) is None:
                self.changes[path] = text
        self._journal(book)

    def _journal(self, book: Book) -> None:
        pages = sorted(k for k, f in book.files.items() if f in self.changes)
        if self.settings.journal and self.settings.format == "logseq" and pages and self.request.today:
            path = f"journals/{self.request.today}.md"
            current = self.docs.read(path)
            entry = "\n".join(["- Documentation refreshed", *(f"\t- [[{page}]]" for page in pages)])
            self.changes[path] = f"{current.rstrip()}\n{entry}\n" if current else f"{entry}\n"

    def _failures(self, plan: Plan) -> None:
        for key, facts in plan.index.facts.items():
            if facts.partial:
                self.failures.append(
                    Failure(unit=key, path=facts.path, reason="syntax error: the page is marked parse-status: partial")
                )

    def _manifest(self, plan: Plan) -> None:
        manifest = Manifest(
            signature=self.signature if not self.request.files or self.old.signature == self.signature else "",
            writer=self.writer.name,
            index=plan.index_digest,
            pages=self.records,
            tests=plan.tests,
            commit=self.old.commit,
        )
        if manifest.dump() != self.docs.read(FILENAME):
            self.changes[FILENAME] = replace(manifest, commit=self.base.tree.commit).dump()

    def _report(self, plan: Plan, found: Survey, done: whole.DocCoverage) -> Report:
        planned = len(found.sources) if not self.request.files else len(plan.stale)
        partial = [f for f in self.failures if not self.request.files or f.path in self.request.files]
        done_pages = max(planned - len(partial), min(planned, 1))
        planned += len(self.undone)
        outcome = decide(Tally(planned=planned, done=done_pages, findings=0))
        too_low = done.percent < self.settings.fail_under and not self.request.files
        verdict = conclude(outcome)
        if too_low:
            self.notices.append(
                f"documentation coverage {done.percent:g} % is below docgen.fail_under {self.settings.fail_under:g} %"
            )
            verdict = replace(conclude(Outcome.FINDINGS, fail_on_met=True), outcome=outcome)
        if self.base.shallow:
            self.notices.append("shallow clone: breaking API changes are found only with full history (fetch-depth: 0)")
        broken = list(self._breakages(found))
        self.notices += _breakage_notices(broken)
        conflicts = {k: m.conflicts for k, m in self.merged.items() if m.conflicts}
        if conflicts:
            self.notices.append(f"{sum(map(len, conflicts.values()))} edited blocks need a review (review:: needed)")
        return Report(
            mode="docgen",
            verdict=verdict,
            skipped=found.skipped,
            failures=(*partial, *self.undone),
            coverage=Coverage(
                files_changed=len(found.sources),
                files_reviewed=len(found.sources) - len(partial),
                units_planned=planned,
                units_done=planned - len(partial) - len(self.undone),
                performed_by=tuple(sorted({s.language.name for s in found.sources.values()})),
            ),
            subject=Subject(
                repository=self.base.repository, head=self.base.tree.commit, server_url=self.base.server_url
            ),
            cost=self.engine.cost() if self.engine is not None else CostReport(),
            notices=tuple(self.notices),
            patch=make_patch(self.changes, self.docs.read, self.settings.path),
            extra={
                "pages": self._pages(plan),
                QUALITY_KEY: {"judged": len(self.scores), "judge_ppm": sum(self.scores)},
                "api_breakage": [asdict(item) for item in broken],
                "documentation_coverage": {
                    "symbols": done.symbols,
                    "described": done.described,
                    "percent": done.percent,
                    "fail_under": self.settings.fail_under,
                },
            },
        )

    def _breakages(self, found: Survey) -> Iterator[Breakage]:
        """Yield what in the public API would break callers of the version before."""
        if self.base.before is None:
            return
        for key, source in found.sources.items():
            known = self.old.pages.get(key)
            if source.language.name != "python" or (known is not None and known.digest == source.digest):
                continue
            data = self.base.before.read(source.path)
            text = data.decode("utf-8-sig", "replace") if data is not None else source.text
            if text != source.text:
                yield from breakages(key, source.path, text, source.text)

    def _pages(self, plan: Plan) -> dict[str, object]:
        ours = {record.file: key for key, record in self.records.items()}
        written = sorted(path for path, text in self.changes.items() if text is not None and path in ours)
        return {
            "total": len(self.records),
            "written": [
                {"page": ours[p], "file": f"{self.settings.path}/{p}", "source": self.records[ours[p]].path}
                for p in written
            ],
            "removed": sorted(plan.gone),
            "edited_blocks": sum(m.edited for m in self.merged.values()),
            "conflicts": [{"page": k, "block": block} for k, m in sorted(self.merged.items()) for block in m.conflicts],
        }


def load_manifest(docs: Docs) -> Manifest:
    """Return the manifest of the docs folder, an empty one when there is none.

    Raises:
        SourceError: it is broken.
    """
    text = docs.read(FILENAME)
    return Manifest.load(text) if text is not None else Manifest()


def signature_of(base: Codebase, settings: Docgen) -> str:
    """Return the digest of everything but the sources that pages depend on."""
    parts = (GENERATOR, settings.format, base.project, settings.source_url, base.server_url, base.repository)
    return digest(json.dumps([str(part) for part in parts]))


def _breakage_notices(broken: Sequence[Breakage]) -> list[str]:
    rows = [f"API breakage: {one.path} {one.symbol}: {one.kind}" for one in broken[:_LISTED]]
    more = [f"API breakage: {len(broken) - _LISTED} more in findings.json"] if len(broken) > _LISTED else []
    return [*rows, *more]


def _shrunk(old: PageRecord, merged: Merged) -> bool:
    before = sum(1 for _ in old.known.walk()) if old.known else 0
    return sum(1 for _ in merged.known.walk()) * 2 < before
