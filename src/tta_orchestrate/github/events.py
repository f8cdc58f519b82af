"""From the event's payload to what is to be done: pure, and the place where trust is decided.

Sources: "Events that trigger workflows", "Webhook events and payloads", "Secure use reference". Everything in a payload
that a stranger can choose (titles, branch names, labels of forks) is data: it can make a run skip, never steer one.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any, Final

from tta_orchestrate.errors import ConfigError

PRIVILEGED: Final = frozenset({"pull_request_target", "workflow_run", "issue_comment"})
"""Events that run with the repository's secrets on behalf of whoever caused them."""
SUPPORTED: Final = ("pull_request", "push", "workflow_dispatch", "schedule", "merge_group", "repository_dispatch")
MODES: Final = ("review", "test-gen", "docgen")
NO_COMMIT: Final = "0" * 40
_OBJECT_NAME: Final = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?\Z")
_FRESH_ACTIONS: Final = frozenset({"opened", "synchronize"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """Which pull requests are left alone, from the configuration."""

    skip_drafts: bool = True
    skip_authors: Sequence[str] = ()
    skip_labels: Sequence[str] = ()
    skip_titles: Sequence[str] = ()
    """Patterns as in a shell, compared without regard to case."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PullFacts:
    """What the payload says of the pull request; all of it may be a stranger's words."""

    number: int
    title: str = ""
    author: str = ""
    draft: bool = False
    labels: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What this event asks for."""

    mode: str
    base: str = ""
    """Revision to compare with; empty means the mode's own default."""
    head: str = ""
    """The commit that is looked at and that the check run belongs to; empty when a branch was deleted."""
    pull_request: int | None = None
    branch: str = ""
    """``owner:branch`` that a pull request comes from whose number the payload does not tell."""
    facts: PullFacts | None = None
    trusted: bool = True
    """False: the change comes from outside, and nothing of it is executed beside a secret."""
    before: str = ""
    """The head of the pull request before this push, where the payload tells."""
    fresh: bool = False
    """The commit cannot have been looked at before."""


def decide(event: str, payload: Mapping[str, Any], *, mode: str, sha: str, allow_untrusted: bool = False) -> Decision:
    """Return the decision for *event*; *mode* is the input's, *sha* is ``GITHUB_SHA``.

    Raises:
        ConfigError: the event is refused, unknown, or its payload lacks what it must have.
    """
    if event in PRIVILEGED and not allow_untrusted:
        raise ConfigError(
            f"event {event!r} runs with secrets on behalf of strangers and is refused",
            remedy="use `pull_request`, or set the input `allow-untrusted: true` after reading SECURITY.md",
        )
    match event:
        case "pull_request" | "pull_request_target":
            return _pull_request(payload, mode, privileged=event in PRIVILEGED)
        case "push":
            return Decision(mode=mode, base=_end(payload.get("before")), head=_end(payload.get("after")))
        case "merge_group":
            group = _table(payload, "merge_group")
            return Decision(mode=mode, base=_commit(group.get("base_sha")), head=_commit(group.get("head_sha")))
        case "workflow_dispatch" | "schedule":
            return Decision(mode=mode, head=_commit(sha))
        case "repository_dispatch":
            return _webhook(payload, mode, sha)
        case "issue_comment":
            return _comment(payload, mode, sha)
        case "workflow_run":
            return _workflow_run(payload, mode)
        case _:
            known = ", ".join(SUPPORTED)
            raise ConfigError(f"event {event!r} starts nothing here", remedy=f"use one of: {known}")


def _pull_request(payload: Mapping[str, Any], mode: str, *, privileged: bool) -> Decision:
    pull = _table(payload, "pull_request")
    base, head = _table(pull, "base"), _table(pull, "head")
    ours = _name_of(base) != "" and _name_of(base) == _name_of(head)
    facts = _facts(pull)
    return Decision(
        mode=mode,
        base=_commit(base.get("sha")),
        head=_commit(head.get("sha")),
        pull_request=facts.number,
        facts=facts,
        trusted=ours and not privileged and facts.author != "dependabot[bot]",
        before=before if _OBJECT_NAME.match(before := _text(payload.get("before"))) else "",
        fresh=payload.get("action") in _FRESH_ACTIONS,
    )


def _facts(pull: Mapping[str, Any]) -> PullFacts:
    labels = pull.get("labels")
    names = [label.get("name") for label in labels if isinstance(label, dict)] if isinstance(labels, list) else []
    return PullFacts(
        number=_number(pull.get("number")),
        title=_text(pull.get("title")),
        author=_text(_table(pull, "user", missing_ok=True).get("login")),
        draft=pull.get("draft") is True,
        labels=frozenset(name for name in names if isinstance(name, str)),
    )


def why_skip(decision: Decision, policy: Policy) -> str:
    """Return why nothing is to be done, in words for the reader and free of a stranger's; empty: go on."""
    if not decision.head:
        return "the branch was deleted"
    facts = decision.facts
    if facts is None:
        return ""
    if policy.skip_drafts and facts.draft:
        return "the pull request is a draft (`run.skip_drafts`)"
    if facts.author in policy.skip_authors:
        return "the author is on the list `run.skip_authors`"
    if facts.labels.intersection(policy.skip_labels):
        return "a label is on the list `run.skip_labels`"
    if any(fnmatchcase(facts.title.lower(), pattern.lower()) for pattern in policy.skip_titles):
        return "the title matches a pattern of `run.skip_titles`"
    return ""


def _webhook(payload: Mapping[str, Any], mode: str, sha: str) -> Decision:
    """``client_payload`` may hold ``mode``, ``base`` and ``head`` (commits), ``pull_request`` (a number)."""
    asked = _table(payload, "client_payload", missing_ok=True)
    wanted = _text(asked.get("mode")) or mode
    if wanted not in MODES:
        raise ConfigError("client_payload.mode is unknown", remedy=f"use one of: {', '.join(MODES)}")
    base, head, number = asked.get("base"), asked.get("head"), asked.get("pull_request")
    return Decision(
        mode=wanted,
        base=_commit(base) if base else "",
        head=_commit(head) if head else _commit(sha),
        pull_request=None if number is None else _number(number),
    )


def _comment(payload: Mapping[str, Any], mode: str, sha: str) -> Decision:
    issue = _table(payload, "issue")
    number = _number(issue.get("number")) if issue.get("pull_request") else None
    return Decision(mode=mode, head=_commit(sha), pull_request=number, trusted=False)


def _workflow_run(payload: Mapping[str, Any], mode: str) -> Decision:
    """GitHub leaves ``pull_requests`` empty when the pull request comes from a fork."""
    run = _table(payload, "workflow_run")
    pulls = run.get("pull_requests")
    first = pulls[0] if isinstance(pulls, list) and pulls else None
    number = _number(first.get("number")) if isinstance(first, dict) else None
    repository = _table(run, "head_repository", missing_ok=True)
    owner = _text(_table(repository, "owner", missing_ok=True).get("login"))
    branch = _text(run.get("head_branch"))
    return Decision(
        mode=mode,
        head=_commit(run.get("head_sha")),
        pull_request=number,
        branch=f"{owner}:{branch}" if owner and branch else "",
        trusted=False,
    )


def _table(payload: Mapping[str, Any], name: str, *, missing_ok: bool = False) -> Mapping[str, Any]:
    value = payload.get(name)
    if isinstance(value, dict):
        return value
    if missing_ok and value is None:
        return {}
    raise ConfigError(f"the event's payload has no {name!r}", remedy="is GITHUB_EVENT_PATH the runner's own file?")


def _name_of(end: Mapping[str, Any]) -> str:
    repository = end.get("repo")  # null when a fork was deleted
    return _text(repository.get("full_name")) if isinstance(repository, dict) else ""


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _commit(value: object) -> str:
    text = _text(value)
    if not _OBJECT_NAME.match(text):
        raise ConfigError(
            "the event's payload names no commit where it must", remedy="pass `base` and `head` as inputs"
        )
    return text


def _end(value: object) -> str:
    """Return a commit, or the empty string where a push has none: its branch is new, or gone."""
    commit = _commit(value)
    return "" if commit == NO_COMMIT else commit


def _number(value: object) -> int:
    if isinstance(value, int) and not isinstance(value, bool) and value > 0:
        return value
    raise ConfigError("the event's payload has no number of a pull request where it must")
