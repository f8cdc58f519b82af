"""New files as a unified diff that ``git apply`` takes."""

import difflib


def patch_of(files: dict[str, tuple[str | None, str]]) -> str:
    """Return one patch for *files*: path to (old text or ``None``, new text); unchanged files leave no trace."""
    parts = [_one(path, old, new) for path, (old, new) in sorted(files.items()) if old != new]
    return "".join(parts)


def _one(path: str, old: str | None, new: str) -> str:
    head = f"diff --git {_quote('a/' + path)} {_quote('b/' + path)}\n"
    if old is None:
        head += "new file mode 100644\n"
    source = "/dev/null" if old is None else _quote("a/" + path)
    lines = list(difflib.unified_diff(_lines(old or ""), _lines(new), source, _quote("b/" + path)))
    lines[0], lines[1] = lines[0].rstrip() + "\n", lines[1].rstrip() + "\n"
    return head + "".join(line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines)


def _lines(text: str) -> list[str]:
    parts = text.split("\n")
    lines = [part + "\n" for part in parts[:-1]]
    return [*lines, parts[-1]] if parts[-1] else lines


def _quote(path: str) -> str:
    """Quote as git does: C style where there is a control character, a quote, a backslash or a byte above 127."""
    data = path.encode("utf-8", "surrogateescape")
    if all(32 <= byte < 127 and byte not in b'"\\' for byte in data):  # noqa: PLR2004
        return path
    names = {7: "\\a", 8: "\\b", 9: "\\t", 10: "\\n", 11: "\\v", 12: "\\f", 13: "\\r", 34: '\\"', 92: "\\\\"}
    body = "".join(names.get(b) or (chr(b) if 32 <= b < 127 else f"\\{b:03o}") for b in data)  # noqa: PLR2004
    return f'"{body}"'
