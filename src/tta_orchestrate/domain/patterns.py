"""Regular expressions from a configuration, run over strangers' lines: only such as cannot take exponential time.

Python's engine backtracks. Time explodes when a repeat stands inside a repeat, or over alternatives, and grows by a
power for each open repeat in a row; so the former are refused, the latter are few, and lines are cut before they are
searched.
"""

import re
from typing import Final

LONGEST_LINE: Final = 400
"""Characters of a line that are searched."""
_MOST_OPEN: Final = 3
_OPEN: Final = re.compile(r"[*+]|\{\d*,\d*\}")
_TOKENS: Final = re.compile(
    r"\\.|\[\^?\]?(?:\\.|[^\]\\])*\]|\(\?[^)]{0,3}?[:=!>]|\(\?P<\w+>|[*+?]|\{\d*,?\d*\}|.", re.DOTALL
)


def check_pattern(pattern: str) -> None:
    """Refuse what could take long.

    Raises:
        ValueError: no regular expression, or one with a repeated group that repeats or branches inside, a reference
            back to a group, or more than three open repeats.
    """
    try:
        re.compile(pattern)
    except re.error as error:
        raise ValueError(f"is no regular expression: {error}") from error
    depth: list[bool] = [False]
    closed_risky = False
    opens = 0
    for part in _TOKENS.findall(pattern):
        if re.fullmatch(r"\\[1-9]", part) or part.startswith("(?P="):
            raise ValueError("refers back to a group, which can take very long")
        repeats = bool(_OPEN.fullmatch(part))
        if repeats and closed_risky:
            raise ValueError("repeats a group that repeats or branches inside, which can take very long")
        opens += repeats
        closed_risky = False
        if part.startswith("(") and len(part) < _LONGEST_PART:
            depth.append(False)
        elif part == ")" and len(depth) > 1:
            closed_risky = depth.pop()
            depth[-1] = depth[-1] or closed_risky
        elif repeats or part in {"|", "?"}:
            depth[-1] = True
    if opens > _MOST_OPEN:
        raise ValueError(f"has more than {_MOST_OPEN} open repeats (`*`, `+`, `{{2,}}`), which can take very long")


_LONGEST_PART: Final = 80
