"""Read and write unified diffs: git's own, and plain ``diff -u``. One pass, line by line, linear in the input.

The grammar is that of ``git help diff-format`` ("Generating patch text with -p"). Bodies of hunks are taken by the
counts in their ``@@`` header, so content that looks like a header stays content.
"""

import re
from collections import deque
from collections.abc import Iterable, Iterator, Mapping

from tta_orchestrate.domain.change import ChangedFile, FileStatus, Hunk
from tta_orchestrate.domain.quoting import decode, encode, quote, unquote
from tta_orchestrate.errors import DiffError

_REMEDY = "make the diff again with `git diff BASE HEAD`, and pass it on unchanged"
_COMBINED = "compare two commits: `git diff BASE HEAD`, or `git show --diff-merges=first-parent COMMIT`"

_HUNK = re.compile(rb"@@ -(\d{1,10})(?:,(\d{1,10}))? \+(\d{1,10})(?:,(\d{1,10}))? @@(.*)", re.DOTALL)
_MODE = re.compile(rb"[0-7]{6}")
_INDEX = re.compile(rb"([0-9a-f]{4,64})\.\.([0-9a-f]{4,64})(?: ([0-7]{6}))?")
_PERCENT = re.compile(rb"\d{1,3}%")
_NAME = re.compile(rb".+", re.DOTALL)
_HEADERS: Mapping[bytes, re.Pattern[bytes]] = {
    b"old mode": _MODE,
    b"new mode": _MODE,
    b"deleted file mode": _MODE,
    b"new file mode": _MODE,
    b"copy from": _NAME,
    b"copy to": _NAME,
    b"rename from": _NAME,
    b"rename to": _NAME,
    b"similarity index": _PERCENT,
    b"dissimilarity index": _PERCENT,
    b"index": _INDEX,
    b"---": _NAME,
    b"+++": _NAME,
}
_HEADER = re.compile(rb"(" + b"|".join(map(re.escape, _HEADERS)) + rb") (.*)", re.DOTALL)
_BINARY_BLOCK = re.compile(rb"(?:literal|delta) \d+")
_EPOCH = re.compile(rb"\t(?:1970-01-01|1969-12-31) ")
_LETTER_PREFIX = re.compile(rb"[abciow12]/(?=.)", re.DOTALL)


class _Reader:
    """The lines of the input without their line feeds, a look ahead, and the number of the line last taken."""

    __slots__ = ("_ahead", "_lines", "number")

    def __init__(self, lines: Iterable[bytes]) -> None:
        self._lines = iter(lines)
        self._ahead: deque[bytes] = deque()
        self.number = 0

    def take(self) -> bytes | None:
        line = self._ahead.popleft() if self._ahead else next(self._lines, None)
        if line is None:
            return None
        self.number += 1
        return line.removesuffix(b"\n")

    def peek(self, distance: int = 0) -> bytes:
        """Look at a line to come; empty beyond the end."""
        while len(self._ahead) <= distance:
            line = next(self._lines, None)
            if line is None:
                return b""
            self._ahead.append(line)
        return self._ahead[distance].removesuffix(b"\n")

    def error(self, what: str, remedy: str = _REMEDY) -> DiffError:
        return DiffError(f"the diff cannot be read at line {self.number}: {what}", remedy=remedy)


def parse(lines: Iterable[bytes]) -> Iterator[ChangedFile]:
    """Yield the files of a unified diff, as they come.

    *lines* end at line feeds only (what iterating a binary stream gives). Text before, between and after the files
    (commit messages, mail signatures) is passed over. Raises ``DiffError`` with the number of the line where the diff
    is broken, and for combined diffs.
    """
    reader = _Reader(lines)
    while (line := reader.take()) is not None:
        if line.startswith(b"diff --git "):
            yield _git_file(reader, line.removesuffix(b"\r")[len(b"diff --git ") :])
        elif line.startswith((b"diff --cc ", b"diff --combined ")):
            raise reader.error("a combined diff (of a merge) has no single base", _COMBINED)
        elif line.startswith(b"--- ") and _plain_follows(reader):
            yield _plain_file(reader, line)
        elif _HUNK.match(line):
            raise reader.error("a hunk without a file header before it")


