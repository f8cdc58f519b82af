"""Branches and the rolling pull request over GitHub's REST API: no push, no git on this side.

Sources: "REST API endpoints for Git trees, commits and references", "… for pull requests". A tree takes the text of
its files inline, so that a refresh is a handful of writes; many or large files are spread over several trees.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Final

from tta_orchestrate.errors import (
    AnswerLostError,
    ForbiddenError,
    GitHubError,
    InvalidError,
    NotFoundError,
    PublishForbiddenError,
)
from tta_orchestrate.github.api import GitHub
from tta_orchestrate.github.records import PullRequest as Record
from tta_orchestrate.ports.pull_requests import PullRequest

TRAILER: Final = "Generated-by: tta-orchestrate docgen"
"""The last line of every commit of documentation, by which later runs know their own."""
_TREE_FILES: Final = 200
_TREE_BYTES: Final = 2_000_000
_CONTENTS: Final = "grant the job `contents: write`, or give the action a token that may write to the repository"
_PULLS: Final = (
    "grant the job `pull-requests: write`, and tick 'Allow GitHub Actions to create and approve pull requests' in "
    "Settings > Actions > General > Workflow permissions"
)


class Branches:
    """Implements ``ports.pull_requests.PullRequests`` for the repository of *api*."""

    def __init__(self, api: GitHub, trailer: str = TRAILER) -> None:
        """Write to the repository of *api*; *trailer* ends each commit, and tells our own from those of others."""
        self._api = api
        self._trailer = trailer

    def find_open(self, branch: str) -> PullRequest | None:
        """Return the open pull request from *branch* of this repository."""
        owner = self._api.repository.partition("/")[0]
        with _allowed("pull requests cannot be listed", _PULLS):
            found = self._api.open_pull_requests(f"{owner}:{branch}")
        ours = [one for one in found if one.head.ref == branch and one.head.repo is not None]
        return next((_told(one) for one in ours if one.head.repo and one.head.repo.full_name == self._home), None)

    def tip(self, branch: str) -> str | None:
        """Return the commit that *branch* points to."""
        try:
            return self._api.branch(branch).object.sha
        except NotFoundError:
            return None

    def has_foreign_commits(self, branch: str, base: str) -> bool:
        """Whether *branch* holds commits since *base* without our mark, or more than can be looked at."""
        tip = self.tip(branch)
        if tip is None or tip == base:
            return False
        found = self._api.compare(base, tip)
        return found.total_commits > len(found.commits) or any(
            not c.commit.message.rstrip().endswith(self._trailer) for c in found.commits
        )

    def commit(self, branch: str, base: str, changes: Mapping[str, str | None], message: str, *, on_top: bool) -> str:
        """Commit *changes*; a branch that holds the very same files already stays as it is."""
        with _allowed(f"the branch {branch} cannot be written", _CONTENTS):
            tip = self.tip(branch)
            tree = self._tree(self._api.commit(base).tree.sha, changes)
            if tip is not None and self._api.commit(tip).tree.sha == tree:
                return tip
            made = self._api.create_commit(f"{message}\n\n{self._trailer}\n", tree, [base]).sha
            self._point(branch, made, exists=tip is not None, force=not on_top)
            return made

    def open(self, branch: str, base_branch: str, title: str, body: str) -> PullRequest:
        """Open a pull request; one that is there already, or whose answer was lost, is found again."""
        given = {"title": title, "head": branch, "base": base_branch, "body": body}
        with _allowed("the pull request cannot be opened", _PULLS):
            try:
                return _told(self._api.create_pull_request(given))
            except (AnswerLostError, InvalidError):
                found = self.find_open(branch)
                if found is None:
                    raise
                return found

    def update(self, number: int, title: str, body: str) -> None:
        """Change title and body."""
        with _allowed(f"pull request {number} cannot be changed", _PULLS):
            self._api.update_pull_request(number, {"title": title, "body": body})

    @property
    def _home(self) -> str:
        return self._api.repository

    def _tree(self, base: str, changes: Mapping[str, str | None]) -> str:
        for entries in _portions(changes):
            base = self._api.create_tree(base, entries)
        return base

    def _point(self, branch: str, commit: str, *, exists: bool, force: bool) -> None:
        try:
            if exists:
                self._api.move_branch(branch, commit, force=force)
            else:
                self._api.create_branch(branch, commit)
        except AnswerLostError:
            if self.tip(branch) != commit:
                raise
        except InvalidError as error:
            raise GitHubError(f"the branch {branch} has moved meanwhile", remedy="run the job again") from error


def _portions(changes: Mapping[str, str | None]) -> Iterator[Sequence[Mapping[str, Any]]]:
    portion: list[Mapping[str, Any]] = []
    size = 0
    for path, text in sorted(changes.items()):
        weight = len((text or "").encode())
        if portion and (len(portion) == _TREE_FILES or size + weight > _TREE_BYTES):
            yield portion
            portion, size = [], 0
        what = {"sha": None} if text is None else {"content": text}
        portion.append({"path": path, "mode": "100644", "type": "blob", **what})
        size += weight
    if portion:
        yield portion


def _told(found: Record) -> PullRequest:
    return PullRequest(number=found.number, body=found.body or "", url=found.html_url)


@contextmanager
def _allowed(what: str, remedy: str) -> Iterator[None]:
    """Tell a refusal as what it means; a token that may not write sees 404 on some of these."""
    try:
        yield
    except (ForbiddenError, NotFoundError) as error:
        raise PublishForbiddenError(f"{what} ({error})", remedy=remedy) from error
