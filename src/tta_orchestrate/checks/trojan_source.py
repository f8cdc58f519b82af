"""Text that does not say what it shows: the attacks of "Trojan Source" (CVE-2021-42574, CVE-2021-42694) and their kin.

Characters are always named as ``U+202E``, never printed.
"""

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from pathlib import PurePosixPath
from typing import Final

from tta_orchestrate.domain.finding import Candidate, Category, Rule, Severity
from tta_orchestrate.ports import Check, CheckResult, SourceFile


def _rule(name: str, title: str, severity: Severity, confidence: float, why: str) -> Rule:
    return Rule(
        id=f"trojan-source/{name}",
        title=title,
        category=Category.SECURITY,
        severity=severity,
        confidence=confidence,
        why=why,
    )


_RULES: Final = (
    _rule(
        "bidi", "Bidirectional control character", Severity.HIGH, 0.95, "The line reads in another order than it runs."
    ),
    _rule(
        "tag",
        "Invisible tag character",
        Severity.HIGH,
        0.95,
        "It hides text from people that models and programs read.",
    ),
    _rule(
        "invisible",
        "Invisible character",
        Severity.MEDIUM,
        0.85,
        "Names and texts that look the same are not the same.",
    ),
    _rule(
        "control", "Control character", Severity.MEDIUM, 0.8, "A terminal or a viewer obeys it instead of showing it."
    ),
    _rule(
        "homoglyph", "Identifier mixes scripts", Severity.HIGH, 0.85, "It looks like another identifier and is none."
    ),
)

_BIDI: Final = "\u202a-\u202e\u2066-\u2069\u200e\u200f\u061c"
_TAG: Final = "\U000e0000-\U000e007f"
# Variation selectors pick a glyph after a sign (emoji, Han, Mongolian); in a row they carry hidden bytes.
_SELECTOR: Final = "\ufe00-\ufe0f\U000e0100-\U000e01ef"
_INVISIBLE: Final = (
    "\u00ad\u034f\u115f\u1160\u17b4\u17b5\u180e\u200b-\u200d\u2060-\u2065\u206a-\u206f\u3164\ufeff\uffa0\ufff9-\ufffb"
)
_CONTROL: Final = "\x00-\x08\x0b\x0e-\x1f\x7f-\x84\x86-\x9f"
_SUSPECT: Final = re.compile(f"[{_BIDI}{_TAG}{_INVISIBLE}{_CONTROL}]|[{_SELECTOR}]{{2,}}")
_ANY_NON_ASCII: Final = re.compile(r"[^\x00-\x7f]")
_CONTROLS: Final = re.compile(f"[{_CONTROL}]")
_JOINERS: Final = frozenset("\u200c\u200d")
_WORD: Final = re.compile(r"[^\W\d]\w*")
_CLASSES: Final = {
    "bidi": re.compile(f"[{_BIDI}]"),
    "tag": re.compile(f"[{_TAG}]"),
    "control": _CONTROLS,
    "invisible": re.compile(f"[{_INVISIBLE}{_SELECTOR}]"),
}
# A flag of a region (🏴 + tags + cancel) is the one honest use of tag characters.
_FLAG: Final = re.compile("\U0001f3f4[\U000e0020-\U000e007e]{1,8}\U000e007f")

_PROSE: Final = frozenset(
    {".md", ".markdown", ".rst", ".txt", ".adoc", ".tex", ".org", ".html", ".htm", ".svg", ".csv", ".tsv"}
    | {".po", ".pot", ".json", ".arb", ".xlf", ".strings"}
)
_SCRIPTS: Final = ("LATIN", "CYRILLIC", "GREEK", "ARMENIAN", "CHEROKEE")


def _is_prose(path: str) -> bool:
    return PurePosixPath(path).suffix.lower() in _PROSE


