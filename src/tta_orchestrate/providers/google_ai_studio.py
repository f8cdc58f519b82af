"""Gemini by Google's SDK: generateContent, streamed, response schema, implicit caching.

The SDK neither retries nor has a timeout by default; both are ours here. ``automatic_continuation`` is off: it would
send (and bill) several requests for one call.
"""

import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from tta_orchestrate.domain.cost import Usage
from tta_orchestrate.engine import schema
from tta_orchestrate.engine.failures import Billing, CallFailure, FailureKind, duration, from_status, of_submission
from tta_orchestrate.engine.stream import must_be_in_time
from tta_orchestrate.ports.model import Access, BatchAnswers, BatchRequest, FinishReason, Prompt, Reply

if TYPE_CHECKING:
    from google.genai import Client

BASE_URL: Final = "https://generativelanguage.googleapis.com"


class Gemini:
    """Implements ``ports.model.Provider``."""

    def __init__(self, access: Access) -> None:
        import httpx2
        from google import genai
        from google.genai import types

        self.name = access.name
        wait = httpx2.Timeout(access.idle_seconds, connect=access.connect_seconds)
        self._http = httpx2.Client(timeout=wait)
        self._client: Client = genai.Client(
            api_key=access.api_key,
            vertexai=False,
            http_options=types.HttpOptions(
                base_url=access.base_url or BASE_URL,
                timeout=int(access.idle_seconds * 1000),
                httpx_client=self._http,
            ),
        )

    def complete(self, model: str, prompt: Prompt, *, timeout: float) -> Reply:
        """Send one request; *timeout* is the total in seconds."""
        from google.genai import types

        end = time.monotonic() + timeout
        settings = types.GenerateContentConfig(
            **_settings(prompt),
            automatic_continuation=False,
            automatic_function_calling=types.AutomaticFunctionCallingConfig(disable=True),
        )
        collected = _Collected()
        try:
            for chunk in self._client.models.generate_content_stream(
                model=model, contents=_contents(prompt), config=settings
            ):
                collected.take(chunk)
                must_be_in_time(end)
        except CallFailure:
            raise
        except Exception as error:
            raise _translated(error, started=bool(collected.model)) from error
        return collected.reply(model)

    def count_tokens(self, model: str, prompt: Prompt) -> int:
        """Ask the vendor's free counting endpoint; it takes contents only, so system and schema go in as text."""
        text = [prompt.system, str(dict(prompt.schema)), *_contents(prompt)]
        try:
            return int(self._client.models.count_tokens(model=model, contents=text).total_tokens or 0)
        except Exception as error:
            raise _translated(error, started=False) from error

    def submit_batch(self, model: str, name: str, requests: Sequence[BatchRequest]) -> str:
        """Send the requests inline, under *name*; each carries its key along."""
        from google.genai import types

        sent: Any = [
            types.InlinedRequest(
                contents=list(_contents(one.prompt)),
                config=types.GenerateContentConfig(**_settings(one.prompt)),
                metadata={"key": one.key},
            )
            for one in requests
        ]
        try:
            named = types.CreateBatchJobConfig(display_name=name)
            job = self._client.batches.create(model=model, src=sent, config=named)
        except (AttributeError, KeyError, TypeError) as error:
            raise CallFailure(FailureKind.MALFORMED, f"the reply cannot be read: {type(error).__name__}") from error
        except Exception as error:
            raise of_submission(_translated(error, started=False), int(getattr(error, "code", 0) or 0)) from error
        if not job.name:
            raise CallFailure(FailureKind.MALFORMED, "the batch was taken without a name")
        return job.name

    def find_batch(self, name: str, keys: frozenset[str], since: datetime) -> str | None:  # noqa: ARG002 -- names do
        """Look for *name* among the newest batches."""
        try:
            for job in self._client.batches.list(config={"page_size": 100}):
                if job.create_time is not None and job.create_time < since:
                    return None
                if job.display_name == name:
                    return job.name
        except (AttributeError, KeyError, TypeError) as error:
            raise CallFailure(FailureKind.MALFORMED, f"the list cannot be read: {type(error).__name__}") from error
        except Exception as error:
            raise _translated(error, started=False) from error
        return None

    def collect_batch(self, batch_id: str) -> BatchAnswers | None:
        """Return what a batch answered. One that ended without answers may have been billed: nobody says."""
        try:
            job = self._client.batches.get(name=batch_id)
        except (AttributeError, KeyError, TypeError) as error:
            raise CallFailure(FailureKind.MALFORMED, f"the batch cannot be read: {type(error).__name__}") from error
        except Exception as error:
            failure = _translated(error, started=False)
            if failure.kind is FailureKind.NO_SUCH_MODEL:
                failure = CallFailure(FailureKind.NO_SUCH_BATCH, str(failure))
            raise failure from error
        state = job.state.value if job.state is not None else ""
        if state not in _ENDED:
            return None
        lines = (job.dest.inlined_responses if job.dest is not None else None) or ()
        keyed = {(one.metadata or {}).get("key", ""): one for one in lines}
        good = {key: _whole(job.model or "", one.response) for key, one in keyed.items() if one.response is not None}
        return BatchAnswers(
            replies=good,
            failures={key: _unanswered(one.error) for key, one in keyed.items() if key not in good},
            rest=CallFailure(_ENDED[state], f"the batch ended as {state}", billing=Billing.UNKNOWN),
        )

    def close(self) -> None:
        """Release connections."""
        self._client.close()
        self._http.close()


