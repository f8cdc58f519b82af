r"""From untrusted text to text that is safe to show: one sanitiser for every sink.

Everything that a repository, a tool or a model wrote goes through here before a terminal, a runner's log or GitHub's
Markdown sees it. Two layers:

- *visible*: each code point is either printable as it is or shown as an escape (``\u{202E}``; ``\xNN`` for a byte
  that is not UTF-8), so nothing hides, reorders or moves the cursor;
- *inert*: what a reader's software would act on is broken by a zero-width space: workflow commands (``::`` at the
  start of a line, ``##[`` anywhere: the runner's ``ActionCommand`` parsers), and on GitHub mentions, references, bare
  object names, autolinks, emoji codes and math, which GitHub finds *after* Markdown is rendered, so that an escape or
  an entity alone does not stop them.

Limits are in UTF-8 bytes of the result, hence bounds on its characters as well; nothing is cut inside an escape.
"""

import json
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields, is_dataclass
from functools import cache
from typing import Any, Final
from urllib.parse import quote

from tta_orchestrate.domain.change import Side
from tta_orchestrate.domain.report import Subject

ZERO_WIDTH_SPACE: Final = "\u200b"
ELLIPSIS: Final = "…"

_HIDDEN_CATEGORIES: Final = frozenset({"Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp"})
_BLANKS: Final = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f\u2800\u3164\uffa0")
"""Not of a hidden category, yet drawn as nothing."""
_VARIATION_SELECTORS: Final = (range(0xFE00, 0xFE10), range(0xE0100, 0xE01F0))

_EMOJI_STYLE: Final = re.compile(r"(?<=[\u203c-\u3299\U0001f000-\U0001faff])[\ufe0e\ufe0f]")
_OWN_BREAKS: Final = re.compile(rf"(?<=:){ZERO_WIDTH_SPACE}+(?=:)|(?<=#){ZERO_WIDTH_SPACE}+(?=\[)")
_COMMAND: Final = re.compile(r"^(\s*:)(?=:)|(?<=#)(?=\[)")
_REFERENCE: Final = re.compile(
    r"(?<=[@\uff20])(?=\S)|(?<=\S)(?=[@\uff20])"  # mentions, mail addresses, org/repo@sha
    r"|(?<=[#\uff03])(?=\d)"  # #1, org/repo#1
    r"|(?<=[Gg][Hh]-)(?=\d)|(?<=[A-Z]{2}-)(?=\d)"  # GH-1, and prefixes that a repository configures
    r"|(?<=:)(?=//)"  # every scheme
    r"|(?<=:)(?=[\w+-]+:)"  # emoji codes
    r"|(?<=[Ww]{3})(?=\.)"
    r"|(?<=\$)|(?=\$)"  # math
    r"|(?<=\])(?=[(\[])",  # SARIF's own link syntax
)
_OBJECT_NAME: Final = re.compile(r"(?<![0-9A-Za-z])[0-9a-f]{7,64}(?![0-9A-Za-z])", re.IGNORECASE)
_SHORTEST_OBJECT_NAME: Final = 7

_MARKDOWN: Final[Mapping[str, str]] = {
    **{mark: f"\\{mark}" for mark in "`*_{}[]()#+!~^=$"},
    "&": "&amp;",
    "<": "&lt;",
    ">": "&gt;",
    "|": "&#124;",  # entities: a backslash before these two reads differently inside a table
    "\\": "&#92;",
}
_CODE: Final = re.compile(r"(?<!`)`(?! )([^`|]+)(?<! )`(?!`)")
"""No pipe: in a table it would end the cell. The blanks are trimmed where code begins and ends."""
_LIST_START: Final = re.compile(r"^(\d{0,9})([-.])")

LANGUAGES: Final = frozenset(
    {
        *("bash", "c", "cpp", "csharp", "css", "diff", "dockerfile", "go", "html", "ini", "java", "javascript", "json"),
        *("kotlin", "php", "python", "ruby", "rust", "sql", "text", "toml", "typescript", "xml", "yaml"),
    }
)
"""What a code block may be called; GitHub draws some other names (``mermaid``, ``math``, ``geojson``)."""


@cache
def _visible_char(char: str) -> str:
    point = ord(char)
    if 0xDC80 <= point <= 0xDCFF:  # noqa: PLR2004 -- surrogateescape: one byte that is not UTF-8
        return f"\\x{point - 0xDC00:02x}"
    category = unicodedata.category(char)
    if category == "Zs":
        return " "
    if (
        category in _HIDDEN_CATEGORIES
        or char in _BLANKS
        or any(point in selectors for selectors in _VARIATION_SELECTORS)
    ):
        return f"\\u{{{point:04X}}}"
    return char


