"""A git repository, read as objects: never through its work tree, never obeying its configuration (``hardened.py``)."""

import re
import shutil
import tempfile
import weakref
from collections.abc import Generator, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from tta_orchestrate.domain.change import SUBMODULE_MODE, Change
from tta_orchestrate.domain.diff import parse
from tta_orchestrate.domain.quoting import decode, encode
from tta_orchestrate.errors import GitError
from tta_orchestrate.workspace.hardened import DRIVERS, Git, Places, locate

STAGED = ":"
"""The revision that stands for the index."""

_EMPTY_TREES = {
    "sha1": "4b825dc642cb6eb9a060e54bf8d69288fbee4904",
    "sha256": "6ef19b41225c5369f1c104d45d8d85efa9b057b53b14b4b9b939dd74decc5321",
}
_DIFF = (
    *("diff-tree", "-r", "--patch", "--no-ext-diff", "--no-textconv", "--no-color", "--full-index", "--find-renames"),
    *("--submodule=short", "--ignore-submodules=none", "--src-prefix=a/", "--dst-prefix=b/", "--diff-algorithm=myers"),
    *("--inter-hunk-context=0", "--ws-error-highlight=none", "--no-relative"),
)
_DEEPEN = "fetch the whole history: `fetch-depth: 0` in actions/checkout, or `git fetch --unshallow`"
_OID = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class TreeEntry:
    """One path of a tree: git's six octal digits of mode, and the name of the object."""

    mode: str
    oid: str


