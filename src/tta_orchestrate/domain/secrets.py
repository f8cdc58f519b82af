"""Credentials in text, by their shape: one table for the check that reports them and the redactor that hides them.

Every pattern is linear: bounded repeats or one character class, no nested quantifiers. The shapes are those the vendors
document for secret scanning (GitHub, GitLab, AWS, Google, Anthropic, OpenAI, Slack, Stripe, npm, PyPI …).
"""

import math
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from tta_orchestrate.domain.redaction import MASK


@dataclass(frozen=True, slots=True, kw_only=True)
class SecretMatch:
    """Where a credential stands: ``text[start:end]``; ``kind`` is a key of ``KINDS``."""

    start: int
    end: int
    kind: str


# kind: pattern. A group named `v` narrows the match to the value alone. Order matters: the first one wins a place.
_PATTERNS: Final[Mapping[str, str]] = {
    "private-key": r"-----BEGIN[ A-Z0-9]{0,40} PRIVATE KEY(?: BLOCK)?-----(?:(?!-----)[\s\S]){0,65536}"
    r"(?:-----END[ A-Z0-9]{0,40}-----)?",
    "github-token": r"\b(?:gh[pousr]_[A-Za-z0-9._-]{36,1024}|github_pat_[A-Za-z0-9_]{22,255})",
    "gitlab-token": r"\bgl(?:pat|dt|ft|soat|rt|cbt|imt|ptt|agent|oas)-[A-Za-z0-9_.-]{20,1024}",
    "anthropic-key": r"\bsk-ant-[A-Za-z0-9_-]{20,1024}",
    "openai-key": r"\bsk-(?:(?:proj|svcacct|admin|None)-[A-Za-z0-9_-]{20,1024}|[A-Za-z0-9]{20}T3BlbkFJ[A-Za-z0-9]{20})",
    "openrouter-key": r"\bsk-or-v1-[0-9a-f]{40,128}",
    "groq-key": r"\bgsk_[A-Za-z0-9]{40,128}",
    "huggingface-token": r"\bhf_[A-Za-z]{34}\b",
    "google-api-key": r"\bAIza[A-Za-z0-9_-]{35}",
    "google-oauth-secret": r"\bGOCSPX-[A-Za-z0-9_-]{28}",
    "aws-key": r"\b(?:AKIA|ASIA|ABIA|ACCA)[A-Z2-7]{16}\b",
    "aws-secret": r"(?i:aws_?secret_?(?:access_?)?key)[\"']?\s{0,4}[:=]\s{0,4}[\"']?"
    r"(?P<v>[A-Za-z0-9/+]{40})(?![A-Za-z0-9/+=])",
    "slack-token": r"\bxox[abeoprs]-(?:[A-Za-z0-9]{1,64}-){1,4}[A-Za-z0-9]{10,128}|\bxapp-\d-[A-Za-z0-9-]{20,256}",
    "slack-webhook": r"https://hooks\.slack\.com/(?:services|workflows|triggers)/(?P<v>[A-Za-z0-9_/]{20,128})",
    "stripe-key": r"\b(?:[rs]k|whsec)_(?:live_|test_)?[A-Za-z0-9]{24,247}",
    "npm-token": r"\bnpm_[A-Za-z0-9]{36}\b",
    "pypi-token": r"\bpypi-AgE[A-Za-z0-9_-]{50,1024}",
    "sendgrid-key": r"\bSG\.[A-Za-z0-9_-]{22}\.[A-Za-z0-9_-]{43}",
    "digitalocean-token": r"\bdo[opr]_v1_[a-f0-9]{64}\b",
    "databricks-token": r"\bdapi[a-f0-9]{32}\b",
    "jwt": r"\beyJ[A-Za-z0-9_-]{10,2048}\.eyJ[A-Za-z0-9_-]{10,8192}\.[A-Za-z0-9_-]{10,2048}",
    "url-password": r"\b[a-z][a-z0-9+.-]{1,20}://[^\s:@/?#'\"<>{}$]{1,64}:(?P<v>[^\s:@/?#'\"<>{}$]{3,128})@[\w.-]",
}

