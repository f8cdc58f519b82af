"""Doc comments of the curly languages: JSDoc, Javadoc, KDoc (tags), rustdoc (headings), Go (plain words)."""

import re
from collections.abc import Iterator
from typing import Final

from tta_orchestrate.domain.symbol import Doc, DocField, Markup

_TAG: Final = re.compile(r"^\s*@([A-Za-z]+)\s?(.*)$")
_PARAM: Final = re.compile(
    r"^(?:\{(?P<type>[^{}]*(?:\{[^{}]*\}[^{}]*)*)\}\s*)?\[?(?P<name>[\w$.]+)(?:=[^\]]*)?\]?\s*-?\s*(?P<text>.*)$",
    re.DOTALL,
)
_TYPED: Final = re.compile(r"^(?:\{(?P<type>[^{}]*(?:\{[^{}]*\}[^{}]*)*)\}\s*)?(?P<text>.*)$", re.DOTALL)
_RUST_HEADING: Final = re.compile(r"^#{1,3}\s+(.+?)\s*$")


def undecorated(comment: str) -> str:
    """Return the words of a comment: markers and leading stars removed."""
    text = comment.strip()
    if text.startswith("/*"):
        text = re.sub(r"^/\*+!?", "", text)
        text = re.sub(r"\*+/$", "", text)
        return "\n".join(re.sub(r"^\s*\* ?", "", line).rstrip() for line in text.split("\n")).strip("\n")
    return "\n".join(re.sub(r"^\s*(?:///?!?|//!|#!?) ?", "", line).rstrip() for line in text.split("\n"))


def tagged(text: str, *, html: bool = False) -> Doc:
    """Return the parts of a comment with ``@tags`` (JSDoc, Javadoc, KDoc)."""
    head, tags = _split(text)
    found: dict[str, list[DocField]] = {"parameters": [], "returns": [], "raises": []}
    examples: list[str] = []
    notes: list[tuple[str, str]] = []
    deprecated = ""
    for tag, rest in tags:
        match tag:
            case "param" | "arg" | "argument" | "property" | "prop":
                found["parameters"].append(_named(rest))
            case "return" | "returns" | "yields":
                found["returns"].append(_typed(rest))
            case "throws" | "throw" | "exception":
                found["raises"].append(_thrown(rest))
            case "example" | "sample":
                examples.append(rest.strip("\n"))
            case "deprecated":
                deprecated = " ".join(rest.split()) or "yes"
            case "see" | "since" | "version" | "author" | "remarks" | "note" | "todo" | "summary" | "description":
                notes.append((tag.capitalize(), rest))
            case _:
                continue
    return Doc(
        text=head,
        markup=Markup.HTML if html else Markup.MARKDOWN,
        parameters=tuple(found["parameters"]),
        returns=tuple(found["returns"]),
        raises=tuple(found["raises"]),
        examples=tuple(_bare(example) for example in examples if example.strip()),
        notes=tuple(notes),
        deprecated=deprecated,
    )


def javadoc(text: str) -> Doc:
    """Return the parts of a Javadoc comment."""
    return tagged(
        re.sub(r"<pre>\s*(?:\{@code)?(.*?)\}?\s*</pre>", r"\n```\n\1\n```\n", text, flags=re.DOTALL), html=True
    )


def rustdoc(text: str) -> Doc:
    """Return the parts of a rustdoc comment: ``# Examples`` become examples, other headings notes."""
    sections: list[tuple[str, list[str]]] = [("", [])]
    fenced = False
    for line in text.split("\n"):
        fenced ^= line.lstrip().startswith("```")
        heading = None if fenced else _RUST_HEADING.match(line)
        if heading is not None:
            sections.append((heading.group(1), []))
        else:
            sections[-1][1].append(line)
    bodies = [(title, "\n".join(lines).strip("\n")) for title, lines in sections]
    return Doc(
        text=bodies[0][1],
        markup=Markup.MARKDOWN,
        examples=tuple(
            _bare(body) for title, body in bodies[1:] if title.lower().startswith("example") and "```" in body
        ),
        notes=tuple((t, b) for t, b in bodies[1:] if not (t.lower().startswith("example") and "```" in b)),
    )


def plain(text: str) -> Doc:
    """Return a Go comment: paragraphs, with its ``Deprecated:`` convention."""
    paragraphs = re.split(r"\n\s*\n", text)
    old = [p for p in paragraphs if p.startswith("Deprecated:")]
    kept = "\n\n".join(p for p in paragraphs if not p.startswith("Deprecated:"))
    deprecated = " ".join(old[0].removeprefix("Deprecated:").split()) if old else ""
    return Doc(text=kept, markup=Markup.MARKDOWN, deprecated=deprecated)


def _split(text: str) -> tuple[str, list[tuple[str, str]]]:
    head: list[str] = []
    tags: list[tuple[str, list[str]]] = []
    fenced = False
    for line in text.split("\n"):
        fenced ^= line.lstrip().startswith("```")
        match = None if fenced else _TAG.match(line)
        if match is not None:
            tags.append((match.group(1), [match.group(2)]))
        elif tags:
            tags[-1][1].append(line)
        else:
            head.append(line)
    return "\n".join(head).strip("\n"), [(tag, "\n".join(lines).strip()) for tag, lines in tags]


def _named(rest: str) -> DocField:
    match = _PARAM.match(rest)
    if match is None:
        return DocField(text=rest)
    return DocField(name=match.group("name"), type=match.group("type") or "", text=match.group("text"))


def _typed(rest: str) -> DocField:
    match = _TYPED.match(rest)
    return DocField(type=(match.group("type") or "") if match else "", text=match.group("text") if match else rest)


def _thrown(rest: str) -> DocField:
    field = _typed(rest)
    if field.type:
        return field
    name, _, text = rest.partition(" ")
    return DocField(type=name, text=text.strip().lstrip("- "))


def _bare(example: str) -> str:
    """Return the code of an example: the content of its fence when it has one."""
    inside = list(_fenced(example))
    return "\n\n".join(inside) if inside else example


def _fenced(text: str) -> Iterator[str]:
    for match in re.finditer(r"```[^\n]*\n(.*?)\n?```", text, re.DOTALL):
        yield match.group(1)
