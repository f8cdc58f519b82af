"""Claude by Anthropic's SDK: Messages API, streamed, schema mode, explicit prompt caching, keyless by GitHub OIDC.

Why streamed: a long answer then has an idle limit and a total limit of its own, and the SDK returns a stream that ends
without ``message_stop`` as if it were whole; here it is ``CUT_OFF``. The SDK's own retries are off.
"""

import time
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from tta_orchestrate.domain.cost import Usage
from tta_orchestrate.engine import schema
from tta_orchestrate.engine.failures import Billing, CallFailure, FailureKind, from_status, of_submission
from tta_orchestrate.engine.stream import must_be_events, must_be_in_time
from tta_orchestrate.ports.model import Access, BatchAnswers, BatchRequest, FinishReason, Prompt, Reply

if TYPE_CHECKING:
    pass

BASE_URL: Final = "https://api.anthropic.com"


class Claude:
    """Implements ``ports.model.Provider``."""

    def __init__(self, access: Access) -> None:
        from anthropic import Anthropic
        from httpx2 import Timeout

        self.name = access.name
        wait = Timeout(access.idle_seconds, connect=access.connect_seconds)
        options: dict[str, Any] = {
            "base_url": access.base_url or BASE_URL,  # explicit: a workflow variable cannot redirect the key
            "max_retries": 0,
            "timeout": wait,
            "open_telemetry": False,
        }
        if access.api_key:
            self._client: Anthropic = Anthropic(api_key=access.api_key, **options)
        else:
            self._client = Anthropic(credentials=_federated(access), **options)

    def complete(self, model: str, prompt: Prompt, *, timeout: float) -> Reply:
        """Send one request; *timeout* is the total in seconds."""
        end = time.monotonic() + timeout
        body = _body(model, prompt)
        collected = _Collected()
        try:
            response = self._client.messages.with_raw_response.create(**body, stream=True)
            headers = {name.lower(): value for name, value in response.headers.items()}
            must_be_events(headers)
            with response.parse() as stream:
                for event in stream:
                    collected.take(event)
                    must_be_in_time(end)
        except CallFailure:
            raise
        except Exception as error:
            raise _translated(error, collected) from error
        return collected.reply(model, headers)

    def count_tokens(self, model: str, prompt: Prompt) -> int:
        """Ask the vendor's free counting endpoint."""
        body = _body(model, prompt)
        del body["max_tokens"]
        try:
            return int(self._client.messages.count_tokens(**body).input_tokens)
        except Exception as error:
            raise _translated(error, _Collected()) from error

    def submit_batch(self, model: str, name: str, requests: Sequence[BatchRequest]) -> str:  # noqa: ARG002 -- keeps none
        """Send a message batch; each answer comes back under its request's key."""
        sent: Any = [{"custom_id": one.key, "params": _body(model, one.prompt)} for one in requests]
        try:
            made = self._client.messages.batches.create(requests=sent)
        except Exception as error:
            raise of_submission(_translated(error, _Collected()), getattr(error, "status_code", 0)) from error
        if not getattr(made, "id", ""):
            raise CallFailure(FailureKind.MALFORMED, "the batch was taken without an id")
        return str(made.id)

    def find_batch(self, name: str, keys: frozenset[str], since: datetime) -> str | None:  # noqa: ARG002
        """Look through the newest batches: as many requests, and, once it has ended, our keys."""
        try:
            for batch in self._client.messages.batches.list(limit=100):
                if batch.created_at < since:
                    return None
                ended = batch.processing_status == "ended"
                if sum(batch.request_counts.to_dict().values()) == len(keys) and (  # type: ignore[arg-type]
                    not ended or {line.custom_id for line in self._client.messages.batches.results(batch.id)} == keys
                ):
                    return str(batch.id)
        except (AttributeError, KeyError, TypeError) as error:
            raise CallFailure(FailureKind.MALFORMED, f"the list cannot be read: {type(error).__name__}") from error
        except Exception as error:
            raise _translated(error, _Collected()) from error
        return None

    def collect_batch(self, batch_id: str) -> BatchAnswers | None:
        """Return what a batch answered. Requests that failed, expired or were canceled are not billed."""
        try:
            batch = self._client.messages.batches.retrieve(batch_id)
            if batch.processing_status != "ended":
                return None
            lines = {line.custom_id: line.result for line in self._client.messages.batches.results(batch_id)}
            good = {key: _whole(one.message) for key, one in lines.items() if one.type == "succeeded"}
            bad = {key: _unanswered(one) for key, one in lines.items() if key not in good}
        except (AttributeError, KeyError, TypeError) as error:
            raise CallFailure(FailureKind.MALFORMED, f"the batch cannot be read: {type(error).__name__}") from error
        except Exception as error:
            failure = _translated(error, _Collected())
            if failure.kind is FailureKind.NO_SUCH_MODEL:
                failure = CallFailure(FailureKind.NO_SUCH_BATCH, str(failure))
            raise failure from error
        return BatchAnswers(replies=good, failures=bad)

    def close(self) -> None:
        """Release connections."""
        self._client.close()