class _Collected:
    """An answer as its chunks come in; the last one carries the finish reason and the usage of the whole."""

    def __init__(self) -> None:
        self.text: list[str] = []
        self.model = ""
        self.request_id = ""
        self.usage: dict[str, Any] = {}
        self.finish = ""
        self.blocked = ""
        self.headers: dict[str, str] = {}

    def take(self, chunk: Any) -> None:
        self.model = chunk.model_version or self.model or "?"
        self.request_id = chunk.response_id or self.request_id
        if chunk.usage_metadata is not None:
            self.usage = chunk.usage_metadata.model_dump(exclude_none=True, mode="json")
        if chunk.sdk_http_response is not None:
            self.headers = {n.lower(): str(v) for n, v in (chunk.sdk_http_response.headers or {}).items()}
        if chunk.prompt_feedback is not None and chunk.prompt_feedback.block_reason is not None:
            self.blocked = str(chunk.prompt_feedback.block_reason.value)
        for candidate in (chunk.candidates or ())[:1]:
            if candidate.finish_reason is not None:
                self.finish = str(candidate.finish_reason.value)
            parts = candidate.content.parts if candidate.content else None
            self.text += [part.text for part in parts or () if part.text and not part.thought]

    def reply(self, model: str) -> Reply:
        if self.blocked:
            reason = FinishReason.CONTENT_FILTER
        elif self.finish:
            reason = _FINISH.get(self.finish, FinishReason.CONTENT_FILTER)
        else:  # no finish reason: nothing came at all, or the stream broke off
            reason = FinishReason.CUT_OFF if self.text or not self.model else FinishReason.EMPTY
        return Reply(
            text="".join(self.text),
            finish_reason=reason,
            usage=Usage() if reason is FinishReason.CUT_OFF else _usage(self.usage),
            raw_usage=self.usage,
            request_model=model,
            response_model="" if self.model == "?" else self.model,
            request_id=self.request_id,
            headers=self.headers,
        )


def _whole(model: str, response: Any) -> Reply:
    """Read an answer that came in one piece."""
    collected = _Collected()
    collected.take(response)
    return collected.reply(model.rpartition("/")[2])


def _unanswered(error: Any) -> CallFailure:
    """Return why a request of a batch has no answer; by google.rpc.Code."""
    code = error.code if error is not None else None
    said = str(error.message if error is not None else "no answer")[:300]
    return CallFailure(_CODES.get(code or 0, FailureKind.TRANSIENT), said, billing=Billing.NOTHING)


def _settings(prompt: Prompt) -> dict[str, Any]:
    """Return what shapes the answer, wherever the request goes."""
    return {
        "system_instruction": prompt.system,
        "max_output_tokens": prompt.max_output_tokens,
        "response_mime_type": "application/json" if prompt.schema else None,
        "response_json_schema": schema.portable(prompt.schema) if prompt.schema else None,
    }


def _contents(prompt: Prompt) -> list[str]:
    """Return the user's parts, the shared one first: Gemini caches common prefixes by itself."""
    return [part for part in (prompt.context, prompt.data) if part]


