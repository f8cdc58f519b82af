"""The containers beside the program: what each may see, when they start, and that none outlives the run."""

import signal
import subprocess
import sys
from pathlib import Path

import host
import pytest
from container import run_argv
from rooms import Rooms, box, prep

import runner

LAUNCHER = Path(host.__file__).parent
KEYS = {"INPUT_ANTHROPIC-API-KEY": "canary", "INPUT_GITHUB-TOKEN": "canary", "GITHUB_TOKEN": "canary"}


@pytest.fixture
def rooms(tmp_path):
    return Rooms.make(str(tmp_path), owner=(1001, 1002))


def words(argv, flag):
    return [argv[n + 1] for n, one in enumerate(argv) if one == flag]


def test_the_box_has_no_network_no_variables_and_five_capabilities(rooms):
    argv = run_argv("docker", box("tta:1", "b", "1001:1002", rooms))
    assert "--network=none" in argv
    assert [one for one in argv if one.startswith("--env")] == ["--env=HOME=/tmp"]
    assert [one for one in argv if one.startswith("--cap-")] == [
        "--cap-drop=ALL", "--cap-add=SETUID", "--cap-add=SETGID", "--cap-add=SETPCAP", "--cap-add=CHOWN", "--cap-add=KILL",
    ]  # fmt: skip
    assert {
        "--read-only",
        "--security-opt=no-new-privileges",
        "--user=0:1002",
        "--entrypoint=/opt/tta/bin/python",
    } <= set(argv)


def test_the_box_writes_results_and_nothing_else(rooms):
    argv = run_argv("docker", box("tta:1", "b", "1001:1002", rooms))
    mounts = {one.split("target=")[1] for one in words(argv, "--mount")}
    assert mounts == {f"{rooms.folder}/{name}" for name in ("source,readonly", "deps,readonly", "in,readonly", "out")}


def test_prep_writes_dependencies_and_nothing_else(rooms):
    argv = run_argv("docker", prep("tta:1", "p", "1001:1002", rooms, network="bridge", environ=KEYS))
    mounts = {one.split("target=")[1] for one in words(argv, "--mount")}
    assert mounts == {f"{rooms.folder}/{name}" for name in ("source,readonly", "plan,readonly", "deps")}
    assert [one for one in argv if one.startswith(("--env", "--cap-add"))] == ["--env=HOME=/tmp"]


def test_prep_gets_a_proxy_but_never_its_password(rooms):
    proxies = {"HTTPS_PROXY": "http://proxy:3128", "HTTP_PROXY": "http://user:password@proxy:3128", "NO_PROXY": ""}
    argv = run_argv("docker", prep("tta:1", "p", "1001:1002", rooms, network="bridge", environ=KEYS | proxies))
    assert [one for one in argv if one.startswith("--env")] == ["--env=HOME=/tmp", "--env=HTTPS_PROXY"]


def test_the_program_never_sees_what_was_installed(rooms):
    seen = {mount.path.name: mount.writable for mount in rooms.brain_mounts()}
    assert seen == {"source": True, "plan": True, "in": True, "out": False, "state": False}


def test_jobs_and_results_are_closed_to_everybody_but_the_owners_group(rooms):
    for name in ("in", "out"):
        assert (rooms.folder / name).stat().st_mode & 0o007 == 0


ENGINE = """
    role = next((one.split("-")[1] for one in args if one.startswith("tta-")), "") or args[args.index("--name") + 1].split("-")[1]
    folder = os.path.dirname(os.environ["GITHUB_OUTPUT"])
    rooms = os.environ.get("TTA_ROOMS")
    def note(text):
        with open(folder + "/engine.log", "a") as log:
            log.write(text + chr(10))
    def order(words):
        print(os.environ["TTA_NONCE"] + words, flush=True)
    def wait(role):
        while not os.path.exists(rooms + "/state/" + role):
            time.sleep(0.01)
        return open(rooms + "/state/" + role).read()
    note(args[0] + " " + role)
    if args[0] == "kill":
        pid = folder + "/" + role + ".pid"
        os.path.exists(pid) and os.kill(int(open(pid).read()), signal.SIGKILL if "KILL" in args[1] else signal.SIGTERM)
        sys.exit()
    open(folder + "/" + role + ".pid", "w").write(str(os.getpid()))
"""


@pytest.fixture
def boxed(job):
    job.environ |= {"INPUT_MODE": "test-gen", "RUNNER_TEMP": str(job.folder)} | KEYS
    return job


def run(job, script):
    lines = [line.removeprefix("    ") for line in ENGINE.strip("\n").split("\n")]
    job.engine("\n".join(lines) + "\n" + script)
    path = job.bin / "docker"
    path.write_text(path.read_text().replace('if args[0] == "rm":\n    sys.exit()\n', RM))
    return subprocess.Popen(
        [sys.executable, "-I", str(LAUNCHER)],
        env=job.environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


RM = """
if args[0] == "rm":
    with open(os.path.dirname(os.environ["GITHUB_OUTPUT"]) + "/engine.log", "a") as log:
        log.write("rm " + args[-1].split("-")[1] + chr(10))
    sys.exit()
"""


def calls(job):
    return (job.folder / "engine.log").read_text().split("\n")[:-1]


def test_the_program_starts_prep_and_then_the_box_and_learns_how_they_end(boxed):
    process = run(boxed, """
if role == "prep":
    print("::error::from prep ##[add-mask]x")
    sys.exit(4)
if role == "box":
    time.sleep(60)
order("start prep")
order("start prep")
print("prep ended with", wait("prep"))
order("start box")
while "run box" not in open(folder + "/engine.log").read():
    time.sleep(0.01)
done(0)
""")  # fmt: skip
    text, _ = process.communicate(timeout=60)
    assert process.returncode == 0, text
    assert "prep ended with 4" in text
    assert runner.read_log(text).commands == []
    assert [one for one in calls(boxed) if one.startswith("run")] == ["run brain", "run prep", "run box"]
    assert {"rm prep", "rm box", "rm brain", "kill box"} <= set(calls(boxed))
    assert [one for one in boxed.folder.iterdir() if one.name.startswith("tta-rooms")] == []


def test_a_cancelled_run_ends_the_box_too(boxed):
    process = run(boxed, """
if role == "box":
    print("box runs", flush=True)
    time.sleep(60)
order("start box")
time.sleep(60)
""")  # fmt: skip
    for line in process.stdout:
        if "box runs" in line:
            break
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=30)
    assert process.returncode == 130
    assert {"kill box", "rm box", "rm brain"} <= set(calls(boxed))


def test_nobody_but_the_program_can_start_a_container(boxed):
    process = run(boxed, """
if role == "prep":
    print("start box"); print("0" * 32 + "start box")
    sys.exit(0)
order("start prep")
wait("prep")
print("start box")
order("start brain")
order("start box now")
done(0)
""")  # fmt: skip
    process.communicate(timeout=60)
    assert [one for one in calls(boxed) if one.startswith("run")] == ["run brain", "run prep"]


def test_a_mode_that_executes_nothing_has_no_boxes(boxed):
    boxed.environ["INPUT_MODE"] = "review"
    process = run(boxed, """
note(json.dumps([one for one in args if "rooms" in one]))
order("start box")
done(0)
""")  # fmt: skip
    process.communicate(timeout=60)
    assert [one for one in calls(boxed) if one != "rm brain"] == ["run brain", "[]"]
