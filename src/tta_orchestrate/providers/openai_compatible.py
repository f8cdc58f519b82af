"""Everything that speaks OpenAI's chat completions: Groq, OpenRouter, Ollama, OpenAI, vLLM; plain httpx2, streamed.

Batches (files of requests, ``/batches``) are offered for OpenAI itself, whose batch prices are known.

An endpoint that refuses ``response_format: json_schema`` gets the schema in the prompt from then on.
"""

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from tta_orchestrate.domain.cost import Usage
from tta_orchestrate.engine import schema
from tta_orchestrate.engine.failures import Billing, CallFailure, FailureKind, from_status, of_submission
from tta_orchestrate.engine.stream import must_be_events, must_be_in_time
from tta_orchestrate.ports.model import Access, BatchAnswers, BatchRequest, FinishReason, Prompt, Reply

if TYPE_CHECKING:
    import httpx2

PRESETS: Final[Mapping[str, str]] = {
    "groq": "https://api.groq.com/openai/v1",
    "openrouter": "https://openrouter.ai/api/v1",
    "ollama": "http://127.0.0.1:11434/v1",
    "openai": "https://api.openai.com/v1",
}
"""Known endpoints; ``openai-compatible`` itself needs a ``base_url``."""

_LONGEST_LINE: Final = 4_000_000
"""Characters of one event; more is no chat completion."""


class Chat:
    """Implements ``ports.model.Provider``."""

    def __init__(self, access: Access) -> None:
        import httpx2

        self.name = access.name
        self._schemaless: set[str] = set()
        bearer = {"Authorization": f"Bearer {access.api_key}"} if access.api_key else {}
        self._client = httpx2.Client(
            base_url=(access.base_url or PRESETS[access.name]).rstrip("/"),
            headers={"User-Agent": f"tta-orchestrate/{version('tta-orchestrate')}", **bearer},
            timeout=httpx2.Timeout(access.idle_seconds, connect=access.connect_seconds),
            follow_redirects=False,
            trust_env=True,
        )

    def complete(self, model: str, prompt: Prompt, *, timeout: float) -> Reply:
        """Send one request; *timeout* is the total in seconds."""
        end = time.monotonic() + timeout
        native = bool(prompt.schema) and model not in self._schemaless
        collected = _Collected()
        try:
            with self._client.stream("POST", "/chat/completions", json=_body(model, prompt, native=native)) as response:
                collected.headers = {name.lower(): value for name, value in response.headers.items()}
                if response.status_code != _OK:
                    response.read()
                    raise self._refused(response, model, native=native)  # noqa: TRY301 -- the handler lets it through
                must_be_events(collected.headers)
                for event in _events(response):
                    collected.take(event)
                    must_be_in_time(end)
        except CallFailure:
            raise
        except Exception as error:
            raise _translated(error) from error
        return collected.reply(model)

    def count_tokens(self, model: str, prompt: Prompt) -> int:  # noqa: ARG002 -- the protocol knows no counting
        """Return a safe upper estimate: one token per byte."""
        parts = (prompt.system, prompt.context, prompt.data, json.dumps(dict(prompt.schema)))
        return sum(len(part.encode("utf-8", "surrogatepass")) for part in parts)

    def close(self) -> None:
        """Release connections."""
        self._client.close()

    def _refused(self, response: "httpx2.Response", model: str, *, native: bool) -> CallFailure:
        headers = {name.lower(): value for name, value in response.headers.items()}
        message, code = _error(response)
        failure = from_status(response.status_code, message, headers, datetime.now(UTC))
        kind = failure.kind
        if code in {"insufficient_quota", "billing_hard_limit_reached"}:
            kind = FailureKind.SPEND_CAP
        elif kind is FailureKind.RATE_LIMIT and ("per day" in message or "per-day" in message):
            kind = FailureKind.DAY_QUOTA
        elif code == "context_length_exceeded" or "context length" in message:
            kind = FailureKind.TOO_LARGE
        elif native and kind is FailureKind.BAD_REQUEST and ("response_format" in message or "json_schema" in message):
            self._schemaless.add(model)
            kind = FailureKind.NO_SCHEMA
        return CallFailure(kind, str(failure), hint=failure.hint, headers=headers, billing=Billing.NOTHING)


