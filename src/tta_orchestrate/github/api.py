"""A small client for GitHub's REST API: typed answers, one retry policy, writes one by one.

Endpoints are methods named after what they do; the URL always comes from ``GITHUB_API_URL``, so GitHub Enterprise
Server is the same code. A write whose answer is lost is never repeated blindly: it raises ``AnswerLostError``, and the
caller reads back first.
"""

import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, TypeVar
from urllib.parse import quote

from pydantic import TypeAdapter, ValidationError

from tta_orchestrate.errors import AnswerLostError, ForbiddenError, GitHubError, InvalidError, NotFoundError
from tta_orchestrate.github import pacing
from tta_orchestrate.github.records import (
    CheckRun,
    CheckRuns,
    Comment,
    Comparison,
    Content,
    GitCommit,
    GitObject,
    GitRef,
    Issue,
    PullFile,
    PullRequest,
    Record,
    Review,
    StoredAnnotation,
    Threads,
)

if TYPE_CHECKING:
    import httpx2

API_VERSION: Final = "2022-11-28"
PAGE: Final = 100
MAX_PAGES: Final = 30
"""GitHub lists at most 3,000 files of a pull request; nothing else that is read here is longer."""
_UNAUTHORIZED, _FORBIDDEN, _NOT_FOUND, _UNPROCESSABLE = 401, 403, 404, 422
_RESOLVED: Final = (
    "query($owner:String!,$name:String!,$number:Int!){repository(owner:$owner,name:$name){pullRequest(number:$number)"
    "{reviewThreads(last:100){nodes{isResolved comments(first:1){nodes{body author{__typename}}}}}}}}"
)

Json = Mapping[str, Any]
T = TypeVar("T")
R = TypeVar("R", bound=Record)


@dataclass(frozen=True, slots=True, kw_only=True)
class Time:
    """The clock of a client: passed in, so that tests wait no real second."""

    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    monotonic: Callable[[], float] = time.monotonic
    wait: Callable[[float], None] = time.sleep


