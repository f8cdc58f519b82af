"""Dangers in GitHub workflows and actions: text of strangers that becomes a script, code that can be swapped.

The file is composed to nodes that know their places and never constructed. What counts as untrusted is GitHub's own
list (Security hardening for GitHub Actions, "Understanding the risk of script injections").
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from tta_orchestrate.domain.finding import Candidate, Category, Rule, Severity
from tta_orchestrate.domain.report import Skipped, SkipReason
from tta_orchestrate.ports import Check, CheckResult, SourceFile


def _rule(name: str, title: str, severity: Severity, why: str, confidence: float = 0.9) -> Rule:
    return Rule(
        id=f"workflow/{name}",
        title=title,
        category=Category.SECURITY,
        severity=severity,
        why=why,
        confidence=confidence,
        help_url="https://docs.github.com/en/actions/reference/security/secure-use",
    )


EXPRESSION: Final = _rule(
    "untrusted-expression",
    "Untrusted text becomes part of a script",
    Severity.HIGH,
    "GitHub pastes the text into the script before a shell sees it, so whoever writes it runs commands with this "
    "job's token and secrets. Put it into `env:` and read the quoted variable.",
)
UNPINNED: Final = _rule(
    "unpinned-action",
    "Action is not pinned to a commit",
    Severity.MEDIUM,
    "A tag or a branch can be moved to other code at any time; a full commit SHA (for an image a digest) cannot.",
)
CHECKOUT: Final = _rule(
    "untrusted-checkout",
    "Code of a pull request is fetched where secrets are",
    Severity.HIGH,
    "This event runs with the secrets and the write token of the base repository; building or testing the fetched code "
    "hands both to its author.",
    0.85,
)
INHERIT: Final = _rule(
    "secrets-inherit",
    "All secrets are passed on",
    Severity.LOW,
    "The called workflow gets every secret of this repository; pass the ones that it needs.",
)
WRITE_ALL: Final = _rule(
    "write-all",
    "Token may write everything",
    Severity.MEDIUM,
    "A step that goes astray can push, release and approve; grant the scopes that the job needs.",
    0.95,
)
_RULES: Final = (EXPRESSION, UNPINNED, CHECKOUT, INHERIT, WRITE_ALL)

MAX_CHARACTERS: Final = 500_000
_PATH: Final = re.compile(r"(?:^|/)\.github/workflows/[^/]+\.ya?ml$|(?:^|/)action\.ya?ml$", re.IGNORECASE)
_EVENT: Final = (
    r"(?:(?:issue|pull_request|discussion|comment|review|review_comment)\.(?:title|body)|pages\.[\w*]+\.page_name"
    r"|pull_request\.head\.(?:ref|label|repo\.(?:default_branch|description|homepage|full_name))"
    r"|(?:commits\.[\w*]+|head_commit)\.(?:message|author\.(?:email|name)|committer\.(?:email|name))"
    r"|workflow_run\.(?:head_branch|display_title|head_commit\.message|head_repository\.description)"
    r"|workflow_run\.(?:head_commit\.author\.(?:email|name)|pull_requests\.[\w*]+\.head\.ref))\b"
)
_UNTRUSTED: Final = re.compile(rf"\bgithub\.event\.{_EVENT}|\bgithub\.head_ref\b", re.IGNORECASE)
_WHOLE: Final = re.compile(
    r"\btojson\(\s*(github(?:\.event(?:\.(?:issue|pull_request|comment|review|discussion|head_commit|commits))?)?)\s*\)",
    re.IGNORECASE,
)
_INPUT: Final = re.compile(r"\binputs\.[\w-]+", re.IGNORECASE)
_EXPRESSION: Final = re.compile(r"\$\{\{((?:[^}$]|\}(?!\})|\$(?!\{\{))*+)\}\}")
_INDEX: Final = re.compile(r"\[\s*(?:'([\w-]+)'|(\d+)|(\*))\s*\]")
# What yields true or false, never the text itself.
_ANSWER: Final = re.compile(
    r"\b(?:contains|startsWith|endsWith|hashFiles)\([^()]*\)|[\w.*-]+\s*[!=]=\s*(?:'[^']*'|[\w.*-]+)|'[^']*'\s*[!=]=\s*[\w.*-]+",
    re.IGNORECASE,
)
_HEAD: Final = re.compile(
    r"github\.event\.pull_request\.head\b|github\.head_ref|github\.event\.workflow_run\.head_|refs/pull/|\bpull/.{0,60}/(?:head|merge)\b"
    r"|github\.event\.pull_request\.merge_commit_sha|github\.event\.(?:number|pull_request\.number)",
    re.IGNORECASE,
)
_FETCH: Final = re.compile(
    r"\bgh\s+pr\s+checkout\b|\bgit\s+(?:fetch|checkout|pull|clone|switch|merge)\b[^\n]*", re.IGNORECASE
)
_PINNED: Final = re.compile(r"@(?:[0-9a-f]{40}|[0-9a-f]{64}|sha256:[0-9a-f]{64})$", re.IGNORECASE)
_USES_LINE: Final = re.compile(r"^\s*(?:-\s+)?uses:\s*[\"']?([^\s\"'#]+)")
_FIRST_PARTY: Final = ("actions/", "github/")
_SCRIPT_INPUTS: Final = frozenset({"script", "inlinescript"})
_PRIVILEGED: Final = frozenset({"pull_request_target", "workflow_run"})


@dataclass(frozen=True, slots=True)
class _Place:
    """A danger at ``text[start:end]``."""

    rule: Rule
    start: int
    end: int
    message: str
    severity: Severity


def _place(rule: Rule, start: int, end: int, what: str = "", severity: Severity | None = None) -> _Place:
    message = f"{what}. {rule.why}" if what else rule.why
    return _Place(rule, start, end, message, severity or rule.severity)


def _entries(node: Any) -> Iterator[tuple[str, Any]]:
    """Yield key and value node of a mapping node; nothing for any other node."""
    for key, value in getattr(node, "value", ()) if getattr(node, "id", "") == "mapping" else ():
        if isinstance(key.value, str):
            yield key.value, value


def _items(node: Any) -> Sequence[Any]:
    return node.value if getattr(node, "id", "") == "sequence" else ()


def _scalar(node: Any) -> str:
    return node.value if getattr(node, "id", "") == "scalar" else ""


def _danger(expression: str, *, composite: bool) -> str:
    """Return the untrusted context that *expression* pastes, ``""`` when there is none."""
    plain = _INDEX.sub(lambda match: f".{match[1] or match[2] or match[3]}", expression)
    if whole := _WHOLE.search(plain):
        return whole[1]
    rest = _ANSWER.sub(" ", plain)
    found = _UNTRUSTED.search(rest) or (_INPUT.search(rest) if composite else None)
    return found[0] if found else ""


class _Workflow:
    """One walk over the jobs and steps of a composed file; a node that aliases repeat is looked at once."""

    def __init__(self, text: str, root: Any) -> None:
        self._text = text
        self._root = root
        self._seen: set[int] = set()
        self._composite = any(key == "runs" for key, _ in _entries(root))
        triggers = next((value for key, value in _entries(root) if key in {"on", "true"}), None)
        names = {_scalar(triggers), *(key for key, _ in _entries(triggers)), *map(_scalar, _items(triggers))}
        self._privileged = bool(names & _PRIVILEGED)

    def dangers(self) -> Iterator[_Place]:
        for key, value in _entries(self._root):
            if key == "permissions":
                yield from self._permissions(value)
            elif key == "jobs":
                for _, job in _entries(value):
                    yield from self._job(job)
            elif key == "runs":
                yield from self._job(value)

    def _job(self, job: Any) -> Iterator[_Place]:
        for key, value in _entries(job):
            if id(value) in self._seen:
                continue
            self._seen.add(id(value))
            if key == "permissions":
                yield from self._permissions(value)
            elif key == "uses":
                yield from _pin(value)
            elif key == "secrets" and _scalar(value) == "inherit":
                yield _place(INHERIT, value.start_mark.index, value.end_mark.index)
            elif key == "steps":
                for step in _items(value):
                    yield from self._step(step)

    def _permissions(self, node: Any) -> Iterator[_Place]:
        if _scalar(node) == "write-all":
            yield _place(WRITE_ALL, node.start_mark.index, node.end_mark.index)

    def _step(self, step: Any) -> Iterator[_Place]:
        if id(step) in self._seen:
            return
        self._seen.add(id(step))
        parts = dict(_entries(step))
        uses = _scalar(parts.get("uses"))
        if "uses" in parts:
            yield from _pin(parts["uses"])
        if "run" in parts:
            yield from self._script(parts["run"])
        for name, value in _entries(parts.get("with")):
            if name.lower() in _SCRIPT_INPUTS:
                yield from self._script(value)
            if (
                self._privileged
                and name in {"ref", "repository"}
                and "checkout" in uses
                and _HEAD.search(_scalar(value))
            ):
                yield _place(CHECKOUT, value.start_mark.index, value.end_mark.index)

    def _script(self, node: Any) -> Iterator[_Place]:
        start, end = node.start_mark.index, node.end_mark.index
        for match in _EXPRESSION.finditer(self._text, start, end):
            if context := _danger(match[1], composite=self._composite):
                mild = Severity.MEDIUM if context.lower().startswith("inputs.") else None
                yield _place(EXPRESSION, match.start(), match.end(), f"`{context}` is pasted here", mild)
        for match in _FETCH.finditer(self._text, start, end) if self._privileged else ():
            if "pr" in match[0].split() or _HEAD.search(match[0]):
                yield _place(CHECKOUT, match.start(), match.end())


def _unpinned(uses: str) -> Severity | None:
    """Return how bad it is that *uses* can be moved, ``None`` when it is pinned or local."""
    if not uses or uses.startswith(("./", "../", "${{")) or _PINNED.search(uses):
        return None
    return Severity.LOW if uses.lower().startswith(_FIRST_PARTY) else UNPINNED.severity


def _pin(node: Any) -> Iterator[_Place]:
    if severity := _unpinned(_scalar(node)):
        yield _place(UNPINNED, node.start_mark.index, node.end_mark.index, severity=severity)


class WorkflowsCheck:
    """Every danger is a finding at the line where the expression, the reference or the permission stands."""

    name = "workflows"
    rules: Mapping[str, Rule] = {rule.id: rule for rule in _RULES}

    def applies(self, file: SourceFile) -> bool:
        """Workflows, and ``action.yml`` anywhere."""
        return _PATH.search(file.path) is not None and not file.change.binary

    def run(self, files: Sequence[SourceFile]) -> CheckResult:
        """Look at whole files; of a bare diff only at its ``uses:`` lines."""
        claims: list[Candidate] = []
        skipped: list[Skipped] = []
        for file in files:
            if file.text is None:
                detail = "only `uses:` lines were looked at: the rest needs the whole workflow"
                skipped.append(Skipped(path=file.path, reason=SkipReason.NEEDS_FILE, detail=detail))
                claims += _by_line(file)
            elif len(file.text) > MAX_CHARACTERS:
                skipped.append(Skipped(path=file.path, reason=SkipReason.TOO_LARGE, detail="too large for a workflow"))
            elif (root := _compose(file.text)) is None:
                skipped.append(
                    Skipped(path=file.path, reason=SkipReason.UNSUPPORTED, detail="it does not parse as YAML")
                )
            else:
                claims += _claims(file, file.text, root)
        return CheckResult(candidates=claims, skipped=skipped)


def _compose(text: str) -> Any:
    """Return the root node, a blank one for an empty file, ``None`` when it does not parse."""
    import yaml

    try:
        # One sign for each that is not Unicode, so that places stay true.
        root = yaml.compose(text.encode("utf-8", "replace").decode(), Loader=yaml.SafeLoader)
    except (yaml.YAMLError, RecursionError):
        return None
    return root or yaml.MappingNode("", [])


def _claims(file: SourceFile, text: str, root: Any) -> Iterator[Candidate]:
    lines = text.split("\n")
    places = sorted(_Workflow(text, root).dangers(), key=lambda place: (place.start, place.end, place.rule.id))
    for place in places:
        start = text.count("\n", 0, place.start) + 1
        end = text.count("\n", 0, max(place.start, place.end - 1)) + 1
        quote = "\n".join(lines[start - 1 : end])
        claim = file.claim(place.rule, quote=quote, start=start, end=end, message=place.message)
        yield replace(claim, severity=place.severity)


def _by_line(file: SourceFile) -> Iterator[Candidate]:
    for number, text in file.lines():
        match = _USES_LINE.match(text)
        severity = _unpinned(match[1]) if match else None
        if severity:
            yield replace(file.claim(UNPINNED, quote=text, start=number), severity=severity)


CHECK: Final[Check] = WorkflowsCheck()