class ChatInBatches(Chat):
    """Implements ``ports.model.BatchProvider`` as well. Source: platform.openai.com, API reference, "Batch"."""

    def submit_batch(self, model: str, name: str, requests: Sequence[BatchRequest]) -> str:
        """Upload the requests as a file, then have it worked on, under *name*; the upload alone costs nothing."""
        lines = (json.dumps(_line(model, one, native=model not in self._schemaless)) for one in requests)
        sent = {"file": (f"{name}.jsonl", "\n".join(lines).encode() + b"\n", "application/jsonl")}
        try:
            uploaded = self._object("POST", "/files", data={"purpose": "batch"}, files=sent)
        except CallFailure as failure:
            raise CallFailure(failure.kind, str(failure), billing=Billing.NOTHING) from failure
        order = {
            "input_file_id": str(uploaded.get("id") or ""),
            "endpoint": "/v1/chat/completions",
            "completion_window": "24h",
            "metadata": {"name": name},
        }
        made = self._object("POST", "/batches", json=order)
        if not made.get("id"):
            raise CallFailure(FailureKind.MALFORMED, "the batch was taken without an id")
        return str(made["id"])

    def find_batch(self, name: str, keys: frozenset[str], since: datetime) -> str | None:  # noqa: ARG002 -- names do
        """Look for *name* among the newest batches."""
        after: dict[str, str] = {}
        while True:
            page = self._object("GET", "/batches", params={"limit": "100", **after})
            batches = _objects(page.get("data"))
            for one in batches:
                if int(one.get("created_at") or 0) < since.timestamp():
                    return None
                if (one.get("metadata") or {}).get("name") == name:
                    return str(one["id"])
            if not (page.get("has_more") and batches):
                return None
            after = {"after": str(batches[-1]["id"])}

    def collect_batch(self, batch_id: str) -> BatchAnswers | None:
        """Return what a batch answered. Requests without an answer are not billed."""
        try:
            batch = self._object("GET", f"/batches/{quote(batch_id, safe='')}")
            if (status := str(batch.get("status"))) not in _ENDED:
                return None
            files = [str(batch[name]) for name in ("output_file_id", "error_file_id") if batch.get(name)]
            lines = {str(line["custom_id"]): line for file in files for line in self._lines(file)}
            good = {key: _whole(line["response"]["body"]) for key, line in lines.items() if _is_answer(line)}
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise CallFailure(FailureKind.MALFORMED, f"the batch cannot be read: {type(error).__name__}") from error
        except CallFailure as failure:
            if failure.kind is FailureKind.NO_SUCH_MODEL:
                raise CallFailure(FailureKind.NO_SUCH_BATCH, str(failure)) from failure
            raise
        return BatchAnswers(
            replies=good,
            failures={key: _unanswered(line) for key, line in lines.items() if key not in good},
            rest=_of_batch(status, batch),
        )

    def _object(self, method: str, path: str, **parts: Any) -> dict[str, Any]:
        try:
            found = json.loads(self._read(method, path, **parts))
        except ValueError as error:
            raise _translated(error) from error
        if not isinstance(found, dict):
            raise CallFailure(FailureKind.MALFORMED, "the answer is not an object")
        return found

    def _lines(self, file: str) -> Iterator[dict[str, Any]]:
        for line in self._read("GET", f"/files/{quote(file, safe='')}/content").splitlines():
            if line.strip():
                yield json.loads(line)

    def _read(self, method: str, path: str, **parts: Any) -> bytes:
        try:
            response = self._client.request(method, path, **parts)
        except Exception as error:
            raise _translated(error) from error
        if response.status_code != _OK:
            raise of_submission(self._refused(response, "", native=False), response.status_code)
        return response.content