def visible(text: str) -> str:
    """Return *text* with every hidden code point written out; tabs stay, line ends do not."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(char if char == "\t" else _visible_char(char) for char in _EMOJI_STYLE.sub("", text))


def _inert(line: str) -> str:
    """Return a visible line in which neither parser of the runner finds a command."""
    return _COMMAND.sub(lambda match: (match[1] or "") + ZERO_WIDTH_SPACE, line)


def _fit(pieces: Iterable[str], limit: int) -> str:
    """Join *pieces* up to *limit* bytes; what does not fit is replaced by an ellipsis, no piece is cut."""
    kept: list[str] = []
    sizes: list[int] = []
    room = limit
    for piece in pieces:
        size = len(piece.encode())
        if size > room:
            mark = len(ELLIPSIS.encode())
            while kept and room < mark:
                room += sizes.pop()
                kept.pop()
            return "".join(kept) + (ELLIPSIS if room >= mark else "")
        kept.append(piece)
        sizes.append(size)
        room -= size
    return "".join(kept)


def _one_line(text: str, limit: int) -> str:
    """Return the visible words of *text* on one line; what can never fit is not looked at."""
    words = " ".join(_OWN_BREAKS.sub("", text[: 4 * limit + 4]).split())
    rest = ELLIPSIS if len(text) > 4 * limit + 4 else ""
    return visible(words) + rest


def plain(text: str, limit: int = 1000) -> str:
    """Return one line for a terminal, a log or an annotation's title. Idempotent."""
    return _inert(_fit(_atoms(_inert(_one_line(text, limit))), limit))


_ATOM: Final = re.compile(rf"(?:\\u\{{[0-9A-F]{{4,6}}\}}|\\x[0-9a-f]{{2}}|.){ZERO_WIDTH_SPACE}*", re.DOTALL)
"""What is never cut: an escape, and a character with the break after it."""


def _atoms(text: str) -> Iterable[str]:
    return (match[0] for match in _ATOM.finditer(text))


def log_line(text: str) -> str:
    """Return *text* as a line that a runner may read: indentation kept, nothing hidden, no command in it."""
    joined = " ".join(_OWN_BREAKS.sub("", text).splitlines())
    return _inert(visible(joined))


def log_lines(text: str, limit: int = 2000) -> list[str]:
    """Split *text* wherever some reader sees a line end; at most *limit* lines, then a count of the rest."""
    lines = text.splitlines()
    kept = [log_line(line) for line in lines[:limit]]
    return [*kept, f"{ELLIPSIS} {len(lines) - limit} more lines"] if len(lines) > limit else kept


def quiet(text: str, limit: int = 1000) -> str:
    """Return one plain line in which GitHub finds nobody to notify and nothing to link (annotations, SARIF)."""
    return _fit(_atoms(_unlinked(_inert(_one_line(text, limit)))), limit)


def _unlinked(line: str) -> str:
    line = _OBJECT_NAME.sub(_chopped, line)
    return _REFERENCE.sub(ZERO_WIDTH_SPACE, line)


def _chopped(match: re.Match[str]) -> str:
    step = _SHORTEST_OBJECT_NAME - 1
    return ZERO_WIDTH_SPACE.join(match[0][i : i + step] for i in range(0, len(match[0]), step))


def markdown(text: str, limit: int = 1000) -> str:
    """Return inline Markdown that GitHub shows as the very words of *text*, on one line; also good in a table cell.

    Code between single backticks stays code: what checks and models write is full of it.
    """
    pieces: list[str] = []
    for at, part in enumerate(_CODE.split(_inert(_one_line(text, limit)))):
        pieces += [code_span(part, limit)] if at % 2 else _escaped(part)
    return _fit(pieces, limit)


def _escaped(text: str) -> list[str]:
    line = _unlinked(text)
    start = _LIST_START.match(line)
    head = [] if start is None else [f"{start[1]}\\{start[2]}"]
    rest = line if start is None else line[start.end() :]
    return [*head, *("".join(_MARKDOWN.get(char, char) for char in atom) for atom in _atoms(rest))]


def paragraphs(text: str, limit: int = 8000) -> str:
    """Return *text* as Markdown paragraphs: blank lines part them, everything else is :func:`markdown`."""
    blocks = [block for block in re.split(r"\n[ \t\r]*\n", text[: 4 * limit]) if block.strip()]
    kept: list[str] = []
    for block in blocks:
        room = limit - sum(len(one.encode()) + 2 for one in kept)
        if room <= len(ELLIPSIS.encode()):
            break
        kept.append(markdown(block, room))
    return "\n\n".join(kept)


def _longest_run(text: str, mark: str) -> int:
    return max((len(run) for run in re.findall(f"{re.escape(mark)}+", text)), default=0)


