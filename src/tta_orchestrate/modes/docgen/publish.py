"""What becomes of changed pages: nothing, a patch, a push, or the one rolling pull request."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from tta_orchestrate.errors import GitHubError, PublishForbiddenError
from tta_orchestrate.ports.pull_requests import PullRequest, PullRequests
from tta_orchestrate.settings.docgen import Publish
from tta_orchestrate.syntax.digest import digest

TITLE: Final = "docs: refresh generated documentation"
_MARK: Final = re.compile(r"<!-- tta-docgen ([0-9a-f]{16}) -->")
_LISTED: Final = 50
_TAKEN: Final = (
    "the branch {branch} holds commits that cannot be built upon here, and was left alone; merge or close its pull "
    "request, and check out with fetch-depth: 0; changes.patch holds the pages"
)


class Step(StrEnum):
    """What is done."""

    NOTHING = "nothing"
    PATCH = "patch"
    PUSH = "push"
    OPEN = "open"
    UPDATE = "update"


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Where a refresh goes: the commit it was made from, and its own branch."""

    publish: Publish
    branch: str
    base_branch: str
    base_commit: str
    on_top: bool = False
    """The changes were made from the docs at the branch's tip, and follow what is there."""


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


def publish(
    target: Target,
    changes: Mapping[str, str | None],
    pages: Sequence[str],
    hub: PullRequests,
    breakages: Sequence[str] = (),
) -> Published:
    """Bring *changes* (path in the repository to text) where *target* says.

    A repository that forbids it, or a GitHub that fails, loses nothing: the step becomes ``patch``, with help.
    """
    try:
        wanted = target.publish is Publish.PULL_REQUEST and bool(changes)
        existing = hub.find_open(target.branch) if wanted else None
        step = choose_step(target.publish, changes, existing)
        if step in {Step.NOTHING, Step.PATCH}:
            return Published(step=step, number=existing.number if existing else None)
        if _is_taken(target, hub):
            return Published(step=Step.PATCH, notices=(_TAKEN.format(branch=target.branch),))
        hub.commit(target.branch, target.base_commit, changes, TITLE, on_top=target.on_top)
        if step is Step.PUSH:
            return Published(step=step)
        return _request(target, describe(changes, pages, breakages), existing, hub)
    except (PublishForbiddenError, GitHubError) as error:
        help_ = f"; {error.remedy}" if error.remedy else ""
        return Published(step=Step.PATCH, notices=(f"{error}{help_}; changes.patch holds the pages",))


def _is_taken(target: Target, hub: PullRequests) -> bool:
    """Whether writing would undo what others did: their commits stay, whatever it costs us."""
    if target.on_top:
        return False
    if target.publish is Publish.PUSH:
        return hub.tip(target.branch) is not None
    return hub.has_foreign_commits(target.branch, target.base_commit)


def _request(target: Target, body: str, existing: PullRequest | None, hub: PullRequests) -> Published:
    if existing is not None:
        hub.update(existing.number, TITLE, body)
        return Published(step=Step.UPDATE, number=existing.number, url=existing.url)
    try:
        opened = hub.open(target.branch, target.base_branch, TITLE, body)
    except PublishForbiddenError as error:
        notice = f"{error}; {error.remedy}; or open it yourself: the branch {target.branch} holds the pages"
        return Published(step=Step.PATCH, notices=(f"{notice}, and so does changes.patch",))
    return Published(step=Step.OPEN, number=opened.number, url=opened.url)


def describe(changes: Mapping[str, str | None], pages: Sequence[str], breakages: Sequence[str] = ()) -> str:
    """Return the body: which pages, what breaks callers, and a mark by which the next run knows identical content."""
    head = f"{len(pages)} pages changed with the code. Blocks that people edited are untouched."
    broken = ["## API breakage", "", "Since the documentation was last written:", "", *_rows(breakages), ""]
    note = "This pull request is updated in place; merge or close it whenever you like."
    mark = f"<!-- tta-docgen {content_digest(changes)} -->"
    return "\n".join([head, "", *_rows(pages), "", *(broken if breakages else ()), note, mark, ""])


def _rows(names: Sequence[str]) -> list[str]:
    plain = [re.sub(r"[^\w./: -]", "", name) for name in names[:_LISTED]]
    more = [f"- … and {len(names) - _LISTED} more"] if len(names) > _LISTED else []
    return [*(f"- `{name}`" for name in plain), *more]


def content_digest(changes: Mapping[str, str | None]) -> str:
    """Return the digest of a set of changes."""
    return digest("\0".join(f"{path}\1{text}" for path, text in sorted(changes.items(), key=lambda item: item[0])))


def _content(body: str) -> str:
    match = _MARK.search(body)
    return match.group(1) if match else ""
