"""What a container prints goes through here before the runner reads it.

The runner executes ``::command::`` at the start of a line and ``##[command]`` *anywhere* in a line (its
``ActionCommand.cs``), so text from a pull request or a model must never reach it raw. Commands of our own program are
let through when their line starts with the nonce of this run, which nobody but the program knows, and when they are on
a short list.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator

ALLOWED_COMMANDS = ("add-mask", "debug", "endgroup", "error", "group", "notice", "warning")
LINE_LIMIT = 2000
WIDTH_LIMIT = 8192

_BREAKS = re.compile("[\r\n\v\f\x1c\x1d\x1e\x85\u2028\u2029]")
_UNPRINTABLE = re.compile("[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]")
_COMMAND = re.compile(r"::([a-z-]+)(?: [^\r\n]*?)?::[^\r\n]*\Z")
_ORDER = re.compile(r"(?:start|stop) (?:prep|build|box)\Z")
_EXIT = re.compile(r"exit ([0-9]{1,3})\Z")
_GAP = "\u200b"


def neutralise(text: str) -> list[str]:
    """Return *text* as lines in which the runner finds no command, and a terminal no control character."""
    return [_defused(_UNPRINTABLE.sub("", line)) for line in _BREAKS.split(text)]


def _defused(line: str) -> str:
    line = line.replace("##[", f"#{_GAP}#{_GAP}[")
    return line.replace("::", f":{_GAP}:")[:WIDTH_LIMIT]


class Relay:
    """Passes on what one container prints, and *order*s of the program (``start box``) to whom they are for.

    ``declared`` is the exit code that the program said it would end with.
    """

    def __init__(self, nonce: str, order: Callable[[str], None] | None = None) -> None:
        self.declared: int | None = None
        self._nonce, self._order = nonce, order

    def lines(self, printed: Iterable[str]) -> Iterator[str]:
        """Yield what to print for the lines that the container *printed* (each without its line feed).

        At most ``LINE_LIMIT`` plain lines get through; how many did not is said at the end.
        """
        shown = dropped = 0
        for line in printed:
            own = line[len(self._nonce) :] if self._nonce and line.startswith(self._nonce) else ""
            if _is_allowed(own):
                yield own
                continue
            if match := _EXIT.match(own):
                self.declared = int(match[1])
                continue
            if self._order and _ORDER.match(own):
                self._order(own)
                continue
            for safe in neutralise(line):
                shown += 1
                if shown <= LINE_LIMIT:
                    yield safe
                else:
                    dropped += 1
        if dropped:
            yield f"(log cut: {dropped} more lines)"


def _is_allowed(command: str) -> bool:
    # "##[" would be looked for inside our own command as well: the first parser to match wins, but take no chances.
    match = _COMMAND.match(command)
    return match is not None and match[1] in ALLOWED_COMMANDS and "##[" not in command


def fenced(lines: Iterable[str], token: str) -> Iterator[str]:
    """Yield *lines* as a dump in which the runner is told not to look for commands until it sees *token* again."""
    yield f"::stop-commands::{token}"
    for line in lines:
        yield from neutralise(line)
    yield f"::{token}::"
