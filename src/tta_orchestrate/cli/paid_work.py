"""Work that may ask models: an engine where keys are, money set aside before the first call and settled at the end."""

from collections.abc import Callable, Mapping
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from tta_orchestrate.domain.report import Report, Subject
    from tta_orchestrate.ports.model import Engine
    from tta_orchestrate.settings.model import Settings


JOURNAL: Final = "journal.jsonl"
"""In the results folder: what was paid for already."""


def paid_work(
    settings: "Settings",
    env: Mapping[str, str],
    *,
    mode: str,
    output: Path,
    run_key: str,
    work: "Callable[[Engine | None], Report]",
    subject: "Subject | None" = None,
    private: bool | None = None,
    part: str = "",
    batch: bool = False,
    scope: str = "",
) -> "Report":
    """Return what *work* makes of the engine, which is ``None`` when no configured model has its key in *env*.

    The journal lies in *output*; *run_key* says what the run is about, so that another one is not resumed. *part* tells
    the jobs apart that share the work. With *batch* the bulk work goes to the vendors' batches; what earlier runs of
    the same mode and *scope* (by default the repository) submitted is collected in any case.
    """
    from tta_orchestrate.cli import delivery
    from tta_orchestrate.cli.batches import Batches, Order
    from tta_orchestrate.cli.desk import Desk
    from tta_orchestrate.cli.wiring import Doors, Roster, Surroundings, build_engine
    from tta_orchestrate.domain.report import Subject

    subject = subject or Subject()
    with closing(Doors()) as doors:
        roster = Roster(settings, env, Surroundings(doors=doors, private=private))
        if roster.team().is_empty:
            return work(None)
        desk = Desk(settings, env, mode=mode, output=output, repository=subject.repository, part=part)
        order = Order(mode=mode, scope=scope or subject.repository, sends=batch)
        batches = Batches(settings=settings, env=env, desk=desk, roster=roster, order=order)
        output.mkdir(parents=True, exist_ok=True)
        around = Surroundings(
            journal=output / JOURNAL,
            run_key=run_key,
            private=private,
            spending=desk,
            room=batches.collect(),
            doors=doors,
        )
        with closing(build_engine(settings, env, around)) as engine:
            desk.check()
            if desk.skips:
                notice = "cost_tracking.on_limit is skip: nothing was done."
                return desk.close(delivery.disabled(mode, subject, notice))
            batches.opened()
            if engine.has_executor:
                engine.warm()
            return desk.close(batches.closed(work(engine)))
