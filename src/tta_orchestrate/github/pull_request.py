"""Getting at the commits of a pull request when the checkout does not hold them: by git, as data, without a work tree.

Nothing is written into the repository that is read: the objects go into a bare one of our own, which borrows those that
are there already (``objects/info/alternates``).
"""

import base64
import os
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tta_orchestrate.domain.quoting import quote
from tta_orchestrate.errors import GitError, GitHubError, NotFoundError, UnavailableError
from tta_orchestrate.github.api import GitHub
from tta_orchestrate.github.records import PullFile

DEPTHS: Final = ("--depth=50", "--depth=1000", "--unshallow")
TIMEOUT: Final = 300
"""Seconds per git command."""
_SAFE: Final = (
    "-c",
    "core.hooksPath=/dev/null",
    "-c",
    "core.fsmonitor=false",
    "-c",
    "protocol.ext.allow=never",
    "-c",
    "gc.auto=0",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched:
    """A repository that holds both ends of a pull request, and what they are."""

    objects: Path
    base: str
    head: str
    title: str = ""


def fetch_pull_request(
    api: GitHub, number: int, scratch: Path, *, url: str, token: str = "", borrow: Path | None = None
) -> Fetched:
    """Fetch base and head of pull request *number* into a bare repository below *scratch*.

    *url* is the repository's address; *borrow* a checkout whose objects need not be fetched again.

    Raises:
        GitHubError: the pull request cannot be read.
        UnavailableError: the commits cannot be fetched.
        GitError: there is no git, or no common history.
    """
    pull = api.pull_request(number)
    git_dir = fetch_commits(
        scratch,
        url=url,
        token=token,
        base=pull.base.sha,
        head=pull.head.sha,
        extra=(f"refs/pull/{number}/head",),
        borrow=borrow,
    )
    return Fetched(objects=git_dir, base=pull.base.sha, head=pull.head.sha, title=pull.title)


def fetch_commits(
    scratch: Path,
    *,
    url: str,
    token: str = "",
    base: str,
    head: str,
    extra: Sequence[str] = (),
    borrow: Path | None = None,
    path: str = os.defpath,
) -> Path:
    """Return a bare repository that holds *base*, *head* (full object names) and their merge base.

    *extra* are the refs to ask for in the place of *head*; *path* is where git is looked for.

    Raises:
        UnavailableError: the commits cannot be fetched.
        GitError: there is no git, or no common history.
    """
    git_dir = scratch / "fetched.git"
    git_dir.mkdir(parents=True)
    git = _Git(git_dir, token=token, url=url, path=path)
    git.run("init", "--quiet", "--bare", str(git_dir))
    if borrow is not None and (objects := _objects(borrow)):
        (git_dir / "objects" / "info" / "alternates").write_text(f"{objects}\n", encoding="utf-8")
    for depth in DEPTHS:
        if depth == "--unshallow" and not (git_dir / "shallow").exists():
            break
        git.run("fetch", "--quiet", "--no-tags", "--no-write-fetch-head", depth, url, base, *(extra or (head,)))
        if git.succeeds("merge-base", base, head):
            return git_dir
    raise GitError(
        "the two ends of the change have no common history",
        remedy="compare with a commit that the branch was started from",
    )


def unified_diff(files: Iterable[PullFile]) -> tuple[list[bytes], tuple[str, ...]]:
    """Return the lines of the diff that the API's patches make up, and the files that it gives none of.

    A renamed or emptied file without changed lines needs no patch; every other one without is missing.
    """
    lines: list[bytes] = []
    without: list[str] = []
    for file in files:
        if file.patch is None and (file.additions or file.deletions or file.status in {"modified", "changed"}):
            without.append(file.filename)
        else:
            lines += _header(file)
            lines += [] if file.patch is None else file.patch.encode("utf-8", "surrogateescape").split(b"\n")
    return [line + b"\n" for line in lines], tuple(without)


def _header(file: PullFile) -> list[bytes]:
    old = file.previous_filename or file.filename
    before, after = quote(f"a/{old}"), quote(f"b/{file.filename}")
    head = [b"diff --git %s %s" % (before, after)]
    if file.status == "added":
        head.append(b"new file mode 100644")
    elif file.status == "removed":
        head.append(b"deleted file mode 100644")
    elif file.status == "renamed":
        head += [b"rename from " + quote(old), b"rename to " + quote(file.filename)]
    if file.patch is not None:
        head.append(b"--- /dev/null" if file.status == "added" else b"--- " + before)
        head.append(b"+++ /dev/null" if file.status == "removed" else b"+++ " + after)
    return head


def read_file(api: GitHub, path: str, ref: str) -> bytes | None:
    """Return a file of at most 1 MB at *ref* by the API, ``None`` where there is none.

    Raises:
        GitHubError: GitHub refuses, does not answer, or gives no content.
    """
    try:
        content = api.content(path, ref)
    except NotFoundError:
        return None
    if content.type != "file" or content.encoding != "base64":
        raise GitHubError(f"GitHub gives no content of {path!r}", remedy="let git fetch the commits instead")
    return base64.b64decode(content.content)


def holds(folder: Path, *commits: str) -> bool:
    """Whether the repository that *folder* lies in has all *commits*, and a merge base of two."""
    if not folder.is_dir():
        return False
    git = _Git(folder)
    if not all(git.succeeds("cat-file", "-e", f"{commit}^{{commit}}") for commit in commits):
        return False
    return len(commits) < 2 or git.succeeds("merge-base", *commits)  # noqa: PLR2004


def _objects(folder: Path) -> str:
    done = _Git(folder).spawn(("rev-parse", "--path-format=absolute", "--git-path", "objects"))
    return done.stdout.decode("utf-8", "surrogateescape").strip() if done.returncode == 0 else ""


class _Git:
    """git with an environment of its own: no configuration of a user, no prompt, the token never on a command line."""

    def __init__(self, folder: Path, *, token: str = "", url: str = "", path: str = os.defpath) -> None:
        self._folder = folder
        self._environment = {
            "PATH": path,
            "LC_ALL": "C",
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_TERMINAL_PROMPT": "0",
            **_settings(_credentials(token, url) | {"safe.directory": "*"}),
        }

    def run(self, *arguments: str) -> None:
        done = self.spawn(arguments)
        if done.returncode:
            said = done.stderr.decode("utf-8", "replace").strip().splitlines()
            raise UnavailableError(
                f"git {arguments[0]} failed: {said[-1] if said else done.returncode}",
                remedy="check out with `fetch-depth: 0`, or give the token `contents: read`",
            )

    def succeeds(self, *arguments: str) -> bool:
        return self.spawn(arguments).returncode == 0

    def spawn(self, arguments: Sequence[str]) -> "subprocess.CompletedProcess[bytes]":
        argv = ["git", *_SAFE, "-C", str(self._folder), *arguments]
        try:
            return subprocess.run(argv, env=self._environment, capture_output=True, timeout=TIMEOUT, check=False)
        except FileNotFoundError as error:
            raise GitError("there is no git", remedy="install git 2.30 or newer") from error
        except subprocess.TimeoutExpired as error:
            raise GitError(f"git {arguments[0]} took more than {TIMEOUT} s") from error


def _credentials(token: str, url: str) -> dict[str, str]:
    if not token or not url.startswith("https://"):
        return {}
    login = base64.b64encode(f"x-access-token:{token}".encode()).decode()
    return {f"http.{url}.extraheader": f"Authorization: Basic {login}"}


def _settings(settings: Mapping[str, str]) -> dict[str, str]:
    """Return *settings* as git reads them from its environment."""
    variables = {"GIT_CONFIG_COUNT": str(len(settings))}
    for number, (key, value) in enumerate(settings.items()):
        variables |= {f"GIT_CONFIG_KEY_{number}": key, f"GIT_CONFIG_VALUE_{number}": value}
    return variables
