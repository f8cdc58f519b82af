"""Digests of source text: what "unchanged" means."""

import hashlib
from collections.abc import Sequence


def digest(text: str | bytes) -> str:
    """Return the first 16 hex digits of the SHA-256 of *text*."""
    data = text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass")
    return hashlib.sha256(data).hexdigest()[:16]


def lines_digest(lines: Sequence[str], start: int, end: int) -> str:
    """Return the digest of lines ``start..end`` (1-based, inclusive), common indentation and trailing blanks aside."""
    own = lines[max(start - 1, 0) : end]
    margin = min((len(line) - len(line.lstrip()) for line in own if line.strip()), default=0)
    return digest("\n".join(line[margin:].rstrip() for line in own))
