"""Batch APIs on the wire: Anthropic's Message Batches, Gemini's batchGenerateContent, OpenAI's files and batches.

A batch is done when it is made, and charged at half price; it only shows as running until it was looked at often
enough. Results come back in another order than the requests went in. Sources: the API references of the three vendors;
the real SDKs of the first two check it in the tests.
"""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from typing import Any, Final
from urllib.parse import parse_qs

from tta_orchestrate.loopback import anthropic_messages, gemini, openai_chat
from tta_orchestrate.loopback.question import Question

Json = Any
Ends = Callable[[int], str]
"""From the index of a request in its batch to how it ends: ``succeeded``, ``errored``, ``expired``, ``canceled``."""
ANTHROPIC: Final = "/v1/messages/batches"
_GEMINI: Final = re.compile(r"/v1(?:beta)?/(batches/[a-z0-9_]+)")
_GEMINI_LIST: Final = re.compile(r"/v1(?:beta)?/batches")
OPENAI: Final = "/openai/v1/batches"
"""Not ``/v1/batches``: that is Gemini's on this one port."""
OPENAI_FILES: Final = "/openai/v1/files"
_CODES: Final = {"errored": 3, "expired": 4, "canceled": 1}
"""google.rpc.Code."""


@dataclass(slots=True)
class Batch:
    """One batch; ``results`` are (key, end, body) in the order in which they are handed out."""

    id: str
    name: str
    model: str
    created: datetime
    results: Sequence[tuple[str, str, Json]]
    looks: int
    """How often it still shows as running."""

    @property
    def is_done(self) -> bool:
        """Whether it shows its results."""
        return self.looks <= 0


