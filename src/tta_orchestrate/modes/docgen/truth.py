"""The truth gate: every name, parameter, type, exception, default, link and sample in a text must fit the code.

Exact matches against what was read from the sources; a model's opinion of its own text plays no part. The same gate
measures human docs in the benchmark.
"""

import ast
import builtins
import keyword
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from tta_orchestrate.domain.symbol import Module, Parameter, Symbol
from tta_orchestrate.modes.docgen.index import Index
from tta_orchestrate.ports.language import Language

_WORD: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_FENCE: Final = re.compile(r"^[ \t]*```([\w+-]*)[^\n]*\n(.*?)^[ \t]*```[ \t]*$", re.MULTILINE | re.DOTALL)
_OPEN_FENCE: Final = re.compile(r"^[ \t]*```", re.MULTILINE)
_CODE: Final = re.compile(r"``([^`\n]+)``|`([^`\n]+)`")
_URL: Final = re.compile(r"\b(?:https?|ftp|file|mailto):[^\s<>()\[\]\"'`]+|\bwww\.[^\s<>()\[\]\"'`]+")
_WIKI: Final = re.compile(r"\[\[[^\]\n]*\]\]|\(\([0-9a-f-]{36}\)\)|\]\((?!https?:)[^)]*\)")
_CODELIKE: Final = re.compile(
    r"(?<![\w/.@-])(?:[A-Za-z_]\w*\(\)|[a-z]\w*_\w+|_\w+|[A-Z][a-z0-9]+(?:[A-Z][a-z0-9]*)+|[A-Z]\w*(?:Error|Exception|Warning)"
    r"|[A-Za-z_]\w*\.[a-z_]\w*(?:\.\w+)*\(\))(?![\w/@-])"
)
_PARAMETER: Final = re.compile(
    r"(?:\b(?:parameters?|arguments?|args?|kwargs?|options?|keywords?|flags?)\s+(?:called\s+|named\s+)?`{1,2}(\w+)`{1,2})"
    r"|(?:`{1,2}\*{0,2}(\w+)`{1,2}\s+(?:parameter|argument|keyword)s?\b)"
    r"|(?::param(?:eter)?\s+(?:[\w\[\], |.]+\s+)?\*{0,2}(\w+):)"
    r"|(?:^[ \t]*[-*]\s+`\*{0,2}(\w+)(?::[^`]*)?`\s*(?:\([^)]*\))?\s*(?::|\u2013|\u2014|-)\s)",
    re.MULTILINE | re.IGNORECASE,
)
_TYPED: Final = re.compile(r"`(\w+)`\s*\(`?([A-Za-z_][\w.\[\], |]*?)`?\)|`(\w+):\s*([^`=]+?)(?:\s*=\s*[^`]*)?`")
_RAISES: Final = re.compile(
    r"(?:\b(?:raises?|raising|throws?|throwing)\s+(?:an?\s+|the\s+)?`{0,2}([A-Z][\w.]*)`{0,2})|(?::raises?\s+([\w.]+):)",
    re.IGNORECASE,
)
_DEFAULT: Final = re.compile(
    r"\b(?:defaults?\s+(?:to|is|of|value(?:\s+is|\s+of)?)|default\s*[:=]|by\s+default)\s*(?:`{1,2}([^`\n]+)`{1,2}|"
    r"(-?\d+(?:\.\d+)?|True|False|None|true|false|null|'[^'\n]*'|\"[^\"\n]*\"))",
    re.IGNORECASE,
)
_RETURNS: Final = re.compile(r"\breturns?:?\s+(?:an?\s+|the\s+)?(?:new\s+)?`([A-Za-z_][\w.\[\], |]*)`", re.IGNORECASE)
_BASICS: Final = frozenset(
    {"int", "str", "float", "bool", "bytes", "list", "dict", "set", "tuple", "None", "object", "complex"}
)
_ALWAYS: Final = frozenset(
    {*dir(builtins), *keyword.kwlist, *keyword.softkwlist, *sys.stdlib_module_names, "self", "cls", "args", "kwargs"}
    | {"string", "number", "boolean", "undefined", "null", "void", "true", "false", "any", "unknown", "never", "this"}
    | {
        "GitHub",
        "JavaScript",
        "TypeScript",
        "PostgreSQL",
        "MySQL",
        "SQLite",
        "OAuth",
        "JSON",
        "YAML",
        "README",
        "CamelCase",
    }
)


class Claim(StrEnum):
    """What kind of statement does not fit."""

    NAME = "name"
    PARAMETER = "parameter"
    TYPE = "type"
    RAISES = "raises"
    DEFAULT = "default"
    RETURNS = "returns"
    LINK = "link"
    SAMPLE = "sample"


