"""One issue that is kept up to date: found by a hidden marker, updated and never repeated."""

from typing import Final

from tta_orchestrate.errors import AnswerLostError
from tta_orchestrate.github.api import GitHub
from tta_orchestrate.github.publish.comment import TEXT_LIMIT, is_own
from tta_orchestrate.github.records import Issue

_CUT: Final = "\n\nThe rest did not fit into an issue; it is in the report's files.\n"


def keep_issue(api: GitHub, title: str, text: str, marker: str) -> str:
    """Create the open issue that a bot began with *marker*, or bring it up to date; return its address.

    Raises:
        GitHubError: GitHub refuses, or does not answer.
    """
    body = _fitting(text if text.startswith(marker) else f"{marker}\n{text}")
    found = _find(api, marker)
    if found is None:
        try:
            return api.create_issue(title, body).html_url
        except AnswerLostError:
            found = _find(api, marker)
            if found is None:
                return api.create_issue(title, body).html_url
    if found.body == body:
        return found.html_url
    try:
        return api.update_issue(found.number, body).html_url
    except AnswerLostError:  # the same text once more changes nothing
        return api.update_issue(found.number, body).html_url


def _find(api: GitHub, marker: str) -> Issue | None:
    issues = api.open_issues()
    own = (one for one in issues if (one.body or "").startswith(marker) and is_own(one.user) and not one.pull_request)
    return next(own, None)


def _fitting(text: str) -> str:
    data = text.encode()
    if len(data) <= TEXT_LIMIT:
        return text
    return data[: TEXT_LIMIT - len(_CUT)].decode("utf-8", "ignore").rpartition("\n")[0] + _CUT
