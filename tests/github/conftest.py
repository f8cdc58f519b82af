from datetime import UTC, datetime

import pytest

from github_server import GitHubServer
from tta_orchestrate.github.api import GitHub, Time


class StoppedClock:
    """A clock that only waiting moves; it remembers how long was waited."""

    def __init__(self):
        self.seconds, self.waits = 0.0, []

    def now(self):
        return datetime.fromtimestamp(1_800_000_000 + self.seconds, UTC)

    def monotonic(self):
        return self.seconds

    def wait(self, seconds):
        self.waits.append(seconds)
        self.seconds += seconds


@pytest.fixture
def clock():
    return StoppedClock()


@pytest.fixture
def server():
    """A GitHub; the test fails when a request or an answer was not as GitHub's OpenAPI description says."""
    state = GitHubServer()
    yield state
    assert state.violations == []


@pytest.fixture
def api(server, clock):
    time = Time(now=clock.now, monotonic=clock.monotonic, wait=clock.wait)
    client = GitHub("o/r", "t0ken", transport=server.transport(), clock=time, patience=3600)
    yield client
    client.close()
