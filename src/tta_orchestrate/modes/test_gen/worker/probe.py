"""What the interpreter of the repository has: versions and importable packages, found without importing them."""

import importlib.metadata
import importlib.util
import pkgutil
import platform
import sys
from typing import Any

from .boot import Emit


def serve(request: dict[str, Any], emit: Emit) -> None:
    """Answer with one record."""
    del request
    tools = {}
    for name in ("pytest", "hypothesis"):
        if importlib.util.find_spec(name) is not None:
            try:
                tools[name] = importlib.metadata.version(name)
            except importlib.metadata.PackageNotFoundError:
                tools[name] = "unknown"
    names = sorted({module.name for module in pkgutil.iter_modules(sys.path)})
    emit({"event": "probe", "python": platform.python_version(), "tools": tools, "packages": names})
