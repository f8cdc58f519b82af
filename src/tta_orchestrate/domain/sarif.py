"""SARIF 2.1.0 in: the results of any tool as candidates for the same gates.

Source: OASIS SARIF 2.1.0 (errata 01), and what GitHub adds to it (``security-severity``, ``precision``, tags). The file
is untrusted: wrong types make a result malformed or a value absent, never a crash.
"""

import json
import math
import posixpath
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import unquote

from tta_orchestrate.domain.finding import Candidate, Category, Rejected, Rejection, Severity, Suggestion
from tta_orchestrate.errors import ConfigError

MAX_BYTES: Final = 64 * 1024 * 1024
MAX_RESULTS: Final = 100_000
_MAX_TITLE: Final = 200
_MAX_TEXT: Final = 4_000
_LEVELS: Final = {"error": Severity.HIGH, "warning": Severity.MEDIUM, "note": Severity.LOW, "none": Severity.LOW}
_SCORES: Final = ((9.0, Severity.CRITICAL), (7.0, Severity.HIGH), (4.0, Severity.MEDIUM), (0.0, Severity.LOW))
_PRECISION: Final = {"very-high": 0.95, "high": 0.9, "medium": 0.7, "low": 0.4}
_USUAL_CONFIDENCE: Final = 0.8
_TAGS: Final = {
    "security": Category.SECURITY,
    "correctness": Category.BUG,
    "bug": Category.BUG,
    "reliability": Category.RELIABILITY,
    "performance": Category.PERFORMANCE,
    "efficiency": Category.PERFORMANCE,
    "testing": Category.TESTING,
    "documentation": Category.DOCUMENTATION,
    "maintainability": Category.MAINTAINABILITY,
    "readability": Category.MAINTAINABILITY,
    "style": Category.MAINTAINABILITY,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class SarifReading:
    """What a SARIF file claims, and the results that are none: malformed, suppressed, or not a failure."""

    candidates: tuple[Candidate, ...] = ()
    rejected: tuple[Rejected, ...] = ()


class _MalformedError(Exception):
    """One result cannot be understood; its text says why."""


def read_sarif(data: bytes, *, name: str, roots: Sequence[str] = ()) -> SarifReading:
    """Return the candidates of the SARIF file *data*; *name* is its name, for messages.

    A candidate's ``quote`` is ``""`` unless the file has the whole lines: then the caller fills it in from the text at
    head before the evidence gate. *roots* are absolute folders (the checkout, as the tool saw it) that are taken off
    absolute paths. Of several locations the first, the primary one, counts.

    Raises:
        ConfigError: it is too large, not JSON, or not SARIF 2.1.0.
    """
    candidates: list[Candidate] = []
    rejected: list[Rejected] = []
    for run in _runs(data, name):
        reader = _Run(_dict(run), roots)
        for raw in _list(_dict(run).get("results")):
            if len(candidates) + len(rejected) >= MAX_RESULTS:
                raise _refusal(name, f"has more than {MAX_RESULTS:,} results", "split it, or filter it in the tool")
            result = _dict(raw)
            try:
                candidate = reader.candidate(result)
            except _MalformedError as error:
                rejected.append(Rejected(candidate=reader.blank(result), reason=Rejection.MALFORMED, detail=str(error)))
                continue
            off = _off(result)
            if off:
                rejected.append(Rejected(candidate=candidate, reason=off[0], detail=off[1]))
            else:
                candidates.append(candidate)
    return SarifReading(candidates=tuple(candidates), rejected=tuple(rejected))


def _refusal(name: str, what: str, remedy: str) -> ConfigError:
    return ConfigError(f"{name} {what}", remedy=remedy)


def _runs(data: bytes, name: str) -> Sequence[Any]:
    if len(data) > MAX_BYTES:
        raise _refusal(name, f"is larger than {MAX_BYTES // 1024 // 1024} MB", "split it, or filter it in the tool")
    try:
        root = json.loads(
            data.decode("utf-8-sig"), object_pairs_hook=_unique, parse_constant=_no_constant, parse_int=_integer
        )
    except RecursionError:
        raise _refusal(name, "is nested too deeply", "give the file that the tool wrote") from None
    except UnicodeDecodeError:
        raise _refusal(name, "is not UTF-8", "SARIF is JSON in UTF-8: write it again in this encoding") from None
    except ValueError as error:
        raise _refusal(name, f"is not JSON: {error}", "give the file that the tool wrote") from None
    log = _dict(root)
    if not str(log.get("version", "")).startswith("2.1.") or not isinstance(log.get("runs"), list):
        raise _refusal(name, "is not SARIF 2.1.0", "ask the tool for SARIF 2.1.0 (`version` and `runs`)")
    return _list(log["runs"])


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        raise ValueError("a key stands twice in one object")
    return made


def _no_constant(_: str) -> None:
    raise ValueError("NaN and Infinity are no JSON")


def _integer(digits: str) -> int:
    if len(digits) > 18:  # noqa: PLR2004 - beyond 64 bits nothing is a line
        raise ValueError("a number is out of range")
    return int(digits)


def _dict(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: Any) -> Sequence[Any]:
    return value if isinstance(value, list) else ()


def _str(value: Any, limit: int = _MAX_TEXT) -> str:
    return value.strip()[:limit] if isinstance(value, str) else ""


def _int(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _text(message: Any) -> str:
    return _str(_dict(message).get("text"))


def _off(result: Mapping[str, Any]) -> tuple[Rejection, str] | None:
    """Return why a well-formed result is no claim, ``None`` when it is one."""
    for item in _list(result.get("suppressions")):
        if _dict(item).get("status", "accepted") == "accepted":
            kind, reason = _str(_dict(item).get("kind"), 40), _str(_dict(item).get("justification"), 200)
            return Rejection.INLINE_IGNORE, f"suppressed by the tool ({kind or 'unknown'}) {reason}".strip()
    kind = _str(result.get("kind", "fail"), 40)
    if kind not in {"fail", "open", "review"}:
        return Rejection.RULE_OFF, f"the tool says {kind!r}, not 'fail'"
    if result.get("baselineState") == "absent":
        return Rejection.BASELINE, "the tool says that it is gone"
    return None


class _Run:
    """One run: its tool, its rules by id and by index, its base folders."""

    def __init__(self, run: Mapping[str, Any], roots: Sequence[str]) -> None:
        tool = _dict(run.get("tool"))
        driver = _dict(tool.get("driver"))
        self._components = [_list(_dict(c).get("rules")) for c in (driver, *_list(tool.get("extensions")))]
        self._by_id = {
            _dict(rule)["id"]: _dict(rule)
            for rules in reversed(self._components)
            for rule in rules
            if isinstance(_dict(rule).get("id"), str)
        }
        self._bases = _dict(run.get("originalUriBaseIds"))
        self._roots = tuple(f"{root.rstrip('/')}/" for root in roots)
        self._tool = _str(driver.get("name"), 80) or "unknown"
        self._source = f"sarif:{self._tool}"

    def blank(self, result: Mapping[str, Any]) -> Candidate:
        """Return what can be told of a malformed result."""
        return self._make(result, path="", start=0, end=0)

    def candidate(self, result: Mapping[str, Any]) -> Candidate:
        place = _dict(_dict(next(iter(_list(result.get("locations"))), None)).get("physicalLocation"))
        if not place:
            raise _MalformedError("it has no physical location")
        path = self._path(_dict(place.get("artifactLocation")))
        region = _dict(place.get("region"))
        start, end = _rows(region)
        return self._make(result, path=path, start=start, end=end, region=region)

    def _make(
        self, result: Mapping[str, Any], *, path: str, start: int, end: int, region: Mapping[str, Any] | None = None
    ) -> Candidate:
        rule_id, rule = self._rule(result)
        severity, category = _judgement(result, rule)
        title = _text(rule.get("shortDescription")) or _str(rule.get("name")) or rule_id
        url = _str(rule.get("helpUri"), 500)
        return Candidate(
            path=path,
            start_line=start,
            end_line=end,
            quote=_snippet(region or {}),
            rule=f"{self._tool.lower()}/{rule_id}",
            category=category,
            severity=severity,
            source=self._source,
            title=title.splitlines()[0][:_MAX_TITLE],
            message=_message(result, rule) or title,
            confidence=_confidence(result, rule),
            suggestion=self._suggestion(result, path, start, end) if path else None,
            help_url=url if re.match(r"https?://\S+$", url) else "",
        )

    def _rule(self, result: Mapping[str, Any]) -> tuple[str, Mapping[str, Any]]:
        """Return id and descriptor: by reference, by index, by id, or by the id of its parent (``CA1000/1``)."""
        reference = _dict(result.get("rule"))
        rule_id = _str(result.get("ruleId"), _MAX_TITLE) or _str(reference.get("id"), _MAX_TITLE)
        component = _int(_dict(reference.get("toolComponent")).get("index"))
        rules = self._component(0 if component is None else component + 1)
        index = _int(reference.get("index"))
        index = _int(result.get("ruleIndex")) if index is None else index
        found = _dict(rules[index]) if index is not None and 0 <= index < len(rules) else {}
        if not found or (rule_id and not rule_id.startswith(_str(found.get("id"), _MAX_TITLE) or "\0")):
            found = self._by_id.get(rule_id) or self._by_id.get(rule_id.rpartition("/")[0]) or {}
        name = rule_id or _str(found.get("id"), _MAX_TITLE)
        return "-".join(name.split()) or "unknown", found

    def _component(self, index: int) -> Sequence[Any]:
        return self._components[index] if 0 <= index < len(self._components) else ()

    def _path(self, location: Mapping[str, Any]) -> str:
        uri = location.get("uri")
        if not isinstance(uri, str) or not uri:
            raise _MalformedError("it names no file")
        path = self._resolve(uri, location.get("uriBaseId"))
        for root in self._roots:
            path = path.removeprefix(root)
        path = posixpath.normpath(path)
        if path in {".", ".."} or path.startswith("../") or "\0" in path:
            raise _MalformedError("its file lies outside the repository")
        return path

    def _resolve(self, uri: str, base: Any) -> str:
        """Return *uri* as a path; a base folder counts when it is relative (an absolute one is the checkout)."""
        path = _local(uri)
        for _ in range(8):  # bases may name bases, or each other
            entry = _dict(self._bases.get(base)) if isinstance(base, str) else {}
            folder = _local(_str(entry.get("uri")))
            if not entry or path.startswith("/"):
                break
            if folder.startswith("/"):
                full = f"{folder.rstrip('/')}/{path}"
                return full if full.startswith(self._roots or ("\0",)) else path
            path = posixpath.join(folder, path)
            base = entry.get("uriBaseId")
        return path

    def _suggestion(self, result: Mapping[str, Any], path: str, start: int, end: int) -> Suggestion | None:
        """Return the first fix that replaces exactly the lines *start* to *end* of the file, and nothing else."""
        for fix in _list(result.get("fixes")):
            changes = _list(_dict(fix).get("artifactChanges"))
            replacements = _list(_dict(changes[0]).get("replacements")) if len(changes) == 1 else ()
            if len(replacements) != 1 or not self._same(_dict(changes[0]), path):
                continue
            text = _whole_lines(_dict(replacements[0]), start, end)
            if text is not None:
                return Suggestion(start_line=start, end_line=end, text=text)
        return None

    def _same(self, change: Mapping[str, Any], path: str) -> bool:
        try:
            return self._path(_dict(change.get("artifactLocation"))) == path
        except _MalformedError:
            return False


def _local(uri: str) -> str:
    path = re.sub(r"^file:(?://(?:localhost)?(?=/))?", "", uri, flags=re.IGNORECASE)
    path = re.sub(r"^%[A-Z_]+%/?", "", path)  # %SRCROOT%/a.py, as some tools write it
    return unquote(path, errors="surrogateescape").replace("\\", "/")


def _rows(region: Mapping[str, Any]) -> tuple[int, int]:
    start, end = _int(region.get("startLine")), _int(region.get("endLine", region.get("startLine")))
    if start is None or end is None or start < 1 or end < start:
        raise _MalformedError("its region has no valid lines")
    return start, end - (end > start and region.get("endColumn") == 1)


def _snippet(region: Mapping[str, Any]) -> str:
    """Return the snippet when it is of whole lines, else ``""``."""
    text = _dict(region.get("snippet")).get("text")
    if not isinstance(text, str) or "startColumn" in region or "endColumn" in region:
        return ""
    return text.removesuffix("\n")


def _whole_lines(replacement: Mapping[str, Any], start: int, end: int) -> str | None:
    region = _dict(replacement.get("deletedRegion"))
    text = _dict(replacement.get("insertedContent")).get("text")
    last, column = region.get("endLine", region.get("startLine")), region.get("endColumn")
    if region.get("startLine") != start or region.get("startColumn", 1) != 1 or not isinstance(text, str):
        return None
    if column is None and last == end:
        return text
    return text.removesuffix("\n") if (last, column) == (end + 1, 1) and text.endswith("\n") else None


def _properties(*owners: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield from (_dict(owner.get("properties")) for owner in owners)


def _number(value: Any) -> float | None:
    try:
        number = float(value) if isinstance(value, int | float | str) and not isinstance(value, bool) else math.nan
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def _judgement(result: Mapping[str, Any], rule: Mapping[str, Any]) -> tuple[Severity, Category]:
    level = result.get("level") or _dict(rule.get("defaultConfiguration")).get("level")
    severity = _LEVELS.get(_str(level), Severity.MEDIUM)
    tags = [_str(tag, 80).lower() for props in _properties(result, rule) for tag in _list(props.get("tags"))]
    category = next((_TAGS[tag] for tag in tags if tag in _TAGS), None)
    for props in _properties(result, rule):
        score = _number(props.get("security-severity"))
        if score is not None and score > 0:
            return next(grade for least, grade in _SCORES if score >= least), Category.SECURITY
    if category is None and any("cwe" in tag for tag in tags):
        category = Category.SECURITY
    return severity, category or (Category.MAINTAINABILITY if severity is Severity.LOW else Category.BUG)


def _confidence(result: Mapping[str, Any], rule: Mapping[str, Any]) -> float:
    rank = _number(result.get("rank"))
    if rank is not None and 0 <= rank <= 100:  # noqa: PLR2004 - SARIF counts in percent
        return rank / 100
    words = (_str(props.get("precision"), 20) for props in _properties(result, rule))
    return next((_PRECISION[word] for word in words if word in _PRECISION), _USUAL_CONFIDENCE)


def _message(result: Mapping[str, Any], rule: Mapping[str, Any]) -> str:
    message = _dict(result.get("message"))
    key = message.get("id")
    text = _text(message) or (_text(_dict(rule.get("messageStrings")).get(key)) if isinstance(key, str) else "")
    arguments = [_str(argument, 500) for argument in _list(message.get("arguments"))]

    def fill(match: re.Match[str]) -> str:
        index = int(match[1])
        return arguments[index] if index < len(arguments) else match[0]

    return re.sub(r"\{(\d{1,3})\}", fill, text)[:_MAX_TEXT] if arguments else text
