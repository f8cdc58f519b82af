"""The end of every command: files, terminal, exit code."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from tta_orchestrate.errors import DeliveryError

if TYPE_CHECKING:
    from tta_orchestrate.domain.report import Report, Subject


def deliver(report: "Report", output: Path) -> int:
    """Write every form of *report* into *output*, show it, and return its exit code."""
    from tta_orchestrate import registry
    from tta_orchestrate.cli.console import show
    from tta_orchestrate.cli.streams import losable
    from tta_orchestrate.workspace.results import write_results

    written = write_results(report, output, registry.load_all("sinks"))
    with losable(sys.stdout):
        show(report, written, sys.stdout)
    return report.verdict.exit_code


def disabled(
    mode: str, subject: "Subject", notice: str = "orchestration.enabled is false: nothing was done."
) -> "Report":
    """The report of a run that the configuration switched off."""
    from tta_orchestrate.domain.outcome import Outcome, conclude
    from tta_orchestrate.domain.report import Report

    return Report(mode=mode, verdict=conclude(Outcome.SKIPPED), subject=subject, notices=(notice,))


def accept(report: "Report", baseline: Path) -> None:
    """Add the findings of *report* to the *baseline* file."""
    from tta_orchestrate.domain.baseline import entries_of, read_baseline, write_baseline

    try:
        old = baseline.read_bytes() if baseline.is_file() else b""
        if old:
            read_baseline(old, str(baseline))
        text = write_baseline(report.findings, keep=entries_of(old) if old else ())
        baseline.parent.mkdir(parents=True, exist_ok=True)
        baseline.write_text(text, encoding="utf-8")
    except OSError as error:
        raise DeliveryError(
            f"the baseline {str(baseline)!r} cannot be written: {error.strerror}",
            remedy="check the path with --baseline",
        ) from error
    print(f"accepted {len(report.findings)} findings in {baseline}")
