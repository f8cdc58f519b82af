"""Small JSON values in a folder, one file each: what a review remembers between runs."""

import contextlib
import json
import os
import re
import tempfile
from pathlib import Path
from typing import Any, Final

_KEY: Final = re.compile(r"[a-z]+-[0-9a-f]{8,64}")
_LARGEST: Final = 4_000_000


class Shelf:
    """A folder as a store. What cannot be read is not there; what cannot be written is not kept: it is only a cache."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def get(self, key: str) -> Any | None:
        """Return the value under *key*, ``None`` when there is none, or when it is broken."""
        path = self._path(key)
        try:
            if path.is_symlink() or path.stat().st_size > _LARGEST:
                return None
            return json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError, RecursionError):
            return None

    def put(self, key: str, value: Any) -> None:
        """Keep *value*, whole or not at all."""
        path = self._path(key)
        with contextlib.suppress(OSError):
            path.parent.mkdir(parents=True, exist_ok=True)
            handle, name = tempfile.mkstemp(dir=path.parent, prefix=".new-")
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                json.dump(value, file, ensure_ascii=True, separators=(",", ":"))
            Path(name).replace(path)

    def _path(self, key: str) -> Path:
        if not _KEY.fullmatch(key):
            raise ValueError(f"no key of a shelf: {key!r}")
        kind, _, digest = key.partition("-")
        return self._folder / "review" / kind / digest[:2] / f"{digest[2:]}.json"
