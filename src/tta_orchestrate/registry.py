"""From a file's name to the plug-in in it: the only dynamic import of the program.

The names come from the files of a room, so no input can make this import anything else.
"""

import pkgutil
from functools import cache
from importlib import import_module
from typing import Any, Final

from tta_orchestrate.errors import ConfigError

ROOMS: Final = {
    "alerts": "SENDER",
    "checks": "CHECK",
    "languages": "LANGUAGE",
    "modes": "MODE",
    "providers": "PROVIDER",
    "runners": "RUNNER",
    "sinks": "SINK",
}


@cache
def names(room: str) -> tuple[str, ...]:
    """Return the plug-ins of *room* in alphabetical order; a leading underscore keeps a file out."""
    package = import_module(f"tta_orchestrate.{room}")
    return tuple(sorted(m.name for m in pkgutil.iter_modules(package.__path__) if not m.name.startswith("_")))


def load(room: str, name: str) -> Any:
    """Return the plug-in *name* of *room* (hyphens may be written for underscores).

    Raises:
        ConfigError: there is none of that name; the message lists the choices.
    """
    module = name.replace("-", "_")
    if module not in names(room):
        choices = ", ".join(names(room)).replace("_", "-")
        raise ConfigError(f"there is no {name!r} among the {room}", remedy=f"choose one of: {choices}")
    return getattr(import_module(f"tta_orchestrate.{room}.{module}"), ROOMS[room])


def load_all(room: str) -> tuple[Any, ...]:
    """Return every plug-in of *room*."""
    return tuple(load(room, name) for name in names(room))
