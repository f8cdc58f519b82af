"""Answers that were paid for once: a content-addressed folder, made to be shared through ``actions/cache``.

The key covers all that shapes an answer: provider, model, each part of the prompt, schema, length, catalogue. The
folder is untrusted like any file: what comes out of it passes the same schema and gates as a fresh answer.
"""

import contextlib
import hashlib
import json
import os
import secrets
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, Protocol

from tta_orchestrate.domain.cost import Usage
from tta_orchestrate.ports.model import FinishReason, Prompt, Reply


class Cache(Protocol):
    """Where replies are kept."""

    def get(self, key: str) -> Reply | None:
        """Return the reply, or ``None``."""
        ...

    def put(self, key: str, reply: Reply) -> None:
        """Keep it; losing it is no error."""
        ...

    def discard(self, key: str) -> None:
        """Forget it: it led nowhere."""
        ...


def key_of(provider: str, model: str, prompt: Prompt, catalogue: str) -> str:
    """Return the address of the answer to *prompt*: sha256, hex."""
    return digest({"provider": provider, "model": model, "prompt": asdict(prompt), "catalogue": catalogue})


def digest(value: Any) -> str:
    """Return the sha256 of a JSON value in one canonical spelling."""
    return hashlib.sha256(json.dumps(value, sort_keys=True, ensure_ascii=True).encode()).hexdigest()


class NoCache:
    """Keeps nothing."""

    def get(self, key: str) -> None:
        """Nothing is known."""

    def put(self, key: str, reply: Reply) -> None:
        """Do nothing."""

    def discard(self, key: str) -> None:
        """Do nothing."""


class DiskCache:
    """One JSON file per answer, written whole or not at all."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def get(self, key: str) -> Reply | None:
        """Return the reply; a damaged file counts as absent."""
        try:
            raw = json.loads(self._path(key).read_bytes())
            return _reply(raw)
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def put(self, key: str, reply: Reply) -> None:
        """Write beside, sync, rename."""
        path = self._path(key)
        record = {name: getattr(reply, name) for name in _KEPT} | {"usage": asdict(reply.usage)}
        with contextlib.suppress(OSError):
            path.parent.mkdir(parents=True, exist_ok=True)
            beside = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
            try:
                with beside.open("xb") as file:
                    file.write(json.dumps(record).encode())
                    file.flush()
                    os.fsync(file.fileno())
                beside.replace(path)
            finally:
                beside.unlink(missing_ok=True)

    def discard(self, key: str) -> None:
        """Remove it."""
        with contextlib.suppress(OSError):
            self._path(key).unlink(missing_ok=True)

    def _path(self, key: str) -> Path:
        return self._folder / key[:2] / f"{key}.json"


_KEPT = ("text", "request_model", "response_model")


def _reply(raw: Mapping[str, Any]) -> Reply:
    if not isinstance(raw["text"], str):
        raise TypeError("text")
    return Reply(
        text=raw["text"],
        finish_reason=FinishReason.STOP,
        usage=Usage(**raw["usage"]),
        raw_usage={},
        request_model=str(raw["request_model"]),
        response_model=str(raw["response_model"]),
    )