def _plain_follows(reader: _Reader) -> bool:
    return reader.peek().startswith(b"+++ ") and reader.peek(1).startswith(b"@@ -")


def _git_file(reader: _Reader, names: bytes) -> ChangedFile:
    fields = _fields(reader)
    old, new = _names(reader, names, fields)
    binary = _binary(reader)
    hunks = () if binary else _hunks(reader)
    if b"+++" in fields and not hunks:
        raise reader.error("a file header without a hunk")
    return _file(old, new, fields, hunks, binary=binary)


def _fields(reader: _Reader) -> dict[bytes, bytes]:
    """Take the extended header lines, from ``old mode`` to ``+++``."""
    fields: dict[bytes, bytes] = {}
    while b"+++" not in fields and (match := _HEADER.fullmatch(reader.peek().removesuffix(b"\r"))):
        key, value = match[1], match[2]
        if key == b"---" and not reader.peek(1).startswith(b"+++ "):
            break
        reader.take()
        if not _HEADERS[key].fullmatch(value):
            raise reader.error(f"the value of `{key.decode()}` is malformed")
        fields[key] = value
    return fields


def _names(reader: _Reader, header: bytes, fields: dict[bytes, bytes]) -> tuple[bytes | None, bytes | None]:
    """Find the names at base and at head; ``None`` stands for ``/dev/null``."""
    for kind in (b"rename", b"copy"):
        ends = [fields.get(kind + end) for end in (b" from", b" to")]
        if any(ends):
            old, new = (_unquoted(reader, end or b"") for end in ends)
            return old, new
    nothing_old, nothing_new = fields.get(b"---") == b"/dev/null", fields.get(b"+++") == b"/dev/null"
    if (name := _same_name(reader, header)) is not None:
        return None if nothing_old else name, None if nothing_new else name
    if b"---" not in fields or b"+++" not in fields:
        raise reader.error(
            "the two names in the file header cannot be told apart",
            "make the diff with `git diff --src-prefix=a/ --dst-prefix=b/ BASE HEAD`",
        )
    return _pair(reader, fields[b"---"], fields[b"+++"])


def _same_name(reader: _Reader, header: bytes) -> bytes | None:
    """Read ``a/NAME b/NAME``; git writes one name twice unless a rename or copy line says more.

    Prefixes of one length put the blank in the very middle, whatever blanks the name has.
    """
    if header.startswith(b'"') or header.endswith(b'"'):
        try:
            left, rest = unquote(header) if header.startswith(b'"') else header.split(b' "', 1)
            rest = rest if header.startswith(b'"') else b' "' + rest
            right, tail = unquote(rest[1:]) if rest[1:].startswith(b'"') else (rest[1:], b"")
        except ValueError as error:
            raise reader.error("a quoted name is malformed") from error
        return _common(left, right) if rest[:1] == b" " and not tail else None
    middle = len(header) // 2
    return _common(header[:middle], header[middle + 1 :]) if header[middle : middle + 1] == b" " else None


def _common(left: bytes, right: bytes) -> bytes | None:
    """Return the name that both have, below one leading folder each (the prefix) or without any."""
    if left == right:
        return left or None
    name = left.partition(b"/")[2]
    return name if name and name == right.partition(b"/")[2] else None


def _pair(reader: _Reader, old: bytes, new: bytes) -> tuple[bytes | None, bytes | None]:
    """Read the names of ``---`` and ``+++`` lines and take their prefixes off."""
    left, right = (_unquoted(reader, raw) for raw in (old, new))
    gone_left, gone_right = left == b"/dev/null", right == b"/dev/null"
    if gone_left and gone_right:
        raise reader.error("both sides of a file are /dev/null")
    if not gone_left and not gone_right:
        if (name := _common(left, right)) is not None:
            return name, name
        if not (_LETTER_PREFIX.match(left) and _LETTER_PREFIX.match(right)):
            return left, right
    bare_left, bare_right = (_LETTER_PREFIX.sub(b"", name, count=1) for name in (left, right))
    return None if gone_left else bare_left, None if gone_right else bare_right


def _unquoted(reader: _Reader, raw: bytes) -> bytes:
    """Take a name off a header line: quoted in C style, or up to the tab that ends it."""
    try:
        name = unquote(raw)[0] if raw.startswith(b'"') else raw.partition(b"\t")[0]
    except ValueError as error:
        raise reader.error("a quoted name is malformed") from error
    if not name:
        raise reader.error("a name is empty")
    return name


