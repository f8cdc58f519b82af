"""The check run: opened before anything is paid for, filled fifty annotations at a time, completed with the verdict.

Sources: REST API, "Create a check run" and "Update a check run" (at most 50 annotations per request, updates append).
A request with one bad annotation is refused as a whole and does not say which (422), so it is halved until the bad one
stands alone. Whether a request with a lost answer was accepted is read from ``output.annotations_count``.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from tta_orchestrate.domain.annotation import Annotation
from tta_orchestrate.domain.outcome import Conclusion
from tta_orchestrate.errors import AnswerLostError, GitHubError, InvalidError
from tta_orchestrate.github.api import GitHub
from tta_orchestrate.github.records import CheckRun, StoredAnnotation

PER_REQUEST: Final = 50
SUMMARY_LIMIT: Final = 65_000
"""Bytes, under the API's 65,535 characters, with room for one more sentence."""
OWN_PREFIX: Final = "tta:"
"""Every ``external_id`` of this program starts with it."""
_TRIES: Final = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot:
    """Where this run's verdict belongs."""

    name: str
    """``tta / review``."""
    head: str
    """The commit: of a pull request its head, never the merge commit."""
    external_id: str
    """Identity of this try of this step; see ``launcher/host.py``."""
    details_url: str = ""
    fresh: bool = False
    """The event says that this commit was never looked at before, so that no earlier check run need be searched."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What the check run shows in the end; ``summary`` is Markdown of at most ``SUMMARY_LIMIT`` bytes."""

    conclusion: Conclusion
    title: str
    summary: str
    annotations: Sequence[Annotation] = ()
    text: str = ""
    """What stands below the summary; empty: what an earlier run left there."""


@dataclass(slots=True)
class Delivery:
    """What GitHub took, and what it did not."""

    url: str = ""
    stored: int = 0
    rejected: list[Annotation] = field(default_factory=list)


class OpenCheckRun:
    """A check run in progress. Made by :func:`open_check_run`."""

    def __init__(self, api: GitHub, slot: Slot, run: CheckRun, earlier: CheckRun | None = None) -> None:
        self._api, self._slot, self._run = api, slot, run
        self.earlier = earlier
        """The check run that an earlier try left on this commit and that this one has taken up."""
        self._delivery = Delivery(url=run.html_url or "")
        self._confirmed = run.output.annotations_count

    @property
    def run(self) -> CheckRun:
        """The check run as GitHub last described it."""
        return self._run

    def complete(self, verdict: Verdict) -> Delivery:
        """Store the annotations in order, none lost and none twice, and close the check run with its conclusion.

        Raises:
            GitHubError: the check run could not be completed.
        """
        remaining = self._missing(verdict.annotations)
        chunks = [remaining[i : i + PER_REQUEST] for i in range(0, len(remaining), PER_REQUEST)]
        for chunk in chunks[:-1]:
            self._store(chunk, title=verdict.title)
        last = chunks[-1] if chunks else []
        try:
            self._patch(last, title=verdict.title, closing=verdict)
        except InvalidError:
            if not last:
                raise
            self._halve(last, title=verdict.title)
            self._patch([], title=verdict.title, closing=verdict)
        return self._delivery

    def _missing(self, wanted: Sequence[Annotation]) -> list[Annotation]:
        """Return those of *wanted* that an earlier try has not stored; leave its check run when it shows others."""
        if not self._run.output.annotations_count:
            return list(wanted)
        stored = Counter(_key(item) for item in self._api.annotations(self._run.id))
        if stored - Counter(_key(item) for item in wanted):  # annotations can be added but never taken away
            self._run = _create(self._api, self._slot)
            self._confirmed = 0
            return list(wanted)
        missing = []
        for item in wanted:
            if stored[_key(item)] > 0:
                stored[_key(item)] -= 1
                self._delivery.stored += 1
            else:
                missing.append(item)
        return missing

    def _store(self, chunk: Sequence[Annotation], *, title: str) -> None:
        try:
            self._patch(chunk, title=title)
        except InvalidError:
            self._halve(chunk, title=title)

    def _halve(self, chunk: Sequence[Annotation], *, title: str) -> None:
        if len(chunk) == 1:
            self._delivery.rejected.extend(chunk)
            return
        middle = len(chunk) // 2
        for half in (chunk[:middle], chunk[middle:]):
            self._store(half, title=title)

    def _patch(self, chunk: Sequence[Annotation], *, title: str, closing: Verdict | None = None) -> None:
        output: dict[str, Any] = {"title": title, "summary": "The results are being written."}
        body: dict[str, Any] = {"output": output}
        if chunk:
            output["annotations"] = [_payload(item) for item in chunk]
        if closing is not None:
            output["summary"] = closing.summary + self._rejections()
            left = self.earlier.output.text if self.earlier else None
            if text := closing.text or left:
                output["text"] = text
            body |= {"status": "completed", "conclusion": closing.conclusion.value}
        for attempt in range(1, _TRIES + 1):
            try:
                self._api.update_check_run(self._run.id, body)
            except AnswerLostError:
                if not (chunk and self._stored_now() >= self._confirmed + len(chunk)):
                    if attempt == _TRIES:
                        raise
                    continue
            self._confirmed += len(chunk)
            self._delivery.stored += len(chunk)
            return

    def _stored_now(self) -> int:
        return self._api.check_run(self._run.id).output.annotations_count

    def _rejections(self) -> str:
        count = len(self._delivery.rejected)
        if not count:
            return ""
        return f"\n\n{count} rejected: GitHub did not take {count} of the annotations; the artifact has all findings.\n"


