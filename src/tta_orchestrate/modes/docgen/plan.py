"""What there is to do: which files are documented under which names, what changed, which pages that touches."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Final

import pathspec

from tta_orchestrate.domain.report import Skipped, SkipReason
from tta_orchestrate.domain.symbol import Module
from tta_orchestrate.modes.docgen.index import Example, Facts, Index, answers_digest
from tta_orchestrate.modes.docgen.manifest import Manifest, TestRecord
from tta_orchestrate.ports.language import Language
from tta_orchestrate.ports.tree import SourceTree
from tta_orchestrate.settings.docgen import Docgen
from tta_orchestrate.syntax.digest import digest

_MAX_EXAMPLE_LINES: Final = 25


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A file to document."""

    path: str
    key: str
    language: Language
    digest: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Survey:
    """All sources by page name, all test files, and what was left out."""

    sources: Mapping[str, Source]
    tests: Sequence[Source]
    skipped: tuple[Skipped, ...] = ()


@dataclass(slots=True, kw_only=True)
class Plan:
    """The index of the whole, the modules that were read, and the pages to make."""

    index: Index
    tests: Mapping[str, TestRecord]
    stale: tuple[str, ...]
    """Pages to make, in order of their names."""
    gone: tuple[str, ...]
    """Pages whose source vanished."""
    index_digest: str
    modules: dict[str, Module] = field(default_factory=dict)


def survey(tree: SourceTree, settings: Docgen, languages: Sequence[Language]) -> Survey:
    """Find what is documented; name collisions, also by case, are resolved by the file's ending."""
    by_suffix = {suffix: language for language in languages for suffix in language.suffixes}
    include = pathspec.GitIgnoreSpec.from_lines(settings.include)
    exclude = pathspec.GitIgnoreSpec.from_lines([*settings.exclude, f"/{settings.path.rstrip('/')}/"])
    files = tree.files()
    known = frozenset(files)
    sources: dict[str, Source] = {}
    tests: list[Source] = []
    skipped: list[Skipped] = []
    taken: set[str] = set()
    for path in files:
        language = by_suffix.get(PurePosixPath(path).suffix)
        if language is None:
            continue
        wanted = include.match_file(path) and not exclude.match_file(path)
        if not wanted and not (language.name == "python" and language.is_test(path)):
            continue
        text = _text(tree, path, settings, skipped)
        if text is None:
            continue
        source = Source(path=path, key=language.key(path, known), language=language, digest=digest(text), text=text)
        if wanted:
            sources_key = _free(source, taken)
            sources[sources_key] = Source(
                path=path, key=sources_key, language=language, digest=source.digest, text=text
            )
        else:
            tests.append(source)
    return Survey(sources=sources, tests=tests, skipped=tuple(skipped))


def _text(tree: SourceTree, path: str, settings: Docgen, skipped: list[Skipped]) -> str | None:
    data = tree.read(path)
    if data is None:
        return None
    if len(data) > settings.max_file_bytes:
        skipped.append(Skipped(path=path, reason=SkipReason.TOO_LARGE, detail=f"{len(data)} bytes"))
        return None
    if b"\0" in data:
        skipped.append(Skipped(path=path, reason=SkipReason.BINARY))
        return None
    return data.decode("utf-8-sig", errors="replace").replace("\r\n", "\n")


def _free(source: Source, taken: set[str]) -> str:
    key = source.key
    if key.casefold() in taken:
        key = f"{key}{PurePosixPath(source.path).suffix}"
    if key.casefold() in taken:
        key = f"{key} {digest(source.path)[:6]}"
    taken.add(key.casefold())
    return key


def read_source(source: Source) -> Module:
    """Return what *source* declares."""
    return source.language.read(source.path, source.key, source.text)


def make_plan(found: Survey, old: Manifest, *, signature: str, project: str, only: Sequence[str] = ()) -> Plan:
    """Decide which pages to make; *only* (paths) limits that to the pages of these files."""
    modules: dict[str, Module] = {}
    facts: list[Facts] = []
    changed: set[str] = set()
    for key, source in found.sources.items():
        record = old.pages.get(key)
        if record is not None and record.facts is not None and record.digest == source.digest and not record.removed:
            facts.append(record.facts)
        else:
            modules[key] = read_source(source)
            facts.append(Facts.of(modules[key]))
            changed.add(key)
    tests = {source.path: _test_record(source, old.tests.get(source.path)) for source in found.tests}
    index = Index(project, facts, lambda index: _examples(index, tests))
    index_digest = digest(repr([sorted((f.key, f.path, repr(f)) for f in facts), sorted(tests.items())]))
    every = old.signature != signature
    stale = set(found.sources) if every else changed
    if not every and index_digest != old.index:
        stale = changed | set(_touched(index, old, set(found.sources) - changed))
    wanted = {key for key, source in found.sources.items() if not only or source.path in only}
    return Plan(
        index=index,
        tests=tests,
        modules=modules,
        stale=tuple(sorted(stale & wanted)),
        gone=() if only else tuple(sorted(k for k, p in old.pages.items() if p.path and k not in found.sources)),
        index_digest=index_digest if not only else "",
    )


def _touched(index: Index, old: Manifest, keys: set[str]) -> Iterator[str]:
    for key in keys:
        record = old.pages[key]
        if answers_digest(index, key, record.questions) != record.answers:
            yield key


def _test_record(source: Source, old: TestRecord | None) -> TestRecord:
    if old is not None and old.digest == source.digest:
        return old
    module = read_source(source)
    tests = tuple(
        (symbol.path, symbol.start_line, symbol.end_line, symbol.calls)
        for symbol in module.walk()
        if symbol.name.startswith("test") and symbol.calls and symbol.end_line - symbol.start_line < _MAX_EXAMPLE_LINES
    )
    return TestRecord(path=source.path, digest=source.digest, tests=tests)


def _examples(index: Index, tests: Mapping[str, TestRecord]) -> dict[str, Example]:
    """For each symbol the shortest test that calls it, the first by path and line among equals."""
    best: dict[str, tuple[int, str, int]] = {}
    found: dict[str, Example] = {}
    for path, record in sorted(tests.items()):
        for name, start, end, targets in record.tests:
            for place in {p for target in targets if (p := index.find(target)) and p.symbol}:
                name_of = f"{place.key}#{place.symbol}"
                rank = (end - start, path, start)
                if name_of not in best or rank < best[name_of]:
                    best[name_of] = rank
                    found[name_of] = Example(path=path, name=name, start_line=start, end_line=end, digest=record.digest)
    return found
