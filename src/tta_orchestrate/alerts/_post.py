"""One JSON POST to an address that is itself a secret: no redirects, no echo of address or answer."""

import json
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlsplit

SECONDS: Final = 5.0
TRIES: Final = 2
_LOCAL: Final = frozenset({"127.0.0.1", "::1", "localhost"})
_AGAIN: Final = frozenset({429, 500, 502, 503, 504})


def body(document: Mapping[str, Any]) -> bytes:
    """Return *document* as compact JSON."""
    return json.dumps(document, separators=(",", ":"), ensure_ascii=True).encode()


def post(url: str, content: bytes, headers: Mapping[str, str] | None = None) -> None:
    """Send *content*. Raises ``OSError`` without the address in its words."""
    import httpx2

    host = checked(url)
    named = {"content-type": "application/json", "user-agent": "tta-orchestrate", **(headers or {})}
    status = 0
    with httpx2.Client(timeout=SECONDS, follow_redirects=False) as client:
        for _ in range(TRIES):
            try:
                status = client.post(url, content=content, headers=named).status_code
            except httpx2.HTTPError as error:
                raise OSError(f"{host}: {type(error).__name__}") from None
            if status not in _AGAIN:
                break
    if not 200 <= status < 300:  # noqa: PLR2004 -- success
        raise OSError(f"{host} answered {status}")


def checked(url: str) -> str:
    """Return the host of *url*. Raises ``ValueError`` for addresses that are not https (http: this machine alone)."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    if not host or parts.scheme not in {"https", "http"} or (parts.scheme == "http" and host not in _LOCAL):
        raise ValueError("the address is missing, or not https")
    return host
