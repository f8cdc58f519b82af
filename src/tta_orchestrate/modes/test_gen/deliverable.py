"""What of a patch may be written into a repository: tests of this program's making, in folders for tests, nothing else.

The patch comes from a job that ran a stranger's code, so nothing in it is believed. It is taken to pieces, held against
the commit that it says it was made for, and put together again as whole files; one doubt refuses all of it.
"""

import ast
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Final

from tta_orchestrate.domain.change import ChangedFile, FileStatus, Hunk
from tta_orchestrate.domain.diff import parse
from tta_orchestrate.errors import DiffError, PatchRefusedError

LARGEST_PATCH: Final = 4 << 20
LARGEST_FILE: Final = 512 << 10
MOST_FILES: Final = 100
_MARK: Final = re.compile(r"(?:#|//) tta-orchestrate: generated")
_PART: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_+@-]*(?:\.[A-Za-z0-9_+@-]+)*")
"""A part of a path without a leading or trailing dot, a blank, or a letter that looks like another one."""
_LONGEST_PATH: Final = 200
_TEST: Final = re.compile(
    r"test_\w+\.py|\w+_test\.py|[\w.-]+\.(?:test|spec)\.[cm]?[jt]sx?|\w+Tests?\.(?:java|kt)|\w+_test\.go", re.ASCII
)
_FOLDERS: Final = frozenset({"test", "tests", "testing", "__tests__"})
_REGULAR: Final = "100644"
_NOT_TEXT: Final = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ud800-\udfff\U000e0000-\U000e007f]"
)
_REMEDY: Final = "look at changes.patch in the artifact, and apply by hand what you want of it"
_Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """The commit that the patch was made for, and what the base commit says of tests."""

    modes: Mapping[str, str]
    """Every path at head with git's mode."""
    read: Callable[[str], bytes | None]
    """The content of a path at head."""
    base_files: Iterable[str] = ()
    """Every path at base: folders that hold tests there may get more of them."""
    folders: Sequence[str] = ()
    """Setting ``test_gen.delivery_folders``: when given, these folders and those below, and no others."""
    spellings: Mapping[str, str] = field(init=False)
    """Every path and folder at head, by its letters without case."""

    def __post_init__(self) -> None:
        """Know every name that a file system without cases would mistake for another."""
        names = {str(one) for path in self.modes for one in (PurePosixPath(path), *PurePosixPath(path).parents)}
        object.__setattr__(self, "spellings", {name.casefold(): name for name in names})


def deliverable(patch: bytes, standing: Standing) -> dict[str, str]:
    """Return path to whole new text of every file that *patch* makes or adds to.

    Raises:
        PatchRefusedError: something in it is not what this program delivers; the message names the first such thing,
            in characters that no log obeys.
    """
    if len(patch) > LARGEST_PATCH:
        raise _refused("the patch is too large")
    try:
        changes = list(parse(line + b"\n" for line in patch.removesuffix(b"\n").split(b"\n")))
    except DiffError as error:
        raise _refused(f"the patch cannot be read: {_plain(str(error))}") from error
    if not changes:
        raise _refused("there is no file in it")
    if len(changes) > MOST_FILES:
        raise _refused(f"the patch has {len(changes)} files")
    folders = _test_folders(standing)
    made: dict[str, str] = {}
    for change in changes:
        if problem := _path_problem(change, standing, folders, made):
            raise _refused(f"{_plain(change.path)}: {problem}")
        made[change.path] = _text(change, standing)
    return made


def _refused(what: str) -> PatchRefusedError:
    return PatchRefusedError(f"the patch is not delivered: {what}", remedy=_REMEDY)


def _plain(text: str) -> str:
    return re.sub(r"[^\w./ -]", "?", text, flags=re.ASCII)[:_LONGEST_PATH]


# -- where


def _path_problem(
    change: ChangedFile, standing: Standing, folders: Callable[[PurePosixPath], bool], made: Mapping[str, str]
) -> str:
    """Say why this path, or this kind of change, may not be delivered; empty: it may."""
    path = PurePosixPath(change.path)
    known = {**standing.spellings, **_spelt(made)}
    kinds = {FileStatus.ADDED, FileStatus.MODIFIED}
    allowed = {"", _REGULAR}
    problems = {
        "it is renamed, copied or deleted": change.status not in kinds or change.path != change.old_path,
        "it is binary": change.binary,
        "it is a link, a submodule or a program": not {change.old_mode, change.new_mode} <= allowed,
        "the path is not plain": len(change.path) > _LONGEST_PATH
        or not all(_PART.fullmatch(part) for part in change.path.split("/")),
        "the name is no test's": not _TEST.fullmatch(path.name),
        "it is there twice": change.path in made,
        "something else there has the same name in other letters": any(
            known.get(str(one).casefold(), str(one)) != str(one) for one in (path, *path.parents)
        ),
        "the folder is none for tests": not folders(path.parent),
        "a file is where its folder would be": any(
            str(one) in standing.modes or str(one) in made for one in path.parents
        ),
    }  # fmt: skip
    return next((what for what, wrong in problems.items() if wrong), "")


