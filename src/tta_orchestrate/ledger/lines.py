"""Entries as JSON lines: strict in both directions; a line that is not understood is never dropped, only counted."""

import json
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime
from typing import Any, Final

from tta_orchestrate.domain.batch import BatchItem, BatchRecord
from tta_orchestrate.domain.cost import NanoUsd, Usage
from tta_orchestrate.domain.ledger import BaselineShare, Book, Entry, ModelShare, Phase, Quality, merge

VERSION: Final = 1
_USAGE: Final = {
    "in": "input_tokens",
    "cache_r": "cache_read_tokens",
    "cache_w5m": "cache_write_5m_tokens",
    "cache_w1h": "cache_write_1h_tokens",
    "out": "output_tokens",
    "think": "thinking_tokens",
}
_TEXTS: Final = ("repository", "mode", "price_data", "catalogue", "outcome")
_BATCH_TEXTS: Final = ("name", "provider", "model", "scope", "id")
_LONGEST: Final = 300
_MOST: Final = 10**18
"""A billion dollars in nano-dollars: more is a broken line."""


def encode(entry: Entry) -> bytes:
    """Return *entry* as one line of ASCII JSON without line feed; what is empty is left out."""
    line = {
        "v": VERSION,
        "run": entry.run_id,
        "attempt": entry.attempt,
        "job": entry.job,
        "phase": entry.phase.value,
        "at": _time(entry.at),
        "day": entry.day,
        "cash": entry.cash,
        "list": entry.list_price,
        "calls": entry.calls,
        "errors": entry.errors,
        "sample": entry.sample,
        "expires": _time(entry.expires) if entry.expires else "",
        "tokens": _tokens(entry.usage),
        "by_model": [_share(one) for one in entry.by_model],
        "baselines": [
            {"name": one.name, "measured": one.measured, "list": one.list_price, "work": one.work, "tasks": one.tasks}
            for one in entry.baselines
        ],
        "quality": {name: value for name in Quality.__slots__ if (value := getattr(entry.quality, name))},
        "batch": _batch_line(entry.batch) if entry.batch else {},
        **{name: getattr(entry, name)[:_LONGEST] for name in _TEXTS},
    }
    kept = {key: value for key, value in line.items() if value not in (0, "", [], {})}
    return json.dumps(kept, separators=(",", ":"), ensure_ascii=True).encode()


def decode(line: bytes) -> Entry:
    """Return the entry of *line*. Raises ``ValueError`` when it is not one of this version."""
    raw = json.loads(line)
    if not isinstance(raw, dict) or raw.get("v") != VERSION:
        raise ValueError("not an entry of this version")
    day = _text(raw, "day")
    date.fromisoformat(day)
    expires = _text(raw, "expires")
    return Entry(
        run_id=_text(raw, "run"),
        attempt=_whole(raw, "attempt"),
        job=_text(raw, "job"),
        phase=Phase(_text(raw, "phase")),
        at=_moment(_text(raw, "at")),
        day=day,
        cash=_money(raw, "cash"),
        list_price=_money(raw, "list"),
        calls=_whole(raw, "calls"),
        errors=_whole(raw, "errors"),
        sample=_money(raw, "sample"),
        expires=_moment(expires) if expires else None,
        usage=_usage(_object(raw, "tokens")),
        by_model=tuple(_model_share(one) for one in _objects(raw, "by_model")),
        baselines=tuple(_baseline(one) for one in _objects(raw, "baselines")),
        quality=_quality(_object(raw, "quality")),
        batch=_batch(_object(raw, "batch")),
        **{name: _text(raw, name) for name in _TEXTS},
    )


def read(lines: Iterable[bytes]) -> Book:
    """Return what *lines* say; blank ones are nothing."""
    entries: list[Entry] = []
    unreadable = 0
    for line in lines:
        if not line.strip():
            continue
        try:
            entries.append(decode(line))
        except (ValueError, TypeError, RecursionError):
            unreadable += 1
    return Book(entries=merge(entries), unreadable=unreadable)


def _time(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError("a time without zone")
    return moment


def _tokens(usage: Usage) -> dict[str, int]:
    return {short: value for short, name in _USAGE.items() if (value := getattr(usage, name))}


def _share(one: ModelShare) -> dict[str, Any]:
    line = {
        "model": one.model[:_LONGEST],
        "calls": one.calls,
        "errors": one.errors,
        "cash": one.cash,
        "list": one.list_price,
        "tokens": _tokens(one.usage),
    }
    return {key: value for key, value in line.items() if value not in (0, {})}


def _batch_line(batch: BatchRecord) -> dict[str, Any]:
    texts = {name: getattr(batch, name)[:_LONGEST] for name in _BATCH_TEXTS}
    return {**texts, "items": [{"key": item.key, "worst": item.worst} for item in batch.items]}


def _batch(raw: Mapping[str, Any]) -> BatchRecord | None:
    if not raw:
        return None
    items = tuple(BatchItem(key=_text(one, "key"), worst=_money(one, "worst")) for one in _objects(raw, "items"))
    return BatchRecord(items=items, **{name: _text(raw, name) for name in _BATCH_TEXTS})


def _text(raw: Mapping[str, Any], key: str) -> str:
    value = raw.get(key, "")
    if not isinstance(value, str) or len(value) > _LONGEST:
        raise ValueError(f"{key} is no short text")
    return value


def _whole(raw: Mapping[str, Any], key: str) -> int:
    value = raw.get(key, 0)
    if type(value) is not int or not 0 <= value <= _MOST:
        raise ValueError(f"{key} is no count")
    return value


def _money(raw: Mapping[str, Any], key: str) -> NanoUsd:
    return NanoUsd(_whole(raw, key))


def _object(raw: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    value = raw.get(key)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise TypeError(f"{key} is no object")
    return value


def _objects(raw: Mapping[str, Any], key: str) -> list[Mapping[str, Any]]:
    value = raw.get(key, [])
    if not isinstance(value, list) or not all(isinstance(one, dict) for one in value):
        raise ValueError(f"{key} is no list of objects")
    return value


def _usage(raw: Mapping[str, Any]) -> Usage:
    return Usage(**{name: _whole(raw, short) for short, name in _USAGE.items()}) if raw else _NO_USAGE


_NO_USAGE: Final = Usage()
_NO_QUALITY: Final = Quality()


def _quality(raw: Mapping[str, Any]) -> Quality:
    return Quality(**{name: _whole(raw, name) for name in Quality.__slots__}) if raw else _NO_QUALITY


def _model_share(raw: Mapping[str, Any]) -> ModelShare:
    return ModelShare(
        model=_text(raw, "model"),
        calls=_whole(raw, "calls"),
        errors=_whole(raw, "errors"),
        cash=_money(raw, "cash"),
        list_price=_money(raw, "list"),
        usage=_usage(_object(raw, "tokens")),
    )


def _baseline(raw: Mapping[str, Any]) -> BaselineShare:
    return BaselineShare(
        name=_text(raw, "name"),
        measured=raw.get("measured") is True,
        list_price=_money(raw, "list"),
        work=_money(raw, "work"),
        tasks=_whole(raw, "tasks"),
    )
