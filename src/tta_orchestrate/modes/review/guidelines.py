"""The project's own conventions, from the base commit: a change has no say in what it is measured by."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any, Final

from tta_orchestrate.domain.policy import Paths
from tta_orchestrate.domain.secrets import mask_secrets
from tta_orchestrate.modes.review.prompts import tokens
from tta_orchestrate.modes.review.shown import inert

_ANYWHERE: Final = ("REVIEW.md", "AGENTS.md", "CLAUDE.md")
"""At the root for everything; in a folder for what is below it."""
_OWN: Final = ".tta/guidelines/"
_COPILOT: Final = ".github/copilot-instructions.md"
_COPILOT_SCOPED: Final = ".github/instructions/"
_LARGEST: Final = 200_000
_FRONT_MATTER: Final = 4_000


@dataclass(frozen=True, slots=True)
class Guidelines:
    """The text that goes into prompts, the files it is from, and what was cut or left out."""

    text: str = ""
    files: tuple[str, ...] = ()
    notices: tuple[str, ...] = ()


def collect(
    names: Iterable[str], read: Callable[[str], bytes | None], changed: Sequence[str], budget: int
) -> Guidelines:
    """Return what the files among *names* (all paths at base) say about the *changed* paths, in *budget* tokens."""
    parts: list[str] = []
    used: list[str] = []
    notices: list[str] = []
    left = budget
    for name in sorted((one for one in names if _is_guideline(one)), key=_order):
        body = _body(name, read(name), changed)
        if not body:
            continue
        head = f"From {inert(name)}:"
        kept, rest = _cut(body, left - tokens(head) - 1)
        if kept:
            parts.append(f"{head}\n{kept}")
            used.append(name)
            left -= tokens(parts[-1]) + 1
        if rest:
            notices.append(f"Guidelines: {rest} lines of {name} did not fit review.guidelines.max_tokens ({budget:,}).")
    return Guidelines("\n\n".join(parts), tuple(used), tuple(notices))


def _is_guideline(name: str) -> bool:
    path = PurePosixPath(name)
    if path.name in _ANYWHERE or name == _COPILOT:
        return True
    if name.startswith(_OWN):
        return path.suffix == ".md" and path.parent == PurePosixPath(_OWN)
    return name.startswith(_COPILOT_SCOPED) and name.endswith(".instructions.md")


def _order(name: str) -> tuple[int, int, str]:
    """What is meant for reviews first, what is at the root before what is below it."""
    ranks = (name.startswith(_OWN) or name.endswith("REVIEW.md"), name.startswith(".github/"))
    rank = 0 if ranks[0] else 1 if ranks[1] else 2
    return rank, name.count("/"), name


def _body(name: str, data: bytes | None, changed: Sequence[str]) -> str:
    """Return the text of a guideline, ``""`` when it is about none of the *changed* paths."""
    if data is None or len(data) > _LARGEST:
        return ""
    matter, text = _parted(data.decode("utf-8", "replace").removeprefix("\ufeff").replace("\r\n", "\n"))
    if str(matter.get("excludeAgent", "")) == "code-review":
        return ""
    globs = _globs(name, matter)
    if globs is not None and not any(path in Paths(globs) for path in changed):
        return ""
    return "\n".join(inert(line) for line in mask_secrets(text).strip().split("\n"))


def _globs(name: str, matter: Mapping[str, Any]) -> list[str] | None:
    """Return which paths a guideline is about, ``None`` for all."""
    folder = str(PurePosixPath(name).parent)
    if PurePosixPath(name).name in _ANYWHERE:
        return None if folder == "." else [f"/{folder}/"]
    given = matter.get("paths") if name.startswith(_OWN) else matter.get("applyTo")
    if given is None:
        return None
    listed = given if isinstance(given, list) else str(given).split(",")
    return [str(one).strip() for one in listed if str(one).strip()]


def _parted(text: str) -> tuple[dict[str, Any], str]:
    """Part YAML front matter from the text; a broken one counts as none."""
    if not text.startswith("---\n"):
        return {}, text
    matter, mark, rest = text[4:].partition("\n---\n")
    if not mark or len(matter) > _FRONT_MATTER:
        return {}, text
    import yaml

    try:
        value = yaml.safe_load(matter)
    except (yaml.YAMLError, ValueError, RecursionError):
        return {}, rest
    return (value if isinstance(value, dict) else {}), rest


def _cut(text: str, budget: int) -> tuple[str, int]:
    """Return as many whole lines as fit *budget*, and how many do not."""
    lines = text.split("\n")
    kept: list[str] = []
    for number, line in enumerate(lines):
        budget -= tokens(line) + 1
        if budget < 0:
            return "\n".join(kept), len(lines) - number
        kept.append(line)
    return "\n".join(kept), 0