@dataclass(slots=True)
class Batches:
    """All batches of a server. ``answer`` makes and charges one whole reply: (question, what to call it) -> body."""

    answer: Callable[[Question, str], Json]
    looks: int = 0
    ends: Ends = lambda index: "succeeded"  # noqa: ARG005
    refuses: tuple[int, Json] | None = None
    """What every submission is answered with instead: (status, body)."""
    breaks: tuple[int, Json | bytes] | None = None
    """What every look is answered with instead."""
    made: list[Batch] = field(default_factory=list)
    files: list[bytes] = field(default_factory=list)
    """What was uploaded."""

    def from_anthropic(self, body: Mapping[str, Json], path: str) -> Json:
        """Make a batch from the body of ``POST /v1/messages/batches``."""
        asked = [(str(one["custom_id"]), anthropic_messages.read(one["params"])) for one in body["requests"]]
        if len({key for key, _ in asked}) != len(asked) or not all(re.fullmatch(r"[\w-]{1,64}", k) for k, _ in asked):
            raise ValueError("custom_id")
        return self.shown_by_anthropic(self._make("msgbatch", "", asked[0][1].model, asked, path), "")

    def from_gemini(self, body: Mapping[str, Json], model: str, path: str) -> Json:
        """Make a batch from the body of ``:batchGenerateContent``."""
        batch = body["batch"]
        asked = [
            (str(one.get("metadata", {}).get("key", "")), gemini.read(one["request"], model, stream=False))
            for one in batch["inputConfig"]["requests"]["requests"]
        ]
        return shown_by_gemini(self._make("batches/b", str(batch["displayName"]), model, asked, path))

    def upload(self, content_type: str, raw: bytes) -> Json:
        """Keep the file of a multipart form."""
        form = message_from_bytes(b"Content-Type: " + content_type.encode() + b"\r\n\r\n" + raw)
        parts = {one.get_param("name", header="content-disposition"): one for one in form.walk()}
        if parts["purpose"].get_payload() != "batch":
            raise ValueError("purpose")
        self.files.append(bytes(parts["file"].get_payload(decode=True)))
        return {"id": f"file-{len(self.files) - 1}", "object": "file", "purpose": "batch"}

    def from_openai(self, body: Mapping[str, Json], path: str) -> Json:
        """Make a batch from the body of ``POST /v1/batches``."""
        if (body["endpoint"], body["completion_window"]) != ("/v1/chat/completions", "24h"):
            raise ValueError("endpoint")
        lines = [json.loads(line) for line in self.files[int(body["input_file_id"].removeprefix("file-"))].splitlines()]
        asked = [(str(one["custom_id"]), openai_chat.read(one["body"])) for one in lines]
        if any(question.stream for _, question in asked):
            raise ValueError("stream")
        return shown_by_openai(self._make("batch", body["metadata"]["name"], asked[0][1].model, asked, path))

    def _of_openai(self, path: str) -> tuple[int, Json | bytes]:
        if path == OPENAI:
            return 200, {"data": [shown_by_openai(one) for one in self._newest("batch_")], "has_more": False}
        kind, _, number = path.removeprefix(f"{OPENAI_FILES}/").removesuffix("/content").partition("-")
        if path.startswith(OPENAI_FILES):
            batch = next((one for one in self.made if one.id == number), None)
            if batch is not None:
                return 200, b"".join(
                    _openai_line(*one) for one in batch.results if (one[1] != "expired") == (kind == "out")
                )
        elif (found := self._look(path.removeprefix(f"{OPENAI}/"))) is not None:
            return 200, shown_by_openai(found)
        return 404, openai_chat.error(404, "no such object")

    def read(self, path: str, query: str, base_url: str) -> tuple[int, Json | bytes] | None:
        """Answer a GET; ``None``: not one of these paths."""
        if self.breaks is not None:
            return self.breaks
        if path == ANTHROPIC:
            return 200, self._listed(parse_qs(query), base_url)
        if path.startswith(f"{ANTHROPIC}/"):
            return self._of_anthropic(path.removeprefix(f"{ANTHROPIC}/"), base_url)
        if path.startswith((OPENAI, OPENAI_FILES)):
            return self._of_openai(path)
        if _GEMINI_LIST.fullmatch(path):
            return 200, {"operations": [shown_by_gemini(one, brief=True) for one in self._newest("batches/")]}
        if match := _GEMINI.fullmatch(path):
            found = self._look(match[1])
            return (200, shown_by_gemini(found)) if found else (404, gemini.error(404, "NOT_FOUND", "no such batch"))
        return None

    def shown_by_anthropic(self, batch: Batch, base_url: str) -> Json:
        """Return the ``message_batch`` object."""
        ends = [end for _, end, _ in batch.results]
        counts = {end: ends.count(end) if batch.is_done else 0 for end in _COUNTED}
        return {
            "id": batch.id,
            "type": "message_batch",
            "processing_status": "ended" if batch.is_done else "in_progress",
            "request_counts": {"processing": 0 if batch.is_done else len(ends), **counts},
            "created_at": _time(batch.created),
            "expires_at": _time(batch.created + timedelta(hours=24)),
            "ended_at": _time(batch.created) if batch.is_done else None,
            "archived_at": None,
            "cancel_initiated_at": None,
            "results_url": f"{base_url}{ANTHROPIC}/{batch.id}/results" if batch.is_done else None,
        }

    def _make(self, prefix: str, name: str, model: str, asked: Sequence[tuple[str, Question]], path: str) -> Batch:
        results = []
        for index, (key, question) in enumerate(asked):
            end = self.ends(index)
            results.append((key, end, self.answer(question, path) if end == "succeeded" else None))
        number = len(self.made)
        batch = Batch(
            id=f"{prefix}_{number}",
            name=name,
            model=model,
            created=datetime.now(UTC),
            results=results[::-1],
            looks=self.looks,
        )
        self.made.append(batch)
        return batch

    def _look(self, batch_id: str) -> Batch | None:
        found = next((one for one in self.made if one.id == batch_id), None)
        if found is not None:
            found.looks -= 1
            return _before(found)
        return None

    def _newest(self, prefix: str) -> list[Batch]:
        return [one for one in reversed(self.made) if one.id.startswith(prefix)]

    def _of_anthropic(self, rest: str, base_url: str) -> tuple[int, Json | bytes]:
        batch_id, _, wanted = rest.partition("/")
        known = next((one for one in self.made if one.id == batch_id), None)
        if known is None or wanted not in {"", "results"}:
            return 404, anthropic_messages.error(404, "not_found_error", "no such batch")
        if not wanted:
            found = self._look(batch_id)
            return 200, self.shown_by_anthropic(found or known, base_url)
        return 200, b"".join(_line(key, end, body) for key, end, body in known.results)

    def _listed(self, query: Mapping[str, list[str]], base_url: str) -> Json:
        """Return one page, newest first: ``limit``, ``after_id``."""
        every = self._newest("msgbatch")
        after = query.get("after_id", [""])[0]
        if after:
            every = every[next((i + 1 for i, one in enumerate(every) if one.id == after), len(every)) :]
        page = every[: int(query.get("limit", ["20"])[0])]
        return {
            "data": [self.shown_by_anthropic(one, base_url) for one in page],
            "has_more": len(every) > len(page),
            "first_id": page[0].id if page else None,
            "last_id": page[-1].id if page else None,
        }