@dataclass(frozen=True, slots=True)
class Lie:
    """A statement that does not fit the code."""

    claim: Claim
    quote: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """What is known to be true about one symbol (``None``: its module)."""

    module: Module
    symbol: Symbol | None
    source: str
    language: Language
    known: frozenset[str]
    """Every name of the symbol table, segment by segment."""
    raised: frozenset[str]
    """What the symbol and its callees, one hop away, raise or are documented to raise."""


def ground(module: Module, symbol: Symbol | None, text: str, language: Language, index: Index) -> Ground:
    """Collect what is true; *text* is the whole source file."""
    lines = text.split("\n")
    source = "\n".join(lines[symbol.start_line - 1 : symbol.end_line]) if symbol else text
    names = {*_WORD.findall(source), *_table(index), *_WORD.findall(" ".join(module.imports))}
    names.update(re.findall(r"\.(\w+)", text))
    names.update(word for other in module.walk() for word in _WORD.findall(f"{other.path} {other.signature}"))
    return Ground(
        module=module,
        symbol=symbol,
        source=source,
        language=language,
        known=frozenset(names) | _ALWAYS,
        raised=frozenset(_raised(module, symbol, source)),
    )


def _table(index: Index) -> frozenset[str]:
    if index.names is None:
        found = {word for key in index.facts for word in key.split("/")}
        found |= {word for facts in index.facts.values() for path in facts.symbols for word in path.split(".")}
        index.names = frozenset(found)
    return index.names


def _raised(module: Module, symbol: Symbol | None, source: str) -> Iterator[str]:
    symbols = {s.path: s for s in module.walk()}
    reachable = [symbol] if symbol is not None else list(symbols.values())
    paths = (t.removeprefix(f"{module.key}/").replace("/", ".") for found in reachable for t in found.calls)
    callees = [symbols[path] for path in list(paths) if path in symbols]
    for member in (member for found in [*reachable, *callees] for member in found.walk()):
        yield from (name.rpartition(".")[2] for name in member.raises)
        if member.doc:
            yield from ((f.type or f.name).rpartition(".")[2] for f in member.doc.raises)
    yield from re.findall(r"\braise\s+(?:\w+\.)*(\w+)", source)
    yield from re.findall(r"\bthrow\s+(?:new\s+)?(\w+)", source)


def lies(text: str, truth: Ground) -> tuple[Lie, ...]:
    """Return what in *text* does not fit, in no particular order, without repetitions."""
    prose = _FENCE.sub("\n", text)
    found = [*_samples(text, prose, truth), *_links(prose, truth)]
    prose = _URL.sub(" ", prose)
    found += _names(prose, truth)
    if truth.symbol is not None:
        found += [*_parameters(prose, truth.symbol), *_types(prose, truth.symbol), *_defaults(prose, truth.symbol)]
        found += _returns(prose, truth.symbol, truth.known)
    found += _exceptions(prose, truth)
    return tuple(dict.fromkeys(found))


def _samples(text: str, prose: str, truth: Ground) -> Iterator[Lie]:
    if _OPEN_FENCE.search(prose):
        yield Lie(Claim.SAMPLE, "```", "a code fence is never closed")
    for language, code in _FENCE.findall(text):
        if language.lower() in {"", truth.language.fence, truth.language.name, "py", "ts", "js", "pycon"}:
            if not truth.language.parses(code):
                yield Lie(Claim.SAMPLE, code[:60], "the sample does not parse")
            elif truth.language.name == "python":
                yield from _calls(code, truth)


def _calls(code: str, truth: Ground) -> Iterator[Lie]:
    """Check keywords that a Python sample gives to the symbol it is about."""
    source = "\n".join(l.strip()[4:] for l in code.splitlines() if l.strip().startswith((">>>", "..."))) or code  # noqa: E741
    symbol = truth.symbol
    if symbol is None or any(p.written == "**" for p in symbol.parameters):
        return
    names = {p.name for p in symbol.parameters}
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError):
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and _last(node.func) == symbol.name:
            for word in node.keywords:
                if word.arg and word.arg not in names:
                    yield Lie(Claim.PARAMETER, word.arg, f"{symbol.name} has no parameter {word.arg!r}")


def _last(node: ast.expr) -> str:
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def _links(prose: str, truth: Ground) -> Iterator[Lie]:
    for match in _URL.finditer(prose):
        if match.group().rstrip(".,;:") not in truth.source:
            yield Lie(Claim.LINK, match.group(), "this address does not stand in the source")
    for match in _WIKI.finditer(prose):
        yield Lie(Claim.LINK, match.group(), "write names in backticks; links are made from them")


