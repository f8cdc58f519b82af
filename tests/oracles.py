"""Judges that are not the code under test: a CommonMark parser, and the runner's two command parsers by their rules."""

import re
from html.parser import HTMLParser

from markdown_it import MarkdownIt

DOTNET_WHITE_SPACE = "\t\n\v\f\r \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000"
"""What .NET's ``TrimStart()`` takes away."""

GFM = MarkdownIt("commonmark").enable(["table", "strikethrough"])


def runner_commands(log: str) -> list[str]:
    """Return the lines that actions/runner would obey: ``::cmd::`` at a line's start, ``##[cmd]`` anywhere in it."""
    found = []
    for line in re.split(r"\r\n|[\n\r\v\f\x85\u2028\u2029]", log):
        trimmed = line.lstrip(DOTNET_WHITE_SPACE)
        second = trimmed.startswith("::") and trimmed.find("::", 2) > 2
        first = line.find("##[")
        if second or (first >= 0 and line.find("]", first) >= 0):
            found.append(line)
    return found


def inline_tokens(markdown: str):
    """Return all leaf tokens of *markdown*, each with the type of the block that holds it."""
    for token in GFM.parse(markdown):
        yield from ((token.type, child) for child in (token.children or [token]))


def shown(markdown: str) -> str:
    """Return the words that a reader sees, inline code included, breaks as blanks."""
    parts = []
    for _, token in inline_tokens(markdown):
        if token.type in {"text", "code_inline", "fence", "code_block", "html_inline", "html_block"}:
            parts.append(token.content)
        elif token.type in {"softbreak", "hardbreak"}:
            parts.append(" ")
    return "".join(parts)


class _Tags(HTMLParser):
    def __init__(self):
        super().__init__()
        self.tags, self.open, self.stray, self.text = [], [], [], []

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in {"br", "hr", "img", "input"}:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        if self.open and self.open[-1] == tag:
            self.open.pop()
        else:
            self.stray.append(tag)

    def handle_data(self, data):
        if not {"code", "pre"} & set(self.open):
            self.text.append(data)


def page(markdown: str) -> _Tags:
    """Return tags, unbalanced tags and the text outside code of the page that *markdown* becomes."""
    tags = _Tags()
    tags.feed(GFM.render(markdown))
    tags.close()
    return tags


GITHUB_ACTS_ON = {
    "mention": re.compile(r"(?<![A-Za-z0-9_/])[@\uff20][A-Za-z0-9]"),
    "mail": re.compile(r"[\w.+-]+@[\w-]+\.\w"),
    "reference": re.compile(r"#\d|\bGH-\d", re.IGNORECASE),
    "object name": re.compile(r"(?<![0-9A-Za-z])[0-9a-f]{7,40}(?![0-9A-Za-z])"),
    "autolink": re.compile(r"\w://|www\.\w", re.IGNORECASE),
    "emoji": re.compile(r":[a-z0-9_+-]+:"),
    "math": re.compile(r"\$[^\s\u200b]"),
}
"""What GitHub looks for in the text of a page after Markdown is rendered, code left out."""


def github_acts_on(text: str) -> dict[str, str]:
    """Return what GitHub would turn into something else in *text*, by kind."""
    matches = ((kind, pattern.search(text)) for kind, pattern in GITHUB_ACTS_ON.items())
    return {kind: match[0] for kind, match in matches if match}
