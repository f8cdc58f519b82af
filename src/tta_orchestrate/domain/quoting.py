"""Names of files between git's bytes and our text: ``surrogateescape``, and git's C-style quotes."""

import re

_QUOTED = re.compile(rb'"([^"\\]*(?:\\.[^"\\]*)*)"', re.DOTALL)
_ESCAPE = re.compile(rb"\\([0-3][0-7]{2}|.)", re.DOTALL)
_SPECIAL = re.compile(rb'[\x00-\x1f\x7f-\xff"\\]')
_LETTERS = {
    b"a": b"\a",
    b"b": b"\b",
    b"t": b"\t",
    b"n": b"\n",
    b"v": b"\v",
    b"f": b"\f",
    b"r": b"\r",
    b'"': b'"',
    b"\\": b"\\",
}
_NAMES = {value: b"\\" + key for key, value in _LETTERS.items()}


def decode(raw: bytes) -> str:
    """Decode text of git; every byte that is not UTF-8 survives a round trip."""
    return raw.decode("utf-8", "surrogateescape")


def encode(text: str) -> bytes:
    """Undo ``decode``."""
    return text.encode("utf-8", "surrogateescape")


def unquote(raw: bytes) -> tuple[bytes, bytes]:
    """Read a C-quoted name at the start of *raw*; returns the name and what follows. Raises ``ValueError``."""
    match = _QUOTED.match(raw)
    if match is None:
        raise ValueError("the quotes do not close")
    return _ESCAPE.sub(_unescape, match[1]), raw[match.end() :]


def _unescape(match: re.Match[bytes]) -> bytes:
    code = match[1]
    if len(code) > 1:
        return bytes([int(code, 8)])
    if code not in _LETTERS:
        raise ValueError("an unknown escape")
    return _LETTERS[code]


def quote(name: str) -> bytes:
    """Write a name as git does with ``core.quotePath``: in quotes only where it must be."""
    raw = encode(name)
    if not _SPECIAL.search(raw):
        return raw
    return b'"' + _SPECIAL.sub(lambda match: _NAMES.get(match[0]) or b"\\%03o" % match[0][0], raw) + b'"'
