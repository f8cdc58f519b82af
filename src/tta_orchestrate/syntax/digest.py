"""Digests of source text: what "unchanged" means."""

import hashlib
from collections.abc import Sequence

from tta_orchestrate.domain.symbol import Symbol


def digest(text: str | bytes) -> str:
    """Return the first 16 hex digits of the SHA-256 of *text*."""
    data = text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass")
    return hashlib.sha256(data).hexdigest()[:16]


def lines_digest(lines: Sequence[str], start: int, end: int) -> str:
    """Return the digest of lines ``start..end`` (1-based, inclusive), common indentation and trailing blanks aside."""
    own = lines[max(start - 1, 0) : end]
    margin = min((len(line) - len(line.lstrip()) for line in own if line.strip()), default=0)
    return digest("\n".join(line[margin:].rstrip() for line in own))


def own_digest(lines: Sequence[str], start: int, end: int, members: Sequence[Symbol]) -> str:
    """Return the digest of a symbol without its members: a changed method leaves its class as it was."""
    if not members:
        return lines_digest(lines, start, end)
    covered = {n for member in members for n in range(member.start_line, member.end_line + 1)}
    own = [line if number not in covered else "" for number, line in enumerate(lines, 1)]
    kept = [line for line in own[start - 1 : end] if line.strip()]
    return lines_digest(kept, 1, len(kept))
