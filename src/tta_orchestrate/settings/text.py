"""How words from a file, the environment or a flag are shown: they are data, never control of terminal or log."""

from decimal import Decimal
from typing import Final

LIMIT: Final = 80
_NAMED: Final = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}


def printable(text: str, limit: int = LIMIT) -> str:
    """Return *text* on one line: control, bidi and other unprintable characters escaped, cut after *limit* characters.

    The runner of GitHub executes ``##[command]`` anywhere in a log line, and ``::command::`` at its start; both are
    broken up.
    """
    shown = text if len(text) <= limit else text[: limit - 1] + "…"
    shown = "".join(char if char.isprintable() else _escape(char) for char in shown)
    return shown.replace("##[", "#\\x23[").replace("::", ":\\x3a")


def _escape(char: str) -> str:
    return _NAMED.get(char) or char.encode("unicode_escape", "surrogatepass").decode("ascii")


def found(value: object) -> str:
    """Say what stands there, in the words of YAML: ``text "abc"``, ``3``, ``a list``, ``nothing (null)``."""
    match value:
        case None:
            return "nothing (null)"
        case bool():
            return "true" if value else "false"
        case int() | float() | Decimal():
            return printable(str(value))
        case str():
            return f'text "{printable(value)}"'
        case list() | tuple():
            return "a list"
        case _:
            return "a mapping"


def dotted(path: tuple[str | int, ...]) -> str:
    """Return a path as ``executors.0.model``."""
    return ".".join(printable(str(part)) for part in path)
