"""A change as git tells it: files, hunks, and lines numbered on both sides.

Text is ``str`` decoded from UTF-8 with ``surrogateescape``, so that any byte survives a round trip; a sink that needs
valid Unicode asks the sanitiser.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum


class Side(StrEnum):
    """Which version of a file a line number counts in; the words of GitHub's review API."""

    LEFT = "LEFT"
    RIGHT = "RIGHT"


class FileStatus(StrEnum):
    """What happened to a file, in the words of ``git diff --name-status``."""

    ADDED = "added"
    MODIFIED = "modified"
    DELETED = "deleted"
    RENAMED = "renamed"
    COPIED = "copied"


SYMLINK_MODE = "120000"
SUBMODULE_MODE = "160000"


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line of a hunk. ``old``/``new`` are 1-based line numbers, ``None`` on the side where it does not exist."""

    kind: str
    """``" "`` context, ``"+"`` added, ``"-"`` removed."""
    text: str
    """Without the line feed; a carriage return at the end is kept."""
    old: int | None
    new: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Hunk:
    """One ``@@`` block. ``body`` holds the raw lines with their leading blank, plus, minus or backslash."""

    old_start: int
    old_count: int
    new_start: int
    new_count: int
    section: str = ""
    """What git prints after the second ``@@``: a guess at the enclosing symbol."""
    body: tuple[str, ...] = ()

    def lines(self) -> Iterator[Line]:
        """Yield each line with its numbers on both sides, without the "no newline at end of file" markers."""
        old, new = self.old_start, self.new_start
        for raw in self.body:
            kind, text = raw[:1], raw[1:]
            match kind:
                case "+":
                    yield Line(kind=kind, text=text, old=None, new=new)
                    new += 1
                case "-":
                    yield Line(kind=kind, text=text, old=old, new=None)
                    old += 1
                case "\\":
                    continue
                case _:
                    yield Line(kind=" ", text=text, old=old, new=new)
                    old, new = old + 1, new + 1


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangedFile:
    """One file of a change.

    ``path`` is the name at head (for a deleted file: at base), ``old_path`` the name at base (for an added file the
    same as ``path``). Modes are git's six octal digits, ``""`` where unknown or absent.
    """

    path: str
    old_path: str
    status: FileStatus
    old_mode: str = ""
    new_mode: str = ""
    old_blob: str = ""
    new_blob: str = ""
    similarity: int | None = None
    binary: bool = False
    hunks: tuple[Hunk, ...] = ()

    @property
    def is_symlink(self) -> bool:
        """Whether either side is a symbolic link: its content is a path, never followed."""
        return SYMLINK_MODE in {self.old_mode, self.new_mode}

    @property
    def is_submodule(self) -> bool:
        """Whether either side is a commit of another repository."""
        return SUBMODULE_MODE in {self.old_mode, self.new_mode}

    @property
    def added(self) -> int:
        """Number of added lines, as ``git apply --numstat`` counts."""
        return sum(raw.startswith("+") for hunk in self.hunks for raw in hunk.body)

    @property
    def removed(self) -> int:
        """Number of removed lines, as ``git apply --numstat`` counts."""
        return sum(raw.startswith("-") for hunk in self.hunks for raw in hunk.body)

    def changed_lines(self, side: Side) -> frozenset[int]:
        """The line numbers on *side* that this change adds (RIGHT) or removes (LEFT)."""
        kind = "+" if side is Side.RIGHT else "-"
        numbered = (line for hunk in self.hunks for line in hunk.lines() if line.kind == kind)
        return frozenset(n for line in numbered if (n := line.new if side is Side.RIGHT else line.old) is not None)

    def touched_lines(self) -> frozenset[int]:
        """The lines at head that were added, or after which some were only taken out; of a diff without context."""
        gaps = frozenset(max(1, hunk.new_start) for hunk in self.hunks if not hunk.new_count)
        return self.changed_lines(Side.RIGHT) | gaps


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What is looked at: the files, and the two revisions (full object names, ``""`` where there is none)."""

    files: tuple[ChangedFile, ...]
    base: str = ""
    head: str = ""
