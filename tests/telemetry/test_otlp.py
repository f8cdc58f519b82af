"""Spans and metrics at a real OTLP/HTTP receiver on the loopback, read with the protocol's own messages."""

import gzip
import subprocess
import sys
import threading
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from samples import EVERYTHING
from tta_orchestrate.telemetry import semconv
from tta_orchestrate.telemetry.otlp import Target, export, headers

START = datetime(2026, 11, 22, 9, 59, tzinfo=UTC)
END = START + timedelta(minutes=3)


@contextmanager
def receiver(status=200, hang=None):
    requests = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["content-length"]))
            if self.headers.get("content-encoding") == "gzip":
                body = gzip.decompress(body)
            if hang is not None:
                hang.wait(20)
            requests.append((self.path, dict(self.headers), body))
            self.send_response(status)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *args):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", requests
    finally:
        if hang is not None:
            hang.set()
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture(scope="module")
def received():
    with receiver() as (url, requests):
        note = export(EVERYTHING, Target(endpoint=url, headers={"x-team": "a"}, cost_attributes=True), START, END)
    assert note == ""
    return requests


def plain(attributes):
    return {one.key: getattr(one.value, one.value.WhichOneof("value")) for one in attributes}


def all_spans(requests):
    [body] = [body for path, _, body in requests if path == "/v1/traces"]
    [resource] = ExportTraceServiceRequest.FromString(body).resource_spans
    return plain(resource.resource.attributes), [span for scope in resource.scope_spans for span in scope.spans]


def test_a_run_is_a_tree_of_run_stages_and_chats(received):
    resource, spans = all_spans(received)
    assert resource["service.name"] == "tta-orchestrate"
    by_id = {span.span_id: span for span in spans}
    [root] = [span for span in spans if not span.parent_span_id]
    assert root.name == "tta.run"
    assert (root.start_time_unix_nano, root.end_time_unix_nano) == (
        int(START.timestamp()) * 10**9,
        int(END.timestamp()) * 10**9,
    )
    for span in spans:
        if span.name == "tta.stage":
            assert by_id[span.parent_span_id] is root
        elif span is not root:
            assert span.name.startswith("chat ")
            assert by_id[span.parent_span_id].name == "tta.stage"
    assert sum(span.name.startswith("chat ") for span in spans) == len(EVERYTHING.cost.calls)


def test_a_chat_carries_the_conventions_attributes_and_no_path_or_prompt(received):
    _, spans = all_spans(received)
    judge = plain(next(span for span in spans if span.name == "chat claude-judge").attributes)
    assert judge["gen_ai.operation.name"] == "chat"
    assert judge["gen_ai.response.model"] == "claude-judge-5"
    assert judge["gen_ai.usage.input_tokens"] == 1000
    assert judge["gen_ai.usage.cache_read.input_tokens"] == 400
    assert judge["gen_ai.usage.cost.amount"] == pytest.approx(0.012345678)
    assert not any(b"shop/cart.py" in body for _, _, body in received)


def test_a_failed_call_is_an_error_with_its_kind(received):
    _, spans = all_spans(received)
    [failed] = [span for span in spans if span.status.code == 2]
    assert plain(failed.attributes)["error.type"] == "rate_limit"


def test_metrics_are_deltas_and_add_up_to_the_report(received):
    [body] = [body for path, _, body in received if path == "/v1/metrics"]
    [resource] = ExportMetricsServiceRequest.FromString(body).resource_metrics
    metrics = {one.name: one for scope in resource.scope_metrics for one in scope.metrics}
    assert set(metrics) == set(semconv.BY_NAME)
    cost = metrics["tta.cost.usd"].sum
    assert cost.aggregation_temporality == 1
    cash = sum(point.as_double for point in cost.data_points if plain(point.attributes)["price"] == "cash")
    assert Decimal(str(round(cash, 9))) == Decimal(EVERYTHING.cost.cash) / 10**9
    assert sum(point.count for point in metrics[semconv.DURATION].histogram.data_points) == len(EVERYTHING.cost.calls)


def test_headers_travel_and_are_read_as_the_specification_says(received):
    assert all(named["x-team"] == "a" for _, named, _ in received)
    assert headers("authorization=Bearer%20x, team = a ,broken") == {"authorization": "Bearer x", "team": "a"}


def test_a_collector_that_hangs_costs_the_flush_time_and_a_note():
    with receiver(hang=threading.Event()) as (url, _):
        note = export(EVERYTHING, Target(endpoint=url, flush_seconds=0.2), START, END)
    assert "telemetry was not delivered" in note


def test_a_collector_that_refuses_is_told(caplog):
    with receiver(status=400) as (url, _):
        assert "did not take them" in export(EVERYTHING, Target(endpoint=url), START, END)


def test_a_strange_time_of_a_call_breaks_nothing():
    odd = replace(EVERYTHING.cost.calls[0], started_at="yesterday")
    with receiver() as (url, requests):
        report = replace(EVERYTHING, cost=replace(EVERYTHING.cost, calls=(odd,)))
        assert export(report, Target(endpoint=url), START, END) == ""
    assert requests


def test_without_an_endpoint_no_sdk_is_loaded():
    program = (
        "import sys; from pathlib import Path; sys.path.insert(0, 'tests');"
        "from samples import EVERYTHING; from tta_orchestrate.cli.desk import Desk;"
        "from tta_orchestrate.settings.model import Settings;"
        "report = Desk(Settings(), {}, mode='review', output=Path('.')).close(EVERYTHING);"
        "assert report is EVERYTHING;"
        "loaded = [name for name in sys.modules if name.startswith(('opentelemetry', 'anthropic', 'google.genai'))];"
        "sys.exit(str(loaded) if loaded else 0)"
    )
    root = __file__.rsplit("/tests/", 1)[0]
    done = subprocess.run([sys.executable, "-c", program], cwd=root, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
