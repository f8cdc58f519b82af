"""``findings.sarif``: SARIF 2.1.0 for GitHub code scanning and any other viewer.

Section numbers are those of the OASIS standard. GitHub's own rules (relative URIs, ``security-severity``,
``partialFingerprints``, 25,000 results a run) are in its page "SARIF support for code scanning".
"""

from collections.abc import Iterable
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any, Final

from tta_orchestrate.domain.change import Side
from tta_orchestrate.domain.finding import Category, Finding, Severity
from tta_orchestrate.domain.headline import verdict, worst_first
from tta_orchestrate.domain.outcome import Outcome
from tta_orchestrate.domain.redaction import presentable_report
from tta_orchestrate.domain.report import Report
from tta_orchestrate.domain.sanitiser import help_uri, json_text, path_url, plain, quiet, repository_url, utf8
from tta_orchestrate.ports import Sink

_SCHEMA: Final = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_HOME: Final = "https://github.com/tta/orchestrate"
_MOST_NOTIFICATIONS: Final = 5_000
_LEVELS: Final = {
    Severity.CRITICAL: "error",
    Severity.HIGH: "error",
    Severity.MEDIUM: "warning",
    Severity.LOW: "note",
}
_SECURITY_SEVERITY: Final = {
    Severity.CRITICAL: "9.5",
    Severity.HIGH: "8.0",
    Severity.MEDIUM: "5.5",
    Severity.LOW: "2.5",
}
"""The middle of each band of CVSS by which GitHub turns the number back into a word."""
_DONE: Final = frozenset({Outcome.CLEAN, Outcome.FINDINGS, Outcome.SKIPPED})


