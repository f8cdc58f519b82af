"""The baseline file: findings somebody looked at and accepted, by fingerprint, with enough words to know them again."""

import json
from collections.abc import Iterable
from typing import Any

from tta_orchestrate.domain.finding import Finding
from tta_orchestrate.errors import ConfigError

SCHEMA_VERSION = 1


def read_baseline(data: bytes, name: str) -> frozenset[str]:
    """Return the accepted fingerprints.

    Raises:
        ConfigError: the file is not what ``review --write-baseline`` writes.
    """
    remedy = "write it anew with: tta-orchestrate review --write-baseline"
    try:
        document = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"{name}: not valid JSON: {error}", remedy=remedy) from None
    accepted = document.get("accepted") if isinstance(document, dict) else None
    if not isinstance(accepted, list) or document.get("schema_version") != SCHEMA_VERSION:
        raise ConfigError(f"{name}: not a baseline of schema_version {SCHEMA_VERSION}", remedy=remedy)
    return frozenset(_fingerprint(entry, name, remedy) for entry in accepted)


def _fingerprint(entry: Any, name: str, remedy: str) -> str:
    value = entry.get("fingerprint") if isinstance(entry, dict) else None
    if not isinstance(value, str):
        raise ConfigError(f"{name}: an entry of 'accepted' has no fingerprint", remedy=remedy)
    return value


def write_baseline(findings: Iterable[Finding], *, keep: Iterable[dict[str, Any]] = ()) -> str:
    """Return the text of a baseline file that accepts *findings*, and the entries of *keep* besides."""
    entries = {entry["fingerprint"]: entry for entry in keep}
    for finding in findings:
        entries[finding.fingerprint] = {
            "fingerprint": finding.fingerprint,
            "path": finding.path,
            "rule": finding.rule,
            "title": finding.title,
        }
    ordered = sorted(entries.values(), key=lambda e: (e.get("path", ""), e.get("rule", ""), e["fingerprint"]))
    document = {"schema_version": SCHEMA_VERSION, "accepted": ordered}
    return json.dumps(document, indent=2, ensure_ascii=True) + "\n"


def entries_of(data: bytes) -> list[dict[str, Any]]:
    """Return the entries of a baseline that ``read_baseline`` accepts."""
    return list(json.loads(data)["accepted"])
