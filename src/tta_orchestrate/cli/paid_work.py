"""Work that may ask models: an engine where keys are, money set aside before the first call and settled at the end."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tta_orchestrate.domain.report import Report
    from tta_orchestrate.ports.model import Engine
    from tta_orchestrate.settings.model import Settings


def paid_work(
    settings: "Settings",
    env: Mapping[str, str],
    *,
    mode: str,
    output: Path,
    run_key: str,
    work: "Callable[[Engine | None], Report]",
    repository: str = "",
) -> "Report":
    """Return what *work* makes of the engine, which is ``None`` when no configured model has its key in *env*.

    The journal lies in *output*; *run_key* says what the run is about, so that another one is not resumed.
    """
    from tta_orchestrate.cli import delivery
    from tta_orchestrate.cli.desk import Desk
    from tta_orchestrate.cli.wiring import Surroundings, build_engine, roster
    from tta_orchestrate.domain.report import Subject

    if roster(settings, env).team().is_empty:
        return work(None)
    desk = Desk(settings, env, mode=mode, output=output, repository=repository)
    journal = output / "journal.jsonl"
    journal.parent.mkdir(parents=True, exist_ok=True)
    engine = build_engine(settings, env, Surroundings(journal=journal, run_key=run_key, spending=desk))
    try:
        desk.check()
        if desk.skips:
            notice = "cost_tracking.on_limit is skip: nothing was done."
            return desk.close(delivery.disabled(mode, Subject(repository=repository), notice))
        return desk.close(work(engine))
    finally:
        engine.close()
