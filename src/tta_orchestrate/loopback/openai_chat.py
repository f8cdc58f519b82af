"""OpenAI chat completions on the wire, as Groq, OpenRouter, Ollama and vLLM speak them too."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from tta_orchestrate.loopback.question import Question, Served

Json = Any
_FINISH = {"stop": "stop", "length": "length", "refusal": "stop", "safety": "content_filter", "empty": "stop"}


def read(body: Mapping[str, Json]) -> Question:
    """Read a request. Raises KeyError or TypeError on a body that is none."""
    system = "".join(m["content"] for m in body["messages"] if m["role"] == "system")
    parts = tuple(m["content"] for m in body["messages"] if m["role"] == "user")
    form = (body.get("response_format") or {}).get("json_schema") or {}
    return Question(
        vendor="openai",
        model=body["model"],
        system=system,
        parts=parts,
        max_tokens=int(body.get("max_completion_tokens") or body.get("max_tokens") or 4096),
        schema=form.get("schema") or {},
        stream=bool(body.get("stream")),
        cacheable=len(system),
    )


def usage(served: Served) -> dict[str, Json]:
    """Return the usage block: prompt tokens are the total."""
    return {
        "prompt_tokens": served.input_tokens,
        "completion_tokens": served.output_tokens,
        "total_tokens": served.input_tokens + served.output_tokens,
        "prompt_tokens_details": {"cached_tokens": served.cached_tokens},
    }


def whole(question: Question, served: Served, number: int) -> dict[str, Json]:
    """Return the body of a reply that is not streamed."""
    message: dict[str, Json] = {"role": "assistant", "content": served.text}
    if served.finish == "refusal":
        message |= {"content": None, "refusal": "I cannot help with that."}
    if served.finish == "empty":
        message["content"] = ""
    return {
        "id": f"chatcmpl-loopback-{number}",
        "object": "chat.completion",
        "created": 0,
        "model": question.model,
        "choices": [{"index": 0, "message": message, "finish_reason": _FINISH[served.finish]}],
        "usage": usage(served),
    }


def events(question: Question, served: Served, number: int) -> Iterator[bytes]:
    """Yield the chunks of a streamed reply, then ``[DONE]``."""
    body = whole(question, served, number)
    common = {"id": body["id"], "object": "chat.completion.chunk", "created": 0, "model": question.model}
    message, finish = body["choices"][0]["message"], body["choices"][0]["finish_reason"]
    yield _data(common | {"choices": [{"index": 0, "delta": message, "finish_reason": None}]})
    yield _data(common | {"choices": [{"index": 0, "delta": {}, "finish_reason": finish}]})
    yield _data(common | {"choices": [], "usage": body["usage"]})
    yield b"data: [DONE]\n\n"


def error(status: int, message: str, code: str = "") -> dict[str, Json]:
    """Return the body of an error."""
    return {"error": {"message": f"{message} (HTTP {status})", "type": "error", "code": code or None}}


def error_event(message: str) -> bytes:
    """Return the chunk that ends a stream with an error."""
    return _data({"error": {"message": message, "code": 503}})


def _data(body: Mapping[str, Json]) -> bytes:
    return f"data: {json.dumps(body)}\n\n".encode()
