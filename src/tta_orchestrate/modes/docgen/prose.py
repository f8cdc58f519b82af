"""Doc comments to blocks: paragraphs, lists and code are told apart; every other markup stays as the words it is.

RST, Markdown, HTML (Javadoc) and doctest are read tolerantly, because real docstrings mix them.
"""

import re
import textwrap
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from tta_orchestrate.domain.symbol import Markup
from tta_orchestrate.modes.docgen.escape import one_line, printable
from tta_orchestrate.modes.docgen.model import Block, Code, Fence, Inline, Link, Origin, Strong, Text

Resolve = Callable[[str], Inline | None]
"""From a name in the text to a link, ``None`` when it is nothing of this book."""

_BULLET: Final = re.compile(r"^(\s*)(?:[-*+•]|\d{1,3}[.)]|#\.)\s+(?=\S)")
_FENCE: Final = re.compile(r"^\s*(```+)\s*\{?([\w+-]*)[^`]*$")
_DIRECTIVE: Final = re.compile(r"^(\s*)\.\. ([\w:-]+)::\s*(.*)$")
_UNDERLINE: Final = re.compile(r"^\s*([=\-~^\"'#*+.:_])\1{2,}\s*$")
_HEADING: Final = re.compile(r"^\s{0,3}#{1,6}\s+(.+?)\s*#*$")
_TABLE: Final = re.compile(r"^\s*(\|.*\||\+[-=+]+\+|=+( +=+)+)\s*$")
_CODE_DIRECTIVES: Final = frozenset(
    {"code-block", "code", "sourcecode", "math", "parsed-literal", "doctest", "literalinclude"}
)
_SILENT_DIRECTIVES: Final = frozenset(
    {"currentmodule", "module", "py:module", "index", "highlight", "autosummary", "only"}
)

_INLINE: Final = re.compile(
    r"""(?P<role>:[A-Za-z][\w:+.-]*:`(?P<role_text>[^`]+)`)
      | ``(?P<literal>(?:[^`]|`(?!`))+?)``
      | `(?P<rst_label>[^`<]+)<(?P<rst_url>https?://[^`>\s]+)>`__?
      | `(?P<tick>[^`\n]+)`_{0,2}
      | \[(?P<md_label>[^\]\[]+)\]\((?P<md_url>https?://[^)\s]+)\)
      | \{@(?:code|link|linkplain|literal|value)\s+(?P<javadoc>[^}]+)\}
      | <code>(?P<html_code>.*?)</code>
      | (?<![\w*])\*\*(?P<strong>[^*\s](?:[^*]*[^*\s])?)\*\*(?![\w*])
      | \[(?P<bracket>[A-Za-z_][\w.:]*)\](?![\[(])
      | (?P<url>https?://[^\s<>()\[\]{}"'`*\\|^]+[^\s<>()\[\]{}"'`*\\|^.,;:!?])
    """,
    re.VERBOSE,
)
_TAG: Final = re.compile(
    r"</?(?:p|b|i|em|strong|ul|ol|li|br|a|tt|pre|h[1-6]|blockquote|dl|dt|dd)(?:\s[^>]*)?/?>", re.IGNORECASE
)


@dataclass(slots=True)
class _Part:
    """A piece of a doc comment: words (``code is None``), or a code sample."""

    text: str = ""
    code: str | None = None
    language: str = ""
    children: list["_Part"] = field(default_factory=list)


def inlines(text: str, resolve: Resolve, markup: Markup = Markup.RST) -> tuple[Inline, ...]:
    """Return *text* as inline parts: code, links and words; references to known names become links."""
    line = one_line(_TAG.sub(" ", text) if markup is Markup.HTML else text)
    found: list[Inline] = []
    position = 0
    for match in _INLINE.finditer(line):
        part = _inline(match, resolve)
        if part is None:
            continue
        if match.start() > position:
            found.append(Text(line[position : match.start()]))
        found.append(part)
        position = match.end()
    if position < len(line):
        found.append(Text(line[position:]))
    return tuple(found)


