"""git as a subprocess that a repository cannot steer: the one place where git is started.

A repository's own configuration can name programs (``core.fsmonitor``, ``diff.*.command``, ``filter.*``, hooks …) and
can change what commands print. Two defences: every command gets the options and the environment below, and everything
that needs objects alone runs in a *shadow*, an empty git folder of our own that borrows the repository's objects and
so has no configuration, attributes, hooks, replacements or work tree to obey.
"""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from tta_orchestrate.domain.quoting import decode
from tta_orchestrate.errors import GitError

_KEPT = ("HOME", "XDG_CONFIG_HOME", "TMPDIR")
_OPTIONS = (
    "--no-pager",
    "--no-replace-objects",
    "--literal-pathspecs",
    *(
        word
        for setting in (
            "core.hooksPath=/dev/null",
            "core.fsmonitor=false",
            "core.untrackedCache=false",
            "core.attributesFile=/dev/null",
            "core.pager=cat",
            "core.sshCommand=false",
            "core.askPass=false",
            "core.gitProxy=false",
            "core.quotePath=true",
            "credential.helper=",
            "diff.external=",
            "gpg.program=false",
            "log.showSignature=false",
            "maintenance.auto=false",
            "protocol.allow=never",
        )
        for word in ("-c", setting)
    ),
)
_ENVIRONMENT = {
    "GIT_ALLOW_PROTOCOL": "none",  # a list of permitted transports; unlike protocol.allow no configuration overrides it
    "GIT_ATTR_NOSYSTEM": "1",
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_NO_REPLACE_OBJECTS": "1",
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_TERMINAL_PROMPT": "0",
    "LC_ALL": "C",
}
DRIVERS = "drivers"
# Drivers that git has built in; they only choose the function that a hunk header names.
_DRIVERS = (
    *("*.py diff=python", "*.pyi diff=python", "*.rs diff=rust", "*.go diff=golang", "*.java diff=java"),
    *("*.kt diff=kotlin", "*.kts diff=kotlin", "*.rb diff=ruby", "*.php diff=php", "*.cs diff=csharp"),
    *("*.c diff=cpp", "*.h diff=cpp", "*.cc diff=cpp", "*.cpp diff=cpp", "*.hpp diff=cpp", "*.css diff=css"),
    *("*.md diff=markdown", "*.sh diff=bash"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """Where a repository keeps what is read of it."""

    git_dir: Path
    objects: Path
    shallow: Path
    index: Path
    object_format: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Git:
    """git in one folder, with one environment. Build it with ``installed``."""

    program: str
    folder: Path
    environ: Mapping[str, str] = field(repr=False)

    @classmethod
    def installed(cls, folder: Path, environ: Mapping[str, str], *, trust_owner: bool) -> "Git":
        """Find git on the absolute entries of ``PATH``; takes nothing from *environ* but that and where home is."""
        path = os.pathsep.join(
            entry for entry in environ.get("PATH", "").split(os.pathsep) if Path(entry).is_absolute()
        )
        program = shutil.which("git", path=path)
        if program is None:
            raise GitError("git is not installed", remedy="install git 2.32 or newer and put it on PATH")
        kept = {name: environ[name] for name in _KEPT if name in environ}
        trust = {"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "safe.directory", "GIT_CONFIG_VALUE_0": "*"}
        clean = {**kept, **_ENVIRONMENT, **(trust if trust_owner else {}), "PATH": path}
        return cls(program=program, folder=folder, environ=clean)

    def run(self, *args: str, stdin: bytes | None = None, env: Mapping[str, str] | None = None) -> bytes:
        """Return what git prints. Raises ``GitError`` with git's own last words when it fails."""
        with self.start(*args, env=env, stdin=stdin is not None) as process:
            return process.communicate(stdin)[0]

    def ask(self, *args: str) -> str | None:
        """Return one answer without its line feed, ``None`` where git says with a non-zero exit that there is none."""
        done = subprocess.run(
            self._command(args),
            cwd=self.folder,
            env=dict(self.environ),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
        )
        return None if done.returncode else os.fsdecode(done.stdout).removesuffix("\n")

    @contextmanager
    def start(
        self, *args: str, env: Mapping[str, str] | None = None, stdin: bool = False
    ) -> "Iterator[subprocess.Popen[bytes]]":
        """Run git beside the block, which reads its output; ends the process, and raises ``GitError`` if it failed."""
        with tempfile.TemporaryFile() as errors:
            process = subprocess.Popen(
                self._command(args),
                cwd=self.folder,
                env={**self.environ, **(env or {})},
                stdin=subprocess.PIPE if stdin else subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=errors,
            )
            with process:
                try:
                    yield process
                except BrokenPipeError:  # git ended early; its own words say why
                    process.kill()
                except BaseException:
                    process.kill()
                    raise
            if process.returncode:
                raise _failure(errors)

    def _command(self, args: Sequence[str]) -> list[str]:
        return [self.program, *_OPTIONS, *args]

    def shadow(self, folder: Path, places: Places) -> "Git":
        """Lay out an empty git folder at *folder* that borrows the objects of *places*; returns git running there."""
        sha256 = places.object_format == "sha256"
        for name in ("refs", "objects/info"):
            (folder / name).mkdir(parents=True)
        extension = "[extensions]\n\tobjectFormat = sha256\n" if sha256 else ""
        (folder / "config").write_text(f"[core]\n\trepositoryFormatVersion = {int(sha256)}\n\tbare = true\n{extension}")
        (folder / "HEAD").write_text("ref: refs/heads/none\n")
        (folder / "objects/info/alternates").write_bytes(os.fsencode(places.objects) + b"\n")
        (folder / DRIVERS).write_text("\n".join(_DRIVERS) + "\n")
        if places.shallow.is_file():
            shutil.copyfile(places.shallow, folder / "shallow")
        environ = {**self.environ, "GIT_DIR": str(folder), "GIT_CONFIG_GLOBAL": os.devnull}
        return Git(program=self.program, folder=folder, environ=environ)


def locate(git: Git) -> Places:
    """Find the repository that *git* runs in. Raises ``GitError`` if there is none, or git does not trust its owner."""
    asked = ("--absolute-git-dir", "--git-path", "objects", "--git-path", "shallow", "--git-path", "index")
    try:
        lines = git.run("rev-parse", "--path-format=absolute", *asked, "--show-object-format").split(b"\n")[:-1]
    except GitError as error:
        if "dubious ownership" in str(error):
            remedy = "if you trust it: `git config --global --add safe.directory FOLDER`"
            raise GitError(
                "the repository belongs to another user, and git refuses to read it", remedy=remedy
            ) from error
        remedy = "run inside a git repository, or pass a diff with --diff"
        raise GitError(f"{str(git.folder)!r} is in no git repository", remedy=remedy) from error
    git_dir, objects, shallow, index, object_format = map(decode, lines)
    if object_format not in {"sha1", "sha256"}:
        raise GitError(f"the object format {object_format!r} is not known", remedy="use a SHA-1 or SHA-256 repository")
    return Places(
        git_dir=Path(git_dir),
        objects=Path(objects),
        shallow=Path(shallow),
        index=Path(index),
        object_format=object_format,
    )


def _failure(errors: IO[bytes]) -> GitError:
    errors.seek(0)
    said = [line.strip() for line in errors.read(10_000).decode("utf-8", "replace").splitlines() if line.strip()]
    reasons = [line for line in said if line.startswith(("fatal:", "error:"))] or said[-1:] or ["no reason given"]
    remedy = "if objects are missing, make a full clone: no `--filter`, and `fetch-depth: 0` in actions/checkout"
    return GitError(f"git could not read the repository: {reasons[0]}", remedy=remedy)
