"""``--check``: which blocks of the documentation are stale, missing or about nothing any more. Reads only, no key."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from tta_orchestrate.domain.finding import Category, Finding, Severity, fingerprint
from tta_orchestrate.domain.outcome import Tally, conclude, decide
from tta_orchestrate.domain.report import Coverage, Failure, Report, Subject
from tta_orchestrate.domain.symbol import Module
from tta_orchestrate.modes.docgen.codebase import Codebase
from tta_orchestrate.modes.docgen.manifest import Manifest, PageRecord
from tta_orchestrate.modes.docgen.plan import Source, read_source, survey
from tta_orchestrate.modes.docgen.run import Docs, load_manifest
from tta_orchestrate.modes.docgen.written import evidence_digests
from tta_orchestrate.settings.docgen import Docgen


@dataclass(frozen=True, slots=True)
class Drift:
    """One block that does not fit the code: ``rule`` is ``stale``, ``missing`` or ``removed``."""

    rule: str
    page: str
    symbol: str
    start_line: int
    end_line: int


def check(base: Codebase, docs: Docs, settings: Docgen) -> Report:
    """Return a report whose findings are exactly the stale, missing and orphaned blocks, at their source lines.

    Raises:
        SourceError: the manifest is broken.
    """
    old = load_manifest(docs)
    found = survey(base.tree, settings, base.languages)
    findings: list[Finding] = []
    failures: list[Failure] = []
    for key, source in found.sources.items():
        record = old.pages.get(key)
        if record is not None and record.digest == source.digest and docs.read(record.file) is not None:
            if record.facts is not None and record.facts.partial:
                failures.append(_partial(source))
            continue
        module = read_source(source)
        if module.problems:
            failures.append(_partial(source))
        present = record if record is not None and docs.read(record.file) is not None else None
        findings += [_finding(source, drift) for drift in drifts(module, present)]
    findings += [_orphan(record, settings, docs) for record in _gone(old, found.sources)]
    planned = len(found.sources)
    outcome = decide(Tally(planned=planned, done=max(planned - len(failures), min(planned, 1)), findings=len(findings)))
    return Report(
        mode="docgen",
        verdict=conclude(outcome),
        findings=tuple(findings),
        failures=tuple(failures),
        skipped=found.skipped,
        coverage=Coverage(
            files_changed=planned,
            files_reviewed=planned - len(failures),
            units_planned=planned,
            units_done=planned - len(failures),
            performed_by=("docgen-check",),
        ),
        subject=Subject(repository=base.repository, head=base.tree.commit, server_url=base.server_url),
        extra={"pages": {"total": len(old.pages), "drift": [_row(f) for f in findings]}},
    )


def drifts(module: Module, record: PageRecord | None) -> Iterator[Drift]:
    """Yield how *module* differs from what its page documents; no page at all is one drift."""
    if record is None:
        yield Drift("missing", module.key, "", 1, 1)
        return
    now = evidence_digests(module)
    for path, (digest, symbol) in now.items():
        known = record.evidence.get(path)
        start, end = (symbol.start_line, symbol.end_line) if symbol else (1, 1)
        if known is None:
            yield Drift("missing", module.key, path, start, end)
        elif known.digest != digest:
            yield Drift("stale", module.key, path, start, end)
    for path in record.evidence:
        if path not in now:
            yield Drift("removed", module.key, path, 1, 1)


def _gone(old: Manifest, sources: Mapping[str, Source]) -> Iterator[PageRecord]:
    yield from (page for key, page in old.pages.items() if page.path and key not in sources and not page.removed)


_TITLES = {
    "stale": "Documentation is stale",
    "missing": "Documentation is missing",
    "removed": "Documentation of something that is gone",
}


def _finding(source: Source, drift: Drift) -> Finding:
    lines = source.text.split("\n")
    start = min(drift.start_line, max(len(lines), 1))
    quote = lines[start - 1] if lines else ""
    name = f"{drift.page}: {drift.symbol}" if drift.symbol else drift.page
    rule = f"docgen/{drift.rule}"
    return Finding(
        path=source.path,
        start_line=start,
        end_line=start,
        quote=quote,
        rule=rule,
        category=Category.DOCUMENTATION,
        severity=Severity.LOW,
        source="docgen-check",
        title=_TITLES[drift.rule],
        message=f"{name} changed since its block was written; run `tta-orchestrate docgen --file {source.path}`"
        if drift.rule == "stale"
        else f"{name} is {'not documented' if drift.rule == 'missing' else 'documented, but no longer there'}; "
        f"run `tta-orchestrate docgen --file {source.path}`",
        symbol=drift.symbol,
        fingerprint=fingerprint(path=source.path, quote=quote, rule=rule, symbol=drift.symbol),
    )


def _orphan(record: PageRecord, settings: Docgen, docs: Docs) -> Finding:
    path = f"{settings.path}/{record.file}"
    quote = (docs.read(record.file) or "").partition("\n")[0]
    return Finding(
        path=path,
        start_line=1,
        end_line=1,
        quote=quote,
        rule="docgen/removed",
        category=Category.DOCUMENTATION,
        severity=Severity.LOW,
        source="docgen-check",
        title=_TITLES["removed"],
        message=f"{record.path} is gone; run `tta-orchestrate docgen --all`, then with --prune",
        fingerprint=fingerprint(path=path, quote=quote, rule="docgen/removed", symbol=""),
    )


def _partial(source: Source) -> Failure:
    return Failure(unit=source.key, path=source.path, reason="syntax error: the page is marked parse-status: partial")


def _row(finding: Finding) -> dict[str, str | int]:
    return {"rule": finding.rule, "path": finding.path, "line": finding.start_line, "symbol": finding.symbol}
