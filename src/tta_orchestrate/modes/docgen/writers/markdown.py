"""The Markdown family: the same blocks as headings, paragraphs, lists and fences.

Blocks that can be cited carry an anchor; merging sees one level of sections (headings) with the paragraphs in them.
MkDocs, Obsidian and Sphinx spell anchors, links and properties their own way.
"""

import posixpath
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Final

from tta_orchestrate.modes.docgen import escape
from tta_orchestrate.modes.docgen.model import (
    Block,
    BlockRef,
    Code,
    Inline,
    Link,
    Page,
    PageRef,
    Piece,
    Strong,
    Text,
)
from tta_orchestrate.modes.docgen.writers.contract import Book

_ANCHOR: Final = re.compile(r'^<a id="([0-9a-f-]{36})"></a>$', re.MULTILINE)
_FENCE: Final = re.compile(r"^\s*(?:[-*] )?(```|~~~)")
_HEADING: Final = re.compile(r"^#{1,6} ")
REVIEW: Final = "> review: needed"


class Markdown:
    """Plain GitHub-flavoured Markdown; properties are YAML front matter."""

    name = "markdown"
    anchor_pattern = _ANCHOR

    def filename(self, page: str, *, home: bool = False) -> str:
        """Return a path of folders; the home page is ``index.md``."""
        return "index.md" if home else f"{escape_path(page)}.md"

    def render(self, page: Page, book: Book) -> Piece:
        """Return the sections of *page*."""
        blocks = [b for b in page.blocks if self._shown(b)]
        sections = tuple(self._sections(blocks, page, book))
        return Piece(key="head", text=self.head(page), children=sections)

    def head(self, page: Page) -> str:
        """Return front matter and title."""
        rows = [f"{name}: {_yaml(''.join(_plain(part) for part in value))}" for name, value in page.properties]
        title = f"# {escape.markdown_text(page.title, at_start=True)}"
        return "\n".join(["---", f"title: {_yaml(page.title)}", *rows, "---", "", title])

    def _shown(self, block: Block) -> bool:
        return not block.macro and (not block.only or self.name in block.only)

    def _sections(self, blocks: Sequence[Block], page: Page, book: Book) -> Iterator[Piece]:
        for block in blocks:
            shown = [child for child in block.children if self._shown(child)]
            own = [child for child in shown if not child.heading]
            texts = [Piece(key=child.key, text=self.paragraph(child, page, book)) for child in own]
            yield Piece(key=block.key, id=block.id, text=self.heading(block, page, book), children=tuple(texts))
            yield from self._sections([child for child in shown if child.heading], page, book)

    def heading(self, block: Block, page: Page, book: Book) -> str:
        """Return anchor, heading and properties."""
        rows = [self.anchor(block.id)] if block.id else []
        rows.append(f"{'#' * max(block.heading, 2)} {self.inlines(block.body, page, book)}")
        if block.properties:
            rows += [
                "",
                " · ".join(f"*{name}: {escape.markdown_text(v, at_start=False)}*" for name, v in block.properties),
            ]
        return "\n".join(rows)

    def anchor(self, identity: str) -> str:
        """Return what makes a block citable."""
        return f'<a id="{identity}"></a>'

    def paragraph(self, block: Block, page: Page, book: Book) -> str:
        """Return a block with everything beneath it: a paragraph, or a list when there is more than one line."""
        if block.fence is not None:
            return self.fence(block.fence.language, block.fence.text)
        text = self.inlines(block.body, page, book)
        children = [child for child in block.children if self._shown(child)]
        if not children:
            return text
        items = [self._item(child, page, book) for child in children]
        return "\n\n".join(part for part in (text, "\n".join(items)) if part)

    def _item(self, block: Block, page: Page, book: Book) -> str:
        lines = self.paragraph(block, page, book).split("\n")
        return "\n".join(["- " + lines[0], *("  " + line if line else "" for line in lines[1:])])

    def fence(self, language: str, text: str) -> str:
        """Return a code sample."""
        return f"```{language}\n{escape.fence_text(text)}\n```"

    def inlines(self, body: Sequence[Inline], page: Page, book: Book) -> str:
        """Return running text."""
        return "".join(self.inline(part, page, book, at_start=n == 0) for n, part in enumerate(body)).strip()

    def inline(self, part: Inline, page: Page, book: Book, *, at_start: bool) -> str:
        """Return one inline part."""
        match part:
            case Text(text=text):
                return escape.markdown_text(text, at_start=at_start)
            case Code(text=text):
                return escape.code_span(text)
            case Strong(text=text):
                return f"**{escape.markdown_text(text.strip(), at_start=False)}**"
            case Link(url=url, label=label):
                return f"[{escape.markdown_text(escape.one_line(label), at_start=False)}]({escape.safe_url(url)})"
            case PageRef() | BlockRef():
                return self.reference(part, page, book)

    def reference(self, part: PageRef | BlockRef, page: Page, book: Book) -> str:
        """Return a link within the book; plain words when the page has no file."""
        label = escape.markdown_text(escape.one_line(_plain(part)), at_start=False)
        file = book.files.get(part.page)
        if file is None:
            return label
        here = posixpath.dirname(book.files.get(page.name, ""))
        target = posixpath.relpath(file, here or ".").replace("%", "%25").replace(" ", "%20")
        anchor = f"#{part.id}" if isinstance(part, BlockRef) else ""
        return f"[{label}]({target}{anchor})"

    def assemble(self, root: Piece) -> str:
        """Return the file: everything is parted by one blank line."""
        texts = [root.text] if root.text else []
        for section in root.children:
            texts += [section.text, *(child.text for child in section.children)]
        return "\n\n".join(text for text in texts if text) + "\n"

    def dissect(self, text: str) -> Piece:
        """Return head, sections and paragraphs of an existing file."""
        chunks = list(_chunks(text.replace("\r\n", "\n"), self.anchor_pattern))
        head = [] if chunks and _starts_section(chunks[0], self.anchor_pattern) else chunks[:1]
        sections: list[Piece] = []
        for chunk in chunks[len(head) :]:
            if _starts_section(chunk, self.anchor_pattern) or not sections:
                found = self.anchor_pattern.search(chunk)
                sections.append(Piece(text=chunk, id=found.group(1) if found else ""))
            else:
                children = (*sections[-1].children, Piece(text=chunk))
                sections[-1] = replace(sections[-1], children=children)
        return Piece(text=head[0] if head else "", children=tuple(_with_properties(s) for s in sections))

    def property_line(self, piece: Piece, name: str, value: str) -> Piece:
        """Return *piece* with a property in its line of properties."""
        entry = f"*{name}: {value.strip('[]')}*"
        rows = [row for row in piece.text.split("\n") if row]
        rows = [" · ".join(p for p in row.split(" · ") if not p.startswith(f"*{name}: ")) for row in rows]
        if rows[-1].startswith("*"):
            rows[-1:] = ["", f"{rows[-1]} · {entry}"]
        else:
            rows += ["", entry]
        return replace(piece, text="\n".join(rows))

    def head_property(self, root: Piece, name: str, value: str) -> Piece:
        """Return the page with a property in its front matter."""
        rows = [row for row in root.text.split("\n") if not row.startswith(f"{name}:")]
        at = rows.index("---", 1) if rows.count("---") > 1 else 0
        rows.insert(at, f"{name}: {_yaml(value.strip('[]'))}")
        return replace(root, text="\n".join(rows))

    def additions(self, text: str) -> tuple[str, tuple[str, ...]]:
        """Readers of Markdown add nothing of their own."""
        return text, ()

    def with_additions(self, text: str, additions: tuple[str, ...]) -> str:
        """Return *text*."""
        del additions
        return text

    def note(self, text: str) -> Piece:
        """Return a quote that asks for a review and shows the new version."""
        quoted = "\n".join(f"> {line}".rstrip() for line in self.fence("markdown", text).split("\n"))
        return Piece(text=f"{REVIEW}\n>\n{quoted}")

    def extras(self, book: Book) -> Mapping[str, str]:
        """Plain Markdown needs no other file."""
        del book
        return {}