class GitHub:
    """One repository, seen with one token. ``calls`` counts the requests that were sent."""

    def __init__(
        self,
        repository: str,
        token: str,
        *,
        api_url: str = "https://api.github.com",
        clock: Time | None = None,
        patience: float = 300.0,
        transport: "httpx2.BaseTransport | None" = None,
    ) -> None:
        """Make a client that waits for rate limits *patience* seconds in all, and then gives up."""
        import httpx2

        self.repository = repository
        self.calls = 0
        self._clock = clock or Time()
        self._deadline = self._clock.monotonic() + patience
        self._last_write: float | None = None
        self._http = httpx2.Client(
            base_url=api_url.rstrip("/"),
            transport=transport,
            follow_redirects=False,
            timeout=httpx2.Timeout(30.0, connect=10.0),
            headers={
                "Accept": "application/vnd.github+json",
                "Authorization": f"Bearer {token}",
                "User-Agent": "tta-orchestrate",
                "X-GitHub-Api-Version": API_VERSION,
            },
        )

    def close(self) -> None:
        """Release connections."""
        self._http.close()

    # -- checks

    def create_check_run(self, body: Json) -> CheckRun:
        """``POST /repos/{owner}/{repo}/check-runs``."""
        return self._write("POST", self._repo("check-runs"), body, CheckRun)

    def update_check_run(self, run_id: int, body: Json) -> CheckRun:
        """``PATCH /repos/{owner}/{repo}/check-runs/{id}``: ``output.annotations`` are appended to those there are."""
        return self._write("PATCH", self._repo(f"check-runs/{run_id}"), body, CheckRun)

    def check_run(self, run_id: int) -> CheckRun:
        """``GET /repos/{owner}/{repo}/check-runs/{id}``."""
        return self._read(self._repo(f"check-runs/{run_id}"), CheckRun)

    def check_runs(self, ref: str, name: str) -> tuple[CheckRun, ...]:
        """``GET /repos/{owner}/{repo}/commits/{ref}/check-runs``: the latest ones called *name*."""
        query: dict[str, str | int] = {"check_name": name, "filter": "latest", "per_page": PAGE}
        return self._read(self._repo(f"commits/{quote(ref, safe='')}/check-runs"), CheckRuns, query).check_runs

    def annotations(self, run_id: int) -> list[StoredAnnotation]:
        """``GET /repos/{owner}/{repo}/check-runs/{id}/annotations``, all pages."""
        return list(self._pages(self._repo(f"check-runs/{run_id}/annotations"), StoredAnnotation))

    # -- pull requests

    def pull_request(self, number: int) -> PullRequest:
        """``GET /repos/{owner}/{repo}/pulls/{n}``."""
        return self._read(self._repo(f"pulls/{number}"), PullRequest)

    def open_pull_requests(self, head: str) -> tuple[PullRequest, ...]:
        """``GET /repos/{owner}/{repo}/pulls``: the open ones that come from *head* (``owner:branch``)."""
        query: dict[str, str | int] = {"state": "open", "head": head, "per_page": PAGE}
        path = self._repo("pulls")
        try:
            return TypeAdapter(tuple[PullRequest, ...]).validate_json(self._send("GET", path, query=query))
        except ValidationError as error:
            raise _strange(path) from error

    def pull_files(self, number: int) -> list[PullFile]:
        """``GET /repos/{owner}/{repo}/pulls/{n}/files``, all pages; never more than 3,000."""
        return list(self._pages(self._repo(f"pulls/{number}/files"), PullFile))

    def review_comments(self, number: int, *, pages: int = MAX_PAGES) -> list[Comment]:
        """``GET /repos/{owner}/{repo}/pulls/{n}/comments``, at most so many pages."""
        return list(self._pages(self._repo(f"pulls/{number}/comments"), Comment, pages))

    def resolved_remarks(self, number: int, graphql_url: str) -> list[str]:
        """Return what bots' remarks say whose threads are resolved, of the last hundred threads.

        One GraphQL query: the REST API does not tell.
        """
        owner, _, name = self.repository.partition("/")
        body = {"query": _RESOLVED, "variables": {"owner": owner, "name": name, "number": number}}
        threads = _parsed(Threads, self._send("POST", graphql_url, body=body), "graphql").nodes
        first = (one.comments.nodes[0] for one in threads if one.resolved and one.comments.nodes)
        return [one.body for one in first if one.author is not None and one.author.kind == "Bot"]

    def reviews(self, number: int) -> list[Review]:
        """``GET /repos/{owner}/{repo}/pulls/{n}/reviews``, all pages."""
        return list(self._pages(self._repo(f"pulls/{number}/reviews"), Review))

    def create_review(self, number: int, body: Json) -> Review:
        """``POST /repos/{owner}/{repo}/pulls/{n}/reviews``."""
        return self._write("POST", self._repo(f"pulls/{number}/reviews"), body, Review)

    def create_pull_request(self, body: Json) -> PullRequest:
        """``POST /repos/{owner}/{repo}/pulls``."""
        return self._write("POST", self._repo("pulls"), body, PullRequest)

    def update_pull_request(self, number: int, body: Json) -> PullRequest:
        """``PATCH /repos/{owner}/{repo}/pulls/{n}``."""
        return self._write("PATCH", self._repo(f"pulls/{number}"), body, PullRequest)

    # -- git's own objects

    def branch(self, name: str) -> GitRef:
        """``GET /repos/{owner}/{repo}/git/ref/heads/{name}``."""
        return self._read(self._repo(f"git/ref/heads/{quote(name)}"), GitRef)

    def create_branch(self, name: str, commit: str) -> GitRef:
        """``POST /repos/{owner}/{repo}/git/refs``."""
        return self._write("POST", self._repo("git/refs"), {"ref": f"refs/heads/{name}", "sha": commit}, GitRef)

    def move_branch(self, name: str, commit: str, *, force: bool) -> GitRef:
        """``PATCH /repos/{owner}/{repo}/git/refs/heads/{name}``; without *force* only forward."""
        path = self._repo(f"git/refs/heads/{quote(name)}")
        return self._write("PATCH", path, {"sha": commit, "force": force}, GitRef)

    def commit(self, name: str) -> GitCommit:
        """``GET /repos/{owner}/{repo}/git/commits/{sha}``."""
        return self._read(self._repo(f"git/commits/{name}"), GitCommit)

    def create_commit(self, message: str, tree: str, parents: Sequence[str]) -> GitCommit:
        """``POST /repos/{owner}/{repo}/git/commits``: the author is whoever the token belongs to."""
        body = {"message": message, "tree": tree, "parents": list(parents)}
        return self._write("POST", self._repo("git/commits"), body, GitCommit)

    def create_tree(self, base: str, entries: Sequence[Json]) -> str:
        """``POST /repos/{owner}/{repo}/git/trees``: *base* with *entries* (``content`` text, or ``sha`` null)."""
        body = {"base_tree": base, "tree": list(entries)}
        return self._write("POST", self._repo("git/trees"), body, GitObject).sha

    def compare(self, base: str, head: str) -> Comparison:
        """``GET /repos/{owner}/{repo}/compare/{base}...{head}``: the first commits that only *head* has."""
        return self._read(self._repo(f"compare/{base}...{head}"), Comparison, {"per_page": PAGE})

    # -- comments

    def issue_comments(self, number: int) -> list[Comment]:
        """``GET /repos/{owner}/{repo}/issues/{n}/comments``, all pages."""
        return list(self._pages(self._repo(f"issues/{number}/comments"), Comment))

    def create_issue_comment(self, number: int, text: str) -> Comment:
        """``POST /repos/{owner}/{repo}/issues/{n}/comments``."""
        return self._write("POST", self._repo(f"issues/{number}/comments"), {"body": text}, Comment)

    def update_issue_comment(self, comment_id: int, text: str) -> Comment:
        """``PATCH /repos/{owner}/{repo}/issues/comments/{id}``."""
        return self._write("PATCH", self._repo(f"issues/comments/{comment_id}"), {"body": text}, Comment)

    # -- issues

    def open_issues(self) -> Iterator[Issue]:
        """``GET /repos/{owner}/{repo}/issues``: the open ones, pull requests among them, latest first, page by page."""
        return self._pages(self._repo("issues"), Issue)

    def create_issue(self, title: str, text: str) -> Issue:
        """``POST /repos/{owner}/{repo}/issues``."""
        return self._write("POST", self._repo("issues"), {"title": title, "body": text}, Issue)

    def update_issue(self, number: int, text: str) -> Issue:
        """``PATCH /repos/{owner}/{repo}/issues/{n}``: its text."""
        return self._write("PATCH", self._repo(f"issues/{number}"), {"body": text}, Issue)

    # -- files

    def content(self, path: str, ref: str) -> Content:
        """``GET /repos/{owner}/{repo}/contents/{path}``: a file of at most 1 MB."""
        return self._read(self._repo(f"contents/{quote(path)}"), Content, {"ref": ref})

    # -- how

    def _repo(self, path: str) -> str:
        return f"/repos/{self.repository}/{path}"

    def _read(self, path: str, record: type[R], query: Mapping[str, str | int] | None = None) -> R:
        return _parsed(record, self._send("GET", path, query=query), path)

    def _pages(self, path: str, record: type[R], pages: int = MAX_PAGES) -> Iterator[R]:
        many: TypeAdapter[Any] = TypeAdapter(list[record])  # type: ignore[valid-type]
        for page in range(1, pages + 1):
            answer = self._send("GET", path, query={"per_page": PAGE, "page": page})
            try:
                items = many.validate_json(answer)
            except ValidationError as error:
                raise _strange(path) from error
            yield from items
            if len(items) < PAGE:
                return

    def _write(self, method: str, path: str, body: Json, record: type[R]) -> R:
        if self._last_write is not None:
            gap = self._last_write + pacing.WRITE_GAP - self._clock.monotonic()
            if gap > 0:
                self._clock.wait(gap)
        try:
            return _parsed(record, self._send(method, path, body=body), path)
        finally:
            self._last_write = self._clock.monotonic()

    def _send(
        self, method: str, path: str, *, query: Mapping[str, str | int] | None = None, body: Json | None = None
    ) -> bytes:
        """Send until there is an answer to keep; return its body.

        Raises:
            ForbiddenError, NotFoundError, InvalidError: GitHub's final word.
            AnswerLostError: a write may or may not have been done.
            GitHubError: no answer within the patience.
        """
        import httpx2

        reading = method == "GET"
        content = None if body is None else json.dumps(body, ensure_ascii=True).encode()
        headers = {} if content is None else {"Content-Type": "application/json"}
        for attempt in range(1, pacing.TRIES + 1):
            self.calls += 1
            try:
                answer = self._http.request(method, path, params=query, content=content, headers=headers)
            except httpx2.ConnectError:  # nothing was sent
                wait, trouble = pacing.server_error_wait(attempt), "GitHub cannot be reached"
            except httpx2.TransportError as error:
                if not reading:
                    raise AnswerLostError(f"no answer to {method} {path}: {type(error).__name__}") from error
                wait, trouble = pacing.server_error_wait(attempt), f"no answer: {type(error).__name__}"
            else:
                if answer.is_success:
                    return answer.content
                wait = self._wait_or_raise(answer, method, path, attempt)
                trouble = f"GitHub answers {answer.status_code}"
            self._pause(wait, attempt, f"{method} {path}: {trouble}")
        raise AssertionError

    def _wait_or_raise(self, answer: "httpx2.Response", method: str, path: str, attempt: int) -> float:
        status, headers = answer.status_code, {name.lower(): value for name, value in answer.headers.items()}
        if pacing.is_rate_limit(status, headers, answer.text[:1000]):
            return pacing.rate_limit_wait(headers, attempt=attempt, now=self._clock.now())
        if pacing.is_server_error(status):
            if method != "GET":
                raise AnswerLostError(f"GitHub answers {status} to {method} {path}")
            return pacing.server_error_wait(attempt)
        raise _refusal(status, f"GitHub answers {status} to {method} {path}")

    def _pause(self, wait: float, attempt: int, trouble: str) -> None:
        if attempt == pacing.TRIES or self._clock.monotonic() + wait > self._deadline:
            raise GitHubError(trouble, remedy="run the job again later; results are in the artifact and the summary")
        self._clock.wait(wait)


def _refusal(status: int, message: str) -> GitHubError:
    match status:
        case 401 | 403:
            return ForbiddenError(
                message, remedy="grant the job the permissions of its mode (README, table of permissions)"
            )
        case 404:
            return NotFoundError(message, remedy="check the repository's name and what the token may read")
        case 422:
            return InvalidError(message)
        case _:
            return GitHubError(message)


def _parsed(record: type[R], answer: bytes, path: str) -> R:
    try:
        return record.model_validate_json(answer)
    except ValidationError as error:
        raise _strange(path) from error


def _strange(path: str) -> GitHubError:
    return GitHubError(f"GitHub's answer for {path} is not what its API describes")
