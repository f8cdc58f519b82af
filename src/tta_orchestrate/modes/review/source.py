"""Where a review reads from: two commits, the index, or a diff alone."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from tta_orchestrate.domain.change import Change, FileStatus
from tta_orchestrate.domain.diff import parse
from tta_orchestrate.domain.report import Subject
from tta_orchestrate.errors import DiffError
from tta_orchestrate.modes.review.local import ReadTexts
from tta_orchestrate.workspace.git import Repository

ATTRIBUTES: Final = ("linguist-generated", "linguist-vendored")
Steering = Callable[[str], bytes | None]
"""From a path to the file that may steer the run; ``None`` where there is none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A change and the ways to read around it."""

    change: Change
    read_head: ReadTexts | None = None
    read_base: ReadTexts | None = None
    attributes: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    subject: Subject = Subject()


def of_range(repository: Repository, base: str, head: str) -> Source:
    """What differs between two revisions of *repository*."""
    return _of_change(repository, repository.change(base, head))


def of_index(repository: Repository) -> Source:
    """What is staged in *repository*."""
    return _of_change(repository, repository.staged_change())


def of_diff(lines: Iterable[bytes]) -> Source:
    """A diff alone: files that it does not create are known only in part.

    Raises:
        DiffError: it is broken, is text without a diff in it, or changes a file twice (a series of patches).
    """
    empty = True

    def watched() -> Iterator[bytes]:
        nonlocal empty
        for line in lines:
            empty = empty and not line.strip()
            yield line

    files = tuple(parse(watched()))
    if not files and not empty:
        raise DiffError("this text holds no diff", remedy="pass what `git diff BASE HEAD` prints")
    left = [file.path for file in files if file.status is not FileStatus.DELETED]
    twice = next((path for path, times in Counter(left).items() if times > 1), None)
    if twice is not None:
        raise DiffError(f"the diff changes {twice!r} twice", remedy="pass one diff of the whole: `git diff BASE HEAD`")
    return Source(change=Change(files=files))


def steering(repository: Repository, rev: str) -> Steering:
    """Read what steers a run at *rev*: a change has no say in its own review."""
    return lambda path: repository.read(rev, path)


def _of_change(repository: Repository, change: Change) -> Source:
    def at(rev: str, limit: int) -> ReadTexts:
        def read(paths: Sequence[str]) -> Iterable[tuple[str, bytes | None]]:
            return repository.read_many(rev, paths, limit=limit)

        return read

    paths = [file.path for file in change.files]
    return Source(
        change=change,
        read_head=at(change.head, _LARGEST),
        read_base=at(change.base, _LARGEST),
        attributes=repository.attributes(paths, ATTRIBUTES, change.base),
        subject=Subject(base=change.base, head=change.head),
    )


_LARGEST: Final = 50_000_000
"""Bytes; a larger blob is taken for absent, so that one file cannot fill the memory."""
