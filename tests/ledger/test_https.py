"""The branch over https: git's own server behind TLS, with an authority of the test's own; where the token goes."""

import base64
import os
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path

import pytest
import yaml

from authority import authority
from github_server import GitHubServer
from ledgers import NOW, report, terms, who
from repos import make_repo
from tta_orchestrate.cli import books
from tta_orchestrate.domain.ledger import Envelope, Phase
from tta_orchestrate.errors import LedgerError
from tta_orchestrate.ledger.envelope import open_envelope, settle
from tta_orchestrate.loopback.server import Loopback
from tta_orchestrate.settings.model import Settings

TOKEN = "ghs_" + "canary" * 6
SHAPES = (TOKEN, base64.b64encode(f"x-access-token:{TOKEN}".encode()).decode())


class Host:
    """One server of git over TLS; notes who showed the token, and where it can be seen while git is at work."""

    def __init__(self, folder, own):
        self.server = GitHubServer(repository="octo/books", repositories=folder, push_token=TOKEN)
        self.server.on_git = self.look
        self.own, self.headers, self.leaks, self.elsewhere, self.url = own, [], [], "", ""
        bare = folder / "octo" / "books.git"
        subprocess.run(["git", "init", "--quiet", "--bare", str(bare)], check=True)

    def look(self, headers):
        self.headers.append(headers)
        self.leaks += [name for name, text in _visible() if any(shape in text for shape in SHAPES)]
        return (302, {"Location": f"{self.elsewhere}/octo/books.git/info/refs"}, b"") if self.elsewhere else None

    @contextmanager
    def listening(self):
        with self.server.serve(self.own.server_context()) as api:
            self.url = api.removesuffix("/api/v3")
            yield self

    def environ(self, **more):
        """What the job of a workflow on this server has."""
        facts = {"GITHUB_ACTIONS": "true", "GITHUB_SERVER_URL": self.url, "GITHUB_REPOSITORY": "octo/books"}
        trust = {"GIT_SSL_CAINFO": str(self.own.ca)}
        kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
        return {**kept, **facts, **trust, "GITHUB_TOKEN": TOKEN, **more}

    @property
    def shown(self):
        return {headers.get("authorization", "") for headers in self.headers}


def _visible():
    """What anybody on the machine, or a later step of the job, could read now: command lines, and git's own files."""
    for process in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            yield str(process), process.read_text(errors="replace")
        except OSError:
            continue
    for file in Path(tempfile.gettempdir()).glob("tta-ledger-*/*"):
        if file.is_file():
            yield str(file), file.read_text(errors="replace")


@pytest.fixture
def host(tmp_path):
    with Host(tmp_path / "server", authority(tmp_path / "tls")).listening() as host:
        yield host


def store(environ):
    return books._branch(Settings(), environ)


def test_the_books_are_pushed_over_tls_and_the_token_is_a_header_and_nothing_else(host):
    ledger = store(host.environ())
    opened = open_envelope(ledger, terms(), who("1"), NOW)
    assert isinstance(opened, Envelope)
    assert opened.recorded
    assert settle(ledger, opened, report(0.25), NOW).recorded
    assert [one.phase for one in ledger.read(["2026-11"]).entries] == [Phase.RESERVE, Phase.SETTLE]
    assert host.server.pushes == 2
    assert f"basic {SHAPES[1]}" in host.shown
    assert host.leaks == []
    assert not any(shape in str(headers.get("referer", "")) for headers in host.headers for shape in SHAPES)
    assert not any(shape in repr(ledger) for shape in SHAPES)


def test_a_server_that_nobody_vouches_for_gets_neither_token_nor_books(host):
    with pytest.raises(LedgerError) as told:
        store({name: value for name, value in host.environ().items() if name != "GIT_SSL_CAINFO"}).read(["2026-11"])
    assert "certificate" in str(told.value)
    assert host.headers == []


def test_a_redirect_to_another_host_is_not_followed(host, tmp_path):
    with Host(tmp_path / "other", host.own).listening() as thief:
        host.elsewhere = thief.url
        ledger = store(host.environ())
        with pytest.raises(LedgerError) as told:
            ledger.read(["2026-11"])
        opened = open_envelope(ledger, terms(), who("1"), NOW)
        assert not opened.recorded
        assert host.headers
        assert thief.headers == []
    assert not any(shape in f"{told.value} {told.value.remedy} {opened.notes}" for shape in SHAPES)


@pytest.mark.slow
def test_a_whole_review_keeps_its_books_there_and_prints_no_token(host, tmp_path):
    repository = make_repo(tmp_path / "repo")
    for text in ("def f(a):\n    return a\n", "def f(a, b):\n    return a / b\n"):
        repository.write("shop.py", text)
        repository.commit()
    output = tmp_path / "report"
    with Loopback() as provider:
        executor = {"model": "llama-3.3-70b-versatile", "provider": "groq", "api_key_env": "GROQ_API_KEY",
                    "base_url": f"{provider.url}/v1"}  # fmt: skip
        body = {"executors": [executor], "fallback_strategy": {"models": []}}
        (tmp_path / "config.yaml").write_text(yaml.safe_dump({"orchestration": body}))
        argv = [sys.executable, "-m", "tta_orchestrate", "review", "--base", "HEAD~1", "--output", str(output)]
        environ = host.environ(GROQ_API_KEY="gsk_canary0123456789canary", GITHUB_RUN_ID="7")
        done = subprocess.run(
            [*argv, "--config", str(tmp_path / "config.yaml")],
            env=environ, cwd=repository.path, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        ledger = store(host.environ())
        [settled] = [one for one in ledger.read(ledger.months()).entries if one.phase is Phase.SETTLE]
        assert settled.cash == provider.charged > 0
    assert host.leaks == []
    written = "".join(file.read_text(errors="replace") for file in output.rglob("*") if file.is_file())
    assert not any(shape in done.stdout + done.stderr + written for shape in SHAPES)