class _Collected:
    """An answer as its events come in. Source: platform.claude.com, "Streaming messages"."""

    def __init__(self) -> None:
        self.text: list[str] = []
        self.model = ""
        self.request_id = ""
        self.usage: dict[str, Any] = {}
        self.stop_reason: str | None = None
        self.ended = False

    def take(self, event: Any) -> None:
        match event.type:
            case "message_start":
                self.model, self.request_id = event.message.model, event.message.id
                self._count(event.message.usage)
            case "content_block_delta" if event.delta.type == "text_delta":
                self.text.append(event.delta.text)
            case "message_delta":
                self.stop_reason = event.delta.stop_reason
                self._count(event.usage)
            case "message_stop":
                self.ended = True
            case _:
                return

    def reply(self, model: str, headers: Mapping[str, str]) -> Reply:
        return Reply(
            text="".join(self.text),
            finish_reason=_FINISH.get(self.stop_reason or "", FinishReason.CUT_OFF)
            if self.ended
            else FinishReason.CUT_OFF,
            # a stream that broke off was billed for more than it told
            usage=_usage(self.usage) if self.ended else Usage(),
            raw_usage=self.usage,
            request_model=model,
            response_model=self.model,
            request_id=self.request_id,
            headers=headers,
        )

    def _count(self, usage: Any) -> None:
        self.usage |= {key: value for key, value in usage.to_dict(mode="json").items() if value is not None}


def _whole(message: Any) -> Reply:
    """Read an answer that came in one piece."""
    usage = {key: value for key, value in message.usage.to_dict(mode="json").items() if value is not None}
    return Reply(
        text="".join(block.text for block in message.content if block.type == "text"),
        finish_reason=_FINISH.get(message.stop_reason or "", FinishReason.CUT_OFF),
        usage=_usage(usage),
        raw_usage=usage,
        request_model=message.model,
        response_model=message.model,
        request_id=message.id,
    )


def _unanswered(result: Any) -> CallFailure:
    """Return why a request of a batch has no answer."""
    if result.type == "errored":
        error = result.error.error
        kind = _ERROR_TYPES.get(error.type, FailureKind.BAD_REQUEST)
        return CallFailure(kind, str(error.message)[:300], billing=Billing.NOTHING)
    kind = FailureKind.EXPIRED if result.type == "expired" else FailureKind.CANCELLED
    return CallFailure(kind, f"the batch ended this request as {result.type}", billing=Billing.NOTHING)


def _body(model: str, prompt: Prompt) -> dict[str, Any]:
    """Return the request: stable parts first, each closed by a cache break-point."""
    content: list[dict[str, Any]] = []
    if prompt.context:
        content.append({"type": "text", "text": prompt.context, "cache_control": {"type": "ephemeral"}})
    content.append({"type": "text", "text": prompt.data})
    body: dict[str, Any] = {
        "model": model,
        "max_tokens": prompt.max_output_tokens,
        "system": [{"type": "text", "text": prompt.system, "cache_control": {"type": "ephemeral"}}],
        "messages": [{"role": "user", "content": content}],
    }
    if prompt.schema:
        body["output_config"] = {"format": {"type": "json_schema", "schema": schema.portable(prompt.schema)}}
    return body


def _usage(raw: Mapping[str, Any]) -> Usage:
    """Normalise: Anthropic's ``input_tokens`` is the uncached rest alone."""
    written = raw.get("cache_creation") or {}
    created = int(raw.get("cache_creation_input_tokens") or 0)
    hour = int(written.get("ephemeral_1h_input_tokens") or 0)
    read = int(raw.get("cache_read_input_tokens") or 0)
    return Usage(
        input_tokens=int(raw.get("input_tokens") or 0) + created + read,
        cache_read_tokens=read,
        cache_write_5m_tokens=created - hour,
        cache_write_1h_tokens=hour,
        output_tokens=int(raw.get("output_tokens") or 0),
        thinking_tokens=int((raw.get("output_tokens_details") or {}).get("thinking_tokens") or 0),
    )


