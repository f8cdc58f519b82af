"""The run as spans and metrics over OTLP/HTTP: ``tta.run`` > ``tta.stage`` > ``chat {model}``, delta temporality.

Everything is built from the report when the run is over, so a run without an endpoint never loads the SDK, and a slow
collector costs ``flush_seconds`` at most. No prompts, no code, no paths.
"""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from tta_orchestrate.domain.cost import Call, usd
from tta_orchestrate.domain.report import Report
from tta_orchestrate.telemetry import semconv
from tta_orchestrate.telemetry.samples import samples

if TYPE_CHECKING:
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.trace import Span, Tracer


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Where it goes."""

    endpoint: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    service_name: str = "tta-orchestrate"
    version: str = ""
    flush_seconds: float = 5.0
    cost_attributes: bool = False


def export(report: Report, target: Target, started: datetime, ended: datetime) -> str:
    """Send spans and metrics of one run; return ``""``, or a note that says why they may not have arrived."""
    try:
        import opentelemetry.sdk  # noqa: F401 -- is the extra there at all
    except ImportError:
        return "telemetry.endpoint is set, but the extra is missing: pip install 'tta-orchestrate[telemetry]'"
    failures: list[str] = []

    def work() -> None:
        for send in (_traces, _metrics):
            try:
                if not send(report, target, started, ended):
                    failures.append("the collector did not take them")
            except Exception as error:  # noqa: BLE001 -- whatever the SDK does, the run goes on
                failures.append(type(error).__name__)

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    thread.join(target.flush_seconds)
    if thread.is_alive():
        return f"telemetry was not delivered within {target.flush_seconds:g} seconds"
    return f"telemetry was not delivered: {failures[0]}" if failures else ""


def headers(text: str) -> dict[str, str]:
    """Return ``name=value,name=value`` as a mapping (OTEL_EXPORTER_OTLP_HEADERS; values are percent-encoded)."""
    from urllib.parse import unquote

    pairs = (part.partition("=") for part in text.split(",") if "=" in part)
    return {name.strip().lower(): unquote(value.strip()) for name, _, value in pairs if name.strip()}


def _resource(target: Target, report: Report) -> "Resource":
    from opentelemetry.sdk.resources import Resource

    named = {
        "service.name": target.service_name,
        "service.version": target.version,
        semconv.REPOSITORY: report.subject.repository,
    }
    return Resource({key: value for key, value in named.items() if value})


def _traces(report: Report, target: Target, started: datetime, ended: datetime) -> bool:
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
    from opentelemetry.sdk.trace.export import SpanExportResult

    exporter = OTLPSpanExporter(
        endpoint=f"{target.endpoint.rstrip('/')}/v1/traces",
        headers=dict(target.headers),
        timeout=target.flush_seconds,
    )
    finished: list[ReadableSpan] = []
    provider = TracerProvider(resource=_resource(target, report), shutdown_on_exit=False)
    provider.add_span_processor(_collecting(finished.append))
    spans(provider.get_tracer("tta-orchestrate"), report, started, ended, cost=target.cost_attributes)
    try:
        return exporter.export(finished) is SpanExportResult.SUCCESS
    finally:
        exporter.shutdown()  # type: ignore[no-untyped-call]


def _collecting(keep: Callable[[Any], None]) -> Any:
    from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor

    class Collecting(SpanProcessor):
        """Keeps what has ended; the exporter gets all of it at once."""

        def on_end(self, span: ReadableSpan) -> None:
            keep(span)

    return Collecting()


def spans(tracer: "Tracer", report: Report, started: datetime, ended: datetime, *, cost: bool = False) -> None:
    """Write the spans of a run."""
    from opentelemetry.trace import StatusCode, set_span_in_context

    root = tracer.start_span(semconv.RUN_SPAN, start_time=_nanoseconds(started))
    root.set_attribute(semconv.MODE, report.mode)
    root.set_attribute(semconv.OUTCOME, report.verdict.outcome.value)
    root.set_attribute(semconv.CASH_USD, float(usd(report.cost.cash)))
    root.set_attribute(semconv.LIST_USD, float(usd(report.cost.list_price)))
    if report.verdict.exit_code > 1:
        root.set_status(StatusCode.ERROR)
    stages: dict[str, list[Call]] = {}
    for call in report.cost.calls:
        stages.setdefault(call.stage, []).append(call)
    for name, calls in stages.items():
        times = [_times(call, started) for call in calls]
        stage = tracer.start_span(
            semconv.STAGE_SPAN, context=set_span_in_context(root), start_time=_nanoseconds(min(t[0] for t in times))
        )
        stage.set_attribute(semconv.STAGE, name)
        for call, (begin, end) in zip(calls, times, strict=True):
            _chat(tracer, stage, call, begin, end, cost=cost)
        stage.end(_nanoseconds(max(t[1] for t in times)))
    root.end(_nanoseconds(ended))


def _chat(tracer: "Tracer", stage: "Span", call: Call, begin: datetime, end: datetime, *, cost: bool) -> None:
    from opentelemetry.trace import SpanKind, StatusCode, set_span_in_context

    span = tracer.start_span(
        f"chat {call.request_model}",
        context=set_span_in_context(stage),
        kind=SpanKind.CLIENT,
        start_time=_nanoseconds(begin),
    )
    span.set_attributes(attributes(call, cost=cost))
    if call.outcome != "ok":
        span.set_status(StatusCode.ERROR)
    span.end(_nanoseconds(end))


def attributes(call: Call, *, cost: bool) -> dict[str, Any]:
    """Return the attributes of one call."""
    used = call.usage
    found: dict[str, Any] = {
        semconv.OPERATION: "chat",
        semconv.PROVIDER: semconv.PROVIDERS.get(call.provider, call.provider),
        semconv.REQUEST_MODEL: call.request_model,
        semconv.RESPONSE_MODEL: call.response_model,
        semconv.INPUT_TOKENS: used.input_tokens,
        semconv.OUTPUT_TOKENS: used.output_tokens,
        semconv.CACHE_READ_TOKENS: used.cache_read_tokens,
        semconv.CACHE_WRITE_TOKENS: used.cache_write_5m_tokens + used.cache_write_1h_tokens,
        semconv.ROLE: call.role,
        semconv.ATTEMPT: call.attempt,
        semconv.CASH_USD: float(usd(call.cash)),
        semconv.LIST_USD: float(usd(call.list_price)),
    }
    if call.finish_reason:
        found[semconv.FINISH_REASONS] = (call.finish_reason,)
    if call.outcome != "ok":
        found[semconv.ERROR_TYPE] = call.outcome
    if cost:
        amount = {
            semconv.COST_AMOUNT: float(usd(call.cash)),
            semconv.COST_CURRENCY: "USD",
            semconv.COST_SOURCE: "client",
        }
        found |= amount
    return found


def _times(call: Call, fallback: datetime) -> tuple[datetime, datetime]:
    try:
        begin = datetime.fromisoformat(call.started_at)
    except ValueError:
        begin = fallback
    begin = begin if begin.tzinfo else begin.replace(tzinfo=fallback.tzinfo)
    return begin, begin + timedelta(milliseconds=call.duration_ms)


def _nanoseconds(moment: datetime) -> int:
    return int(moment.timestamp() * 1_000_000) * 1000


def _metrics(report: Report, target: Target, started: datetime, ended: datetime) -> bool:  # noqa: ARG001 -- as _traces
    from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
    from opentelemetry.sdk.metrics import Counter, Histogram, MeterProvider
    from opentelemetry.sdk.metrics.export import AggregationTemporality, InMemoryMetricReader, MetricExportResult

    delta = dict.fromkeys((Counter, Histogram), AggregationTemporality.DELTA)
    exporter = OTLPMetricExporter(
        endpoint=f"{target.endpoint.rstrip('/')}/v1/metrics",
        headers=dict(target.headers),
        timeout=target.flush_seconds,
    )
    reader = InMemoryMetricReader(preferred_temporality=delta)  # type: ignore[arg-type]
    provider = MeterProvider([reader], resource=_resource(target, report), shutdown_on_exit=False)
    _record(provider.get_meter("tta-orchestrate"), report)
    data = reader.get_metrics_data()
    try:
        return data is None or exporter.export(data) is MetricExportResult.SUCCESS
    finally:
        provider.shutdown()
        exporter.shutdown()


def _record(meter: Any, report: Report) -> None:
    made: dict[str, Callable[[float, Mapping[str, str]], None]] = {}
    for one in semconv.INSTRUMENTS:
        match one.kind:
            case "counter":
                made[one.name] = meter.create_counter(one.name, description=one.help).add
            case "gauge":
                made[one.name] = meter.create_gauge(one.name, description=one.help).set
            case _:
                made[one.name] = meter.create_histogram(
                    one.name,
                    unit="s",
                    description=one.help,
                    explicit_bucket_boundaries_advisory=semconv.DURATION_BUCKETS,
                ).record
    for sample in samples(report):
        made[sample.name](float(sample.value), dict(sample.labels))