class _Collected:
    """An answer as its events come in."""

    def __init__(self) -> None:
        self.text: list[str] = []
        self.refusal = ""
        self.model = ""
        self.request_id = ""
        self.usage: dict[str, Any] = {}
        self.finish = ""
        self.headers: dict[str, str] = {}

    def take(self, event: dict[str, Any]) -> None:
        if "error" in event:
            raise _in_stream(event["error"])
        self.model, self.request_id = event.get("model") or self.model, event.get("id") or self.request_id
        self.usage = event.get("usage") or (event.get("x_groq") or {}).get("usage") or self.usage
        for choice in (event.get("choices") or ())[:1]:
            delta = choice.get("delta") or {}
            self.text.append(delta.get("content") or "")
            self.refusal += delta.get("refusal") or ""
            self.finish = choice.get("finish_reason") or self.finish

    def reply(self, model: str) -> Reply:
        reason = _FINISH.get(self.finish, FinishReason.CUT_OFF)
        if self.refusal:
            reason = FinishReason.REFUSAL
        elif reason is FinishReason.CUT_OFF and self.model and not "".join(self.text):
            reason = FinishReason.EMPTY
        return Reply(
            text="".join(self.text),
            finish_reason=reason,
            usage=_usage(self.usage),
            raw_usage=self.usage,
            request_model=model,
            response_model=self.model,
            request_id=self.request_id,
            headers=self.headers,
        )


def _body(model: str, prompt: Prompt, *, native: bool) -> dict[str, Any]:
    """Return the request: stable parts first, for endpoints that cache prefixes by themselves."""
    system = prompt.system
    if prompt.schema and not native:
        shown = json.dumps(prompt.schema, sort_keys=True)
        system += f"\n\nAnswer with one JSON value that fits this JSON Schema, and nothing else:\n{shown}"
    user = "\n\n".join(part for part in (prompt.context, prompt.data) if part)
    body: dict[str, Any] = {
        "model": model,
        "max_tokens": prompt.max_output_tokens,
        "messages": [{"role": "system", "content": system}, {"role": "user", "content": user}],
        "stream": True,
        "stream_options": {"include_usage": True},
    }
    if native:
        form = {"name": prompt.schema_name, "strict": True, "schema": schema.portable(prompt.schema)}
        body["response_format"] = {"type": "json_schema", "json_schema": form}
    return body


def _line(model: str, one: BatchRequest, *, native: bool) -> dict[str, Any]:
    """Return one line of a batch's file."""
    body = _body(model, one.prompt, native=native)
    del body["stream"], body["stream_options"]
    return {"custom_id": one.key, "method": "POST", "url": "/v1/chat/completions", "body": body}


def _objects(value: Any) -> list[dict[str, Any]]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def _is_answer(line: dict[str, Any]) -> bool:
    response = line.get("response") or {}
    return response.get("status_code") == _OK and not line.get("error")


def _whole(body: dict[str, Any]) -> Reply:
    """Read an answer that came in one piece."""
    collected = _Collected()
    choices = [{"delta": one["message"], "finish_reason": one.get("finish_reason")} for one in body["choices"]]
    collected.take(body | {"choices": choices})
    return collected.reply(str(body.get("model") or ""))


def _unanswered(line: dict[str, Any]) -> CallFailure:
    """Return why a request of a batch has no answer."""
    error = line.get("error") or ((line.get("response") or {}).get("body") or {}).get("error") or {}
    code, status = str(error.get("code") or ""), int((line.get("response") or {}).get("status_code") or 0)
    kind = FailureKind.EXPIRED if code == "batch_expired" else FailureKind.CANCELLED
    if status:
        kind = from_status(status, "", {}, datetime.now(UTC)).kind
    return CallFailure(kind, str(error.get("message") or code)[:300], billing=Billing.NOTHING)


