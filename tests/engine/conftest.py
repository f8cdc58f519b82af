import pytest

from team import World, script
from tta_orchestrate.loopback.server import Loopback


@pytest.fixture(scope="module")
def server():
    with Loopback(script) as running:
        yield running


@pytest.fixture
def world(server, tmp_path):
    server.reset(script)
    world = World(server.url, tmp_path)
    yield world
    world.close()
