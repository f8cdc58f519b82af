"""Credentials in added text: the table of ``domain.secrets``, and detect-secrets for the vendors it knows beyond that.

detect-secrets is used as a library on single lines: only its fixed-shape plug-ins, never their ``verify`` (network),
its settings or its file scanner. A plug-in sees only lines in which one cheap expression found its landmark.
"""

import re
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from itertools import accumulate, groupby
from typing import Any, Final

from tta_orchestrate.domain.finding import Candidate, Category, Rule, Severity
from tta_orchestrate.domain.secrets import KINDS, SecretMatch, find_secrets, is_placeholder
from tta_orchestrate.ports import Check, CheckResult, SourceFile

_CERTAIN: Final = 0.95
_LIKELY: Final = 0.7

# kind: (title, module, class, landmark). The landmarks keep the plug-ins off the lines they cannot match.
_COS: Final = r"(?i:secret[-_]?(?:access)?[-_]?key).{1,9}[a-f0-9]{48}"
_DISCORD: Final = r"\b[MNO][\w-]{23,25}\.[\w-]{6}\.[\w-]{27}"
_PLUGINS: Final[Mapping[str, tuple[str, str, str, str]]] = {
    "artifactory": ("Artifactory credential", "artifactory", "ArtifactoryDetector", r"\bAKC[a-zA-Z0-9]{10}"),
    "azure-storage-key": ("Azure storage key", "azure_storage_key", "AzureStorageKeyDetector", r"AccountKey="),
    "cloudant": ("Cloudant credential", "cloudant", "CloudantDetector", r"(?i:cloudant)"),
    "discord-token": ("Discord bot token", "discord", "DiscordBotTokenDetector", _DISCORD),
    "ibm-cos-hmac": ("IBM COS credential", "ibm_cos_hmac", "IbmCosHmacDetector", _COS),
    "mailchimp-key": ("Mailchimp key", "mailchimp", "MailchimpDetector", r"\b[0-9a-z]{32}-us[0-9]"),
    "softlayer": ("SoftLayer credential", "softlayer", "SoftlayerDetector", r"(?i:softlayer)"),
    "square-oauth": ("Square OAuth secret", "square_oauth", "SquareOAuthDetector", r"sq0csp-"),
    "telegram-token": (
        "Telegram token",
        "telegram_token",
        "TelegramBotTokenDetector",
        r"\b\d{8,10}:[\w-]{35}(?![\w-])",
    ),
    "twilio-key": ("Twilio key", "twilio", "TwilioKeyDetector", r"\bSK[a-f0-9]{32}\b"),
}
_LANDMARKS: Final = re.compile("|".join(f"(?P<p{i}>{row[3]})" for i, row in enumerate(_PLUGINS.values())))


def _rule(kind: str, title: str) -> Rule:
    generic = kind in {"password", "url-password"}
    return Rule(
        id=f"secrets/{kind}",
        title=f"{title} in the code",
        category=Category.SECURITY,
        severity=Severity.HIGH if generic else Severity.CRITICAL,
        why="Whoever can read the repository, now or later in its history, can use it. "
        "Revoke it at its issuer, then read the value from the environment or a secret store.",
        confidence=_LIKELY if generic else _CERTAIN,
    )


@cache
def _plugins() -> tuple[Any, ...]:
    from importlib import import_module

    return tuple(getattr(import_module(f"detect_secrets.plugins.{row[1]}"), row[2])() for row in _PLUGINS.values())


def _from_plugins(text: str) -> Iterator[SecretMatch]:
    kinds = tuple(_PLUGINS)
    seen: set[tuple[int, int]] = set()
    for landmark in _LANDMARKS.finditer(text):
        start, index = text.rfind("\n", 0, landmark.start()) + 1, int((landmark.lastgroup or "p0")[1:])
        if (start, index) in seen:
            continue
        seen.add((start, index))
        end = text.find("\n", start)
        line = text[start:] if end < 0 else text[start:end]
        for value in {value for value in _plugins()[index].analyze_string(line) if value and not is_placeholder(value)}:
            at = start + line.index(value)
            yield SecretMatch(start=at, end=at + len(value), kind=kinds[index])


def _disjoint(text: str) -> list[SecretMatch]:
    taken: list[SecretMatch] = []
    for match in sorted({*find_secrets(text), *_from_plugins(text)}, key=lambda m: (m.start, -m.end, m.kind)):
        if not taken or match.start >= taken[-1].end:
            taken.append(match)
    return taken


def _blocks(file: SourceFile) -> Iterator[tuple[int, str]]:
    """Yield first line number and text of each run of known lines (a key of many lines is one finding)."""
    if file.text is not None:
        yield 1, file.text
        return
    for _, run in groupby(enumerate(file.lines()), key=lambda item: item[1][0] - item[0]):
        lines = [line for _, line in run]
        yield lines[0][0], "\n".join(text for _, text in lines)


class SecretsCheck:
    """Every credential is one finding; its value stands in the quote (masked on the way out) and nowhere else."""

    name = "secrets"
    rules: Mapping[str, Rule] = {
        f"secrets/{kind}": _rule(kind, title)
        for kind, title in {**KINDS, **{kind: row[0] for kind, row in _PLUGINS.items()}}.items()
    }

    def applies(self, file: SourceFile) -> bool:
        """Any text can hold a credential."""
        return not file.change.binary

    def run(self, files: Sequence[SourceFile]) -> CheckResult:
        """Look at the whole text where it is known, else at the added lines."""
        return CheckResult(candidates=[found for file in files for found in self._in_file(file)])

    def _in_file(self, file: SourceFile) -> Iterator[Candidate]:
        for first, text in _blocks(file):
            matches = _disjoint(text)
            if not matches:
                continue
            lines = text.split("\n")
            offsets = [0, *accumulate(len(line) + 1 for line in lines)]
            rows = [(bisect_right(offsets, m.start) - 1, bisect_right(offsets, m.end - 1) - 1) for m in matches]
            on_row: dict[int, set[str]] = {}
            for match, (start, end) in zip(matches, rows, strict=True):
                for row in {start, end}:
                    on_row.setdefault(row, set()).add(text[match.start : match.end])
            for match, (start, end) in zip(matches, rows, strict=True):
                yield file.claim(
                    self.rules[f"secrets/{match.kind}"],
                    quote="\n".join(lines[start : end + 1]),
                    start=first + start,
                    end=first + end,
                    redact=tuple(sorted(on_row[start] | on_row[end])),
                )


CHECK: Final[Check] = SecretsCheck()