def _inline(match: re.Match[str], resolve: Resolve) -> Inline | None:
    kind = match.lastgroup or ""
    group = match.groupdict()
    if group["role"]:
        return _role(group["role_text"], resolve)
    if group["rst_url"]:
        return Link(group["rst_url"], group["rst_label"].strip())
    if group["md_url"]:
        return Link(group["md_url"], one_line(group["md_label"].replace("`", "")))
    if group["url"]:
        return Link(group["url"], group["url"])
    if group["strong"]:
        return Strong(group["strong"])
    if group["bracket"]:
        return resolve(group["bracket"])
    text = next((group[k] for k in ("literal", "tick", "javadoc", "html_code") if group[k]), "")
    return (_named(text, resolve) if text.strip() else None) if kind else None


def _role(text: str, resolve: Resolve) -> Inline:
    target = re.search(r"<([^<>]+)>$", text)
    name = (target.group(1) if target else text).lstrip("~!.")
    label = text[: target.start()].strip() if target else (name.rpartition(".")[2] if text.startswith("~") else name)
    found = resolve(name.removesuffix("()"))
    return found if found is not None else Code(label or name)


def _named(text: str, resolve: Resolve) -> Inline:
    name = text.strip().removesuffix("()").replace("#", ".").strip(".")
    found = resolve(name) if re.fullmatch(r"[A-Za-z_][\w.:]*", name) else None
    return found if found is not None else Code(text.strip())


def blocks(
    text: str,
    key: str,
    resolve: Resolve,
    *,
    markup: Markup = Markup.RST,
    fence: str = "",
    origin: Origin = Origin.DOCSTRING,
) -> tuple[Block, ...]:
    """Return the blocks of a doc comment; keys are ``<key>/<ordinal>``, *fence* is the language of bare code."""
    lines = textwrap.dedent(printable(text).expandtabs(8)).strip("\n").split("\n")
    parts = _Reader(lines, fence).parts()
    return tuple(_build(parts, key, resolve, markup, origin))


def _build(parts: Sequence[_Part], key: str, resolve: Resolve, markup: Markup, origin: Origin) -> Iterator[Block]:
    ordinal = 0
    for part in parts:
        name = f"{key}/{ordinal}"
        if part.code is not None:
            if part.code.strip():
                yield Block(key=name, fence=Fence(language=part.language, text=part.code), origin=origin)
                ordinal += 1
            continue
        body = inlines(part.text, resolve, markup)
        children = tuple(_build(part.children, name, resolve, markup, origin))
        if body or children:
            yield Block(key=name, body=body or (Text("…"),), children=children, origin=origin)
            ordinal += 1


