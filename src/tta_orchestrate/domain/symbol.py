"""What is known of a source file without running it: symbols, their documentation, and facts read from the code."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Kind(StrEnum):
    """What a symbol is, in the words of its language."""

    CLASS = "class"
    FUNCTION = "function"
    METHOD = "method"
    PROPERTY = "property"
    ATTRIBUTE = "attribute"
    CONSTANT = "constant"
    INTERFACE = "interface"
    ENUM = "enum"
    RECORD = "record"
    STRUCT = "struct"
    TRAIT = "trait"
    TYPE = "type"
    OBJECT = "object"
    MACRO = "macro"
    MODULE = "module"
    NAMESPACE = "namespace"

    @property
    def holds_members(self) -> bool:
        """Whether the members of such a symbol are written beneath it."""
        return self in _CONTAINERS


_CONTAINERS = frozenset(
    {
        Kind.CLASS,
        Kind.INTERFACE,
        Kind.ENUM,
        Kind.RECORD,
        Kind.STRUCT,
        Kind.TRAIT,
        Kind.OBJECT,
        Kind.MODULE,
        Kind.NAMESPACE,
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """One parameter as declared; ``name`` is bare, ``written`` keeps stars and ellipses."""

    name: str
    written: str = ""
    type: str = ""
    default: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class DocField:
    """One documented parameter, exception or result: what a human wrote about it, in the docstring's markup."""

    name: str = ""
    type: str = ""
    text: str = ""


class Markup(StrEnum):
    """The markup of a doc comment, as far as its language tells."""

    RST = "rst"
    MARKDOWN = "markdown"
    HTML = "html"


@dataclass(frozen=True, slots=True, kw_only=True)
class Doc:
    """A doc comment, taken apart. All text is raw and untrusted."""

    text: str = ""
    markup: Markup = Markup.RST
    parameters: tuple[DocField, ...] = ()
    returns: tuple[DocField, ...] = ()
    raises: tuple[DocField, ...] = ()
    examples: tuple[str, ...] = ()
    notes: tuple[tuple[str, str], ...] = ()
    """Other sections: title and text."""
    deprecated: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Symbol:
    """A declared name.

    ``path`` is dotted within its file (``Class.method``); lines are 1-based and inclusive; ``digest`` is the SHA-256
    (16 hex digits) of those lines; ``calls`` and ``bases`` are slash paths, possibly outside the repository.
    """

    name: str
    path: str
    kind: Kind
    signature: str
    start_line: int
    end_line: int
    digest: str
    public: bool = True
    parameters: tuple[Parameter, ...] = ()
    returns: str = ""
    doc: Doc | None = None
    raises: tuple[str, ...] = ()
    """Exceptions the body raises, as written."""
    calls: tuple[str, ...] = ()
    bases: tuple[str, ...] = ()
    deprecated: str = ""
    """What a decorator or annotation says about its deprecation."""
    members: tuple["Symbol", ...] = ()

    def walk(self) -> Iterator["Symbol"]:
        """Yield this symbol and everything in it, outside first."""
        yield self
        for member in self.members:
            yield from member.walk()


@dataclass(frozen=True, slots=True, kw_only=True)
class SyntaxProblem:
    """A place that the parser could not read."""

    line: int
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Knob:
    """A command-line option or an environment variable that the code reads."""

    name: str
    line: int
    default: str = ""
    help: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Module:
    """One source file. ``key`` is its page name (``package/module``), unique in the repository."""

    key: str
    path: str
    language: str
    digest: str
    lines: int
    doc: Doc | None = None
    symbols: tuple[Symbol, ...] = ()
    exports: Mapping[str, str] = field(default_factory=dict)
    """Public names that come from elsewhere: name to slash path."""
    missing_exports: tuple[str, ...] = ()
    """Names that are declared public but do not exist."""
    imports: tuple[str, ...] = ()
    options: tuple[Knob, ...] = ()
    environment: tuple[Knob, ...] = ()
    problems: tuple[SyntaxProblem, ...] = ()

    def walk(self) -> Iterator[Symbol]:
        """Yield every symbol, outside first."""
        for symbol in self.symbols:
            yield from symbol.walk()

    def public(self) -> Iterator[Symbol]:
        """Yield every public symbol whose owners are public, outside first."""
        pending = [s for s in reversed(self.symbols) if s.public]
        while pending:
            symbol = pending.pop()
            yield symbol
            pending.extend(m for m in reversed(symbol.members) if m.public)
