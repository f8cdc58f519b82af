"""What docgen at the command line and docgen in a workflow have in common: models, the day, commits as trees."""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from tta_orchestrate.errors import GitError

if TYPE_CHECKING:
    from tta_orchestrate.domain.report import Report
    from tta_orchestrate.modes.docgen.codebase import Codebase
    from tta_orchestrate.modes.docgen.run import Request, Result
    from tta_orchestrate.ports.model import Engine
    from tta_orchestrate.settings.model import Settings
    from tta_orchestrate.workspace.commit_tree import CommitTree
    from tta_orchestrate.workspace.git import Repository


def make_request(
    settings: "Settings", *, files: tuple[str, ...] = (), prune: bool = False, allow_removal: bool = False
) -> "Request":
    """Return what is asked of ``modes.docgen.run.run`` today."""
    from tta_orchestrate.modes.docgen.run import Request

    return Request(
        settings=settings.docgen,
        quality_threshold=settings.quality_threshold,
        files=files,
        prune=prune,
        allow_removal=allow_removal,
        today=time.strftime("%Y_%m_%d", time.gmtime()),
    )


def with_models(
    settings: "Settings",
    env: Mapping[str, str],
    output: Path,
    base: "Codebase",
    work: "Callable[[Engine | None], Result]",
    *,
    scope: str,
) -> "Result":
    """Return what *work* makes of the engine, which is ``None`` when no configured model has its key.

    Money is set aside in the books across runs before the first model is asked, and settled at the end. The journal
    lies in *output*. With ``docgen.batch`` models are asked in batches; *scope* says what for.
    """
    from tta_orchestrate.cli.paid_work import paid_work
    from tta_orchestrate.domain.report import Subject
    from tta_orchestrate.modes.docgen.run import Result

    made: list[Result] = []

    def report(engine: "Engine | None") -> "Report":
        made.append(work(engine))
        return made[-1].report

    told = paid_work(
        settings,
        env,
        mode="docgen",
        output=output,
        run_key=f"docgen {base.repository} {base.tree.commit}",
        subject=Subject(repository=base.repository),
        work=report,
        batch=settings.docgen.batch,
        scope=scope,
    )
    return replace(made[-1], report=told) if made else Result(report=told)


@contextmanager
def previous(repository: "Repository | None", read: Callable[[str], str | None]) -> "Iterator[CommitTree | None]":
    """Yield the commit that the docs were last written for, ``None`` when there is none, or not in this clone."""
    from tta_orchestrate.modes.docgen.manifest import FILENAME, documented_commit

    commit = documented_commit(read(FILENAME) or "")
    try:
        known = repository.resolve(commit) if repository is not None and commit else ""
    except GitError:
        known = ""
    if repository is None or not known:
        yield None
        return
    with tree_at(repository, known) as tree:
        yield tree


@contextmanager
def tree_at(repository: "Repository", rev: str) -> "Iterator[CommitTree]":
    """Yield the files at *rev*."""
    from tta_orchestrate.workspace.commit_tree import CommitTree

    tree = CommitTree(repository, rev)
    try:
        yield tree
    finally:
        tree.close()
