r"""Making any text harmless in Logseq and in the Markdown family.

Both parsers honour a backslash before ASCII punctuation. Logseq's properties are the exception: ``key\:: value`` is
still one, ``key:\: value`` is not.
"""

import re
from typing import Final

# One pass, so that nothing is escaped twice. Of brackets only the closing ones: `\(` and `\[` would open LaTeX, which
# a later `\\)` or `\\]` of the text would close.
_SPECIAL: Final = re.compile(
    r"""[\\`*\]#$^<|{}~]
      | (?<![0-9A-Za-z])_ | _(?![0-9A-Za-z])      # emphasis, not snake_case
      | (?<=:):                                   # key:: value
      | :(?=//) | (?<=mailto):                    # bare links
      | =(?==) | (?<==)= | @(?=@) | (?<=@)@       # highlight, export snippet
      | \)(?=\)) | (?<=\))\)                      # block reference
    """,
    re.VERBOSE,
)
_COMMONMARK: Final = re.compile(r"[&>]")
_LINE_START: Final = re.compile(r"^(?:([-+>:|=])|(\d{1,9})([.)]))")
_LINE_START_LOGSEQ: Final = re.compile(r"^[-+>:|=]")
_TASK: Final = re.compile(
    r"^(?=(?:TODO|DOING|DONE|NOW|LATER|WAITING|WAIT|CANCELED|CANCELLED|STARTED|IN-PROGRESS)(?:\s|$))"
)
_SPACE: Final = re.compile(r"\s+")
_CONTROL: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\ufeff\ud800-\udfff]")
_TICKS: Final = re.compile(r"`+")


def _backslash(match: re.Match[str]) -> str:
    return "\\" + match.group()


def one_line(text: str) -> str:
    """Return *text* with control characters removed and every run of white space made one blank."""
    return _SPACE.sub(" ", _CONTROL.sub("", _SPACE.sub(" ", text))).strip()


def _flat(text: str) -> str:
    return _CONTROL.sub("", _SPACE.sub(" ", text))


def printable(text: str) -> str:
    """Return *text* with line ends made line feeds and other control characters removed; tabs stay."""
    return _CONTROL.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))


def logseq_text(text: str, *, at_start: bool) -> str:
    """Return *text* so that Logseq's parser reads exactly its characters; *at_start*: it begins a block."""
    escaped = _SPECIAL.sub(_backslash, _flat(text))
    if at_start:
        escaped = _LINE_START_LOGSEQ.sub(_backslash, escaped)
        escaped = _TASK.sub("\\\\", escaped)
    return escaped


def markdown_text(text: str, *, at_start: bool) -> str:
    """Return *text* so that CommonMark (and MyST, GFM) reads exactly its characters."""
    escaped = _COMMONMARK.sub(_backslash, _SPECIAL.sub(_backslash, _flat(text)))
    return _LINE_START.sub(_start, escaped) if at_start else escaped


def _start(match: re.Match[str]) -> str:
    if match.group(1):
        return "\\" + match.group(1)
    return f"{match.group(2)}\\{match.group(3)}"


def code_span(text: str) -> str:
    """Return *text* as a code span that both parsers read as one, whatever stands in it."""
    line = one_line(text)
    if not line:
        return ""
    longest = max((len(run) for run in _TICKS.findall(line)), default=0)
    if longest == 0:
        return f"`{line}`"
    return f"`` {line} ``" if longest == 1 else f"`{line.replace('`', chr(0x2BB))}`"


def starts_property(line: str) -> bool:
    """Whether Logseq would read *line* as ``key:: value``: no blank before the first double colon."""
    head, colons, _ = line.partition("::")
    return bool(colons) and not re.search(r"\s", head)


def safe_url(url: str) -> str:
    """Return *url* with everything percent-encoded that could end or break a link."""
    return re.sub(r"[\s()<>\[\]\\`\"{}|^$*]", lambda m: f"%{ord(m.group()[0]):02X}", url)


def fence_text(text: str) -> str:
    """Return the lines of a code sample with nothing in them that could close its fence."""
    return re.sub(
        r"(?m)^(\s*)(```+|~~~+)", lambda m: m.group(1) + "\u200b".join(m.group(2)), printable(text).expandtabs(4)
    )
