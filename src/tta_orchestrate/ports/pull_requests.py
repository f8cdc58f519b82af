"""The door to pull requests, as far as a rolling refresh needs them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class PullRequest:
    """An open pull request."""

    number: int
    body: str
    url: str = ""


class PullRequests(Protocol):
    """One repository's branches and pull requests.

    Every method may raise ``errors.PublishForbiddenError`` when the token or the repository does not allow it.
    """

    def find_open(self, branch: str) -> PullRequest | None:
        """Return the open pull request from *branch* of the same repository."""
        ...

    def tip(self, branch: str) -> str | None:
        """Return the commit that *branch* points to, ``None`` when there is no such branch."""
        ...

    def has_foreign_commits(self, branch: str, base: str) -> bool:
        """Whether *branch* exists and holds commits since *base* that this program did not make."""
        ...

    def commit(self, branch: str, base: str, changes: Mapping[str, str | None], message: str, *, on_top: bool) -> str:
        """Commit *changes* (path to text, ``None`` deletes) to *branch*; return the commit's object name.

        The branch becomes *base* plus this one commit. With *on_top*, *base* must still be its tip: a branch that has
        moved meanwhile is an error, not overwritten.
        """
        ...

    def open(self, branch: str, base_branch: str, title: str, body: str) -> PullRequest:
        """Open a pull request."""
        ...

    def update(self, number: int, title: str, body: str) -> None:
        """Change title and body of a pull request."""
        ...
