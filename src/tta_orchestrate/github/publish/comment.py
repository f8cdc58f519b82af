"""The sticky comment: one per pull request, found by a hidden marker, updated and never repeated."""

from typing import Final

from tta_orchestrate.errors import AnswerLostError
from tta_orchestrate.github.api import GitHub
from tta_orchestrate.github.records import Account, Comment

MARKER: Final = "<!-- tta -->"
TEXT_LIMIT: Final = 60_000
"""Bytes; GitHub takes 65,536 characters."""


def is_own(author: Account | None) -> bool:
    """Whether a bot wrote it: a marker that a person typed is not followed."""
    return author is not None and author.type == "Bot"


def publish_comment(api: GitHub, number: int, text: str) -> str:
    """Create or update the comment on pull request *number*; return its address.

    Raises:
        GitHubError: GitHub refuses, or does not answer.
    """
    body = f"{MARKER}\n{text}"
    found = _find(api, number)
    if found is None:
        try:
            return api.create_issue_comment(number, body).html_url
        except AnswerLostError:
            found = _find(api, number)
            if found is None:
                return api.create_issue_comment(number, body).html_url
    if found.body == body:
        return found.html_url
    try:
        return api.update_issue_comment(found.id, body).html_url
    except AnswerLostError:  # the same text once more changes nothing
        return api.update_issue_comment(found.id, body).html_url


def _find(api: GitHub, number: int) -> Comment | None:
    comments = api.issue_comments(number)
    own = (one for one in comments if (one.body or "").startswith(MARKER) and is_own(one.user))
    return next(own, None)
