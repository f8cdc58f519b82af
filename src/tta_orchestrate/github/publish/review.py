"""A review with remarks on lines, and suggestions that can be committed; optional (``comments: true``).

Source: REST API, "Create a review for a pull request". One remark on a line that is not part of the diff makes GitHub
refuse the whole review (422), so only lines inside the hunks that GitHub itself shows become remarks on lines; the rest
goes into the review's text, and so does everything when GitHub refuses after all.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from tta_orchestrate.domain.change import Side
from tta_orchestrate.domain.finding import Finding
from tta_orchestrate.domain.sanitiser import code_span, markdown, paragraphs, utf8, visible
from tta_orchestrate.errors import AnswerLostError, InvalidError
from tta_orchestrate.github.api import GitHub
from tta_orchestrate.github.publish.comment import is_own
from tta_orchestrate.github.records import PullFile, Review

MAX_REMARKS: Final = 50
"""Remarks on lines per review, worst findings first; nobody reads more, and the check run has them all."""
MAX_LISTED: Final = 100
SUGGESTION_LIMIT: Final = 8_000
_HUNK: Final = re.compile(r"^@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@", re.MULTILINE)
_MARKER: Final = re.compile(r"<!-- tta:([0-9a-f]{32}) -->")


@dataclass(frozen=True, slots=True, kw_only=True)
class Posted:
    """What came of it."""

    remarks: int = 0
    listed: int = 0
    repeated: int = 0
    """Findings that an earlier review already shows."""


class Commentable:
    """The lines that GitHub takes remarks on: those inside the hunks of its own patches."""

    def __init__(self, files: Iterable[PullFile]) -> None:
        self._hunks = {file.filename: _ranges(file.patch or "") for file in files}

    def takes(self, path: str, side: Side, start: int, end: int) -> bool:
        """Whether lines *start..end* lie in one hunk of *path*."""
        position = 0 if side is Side.LEFT else 1
        spans = (hunk[position] for hunk in self._hunks.get(path, ()))
        return any(start in span and end in span for span in spans)


def _ranges(patch: str) -> list[tuple[range, range]]:
    found = []
    for match in _HUNK.finditer(patch):
        old, old_count, new, new_count = (1 if group is None else int(group) for group in match.groups())
        found.append((range(old, old + old_count), range(new, new + new_count)))
    return found


def publish_review(api: GitHub, number: int, head: str, findings: Sequence[Finding]) -> Posted:
    """Post what no earlier review shows; with nothing new, post nothing.

    Raises:
        GitHubError: GitHub refuses, or does not answer.
    """
    shown = _shown(api, number)
    new = sorted((one for one in findings if one.fingerprint not in shown), key=lambda one: one.severity.rank)
    repeated = len(findings) - len(new)
    if not new:
        return Posted(repeated=repeated)
    lines = Commentable(api.pull_files(number))
    fitting = [one for one in new if lines.takes(utf8(one.path), one.side, one.start_line, one.end_line)]
    remarks = fitting[:MAX_REMARKS]
    chosen = {one.fingerprint for one in remarks}
    rest = [one for one in new if one.fingerprint not in chosen]
    try:
        _post(api, number, _review(head, remarks, rest), new[0])
    except InvalidError:
        _post(api, number, _review(head, [], new), new[0])
        return Posted(listed=len(new), repeated=repeated)
    return Posted(remarks=len(remarks), listed=len(rest), repeated=repeated)


def _shown(api: GitHub, number: int) -> frozenset[str]:
    """Return the fingerprints that stand in this program's earlier remarks and reviews."""
    texts = [one.body or "" for one in api.review_comments(number) if is_own(one.user)]
    texts += [one.body for one in api.reviews(number) if is_own(one.user)]
    return frozenset(found for text in texts for found in fingerprints(text))


def fingerprints(text: str) -> list[str]:
    """Return the findings that a remark or a review is about, by the hidden markers in its *text*."""
    return _MARKER.findall(text)


def _post(api: GitHub, number: int, body: Mapping[str, Any], first: Finding) -> Review | None:
    try:
        return api.create_review(number, body)
    except AnswerLostError:
        if first.fingerprint in _shown(api, number):
            return None
        return api.create_review(number, body)


def _review(head: str, remarks: Sequence[Finding], rest: Sequence[Finding]) -> Mapping[str, Any]:
    total = len(remarks) + len(rest)
    lines = [f"**tta**: {total} new finding{'' if total == 1 else 's'}."]
    if rest:
        lines += ["", "Not on lines that can be commented here:" if remarks else "", ""]
        lines += [_listed(one) for one in rest[:MAX_LISTED]]
    if len(rest) > MAX_LISTED:
        lines.append(f"- and {len(rest) - MAX_LISTED} more: see the check run and the artifact")
    comments = [_remark(one) for one in remarks]
    return {"commit_id": head, "event": "COMMENT", "body": "\n".join(lines), "comments": comments}


def _listed(finding: Finding) -> str:
    place = code_span(f"{finding.path}:{finding.start_line}")
    return f"- {finding.severity.value}: {place} {markdown(finding.title, 300)} <!-- tta:{finding.fingerprint} -->"


def _remark(finding: Finding) -> Mapping[str, Any]:
    text = [
        f"**{finding.severity.value}**: {markdown(finding.title, 300)} ({code_span(finding.rule)})",
        paragraphs(finding.message, 4_000),
        _suggestion(finding),
        f"<!-- tta:{finding.fingerprint} -->",
    ]
    body: dict[str, Any] = {
        "path": utf8(finding.path),
        "side": finding.side.value,
        "line": finding.end_line,
        "body": "\n\n".join(part for part in text if part),
    }
    if finding.start_line < finding.end_line:  # GitHub refuses a start that is also the end
        body |= {"start_line": finding.start_line, "start_side": finding.side.value}
    return body


def _suggestion(finding: Finding) -> str:
    """Return a suggestion block, or nothing where it could not be committed as it stands."""
    change = finding.suggestion
    if change is None or finding.side is not Side.RIGHT or len(change.text) > SUGGESTION_LIMIT:
        return ""
    if (change.start_line, change.end_line) != (finding.start_line, finding.end_line):
        return ""
    if any(visible(line) != line for line in change.text.split("\n")):
        return ""
    fence = "`" * max(3, 1 + max((len(run) for run in re.findall("`+", change.text)), default=0))
    return f"{fence}suggestion\n{change.text}\n{fence}"
