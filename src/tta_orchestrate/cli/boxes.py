"""Test generation as a step of a workflow: the brain's side of the three containers.

This process holds the keys, so it executes nothing of the repository: it takes the tested tree out of git, has *prep*
install and *box* run, and reads what comes back as data.
"""

import json
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Final

from tta_orchestrate.domain.report import Report, Subject
from tta_orchestrate.errors import SandboxError

if TYPE_CHECKING:
    from tta_orchestrate.cli.request import RunRequest
    from tta_orchestrate.modes.test_gen.environment import Environment
    from tta_orchestrate.modes.test_gen.run import Request
    from tta_orchestrate.settings.model import Settings
    from tta_orchestrate.workspace.git import Repository

_LARGEST: Final = 32 << 20
_PREP_SECONDS: Final = 900.0
_POLL: Final = 0.1
_TREE: Final = "head"


@dataclass(frozen=True, slots=True)
class Rooms:
    """The folders that this container shares with the other two; see ``launcher/rooms.py``."""

    folder: Path
    start: Callable[[str], None]
    """Gives the launcher an order: ``start prep``, ``stop prep``, ``start build``, ``start box``."""

    def ended(self, role: str) -> int | None:
        """Return the exit code of container *role*, ``None`` while it has not ended."""
        try:
            return int((self.folder / "state" / role).read_text(encoding="ascii"))
        except FileNotFoundError:
            return None

    def box_is_gone(self) -> str:
        """Say how the box ended, if it did."""
        code = self.ended("box")
        return "" if code is None else f"its container ended with exit code {code}"


def generate(request: "RunRequest", settings: "Settings", repository: "Repository") -> Report:
    """Generate tests for what *request* names; run everything in the box.

    Raises:
        SandboxError: there are no boxes here, or they do not work.
    """
    from tta_orchestrate.cli.paid_work import paid_work
    from tta_orchestrate.modes.test_gen.run import run
    from tta_orchestrate.sandbox.mailbox import Mailbox
    from tta_orchestrate.settings.test_gen import SandboxPolicy

    rooms = _rooms(request)
    base = repository.merge_base(request.base, request.head) if request.base else ""
    tree = rooms.folder / "source" / _TREE
    export(tree, _files(repository, request.head))
    environment, said = _prepare(rooms, request, settings)
    rooms.start("start box")
    section = settings.test_gen.model_copy(update={"sandbox": SandboxPolicy.REQUIRE})
    with _temporary_files_in(rooms.folder / "source"):
        asked = replace(
            _asked(request, repository, base, tree),
            environment=environment,
            sandbox=Mailbox(folder=rooms.folder, gone=rooms.box_is_gone),
        )
        report = paid_work(
            settings,
            request.environ,
            mode="test-gen",
            output=request.output,
            run_key=f"test-gen {base} {request.head}",
            subject=Subject(repository=request.repository),
            work=lambda engine: run(asked, section, engine=engine),
            batch=section.batch,
            scope=f"{request.repository} {sorted(request.paths)} {request.base}",
        )
    subject = Subject(
        repository=request.repository, base=base, head=request.head, title=request.title, server_url=request.server_url
    )
    return replace(report, subject=subject, notices=(*report.notices, *said))


def _rooms(request: "RunRequest") -> Rooms:
    folder = request.environ.get("TTA_ROOMS", "")
    if not folder:
        raise SandboxError(
            "test-gen executes code, and there is no container for it here",
            remedy="use the action tta/orchestrate@v1 with the input `mode: test-gen` on a runner that has docker",
        )
    return Rooms(Path(folder), request.order)


def export(folder: Path, files: Iterator[tuple[str, bytes, bool]]) -> None:
    """Write *files* (path, content, executable) below *folder*: plain files only, nothing outside, no ``.git``."""
    folder.mkdir()
    for path, data, runs in files:
        parts = PurePosixPath(path).parts
        if not parts or path.startswith("/") or any(p == ".." or p.lower() == ".git" for p in parts):
            continue
        target = folder.joinpath(*parts)
        with suppress(OSError):  # a name that no file can have, or that a made-up tree gives to two things
            target.parent.mkdir(parents=True, exist_ok=True)  # no links lie on the way: none are ever written
            target.write_bytes(data)
            target.chmod(0o755 if runs else 0o644)
    for one in (folder, *(found for found in folder.rglob("*") if found.is_dir())):
        one.chmod(0o755)


