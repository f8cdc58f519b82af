"""``tta-orchestrate test-gen``: write tests that prove themselves, leave them as a patch."""

import os
import sys
from collections.abc import Mapping
from contextlib import ExitStack
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tta_orchestrate.cli import options
from tta_orchestrate.errors import GitError, SourceError, UsageError

if TYPE_CHECKING:
    from tta_orchestrate.modes.test_gen.run import Request
    from tta_orchestrate.settings.model import Settings
    from tta_orchestrate.settings.test_gen import TestGen
    from tta_orchestrate.workspace.git import Repository

_WHAT, _HOW = "What gets tests", "How they are made"


def test_gen(
    file: Annotated[
        list[str] | None,
        typer.Option(metavar="PATH", help="A file; may be repeated.", rich_help_panel=_WHAT, show_default=False),
    ] = None,
    base: Annotated[
        str | None, typer.Option(metavar="REV", help="What changed since this commit.", rich_help_panel=_WHAT)
    ] = None,
    python: Annotated[
        str | None, typer.Option(metavar="PATH", help="Interpreter of the repository.", rich_help_panel=_HOW)
    ] = None,
    sandbox: Annotated[
        str | None,
        typer.Option(metavar="require|off", help="`off` is for code that you trust.", rich_help_panel=_HOW),
    ] = None,
    seconds: Annotated[
        float | None, typer.Option(metavar="N", help="Seconds per file.", min=5, rich_help_panel=_HOW)
    ] = None,
    seed: Annotated[int | None, typer.Option(metavar="N", help="Seed of the search.", rich_help_panel=_HOW)] = None,
    write: Annotated[bool, typer.Option("--write", help="Put the tests into the work tree as well.")] = False,
    budget_usd: options.Budget = None,
    batch: options.Batch = False,
    config: options.Config = None,
    output: options.Output = options.DEFAULT_OUTPUT,
) -> int:
    """Write tests that prove themselves: executed in a sandbox, kept only when they earn their place.

    With `--file` for that file; with `--base` for what changed since then; without either for the largest gaps of the
    repository. The result is `changes.patch`; with `--write` the work tree gets the same files.
    """
    if file and base is not None:
        raise UsageError("--file and --base exclude each other", remedy="give only one of them")
    from tta_orchestrate.cli import delivery
    from tta_orchestrate.cli.paid_work import paid_work
    from tta_orchestrate.domain.report import Subject
    from tta_orchestrate.modes.test_gen.run import run

    with ExitStack() as stack:
        repository = _repository(stack, needed=base is not None)
        root = _root(repository)
        flags = {
            "batch": batch or None,
            "python": python,
            "sandbox": sandbox,
            "seconds_per_target": seconds,
            "seed": seed,
        }
        settings = _settings(repository, root, base, config, {"--budget-usd": _amount(budget_usd)})
        if not settings.enabled:
            return delivery.deliver(delivery.disabled("test-gen", Subject()), output)
        section = settings.test_gen.model_validate(
            {**settings.test_gen.model_dump(), **{key: value for key, value in flags.items() if value is not None}}
        )
        request = _request(repository, root, file or [], base)
        report = paid_work(
            settings,
            os.environ,
            mode="test-gen",
            output=output,
            run_key=_about(request, section),
            work=lambda engine: run(request, section, engine=engine),
            batch=section.batch,
            scope=f"{root} {sorted(request.files)} {base or ''}",
        )
    code = delivery.deliver(report, output)
    if write and report.patch:
        _apply(root, report.patch)
    return code


def _repository(stack: ExitStack, *, needed: bool) -> "Repository | None":
    from tta_orchestrate.workspace.git import Repository

    try:
        return stack.enter_context(Repository.open(Path.cwd(), os.environ))
    except GitError:
        if needed:
            raise
        return None


def _root(repository: "Repository | None") -> Path:
    root = repository.work_tree() if repository is not None else Path.cwd()
    if root is None:
        raise SourceError("this repository has no work tree", remedy="run in a checkout")
    return root.resolve()


def _settings(
    repository: "Repository | None", root: Path, base: str | None, config: Path | None, flags: Mapping[str, object]
) -> "Settings":
    if config is not None:
        return options.settings(options.config_source(config), flags).settings
    if repository is not None and base is not None:
        revision = base
        return options.settings(options.steering_source(lambda path: repository.read(revision, path)), flags).settings
    return options.settings(options.config_source(None, root=root), flags).settings


def _request(repository: "Repository | None", root: Path, files: list[str], base: str | None) -> "Request":
    from tta_orchestrate import registry
    from tta_orchestrate.modes.test_gen.run import Request

    runners = registry.load_all("runners")
    if repository is None or base is None:
        wanted = tuple(_inside(root, path) for path in files)
        return Request(root=root, files=wanted, interpreter=sys.executable, runners=runners)
    fork = repository.merge_base(base, "HEAD")
    changed = {f.path: f.touched_lines() for f in repository.change(fork, "HEAD", context=0).files}
    return Request(
        root=root,
        interpreter=sys.executable,
        runners=runners,
        changed=changed,
        base_files=lambda: {
            path: data
            for path, data in repository.read_many(fork, repository.list_files(fork), limit=1 << 25)
            if data is not None and repository.entries(fork)[path].mode.startswith("100")
        },
    )


def _amount(text: str | None) -> Decimal | str | None:
    """Return the amount in *text*, or the text itself, which the settings then refuse by its name."""
    try:
        return None if text is None else Decimal(text)
    except InvalidOperation:
        return text


def _about(request: "Request", section: "TestGen") -> str:
    """Return what the answers of this run depend on, as a key: another one does not take them over."""
    import hashlib

    seen = hashlib.sha256(section.model_dump_json().encode())
    for path in sorted((*request.files, *(request.changed or ()))):
        seen.update(
            path.encode() + b"\0" + (request.root / path).read_bytes() if (request.root / path).is_file() else b""
        )
    return f"test-gen {seen.hexdigest()}"


def _inside(root: Path, path: str) -> str:
    full = (Path.cwd() / path).resolve()
    if not full.is_relative_to(root):
        raise SourceError(f"{path} lies outside of {root}", remedy="run inside the repository that holds the file")
    if not full.is_file():
        raise SourceError(f"there is no file {path}", remedy="give a path relative to the current folder")
    return full.relative_to(root).as_posix()


def _apply(root: Path, patch: str) -> None:
    import subprocess

    command = ["git", "-c", "core.hooksPath=/dev/null", "apply", "--whitespace=nowarn", "-"]
    done = subprocess.run(command, input=patch, text=True, cwd=root, capture_output=True, check=False)
    if done.returncode:
        raise SourceError(
            f"the patch does not apply: {done.stderr.strip()[:300]}", remedy="apply changes.patch by hand"
        )
