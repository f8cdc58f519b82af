"""How Logseq's parser reads a page: properties, outline, references. Pure Python, equal to ``mldoc`` on a corpus.

Only what decides about structure is read: emphasis, links to the outside and other ornaments are passed over.
"""

import re
from dataclasses import dataclass, field
from typing import Final

_BULLET: Final = re.compile(r"^([\t ]*)-(?:[ \t]+(.*)|\s*)$")
_HEADING: Final = re.compile(r"^([\t ]*)(#{1,6})[ \t]+(.*)$")
_SIZE: Final = re.compile(r"^(#{1,6})(?:[ \t]+(.*)|\s*)$")
_FENCE: Final = re.compile(r"^\s*(```|~~~)(.*)$")
_PROPERTY: Final = re.compile(r"^[\t ]*([^\s:]+(?::[^\s:]+)*)::(?:[ \t]+(.*)|[ \t]*)$")
_MARKER: Final = re.compile(r"^(TODO|DOING|DONE|NOW|LATER|WAITING|WAIT|CANCELED|CANCELLED|STARTED|IN-PROGRESS)(?=\s|$)")
_PRIORITY: Final = re.compile(r"^\[#([A-Z])\]")
_TAG: Final = re.compile(r"[^\s#]+")
_BEFORE_TAG: Final = frozenset("\"',;[#|!?")
_LINK: Final = re.compile(
    r"\]\(((?:\[\[[^\]\n]*\]\])|(?:\(\([^)\n]*\)\))|(?:[^()\s]|\([^()\s]*\))*)(?:\s\"[^\"]*\")?\)"
)
_FRONT: Final = re.compile(r"^---[ \t]*$")


@dataclass(slots=True)
class Reading:
    """One block; ``level`` counts from 1, ``size`` is 0 for blocks that are no headings."""

    line: int
    level: int = 1
    size: int = 0
    bullet: bool = True
    title: str = ""
    marker: str = ""
    priority: str = ""
    properties: list[tuple[str, str]] = field(default_factory=list)
    late_properties: list[tuple[str, str]] = field(default_factory=list)
    """Property groups that stand after other text."""
    text: list[str] = field(default_factory=list)
    fences: int = 0
    unclosed: bool = False
    long_fence: bool = False
    table: bool = False

    def lines(self) -> list[str]:
        """Return title and text, without properties and code."""
        return [self.title, *self.text]


@dataclass(slots=True)
class PageReading:
    """A page: its properties, what stands before the first block, the blocks."""

    properties: list[tuple[str, str]] = field(default_factory=list)
    front_matter: bool = False
    loose: list[str] = field(default_factory=list)
    blocks: list[Reading] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class References:
    """What a piece of text refers to."""

    pages: tuple[str, ...] = ()
    blocks: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    macros: tuple[str, ...] = ()


def read_page(text: str) -> PageReading:
    """Read a whole page."""
    return _Parser(text.replace("\r\n", "\n")).page()


class _Parser:
    def __init__(self, text: str) -> None:
        self.lines = text.split("\n")
        self.at = 0
        self.reading = PageReading()

    def page(self) -> PageReading:
        while self.at < len(self.lines) and not self.lines[self.at].strip():
            self.at += 1
        self._front_matter()
        if self.at < len(self.lines) and _PROPERTY.match(self.lines[self.at]):
            self.reading.properties += self._properties()
        while self.at < len(self.lines):
            self._line()
        return self.reading

    def _front_matter(self) -> None:
        if self.at < len(self.lines) and _FRONT.match(self.lines[self.at]):
            end = next((n for n in range(self.at + 1, len(self.lines)) if _FRONT.match(self.lines[n])), None)
            if end is not None:
                self.reading.front_matter = True
                rows = (line.partition(":") for line in self.lines[self.at + 1 : end] if ":" in line)
                self.reading.properties += [(name.strip(), value.strip()) for name, _, value in rows]
                self.at = end + 1

    def _line(self) -> None:
        line = self.lines[self.at]
        if (bullet := _BULLET.match(line)) is not None:
            self._bullet(len(bullet.group(1)), bullet.group(2) or "")
        elif (heading := _HEADING.match(line)) is not None:
            block = Reading(line=self.at + 1, size=len(heading.group(2)), bullet=False, title=heading.group(3))
            self.reading.blocks.append(block)
            self.at += 1
        elif _FENCE.match(line):
            self._fence()
        elif _PROPERTY.match(line) and self.reading.blocks:
            block = self.reading.blocks[-1]
            target = block.late_properties if block.text or block.fences or block.properties else block.properties
            target += self._properties()
        else:
            if line.strip():
                (self.reading.blocks[-1].text if self.reading.blocks else self.reading.loose).append(line.strip())
            elif self.reading.blocks:
                self.reading.blocks[-1].text.append("")
            self.at += 1

    def _bullet(self, indent: int, rest: str) -> None:
        block = Reading(line=self.at + 1, level=indent + 1)
        self.reading.blocks.append(block)
        if (size := _SIZE.match(rest)) is not None:
            block.size, rest = len(size.group(1)), size.group(2) or ""
        if _FENCE.match(rest):
            self._fence()
            return
        if _PROPERTY.match(rest):
            self.lines[self.at] = rest
            block.properties += self._properties()
            return
        if (marker := _MARKER.match(rest)) is not None:
            block.marker, rest = marker.group(1), rest[marker.end() :].lstrip()
        if (priority := _PRIORITY.match(rest)) is not None:
            block.priority, rest = priority.group(1), rest[priority.end() :].lstrip()
        block.title = rest
        self.at += 1

    def _properties(self) -> list[tuple[str, str]]:
        found: list[tuple[str, str]] = []
        while self.at < len(self.lines) and (match := _PROPERTY.match(self.lines[self.at])) is not None:
            found.append((match.group(1), (match.group(2) or "").strip()))
            self.at += 1
        return found

    def _fence(self) -> None:
        opened = re.search(r"```|~~~", self.lines[self.at])
        mark = opened.group() if opened else "```"
        end = next((n for n in range(self.at + 1, len(self.lines)) if self.lines[n].strip().startswith(mark)), None)
        block = self.reading.blocks[-1] if self.reading.blocks else None
        if end is None:
            if block is not None:
                block.unclosed = True
                block.text.append(self.lines[self.at].strip())
            self.at += 1
            return
        if block is not None:
            block.fences += 1
            block.long_fence = block.long_fence or mark + mark[0] in self.lines[self.at]
        self.at = end + 1