def _of_batch(status: str, batch: dict[str, Any]) -> CallFailure:
    """Return what holds for requests that no file names. A batch that failed was refused before it began."""
    if status != "failed":
        return CallFailure(_ENDED[status], f"the batch ended as {status}", billing=Billing.UNKNOWN)
    errors = _objects((batch.get("errors") or {}).get("data"))
    full = any(one.get("code") == "token_limit_exceeded" for one in errors)
    kind = FailureKind.RATE_LIMIT if full else FailureKind.BAD_REQUEST
    return CallFailure(kind, "the batch was refused", billing=Billing.NOTHING)


def _events(response: "httpx2.Response") -> Iterator[dict[str, Any]]:
    """Yield the JSON of each ``data:`` line until ``[DONE]``. Source: WHATWG HTML, "Server-sent events"."""
    for line in response.iter_lines():
        if len(line) > _LONGEST_LINE:
            raise CallFailure(FailureKind.MALFORMED, "one event of the answer is too long to be real")
        name, _, value = line.partition(":")
        if name != "data":
            continue
        if value.strip() == "[DONE]":
            return
        event = json.loads(value)
        if not isinstance(event, dict):
            raise CallFailure(FailureKind.MALFORMED, "an event of the answer is not an object")
        yield event


def _usage(raw: Mapping[str, Any]) -> Usage:
    """Normalise: OpenAI's ``prompt_tokens`` and ``completion_tokens`` are totals already."""
    return Usage(
        input_tokens=int(raw.get("prompt_tokens") or 0),
        cache_read_tokens=int((raw.get("prompt_tokens_details") or {}).get("cached_tokens") or 0),
        output_tokens=int(raw.get("completion_tokens") or 0),
        thinking_tokens=int((raw.get("completion_tokens_details") or {}).get("reasoning_tokens") or 0),
    )


def _error(response: "httpx2.Response") -> tuple[str, str]:
    try:
        error = response.json()["error"]
        return str(error["message"])[:300], str(error.get("code") or "")
    except (ValueError, KeyError, TypeError, AttributeError):
        return "no message", ""


def _in_stream(error: Any) -> CallFailure:
    code = error.get("code") if isinstance(error, dict) else None
    message = str(error.get("message") if isinstance(error, dict) else error)[:300]
    kind = FailureKind.OVERLOADED if code in {503, 529, "overloaded"} else FailureKind.TRANSIENT
    return CallFailure(kind, f"the answer broke off: {message}", billing=Billing.UNKNOWN)


def _translated(error: Exception) -> CallFailure:
    import httpx2

    if isinstance(error, httpx2.TimeoutException):
        billing = Billing.NOTHING if isinstance(error, httpx2.ConnectTimeout) else Billing.UNKNOWN
        return CallFailure(FailureKind.TIMEOUT, "no answer in time", billing=billing)
    if isinstance(error, httpx2.HTTPError):
        billing = Billing.NOTHING if isinstance(error, httpx2.ConnectError) else Billing.UNKNOWN
        return CallFailure(FailureKind.TRANSIENT, f"the connection failed: {type(error).__name__}", billing=billing)
    if isinstance(error, ValueError):
        return CallFailure(FailureKind.MALFORMED, f"the answer cannot be read: {type(error).__name__}")
    raise error


_OK: Final = 200
_FINISH: Final[Mapping[str, FinishReason]] = {
    "stop": FinishReason.STOP,
    "length": FinishReason.LENGTH,
    "content_filter": FinishReason.CONTENT_FILTER,
}

_ENDED: Final[Mapping[str, FailureKind]] = {
    "completed": FailureKind.CANCELLED,
    "failed": FailureKind.BAD_REQUEST,
    "expired": FailureKind.EXPIRED,
    "cancelled": FailureKind.CANCELLED,
}
_IN_BATCHES: Final = frozenset({"openai"})


def PROVIDER(access: Access) -> Chat:  # noqa: N802 -- the name that the registry looks for
    """Return the provider for *access*: with batches where the endpoint offers them at a known price."""
    return ChatInBatches(access) if access.name in _IN_BATCHES else Chat(access)