KINDS: Final[Mapping[str, str]] = {
    "private-key": "Private key",
    "github-token": "GitHub token",
    "gitlab-token": "GitLab token",
    "anthropic-key": "Anthropic API key",
    "openai-key": "OpenAI API key",
    "openrouter-key": "OpenRouter API key",
    "groq-key": "Groq API key",
    "huggingface-token": "Hugging Face token",
    "google-api-key": "Google API key",
    "google-oauth-secret": "Google OAuth client secret",
    "aws-key": "AWS access key",
    "aws-secret": "AWS secret access key",
    "slack-token": "Slack token",
    "slack-webhook": "Slack webhook",
    "stripe-key": "Stripe key",
    "npm-token": "npm token",
    "pypi-token": "PyPI token",
    "sendgrid-key": "SendGrid API key",
    "digitalocean-token": "DigitalOcean token",
    "databricks-token": "Databricks token",
    "jwt": "JSON Web Token",
    "url-password": "Password in a URL",
    "password": "Hard-coded credential",
}

# One cheap literal scan decides which of the patterns have any business in a text.
_ANCHORS: Final[Mapping[str, tuple[str, ...]]] = {
    "private-key": ("PRIVATE KEY",),
    "github-token": ("ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_"),
    "gitlab-token": ("gl",),
    "anthropic-key": ("sk-ant-",),
    "openai-key": ("sk-",),
    "openrouter-key": ("sk-or-",),
    "groq-key": ("gsk_",),
    "huggingface-token": ("hf_",),
    "google-api-key": ("AIza",),
    "google-oauth-secret": ("GOCSPX-",),
    "aws-key": ("AKIA", "ASIA", "ABIA", "ACCA"),
    "aws-secret": ("aws", "AWS", "Aws"),
    "slack-token": ("xox", "xapp-"),
    "slack-webhook": ("hooks.slack.com",),
    "stripe-key": ("k_", "whsec_"),
    "npm-token": ("npm_",),
    "pypi-token": ("pypi-AgE",),
    "sendgrid-key": ("SG.",),
    "digitalocean-token": ("_v1_",),
    "databricks-token": ("dapi",),
    "jwt": ("eyJ",),
    "url-password": ("://",),
}
_COMPILED: Final = {kind: re.compile(pattern) for kind, pattern in _PATTERNS.items()}

# `password = "…"`, `"api_key": "…"`, `DB_PASSWORD=…`: a name that says credential, then a literal.
_NAME = r"(?:pass(?:word|wd|phrase)|pwd|secret(?:[_-]?key)?|token|api[_-]?key|access[_-]?key|auth[_-]?key"
_NAME += r"|client[_-]?secret|credentials?)"
_ASSIGNMENT: Final = re.compile(
    rf"(?P<name>{_NAME}(?![a-z])[\w-]{{0,24}})[\"'\]]{{0,2}}\s{{0,8}}(?::\s?str\s?)?(?::=|=>|[:=])\s{{0,8}}[rbu@]?"
    r"(?:\"(?P<d>[^\"\\\s]{6,256})\"|'(?P<s>[^'\\\s]{6,256})'|(?P<b>(?:(?<==)|(?<=:\s))"
    r"[A-Za-z0-9+/_=~!@#%^*.-]{12,256})(?=\s|$))",
    re.IGNORECASE,
)
_NAME_END: Final = re.compile(
    r"[_-](?:id|name|file|path|url|uri|type|field|label|length|len|count|ttl|env|var|header|prefix|regex|pattern|expir\w*"
    r"|format|help|hint|param|arg|hash|digest|sha\d*|fingerprint|version)s?$",
    re.IGNORECASE,
)