class Repository:
    """Read access to the commits, trees and index of one repository. Close it, or use it as a context manager.

    Paths are ``str`` decoded with ``surrogateescape``. Where a method takes a revision it also takes a tree, the
    empty tree, and ``":"`` for the index as it is staged.
    """

    def __init__(self, git: Git, places: Places, index: Path) -> None:
        self._git = git
        self._places = places
        self._index = index
        folder = Path(tempfile.mkdtemp(prefix="tta-git-"))
        self._close = weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True)
        self._shadow = git.shadow(folder, places)
        self._known: set[str] = set()
        self._trees: dict[str, Mapping[str, TreeEntry]] = {}

    @classmethod
    def open(cls, start: Path, environ: Mapping[str, str], *, trust_owner: bool = False) -> Self:
        """Find the repository that *start* lies in; a bare one will do.

        *environ* gives ``PATH``, ``HOME`` and, inside a hook, ``GIT_INDEX_FILE``; nothing else of it reaches git.
        *trust_owner* reads a repository of another user too (git's ``safe.directory``). Raises ``GitError``.
        """
        if not start.is_dir():
            raise GitError(f"there is no folder {str(start)!r}", remedy="name an existing folder")
        git = Git.installed(start.resolve(), environ, trust_owner=trust_owner)
        places = locate(git)
        staged = environ.get("GIT_INDEX_FILE")
        return cls(git, places, git.folder / staged if staged else places.index)

    def close(self) -> None:
        """Remove the temporary files; the repository cannot be read any more."""
        self._close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def work_tree(self) -> Path | None:
        """Return the top folder of the work tree, ``None`` for a bare repository."""
        top = self._git.ask("rev-parse", "--path-format=absolute", "--show-toplevel")
        return Path(top) if top else None

    # -- revisions

    def resolve(self, rev: str) -> str:
        """Return the full name of the commit that *rev* names; a tree's name if *rev* is one of the trees below.

        ``":"`` gives the tree of the index. Raises ``GitError`` if there is no such commit here.
        """
        if rev == STAGED:
            return self._staged_tree
        if rev == self.empty_tree() or rev in self._known:
            return rev
        if not rev or rev.startswith("-") or not rev.isprintable():
            raise GitError(f"{rev!r} is no revision", remedy="name a branch, a tag or a commit")
        found = self._commit(rev) or (rev if _OID.fullmatch(rev) and self._kind(rev) == "tree" else None)
        if found is not None:
            self._known.add(found)
            return found
        remedy = (
            _DEEPEN if self.is_shallow() else "see `git branch --all` and `git log`, or fetch it: `git fetch origin`"
        )
        raise GitError(f"there is no revision {rev!r} in this clone", remedy=remedy)

    def default_branch(self) -> str | None:
        """Return the full reference of the main line (``refs/remotes/origin/main``), ``None`` if none is known.

        The remote's word comes first, then its usual names, then local branches.
        """
        configured = self._git.ask("config", "--get", "init.defaultBranch")
        names = [name for name in ("main", "master", configured) if name]
        told = self._git.ask("symbolic-ref", "--quiet", "refs/remotes/origin/HEAD")
        candidates = [
            *([told] if told else []),
            *(f"refs/remotes/origin/{name}" for name in names),
            *(f"refs/heads/{name}" for name in names),
        ]
        return next((ref for ref in candidates if self._commit(ref)), None)

    def merge_base(self, a: str, b: str) -> str:
        """Return the commit where *a* and *b* parted. Raises ``GitError`` if history here does not show one."""
        base = self._shadow.ask("merge-base", self.resolve(a), self.resolve(b))
        if base is None:
            remedy = _DEEPEN if self.is_shallow() else "compare with a base that shares history"
            raise GitError(f"{a!r} and {b!r} have no common ancestor in this clone", remedy=remedy)
        return base

    def default_range(self) -> tuple[str, str]:
        """Return (base, head) of what is to be reviewed when nothing is said.

        From where HEAD left the main line; on the main line itself, the last commit alone (its first parent, or the
        empty tree for the first commit). Raises ``GitError`` in a repository without commits.
        """
        if self.is_empty():
            raise GitError("this repository has no commits yet", remedy="commit something, or review with --staged")
        return self.range_of("HEAD")

    def range_of(self, rev: str) -> tuple[str, str]:
        """Return (base, head) for what *rev* adds to the main line; see ``default_range``."""
        head = self.resolve(rev)
        branch = self.default_branch()
        base = self.merge_base(branch, head) if branch else head
        return (self._first_parent(head) if base == head else base), head

    def is_shallow(self) -> bool:
        """Whether history is cut off somewhere."""
        return self._git.ask("rev-parse", "--is-shallow-repository") == "true"

    def is_empty(self) -> bool:
        """Whether HEAD has no commit yet."""
        return self._commit("HEAD") is None

    def empty_tree(self) -> str:
        """Return the name of the tree without files, in this repository's hash."""
        return _EMPTY_TREES[self._places.object_format]

    def remote_url(self, name: str = "origin") -> str | None:
        """Return where a remote is, without the user name and password it may carry."""
        url = self._git.ask("config", "--get", f"remote.{name}.url")
        return re.sub(r"(?<=://)[^/@]*@", "", url) if url else None

    # -- changes

    def change(self, base: str, head: str, *, context: int = 3) -> Change:
        """Return what differs between two revisions, with *context* lines around it.

        ``Change.base`` and ``.head`` are full object names that ``read`` takes.
        """
        old, new = self.resolve(base), self.resolve(head)
        drivers = f"core.attributesFile={self._shadow.folder / DRIVERS}"
        with self._shadow.start("-c", drivers, *_DIFF, f"--unified={context}", old, new) as process:
            files = tuple(parse(_pipe(process.stdout)))
        return Change(files=files, base=old, head=new)

    def staged_change(self, *, context: int = 3) -> Change:
        """Return what ``git commit`` would record: the index against HEAD, or against nothing. ``head`` is a tree."""
        return self.change(self._commit("HEAD") or self.empty_tree(), STAGED, context=context)

    # -- files

    def list_files(self, rev: str) -> tuple[str, ...]:
        """Return all paths at *rev* in git's order, links and submodules included."""
        return tuple(self.entries(rev))

    def entries(self, rev: str) -> Mapping[str, TreeEntry]:
        """Return every path at *rev* with its mode and object name, in git's order; listed once per revision."""
        tree = self.resolve(rev)
        if tree not in self._trees:
            self._trees[tree] = dict(_entries(self._shadow.run("ls-tree", "-r", "-z", "--full-tree", tree)))
        return self._trees[tree]

    def read(self, rev: str, path: str, *, limit: int | None = None) -> bytes | None:
        """Return one file; see ``read_many``."""
        ((_, content),) = self.read_many(rev, [path], limit=limit)
        return content

    def read_many(
        self, rev: str, paths: Iterable[str], *, limit: int | None = None
    ) -> Generator[tuple[str, bytes | None]]:
        """Yield each path with its bytes at *rev*, in the order asked, one file in memory at a time.

        ``None`` stands for: no such file, a folder, a submodule, or more than *limit* bytes. A link gives the text of
        its target. Raises ``GitError`` if git has not the object (a partial clone).
        """
        entries = self.entries(rev)
        with self._shadow.start("cat-file", "--batch", stdin=True) as process:
            ask, answer = _pipe(process.stdin), _pipe(process.stdout)
            for path in paths:
                entry = entries.get(path)
                blob = entry is not None and entry.mode != SUBMODULE_MODE
                yield path, _blob(ask, answer, entry.oid, limit) if entry and blob else None
            ask.close()

    def attributes(self, paths: Iterable[str], names: Iterable[str], source: str) -> dict[str, dict[str, str]]:
        """Return the git attributes *names* of each path as the ``.gitattributes`` files at *source* say.

        Values as ``git check-attr`` prints them (``set``, ``unset``, or text such as ``true``); unspecified ones are
        left out. Neither the work tree nor ``.git/info/attributes`` has a say.
        """
        found: dict[str, dict[str, str]] = {path: {} for path in paths}
        wanted = [path for path in found if _inside(path)]
        if not wanted:
            return found
        index = {"GIT_INDEX_FILE": str(self._shadow.folder / "attributes-index")}
        self._shadow.run("read-tree", self.resolve(source), env=index)
        answer = self._shadow.run(
            *("check-attr", "--cached", "--stdin", "-z", *names),
            stdin=b"".join(encode(path) + b"\0" for path in wanted),
            env=index,
        )
        words = iter(decode(answer).split("\0")[:-1])
        for path, name, value in zip(words, words, words, strict=True):
            if value != "unspecified":
                found[path][name] = value
        return found

    def is_ancestor(self, old: str, new: str) -> bool:
        """Return whether *old* is an ancestor of *new*; false as well where this clone cannot tell."""
        try:
            return self.merge_base(old, new) == self.resolve(old)
        except GitError:
            return False

    def commits_between(self, base: str, head: str, limit: int) -> tuple[str, ...]:
        """Return at most *limit* commits that lead from *base* to *head*, the latest first, without the two."""
        shown = self._shadow.ask(
            "rev-list",
            "--first-parent",
            "--skip=1",
            f"--max-count={limit}",
            self.resolve(head),
            f"^{self.resolve(base)}",
        )
        return tuple((shown or "").split())

    def uses(self, rev: str, names: Iterable[str], suffixes: Iterable[str]) -> Iterator[tuple[str, int, str]]:
        """Yield (path, line, text) where any of *names* stands as a whole word in the files of *suffixes* at *rev*.

        At most five lines of a file. Paths in git's order.
        """
        words = [flag for name in names for flag in ("-e", name)]
        globs = [f"*{suffix}" for suffix in suffixes]
        if not words:
            return
        said = self._shadow.ask(
            "grep", "-I", "-n", "-w", "-F", "-z", "-m", "5", *words, self.resolve(rev), "--", *globs
        )
        for row in (said or "").split("\n"):
            parts = row.split("\0", 2)
            if len(parts) == 3 and parts[1].isdigit():  # noqa: PLR2004 -- path, line, text
                yield parts[0].partition(":")[2], int(parts[1]), parts[2]

    # -- inside

    def _commit(self, rev: str) -> str | None:
        commit = self._git.ask("rev-parse", "--verify", "--quiet", f"{rev}^{{commit}}")
        return commit if commit and _OID.fullmatch(commit) else None  # `^main` is not one commit

    def _kind(self, oid: str) -> str | None:
        return self._shadow.ask("cat-file", "-t", oid)

    def _first_parent(self, commit: str) -> str:
        # The commit itself tells its parents, also where a shallow clone pretends that there are none.
        for line in self._shadow.run("cat-file", "commit", commit).split(b"\n\n", 1)[0].split(b"\n"):
            if line.startswith(b"parent "):
                parent = line[len(b"parent ") :].decode()
                if self._kind(parent) is None:
                    raise GitError("the commit before HEAD is not in this shallow clone", remedy=_DEEPEN)
                return parent
        return self.empty_tree()

    @cached_property
    def _staged_tree(self) -> str:
        """Write the index as a tree into the shadow: a copy of the index is read, the repository stays as it is."""
        copy = self._shadow.folder / "staged-index"
        if not self._index.is_file():
            return self.empty_tree()
        shutil.copyfile(self._index, copy)
        env = {
            "GIT_DIR": str(self._places.git_dir),  # where a split index finds its other half
            "GIT_INDEX_FILE": str(copy),
            "GIT_OBJECT_DIRECTORY": str(self._shadow.folder / "objects"),
        }
        try:
            return self._git.run("write-tree", env=env).decode().strip()
        except GitError as error:
            raise GitError(
                str(error), remedy="finish the merge (`git status`), stage the files, and try again"
            ) from error


