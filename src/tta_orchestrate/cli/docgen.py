"""``tta-orchestrate docgen``."""

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tta_orchestrate.cli.options import DEFAULT_OUTPUT, Batch, Budget, Config, Output

if TYPE_CHECKING:
    from tta_orchestrate.domain.report import Report
    from tta_orchestrate.modes.docgen.codebase import Codebase
    from tta_orchestrate.modes.docgen.run import Request
    from tta_orchestrate.modes.docgen.store import DocsFolder
    from tta_orchestrate.ports.tree import SourceTree
    from tta_orchestrate.settings.docgen import Docgen
    from tta_orchestrate.settings.model import Settings

_REPOSITORY = typer.Option("--repository", "-C", help="The repository to document.", file_okay=False)


def docgen(
    everything: Annotated[bool, typer.Option("--all", help="Every source file (the default without --file).")] = False,
    file: Annotated[list[str] | None, typer.Option("--file", help="Only the page of this source; repeatable.")] = None,
    check: Annotated[bool, typer.Option("--check", help="Write nothing; name stale and missing blocks.")] = False,
    lint: Annotated[Path | None, typer.Option("--lint", help="Check a Logseq graph and do nothing else.")] = None,
    format_: Annotated[str, typer.Option("--format", help="logseq, markdown, mkdocs, obsidian or sphinx.")] = "",
    config: Config = None,
    output: Output = DEFAULT_OUTPUT,
    repository: Annotated[Path, _REPOSITORY] = Path(),
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Leave changes.patch only; write no page.")] = False,
    fail_on_drift: Annotated[
        bool, typer.Option("--fail-on-drift", help="With --check: exit 1 when a block is stale or missing.")
    ] = False,
    prune: Annotated[bool, typer.Option("--prune", help="Delete what documents removed symbols.")] = False,
    allow_removal: Annotated[bool, typer.Option("--allow-removal", help="Let many pages vanish at once.")] = False,
    budget_usd: Budget = None,
    batch: Batch = False,
) -> int:
    """Write and refresh documentation: complete without a key, checked against the code.

    Pages go to `docs/tta` (setting `docgen.path`); results (findings.json, summary.md, changes.patch) to `--output`.
    With the key of a configured model, blocks without prose are written by it, within `--budget-usd`.
    """
    if lint is not None:
        return _lint(lint)
    from tta_orchestrate.errors import UsageError

    if everything and file:
        raise UsageError("--all and --file contradict each other", remedy="give one of them")
    root = repository.resolve()
    settings = _settings(config, root, format_, budget_usd)
    if batch:
        settings = settings.model_copy(update={"docgen": settings.docgen.model_copy(update={"batch": True})})
    if not settings.enabled:
        from tta_orchestrate.cli import delivery
        from tta_orchestrate.domain.report import Subject

        return delivery.deliver(delivery.disabled("docgen", Subject()), output)
    if check:
        report = _check(root, settings.docgen)
    else:
        from tta_orchestrate.cli.docgen_parts import make_request

        request = make_request(settings, files=tuple(file or ()), prune=prune, allow_removal=allow_removal)
        report = _write(root, settings, request, output, dry_run=dry_run)
    code = _deliver(report, output)
    return 1 if fail_on_drift and report.findings else code


def _settings(config: Path | None, root: Path, format_: str, budget_usd: str | None) -> "Settings":
    from tta_orchestrate.cli.options import config_source, settings
    from tta_orchestrate.errors import UsageError
    from tta_orchestrate.settings.docgen import Format

    found = settings(config_source(config, root=root), {"--budget-usd": budget_usd}).settings
    if not format_:
        return found
    if format_ not in set(Format):
        raise UsageError(f"there is no format {format_!r}", remedy=f"choose one of: {', '.join(Format)}")
    return found.model_copy(update={"docgen": found.docgen.model_copy(update={"format": Format(format_)})})