def shown_by_openai(batch: Batch) -> Json:
    """Return the ``batch`` object."""
    ends = [end for _, end, _ in batch.results]
    shown: dict[str, Json] = {
        "id": batch.id,
        "object": "batch",
        "endpoint": "/v1/chat/completions",
        "status": "in_progress",
        "created_at": int(batch.created.timestamp()),
        "metadata": {"name": batch.name},
        "request_counts": {"total": len(ends), "completed": 0, "failed": 0},
    }
    if not batch.is_done:
        return shown
    return shown | {
        "status": "expired" if "expired" in ends else "completed",
        "output_file_id": f"out-{batch.id}",
        "error_file_id": f"err-{batch.id}" if "expired" in ends else None,
    }


def _openai_line(key: str, end: str, body: Json) -> bytes:
    line: dict[str, Json] = {"custom_id": key, "response": {"status_code": 200, "body": body}, "error": None}
    if end == "errored":
        line["response"] = {"status_code": 400, "body": openai_chat.error(400, "scripted")}
    elif end != "succeeded":
        line |= {"response": None, "error": {"code": f"batch_{end}", "message": f"scripted: {end}"}}
    return json.dumps(line).encode() + b"\n"


def shown_by_gemini(batch: Batch, *, brief: bool = False) -> Json:
    """Return the operation; with its output once it is done, and not *brief*."""
    metadata: dict[str, Json] = {
        "@type": "type.googleapis.com/google.ai.generativelanguage.v1main.GenerateContentBatch",
        "model": f"models/{batch.model}",
        "displayName": batch.name,
        "state": _state(batch),
        "createTime": _time(batch.created),
        "updateTime": _time(batch.created),
        "name": batch.id,
    }
    operation: dict[str, Json] = {"name": batch.id, "metadata": metadata}
    if not batch.is_done:
        return operation
    if not brief and metadata["state"] == "BATCH_STATE_SUCCEEDED":
        answered = [_inlined(key, end, body) for key, end, body in batch.results]
        metadata["output"] = {"inlinedResponses": {"inlinedResponses": answered}}
        operation["response"] = {"inlinedResponses": {"inlinedResponses": answered}}
    return operation | {"done": True}


def _state(batch: Batch) -> str:
    if not batch.is_done:
        return "BATCH_STATE_RUNNING"
    ends = {end for _, end, _ in batch.results}
    return {"expired": "BATCH_STATE_EXPIRED", "canceled": "BATCH_STATE_CANCELLED"}.get(
        next(iter(ends)) if len(ends) == 1 else "", "BATCH_STATE_SUCCEEDED"
    )


def _before(batch: Batch) -> Batch:
    """Return *batch* as it shows at this look."""
    from dataclasses import replace

    return replace(batch, looks=batch.looks + 1)


def _inlined(key: str, end: str, body: Json) -> Json:
    if end == "succeeded":
        return {"metadata": {"key": key}, "response": body}
    return {"metadata": {"key": key}, "error": {"code": _CODES[end], "message": f"scripted: {end}"}}


def _line(key: str, end: str, body: Json) -> bytes:
    result: dict[str, Json] = {"type": end}
    if end == "succeeded":
        result["message"] = body
    elif end == "errored":
        result["error"] = anthropic_messages.error(400, "invalid_request_error", "scripted")
    return json.dumps({"custom_id": key, "result": result}).encode() + b"\n"


def _time(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


_COUNTED: Final = ("succeeded", "errored", "canceled", "expired")