def _names(prose: str, truth: Ground) -> Iterator[Lie]:
    for match in _CODE.finditer(prose):
        code = match.group(1) or match.group(2)
        outside = re.sub(r"'[^']*'|\"[^\"]*\"", " ", code)
        for word in _WORD.findall(outside):
            if word not in truth.known and not _plain_word(word, code):
                yield Lie(Claim.NAME, code, f"there is no {word!r}")
                break
    for match in _CODELIKE.finditer(_CODE.sub(" ", prose)):
        for word in _WORD.findall(match.group()):
            if word not in truth.known:
                yield Lie(Claim.NAME, match.group(), f"there is no {word!r}")
                break


def _plain_word(word: str, code: str) -> bool:
    """Whether a code span is a phrase or a flag rather than a name: only names can be wrong."""
    return code.startswith("-") or (" " in code.strip() and word.isalpha() and word.islower() and "(" not in code)


def _parameters(prose: str, symbol: Symbol) -> Iterator[Lie]:
    names = {p.name for p in symbol.parameters} | {p.name for m in symbol.members for p in m.parameters}
    names |= {m.name for m in symbol.members}
    if any(p.written == "**" for p in symbol.parameters):
        return
    for match in _PARAMETER.finditer(prose):
        name = next(group for group in match.groups() if group)
        if name not in names:
            yield Lie(Claim.PARAMETER, match.group().strip(), f"{symbol.name} has no parameter {name!r}")


def _types(prose: str, symbol: Symbol) -> Iterator[Lie]:
    declared = {p.name: p for p in symbol.parameters}
    for match in _TYPED.finditer(prose):
        name, said = (match.group(1), match.group(2)) if match.group(1) else (match.group(3), match.group(4))
        parameter = declared.get(name)
        if parameter is not None and parameter.type and not _same_type(said, parameter):
            yield Lie(Claim.TYPE, match.group(), f"the type of {name!r} is {parameter.type!r}")


def _same_type(said: str, parameter: Parameter) -> bool:
    words = [word for word in _WORD.findall(said) if word not in {"optional", "or", "default", "of", "defaults", "to"}]
    declared = set(_WORD.findall(parameter.type))
    if not words or not any(w in _BASICS or w[:1].isupper() or w in declared for w in words):
        return True
    return all(word in declared or (word == "None" and parameter.default == "None") for word in words)


def _defaults(prose: str, symbol: Symbol) -> Iterator[Lie]:
    values = {p.name: _value(p.default) for p in symbol.parameters if p.default}
    if not symbol.parameters:
        return
    for match in _DEFAULT.finditer(prose):
        said = _value(match.group(1) or match.group(2))
        head = prose[: match.start()]
        sentence = head[max(head.rfind("\n"), head.rfind(". ")) + 1 :]
        named = [word for word in _WORD.findall(sentence) if word in values]
        allowed = {values[named[-1]]} if named else set(values.values())
        if said not in allowed and not (_WORD.fullmatch(said) and said not in {"None", "True", "False"}):
            yield Lie(Claim.DEFAULT, match.group(), f"the default is {' or '.join(sorted(allowed)) or 'not set'}")


def _value(text: str) -> str:
    clean = text.strip().rstrip(".")
    lowered = {"true": "True", "false": "False", "null": "None"}.get(clean, clean)
    return lowered.replace('"', "'")


def _returns(prose: str, symbol: Symbol, known: frozenset[str]) -> Iterator[Lie]:
    declared = set(_WORD.findall(symbol.returns))
    if not declared or declared & {"Any", "Self", "T", "object"}:
        return
    for match in _RETURNS.finditer(prose):
        words = _WORD.findall(match.group(1))
        types = [word for word in words if word in _BASICS or (word[:1].isupper() and word in known)]
        if types and len(types) == len(words) and not set(types) & declared and symbol.returns != "bool":
            yield Lie(Claim.RETURNS, match.group(), f"the declared result is {symbol.returns!r}")


def _exceptions(prose: str, truth: Ground) -> Iterator[Lie]:
    if truth.symbol is None:
        return
    for match in _RAISES.finditer(prose):
        name = (match.group(1) or match.group(2)).rpartition(".")[2]
        if (
            re.search(r"(?:Error|Exception|Warning|Exit|Interrupt|Iteration|DoesNotExist)$", name)
            and name not in truth.raised
        ):
            yield Lie(Claim.RAISES, match.group(), f"the code does not raise {name!r}")
