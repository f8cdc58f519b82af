"""The command line: one file per command beside this one, put together here, errors turned into exit codes here."""

import errno
import os
import sys
from collections.abc import Sequence
from typing import Annotated, Final

import typer
from typer.main import get_command

from tta_orchestrate.cli import action, config, deliver, docgen, models, plan, report, review, selftest, test_gen
from tta_orchestrate.cli.streams import losable
from tta_orchestrate.errors import OrchestrateError, UnavailableError

EX_SOFTWARE: Final = 70
INTERRUPTED: Final = 130
_EXHAUSTED: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EMFILE, errno.ENFILE, errno.ENOMEM})

app = typer.Typer(
    name="tta-orchestrate",
    no_args_is_help=True,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
    help="Review changes, generate tests and write docs in CI: cheap, honest, safe.\n\n"
    "Results go to `tta-report/` (or `--output DIR`). Exit codes: **0** done, **1** the `fail_on` policy is met, "
    "**2** configuration or input is wrong, **3** nothing could be done.",
    epilog="Start with `tta-orchestrate review`; no key is needed. Configuration: `tta-orchestrate config init`.",
)
app.command("review")(review.review)
app.command("docgen")(docgen.docgen)
app.command("test-gen")(test_gen.test_gen)
app.command("deliver")(deliver.deliver)
app.command("report")(report.report)
app.command("plan")(plan.plan)
app.command("models")(models.models)
app.command("selftest")(selftest.selftest)
app.command("action")(action.action)
app.add_typer(config.app, name="config")


def _version(value: bool) -> None:
    if value:
        from importlib.metadata import version

        typer.echo(f"tta-orchestrate {version('tta-orchestrate')}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    pass


def run(argv: Sequence[str]) -> int:
    """Run the command line and return the exit code; the only broad ``except`` of the program is here."""
    try:
        result = get_command(app).main(args=list(argv), prog_name="tta-orchestrate", standalone_mode=False)
    except OrchestrateError as error:
        _complain(str(error), error.remedy)
        return error.exit_code
    except KeyboardInterrupt:
        _complain("interrupted", "")
        return INTERRUPTED
    except OSError as error:
        return _exhausted(error)
    except Exception as error:  # noqa: BLE001 -- the last line of defence: a bug is reported, never shown as a traceback
        return _click_exit(error)
    return result if isinstance(result, int) else 0


def _exhausted(error: OSError) -> int:
    """Tell a machine that has run out of something from a bug."""
    if error.errno not in _EXHAUSTED:
        return _click_exit(error)
    where = f": {error.filename!r}" if error.filename else ""
    _complain(
        f"{error.strerror}{where}", "free some space (TMPDIR names the folder for temporary files), or raise the limit"
    )
    return UnavailableError.exit_code


def _click_exit(error: Exception) -> int:
    show, code = getattr(error, "show", None), getattr(error, "exit_code", None)
    if callable(show) and isinstance(code, int):  # click's own usage errors
        show()
        return code
    if os.environ.get("TTA_DEBUG"):
        raise error
    _complain(
        f"internal error: {type(error).__name__}",
        "this is a bug in tta-orchestrate; run again with TTA_DEBUG=1 and report what it prints",
    )
    return EX_SOFTWARE


def _complain(message: str, remedy: str) -> None:
    with losable(sys.stderr):
        print(f"error: {message}", file=sys.stderr)
        if remedy:
            print(f"  -> {remedy}", file=sys.stderr)