@dataclass
class FindingsSarif:
    """The findings as one SARIF run, the worst ``most_results`` of them."""

    filename: str = "findings.sarif"
    most_results: int = 25_000

    def applies(self, report: Report) -> bool:
        """Whether the run looks for findings: an empty upload would close the alerts of an earlier one."""
        return report.mode == "review" or bool(report.findings)

    def render(self, report: Report) -> str:
        """Return the log."""
        report = presentable_report(report)
        findings = worst_first(report)[: self.most_results]
        rules = _rules(findings)
        index = {rule["id"]: at for at, rule in enumerate(rules)}
        run: dict[str, Any] = {
            "tool": {"driver": {**_driver(), "rules": rules}},
            "automationDetails": {"id": f"tta/{plain(report.mode, 50)}/"},
            "invocations": [_invocation(report, dropped=len(report.findings) - len(findings))],
            "columnKind": "unicodeCodePoints",
            "originalUriBaseIds": {"SRCROOT": {"description": {"text": "The root of the repository."}}},
            "results": [_result(one, index) for one in findings],
        }
        if (root := repository_url(report.subject)) and report.subject.head:
            revision = plain(report.subject.head, 200)
            provenance = {"repositoryUri": root, "revisionId": revision, "mappedTo": {"uriBaseId": "SRCROOT"}}
            run["versionControlProvenance"] = [provenance]
        return json_text({"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]})


def _driver() -> dict[str, Any]:
    return {"name": "tta-orchestrate", "semanticVersion": version("tta-orchestrate"), "informationUri": _HOME}


def _rule_id(one: Finding) -> str:
    return plain(one.rule, 200) or "unnamed"


def _rules(findings: Iterable[Finding]) -> list[dict[str, Any]]:
    """Return each rule once, described by its first finding, which is its worst."""
    first: dict[str, Finding] = {}
    for one in findings:
        first.setdefault(_rule_id(one), one)
    return [_rule(rule_id, first[rule_id]) for rule_id in sorted(first)]


def _rule(rule_id: str, worst: Finding) -> dict[str, Any]:
    address = help_uri(worst.help_url)
    title = quiet(worst.title, 900) or rule_id
    properties: dict[str, Any] = {"tags": [worst.category.value], "precision": _precision(worst)}
    if worst.category is Category.SECURITY:
        properties["security-severity"] = _SECURITY_SEVERITY[worst.severity]
    rule = {
        "id": rule_id,
        "shortDescription": {"text": title},
        "fullDescription": {"text": title},
        "help": {"text": f"{title}\nReported by {quiet(worst.source, 200)}.{f' See {address}' if address else ''}"},
        "defaultConfiguration": {"level": _LEVELS[worst.severity]},
        "properties": properties,
    }
    return {**rule, "helpUri": address} if address else rule


def _precision(one: Finding) -> str:
    return "high" if one.confidence >= 0.9 else "medium" if one.confidence >= 0.7 else "low"  # noqa: PLR2004


def _result(one: Finding, index: dict[str, int]) -> dict[str, Any]:
    result: dict[str, Any] = {
        "ruleId": _rule_id(one),
        "ruleIndex": index[_rule_id(one)],
        "kind": "fail",
        "level": _LEVELS[one.severity],
        "message": {"text": ": ".join(part for part in (quiet(one.title, 300), quiet(one.message, 4000)) if part)},
        "locations": [_location(one)],
        "partialFingerprints": {"ttaFingerprint/v1": one.fingerprint},
        "rank": round(min(max(one.confidence, 0.0), 1.0) * 100, 1),
        "properties": {
            "category": one.category,
            "confidence": one.confidence,
            "severity": one.severity,
            "side": one.side,
            "source": quiet(one.source, 200),
        },
    }
    if fix := _fix(one):
        result["fixes"] = [fix]
    return result


def _artifact(path: str) -> dict[str, str]:
    return {"uri": path_url(path) or "unknown", "uriBaseId": "SRCROOT"}


def _location(one: Finding) -> dict[str, Any]:
    """Return where it is; lines that the change removed have no region in the new tree (3.29.4: the whole file)."""
    physical: dict[str, Any] = {"artifactLocation": _artifact(one.path)}
    if one.side is Side.RIGHT:
        snippet = {"text": utf8(one.quote)}
        physical["region"] = {"startLine": one.start_line, "endLine": one.end_line, "snippet": snippet}
    location: dict[str, Any] = {"physicalLocation": physical}
    if one.symbol:
        location["logicalLocations"] = [{"fullyQualifiedName": plain(one.symbol, 500)}]
    return location


def _fix(one: Finding) -> dict[str, Any] | None:
    """Return the suggestion as a replacement of whole lines, their last line feed kept (3.30.8: no endColumn)."""
    suggestion = one.suggestion
    if suggestion is None or one.side is not Side.RIGHT or utf8(suggestion.text) != suggestion.text:
        return None
    replacement = {
        "deletedRegion": {"startLine": suggestion.start_line, "startColumn": 1, "endLine": suggestion.end_line},
        "insertedContent": {"text": suggestion.text},
    }
    return {
        "description": {"text": "Replace these lines."},
        "artifactChanges": [{"artifactLocation": _artifact(one.path), "replacements": [replacement]}],
    }


def _invocation(report: Report, *, dropped: int) -> dict[str, Any]:
    notifications = [
        *(_notice("error", f"{one.unit}: {one.reason}", one.path) for one in report.failures),
        *(_notice("warning", one) for one in report.notices),
        *(_notice("note", f"left out ({one.reason.value}) {one.detail}", one.path) for one in report.skipped),
    ]
    limit = _MOST_NOTIFICATIONS
    if dropped or len(notifications) > limit:
        more = max(len(notifications) - limit, 0)
        text = f"{dropped} more results and {more} more notifications are in findings.json"
        notifications = [_notice("warning", text), *notifications[:limit]]
    return {
        "executionSuccessful": report.verdict.outcome in _DONE,
        "exitCode": report.verdict.exit_code,
        "exitCodeDescription": plain(verdict(report), 900),
        "toolExecutionNotifications": notifications,
        "properties": {"outcome": report.verdict.outcome, "conclusion": report.verdict.conclusion},
    }


def _notice(level: str, text: str, path: str = "") -> dict[str, Any]:
    notice: dict[str, Any] = {"level": level, "message": {"text": quiet(text, 1000)}}
    if path_url(path):
        notice["locations"] = [{"physicalLocation": {"artifactLocation": _artifact(path)}}]
    return notice


SINK: Final[Sink] = FindingsSarif()