def _usage(raw: Mapping[str, Any]) -> Usage:
    """Normalise: Gemini's candidates exclude the thoughts, which are billed as output."""
    thoughts = int(raw.get("thoughts_token_count") or 0)
    return Usage(
        input_tokens=int(raw.get("prompt_token_count") or 0),
        cache_read_tokens=int(raw.get("cached_content_token_count") or 0),
        output_tokens=int(raw.get("candidates_token_count") or 0) + thoughts,
        thinking_tokens=thoughts,
    )


def _translated(error: Exception, *, started: bool) -> CallFailure:
    import httpx2
    from google.genai.errors import APIError

    if isinstance(error, APIError):
        return _of_status(error, Billing.UNKNOWN if started else Billing.NOTHING)
    if isinstance(error, httpx2.TimeoutException):
        billing = Billing.NOTHING if isinstance(error, httpx2.ConnectTimeout) else Billing.UNKNOWN
        return CallFailure(FailureKind.TIMEOUT, "no answer in time", billing=billing)
    if isinstance(error, httpx2.HTTPError):
        billing = Billing.NOTHING if isinstance(error, httpx2.ConnectError) else Billing.UNKNOWN
        return CallFailure(FailureKind.TRANSIENT, f"the connection failed: {type(error).__name__}", billing=billing)
    if isinstance(error, ValueError) or type(error).__name__ == "UnknownApiResponseError":
        return CallFailure(FailureKind.MALFORMED, f"the answer cannot be read: {type(error).__name__}")
    raise error


def _of_status(error: Any, billing: Billing) -> CallFailure:
    """Refine by Google's error details: ``QuotaFailure`` and ``RetryInfo`` (google.rpc.error_details)."""
    raw_headers = getattr(error.response, "headers", None) or {}
    headers = {str(name).lower(): str(value) for name, value in raw_headers.items()}
    message = str(error.message or "no message")[:300]
    failure = from_status(int(error.code or 500), message, headers, datetime.now(UTC))
    kind, hint, quota = failure.kind, failure.hint, None
    for detail in _details(error.details):
        hint = duration(str(detail.get("retryDelay", ""))) or hint
        for violation in detail.get("violations", ()):
            name, value = str(violation.get("quotaId", "")), str(violation.get("quotaValue", ""))
            quota = int(value) if value.isdecimal() else quota
            if kind is FailureKind.RATE_LIMIT and ("PerDay" in name or value == "0"):
                kind = FailureKind.DAY_QUOTA
    if kind is FailureKind.BAD_REQUEST and "API key" in message:
        kind = FailureKind.AUTH
    if kind is FailureKind.BAD_REQUEST and "token count" in message and "exceeds" in message:
        kind = FailureKind.TOO_LARGE
    return CallFailure(kind, str(failure), hint=hint, headers=headers, quota=quota, billing=billing)


def _details(body: Any) -> list[dict[str, Any]]:
    error = body.get("error", body) if isinstance(body, dict) else {}
    details = error.get("details", ()) if isinstance(error, dict) else ()
    return [item for item in details if isinstance(item, dict)]


_FINISH: Final[Mapping[str, FinishReason]] = {
    "STOP": FinishReason.STOP,
    "MAX_TOKENS": FinishReason.LENGTH,
    "SAFETY": FinishReason.CONTENT_FILTER,
    "RECITATION": FinishReason.CONTENT_FILTER,
    "BLOCKLIST": FinishReason.CONTENT_FILTER,
    "PROHIBITED_CONTENT": FinishReason.CONTENT_FILTER,
    "SPII": FinishReason.CONTENT_FILTER,
}

_ENDED: Final[Mapping[str, FailureKind]] = {
    "JOB_STATE_SUCCEEDED": FailureKind.CANCELLED,
    "JOB_STATE_PARTIALLY_SUCCEEDED": FailureKind.CANCELLED,
    "JOB_STATE_FAILED": FailureKind.TRANSIENT,
    "JOB_STATE_CANCELLED": FailureKind.CANCELLED,
    "JOB_STATE_EXPIRED": FailureKind.EXPIRED,
}
"""How a request ended that a finished batch says nothing about."""
_CODES: Final[Mapping[int, FailureKind]] = {
    1: FailureKind.CANCELLED,
    3: FailureKind.BAD_REQUEST,
    4: FailureKind.EXPIRED,
    7: FailureKind.BAD_REQUEST,
    8: FailureKind.RATE_LIMIT,
    9: FailureKind.BAD_REQUEST,
}

PROVIDER: Final = Gemini
