"""Each provider plug-in against the loopback server that speaks its protocol: every end of an answer, every fault."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tta_orchestrate import registry
from tta_orchestrate.domain.cost import Usage
from tta_orchestrate.engine.failures import CallFailure
from tta_orchestrate.loopback.faults import Fault
from tta_orchestrate.loopback.server import Loopback
from tta_orchestrate.ports.model import Access, FinishReason, Prompt

SCHEMA = {
    "type": "object",
    "properties": {"a": {"type": "string", "maxLength": 9}},
    "required": ["a"],
    "additionalProperties": False,
}
VENDORS = {
    "anthropic": ("anthropic", "claude-sonnet-5-5", ""),
    "google-ai-studio": ("google-ai-studio", "gemini-3.8-flash", ""),
    "groq": ("openai-compatible", "llama-3.3-70b-versatile", "/v1"),
}


@pytest.fixture(scope="module")
def server():
    with Loopback() as running:
        yield running


@pytest.fixture(scope="module", params=VENDORS)
def vendor(request, server):
    plug_in, model, path = VENDORS[request.param]
    provider = registry.load("providers", plug_in)(
        Access(name=request.param, api_key="canary-0123456789", base_url=server.url + path, idle_seconds=0.5)
    )
    yield provider, model
    provider.close()


def prompt(**fields):
    return Prompt(
        **(
            {
                "system": "System.",
                "context": "Context. " * 900,
                "data": "Data.",
                "schema": SCHEMA,
                "max_output_tokens": 64,
            }
            | fields
        )
    )


def ask(server, vendor, fault=None, script=None, **fields):
    server.reset(script or (lambda q: {"a": "é✓"}), lambda index: fault)
    provider, model = vendor
    return provider.complete(model, prompt(**fields), timeout=20)


def test_an_answer_comes_whole_with_usage_model_and_the_prompts_parts_in_order(server, vendor):
    reply = ask(server, vendor)
    assert json.loads(reply.text) == {"a": "é✓"}
    assert reply.finish_reason is FinishReason.STOP
    assert reply.response_model == reply.request_model == vendor[1]
    seen = server.log[-1]
    assert seen.prompt.index("System.") < seen.prompt.index("Context.") < seen.prompt.index("Data.")
    assert reply.usage.input_tokens > 2000
    assert reply.usage.output_tokens > 0
    assert reply.raw_usage


def test_our_reading_of_the_usage_costs_what_genai_prices_reads_from_the_wire(server, vendor):
    from datetime import UTC, datetime

    from tta_orchestrate.engine.prices import PriceBook

    first = ask(server, vendor)
    second = vendor[0].complete(vendor[1], prompt(), timeout=20)
    now = datetime.now(UTC)
    ours = [PriceBook().price(vendor[0].name, vendor[1], reply.usage, now) for reply in (first, second)]
    assert ours == [seen.charged for seen in server.log]
    assert all(ours)


def test_the_schema_goes_out_in_the_vendors_own_mode_and_without_lengths(server, vendor):
    asked = []
    ask(server, vendor, script=lambda q: asked.append(q) or {"a": "x"})
    assert asked[0].schema["properties"]["a"] == {"type": "string"}
    assert asked[0].schema["required"] == ["a"]
    assert asked[0].stream


def test_without_a_schema_plain_text_comes_back(server, vendor):
    assert ask(server, vendor, script=lambda q: "hello", schema={}).text == "hello"


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        (Fault.TRUNCATED, {FinishReason.LENGTH}),
        (Fault.REFUSAL, {FinishReason.REFUSAL, FinishReason.CONTENT_FILTER}),
        (Fault.NO_CLOSING_EVENT, {FinishReason.CUT_OFF}),
    ],
)
def test_an_answer_that_did_not_end_well_says_so(server, vendor, fault, reason):
    reply = ask(server, vendor, fault)
    assert reply.finish_reason in reason
    if fault is Fault.NO_CLOSING_EVENT:
        assert reply.usage == Usage()  # what it really cost, nobody can tell


def test_an_empty_answer_is_never_a_stop_with_words(server, vendor):
    reply = ask(server, vendor, Fault.EMPTY)
    assert reply.text == ""


@pytest.mark.parametrize(
    ("fault", "kinds", "billing"),
    [
        (Fault.RATE_LIMIT, {"rate_limit"}, "nothing"),
        (Fault.SPEND_CAP, {"spend_cap", "day_quota"}, "nothing"),
        (Fault.OVERLOADED, {"overloaded"}, "nothing"),
        (Fault.ERROR_EVENT, {"overloaded"}, "unknown"),
        (Fault.CUT_BODY, {"transient"}, "unknown"),
        (Fault.HTML, {"malformed"}, "unknown"),
        (Fault.BAD_JSON, {"malformed"}, "unknown"),
        (Fault.SERVER_ERROR, {"transient"}, "nothing"),
        (Fault.HANG, {"timeout"}, "unknown"),
        (Fault.TOO_LONG, {"too_large"}, "nothing"),
    ],
)
def test_each_fault_is_translated_to_its_kind_and_to_what_it_may_have_cost(server, vendor, fault, kinds, billing):
    with pytest.raises(CallFailure) as caught:
        ask(server, vendor, fault)
    assert (caught.value.kind.value in kinds, caught.value.billing.value) == (True, billing)
    assert "canary-0123456789" not in str(caught.value)
    assert server.requests == 1  # the SDK did not try again by itself


def test_hints_arrive_from_header_and_body(server, vendor):
    for fault, seconds in ((Fault.RATE_LIMIT, 2.0), (Fault.RETRY_INFO, 3.0), (Fault.LONG_RATE_LIMIT, 7000.0)):
        with pytest.raises(CallFailure) as caught:
            ask(server, vendor, fault)
        assert caught.value.hint == seconds


def test_nobody_listening_is_transient_and_free(vendor):
    plug_in = {"anthropic": "anthropic", "google-ai-studio": "google-ai-studio", "groq": "openai-compatible"}[
        vendor[0].name
    ]
    deaf = registry.load("providers", plug_in)(
        Access(name=vendor[0].name, api_key="canary-0123456789", base_url="http://127.0.0.1:9")
    )
    with pytest.raises(CallFailure) as caught:
        deaf.complete(vendor[1], prompt(), timeout=5)
    deaf.close()
    assert (caught.value.kind.value, caught.value.billing.value) == ("transient", "nothing")


def test_the_count_is_never_below_what_is_charged(server, vendor):
    reply = ask(server, vendor)
    assert vendor[0].count_tokens(vendor[1], prompt()) >= reply.usage.input_tokens


def test_a_redirected_base_url_variable_does_not_move_the_key(server, vendor, monkeypatch):
    for name in ("ANTHROPIC_BASE_URL", "GOOGLE_GEMINI_BASE_URL", "OPENAI_BASE_URL"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    assert ask(server, vendor).text


def test_an_endpoint_without_schema_mode_gets_the_schema_in_the_prompt_from_then_on():
    bodies = []

    class Old(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_):
            pass

        def do_POST(self):
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            bodies.append(body)
            if "response_format" in body:
                data, status, kind = (
                    b'{"error": {"message": "json_schema is not supported by this model"}}',
                    400,
                    "application/json",
                )
            else:
                data, status, kind = (
                    b'data: {"model": "m", "choices": [{"delta": {"content": "{}"}, "finish_reason": "stop"}]}\n\ndata: [DONE]\n\n',
                    200,
                    "text/event-stream",
                )
            self.send_response(status)
            self.send_header("content-type", kind)
            self.send_header("content-length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

    old = ThreadingHTTPServer(("127.0.0.1", 0), Old)
    threading.Thread(target=old.serve_forever, args=(0.02,), daemon=True).start()
    provider = registry.load("providers", "openai-compatible")(
        Access(name="openai-compatible", base_url=f"http://127.0.0.1:{old.server_address[1]}/v1")
    )
    with pytest.raises(CallFailure) as caught:
        provider.complete("m", prompt(), timeout=5)
    assert caught.value.kind.value == "no_schema"
    assert provider.complete("m", prompt(), timeout=5).text == "{}"
    assert "JSON Schema" in bodies[1]["messages"][0]["content"]
    provider.close()
    old.shutdown()
    old.server_close()


def test_claude_signs_in_without_a_key_by_the_jobs_identity(server):
    """GitHub's OIDC endpoint and Anthropic's token exchange, both on loopback, the exchange done by the real SDK."""
    seen = {}

    class Door(BaseHTTPRequestHandler):
        def log_message(self, *_):
            pass

        def _json(self, value):
            data = json.dumps(value).encode()
            self.send_response(200)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def do_GET(self):
            seen["github"] = (self.path, self.headers["authorization"])
            self._json({"value": "header.payload.signature"})

        def do_POST(self):
            raw = self.rfile.read(int(self.headers["content-length"]))
            if self.path == "/v1/oauth/token":
                seen["exchange"] = json.loads(raw)
                self._json({"access_token": "short-lived", "token_type": "Bearer", "expires_in": 600})
            else:
                seen["call"] = self.headers["authorization"]
                self.send_response(529)
                self.send_header("content-length", "0")
                self.end_headers()

    door = ThreadingHTTPServer(("127.0.0.1", 0), Door)
    threading.Thread(target=door.serve_forever, args=(0.02,), daemon=True).start()
    url = f"http://127.0.0.1:{door.server_address[1]}"
    identity = {
        "ANTHROPIC_FEDERATION_RULE_ID": "fdrl_1",
        "ANTHROPIC_ORGANIZATION_ID": "org-1",
        "ACTIONS_ID_TOKEN_REQUEST_URL": f"{url}/token?api-version=2",
        "ACTIONS_ID_TOKEN_REQUEST_TOKEN": "runner-token",
    }
    provider = registry.load("providers", "anthropic")(Access(name="anthropic", base_url=url, identity=identity))
    with pytest.raises(CallFailure) as caught:
        provider.complete("claude-sonnet-5-5", prompt(), timeout=5)
    provider.close()
    door.shutdown()
    door.server_close()
    assert caught.value.kind.value == "overloaded"
    assert seen["github"][1] == "Bearer runner-token"
    assert "api-version=2" in seen["github"][0]
    assert "audience=" in seen["github"][0]
    assert seen["exchange"]["assertion"] == "header.payload.signature"
    assert seen["exchange"]["federation_rule_id"] == "fdrl_1"
    assert seen["call"] == "Bearer short-lived"
