"""The local executor of reviews: deterministic checks, no key, no network, nothing of the change is executed."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from tta_orchestrate.domain.change import Change, ChangedFile, FileStatus
from tta_orchestrate.domain.finding import Candidate
from tta_orchestrate.domain.report import Failure, Skipped, SkipReason
from tta_orchestrate.domain.skips import Skipper
from tta_orchestrate.ports import Check, SourceFile

ReadTexts = Callable[[Sequence[str]], Iterable[tuple[str, bytes | None]]]
"""From paths to their content in one tree: yields each path with its bytes, ``None`` where there is no such blob."""
Progress = Callable[[str, int, int], None]
"""Told what is being done, how much of it is done, and how much there is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The files that will be looked at, and those that will not."""

    files: tuple[SourceFile, ...]
    skipped: tuple[Skipped, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalResult:
    """What the checks said, what they left out, and where they failed."""

    candidates: tuple[Candidate, ...] = ()
    skipped: tuple[Skipped, ...] = ()
    failures: tuple[Failure, ...] = ()
    performed_by: tuple[str, ...] = ()
    unfinished: frozenset[str] = field(default_factory=frozenset)
    """Paths without a valid answer from every check that applies to them."""


def plan(change: Change, skipper: Skipper, read_head: ReadTexts | None) -> Plan:
    """Decide what is looked at; *read_head* is ``None`` when only a diff is known."""
    skipped: dict[str, Skipped] = {}
    wanted: list[ChangedFile] = []
    for file in change.files:
        reason = skipper.by_change(file)
        if reason:
            skipped[file.path] = reason
        else:
            wanted.append(file)
    contents = dict(read_head([file.path for file in wanted])) if read_head and wanted else {}
    files: list[SourceFile] = []
    for file in wanted:
        data = contents.pop(file.path, None)
        text = _decode(data) if data is not None else _from_diff(file)
        reason = skipper.by_text(file.path, text if text is not None else _added_text(file))
        if reason:
            skipped[file.path] = reason
        else:
            files.append(SourceFile(change=file, text=text))
    return Plan(files=tuple(files), skipped=tuple(skipped.values()))


def run_checks(files: Sequence[SourceFile], checks: Iterable[Check], progress: Progress) -> LocalResult:
    """Run every check over the files that it applies to."""
    selected = [(check, [file for file in files if check.applies(file)]) for check in checks]
    selected = [(check, mine) for check, mine in selected if mine]
    candidates: list[Candidate] = []
    skipped: list[Skipped] = []
    failures: list[Failure] = []
    for number, (check, mine) in enumerate(selected):
        progress(check.name, number, len(selected))
        result = check.run(mine)
        candidates += result.candidates
        skipped += result.skipped
        failures += [Failure(unit=check.name, path=path, reason=why) for path, why in result.failures.items()]
    blind = {entry.path for entry in skipped if entry.reason is SkipReason.NEEDS_FILE}
    return LocalResult(
        candidates=tuple(candidates),
        skipped=tuple(skipped),
        failures=tuple(failures),
        performed_by=tuple(check.name for check, _mine in selected),
        unfinished=frozenset(blind | {failure.path for failure in failures}),
    )


def held_at_base(candidates: Iterable[Candidate], files: Mapping[str, SourceFile], checks: Sequence[Check],
                 read_base: ReadTexts) -> frozenset[tuple[str, str]]:  # fmt: skip
    """Return (path, rule) of those claims about whole files that the same check makes of the base version too."""
    paths = {c.path for c in candidates if c.whole_file and files[c.path].change.status is not FileStatus.ADDED}
    if not paths:
        return frozenset()
    by_old = {files[path].change.old_path: files[path].change for path in sorted(paths)}
    before = [
        SourceFile(change=by_old[old], text=_decode(data)) for old, data in read_base(list(by_old)) if data is not None
    ]
    result = run_checks(before, checks, lambda _what, _done, _of: None)
    return frozenset((c.path, c.rule) for c in result.candidates if c.whole_file)


def _decode(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")


def _added_text(file: ChangedFile) -> str:
    return "\n".join(raw[1:] for hunk in file.hunks for raw in hunk.body if raw.startswith("+"))


def _from_diff(file: ChangedFile) -> str | None:
    """The whole text of a file that the diff creates; ``None`` where the diff shows only parts."""
    if file.status is not FileStatus.ADDED:
        return None
    ends_bare = bool(file.hunks) and file.hunks[-1].body[-1:] != () and file.hunks[-1].body[-1].startswith("\\")
    return _added_text(file) + ("" if ends_bare else "\n")