def _entries(listing: bytes) -> Iterator[tuple[str, TreeEntry]]:
    for row in listing.split(b"\0")[:-1]:
        about, _, path = row.partition(b"\t")
        mode, _, oid = about.decode().split(" ")
        yield decode(path), TreeEntry(mode=mode, oid=oid)


def _pipe(stream: IO[bytes] | None) -> IO[bytes]:
    if stream is None:
        raise AssertionError("the process was started with pipes")
    return stream


def _blob(ask: IO[bytes], answer: IO[bytes], oid: str, limit: int | None) -> bytes | None:
    """Fetch one object from ``git cat-file --batch``; what is over the limit is read past, a piece at a time."""
    ask.write(oid.encode() + b"\n")
    ask.flush()
    head = answer.readline().split()
    if len(head) != 3 or head[1] != b"blob":  # noqa: PLR2004 - name, kind, size
        raise GitError(
            f"the object {oid} is missing from this clone",
            remedy="make a full clone: no `--filter`, or `git fetch --refetch --no-filter`",
        )
    size = int(head[2])
    if limit is None or size <= limit:
        content = answer.read(size)
        answer.read(1)
        return content
    left = size + 1
    while left > 0 and (piece := answer.read(min(left, _CHUNK))):
        left -= len(piece)
    return None


def _inside(path: str) -> bool:
    """Whether a path (perhaps from a diff that nobody checked) can be one of the repository at all."""
    return bool(path) and "\0" not in path and not path.startswith("/") and ".." not in path.split("/")
