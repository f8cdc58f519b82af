"""What becomes of changed pages: nothing, a patch, a push, or the one rolling pull request."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from tta_orchestrate.errors import PublishForbiddenError
from tta_orchestrate.ports.pull_requests import PullRequest, PullRequests
from tta_orchestrate.settings.docgen import Publish
from tta_orchestrate.syntax.digest import digest

TITLE: Final = "docs: refresh generated documentation"
_MARK: Final = re.compile(r"<!-- tta-docgen ([0-9a-f]{16}) -->")
_LISTED: Final = 50


class Step(StrEnum):
    """What is done."""

    NOTHING = "nothing"
    PATCH = "patch"
    PUSH = "push"
    OPEN = "open"
    UPDATE = "update"


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Where a refresh goes: the base it was made from, and its own branch."""

    publish: Publish
    branch: str
    base_branch: str
    base_commit: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """What was done, and what the reader must know."""

    step: Step
    number: int | None = None
    url: str = ""
    notices: tuple[str, ...] = ()


def choose_step(publish: Publish, changes: Mapping[str, str | None], existing: PullRequest | None) -> Step:
    """Decide without doing: identical output is nothing, an open pull request is updated and never doubled."""
    if not changes:
        return Step.NOTHING
    if publish is Publish.PATCH:
        return Step.PATCH
    if publish is Publish.PUSH:
        return Step.PUSH
    if existing is None:
        return Step.OPEN
    return Step.NOTHING if _content(existing.body) == content_digest(changes) else Step.UPDATE


def publish(target: Target, changes: Mapping[str, str | None], pages: Sequence[str], hub: PullRequests) -> Published:
    """Bring *changes* (path in the repository to text) where *target* says.

    A repository that forbids it loses nothing: the step becomes ``patch``, with help.
    """
    try:
        wanted = target.publish is Publish.PULL_REQUEST and bool(changes)
        existing = hub.find_open(target.branch) if wanted else None
        step = choose_step(target.publish, changes, existing)
        if step in {Step.NOTHING, Step.PATCH}:
            return Published(step=step, number=existing.number if existing else None)
        on_top = hub.has_foreign_commits(target.branch, target.base_commit)
        hub.commit(target.branch, target.base_commit, changes, TITLE, on_top=on_top)
        if step is Step.PUSH:
            return Published(step=step)
        return _request(target, describe(changes, pages), existing, hub)
    except PublishForbiddenError as error:
        return Published(step=Step.PATCH, notices=(f"{error}; {error.remedy}; changes.patch holds the pages",))


def _request(target: Target, body: str, existing: PullRequest | None, hub: PullRequests) -> Published:
    if existing is not None:
        hub.update(existing.number, TITLE, body)
        return Published(step=Step.UPDATE, number=existing.number, url=existing.url)
    opened = hub.open(target.branch, target.base_branch, TITLE, body)
    return Published(step=Step.OPEN, number=opened.number, url=opened.url)


def describe(changes: Mapping[str, str | None], pages: Sequence[str]) -> str:
    """Return the body: which pages, and a mark by which the next run knows identical content."""
    names = [re.sub(r"[^\w./ -]", "", page) for page in pages]
    rows = [f"- `{name}`" for name in names[:_LISTED]]
    if len(names) > _LISTED:
        rows.append(f"- … and {len(names) - _LISTED} more")
    head = f"{len(names)} pages changed with the code. Blocks that people edited are untouched."
    note = "This pull request is updated in place; merge or close it whenever you like."
    return "\n".join([head, "", *rows, "", note, f"<!-- tta-docgen {content_digest(changes)} -->", ""])


def content_digest(changes: Mapping[str, str | None]) -> str:
    """Return the digest of a set of changes."""
    return digest("\0".join(f"{path}\1{text}" for path, text in sorted(changes.items(), key=lambda item: item[0])))


def _content(body: str) -> str:
    match = _MARK.search(body)
    return match.group(1) if match else ""
