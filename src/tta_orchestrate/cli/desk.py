"""One run at the books: money is set aside before the first model is asked, settled and told at the end.

``paid_work`` does this for every command that calls models::

    desk = Desk(settings, os.environ, mode="review", output=output)
    engine = build_engine(settings, os.environ, Surroundings(spending=desk, …))
    desk.check()                  # on_limit: fail stops here
    report = desk.close(report)   # in any case, after the work: settles, alerts, traces, adds notices
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from tta_orchestrate.cli import books
from tta_orchestrate.domain.ledger import Book, Entry, Envelope, Refusal
from tta_orchestrate.errors import BudgetError

if TYPE_CHECKING:
    from tta_orchestrate.domain.alarm import Alert
    from tta_orchestrate.domain.report import Report
    from tta_orchestrate.settings.model import Settings


def _now() -> datetime:
    return datetime.now(UTC)


class Desk:
    """Implements ``ports.spending.Spending`` for one job; without models to ask it never touches the books."""

    def __init__(
        self,
        settings: "Settings",
        env: Mapping[str, str],
        *,
        mode: str,
        output: Path,
        repository: str = "",
        part: str = "",
        now: Callable[[], datetime] = _now,
    ) -> None:
        self._settings = settings
        self._env = env
        self.now = now
        self._started = now()
        self._identity = books.identity(mode, env, repository, part)
        self._output = output
        self.opened: Envelope | Refusal | None = None
        self.pending: tuple[Entry, ...] = ()
        """Entries of batches, to be written at the end; what they settle counts at the opening already."""

    def open(self) -> Envelope | Refusal | None:
        """Set money aside, once; ``None`` when ``cost_tracking.enabled`` is off."""
        from tta_orchestrate.ledger.envelope import open_envelope

        if self.opened is None and self._settings.cost_tracking.enabled:
            store = books.store(self._settings, self._env, self._output)
            terms = books.terms(self._settings)
            self.opened = open_envelope(store, terms, self._identity, self.now(), settled=self.pending)
        return self.opened

    @property
    def skips(self) -> bool:
        """Whether nothing at all is to be done: a limit is used up, and ``on_limit`` is ``skip``."""
        from tta_orchestrate.settings.ledger import OnLimit

        return isinstance(self.opened, Refusal) and self._settings.cost_tracking.on_limit is OnLimit.SKIP

    def check(self) -> None:
        """Raise ``BudgetError`` when a limit is used up and ``on_limit`` is ``fail``."""
        from tta_orchestrate.settings.ledger import OnLimit

        if isinstance(self.opened, Refusal) and self._settings.cost_tracking.on_limit is OnLimit.FAIL:
            raise BudgetError(self.opened.reason, remedy=self.opened.remedy)

    def close(self, report: "Report", secrets: tuple[str, ...] = ()) -> "Report":
        """Settle what *report* cost, send the alerts that are due, and return it with what the reader must know."""
        done = self._settled(report, secrets)
        note = self._emitted(done)
        return replace(done, notices=(*done.notices, note)) if note else done

    def _emitted(self, report: "Report") -> str:
        """Send traces and metrics, if an endpoint is configured; return why they may not have arrived."""
        chosen = self._settings.telemetry
        if chosen.endpoint is None:
            return ""
        from importlib.metadata import version

        from tta_orchestrate.telemetry.otlp import Target, export, headers

        target = Target(
            endpoint=chosen.endpoint,
            headers=headers(self._env.get(chosen.headers_env, "")),
            service_name=chosen.service_name,
            version=version("tta-orchestrate"),
            flush_seconds=chosen.flush_seconds,
            cost_attributes=chosen.cost_attributes,
        )
        return export(report, target, self._started, self.now())

    def _settled(self, report: "Report", secrets: tuple[str, ...]) -> "Report":
        if isinstance(self.opened, Refusal):
            return books.stopped(self._without_envelope(report), self.opened)
        if self.opened is None:
            return report
        from tta_orchestrate.cli import alerting
        from tta_orchestrate.ledger.envelope import Alarm, settle

        now = self.now()
        due: dict[tuple[str, int, str, str], Alert] = {}
        store = books.store(self._settings, self._env, self._output)
        alarm: Alarm = lambda book: self._due(book, report, now, due)  # noqa: E731
        done = settle(store, self.opened, report, now, alarm, more=self.pending)
        told = [due[entry.key] for entry in done.told]
        unsent = alerting.tell(told, self._settings.alerts.recipients, self._env, now, secrets)
        said = (f"{alert.title}: {alert.text}" for alert in told)
        short = books.shortage(report, self.opened)
        return replace(report, notices=(*report.notices, *self.opened.notes, *short, *done.notes, *said, *unsent))

    def _without_envelope(self, report: "Report") -> "Report":
        """Write what was collected, although nothing more may be spent; not when nothing at all was done."""
        from tta_orchestrate.ledger.envelope import write

        if self.skips:
            return report
        notes = write(books.store(self._settings, self._env, self._output), self.pending)
        return replace(report, notices=(*report.notices, *notes))

    def _due(
        self, book: Book, report: "Report", now: datetime, due: "dict[tuple[str, int, str, str], Alert]"
    ) -> list[Entry]:
        from tta_orchestrate.cli import alerting
        from tta_orchestrate.domain import alarm

        run = book.entries[-1]
        rules = alerting.rules(self._settings, self._retirements())
        for alert in alarm.due(book, rules, run, report.cost.calls, now):
            due[alarm.entry(alert, run, now).key] = alert
        return [alarm.entry(alert, run, now) for alert in due.values()]

    def _retirements(self) -> dict[str, date]:
        """When each configured model is retired, as far as the catalogue knows."""
        from tta_orchestrate.engine import catalogue

        known = catalogue.load()
        names = [self._settings.orchestrator.model, *(one.model for one in self._settings.executors)]
        entries = {name: entry for name in names if (entry := known.find(name))}
        return {name: entry.retires_on for name, entry in entries.items() if entry.retires_on}