def _files(repository: "Repository", rev: str) -> Iterator[tuple[str, bytes, bool]]:
    """Yield the regular files of a revision; links and submodules are left out."""
    entries = {path: one for path, one in repository.entries(rev).items() if one.mode.startswith("100")}
    for path, data in repository.read_many(rev, entries, limit=_LARGEST):
        if data is not None:
            yield path, data, entries[path].mode.endswith("755")


def _asked(request: "RunRequest", repository: "Repository", base: str, tree: Path) -> "Request":
    from tta_orchestrate import registry
    from tta_orchestrate.modes.test_gen.run import Request
    from tta_orchestrate.sandbox.spec import Level

    wanted, runners = _chosen(request.paths), registry.load_all("runners")
    if not base:
        endings = (".py", *(suffix for runner in runners for suffix in runner.suffixes))
        files = (path for path in repository.list_files(request.head) if path.endswith(endings))
        chosen = tuple(p for p in files if wanted(p)) if request.paths else ()
        return Request(root=tree, level=Level.BOX, files=chosen, runners=runners)
    change = repository.change(base, request.head, context=0)
    return Request(
        root=tree,
        level=Level.BOX,
        runners=runners,
        changed={f.path: f.touched_lines() for f in change.files if wanted(f.path)},
        base_files=lambda: {path: data for path, data, _ in _files(repository, base)},
    )


def _chosen(patterns: Sequence[str]) -> Callable[[str], bool]:
    from pathspec import GitIgnoreSpec

    return GitIgnoreSpec.from_lines(patterns).match_file if patterns else lambda _: True


def _prepare(rooms: Rooms, request: "RunRequest", settings: "Settings") -> "tuple[Environment, tuple[str, ...]]":
    """Have the dependencies installed, if that may be; return the interpreter of the box and what to say of it."""
    import sys

    from tta_orchestrate.modes.test_gen.environment import Environment
    from tta_orchestrate.sandbox.prep import interpreter, is_built
    from tta_orchestrate.sandbox.spec import Bind

    section = settings.test_gen
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    other = (
        f"`test_gen.python` is for the command line: the Action's containers have Python {version} alone, and used it."
    )
    said = (other,) if section.python and section.python not in {version, f"python{version}"} else ()
    plain = Environment(python=f"{sys.base_prefix}/bin/python3", binds=(), origin="the image's own, no packages")
    if not request.trusted and not section.setup_for_forks:
        notice = "Nothing was installed: the change comes from outside (`test_gen.setup_for_forks` is false)."
        return plain, (*said, notice)
    _plan(rooms, section.setup, trusted=request.trusted)
    rooms.start("start prep")
    code = _await(rooms, "prep", _PREP_SECONDS)
    if code in {0, 1} and not section.setup and is_built(rooms.folder / "source" / _TREE):
        rooms.start("start build")
        code = max(code, _await(rooms, "build", _PREP_SECONDS))
    deps = str(rooms.folder / "deps")
    binds = (Bind(source=deps, target=deps),)
    installed = Environment(python=interpreter(rooms.folder), binds=binds, origin="made by the prep container")
    if code == 0:
        return installed, (*said, "Dependencies were installed by the prep container.")
    if code == 1:
        notice = "Not all dependencies could be installed (see the log); tests ran with what there is."
        return installed, (*said, notice)
    notice = f"The prep container failed (exit code {code}); tests ran with the image's plain interpreter."
    return plain, (*said, notice)


def _plan(rooms: Rooms, setup: Sequence[str], *, trusted: bool) -> None:
    """Say what to install, and under which key it may be kept: what strangers have installed is theirs alone."""
    from tta_orchestrate.sandbox.prep import cache_key

    tree, folder = rooms.folder / "source" / _TREE, rooms.folder / "plan"
    (folder / "prep.json").write_text(json.dumps({"tree": _TREE, "setup": list(setup)}), encoding="utf-8")
    key = f"{'own' if trusted else 'forks'}-{cache_key(tree, setup, time.strftime('%G week %V', time.gmtime()))}"
    (folder / "key").write_text(key, encoding="ascii")


def _await(rooms: Rooms, role: str, seconds: float) -> int:
    deadline = time.monotonic() + seconds
    while (code := rooms.ended(role)) is None:
        if time.monotonic() > deadline:
            rooms.start(f"stop {role}")
            deadline = float("inf")
        time.sleep(_POLL)
    return code


@contextmanager
def _temporary_files_in(folder: Path) -> Iterator[None]:
    """Have the copies of the tree made where the box can read them."""
    before, tempfile.tempdir = tempfile.tempdir, str(folder)
    try:
        yield
    finally:
        tempfile.tempdir = before