_PLACEHOLDER: Final = re.compile(
    r"""^(?:.{0,3}|(.)\1+|[xX*.•#_-]+|<.*>|\{.*\}|\$.*|%.*%?|\[.*\]|(?:sk-|gh[a-z]_)?[xX*]{4,}.*)$"""
    r"""|(?:example|changeme|change[_-]?(?:me|it|this)|placeholder|replace[_-]?(?:me|with|this)|dummy|redacted"""
    r"""|your[_-]|my[_-]?(?:secret|token|password|key)|lorem"""
    r"""|insert[_-]|\btodo|\bfixme|\bfake|sample|not[_-]?a?[_-]?real|xxxx|\*{4}|\.\.\.|…|0{8}|1234567890|abcdefgh"""
    r"""|deadbeef|foobar|<[\w -]+>|\$\{|\{\{)""",
    re.IGNORECASE,
)
_REFERENCE: Final = re.compile(
    r"^(?:[A-Za-z_][\w]*(?:\.[A-Za-z_]\w*)+|[A-Z][A-Z0-9_]*|[a-z]+(?:[_-][a-z]+)*|/[\w./-]*|\w+[(\[].*)$"
)
_SAMPLE_PASSWORDS: Final = frozenset(
    {"password", "passwd", "pass", "pwd", "secret", "token", "guest", "admin", "root", "test", "user", "username"}
    | {"postgres", "mysql", "mongo", "rabbitmq", "redis"}
)
_PEM_BODY: Final = re.compile(r"[A-Za-z0-9+/=]{40}")
MIN_ENTROPY: Final = 3.0
"""Bits per character that the value of an assignment needs; English words stay below, random keys above."""


def entropy(text: str) -> float:
    """Return Shannon's entropy of the characters of *text*, in bits per character (0 for an empty text)."""
    total = len(text)
    return -sum(n / total * math.log2(n / total) for n in Counter(text).values())


def is_placeholder(value: str) -> bool:
    """Whether *value* is a stand-in (``changeme``, ``<token>``, ``${{ secrets.X }}``, ``xxxx``) and no credential."""
    return _PLACEHOLDER.search(value) is not None


def _is_real(kind: str, text: str) -> bool:
    if kind == "private-key":
        return _PEM_BODY.search(text) is not None
    if kind == "jwt":
        return True
    return not is_placeholder(text) and text.lower() not in _SAMPLE_PASSWORDS


def _looks_like_credential(match: re.Match[str]) -> bool:
    value = match["d"] or match["s"] or match["b"] or ""
    if _NAME_END.search(match["name"]) or is_placeholder(value) or _REFERENCE.match(value):
        return False
    if value.lower() in match["name"].lower() or "://" in value:
        return False
    if match["b"] and not any(char.isdigit() for char in value):
        return False
    kinds = {char.islower() - char.isupper() if char.isalpha() else 2 + char.isdigit() for char in value}
    return len(kinds) > 1 and entropy(value) >= MIN_ENTROPY


def _vendors(text: str) -> Iterator[SecretMatch]:
    for kind, pattern in _COMPILED.items():
        if not any(anchor in text for anchor in _ANCHORS[kind]):
            continue
        for match in pattern.finditer(text):
            start, end = match.span("v" if "v" in pattern.groupindex else 0)
            if _is_real(kind, text[start:end]):
                yield SecretMatch(start=start, end=end, kind=kind)


def _assignments(text: str) -> Iterator[SecretMatch]:
    for match in _ASSIGNMENT.finditer(text):
        if _looks_like_credential(match):
            group = next(name for name in ("d", "s", "b") if match[name])
            yield SecretMatch(start=match.start(group), end=match.end(group), kind="password")


def _disjoint(finders: tuple[Callable[[str], Iterator[SecretMatch]], ...], text: str) -> list[SecretMatch]:
    taken: list[SecretMatch] = []
    last = -1
    found = [(m.start, order, m) for order, finder in enumerate(finders) for m in finder(text)]
    for _, _, match in sorted(found, key=lambda item: (item[0], item[1], -item[2].end)):
        if match.start >= last:
            taken.append(match)
            last = match.end
    return taken


def find_secrets(text: str) -> Iterator[SecretMatch]:
    """Yield the credentials in *text* from left to right, none overlapping another."""
    yield from _disjoint((_vendors, _assignments), text)


def mask_secrets(text: str) -> str:
    """Return *text* with every credential replaced by ``MASK``."""
    parts: list[str] = []
    at = 0
    for match in find_secrets(text):
        parts += (text[at : match.start], MASK)
        at = match.end
    return "".join((*parts, text[at:]))
