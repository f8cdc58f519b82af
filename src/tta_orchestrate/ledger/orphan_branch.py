"""A ledger on an orphan branch of the repository: one JSONL file per month, compare-and-swap by git alone.

A transaction fetches the tip, builds blob, tree and commit, and pushes with ``--force-with-lease`` on the tip it saw:
whoever comes second is refused, reads again and tries again, so nobody's entry is lost. A push whose answer got lost
is harmless: the keys of its entries are found at the next try. No checkout, no hooks, no user configuration.
"""

import re
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from random import Random
from typing import Final, Protocol, Self

from tta_orchestrate.domain.ledger import Book, Entry
from tta_orchestrate.errors import GitError, LedgerError
from tta_orchestrate.ledger import lines
from tta_orchestrate.ledger.port import Plan
from tta_orchestrate.ledger.remote_git import RemoteGit

BRANCH: Final = "tta-ledger"
_FILE: Final = re.compile(r"100644 blob ([0-9a-f]{40,64})\t([0-9]{4}-[0-9]{2})\.jsonl")
_LOST_RACE: Final = re.compile(
    r"stale info|fetch first|non-fast-forward|already exists|cannot lock ref|failed to update ref|incorrect old value"
    r"|unable to lock|reference broken|failed to lock|remote ref is at|unpacker error|failed to write"
)
_LARGEST: Final = 64 * 1024 * 1024
_WHO: Final = "tta-orchestrate"


class Clock(Protocol):
    """Wall clock and waiting, as ``engine.clock``."""

    def now(self) -> datetime:
        """UTC."""
        ...

    def wait(self, seconds: float, cancelled: threading.Event) -> None:
        """Wait, or return when *cancelled* is set."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Backoff:
    """How often and how long to try: full jitter over an exponential with a cap. Seconds."""

    tries: int = 30
    first: float = 0.05
    cap: float = 3.0
    no_answer_tries: int = 3

    def delay(self, attempt: int, random: Random) -> float:
        """Return the wait before try *attempt* (from 1)."""
        return random.uniform(0, min(self.cap, self.first * 2.0 ** min(attempt, 16)))


@dataclass(slots=True)
class Pushes:
    """What transactions took: for the figures."""

    done: int = 0
    tried: int = 0
    worst: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class OrphanBranch:
    """One branch of one repository."""

    url: str
    environ: Mapping[str, str] = field(repr=False)
    clock: Clock
    random: Random
    token: str = field(default="", repr=False)
    branch: str = BRANCH
    backoff: Backoff = Backoff()
    pushes: Pushes = field(default_factory=Pushes)

    def months(self) -> tuple[str, ...]:
        """Return the months that have a file."""
        with _Remote(self) as remote:
            return tuple(sorted(remote.fetch()[1]))

    def read(self, months: Sequence[str]) -> Book:
        """Return the entries of *months*: one fetch."""
        with _Remote(self) as remote:
            _, files = remote.fetch()
            wanted = [remote.content(files[month]) for month in months if month in files]
            return lines.read(line for content in wanted for line in content.split(b"\n"))

    def transact(self, month: str, plan: Plan) -> Book:
        """Add what *plan* says; one push when nobody else writes."""
        with _Remote(self) as remote:
            tried = silent = 0
            while tried < self.backoff.tries:
                if tried:
                    self.clock.wait(self.backoff.delay(tried, self.random), threading.Event())
                tip, files = remote.fetch()
                content = remote.content(files[month]) if month in files else b""
                book = lines.read(content.split(b"\n"))
                known = book.keys()
                added = [entry for entry in plan(book) if entry.key not in known]
                done = Book(entries=(*book.entries, *added), unreadable=book.unreadable)
                if not added:
                    return done
                tried += 1
                self.pushes.tried += 1
                try:
                    refused = remote.write(tip, files, month, _appended(content, added))
                except GitError as error:
                    silent += 1
                    if silent >= self.backoff.no_answer_tries:
                        raise LedgerError(f"the ledger cannot be pushed: {error}", remedy=_WRITE) from error
                    continue
                if not refused:
                    self.pushes.done += 1
                    self.pushes.worst = max(self.pushes.worst, tried)
                    return done
                if not _LOST_RACE.search(refused):
                    raise LedgerError(f"the branch {self.branch} refuses the ledger: {_reason(refused)}", remedy=_WRITE)
        raise LedgerError(
            f"the ledger could not be written in {tried} tries: too many jobs write at once",
            remedy="let the jobs settle one after another: `concurrency: {group: tta-ledger}`",
        )


_WRITE: Final = "give the job `permissions: contents: write`, and keep rulesets off the branch; or use store: artifacts"


def _reason(refused: str) -> str:
    return refused.rsplit("\t", 1)[-1].strip()[:200]


def _appended(content: bytes, added: Sequence[Entry]) -> bytes:
    closed = content if not content or content.endswith(b"\n") else content + b"\n"
    return closed + b"".join(lines.encode(entry) + b"\n" for entry in added)


class _Remote:
    """The git commands of one transaction."""

    def __init__(self, store: OrphanBranch) -> None:
        self._store = store
        self._ref = f"refs/heads/{store.branch}"
        self._remote = RemoteGit(store.url, store.environ, store.token)
        self._git = self._remote.git

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._remote.close()

    def fetch(self) -> tuple[str, dict[str, str]]:
        """Return the tip (``""``: no branch yet) and the blob of each month."""
        if not self._remote.tip(self._ref):
            return "", {}
        self._remote.fetch(self._ref)
        tip = self._remote.fetched()
        listing = self._git.run("ls-tree", tip).decode("utf-8", "replace").splitlines()
        return tip, {match[2]: match[1] for line in listing if (match := _FILE.fullmatch(line))}

    def content(self, blob: str) -> bytes:
        """Return one file."""
        if int(self._git.run("cat-file", "-s", blob)) > _LARGEST:
            raise LedgerError("a month of the ledger is larger than 64 MiB", remedy=f"look at the branch {self._ref}")
        return self._git.run("cat-file", "blob", blob)

    def write(self, tip: str, files: Mapping[str, str], month: str, content: bytes) -> str:
        """Commit and push; return ``""`` or git's line of refusal."""
        blob = self._git.run("hash-object", "-w", "--stdin", stdin=content).decode().strip()
        tree = {**files, month: blob}
        listing = "".join(f"100644 blob {oid}\t{name}.jsonl\n" for name, oid in sorted(tree.items()))
        oid = self._git.run("mktree", stdin=listing.encode()).decode().strip()
        parents = ("-p", tip) if tip else ()
        message = f"ledger: {month}\n".encode()
        commit = self._git.run("commit-tree", oid, *parents, stdin=message, env=self._people()).decode().strip()
        return self._remote.push(commit, self._ref, tip)

    def _people(self) -> dict[str, str]:
        when = self._store.clock.now().astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S+00:00")
        mail = f"{_WHO}@users.noreply.github.com"
        return {
            f"GIT_{who}_{what}": value
            for who in ("AUTHOR", "COMMITTER")
            for what, value in (("NAME", _WHO), ("EMAIL", mail), ("DATE", when))
        }
