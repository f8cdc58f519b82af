"""git against one remote from an empty repository of our own: no checkout, nothing of the user's configuration.

Built on ``workspace.hardened``: same options, same clean environment; beyond it only the one transport of the remote,
proxy and certificate variables, and the token, which travels in the environment of git and is sent to that host alone.
"""

import base64
import os
import shutil
import tempfile
import weakref
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from tta_orchestrate.errors import GitError, LedgerError
from tta_orchestrate.workspace.hardened import Git

_NETWORK: Final = ("HTTPS_PROXY", "https_proxy", "NO_PROXY", "no_proxy", "GIT_SSL_CAINFO", "SSL_CERT_FILE")
_SCHEMES: Final = frozenset({"https", "http", "file"})
_LOCAL: Final = frozenset({"127.0.0.1", "::1", "localhost"})


class RemoteGit:
    """An empty bare repository that can fetch from and push to one remote."""

    def __init__(self, url: str, environ: Mapping[str, str], token: str = "") -> None:
        scheme, origin = _origin(url)
        folder = Path(tempfile.mkdtemp(prefix="tta-ledger-"))
        self._close = weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True)
        plain = Git.installed(folder, environ, trust_owner=False)
        kept = {name: environ[name] for name in _NETWORK if name in environ}
        settings = {"http.followRedirects": "false", "pack.threads": "1"}
        if token and scheme != "file":
            basic = base64.b64encode(f"x-access-token:{token}".encode()).decode()
            settings[f"http.{origin}/.extraheader"] = f"Authorization: basic {basic}"
        config = {"GIT_CONFIG_COUNT": str(len(settings))}
        for index, (key, value) in enumerate(settings.items()):
            config |= {f"GIT_CONFIG_KEY_{index}": key, f"GIT_CONFIG_VALUE_{index}": value}
        own = {"GIT_DIR": str(folder), "GIT_CONFIG_GLOBAL": os.devnull, "GIT_ALLOW_PROTOCOL": scheme}
        self.url = url
        self.git = replace(plain, environ={**plain.environ, **kept, **config, **own})
        object_format = self._object_format() if scheme == "file" else "sha1"
        self.git.run("init", "--quiet", "--bare", f"--object-format={object_format}", "--template=", str(folder))

    def close(self) -> None:
        """Remove the repository."""
        self._close()

    def _object_format(self) -> str:
        """Ask a local remote; hosts keep SHA-1."""
        folder = self.url.removeprefix("file://")
        return self.git.ask(f"--git-dir={folder}", "rev-parse", "--show-object-format") or "sha1"

    def tip(self, ref: str) -> str:
        """Return the commit that *ref* names there, ``""`` when it does not exist. Raises ``LedgerError``."""
        try:
            answer = self.git.run("ls-remote", "--quiet", self.url, ref).decode("utf-8", "replace")
        except GitError as error:
            raise LedgerError(f"the ledger's repository does not answer: {error}", remedy=_REACH) from error
        found = (line.partition("\t") for line in answer.splitlines())
        return next((oid for oid, _, name in found if name == ref), "")

    def fetch(self, commit_or_ref: str) -> None:
        """Fetch it without its history. Raises ``LedgerError``."""
        try:
            self.git.run("fetch", "--quiet", "--depth=1", "--no-tags", self.url, commit_or_ref)
        except GitError as error:
            raise LedgerError(f"the ledger cannot be fetched: {error}", remedy=_REACH) from error

    def fetched(self) -> str:
        """Return the commit that the last fetch brought."""
        return self.git.run("rev-parse", "--verify", "FETCH_HEAD^{commit}").decode().strip()

    def push(self, commit: str, ref: str, expected: str) -> str:
        """Move *ref* from *expected* (``""``: it must not exist) to *commit*.

        Returns ``""``, or why the remote refused this one update. Raises ``GitError`` when there was no answer.
        """
        lease = f"--force-with-lease={ref}:{expected}"
        command = ("push", "--porcelain", "--no-verify", lease, self.url, f"{commit}:{ref}")
        answer, refused = "", False
        try:
            with self.git.start(*command) as process:
                answer = process.communicate()[0].decode("utf-8", "replace")
        except GitError:
            refused = any(line.startswith("!") for line in answer.splitlines())
            if not refused:
                raise
        return next((line for line in answer.splitlines() if line.startswith("!")), "") if refused else ""


_REACH: Final = "give the job `permissions: contents: read` (write, to keep the books), and check the network"


def _origin(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    remedy = "name an https or file address; tokens are passed by environment, never inside the address"
    if parts.scheme not in _SCHEMES or "@" in parts.netloc:
        raise LedgerError("the address of the ledger's repository cannot be used", remedy=remedy)
    if parts.scheme == "http" and (parts.hostname or "") not in _LOCAL:
        raise LedgerError("the ledger's repository would be reached without encryption", remedy="use https")
    return parts.scheme, f"{parts.scheme}://{parts.netloc}"
