"""What is wrong with a configuration, and where: problems are collected, then raised as one error."""

from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Final

from tta_orchestrate.errors import ConfigError

SHOWN: Final = 50
Path = tuple[str | int, ...]
"""From the root of the document to a value: keys of mappings, indexes of lists."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """A place in a file; lines and columns count from 1."""

    line: int
    column: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One line of the complaint. ``place`` is ``FILE:LINE:COLUMN`` or the name of a variable or flag."""

    place: str
    message: str

    def __str__(self) -> str:
        return f"{self.place}: {self.message}"


class Problems(Exception):  # noqa: N818 -- a carrier inside this package; callers see ConfigError
    """Carries problems up to the loader."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        super().__init__()
        self.problems = tuple(problems)


def refuse(problems: Iterable[Problem], *, remedy: str) -> ConfigError:
    """Return the error that tells *problems*, one on each line; after ``SHOWN`` only that there are more."""
    lines = [str(problem) for problem in problems]
    more = ["... and more"] if len(lines) > SHOWN else []
    return ConfigError("\n".join(lines[:SHOWN] + more), remedy=remedy)


def did_you_mean(word: str, choices: Iterable[str], *, cutoff: float = 0.6) -> str:
    """Return ``; did you mean X?`` for the nearest of *choices*, or nothing when none is near."""
    folded = {choice.lower().replace("-", "_"): choice for choice in choices}
    near = get_close_matches(word[:100].lower().replace("-", "_"), folded, n=1, cutoff=cutoff)
    return f"; did you mean {folded[near[0]]}?" if near else ""
