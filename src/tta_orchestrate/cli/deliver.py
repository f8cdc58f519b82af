"""``tta-orchestrate deliver``: bring generated tests to GitHub, from a job that runs none of them.

The job that generated them executed code and may hold keys, but may not write; this one may write, and executes
nothing: it reads the artifact as data, the commits as git objects, and writes whole files through GitHub's API.
"""

import json
import os
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated, Final

import typer

from tta_orchestrate.errors import PatchRefusedError, SourceError, UsageError

if TYPE_CHECKING:
    from tta_orchestrate.github.api import GitHub
    from tta_orchestrate.modes.test_gen.deliverable import Standing
    from tta_orchestrate.ports.pull_requests import PullRequests
    from tta_orchestrate.workspace.git import Repository

TITLE: Final = "test: add generated tests"
TRAILER: Final = "Generated-by: tta-orchestrate test-gen"
_LARGEST_REPORT: Final = 64 << 20
_BRANCH: Final = "refs/heads/"
_AGAIN: Final = "run test-gen again on the new commit; a patch is never fitted to code that it was not made for"


class Form(StrEnum):
    """How the tests arrive."""

    COMMIT = "commit"
    PULL_REQUEST = "pull-request"


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where the tests belong: what GitHub says, never the artifact."""

    branch: str
    head: str
    base: str
    """The commit that configuration and test folders are read from."""
    rolling: str
    """The branch of our own pull request."""
    pull_request: int | None = None


def deliver(
    report: Annotated[Path, typer.Argument(metavar="DIR", help="Folder with the downloaded results of test-gen.")],
    form: Annotated[
        Form, typer.Option("--as", help="A commit on the pull request's branch, or one rolling pull request to it.")
    ] = Form.PULL_REQUEST,
) -> int:
    """Bring generated tests to GitHub as a commit or a pull request, running none of them.

    For a job of its own after test-gen, with `contents: write` and no key. Reads `GITHUB_TOKEN` and the runner's
    `GITHUB_*`; checks nothing out. Only tests that bear this program's mark, in folders for tests, are written, and
    only onto the very commit that they were made for.
    """
    from tta_orchestrate.github.api import GitHub

    token, repository = os.environ.get("GITHUB_TOKEN", ""), os.environ.get("GITHUB_REPOSITORY", "")
    if not token or not repository:
        raise UsageError("deliver runs in a workflow", remedy="pass GITHUB_TOKEN in the step's `env`")
    api = GitHub(repository, token, api_url=os.environ.get("GITHUB_API_URL") or "https://api.github.com")
    try:
        print(deliver_tests(report, form, api, os.environ))
    finally:
        api.close()
    return 0


def deliver_tests(report: Path, form: Form, api: "GitHub", environ: Mapping[str, str]) -> str:
    """Judge the patch in the folder *report* and write what it makes; return what was done, in one line.

    Raises:
        PatchRefusedError: it is not what may be delivered, or not for the commit that the branch is at.
        OrchestrateError: GitHub or git refuse.
    """
    from tta_orchestrate.github.publish.branches import Branches
    from tta_orchestrate.modes.test_gen.deliverable import deliverable

    patch = read_plain(report / "changes.patch", _LARGEST_REPORT)
    if patch is None:
        return "nothing to deliver: there is no changes.patch"
    place = _place(api, environ)
    if _made_for(report) != place.head:
        raise PatchRefusedError("the patch was not made for the commit that the branch is at now", remedy=_AGAIN)
    if form is Form.COMMIT and place.pull_request is None:
        raise UsageError("--as commit is for pull requests", remedy="use --as pull-request on other events")
    with _objects(place, environ) as repository:
        files = deliverable(patch, _standing(repository, place, environ))
    hub = Branches(api, TRAILER)
    if form is Form.COMMIT:
        made = hub.commit(place.branch, place.head, dict(files), TITLE, on_top=True)
        return f"delivered {len(files)} file(s) as commit {made} on the pull request's branch"
    return _requested(place, files, hub)


def read_plain(path: Path, limit: int) -> bytes | None:
    """Return the bytes of a plain file, ``None`` where there is none; links and devices are not followed.

    Raises:
        PatchRefusedError: something else is there, or it is longer than *limit* bytes.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise PatchRefusedError(f"{path.name} cannot be read: {error.strerror}", remedy="see the artifact") from error
    with os.fdopen(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise PatchRefusedError(f"{path.name} is no plain file", remedy="see the artifact")
        data = file.read(limit + 1)
    if len(data) > limit:
        raise PatchRefusedError(f"{path.name} is too large", remedy="see the artifact")
    return data


def _made_for(report: Path) -> str:
    """Return the commit that the artifact says its patch was made for; empty where it does not say."""
    data = read_plain(report / "findings.json", _LARGEST_REPORT) or b"{}"
    try:
        document = json.loads(data)
        head = document["subject"]["head"] if document["mode"] == "test-gen" else ""
    except (ValueError, KeyError, TypeError, RecursionError):
        return ""
    return head if isinstance(head, str) else ""


def _place(api: "GitHub", environ: Mapping[str, str]) -> Place:
    from tta_orchestrate.github.events import decide

    decision = decide(
        environ.get("GITHUB_EVENT_NAME", ""), _event(environ), mode="test-gen", sha=environ.get("GITHUB_SHA", "")
    )
    if not decision.trusted:
        raise PatchRefusedError("the change comes from outside", remedy="apply changes.patch of the artifact by hand")
    if decision.pull_request is None:
        ref = environ.get("GITHUB_REF", "")
        if not ref.startswith(_BRANCH):
            raise UsageError("this run is not about a branch", remedy="run it on a pull request or a branch")
        branch = ref.removeprefix(_BRANCH)
        return Place(branch=branch, head=api.branch(branch).object.sha, base=decision.head, rolling="tta/tests")
    pull = api.pull_request(decision.pull_request)
    names = {end.repo.full_name if end.repo else "" for end in (pull.head, pull.base)}
    if names != {api.repository} or pull.state != "open":
        raise PatchRefusedError(
            "the pull request is closed, or comes from a fork", remedy="apply changes.patch of the artifact by hand"
        )
    number = pull.number
    return Place(
        branch=pull.head.ref, head=pull.head.sha, base=pull.base.sha, rolling=f"tta/tests-{number}", pull_request=number
    )


def _event(environ: Mapping[str, str]) -> Mapping[str, object]:
    try:
        payload = json.loads(Path(environ["GITHUB_EVENT_PATH"]).read_bytes())
    except (KeyError, OSError, ValueError) as error:
        raise SourceError("the event's payload cannot be read", remedy="run in a workflow") from error
    return payload if isinstance(payload, dict) else {}


@contextmanager
def _objects(place: Place, environ: Mapping[str, str]) -> "Iterator[Repository]":
    """Fetch the commits as objects: no work tree, no hooks, no configuration of anybody."""
    from tta_orchestrate.github.pull_request import fetch_commits
    from tta_orchestrate.workspace.git import Repository

    server = (environ.get("GITHUB_SERVER_URL") or "https://github.com").rstrip("/")
    with TemporaryDirectory(prefix="tta-deliver-") as scratch:
        folder = fetch_commits(
            Path(scratch),
            url=f"{server}/{environ.get('GITHUB_REPOSITORY', '')}",
            token=environ.get("GITHUB_TOKEN", ""),
            base=place.base,
            head=place.head,
            path=environ.get("PATH", os.defpath),
        )
        with Repository.open(folder, environ, trust_owner=True) as repository:
            yield repository


def _standing(repository: "Repository", place: Place, environ: Mapping[str, str]) -> "Standing":
    from tta_orchestrate.cli import options
    from tta_orchestrate.modes.test_gen.deliverable import LARGEST_FILE, Standing
    from tta_orchestrate.settings.loader import load

    source = options.steering_source(lambda path: repository.read(place.base, path))
    settings = load(source, env=environ, flags={}).settings
    return Standing(
        modes={path: entry.mode for path, entry in repository.entries(place.head).items()},
        read=lambda path: repository.read(place.head, path, limit=LARGEST_FILE),
        base_files=repository.list_files(place.base),
        folders=settings.test_gen.delivery_folders,
    )


def _requested(place: Place, files: Mapping[str, str], hub: "PullRequests") -> str:
    """Write our own branch anew, and open or update its pull request; what others committed there is left alone."""
    if hub.has_foreign_commits(place.rolling, place.head):
        raise PatchRefusedError(
            f"the branch {place.rolling} holds commits of others", remedy="merge or close its pull request first"
        )
    hub.commit(place.rolling, place.head, dict(files), TITLE, on_top=False)
    existing = hub.find_open(place.rolling)
    if existing is None:
        existing = hub.open(place.rolling, place.branch, TITLE, _body(files))
    else:
        hub.update(existing.number, TITLE, _body(files))
    return f"delivered {len(files)} file(s) as pull request {existing.url or existing.number}"


def _body(files: Mapping[str, str]) -> str:
    said = "These tests tell what the code does today; they were run in a sandbox, and approve nothing."
    kept = "This pull request is updated in place; merge or close it whenever you like."
    return "\n".join([said, "", *(f"- `{path}`" for path in sorted(files)), "", kept, ""])
