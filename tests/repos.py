"""Small git repositories for tests, made by the real git with fixed people and times."""

import os
import subprocess
from pathlib import Path

ENVIRON = {
    "PATH": os.environ["PATH"],
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_AUTHOR_NAME": "Ada",
    "GIT_AUTHOR_EMAIL": "ada@example.com",
    "GIT_COMMITTER_NAME": "Ada",
    "GIT_COMMITTER_EMAIL": "ada@example.com",
    "LC_ALL": "C",
}


class RepoBuilder:
    """A repository that grows commit by commit; each commit is one minute younger than the one before."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._minutes = 0

    def git(self, *args: str | bytes | Path, stdin: bytes | None = None) -> str:
        """Run git in the repository; its output without the last line feed."""
        return self.git_bytes(*args, stdin=stdin).decode("utf-8", "surrogateescape").removesuffix("\n")

    def git_bytes(self, *args: str | bytes | Path, stdin: bytes | None = None) -> bytes:
        date = f"2024-01-01T{self._minutes // 60:02}:{self._minutes % 60:02}:00+00:00"
        done = subprocess.run(
            ["git", *args],
            cwd=self.path,
            env={**ENVIRON, "HOME": str(self.path), "GIT_AUTHOR_DATE": date, "GIT_COMMITTER_DATE": date},
            input=stdin,
            stdin=subprocess.DEVNULL if stdin is None else None,
            capture_output=True,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(f"git {args}: {done.stderr.decode(errors='replace')}")
        return done.stdout

    def write(self, path: str | bytes, content: str | bytes, *, executable: bool = False) -> Path:
        """Write a file, with its folders; nothing is committed yet."""
        target = self.path / os.fsdecode(path)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content.encode() if isinstance(content, str) else content)
        if executable:
            target.chmod(0o755)
        return target

    def link(self, path: str, target: str) -> None:
        """Make a symbolic link."""
        (self.path / path).parent.mkdir(parents=True, exist_ok=True)
        (self.path / path).symlink_to(target)

    def commit(self, message: str = "change") -> str:
        """Commit everything that is in the work tree, or nothing at all; returns the full name of the commit."""
        self._minutes += 1
        self.git("add", "--all", "--force", ".")
        self.git("commit", "--quiet", "--allow-empty", "--message", message)
        return self.git("rev-parse", "HEAD")


def make_repo(path: Path, *, bare: bool = False, object_format: str = "sha1", branch: str = "main") -> RepoBuilder:
    """Make an empty repository at *path* (made if missing)."""
    path.mkdir(parents=True, exist_ok=True)
    builder = RepoBuilder(path)
    options = ["--bare"] if bare else []
    builder.git("init", "--quiet", f"--initial-branch={branch}", f"--object-format={object_format}", *options)
    return builder
