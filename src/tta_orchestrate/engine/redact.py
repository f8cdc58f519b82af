"""Nothing secret in any log, error, journal or report: held secrets in every form they could take, and vendor patterns.

A held secret is one this process was given (a key, a token); it is found verbatim, base64 at each of the three offsets,
hex, URL-encoded, reversed, and JSON-escaped. Idempotent: what replaces a secret contains none.
"""

import base64
import json
import re
from collections.abc import Iterable
from typing import Any, Final
from urllib.parse import quote

from tta_orchestrate.domain.redaction import MASK
from tta_orchestrate.domain.secrets import mask_secrets

_SHORTEST: Final = 8
"""Shorter values are words, not secrets: masking them would shred the text."""


class Redactor:
    """Knows the secrets of this process; ``text`` and ``json`` return copies without them."""

    def __init__(self, held: Iterable[str] = ()) -> None:
        forms = {form for secret in held if len(secret) >= _SHORTEST for form in _forms(secret)}
        ordered = sorted(forms, key=lambda form: (-len(form), form))
        self._held = re.compile("|".join(map(re.escape, ordered))) if ordered else None

    def held(self, text: str) -> str:
        """Return *text* without the held secrets; vendor patterns are left (they may be the subject of a finding)."""
        return self._held.sub(MASK, text) if self._held else text

    def text(self, text: str) -> str:
        """Return *text* without held secrets and without anything that looks like a vendor's key."""
        return mask_secrets(self.held(text))

    def json(self, value: Any) -> Any:
        """Return a copy of a JSON value with the held secrets gone from every string, keys included."""
        if isinstance(value, str):
            return self.held(value)
        if isinstance(value, list):
            return [self.json(item) for item in value]
        if isinstance(value, dict):
            return {self.held(str(key)): self.json(item) for key, item in value.items()}
        return value


def _forms(secret: str) -> Iterable[str]:
    raw = secret.encode()
    yield from (secret, secret[::-1], raw.hex(), raw.hex().upper(), quote(secret, safe=""), json.dumps(secret)[1:-1])
    for offset in range(3):
        # Only the characters that do not depend on the neighbours: whatever stands before and after the secret.
        encoded = base64.b64encode(b"\0" * offset + raw).decode()
        stable = encoded[-(-offset * 8 // 6) : (offset + len(raw)) * 8 // 6]
        if len(stable) >= _SHORTEST:
            yield from (stable, stable.replace("+", "-").replace("/", "_"))
