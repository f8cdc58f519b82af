"""Secrets stay out of every sink: the first thing that each one calls."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any, Final, TypeVar

from tta_orchestrate.domain.finding import Candidate
from tta_orchestrate.domain.report import Report

MASK: Final = "\u2039secret\u203a"
"""``secret`` in single angle quotation marks."""
_SHARED_MINIMUM: Final = 6
"""Characters from which a value, or one line of it, is masked wherever it stands in a report; shorter ones are masked
in what is said about the same lines."""

C = TypeVar("C", bound=Candidate)


def mask(text: str, secrets: Iterable[str]) -> str:
    """Replace every occurrence of every secret; overlapping ones as one. The number of lines stays."""
    spans = sorted(span for secret in set(secrets) if secret for span in _spans(text, secret))
    kept: list[str] = []
    end = 0
    for start, stop in _merged(spans):
        hidden = "\n".join([MASK] * (text.count("\n", start, stop) + 1))
        kept += [text[end:start], hidden]
        end = stop
    return "".join([*kept, text[end:]])


def _spans(text: str, secret: str) -> Iterable[tuple[int, int]]:
    at = text.find(secret)
    while at >= 0:
        yield at, at + len(secret)
        at = text.find(secret, at + 1)


def _merged(spans: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    merged: list[tuple[int, int]] = []
    for start, stop in spans:
        if merged and start < merged[-1][1]:
            merged[-1] = (merged[-1][0], max(stop, merged[-1][1]))
        else:
            merged.append((start, stop))
    return merged


def presentable(finding: C, secrets: Iterable[str] = ()) -> C:
    """Return *finding* as it may be shown: its own ``redact`` values and *secrets* are masked, and gone from it.

    A suggestion with a secret in it is dropped: masked, it would no longer be a fix.
    """
    hidden = {*secrets, *finding.redact}
    if not hidden:
        return finding
    suggestion = finding.suggestion
    if suggestion is not None and mask(suggestion.text, hidden) != suggestion.text:
        suggestion = None
    return replace(
        finding,
        quote=mask(finding.quote, hidden),
        title=mask(finding.title, hidden),
        message=mask(finding.message, hidden),
        suggestion=suggestion,
        redact=(),
    )


def presentable_report(report: Report) -> Report:
    """Return *report* with the secrets of each finding masked in all of it: another check may quote the same line.

    The patch is left alone: it is generated, and a masked patch would not apply.
    """
    candidates = [*report.findings, *(one.candidate for one in report.rejected)]
    secrets = frozenset(part for one in candidates for secret in one.redact for part in _parts(secret))
    leaks: dict[str, list[Candidate]] = {}
    for one in candidates:
        if one.redact:
            leaks.setdefault(one.path, []).append(one)

    def near(one: Candidate) -> set[str]:
        touching = (leak for leak in leaks.get(one.path, ()) if _touch(leak, one))
        return {*secrets, *(secret for leak in touching for secret in leak.redact)}

    return replace(
        report,
        findings=tuple(presentable(one, near(one)) for one in report.findings),
        rejected=tuple(
            replace(
                one,
                candidate=presentable(one.candidate, near(one.candidate)),
                detail=mask(one.detail, near(one.candidate)),
            )
            for one in report.rejected
        ),
        skipped=tuple(replace(one, detail=mask(one.detail, secrets)) for one in report.skipped),
        failures=tuple(replace(one, reason=mask(one.reason, secrets)) for one in report.failures),
        notices=tuple(mask(one, secrets) for one in report.notices),
        subject=replace(report.subject, title=mask(report.subject.title, secrets)),
        extra=_masked(report.extra, secrets),
    )


def _touch(one: Candidate, other: Candidate) -> bool:
    return one.start_line <= other.end_line and other.start_line <= one.end_line


def _parts(secret: str) -> Iterable[str]:
    return (part for part in {secret, *secret.splitlines()} if len(part) >= _SHARED_MINIMUM)


def _masked(value: Any, secrets: frozenset[str]) -> Any:
    if isinstance(value, str):
        return mask(value, secrets)
    if isinstance(value, Mapping):
        return {key: _masked(one, secrets) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_masked(one, secrets) for one in value]
    return value
