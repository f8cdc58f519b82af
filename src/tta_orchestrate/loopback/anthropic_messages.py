"""Anthropic Messages on the wire. Source: platform.claude.com, API reference; the real SDK checks it in the tests."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from tta_orchestrate.loopback.question import Question, Served

Json = Any
_STOP = {"stop": "end_turn", "length": "max_tokens", "refusal": "refusal", "safety": "refusal", "empty": "end_turn"}


def read(body: Mapping[str, Json]) -> Question:
    """Read a request. Raises KeyError or TypeError on a body that is none."""
    system = body.get("system") or []
    blocks = [{"type": "text", "text": system}] if isinstance(system, str) else list(system)
    content = body["messages"][0]["content"]
    parts = [{"type": "text", "text": content}] if isinstance(content, str) else list(content)
    cacheable = position = 0
    for block in (*blocks, *parts):
        position += len(block["text"])
        if "cache_control" in block:
            cacheable = position
    form = (body.get("output_config") or {}).get("format") or {}
    return Question(
        vendor="anthropic",
        model=body["model"],
        system="".join(block["text"] for block in blocks),
        parts=tuple(block["text"] for block in parts),
        max_tokens=int(body.get("max_tokens", 0)),
        schema=form.get("schema") or {},
        stream=bool(body.get("stream")),
        cacheable=cacheable,
    )


def usage(served: Served) -> dict[str, Json]:
    """Return the usage block: ``input_tokens`` is the uncached rest."""
    fresh = served.input_tokens - served.cached_tokens - served.written_tokens
    return {
        "input_tokens": fresh,
        "cache_creation_input_tokens": served.written_tokens,
        "cache_read_input_tokens": served.cached_tokens,
        "cache_creation": {"ephemeral_5m_input_tokens": served.written_tokens, "ephemeral_1h_input_tokens": 0},
        "output_tokens": served.output_tokens,
        "service_tier": "standard",
    }


def whole(question: Question, served: Served, number: int) -> dict[str, Json]:
    """Return the body of a reply that is not streamed."""
    content = [] if served.finish == "empty" else [{"type": "text", "text": served.text}]
    return {
        "id": f"msg_loopback_{number}",
        "type": "message",
        "role": "assistant",
        "model": question.model,
        "content": content,
        "stop_reason": _STOP[served.finish],
        "stop_sequence": None,
        "usage": usage(served),
    }


def events(question: Question, served: Served, number: int) -> Iterator[bytes]:
    """Yield the events of a streamed reply; the last is ``message_stop``."""
    message = whole(question, served, number)
    opening = message | {"content": [], "stop_reason": None, "usage": message["usage"] | {"output_tokens": 1}}
    yield _event("message_start", {"message": opening})
    if message["content"]:
        yield _event("content_block_start", {"index": 0, "content_block": {"type": "text", "text": ""}})
        for start in range(0, len(served.text), 400):
            piece = {"type": "text_delta", "text": served.text[start : start + 400]}
            yield _event("content_block_delta", {"index": 0, "delta": piece})
        yield _event("content_block_stop", {"index": 0})
    delta: dict[str, Json] = {"stop_reason": message["stop_reason"], "stop_sequence": None}
    yield _event("message_delta", {"delta": delta, "usage": {"output_tokens": served.output_tokens}})
    yield _event("message_stop", {})


def error(status: int, kind: str, message: str, code: str = "") -> dict[str, Json]:
    """Return the body of an error."""
    inner: dict[str, Json] = {"type": kind, "message": f"{message} (HTTP {status})"}
    if code:
        inner["details"] = {"error_code": code}
    return {"type": "error", "error": inner, "request_id": "req_loopback"}


def error_event(kind: str, message: str) -> bytes:
    """Return the event that ends a stream with an error."""
    return _event("error", {"error": {"type": kind, "message": message}})


def _event(name: str, data: dict[str, Json]) -> bytes:
    return f"event: {name}\ndata: {json.dumps({'type': name} | data)}\n\n".encode()