def _joins(text: str, at: int) -> bool:
    """Whether the joiner at *at* stands between letters of a script that needs it, or between emoji."""
    before, after = text[at - 1 : at], text[at + 1 : at + 2]
    if not before or not after:
        return False
    before = text[at - 2 : at - 1] if "\ufe00" <= before <= "\ufe0f" else before
    return all(_needs_joiner(char) for char in (before, after))


def _needs_joiner(char: str) -> bool:
    """Emoji and their modifiers; Arabic, Syriac, Indic and other scripts in which U+200C and U+200D spell words."""
    return unicodedata.category(char) in {"So", "Sk", "Mn", "Mc"} or "\u0600" <= char <= "\u1aff" or char in "♀♂"


def _oddities(text: str, *, prose: bool, first: bool) -> Iterator[tuple[str, str]]:
    """Yield kind and character of everything on the line that hides or deceives."""
    text = _FLAG.sub(lambda match: "x" * len(match.group()), text)
    for match in _SUSPECT.finditer(text):
        char, at = match.group()[0], match.start()
        kind = next(name for name, pattern in _CLASSES.items() if pattern.match(char))
        innocent = (
            (first and at == 0 and char == "\ufeff")
            or (char in _JOINERS and _joins(text, at))
            or (prose and char in "\u200e\u200f\u061c\u00ad\u200b\u2060")
        )
        if not innocent:
            yield kind, char


def _is_formula(scripts: Mapping[str, Sequence[str]]) -> bool:
    """Whether the Greek letters beside the Latin ones are those of formulas, which resemble none (``Δx``)."""
    return set(scripts) == {"LATIN", "GREEK"} and set(scripts["GREEK"]) <= set("\u03bc\u03c3Δδβλπ\u03a3Ωωθεφψ")


def _mixed(text: str) -> Iterator[tuple[str, str]]:
    """Yield each identifier that mixes scripts whose letters look alike, with one letter of the rarer script."""
    for match in _WORD.finditer(text):
        word = match.group()
        if word.isascii():
            continue
        for part in re.split(r"[_\d]+", word):
            scripts: dict[str, list[str]] = {}
            for char in part:
                script = unicodedata.name(char, "").partition(" ")[0]
                if script in _SCRIPTS:
                    scripts.setdefault(script, []).append(char)
            if len(scripts) > 1 and not _is_formula(scripts):
                yield word, min(scripts.values(), key=len)[0]
                break


def _name(char: str) -> str:
    return f"U+{ord(char):04X} {unicodedata.name(char, 'control')}"


class TrojanSourceCheck:
    """One finding for each kind on each line."""

    name = "trojan-source"
    rules: Mapping[str, Rule] = {rule.id: rule for rule in _RULES}

    def applies(self, file: SourceFile) -> bool:
        """Any text can deceive."""
        return not file.change.binary

    def run(self, files: Sequence[SourceFile]) -> CheckResult:
        """Look at the whole text where it is known, else at the added lines."""
        return CheckResult(candidates=[found for file in files for found in self._in_file(file)])

    def _in_file(self, file: SourceFile) -> Iterator[Candidate]:
        if file.text is not None and file.text.isascii() and not _CONTROLS.search(file.text):
            return
        prose = _is_prose(file.path)
        for number, text in file.lines():
            if text.isascii() and not _CONTROLS.search(text):
                continue
            kinds: dict[str, dict[str, None]] = {}
            for kind, char in _oddities(text, prose=prose, first=number == 1):
                kinds.setdefault(kind, {})[_name(char)] = None
            for kind, names in kinds.items():
                yield self._claim(file, kind, number, text, f"{', '.join(names)} on this line.")
            for word, char in () if prose else _mixed(text):
                plain = word.encode("ascii", "backslashreplace").decode()
                yield self._claim(file, "homoglyph", number, text, f"`{plain}` holds {_name(char)}.")
                break

    def _claim(self, file: SourceFile, kind: str, number: int, text: str, what: str) -> Candidate:
        rule = self.rules[f"trojan-source/{kind}"]
        return file.claim(rule, quote=text, start=number, message=f"{what} {rule.why}")


CHECK: Final[Check] = TrojanSourceCheck()
