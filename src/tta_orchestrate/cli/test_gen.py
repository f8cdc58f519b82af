"""``tta-orchestrate test-gen``."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from tta_orchestrate.errors import SourceError


def test_gen(
    file: Annotated[
        list[str] | None, typer.Option(help="File to write tests for (repeat for more).", show_default=False)
    ] = None,
    output: Annotated[Path, typer.Option(help="Where the results go.")] = Path("tta-report"),
    python: Annotated[str, typer.Option(help="Interpreter of the repository.")] = "",
    sandbox: Annotated[str, typer.Option(help="`require`, or `off` for code that is trusted.")] = "require",
    seconds: Annotated[float, typer.Option(help="Seconds per file.", min=5)] = 60.0,
    seed: Annotated[int, typer.Option(help="Seed of the search.")] = 0,
    write: Annotated[bool, typer.Option("--write", help="Put the new tests into the work tree as well.")] = False,
) -> None:
    """Write tests that prove themselves: executed in a sandbox, kept only when they earn their place."""
    from tta_orchestrate.modes.test_gen.run import Request, run
    from tta_orchestrate.settings.test_gen import SandboxPolicy, TestGen

    root = _root(Path.cwd())
    files = tuple(_inside(root, path) for path in file or ())
    settings = TestGen(python=python, sandbox=SandboxPolicy(sandbox), seconds_per_target=seconds, seed=seed)
    report = run(Request(root=root, files=files, interpreter=sys.executable), settings)
    _leave(report, output)
    if write and report.patch:
        _apply(root, report.patch)
    raise typer.Exit(report.verdict.exit_code)


def _root(start: Path) -> Path:
    return next((folder for folder in (start, *start.parents) if (folder / ".git").exists()), start).resolve()


def _inside(root: Path, path: str) -> str:
    full = (Path.cwd() / path).resolve()
    if not full.is_relative_to(root):
        raise SourceError(f"{path} lies outside of {root}", remedy="run inside the repository that holds the file")
    if not full.is_file():
        raise SourceError(f"there is no file {path}", remedy="give a path relative to the current folder")
    return full.relative_to(root).as_posix()


def _leave(report: object, output: Path) -> None:
    """Write the results; the sinks of the program take this over."""
    import dataclasses
    import json

    from tta_orchestrate.domain.report import Report

    assert isinstance(report, Report)
    output.mkdir(parents=True, exist_ok=True)
    body = {
        "mode": report.mode, "outcome": report.verdict.outcome, "notices": report.notices, **report.extra,
        "findings": [dataclasses.asdict(f) for f in report.findings],
        "failures": [dataclasses.asdict(f) for f in report.failures],
        "skipped": [dataclasses.asdict(s) for s in report.skipped],
    }  # fmt: skip
    (output / "findings.json").write_text(json.dumps(body, indent=2, default=str) + "\n", encoding="utf-8")
    (output / "changes.patch").write_text(report.patch, encoding="utf-8", newline="")
    for target in report.extra["targets"]:
        before, after = target["coverage"]["before"], target["coverage"]["after"]
        typer.echo(
            f"{target['path']}: {len(target['kept'])} kept, {len(target['dropped'])} dropped"
            + (f" ({target['reason']})" if target["reason"] else "")
        )
        if before and after:
            typer.echo(f"  lines {before['lines']['percent']} % -> {after['lines']['percent']} %, branches {before['branches']['percent']} % -> {after['branches']['percent']} %, "
                       f"mutants {target['mutation']['before']['score']} % -> {target['mutation']['after']['score']} %")  # fmt: skip
    typer.echo(f"{report.verdict.outcome}: results in {output}/")


def _apply(root: Path, patch: str) -> None:
    import subprocess

    command = ["git", "-c", "core.hooksPath=/dev/null", "apply", "--whitespace=nowarn", "-"]
    done = subprocess.run(command, input=patch, text=True, cwd=root, capture_output=True, check=False)
    if done.returncode:
        raise SourceError(
            f"the patch does not apply: {done.stderr.strip()[:300]}", remedy="apply changes.patch by hand"
        )
