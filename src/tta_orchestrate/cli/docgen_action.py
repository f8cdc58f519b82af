"""Docgen as a step of a workflow: everything is read from git objects, nothing from the work tree.

On a change the documentation is checked, without a key. On a schedule, a dispatch or a push to the branch it is
refreshed, and the pages go where ``docgen.publish`` says.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from tta_orchestrate.domain.report import Report
from tta_orchestrate.errors import GitError, GitHubError, PublishForbiddenError

if TYPE_CHECKING:
    from tta_orchestrate.cli.request import RunRequest
    from tta_orchestrate.modes.docgen.codebase import Codebase
    from tta_orchestrate.modes.docgen.publish import Published
    from tta_orchestrate.ports.pull_requests import PullRequests
    from tta_orchestrate.settings.docgen import Docgen
    from tta_orchestrate.settings.model import Settings
    from tta_orchestrate.workspace.commit_tree import CommitDocs, CommitTree
    from tta_orchestrate.workspace.git import Repository

_REFRESHING: Final = frozenset({"schedule", "workflow_dispatch", "push"})
_BRANCH: Final = "refs/heads/"


def document(request: "RunRequest", settings: "Settings", repository: "Repository") -> Report:
    """Check or refresh the documentation of ``request.head``; see the module's words."""
    if request.trusted and request.environ.get("GITHUB_EVENT_NAME") in _REFRESHING:
        return _refresh(request, settings, repository)
    from tta_orchestrate.cli.docgen_parts import tree_at
    from tta_orchestrate.modes.docgen.check import check

    with tree_at(repository, request.head) as tree:
        report = check(_codebase(request, settings.docgen, repository, tree), _docs(tree, settings), settings.docgen)
    if request.paths:
        report = replace(report, findings=tuple(f for f in report.findings if f.path in _chosen(request, tree)))
    return report


@dataclass(frozen=True, slots=True, kw_only=True)
class _Way:
    """How a refresh is published: the way to GitHub, if there is one, and where the docs are read from."""

    hub: "PullRequests | None"
    base_branch: str
    docs_at: str
    on_top: bool = False
    notices: tuple[str, ...] = ()


def _refresh(request: "RunRequest", settings: "Settings", repository: "Repository") -> Report:
    from tta_orchestrate.cli.docgen_parts import make_request, previous, tree_at, with_models
    from tta_orchestrate.modes.docgen.run import run

    way = _way(request, settings.docgen, repository)
    with tree_at(repository, request.head) as tree, tree_at(repository, way.docs_at) as docs_tree:
        docs = _docs(docs_tree, settings)
        with previous(repository, docs.read) as before:
            base = replace(_codebase(request, settings.docgen, repository, tree), before=before)
            asked = make_request(settings, files=_chosen(request, tree) if request.paths else ())
            result = with_models(
                settings,
                request.environ,
                request.output,
                base,
                lambda engine: run(asked, base, docs, engine),
                scope=f"{request.repository} {sorted(request.paths)}",
            )
    report = replace(result.report, notices=(*result.report.notices, *way.notices))
    if way.hub is None:
        return report
    return _told(report, _publish(way, way.hub, settings.docgen, result.changes, report))


def _publish(
    way: _Way, hub: "PullRequests", settings: "Docgen", changes: Mapping[str, str | None], report: Report
) -> "Published":
    from tta_orchestrate.modes.docgen.publish import Target, publish

    target = Target(
        publish=settings.publish,
        branch=settings.branch,
        base_branch=way.base_branch,
        base_commit=way.docs_at,
        on_top=way.on_top,
    )
    folder = settings.path.rstrip("/")
    return publish(
        target,
        {f"{folder}/{path}": text for path, text in changes.items()},
        [str(page["page"]) for page in report.extra.get("pages", {}).get("written", ())],
        hub,
        [f"{one['path']} {one['symbol']}: {one['kind']}" for one in report.extra.get("api_breakage", ())],
    )


