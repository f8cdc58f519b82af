"""A whole job as its own process: engine, books, report. ``job.py CONFIG OUTPUT MODE UNITS``; exits as a command would."""

import os
import sys
from pathlib import Path

from team import gate, tasks
from tta_orchestrate.cli import delivery, options
from tta_orchestrate.cli.desk import Desk
from tta_orchestrate.cli.wiring import Surroundings, build_engine
from tta_orchestrate.domain.outcome import Tally, conclude, decide
from tta_orchestrate.domain.report import Coverage, Failure, Report
from tta_orchestrate.errors import OrchestrateError


def main(config: Path, output: Path, mode: str, units: int) -> int:
    settings = options.settings(options.config_source(config)).settings
    desk = Desk(settings, os.environ, mode=mode, output=output)
    engine = build_engine(settings, os.environ, Surroundings(seed=1, spending=desk))
    desk.check()
    planned = tasks(units, words=2000)
    results = engine.execute(planned, gate) if engine.has_executor else []
    done = [one for one in results if one.answer is not None]
    # The work that needs no model is always done: one unit more.
    verdict = conclude(decide(Tally(planned=len(results) + 1, done=len(done) + 1, findings=0)))
    report = Report(
        mode=mode,
        verdict=verdict,
        failures=tuple(
            Failure(unit=one.task.unit, path="", reason=one.reason) for one in results if one.answer is None
        ),
        coverage=Coverage(units_planned=len(results) + 1, units_done=len(done) + 1, performed_by=("local",)),
        cost=engine.cost(),
    )
    engine.close()
    return delivery.deliver(desk.close(report), output)


if __name__ == "__main__":
    try:
        sys.exit(main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3], int(sys.argv[4])))
    except OrchestrateError as error:
        print(f"{error}\n{error.remedy}", file=sys.stderr)
        sys.exit(error.exit_code)
