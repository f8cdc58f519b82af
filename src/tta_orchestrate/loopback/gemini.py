"""Gemini generateContent on the wire. Source: ai.google.dev, API reference; the real SDK checks it in the tests."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from tta_orchestrate.loopback.question import Question, Served

Json = Any
_FINISH = {"stop": "STOP", "length": "MAX_TOKENS", "refusal": "SAFETY", "safety": "SAFETY", "empty": "STOP"}


def read(body: Mapping[str, Json], model: str, *, stream: bool) -> Question:
    """Read a request. Raises KeyError or TypeError on a body that is none."""
    config = body.get("generationConfig") or {}
    system = "".join(part["text"] for part in (body.get("systemInstruction") or {}).get("parts", ()))
    parts = tuple(part["text"] for content in body["contents"] for part in content["parts"])
    return Question(
        vendor="google",
        model=model,
        system=system,
        parts=parts,
        max_tokens=int(config.get("maxOutputTokens", 8192)),
        schema=config.get("responseJsonSchema") or config.get("responseSchema") or {},
        stream=stream,
        cacheable=len(system) + sum(map(len, parts[:-1])),
    )


def usage(served: Served) -> dict[str, Json]:
    """Return ``usageMetadata``: the prompt count is the total, cached tokens included."""
    return {
        "promptTokenCount": served.input_tokens,
        "cachedContentTokenCount": served.cached_tokens,
        "candidatesTokenCount": served.output_tokens,
        "totalTokenCount": served.input_tokens + served.output_tokens,
    }


def whole(question: Question, served: Served, number: int) -> dict[str, Json]:
    """Return the body of a reply that is not streamed."""
    body = {
        "responseId": f"loopback-{number}",
        "modelVersion": question.model,
        "usageMetadata": usage(served),
    }
    if served.finish == "empty":
        return body | {"candidates": []}
    if served.finish in {"refusal", "safety"}:
        return body | {"promptFeedback": {"blockReason": "SAFETY"}}
    return body | {"candidates": [_candidate(served.text, _FINISH[served.finish])]}


def events(question: Question, served: Served, number: int) -> Iterator[bytes]:
    """Yield the chunks of a streamed reply; the last carries ``finishReason`` and the usage."""
    body = whole(question, served, number)
    if body.get("candidates") and len(served.text) > 1:
        half = len(served.text) // 2
        opening = {"responseId": body["responseId"], "modelVersion": body["modelVersion"]}
        yield _data(opening | {"candidates": [_candidate(served.text[:half], None)]})
        body["candidates"] = [_candidate(served.text[half:], _FINISH[served.finish])]
    yield _data(body)


def error(status: int, name: str, message: str, details: list[dict[str, Json]] | None = None) -> dict[str, Json]:
    """Return the body of an error."""
    return {"error": {"code": status, "message": message, "status": name, "details": details or []}}


def rate_limited(seconds: float, quota_id: str, quota: int) -> dict[str, Json]:
    """Return a 429 as Google words it: ``QuotaFailure`` and ``RetryInfo``."""
    violation = {"quotaMetric": "generate_requests", "quotaId": quota_id, "quotaValue": str(quota)}
    details: list[dict[str, Json]] = [
        {"@type": "type.googleapis.com/google.rpc.QuotaFailure", "violations": [violation]},
        {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": f"{seconds:g}s"},
    ]
    return error(429, "RESOURCE_EXHAUSTED", "quota exceeded", details)


def _candidate(text: str, finish: str | None) -> dict[str, Json]:
    candidate: dict[str, Json] = {"index": 0, "content": {"role": "model", "parts": [{"text": text}]}}
    return candidate | ({"finishReason": finish} if finish else {})


def _data(body: Mapping[str, Json]) -> bytes:
    return f"data: {json.dumps(body)}\r\n\r\n".encode()