def _told(report: Report, done: "Published") -> Report:
    words = {"open": "opened pull request", "update": "updated pull request", "push": "pushed to the branch"}
    said = [f"{words[done.step]} {done.url or done.number or ''}".rstrip()] if done.step in words else []
    published = {"step": done.step.value, "number": done.number, "url": done.url}
    return replace(
        report, notices=(*report.notices, *said, *done.notices), extra={**report.extra, "published": published}
    )


def _way(request: "RunRequest", settings: "Docgen", repository: "Repository") -> _Way:
    """Find out where the refresh goes. Whatever stands in the way is said, and leaves the patch."""
    from tta_orchestrate.settings.docgen import Publish

    ref, environ = request.environ.get("GITHUB_REF", ""), request.environ
    patch_only = _Way(hub=None, base_branch="", docs_at=request.head)
    if settings.publish is Publish.PATCH:
        return patch_only
    if request.api is None:
        return replace(patch_only, notices=("there is no token, so the pages are in changes.patch only",))
    if not ref.startswith(_BRANCH) or request.head != environ.get("GITHUB_SHA"):
        return replace(patch_only, notices=("this run is not about the tip of a branch: see changes.patch",))
    base_branch = ref.removeprefix(_BRANCH)
    if settings.publish is Publish.PULL_REQUEST and settings.branch == base_branch:
        return replace(patch_only, notices=(f"docgen.branch is {base_branch}, which this run is about",))
    from tta_orchestrate.github.publish.branches import Branches

    hub = Branches(request.api)
    try:
        tip = _standing(hub, settings, repository, request.head)
    except (GitHubError, PublishForbiddenError) as error:
        return replace(patch_only, notices=(f"{error}; {error.remedy}; changes.patch holds the pages",))
    return _Way(hub=hub, base_branch=base_branch, docs_at=tip or request.head, on_top=tip is not None)


def _standing(hub: "PullRequests", settings: "Docgen", repository: "Repository", head: str) -> str | None:
    """Return the commit of the branch that the refresh goes on from: its pages are kept, and not paid for again.

    ``None``: the branch is made anew from *head*, because there is none, its request is closed, the docs of the base
    have gone their own way since, or its commits are not in this clone.
    """
    from tta_orchestrate.settings.docgen import Publish

    tip = hub.tip(settings.branch)
    if tip is None:
        return None
    try:
        repository.resolve(tip)
        if settings.publish is Publish.PUSH:
            return tip
        fork = repository.merge_base(tip, head)
    except GitError:
        return None
    same = _folder(repository, fork, settings.path) == _folder(repository, head, settings.path)
    return tip if same and fork != tip and hub.find_open(settings.branch) is not None else None


def _folder(repository: "Repository", rev: str, path: str) -> Mapping[str, str]:
    prefix = path.rstrip("/") + "/"
    return {name: entry.oid for name, entry in repository.entries(rev).items() if name.startswith(prefix)}


def _docs(tree: "CommitTree", settings: "Settings") -> "CommitDocs":
    from tta_orchestrate.workspace.commit_tree import CommitDocs

    return CommitDocs(tree, settings.docgen.path)


def _chosen(request: "RunRequest", tree: "CommitTree") -> tuple[str, ...]:
    import pathspec

    return tuple(pathspec.GitIgnoreSpec.from_lines(request.paths).match_files(tree.files()))


def _codebase(request: "RunRequest", settings: "Docgen", repository: "Repository", tree: "CommitTree") -> "Codebase":
    from tta_orchestrate import registry
    from tta_orchestrate.modes.docgen.codebase import Codebase, project_name

    return Codebase(
        tree=tree,
        project=settings.project or project_name(tree, request.repository, request.workspace.name),
        repository=request.repository,
        server_url=request.server_url,
        languages=registry.load_all("languages"),
        shallow=repository.is_shallow(),
    )