def _spelt(paths: Iterable[str]) -> dict[str, str]:
    return {
        str(one).casefold(): str(one) for path in paths for one in (PurePosixPath(path), *PurePosixPath(path).parents)
    }


def _test_folders(standing: Standing) -> Callable[[PurePosixPath], bool]:
    """Return whether a folder is one for tests: as configured; else by its name, or because tests lie in it at base."""
    if standing.folders:
        roots = [PurePosixPath(one.strip("/")) for one in standing.folders]
        return lambda folder: any(root in {folder, *folder.parents} for root in roots)
    holding = {PurePosixPath(path).parent for path in standing.base_files if _TEST.fullmatch(PurePosixPath(path).name)}
    return lambda folder: folder in holding or bool(_FOLDERS.intersection(folder.parts))


# -- what


def _text(change: ChangedFile, standing: Standing) -> str:
    """Return the whole file after *change*."""
    there = standing.modes.get(change.path)
    if (there is None) != (change.status is FileStatus.ADDED) or there not in {None, _REGULAR}:
        raise _refused(f"{_plain(change.path)}: it is not what the patch says it is at that commit")
    try:
        old = (standing.read(change.path) or b"").decode() if there else ""
    except UnicodeDecodeError:
        raise _refused(f"{_plain(change.path)}: it is no text at that commit") from None
    if there and not _is_marked(old):
        raise _refused(f"{_plain(change.path)}: people wrote it, or took our mark away")
    *whole, rest = old.split("\n")
    new = "".join(_applied([*(f"{line}\n" for line in whole), *filter(None, [rest])], change))
    if problem := _text_problem(change, old, new):
        raise _refused(f"{_plain(change.path)}: {problem}")
    return new


def _applied(old: list[str], change: ChangedFile) -> Iterator[str]:
    """Yield the lines of the file after *change*; every line of context must stand exactly where the patch says."""
    at = 0
    for hunk in change.hunks:
        start = hunk.old_start - 1 if hunk.old_count else hunk.old_start
        if start < at:
            raise _refused(f"{_plain(change.path)}: its hunks overlap")
        yield from old[at:start]
        at = start
        for kind, line in _lines(hunk):
            if kind != "+":
                if at >= len(old) or old[at] != line:
                    raise _refused(f"{_plain(change.path)}: it does not apply")
                at += 1
            if kind != "-":
                yield line
    yield from old[at:]


def _lines(hunk: Hunk) -> Iterator[tuple[str, str]]:
    """Yield kind and text of each line, with its line feed unless the patch says that it has none."""
    for raw, after in zip(hunk.body, (*hunk.body[1:], ""), strict=True):
        if not raw.startswith("\\"):
            yield raw[0], raw[1:] + ("" if after.startswith("\\") else "\n")


def _text_problem(change: ChangedFile, old: str, new: str) -> str:
    if len(new.encode("utf-8", "surrogatepass")) > LARGEST_FILE:
        return "it is too large"
    if _NOT_TEXT.search(new):
        return "it holds characters that are not seen"
    if not _is_marked(new):
        return "it does not say that it was generated"
    if change.path.endswith(".py"):
        return _python_problem(old, new)
    return "it takes lines away" if any(raw.startswith("-") for hunk in change.hunks for raw in hunk.body) else ""


def _is_marked(text: str) -> bool:
    return any(_MARK.fullmatch(line) for line in text.split("\n"))


def _python_problem(old: str, new: str) -> str:
    """Say what is wrong with a Python file; what stood there must still stand, however it is laid out now."""
    try:
        before, after = _pieces(ast.parse(old)), _pieces(ast.parse(new))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return "it does not parse"
    if not before.keys() <= after.keys():
        return "it takes away or changes what is there"
    taken, added = set(before.values()), [name for piece, name in after.items() if piece not in before]
    if before and (taken.intersection(added) or len(set(added)) < len(added) or ("", "") in added):
        return "it puts something else in the place of what is there"
    return ""


def _pieces(tree: ast.Module) -> dict[tuple[str, str], tuple[str, str]]:
    """Return what a file consists of, and the (class, name) that each piece binds, ``("", "")`` for anything else.

    A piece is a test or helper as a whole, the head of a class, or one imported name.
    """
    found: dict[tuple[str, str], tuple[str, str]] = {}
    for owner, node in _parts(tree):
        if isinstance(node, ast.ImportFrom):
            singles = [(one, ast.ImportFrom(node.module, [one], node.level)) for one in node.names]
            found |= {(owner, ast.unparse(whole)): (owner, one.asname or one.name) for one, whole in singles}
        elif isinstance(node, ast.Import):
            names = [(one, one.asname or one.name.partition(".")[0]) for one in node.names]
            found |= {(owner, ast.unparse(ast.Import([one]))): (owner, name) for one, name in names}
        else:
            found[owner, ast.dump(node)] = (owner, node.name) if isinstance(node, _Definition) else ("", "")
    return found


def _parts(tree: ast.Module) -> Iterator[tuple[str, ast.stmt]]:
    for node in tree.body:
        if isinstance(node, ast.ClassDef):
            yield "", ast.ClassDef(node.name, node.bases, node.keywords, [ast.Pass()], node.decorator_list)
            yield from ((node.name, one) for one in node.body)
        else:
            yield "", node
