"""A finding: a claim about exact lines, with the words that stand there as its evidence."""

import hashlib
import re
from dataclasses import dataclass, field
from enum import StrEnum

from tta_orchestrate.domain.change import Side


class Severity(StrEnum):
    """How bad it is when true; ordered from worst to mildest by ``rank``."""

    CRITICAL = "critical"
    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"

    @property
    def rank(self) -> int:
        """0 is the worst."""
        return list(Severity).index(self)

    def at_least(self, other: "Severity") -> bool:
        """Whether this is as bad as *other* or worse."""
        return self.rank <= other.rank


class Category(StrEnum):
    """What kind of harm it does."""

    SECURITY = "security"
    BUG = "bug"
    RELIABILITY = "reliability"
    PERFORMANCE = "performance"
    MAINTAINABILITY = "maintainability"
    TESTING = "testing"
    DOCUMENTATION = "documentation"


@dataclass(frozen=True, slots=True, kw_only=True)
class Suggestion:
    """A replacement for whole lines ``start_line..end_line`` of the RIGHT side; ``text`` has no final line feed."""

    start_line: int
    end_line: int
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """What a check can say: one row of its documentation and of the SARIF rule list."""

    id: str
    """``<check>/<name>``, stable: baselines and inline ignores name it."""
    title: str
    """One line without a full stop."""
    category: Category
    severity: Severity
    why: str
    """The harm, in one sentence."""
    confidence: float = 1.0
    help_url: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """What a check, a tool or a model claims, before the evidence gate has looked.

    ``quote`` is the verbatim text of lines ``start_line..end_line`` (1-based, inclusive) on ``side``, joined by line
    feeds; ``confidence`` is in 0..1; ``source`` names who says so (``ruff``, ``sarif:CodeQL``, a model).

    ``redact`` lists the secrets that stand in the quote. The evidence gate needs the quote as it is in the file; sinks
    show what ``redaction.presentable_report`` leaves of it.
    """

    path: str
    start_line: int
    end_line: int
    quote: str = field(repr=False)
    rule: str
    category: Category
    severity: Severity
    source: str
    title: str
    message: str
    side: Side = Side.RIGHT
    confidence: float = 1.0
    suggestion: Suggestion | None = None
    help_url: str = ""
    whole_file: bool = False
    """The claim is about the file as a whole (it no longer parses): its line need not be a changed one."""
    redact: tuple[str, ...] = field(default=(), repr=False)
    """Exact substrings that no sink may show (secret values); shown as ‹secret›."""


class State(StrEnum):
    """Where a finding stands against the previous run."""

    UNKNOWN = ""
    """There is no previous run to compare with."""
    NEW = "new"
    STILL_THERE = "still-there"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding(Candidate):
    """A candidate that passed the evidence gate; ``fingerprint`` is its identity across pushes."""

    fingerprint: str
    symbol: str = ""
    """The enclosing function or class (``Class.method``), ``""`` at module level or when unknown."""
    folded: bool = False
    """Too uncertain to stand in the reader's way: listed in the summary, no annotation, never fails the check."""
    state: State = State.UNKNOWN


class Rejection(StrEnum):
    """Why a candidate was not believed, or not shown."""

    NOT_IN_CHANGE = "not-in-change"
    NO_SUCH_LINE = "no-such-line"
    QUOTE_ABSENT = "quote-absent"
    QUOTE_AMBIGUOUS = "quote-ambiguous"
    UNCHANGED_LINES = "unchanged-lines"
    DUPLICATE = "duplicate"
    MALFORMED = "malformed"
    BASELINE = "baseline"
    DISMISSED = "dismissed"
    INLINE_IGNORE = "inline-ignore"
    RULE_OFF = "rule-off"
    BELOW_BAR = "below-bar"
    JUDGE = "judge"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejected:
    """A candidate that is not published, and why; listed in the reports, never silently dropped."""

    candidate: Candidate
    reason: Rejection
    detail: str = ""


_SPACE = re.compile(r"\s+")


def fingerprint(*, path: str, quote: str, rule: str, symbol: str, occurrence: int = 0) -> str:
    """Return 32 hex digits that survive line shifts, re-indentation and rewording of the message.

    Built from path + normalised quote + rule + enclosing symbol; *occurrence* counts equal ones from the top of the
    file, so that two identical lines stay two findings.
    """
    parts = (path, _SPACE.sub(" ", quote).strip(), rule, symbol, str(occurrence))
    joined = "\x1f".join(parts).encode("utf-8", "surrogatepass")  # a model may answer with lone surrogates
    return hashlib.sha256(joined).hexdigest()[:32]
