"""The server: one port, three vendors, scripted answers, own books."""

import json
import re
import sys
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from decimal import Decimal
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final, Self

from tta_orchestrate.loopback import anthropic_messages, gemini, openai_chat
from tta_orchestrate.loopback.answers import from_schema
from tta_orchestrate.loopback.batches import ANTHROPIC, OPENAI, OPENAI_FILES, Batches
from tta_orchestrate.loopback.faults import Fault, Schedule, never
from tta_orchestrate.loopback.question import Question, Script, Seen, Served, tokens

Json = Any
MIN_CACHE_TOKENS: Final = 1024
CHARS_PER_TOKEN: Final = 4
_GEMINI_PATH: Final = re.compile(r"/v1(?:beta)?/models/([^:]+):(\w+)")


class Loopback:
    """A running server; use it as a context manager.

    ``log`` holds every request in order; ``charged`` is the sum of its own books in nano-dollars.
    """

    def __init__(
        self,
        script: Script = from_schema,
        schedule: Schedule = never,
        *,
        at: datetime | None = None,
        on_request: Callable[[int], None] = lambda index: None,  # noqa: ARG005
        requests_per_minute: int | None = None,
    ) -> None:
        self.script = script
        self.schedule = schedule
        self.at = at
        self.on_request = on_request
        self.requests_per_minute = requests_per_minute
        self.log: list[Seen] = []
        self.batches = Batches(self._in_batch)
        self.loses_batch_replies = False
        """The next batches are taken, and the connection breaks before their sender learns of it."""
        self._index = 0
        self._lock = threading.Lock()
        self._prefixes: set[str] = set()
        self._minute: list[float] = []
        self._released = threading.Event()
        self._server = _Server(("127.0.0.1", 0), _handler(self))
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)

    @property
    def url(self) -> str:
        """``http://127.0.0.1:PORT``, the base URL for the Anthropic and Google SDKs; OpenAI's is ``url + "/v1"``."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    @property
    def charged(self) -> int:
        """What was billed so far, in nano-dollars."""
        with self._lock:
            return sum(seen.charged for seen in self.log)

    @property
    def requests(self) -> int:
        """Requests for text so far."""
        return self._index

    @property
    def user_agents(self) -> tuple[str, ...]:
        """Who called, each once."""
        with self._lock:
            return tuple(sorted({seen.user_agent for seen in self.log}))

    def reset(self, script: Script = from_schema, schedule: Schedule = never) -> None:
        """Forget everything and start another scenario on the same port."""
        self._released.set()
        with self._lock:
            self.script, self.schedule = script, schedule
            self.on_request = lambda index: None  # noqa: ARG005
            self.log, self._index, self._prefixes, self._minute = [], 0, set(), []
            self.batches, self.loses_batch_replies = Batches(self._in_batch), False
            self._released = threading.Event()

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._released.set()
        self._server.shutdown()
        self._server.server_close()

    def _next(self, seen: Seen) -> int:
        with self._lock:
            seen.index, self._index = self._index, self._index + 1
            self.log.append(seen)
            return seen.index

    def _too_many(self) -> bool:
        if self.requests_per_minute is None:
            return False
        with self._lock:
            now = time.monotonic()
            self._minute = [moment for moment in self._minute if now - moment < 60]  # noqa: PLR2004
            if len(self._minute) >= self.requests_per_minute:
                return True
            self._minute.append(now)
            return False

    def _serve(self, question: Question, fault: Fault | None) -> Served:
        value = from_schema(question) if fault is Fault.HOLLOW else self.script(question)
        text = value if isinstance(value, str) else json.dumps(value)
        finish = _FINISHES.get(fault, "stop") if fault else "stop"
        if fault is Fault.WRONG_SCHEMA:
            text = '{"unexpected": ['
        if finish == "length" or tokens(text) > question.max_tokens:
            finish = "length"
            text = text[: min(len(text) // 2, question.max_tokens * CHARS_PER_TOKEN)]
        if finish in {"refusal", "safety", "empty"}:
            text = ""
        cached, written = self._cached(question)
        return Served(
            text=text,
            finish=finish,
            input_tokens=tokens(question.text + json.dumps(question.schema)),
            cached_tokens=cached,
            written_tokens=written,
            output_tokens=min(tokens(text), question.max_tokens),
        )

    def _cached(self, question: Question) -> tuple[int, int]:
        """Return (read, written) tokens of the prompt cache for this question."""
        prefix = question.text[: question.cacheable]
        size = tokens(prefix)
        if size < MIN_CACHE_TOKENS:
            return 0, 0
        key = f"{question.vendor} {question.model} {prefix}"
        with self._lock:
            known = key in self._prefixes
            self._prefixes.add(key)
        if known:
            return size, 0
        return 0, size if question.vendor == "anthropic" else 0

    def _in_batch(self, question: Question, path: str) -> Json:
        """Answer one request of a batch, at half price."""
        seen = Seen(index=-1, path=path, user_agent="", model=question.model, prompt=question.text, delivered=True)
        wire: Any = {"anthropic": anthropic_messages, "google": gemini, "openai": openai_chat}[question.vendor]
        with self._lock:
            self.log.append(seen)
            number = len(self.log)
        body = wire.whole(question, self._serve(question, None), number)
        seen.usage = body.get("usage") or body.get("usageMetadata") or {}
        self.charge(seen, question, body, batch=True)
        return body

    def look(self, target: str, user_agent: str) -> tuple[int, Json]:
        """Answer a GET with (status, body): batches are all there is to read."""
        path, _, query = target.partition("?")
        with self._lock:
            self.log.append(Seen(index=-1, path=path, user_agent=user_agent))
        missing = 404, {"error": {"message": f"no such path: {path}"}}
        return self.batches.read(path, query, self.url) or missing

    def charge(self, seen: Seen, question: Question, body: Mapping[str, Json], *, batch: bool = False) -> None:
        """Book what a whole *body* costs, as genai-prices reads it."""
        from genai_prices import extract_usage

        total = Decimal(0)
        for vendor, flavour in _SELLERS[question.vendor]:
            with suppress(LookupError, ValueError):
                sold = extract_usage(dict(body), provider_id=vendor, api_flavor=flavour)
                context = {"processing": "batch"} if batch else None
                now = self.at or datetime.now(UTC)
                total = sold.calc_price(genai_request_timestamp=now, price_context=context).total_price
                break
        with self._lock:
            seen.charged = int((total * 10**9).to_integral_value(rounding="ROUND_CEILING"))


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Keep quiet about clients that hang up: some faults make them do it."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class _Http(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "tta-loopback"
    disable_nagle_algorithm = True

    def log_message(self, *_: object) -> None:
        """Keep quiet: the log is ``Loopback.log``."""

    def reply(self, status: int, body: Json, headers: Mapping[str, str] | None = None) -> None:
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        for name, value in {"content-type": "application/json", **(headers or {})}.items():
            self.send_header(name, value)
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def stream(self, chunks: Iterable[bytes], *, cut: bool = False, headers: Mapping[str, str]) -> None:
        self.send_response(200)
        for name, value in {"content-type": "text/event-stream", **headers}.items():
            self.send_header(name, value)
        self.send_header("transfer-encoding", "chunked")
        self.end_headers()
        data = b"".join(f"{len(chunk):x}\r\n".encode() + chunk + b"\r\n" for chunk in chunks)
        self.wfile.write(data if cut else data + b"0\r\n\r\n")
        if cut:
            self.close_connection = True


def _handler(loopback: Loopback) -> type[BaseHTTPRequestHandler]:
    class Handler(_Http):
        def do_GET(self) -> None:
            self.reply(*loopback.look(self.path, self.headers.get("user-agent", "")))

        def do_POST(self) -> None:
            length = int(self.headers.get("content-length") or 0)
            raw = self.rfile.read(length)
            seen = Seen(index=-1, path=self.path.partition("?")[0], user_agent=self.headers.get("user-agent", ""))
            try:
                if seen.path == OPENAI_FILES:
                    self.reply(200, loopback.batches.upload(self.headers["content-type"], raw))
                    return
                _Exchange(loopback, self, seen, json.loads(raw)).run()
            except (KeyError, TypeError, ValueError) as error:
                self.reply(400, {"error": {"message": f"not understood: {type(error).__name__}"}})
            except (BrokenPipeError, ConnectionResetError):
                self.close_connection = True

    return Handler


class _Exchange:
    """One request and its reply."""

    def __init__(self, loopback: Loopback, http: Any, seen: Seen, body: Mapping[str, Json]) -> None:
        self._loopback = loopback
        self._http = http
        self._seen = seen
        self._body = body

    def run(self) -> None:
        path = self._seen.path
        if path.endswith("/messages/count_tokens"):
            self._count({"input_tokens": tokens(json.dumps(self._body))})
        elif path == ANTHROPIC:
            self._taken(lambda: self._loopback.batches.from_anthropic(self._body, path))
        elif path == OPENAI:
            self._taken(lambda: self._loopback.batches.from_openai(self._body, path))
        elif path.endswith("/messages"):
            self._answer(anthropic_messages.read(self._body), anthropic_messages)
        elif path.endswith("/chat/completions"):
            self._answer(openai_chat.read(self._body), openai_chat)
        elif match := _GEMINI_PATH.fullmatch(path):
            model, verb = match.groups()
            if verb == "countTokens":
                self._count({"totalTokens": tokens(json.dumps(self._body))})
            elif verb == "batchGenerateContent":
                self._taken(lambda: self._loopback.batches.from_gemini(self._body, model, path))
            else:
                self._answer(gemini.read(self._body, model, stream=verb.startswith("stream")), gemini)
        else:
            self._http.reply(404, {"error": {"message": f"no such path: {path}"}})

    def _taken(self, make: Callable[[], Json]) -> None:
        """Make a batch and say so."""
        refusal = self._loopback.batches.refuses
        status, body = refusal or (200, make())
        if self._loopback.loses_batch_replies:
            self._http.close_connection = True
        else:
            self._http.reply(status, body)

    def _count(self, body: Json) -> None:
        self._loopback.log.append(self._seen)
        self._http.reply(200, body)

    def _answer(self, question: Question, wire: Any) -> None:
        loopback, seen = self._loopback, self._seen
        seen.model, seen.prompt = question.model, question.text
        index = loopback._next(seen)  # noqa: SLF001 -- one module, two halves
        released = loopback._released  # noqa: SLF001
        loopback.on_request(index)
        if loopback._too_many():  # noqa: SLF001
            self._http.reply(429, _rate_limit(question.vendor, 60.0), {"retry-after": "60"})
            return
        fault = loopback.schedule(index)
        seen.fault = fault.value if fault else ""
        if fault is Fault.HANG:
            released.wait(30)
            self._http.close_connection = True
            return
        if fault is not None and (refusal := _refusal(question.vendor, fault, index)) is not None:
            self._http.reply(*refusal)
            return
        served = loopback._serve(question, fault)  # noqa: SLF001
        body = wire.whole(question, served, index)
        seen.usage = body.get("usage") or body.get("usageMetadata") or {}
        loopback.charge(seen, question, body)
        self._send(question, wire, served, body, fault)

    def _send(self, question: Question, wire: Any, served: Served, body: Json, fault: Fault | None) -> None:
        headers = {"request-id": f"req_loopback_{self._seen.index}"}
        if not question.stream:
            data = json.dumps(body).encode()
            if fault in _BROKEN:
                data = data[: len(data) // 2]
            self._seen.delivered = fault not in _BROKEN
            self._http.reply(200, data, headers)
            return
        chunks = list(wire.events(question, served, self._seen.index))
        self._seen.delivered = fault not in _BROKEN
        if fault is Fault.ERROR_EVENT:
            chunks = [*chunks[:1], _error_event(question.vendor)]
        elif fault is Fault.NO_CLOSING_EVENT:
            chunks = _unclosed(question.vendor, chunks)
        elif fault is Fault.CUT_BODY:
            chunks = chunks[:1]
        elif fault is Fault.BAD_JSON:
            chunks = [b'event: message_start\ndata: {"type": "message_start", "mess\n\n']
        self._http.stream(chunks, cut=fault is Fault.CUT_BODY, headers=headers)


def _unclosed(vendor: str, chunks: list[bytes]) -> list[bytes]:
    """Return a stream that stops politely before its closing event."""
    if vendor == "openai":
        return chunks[:1]
    return chunks[:-1] if len(chunks) > 1 else [b": nothing\n\n"]


def _error_event(vendor: str) -> bytes:
    if vendor == "anthropic":
        return anthropic_messages.error_event("overloaded_error", "overloaded")
    if vendor == "openai":
        return openai_chat.error_event("overloaded")
    return f"data: {json.dumps(gemini.error(503, 'UNAVAILABLE', 'overloaded'))}\r\n\r\n".encode()


def _refusal(vendor: str, fault: Fault, index: int) -> tuple[int, Json, dict[str, str]] | None:
    """Return (status, body, headers) for the faults that are an error response or no protocol at all."""
    if fault is Fault.HTML:
        return 200, b"<!doctype html><title>proxy</title>", {"content-type": "text/html"}
    if fault in _RATE_LIMITS:
        headers = _retry_headers(fault, index)
        seconds = {Fault.LONG_RATE_LIMIT: 7000.0, Fault.RETRY_INFO: 3.0}.get(fault, 2.0)
        if fault is Fault.RETRY_INFO and vendor != "google":
            headers = {"retry-after-ms": "3000"}
        return 429, _rate_limit(vendor, seconds), headers
    if fault is Fault.SPEND_CAP:
        return _spend_cap(vendor)
    if fault in {Fault.OVERLOADED, Fault.SERVER_ERROR}:
        status = 500 if fault is Fault.SERVER_ERROR else (529 if vendor == "anthropic" else 503)
        return status, _plain_error(vendor, status, "api_error" if status == 500 else "overloaded_error"), {}  # noqa: PLR2004
    if fault is Fault.TOO_LONG:
        return _too_long(vendor)
    return None


def _retry_headers(fault: Fault, index: int) -> dict[str, str]:
    match fault:
        case Fault.RATE_LIMIT:
            return {"retry-after": "2"}
        case Fault.LONG_RATE_LIMIT:
            return {"retry-after": "7000"}
        case Fault.ODD_RETRY_AFTER:
            past = format_datetime(datetime(2020, 1, 1, tzinfo=UTC), usegmt=True)
            return ({"retry-after": "-5"}, {"retry-after": past}, {"retry-after-ms": "1500"})[index % 3]
        case _:
            return {}


def _rate_limit(vendor: str, seconds: float) -> Json:
    if vendor == "google":
        return gemini.rate_limited(seconds, "GenerateRequestsPerMinutePerProjectPerModel", 60)
    return _plain_error(vendor, 429, "rate_limit_error")


def _spend_cap(vendor: str) -> tuple[int, Json, dict[str, str]]:
    if vendor == "anthropic":
        code = "enforced_spend_limit_reached"
        return 429, anthropic_messages.error(429, "rate_limit_error", "monthly spend limit reached", code), {}
    if vendor == "google":
        return 429, gemini.rate_limited(0, "GenerateRequestsPerDayPerProjectPerModel-FreeTier", 20), {}
    return 429, openai_chat.error(429, "you exceeded your current quota", "insufficient_quota"), {}


def _too_long(vendor: str) -> tuple[int, Json, dict[str, str]]:
    if vendor == "anthropic":
        return 400, anthropic_messages.error(400, "invalid_request_error", "prompt is too long"), {}
    if vendor == "google":
        return 400, gemini.error(400, "INVALID_ARGUMENT", "the input token count exceeds the maximum"), {}
    return 400, openai_chat.error(400, "this exceeds the context length", "context_length_exceeded"), {}


def _plain_error(vendor: str, status: int, kind: str) -> Json:
    if vendor == "anthropic":
        return anthropic_messages.error(status, kind, "scripted fault")
    if vendor == "google":
        return gemini.error(status, "UNAVAILABLE", "scripted fault")
    return openai_chat.error(status, "scripted fault")


_SELLERS: Final[Mapping[str, tuple[tuple[str, str], ...]]] = {
    "anthropic": (("anthropic", "default"),),
    "google": (("google", "default"),),
    "openai": (("openai", "chat"), ("groq", "default"), ("openrouter", "default")),
}
_FINISHES: Final = {Fault.TRUNCATED: "length", Fault.REFUSAL: "refusal", Fault.EMPTY: "empty"}
_RATE_LIMITS: Final = frozenset({Fault.RATE_LIMIT, Fault.LONG_RATE_LIMIT, Fault.RETRY_INFO, Fault.ODD_RETRY_AFTER})
_BROKEN: Final = frozenset({Fault.ERROR_EVENT, Fault.NO_CLOSING_EVENT, Fault.CUT_BODY, Fault.BAD_JSON})