def open_check_run(api: GitHub, slot: Slot) -> OpenCheckRun:
    """Open this run's check run, or take up the one that an earlier run left on the same commit.

    This is also the probe whether the token may write checks at all, made before anything is paid for.

    Raises:
        ForbiddenError: it may not.
        GitHubError: GitHub does not answer.
    """
    earlier = None if slot.fresh else _find(api, slot, lambda run: (run.external_id or "").startswith(OWN_PREFIX))
    if earlier is None:
        return OpenCheckRun(api, slot, _create(api, slot))
    body = {"external_id": slot.external_id}
    try:
        return OpenCheckRun(api, slot, api.update_check_run(earlier.id, body), earlier)
    except AnswerLostError:  # setting it once more changes nothing
        return OpenCheckRun(api, slot, api.update_check_run(earlier.id, body), earlier)


def _find(api: GitHub, slot: Slot, own: Any) -> CheckRun | None:
    runs = [run for run in api.check_runs(slot.head, slot.name) if own(run)]
    return max(runs, key=lambda run: run.id, default=None)


def _create(api: GitHub, slot: Slot) -> CheckRun:
    body: dict[str, Any] = {
        "name": slot.name,
        "head_sha": slot.head,
        "external_id": slot.external_id,
        "status": "in_progress",
    }
    if slot.details_url:
        body["details_url"] = slot.details_url
    for _ in range(_TRIES):
        try:
            return api.create_check_run(body)
        except AnswerLostError:
            made = _find(api, slot, lambda run: run.external_id == slot.external_id)
            if made is not None:
                return made
    raise GitHubError("the check run could not be created: GitHub fails again and again", remedy="run the job again")


def _payload(item: Annotation) -> Mapping[str, Any]:
    body: dict[str, Any] = {
        "path": item.path,
        "start_line": item.start_line,
        "end_line": item.end_line,
        "annotation_level": item.level.value,
        "message": item.message,
        "title": item.title,
    }
    if item.raw_details:
        body["raw_details"] = item.raw_details
    return body


def _key(item: Annotation | StoredAnnotation) -> tuple[str, int, int, str, str]:
    return (item.path, item.start_line, item.end_line, item.title or "", item.message or "")