def _plain_file(reader: _Reader, first: bytes) -> ChangedFile:
    """Read a file of ``diff -u``, which knows no modes and no renames."""
    second = (reader.take() or b"").removesuffix(b"\r")
    first = first.removesuffix(b"\r")
    old, new = _pair(reader, first[4:], second[4:])
    hunks = _hunks(reader)
    # GNU diff -N names a file that does not exist with the first moment of time.
    if _EPOCH.search(first) and hunks[0].old_count == 0:
        old = None
    elif _EPOCH.search(second) and hunks[0].new_count == 0:
        new = None
    if old is not None and new is not None and old != new:
        old = new = old if new.startswith(old) else new
    return _file(old, new, {}, hunks, binary=False)


def _binary(reader: _Reader) -> bool:
    line = reader.peek().removesuffix(b"\r")
    if line.startswith(b"Binary files ") and line.endswith(b" differ"):
        reader.take()
        return True
    if line != b"GIT binary patch":
        return False
    reader.take()
    while _BINARY_BLOCK.fullmatch(reader.peek().removesuffix(b"\r")):
        while (data := reader.take()) not in {b"", b"\r"}:
            if data is None:
                raise reader.error("a binary patch ends too early")
    return True


def _hunks(reader: _Reader) -> tuple[Hunk, ...]:
    hunks = []
    while (line := reader.peek()).startswith(b"@@"):
        if line.startswith(b"@@@"):
            raise reader.error("a combined diff (of a merge) has no single base", _COMBINED)
        hunks.append(_hunk(reader))
    return tuple(hunks)


def _hunk(reader: _Reader) -> Hunk:
    match = _HUNK.fullmatch(reader.take() or b"")
    if match is None:
        raise reader.error("a malformed hunk header")
    old_start, old_count, new_start, new_count = (int(n) if n else 1 for n in match.groups()[:4])
    body = _body(reader, old_count, new_count)
    after = reader.peek()
    if after[:1] in {b"+", b"-", b" "} and after[:3] not in {b"-- ", b"--", b"---"}:
        reader.take()
        raise reader.error("the hunk goes on beyond the lines that its header counts")
    return Hunk(
        old_start=old_start,
        old_count=old_count,
        new_start=new_start,
        new_count=new_count,
        section=decode(match[5].removesuffix(b"\r").removeprefix(b" ")),
        body=body,
    )


def _body(reader: _Reader, old: int, new: int) -> tuple[str, ...]:
    """Take the lines of a hunk: *old* and *new* are how many of each side are still to come."""
    body: list[str] = []
    while old > 0 or new > 0:
        raw = reader.take()
        if raw is None:
            raise reader.error("the diff ends in the middle of a hunk")
        kind = raw[:1]
        if kind == b"+":
            new -= 1
        elif kind == b"-":
            old -= 1
        elif kind == b" ":
            old, new = old - 1, new - 1
        elif not raw.removesuffix(b"\r"):  # an empty context line whose blank some tool took away
            old, new, raw = old - 1, new - 1, b" " + raw
        elif kind != b"\\" or not body or body[-1].startswith("\\"):
            raise reader.error("a line in a hunk starts with none of blank, plus, minus and backslash")
        if old < 0 or new < 0:
            raise reader.error("the hunk has other lines than its header counts")
        body.append(raw.decode("utf-8", "surrogateescape"))
    if body and reader.peek().startswith(b"\\"):
        body.append(decode(reader.take() or b""))
    return tuple(body)


def _file(
    old: bytes | None, new: bytes | None, fields: dict[bytes, bytes], hunks: tuple[Hunk, ...], *, binary: bool
) -> ChangedFile:
    path = decode(new or old or b"")
    old_path = decode(old or new or b"")
    status = _status(old, new, fields)
    old_blob, new_blob, old_mode, new_mode = _objects(status, fields)
    renamed = status in {FileStatus.RENAMED, FileStatus.COPIED}
    percent = fields.get(b"similarity index") if renamed else None
    return ChangedFile(
        path=old_path if status is FileStatus.DELETED else path,
        old_path=path if status is FileStatus.ADDED else old_path,
        status=status,
        old_mode=old_mode,
        new_mode=new_mode,
        old_blob=old_blob,
        new_blob=new_blob,
        similarity=int(percent[:-1]) if percent else None,
        binary=binary,
        hunks=hunks,
    )


