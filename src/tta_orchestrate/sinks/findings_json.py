"""``findings.json``: everything that a program may want to know about a run; described in ``docs/findings.md``."""

import base64
from dataclasses import fields
from typing import Any, Final

from tta_orchestrate.domain.finding import Candidate, Finding, Rejected
from tta_orchestrate.domain.redaction import MASK, presentable_report
from tta_orchestrate.domain.report import Report
from tta_orchestrate.domain.sanitiser import json_text, raw_bytes, utf8
from tta_orchestrate.ports import Sink

SCHEMA_VERSION: Final = "1.0"


class FindingsJson:
    """The report as JSON; texts verbatim, but for secrets and for bytes that are not UTF-8."""

    filename = "findings.json"

    def applies(self, report: Report) -> bool:  # noqa: ARG002 -- every run leaves one
        """Return true: also a run that could do nothing says so here."""
        return True

    def render(self, report: Report) -> str:
        """Return the document.

        Raises:
            ValueError: ``report.extra`` has a key that the document has already.
        """
        report = presentable_report(report)
        document: dict[str, Any] = {
            "schema_version": SCHEMA_VERSION,
            "mode": report.mode,
            "outcome": report.verdict.outcome,
            "conclusion": report.verdict.conclusion,
            "exit_code": report.verdict.exit_code,
            "findings": [_finding(one) for one in report.findings],
            "rejected": [_rejected(one) for one in report.rejected],
            "skipped": report.skipped,
            "failures": report.failures,
            "coverage": report.coverage,
            "subject": report.subject,
            "notices": report.notices,
        }
        if taken := document.keys() & report.extra.keys():
            raise ValueError(f"extra keys that are taken: {', '.join(sorted(taken))}")
        return json_text({**document, **report.extra})


_SHOWN: Final = tuple(field.name for field in fields(Candidate) if field.name not in {"redact", "whole_file"})


def _candidate(one: Candidate) -> dict[str, Any]:
    plain = {name: getattr(one, name) for name in _SHOWN}
    exact = {
        f"{name}_base64": base64.b64encode(raw_bytes(text)).decode()
        for name in ("path", "quote")
        if utf8(text := getattr(one, name)) != text
    }
    return {**plain, "redacted": MASK in one.quote, **exact}


def _finding(one: Finding) -> dict[str, Any]:
    return {
        "fingerprint": one.fingerprint,
        **_candidate(one),
        "symbol": one.symbol,
        "folded": one.folded,
        "state": one.state,
    }


def _rejected(one: Rejected) -> dict[str, Any]:
    return {"reason": one.reason, "detail": one.detail, "candidate": _candidate(one.candidate)}


SINK: Final[Sink] = FindingsJson()