def references(text: str) -> References:
    """Return what *text* (without code fences) refers to."""
    scanner = _Scanner(text)
    scanner.run()
    return References(tuple(scanner.pages), tuple(scanner.blocks), tuple(scanner.tags), tuple(scanner.macros))


class _Scanner:
    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.quiet = 0
        """Up to where tags do not count."""
        self.pages: list[str] = []
        self.blocks: list[str] = []
        self.tags: list[str] = []
        self.macros: list[str] = []

    def run(self) -> None:
        while self.at < len(self.text):
            char = self.text[self.at]
            step = _STEPS.get(char)
            self.at += step(self) if step is not None else 1

    def escaped(self) -> int:
        return 2

    def code(self) -> int:
        ticks = "``" if self.text.startswith("``", self.at) else "`"
        end = self.text.find(ticks, self.at + len(ticks))
        return end + len(ticks) - self.at if end > self.at + len(ticks) - 1 and end != -1 else len(ticks)

    def bracket(self) -> int:
        if self.text.startswith("[[", self.at):
            end = self.text.find("]]", self.at + 2)
            if end > self.at + 2 and "\n" not in self.text[self.at : end]:
                self.pages.append(self.text[self.at + 2 : end])
                return end + 2 - self.at
        close = _closing(self.text, self.at)
        link = _LINK.match(self.text, close) if close else None
        if link is None:
            return 1
        url = link.group(1)
        if url.startswith("[[") and url.endswith("]]"):
            self.pages.append(url[2:-2])
        elif url.startswith("((") and url.endswith("))"):
            self.blocks.append(url[2:-2])
        return link.end() - self.at

    def parenthesis(self) -> int:
        end = self.text.find("))", self.at + 2) if self.text.startswith("((", self.at) else -1
        if end > self.at + 2 and not re.search(r"[\s()]", self.text[self.at + 2 : end]):
            self.blocks.append(self.text[self.at + 2 : end])
            return end + 2 - self.at
        return 1

    def brace(self) -> int:
        end = self.text.find("}}", self.at + 2) if self.text.startswith("{{", self.at) else -1
        if end > self.at + 2 and "\n" not in self.text[self.at : end]:
            self.macros.append(self.text[self.at + 2 : end])
            return end + 2 - self.at
        return 1

    def hash(self) -> int:
        before = self.text[self.at - 1] if self.at else " "
        if (not before.isspace() and before not in _BEFORE_TAG) or self.at < self.quiet:
            return 1
        if self.text.startswith("#[[", self.at):
            end = self.text.find("]]", self.at)
            if end != -1:
                self.tags.append(self.text[self.at + 3 : end])
                return end + 2 - self.at
        match = _TAG.match(self.text, self.at + 1)
        name = match.group().rstrip(".,:;!?'\"") if match else ""
        if name:
            self.tags.append(name)
        return max(len(name) + 1, 1)

    def emphasis(self) -> int:
        """Emphasised words hold links, but no tags."""
        char = self.text[self.at]
        mark = char * 2 if self.text.startswith(char * 2, self.at) else char
        inside = self.at + len(mark)
        after_word = char == "_" and self.at > 0 and self.text[self.at - 1].isalnum()
        if (len(mark) == 1 and char in "~=^") or after_word or not self.text[inside : inside + 1].strip():
            return len(mark)
        end = self.text.find(mark, inside)
        if end > inside and "\n" not in self.text[inside:end] and self.at >= self.quiet:
            self.quiet = end
        return len(mark)

    def latex(self) -> int:
        """What stands between dollars is no text."""
        mark = "$$" if self.text.startswith("$$", self.at) else "$"
        inside = self.at + len(mark)
        end = self.text.find(mark, inside)
        body = self.text[inside:end]
        if end == -1 or not body or "\n" in body or (mark == "$" and (body[0].isspace() or body[-1].isspace())):
            return len(mark)
        return end + len(mark) - self.at


_STEPS: Final = {
    "\\": _Scanner.escaped,
    "`": _Scanner.code,
    "[": _Scanner.bracket,
    "(": _Scanner.parenthesis,
    "{": _Scanner.brace,
    "#": _Scanner.hash,
    "$": _Scanner.latex,
    **dict.fromkeys("*_~=^", _Scanner.emphasis),
}


def _closing(text: str, start: int) -> int | None:
    """Return where the ``]`` of a link label stands, escapes and code skipped."""
    depth, at = 0, start
    while at < len(text) and text[at] != "\n":
        char = text[at]
        if char == "\\":
            at += 1
        elif char == "[":
            depth += 1
        elif char == "]":
            depth -= 1
            if depth == 0:
                return at
        at += 1
    return None
