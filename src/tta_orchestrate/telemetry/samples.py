"""From a report to samples: one pure function feeds ``metrics.prom`` and OTLP alike."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal

from tta_orchestrate.domain.booking import quality
from tta_orchestrate.domain.cost import Call, NanoUsd, usd
from tta_orchestrate.domain.report import Report
from tta_orchestrate.telemetry.semconv import DURATION


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One value of one instrument; of a histogram one observation."""

    name: str
    labels: Mapping[str, str]
    value: Decimal


def samples(report: Report) -> tuple[Sample, ...]:
    """Return everything that a run emits; the same labels may come more than once, and are then added up."""
    return (*_run(report), *_calls(report.mode, report.cost.calls), *_budgets(report))


def _run(report: Report) -> Iterator[Sample]:
    mode = report.mode
    yield _sample("tta.runs", 1, mode=mode, outcome=report.verdict.outcome.value)
    done, planned = report.coverage.units_done, report.coverage.units_planned
    yield _sample("tta.units", done, mode=mode, state="done")
    yield _sample("tta.units", planned - done, mode=mode, state="not_done")
    for finding in report.findings:
        yield _sample("tta.findings", 1, mode=mode, severity=finding.severity.value)
    counts = quality(report)
    yield _sample("tta.gated", counts.passed, mode=mode, result="passed")
    yield _sample("tta.gated", counts.gated - counts.passed, mode=mode, result="sent_back")


def _calls(mode: str, calls: Iterable[Call]) -> Iterator[Sample]:
    for call in calls:
        who = {"mode": mode, "model": call.response_model or call.request_model}
        yield _sample("tta.calls", 1, **who, outcome=call.outcome)
        yield _sample("tta.cost.usd", Decimal(usd(call.cash)), **who, price="cash")
        yield _sample("tta.cost.usd", Decimal(usd(call.list_price)), **who, price="list")
        used = call.usage
        kinds = {
            "input": used.input_tokens,
            "cache_read": used.cache_read_tokens,
            "cache_write": used.cache_write_5m_tokens + used.cache_write_1h_tokens,
            "output": used.output_tokens,
            "thinking": used.thinking_tokens,
        }
        for kind, count in kinds.items():
            yield _sample("tta.tokens", count, **who, type=kind)
        if not call.cached:
            yield _sample(DURATION, Decimal(call.duration_ms) / 1000, **who)


def _budgets(report: Report) -> Iterator[Sample]:
    for state in report.cost.budgets:
        labels = {"limit": state.name, "hard": str(state.hard).lower()}
        yield _sample("tta.budget.limit.usd", Decimal(usd(NanoUsd(state.limit))), **labels)
        yield _sample("tta.budget.spent.usd", Decimal(usd(NanoUsd(state.settled))), **labels)


def _sample(name: str, value: int | Decimal, **labels: str) -> Sample:
    return Sample(name=name, labels=labels, value=Decimal(value))