def code_span(text: str, limit: int = 300) -> str:
    """Return an inline code span, fenced longer than any run of backticks in it."""
    inner = plain(text, limit) or " "
    fence = "`" * (_longest_run(inner, "`") + 1)
    pad = " " if inner[0] == "`" or inner[-1] == "`" else ""
    return f"{fence}{pad}{inner}{pad}{fence}"


def code_cell(text: str, limit: int = 300) -> str:
    """Return *text* as code for a table cell; as words where a pipe would end the cell."""
    return markdown(text, limit) if "|" in text else code_span(text, limit)


def code_block(text: str, language: str = "", *, max_lines: int = 60, limit: int = 4000) -> str:
    """Return a fenced code block; longer texts end in a line that says how much is missing."""
    lines = text.splitlines() or [""]
    shown: list[str] = []
    room = limit
    for line in lines[:max_lines]:
        safe = _fit(_atoms(log_line(line[: limit + 1])), max(room, len(ELLIPSIS.encode())))
        shown.append(safe)
        room -= len(safe.encode()) + 1
        if room <= 0:
            break
    if len(shown) < len(lines):
        shown.append(f"{ELLIPSIS} {len(lines) - len(shown)} more lines")
    body = "\n".join(shown)
    fence = "`" * max(3, _longest_run(body, "`") + 1)
    return f"{fence}{language if language in LANGUAGES else ''}\n{body}\n{fence}"


_SERVER: Final = re.compile(r"https://[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?(:[0-9]{1,5})?")
_REPOSITORY: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]*/[A-Za-z0-9_.-]*[A-Za-z0-9_-][A-Za-z0-9_.-]*")
_REVISION: Final = re.compile(r"[0-9a-f]{40}([0-9a-f]{24})?")


def repository_url(subject: Subject) -> str:
    """Return ``https://host/owner/name``, ``""`` when it is not known or not of that shape."""
    known = _SERVER.fullmatch(subject.server_url) and _REPOSITORY.fullmatch(subject.repository)
    return f"{subject.server_url}/{subject.repository}" if known else ""


def raw_bytes(text: str) -> bytes:
    """Return the bytes that *text* was read from; surrogates that stand for no byte are written out."""
    known = re.sub(r"[\ud800-\udc7f\udd00-\udfff]", lambda match: _visible_char(match[0]), text)
    return known.encode("utf-8", "surrogateescape")


def path_url(path: str) -> str:
    """Return *path* percent-encoded byte by byte, ``""`` for one that would leave the root of a tree."""
    if any(part in {"", ".", ".."} for part in path.split("/")):
        return ""
    return quote(raw_bytes(path), safe="/")


def place_url(subject: Subject, path: str, start: int, end: int, side: Side = Side.RIGHT) -> str:
    """Return the address of lines of a file at a fixed revision of the subject, ``""`` when there is none."""
    root, place = repository_url(subject), path_url(path)
    revision = subject.head if side is Side.RIGHT else subject.base
    if not root or not place or not _REVISION.fullmatch(revision):
        return ""
    return f"{root}/blob/{revision}/{place}#L{start}" + (f"-L{end}" if end > start else "")


def link(label: str, url: str, subject: Subject) -> str:
    """Return a link around *label* (already safe) when *url* is in the subject's repository, else the label."""
    root = repository_url(subject)
    inside = bool(root) and url.startswith(f"{root}/") and re.fullmatch(r"[A-Za-z0-9._~:/%#-]+", url) is not None
    return f"[{label}]({url})" if inside else label


_HELP: Final = re.compile(r"https://[A-Za-z0-9.-]+(/[A-Za-z0-9._~/%#?=&-]*)?")


def help_uri(url: str) -> str:
    """Return *url* when it is a plain https address, else ``""``."""
    return url if _HELP.fullmatch(url) else ""


def utf8(text: str) -> str:
    r"""Return *text* unchanged when it is valid Unicode; otherwise with ``\xNN`` for each byte that is not UTF-8."""
    return re.sub(r"[\ud800-\udfff]", lambda match: _visible_char(match[0]), text)


def json_text(value: Any) -> str:
    """Return indented ASCII JSON with a final line feed, values verbatim, safe to print where a runner reads.

    Records become objects (without the fields that ``repr`` hides), enumerations their values; only what is not UTF-8
    is replaced (:func:`utf8`).
    """
    text = json.dumps(_jsonable(value), indent=2, ensure_ascii=True, allow_nan=False)
    return text.replace("##[", "#\\u0023[") + "\n"


def _jsonable(value: Any) -> Any:
    if isinstance(value, str):
        return utf8(str(value))
    if isinstance(value, Mapping):
        return {utf8(str(key)): _jsonable(one) for key, one in value.items()}
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: _jsonable(getattr(value, field.name)) for field in fields(value) if field.repr}
    if isinstance(value, Sequence | set | frozenset) and not isinstance(value, bytes):
        return [_jsonable(one) for one in value]
    return value
