"""Changes of the docs folder as a unified diff."""

import difflib
from collections.abc import Callable, Mapping


def make_patch(changes: Mapping[str, str | None], read: Callable[[str], str | None], folder: str) -> str:
    """Return a unified diff that ``git apply`` takes."""
    parts: list[str] = []
    for path in sorted(changes):
        new, old = changes[path], read(path)
        name = f"{folder}/{path}"
        parts.append(_header(name, old, new))
        before = [] if old is None else old.splitlines(keepends=True)
        after = [] if new is None else new.splitlines(keepends=True)
        first = "/dev/null" if old is None else _quoted(f"a/{name}")
        second = "/dev/null" if new is None else _quoted(f"b/{name}")
        diff = difflib.unified_diff(before, after, first, second)
        parts += [line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in diff]
    return "".join(parts)


def _header(name: str, old: str | None, new: str | None) -> str:
    kind = "new file mode 100644\n" if old is None else "deleted file mode 100644\n" if new is None else ""
    return f"diff --git {_quoted(f'a/{name}')} {_quoted(f'b/{name}')}\n{kind}"


def _quoted(name: str) -> str:
    if all(" " < c < "\x7f" and c not in '"\\' for c in name.replace(" ", "_")):
        return name
    octal = "".join(chr(b) if 32 <= b < 127 and b not in b'"\\' else f"\\{b:03o}" for b in name.encode())  # noqa: PLR2004
    return f'"{octal}"'