class _Reader:
    """Line by line, by indentation."""

    def __init__(self, lines: Sequence[str], fence: str) -> None:
        self.lines = lines
        self.fence = fence
        self.at = 0

    def parts(self) -> list[_Part]:
        found: list[_Part] = []
        while self.at < len(self.lines):
            line = self.lines[self.at]
            if not line.strip() or (_UNDERLINE.match(line) and not _TABLE.match(line)):
                self.at += 1
            elif _FENCE.match(line):
                found.append(self._fenced())
            elif line.lstrip().startswith(">>>"):
                found.append(_Part(code=self._until_blank(), language="pycon"))
            elif _TABLE.match(line):
                found.append(_Part(code=self._until_blank(), language="text"))
            elif (match := _DIRECTIVE.match(line)) is not None:
                self._directive(match, found)
            elif line.lstrip().startswith(".. "):
                self._comment()
            elif _BULLET.match(line):
                found.append(self._item())
            else:
                self._paragraph(found)
        return found

    def _fenced(self) -> _Part:
        match = _FENCE.match(self.lines[self.at])
        ticks, language = (match.group(1), match.group(2)) if match else ("```", "")
        start = self.at + 1
        end = start
        while end < len(self.lines) and not self.lines[end].strip().startswith(ticks):
            end += 1
        self.at = end + 1
        return _Part(code=_dedent(self.lines[start:end]), language=language or self.fence)

    def _until_blank(self) -> str:
        start = self.at
        while self.at < len(self.lines) and self.lines[self.at].strip():
            self.at += 1
        return _dedent(self.lines[start : self.at])

    def _indented(self, margin: int) -> list[str]:
        start = self.at
        while self.at < len(self.lines):
            line = self.lines[self.at]
            if line.strip() and _margin(line) <= margin:
                break
            self.at += 1
        return list(self.lines[start : self.at])

    def _directive(self, match: re.Match[str], found: list[_Part]) -> None:
        margin, name, argument = len(match.group(1)), match.group(2), match.group(3)
        self.at += 1
        body = self._indented(margin)
        while body and re.match(r"^\s*:[\w-]+:", body[0]):
            body.pop(0)
        if name in _SILENT_DIRECTIVES:
            return
        if name in _CODE_DIRECTIVES:
            language = {"math": "latex", "doctest": "pycon", "parsed-literal": "text"}.get(name, argument or self.fence)
            text = _dedent(body) or argument
            found.append(_Part(code=text, language=re.sub(r"[^\w+-]", "", language)))
            return
        title = f"**{name.replace('-', ' ').capitalize()}** {argument}".strip()
        children = _Reader(_dedent(body).split("\n"), self.fence).parts() if body else []
        found.append(_Part(text=title, children=children))

    def _comment(self) -> None:
        margin = _margin(self.lines[self.at])
        self.at += 1
        self._indented(margin)

    def _item(self) -> _Part:
        line = self.lines[self.at]
        match = _BULLET.match(line)
        margin, width = _margin(line), match.end() if match else 2
        first = " " * width + line[width:]
        self.at += 1
        rest = self._indented(margin)
        parts = _Reader(_dedent([first, *rest]).split("\n"), self.fence).parts()
        if parts and parts[0].code is None:
            head = parts[0]
            return _Part(text=head.text, children=head.children + parts[1:])
        return _Part(text="", children=parts)

    def _paragraph(self, found: list[_Part]) -> None:
        margin = _margin(self.lines[self.at])
        words: list[str] = []
        while self.at < len(self.lines):
            line = self.lines[self.at]
            if not line.strip() or (words and self._starts_other(line, margin)):
                break
            words.append(line.strip())
            self.at += 1
        if len(words) == 1 and (heading := _HEADING.match(words[0])) is not None:
            words = [f"**{heading.group(1).replace('*', '')}**"]
        text = " ".join(words)
        part = _Part(text=text)
        found.append(part)
        if text.endswith("::"):
            self._literal(part, found, margin)
        else:
            self._nested(part, margin)

    def _literal(self, part: _Part, found: list[_Part], margin: int) -> None:
        body = self._indented(margin)
        code = _dedent(body)
        part.text = part.text[:-2].rstrip() if part.text.rstrip(":").endswith(" ") else part.text[:-1]
        if not part.text.strip(" :"):
            found.pop()
        if code.strip():
            found.append(_Part(code=code, language="pycon" if code.startswith(">>>") else self.fence))

    def _nested(self, part: _Part, margin: int) -> None:
        """Take deeper-indented lines that follow at once (a definition list, a field list) as children."""
        if self.at < len(self.lines) and self.lines[self.at].strip() and _margin(self.lines[self.at]) > margin:
            part.children += _Reader(_dedent(self._indented(margin)).split("\n"), self.fence).parts()

    def _starts_other(self, line: str, margin: int) -> bool:
        stripped = line.lstrip()
        return bool(
            _FENCE.match(line)
            or stripped.startswith((">>>", ".. "))
            or _TABLE.match(line)
            or _BULLET.match(line)
            or _UNDERLINE.match(line)
            or _margin(line) > margin
        )


def _margin(line: str) -> int:
    return len(line) - len(line.lstrip())


def _dedent(lines: Sequence[str]) -> str:
    return textwrap.dedent("\n".join(lines)).strip("\n").rstrip()
