"""Ground rules of the suite: no address but loopback is ever dialled, no inherited configuration, no clock in Hypothesis."""

import ipaddress
import os
import signal
import socket
import sys

import pytest
from hypothesis import settings

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # started in the background: what tests start must hear it
    signal.signal(signal.SIGINT, signal.default_int_handler)

settings.register_profile("suite", deadline=None, derandomize=bool(os.environ.get("CI")))
settings.load_profile("suite")


def _only_loopback(event, args):
    """An audit hook: it sees every connection of this process, whoever makes it."""
    if event != "socket.connect":
        return
    family, address = args[0].family, args[1]
    if family == socket.AF_UNIX or not isinstance(address, tuple):
        return
    host = str(address[0]).partition("%")[0]
    if host != "localhost" and not ipaddress.ip_address(host).is_loopback:
        raise RuntimeError(f"a test dialled {host}")


sys.addaudithook(_only_loopback)


@pytest.fixture(autouse=True)
def _no_inherited_settings(monkeypatch, tmp_path_factory):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path_factory.getbasetemp() / "state"))
    for name in [name for name in os.environ if name.startswith(("TTA_", "GITHUB_", "INPUT_", "RUNNER_"))]:
        monkeypatch.delenv(name)
