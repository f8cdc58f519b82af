"""The last word when the container died: GitHub must not show a check that is forever in progress, or none at all."""

from __future__ import annotations

import json
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

TIMEOUT = 2.0
"""Seconds per request: the runner gives a cancelled step ten in all."""


@dataclass(frozen=True)
class CheckSlot:
    """Where the verdict of this run belongs."""

    api_url: str
    repository: str
    token: str
    head: str
    name: str
    external_id: str
    """The same that the program uses: see ``tta_orchestrate.github.publish.check_run``."""


def post_verdict(slot: CheckSlot, *, conclusion: str, title: str, summary: str) -> str:
    """Complete this run's check run, or make one; return a line that says what happened. Never raises."""
    output = {"title": title, "summary": summary}
    body: dict[str, Any] = {"status": "completed", "conclusion": conclusion, "output": output}
    try:
        found = _own_check_run(slot)
        if found is None:
            own = {"name": slot.name, "head_sha": slot.head, "external_id": slot.external_id}
            _call(slot, "POST", "check-runs", {**own, **body})
            return f"check run {slot.name!r} created as {conclusion}"
        if found.get("status") == "completed":
            return f"check run {slot.name!r} was already complete"
        _call(slot, "PATCH", f"check-runs/{int(found['id'])}", body)
    except (OSError, ValueError, KeyError, TypeError) as error:
        return f"the check run could not be written: {type(error).__name__}"
    return f"check run {slot.name!r} completed as {conclusion}"


def _own_check_run(slot: CheckSlot) -> Mapping[str, Any] | None:
    query = urllib.parse.urlencode({"check_name": slot.name, "per_page": 100})
    answer = _call(slot, "GET", f"commits/{urllib.parse.quote(slot.head, safe='')}/check-runs?{query}")
    own = (run for run in answer["check_runs"] if run.get("external_id") == slot.external_id)
    return next(own, None)


def _call(slot: CheckSlot, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
    if not slot.api_url.startswith(("https://", "http://")):
        raise ValueError("not a web address")
    request = urllib.request.Request(  # noqa: S310 -- the scheme is checked above
        f"{slot.api_url}/repos/{slot.repository}/{path}",
        method=method,
        data=None if body is None else json.dumps(body).encode(),
        headers={
            "Accept": "application/vnd.github+json",
            "Authorization": f"Bearer {slot.token}",
            "Content-Type": "application/json",
            "User-Agent": "tta-orchestrate-launcher",
            "X-GitHub-Api-Version": "2022-11-28",
        },
    )
    with urllib.request.urlopen(request, timeout=TIMEOUT) as answer:  # noqa: S310 -- the scheme is checked above
        return json.load(answer)