def _write(root: Path, settings: "Settings", request: "Request", output: Path, *, dry_run: bool) -> "Report":
    from tta_orchestrate.cli.docgen_parts import with_models
    from tta_orchestrate.cli.paid_work import JOURNAL
    from tta_orchestrate.modes.docgen.run import run
    from tta_orchestrate.modes.docgen.store import DocsFolder

    folder = DocsFolder(root, settings.docgen.path)
    with _before(root, folder) as before:
        base = replace(codebase(root, settings.docgen), before=before)
        scope = f"{root} {sorted(request.files)}"
        result = with_models(
            settings, os.environ, output, base, lambda engine: run(request, base, folder, engine), scope=scope
        )
    if not dry_run:
        for path, text in result.changes.items():
            folder.delete(path) if text is None else folder.write(path, text)
        (output / JOURNAL).unlink(missing_ok=True)  # the manifest holds now what models wrote
    return result.report


@contextmanager
def _before(root: Path, docs: "DocsFolder") -> "Iterator[SourceTree | None]":
    """Yield the commit that the docs were last written for, ``None`` when there is no such commit or no git."""
    from tta_orchestrate.cli.docgen_parts import previous
    from tta_orchestrate.errors import GitError
    from tta_orchestrate.workspace.git import Repository

    with ExitStack() as stack:
        try:
            repository = stack.enter_context(Repository.open(root, os.environ))
        except GitError:
            yield None
            return
        inside = repository.work_tree() == root
        yield stack.enter_context(previous(repository if inside else None, docs.read))


def _check(root: Path, settings: "Docgen") -> "Report":
    from tta_orchestrate.modes.docgen.check import check
    from tta_orchestrate.modes.docgen.store import DocsFolder

    return check(codebase(root, settings), DocsFolder(root, settings.path), settings)


def codebase(root: Path, settings: "Docgen") -> "Codebase":
    """Return where the sources below *root* come from: the work tree, its remote, every language."""
    from tta_orchestrate import registry
    from tta_orchestrate.modes.docgen.codebase import Codebase, parse_remote, project_name
    from tta_orchestrate.workspace.worktree import WorkTree

    tree = WorkTree(root)
    server, slug = parse_remote(tree.remote)
    return Codebase(
        tree=tree,
        project=settings.project or project_name(tree, slug, root.name),
        repository=slug,
        server_url=server,
        languages=registry.load_all("languages"),
        shallow=tree.shallow,
    )


def _lint(folder: Path) -> int:
    from tta_orchestrate.errors import UsageError
    from tta_orchestrate.modes.docgen.lint import lint_graph

    if not folder.is_dir():
        raise UsageError(f"{folder} is not a folder", remedy="give the folder of a Logseq graph")
    found = [(graph, problem) for graph in _graphs(folder) for problem in lint_graph(graph)]
    for graph, problem in found:
        place = (graph / problem.path).relative_to(folder).as_posix()
        typer.echo(_plain(f"{place}:{problem.line}: {problem.rule}: {problem.message}"))
    typer.echo(f"{len(found)} problems" if found else "no problems")
    return 1 if found else 0


def _graphs(folder: Path) -> list[Path]:
    """Return *folder* if it looks like a graph, else the graphs below it (``docs`` holds ``docs/tta``)."""
    if any((folder / part).is_dir() for part in ("pages", "journals", "logseq")):
        return [folder]
    return sorted(path.parent for path in folder.rglob("logseq") if path.is_dir()) or [folder]


def _deliver(report: "Report", output: Path) -> int:
    from tta_orchestrate.cli.delivery import deliver

    code = deliver(report, output)
    pages = report.extra.get("pages", {})
    written, total = len(pages.get("written", ())), pages.get("total", 0)
    typer.echo(f"docgen: {report.verdict.outcome}; {written} pages written of {total}")
    return code


def _plain(text: str) -> str:
    """Return one line that neither a terminal nor a runner's log takes for a command."""
    line = "".join(c if c.isprintable() else "?" for c in text)
    return line.replace("##[", "# #[").replace("::", ":\u200b:") if line.startswith("::") or "##[" in line else line
