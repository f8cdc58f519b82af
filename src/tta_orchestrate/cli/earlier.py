"""What GitHub knows of a pull request before it is reviewed: the review before, others' words, what was resolved.

None of it is worth a run: what GitHub does not tell is not known, and the run says so.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeVar

from tta_orchestrate.errors import OrchestrateError

if TYPE_CHECKING:
    from tta_orchestrate.domain.identity import PreviousRun
    from tta_orchestrate.github.api import GitHub
    from tta_orchestrate.github.publish.check_run import OpenCheckRun
    from tta_orchestrate.github.records import CheckRun, Comment
    from tta_orchestrate.modes.review.merge import Said

MOST_LOOKS: Final = 3
"""Earlier commits whose check runs are asked for."""
_PAGES: Final = 5
"""Of a hundred remarks each."""
T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What is known before a review."""

    previous: "PreviousRun | None" = None
    said: "tuple[Said, ...]" = ()
    dismissed: frozenset[str] = frozenset()
    """Fingerprints of this program's own remarks whose threads are resolved."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asking:
    """Where to look."""

    api: "GitHub"
    check: "OpenCheckRun | None"
    """This run's own check run, on which an earlier run may have left its state."""
    commits: tuple[str, ...] = ()
    """Earlier heads of the change, the latest first."""
    pull_request: int | None = None
    seal: bytes = b""
    trusted: bool = False
    """False: the author of the change may not dismiss anything by resolving a thread."""
    graphql_url: str = ""


def known(asking: Asking, say: Callable[[str], object]) -> Known:
    """Return what GitHub tells; *say* hears what it does not tell."""
    from tta_orchestrate.github.publish.review import fingerprints

    def told(ask: Callable[[], T], otherwise: T, what: str) -> T:
        try:
            return ask()
        except OrchestrateError as error:
            say(f"{what} cannot be read ({error}); the review goes on without")
            return otherwise

    nothing: list[Comment] = []
    remarks = told(lambda: _remarks(asking), nothing, "earlier remarks")
    own = [one for one in remarks if fingerprints(one.body or "")]
    return Known(
        previous=told(lambda: _previous(asking), None, "the previous review"),
        said=tuple(_said(one for one in remarks if one not in own)),
        # Without a remark of ours there is no thread of ours that anybody could have resolved.
        dismissed=told(lambda: _dismissed(asking), frozenset[str](), "resolved threads") if own else frozenset(),
    )


def place_of(run: "CheckRun", repository: str) -> str:
    """Return what a state is sealed for: one check of one commit."""
    return f"{repository} {run.head_sha} {run.name}"


def _previous(asking: Asking) -> "PreviousRun | None":
    """Return the state that the latest earlier review left: on this commit, or on one of the last before it."""
    check = asking.check
    if check is None or not asking.seal:
        return None
    if check.earlier is not None and (found := _opened(asking, check.earlier)):
        return found
    for commit in asking.commits[:MOST_LOOKS]:
        runs = asking.api.check_runs(commit, check.run.name)
        for run in sorted(runs, key=lambda run: -run.id):
            if _same_app(run, check.run) and run.head_sha == commit and (found := _opened(asking, run)):
                return found
    return None


def _opened(asking: Asking, run: "CheckRun") -> "PreviousRun | None":
    from tta_orchestrate.domain.handover import unpack

    return unpack(run.output.text or "", asking.seal, place_of(run, asking.api.repository))


def _same_app(run: "CheckRun", own: "CheckRun") -> bool:
    """Whether both were made by the same app, as far as the API tells."""
    return run.app is None or own.app is None or (run.app.id, run.app.slug) == (own.app.id, own.app.slug)


def _remarks(asking: Asking) -> "list[Comment]":
    """Return what bots have said on lines of this pull request."""
    from tta_orchestrate.github.publish.comment import is_own

    if asking.pull_request is None:
        return []
    return [one for one in asking.api.review_comments(asking.pull_request, pages=_PAGES) if is_own(one.user)]


def _dismissed(asking: Asking) -> frozenset[str]:
    from tta_orchestrate.github.publish.review import fingerprints

    if asking.pull_request is None or not asking.trusted or not asking.graphql_url:
        return frozenset()
    resolved = asking.api.resolved_remarks(asking.pull_request, asking.graphql_url)
    return frozenset(one for body in resolved for one in fingerprints(body))


def _said(comments: "Iterable[Comment]") -> "Iterator[Said]":
    from tta_orchestrate.domain.change import Side
    from tta_orchestrate.modes.review.merge import Said

    for one in comments:
        if one.path and one.line and one.user:
            side = Side.LEFT if one.side == Side.LEFT else Side.RIGHT
            start = min(one.start_line or one.line, one.line)
            yield Said(path=one.path, start_line=start, end_line=one.line, side=side, by=one.user.login)