def _translated(error: Exception, collected: _Collected) -> CallFailure:
    """Turn what the SDK or its transport raised into a failure; by behaviour, since transport errors come raw too."""
    import httpx2
    from anthropic import AnthropicError, APIStatusError, APITimeoutError

    if isinstance(error, APIStatusError):
        return _of_status(error, started=bool(collected.model))
    if isinstance(error, APITimeoutError | httpx2.TimeoutException):
        connecting = isinstance(error.__cause__ or error, httpx2.ConnectTimeout)
        billing = Billing.NOTHING if connecting else Billing.UNKNOWN
        return CallFailure(FailureKind.TIMEOUT, "no answer in time", billing=billing)
    if isinstance(error, ValueError) and not isinstance(error, AnthropicError):
        return CallFailure(FailureKind.MALFORMED, f"the answer cannot be read: {type(error).__name__}")
    if isinstance(error, AnthropicError | httpx2.HTTPError):
        cause = error.__cause__ or error
        if type(error).__name__ == "WorkloadIdentityError":
            return CallFailure(FailureKind.AUTH, f"keyless sign-in failed: {error}")
        billing = Billing.NOTHING if isinstance(cause, httpx2.ConnectError) else Billing.UNKNOWN
        return CallFailure(FailureKind.TRANSIENT, f"the connection failed: {type(cause).__name__}", billing=billing)
    raise error


def _of_status(error: Any, *, started: bool) -> CallFailure:
    headers = {name.lower(): value for name, value in error.response.headers.items()}
    message = (error.api_message or "no message")[:300]
    failure = from_status(error.status_code, message, headers, datetime.now(UTC))
    kind = _ERROR_TYPES.get(error.type or "", failure.kind)
    if "spend_limit" in (error.error_code or "") or "usage limits" in message:
        kind = FailureKind.SPEND_CAP
    if kind is FailureKind.BAD_REQUEST and "too long" in message:
        kind = FailureKind.TOO_LARGE
    broke_off = started or error.status_code < _FIRST_ERROR  # an error event inside a good response
    billing = Billing.UNKNOWN if broke_off else Billing.NOTHING
    return CallFailure(kind, str(failure), hint=failure.hint, headers=headers, billing=billing)


def _federated(access: Access) -> Any:
    """Return credentials that trade the job's GitHub OIDC token for a short-lived one. Needs ``id-token: write``."""
    from anthropic.lib.credentials import WorkloadIdentityCredentials

    given = access.identity
    return WorkloadIdentityCredentials(
        identity_token_provider=lambda: _github_token(given, access.connect_seconds),
        federation_rule_id=given["ANTHROPIC_FEDERATION_RULE_ID"],
        organization_id=given["ANTHROPIC_ORGANIZATION_ID"],
        service_account_id=given.get("ANTHROPIC_SERVICE_ACCOUNT_ID") or None,
        workspace_id=given.get("ANTHROPIC_WORKSPACE_ID") or None,
    )


def _github_token(given: Mapping[str, str], timeout: float) -> str:
    import httpx2

    response = httpx2.get(
        given["ACTIONS_ID_TOKEN_REQUEST_URL"],
        params={"audience": BASE_URL} | dict(_query(given["ACTIONS_ID_TOKEN_REQUEST_URL"])),
        headers={"Authorization": f"Bearer {given['ACTIONS_ID_TOKEN_REQUEST_TOKEN']}"},
        timeout=timeout,
    )
    if response.status_code != 200:  # noqa: PLR2004
        raise CallFailure(FailureKind.AUTH, f"GitHub gave no identity token (HTTP {response.status_code})")
    return str(response.json()["value"])


def _query(url: str) -> Iterable[tuple[str, str]]:
    from urllib.parse import parse_qsl, urlsplit

    return parse_qsl(urlsplit(url).query)


_FIRST_ERROR: Final = 400
_FINISH: Final[Mapping[str, FinishReason]] = {
    "end_turn": FinishReason.STOP,
    "stop_sequence": FinishReason.STOP,
    "max_tokens": FinishReason.LENGTH,
    "model_context_window_exceeded": FinishReason.LENGTH,
    "refusal": FinishReason.REFUSAL,
}

_ERROR_TYPES: Final[Mapping[str, FailureKind]] = {
    "overloaded_error": FailureKind.OVERLOADED,
    "api_error": FailureKind.TRANSIENT,
    "timeout_error": FailureKind.TRANSIENT,
    "rate_limit_error": FailureKind.RATE_LIMIT,
    "authentication_error": FailureKind.AUTH,
    "permission_error": FailureKind.AUTH,
    "billing_error": FailureKind.SPEND_CAP,
    "request_too_large": FailureKind.TOO_LARGE,
}

PROVIDER: Final = Claude