def _status(old: bytes | None, new: bytes | None, fields: dict[bytes, bytes]) -> FileStatus:
    if b"new file mode" in fields or old is None:
        return FileStatus.ADDED
    if b"deleted file mode" in fields or new is None:
        return FileStatus.DELETED
    if b"copy from" in fields and b"rename from" not in fields:
        return FileStatus.COPIED
    return FileStatus.RENAMED if b"rename from" in fields or old != new else FileStatus.MODIFIED


def _objects(status: FileStatus, fields: dict[bytes, bytes]) -> tuple[str, str, str, str]:
    """Return the object names and modes (old blob, new blob, old mode, new mode), ``""`` where unknown or absent."""
    index = _INDEX.fullmatch(fields.get(b"index", b""))
    blobs = [match.strip(b"0") and match for match in index.groups()[:2]] if index else [b"", b""]
    shared = (index[3] if index else None) or b""
    before = fields.get(b"old mode") or fields.get(b"deleted file mode") or shared
    after = fields.get(b"new mode") or fields.get(b"new file mode") or shared
    if status is FileStatus.ADDED:
        blobs[0], before, after = b"", b"", fields.get(b"new file mode") or after
    elif status is FileStatus.DELETED:
        blobs[1], before, after = b"", fields.get(b"deleted file mode") or before, b""
    else:
        before, after = before or after, after or before
    return blobs[0].decode(), blobs[1].decode(), before.decode(), after.decode()


def render(files: Iterable[ChangedFile]) -> Iterator[bytes]:
    """Yield the lines of a diff that ``git apply`` reads, line feeds included; ``parse`` gives the same files back.

    The content of binary files is not kept, so their part of the diff only says that they differ.
    """
    for file in files:
        yield from _headers(file)
        old = b"/dev/null" if file.status is FileStatus.ADDED else quote("a/" + file.old_path)
        new = b"/dev/null" if file.status is FileStatus.DELETED else quote("b/" + file.path)
        if file.binary:
            yield b"Binary files %b and %b differ\n" % (old, new)
        elif file.hunks:
            yield b"--- %b%b\n" % (old, b"\t" if b" " in old else b"")
            yield b"+++ %b%b\n" % (new, b"\t" if b" " in new else b"")
        for hunk in file.hunks:
            yield b"@@ -%b +%b @@%b\n" % (
                _span(hunk.old_start, hunk.old_count),
                _span(hunk.new_start, hunk.new_count),
                encode(hunk.section and " " + hunk.section),
            )
            yield from (encode(line) + b"\n" for line in hunk.body)


def _headers(file: ChangedFile) -> Iterator[bytes]:
    yield b"diff --git %b %b\n" % (quote("a/" + file.old_path), quote("b/" + file.path))
    old_mode, new_mode = file.old_mode.encode(), file.new_mode.encode()
    width = max(len(file.old_blob), len(file.new_blob))
    if file.status is FileStatus.ADDED and new_mode:
        yield b"new file mode %b\n" % new_mode
    elif file.status is FileStatus.DELETED and old_mode:
        yield b"deleted file mode %b\n" % old_mode
    elif old_mode and new_mode and (old_mode != new_mode or not width):
        yield b"old mode %b\n" % old_mode
        yield b"new mode %b\n" % new_mode
    if file.similarity is not None:
        yield b"similarity index %d%%\n" % file.similarity
    if file.status in {FileStatus.RENAMED, FileStatus.COPIED}:
        verb = b"rename" if file.status is FileStatus.RENAMED else b"copy"
        yield b"%b from %b\n" % (verb, quote(file.old_path))
        yield b"%b to %b\n" % (verb, quote(file.path))
    if width:
        same = b" " + old_mode if old_mode and old_mode == new_mode else b""
        yield b"index %b..%b%b\n" % (
            file.old_blob.encode() or b"0" * width,
            file.new_blob.encode() or b"0" * width,
            same,
        )


def _span(start: int, count: int) -> bytes:
    return b"%d" % start if count == 1 else b"%d,%d" % (start, count)