def escape_path(page: str) -> str:
    """Return *page* as a path without characters that file systems or URLs refuse."""
    return re.sub(r'[:*?"<>|#\\%]', lambda m: f"_{ord(m.group()):02x}", page)


def _plain(part: Inline) -> str:
    match part:
        case PageRef(page=page, label=label):
            return label or page
        case Link(label=label) | BlockRef(label=label):
            return label
        case Text(text=text) | Code(text=text) | Strong(text=text):
            return text


def _yaml(value: str) -> str:
    clean = escape.one_line(value)
    return clean if re.fullmatch(r"[A-Za-z][\w ./,-]*", clean) else "'" + clean.replace("'", "''") + "'"


def _starts_section(chunk: str, anchor: re.Pattern[str]) -> bool:
    first = chunk.partition("\n")[0]
    return bool(_HEADING.match(first) or anchor.match(first)) and not first.startswith("# ")


def _chunks(text: str, anchor: re.Pattern[str]) -> Iterator[str]:
    """Yield what is parted by blank lines; fences, lists and front matter stay whole, the title joins the head."""
    lines = text.strip("\n").split("\n")
    chunk: list[str] = []
    fenced = ""
    at = 0
    if lines and lines[0] == "---" and "---" in lines[1:]:
        at = lines.index("---", 1) + 1
        if lines[at : at + 1] == [""] and lines[at + 1 : at + 2] and lines[at + 1].startswith("# "):
            at += 2
        yield "\n".join(lines[:at])
    elif lines and lines[0].startswith("# "):
        at = 1
        yield lines[0]
    for line in lines[at:]:
        mark, inside_fence = _FENCE.match(line), bool(fenced)
        if mark is not None:
            fenced = "" if fenced == mark.group(1) else fenced or mark.group(1)
        if line == "" and not inside_fence:
            if chunk:
                chunk.append("")
            continue
        blank = bool(chunk) and chunk[-1] == ""
        inside = line.startswith(("  ", "- ")) and not anchor.match(chunk[0] if chunk else "")
        opens = mark is not None and not line.startswith(" ")
        if blank and not inside_fence and (opens or not inside):
            yield "\n".join(chunk).strip("\n")
            chunk = []
        chunk.append(line)
    if chunk:
        yield "\n".join(chunk).strip("\n")


def _with_properties(section: Piece) -> Piece:
    """Give the line of properties, which stands behind a blank line, back to its heading."""
    if section.children and re.fullmatch(r"\*[\w-]+: [^*]*\*(?: · \*[\w-]+: [^*]*\*)*", section.children[0].text):
        text = f"{section.text}\n\n{section.children[0].text}"
        return replace(section, text=text, children=section.children[1:])
    return section
