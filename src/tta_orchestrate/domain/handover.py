"""What one review leaves for the next in a text that others may write to: one sealed, hidden, bounded line.

Whoever can write check runs could write such a line, and a line that says "this was read, and nothing was found" would
hide what is there. So it is sealed with a key made from the keys of the models: without those there is nothing to save,
and nobody who lacks them can make one. Anything else than a whole, sealed line of this very place is no line at all.
"""

import base64
import hashlib
import hmac
import json
import re
import zlib
from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from tta_orchestrate.domain.identity import HISTORY, PreviousRun, as_json, read_previous
from tta_orchestrate.domain.report import Report
from tta_orchestrate.errors import ConfigError

LIMIT: Final = 60_000
"""Characters; the field takes 65,535."""
MOST_BYTES: Final = 4_000_000
"""Of the state itself: a small line may not grow without end."""
TOO_LARGE: Final = "The state of this review does not fit here: the next one is a full review."
_LINE: Final = re.compile(r"<!-- tta-state:1:([0-9a-f]{64}):([A-Za-z0-9+/]+={0,2}) -->")
_KEPT: Final = ("basis", "read", "segments", "dropped", "silenced")


def seal_of(keys: Iterable[str]) -> bytes:
    """Return the key to seal with, made from secrets; empty when there are none."""
    known = sorted(filter(None, keys))
    return hashlib.sha256("\0".join(["tta-state", *known]).encode()).digest() if known else b""


def pack(report: Report, seal: bytes, place: str) -> str:
    """Return the line for *place* (where it is going to stand); empty when *report* leaves nothing for a next run."""
    history = report.extra.get(HISTORY)
    if not seal or not isinstance(history, dict):
        return ""
    state = {
        "schema_version": "1.0",
        "subject": {"head": report.subject.head},
        "findings": [as_json(one) for one in report.findings],
        HISTORY: {name: history[name] for name in _KEPT if name in history},
    }
    plain = json.dumps(state, ensure_ascii=True, sort_keys=True, separators=(",", ":")).encode()
    body = base64.b64encode(zlib.compress(plain, 9)).decode()
    line = f"<!-- tta-state:1:{_tag(seal, place, body)}:{body} -->"
    return line if len(line) <= LIMIT and len(plain) <= MOST_BYTES else TOO_LARGE


def unpack(text: str, seal: bytes, place: str) -> PreviousRun | None:
    """Return what :func:`pack` wrote for *place* with the same *seal*; ``None`` for everything else.

    Dismissals are not carried: who dismissed what is asked anew each time.
    """
    found = _LINE.search(text[: 2 * LIMIT])
    if not found or not seal or not hmac.compare_digest(found[1], _tag(seal, place, found[2])):
        return None
    opened = zlib.decompressobj()
    try:
        plain = opened.decompress(base64.b64decode(found[2], validate=True), MOST_BYTES)
        previous = read_previous(plain, "the state of the previous review") if opened.eof else None
    except (ValueError, zlib.error, ConfigError):
        return None
    return previous and replace(previous, dismissed=frozenset())


def _tag(seal: bytes, place: str, body: str) -> str:
    return hmac.new(seal, f"{place}\0{body}".encode(), hashlib.sha256).hexdigest()
