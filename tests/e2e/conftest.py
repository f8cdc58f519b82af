"""A caller's repository, a GitHub on the loopback, and `act` as the runner: what `make e2e` stands on."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import yaml

import runner
from github_server import Fault, GitHubServer
from scripted import claim, verdict
from team import KEYS, settings
from tta_orchestrate.loopback.server import Loopback

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples" / "workflows"
CHECKOUT = re.search(r"uses: (actions/checkout@[0-9a-f]{40})", (EXAMPLES / "pr-review.yml").read_text())[1]
UPLOAD = re.search(r"uses: (actions/upload-artifact@[0-9a-f]{40})", (ROOT / "action.yml").read_text())[1]
TOKEN = "ghs_" + "e2e0" * 9
REPOSITORY = "octo/caller"

EVENTS = ("pull_request", "pull_request_target", "workflow_dispatch", "schedule")

BEFORE = "def total(prices):\n    return sum(prices)\n"
AFTER = (
    "import os\n\n\ndef total(prices, seen=[]):\n    try:\n        return sum(prices)\n    except:\n        return None\n"
    "\n\ndef same(a):\n    return a == None\n"
)


@pytest.fixture(scope="session")
def action(tmp_path_factory):
    """The action as a user's runner would get it: the tracked files of this tree, and nothing else."""
    folder = tmp_path_factory.mktemp("action")
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    for name in filter(None, listed.stdout.decode().split("\0")):
        source = ROOT / name
        if source.is_file():
            target = folder / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, target)
    return folder


@pytest.fixture(scope="session")
def image(action, tmp_path_factory):
    """The image, built once by the action's own script; the runs find it by the hash of its content."""
    output = tmp_path_factory.mktemp("image") / "output"
    environ = {
        **os.environ,
        "GITHUB_ACTION_PATH": str(action),
        "GITHUB_OUTPUT": str(output),
        "TTA_BUILD_NETWORK": "host",
    }
    subprocess.run(["bash", str(action / "scripts" / "image.sh")], env=environ, check=True, stdout=sys.stderr)
    return output.read_text().strip().removeprefix("image=")


@dataclass
class Run:
    """What came of one run of a workflow."""

    code: int
    log: str
    outputs: dict
    artifacts: dict


@dataclass
class Caller:
    """A repository that uses the action."""

    folder: Path
    action: Path
    server: GitHubServer
    api_url: str
    image: str
    base: str = ""
    head: str = ""
    extra: dict = field(default_factory=dict)
    secrets: dict = field(default_factory=dict)

    token = TOKEN

    @staticmethod
    def workflow(*args, **inputs):
        return workflow(*args, **inputs)

    @property
    def web_url(self):
        return self.api_url.removesuffix("/api/v3")

    def git(self, *args):
        done = subprocess.run(
            ["git", "-c", "user.name=e2e", "-c", "user.email=e2e@localhost", *args],
            cwd=self.folder,
            check=True,
            capture_output=True,
            text=True,
        )
        return done.stdout.strip()

    def commit(self, files, message, *, at=""):
        if at:
            self.git("checkout", "--quiet", at)
        for name, text in files.items():
            path = self.folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        self.git("add", "-A")
        self.git("commit", "--quiet", "--message", message)
        return self.git("rev-parse", "HEAD")

    def pull_request(self, **changes):
        """The payload of a pull request's event."""
        pull = {
            "number": 7,
            "title": "Add totals",
            "draft": False,
            "labels": [],
            "user": {"login": "dev"},
            "base": {"sha": self.base, "ref": "main", "repo": {"full_name": REPOSITORY}},
            "head": {"sha": self.head, "ref": "topic", "repo": {"full_name": REPOSITORY}},
        }
        return {"action": "opened", "number": 7, "pull_request": pull | changes}

    def run(self, event, payload, *, only=".github/workflows"):
        """Run the workflows of *event* with act, on this very machine; *only* names one of them."""
        work = self.folder.parent
        artifacts, results, event_file = work / "artifacts", work / "results.json", work / "event.json"
        shutil.rmtree(artifacts, ignore_errors=True)
        artifacts.mkdir()
        results.unlink(missing_ok=True)
        event_file.write_text(json.dumps(payload))
        environ = {
            "DOCKER_HOST": os.environ.get("DOCKER_HOST", ""),
            "GITHUB_API_URL": self.api_url,
            "GITHUB_GRAPHQL_URL": self.api_url.removesuffix("/v3") + "/graphql",
            "GITHUB_REPOSITORY": REPOSITORY,
            "TTA_NETWORK": "host",
            "E2E_ARTIFACTS": str(artifacts),
            "E2E_RESULTS": str(results),
            "E2E_PYTHON": sys.executable,
            **self.extra,
        }
        argv = [
            os.environ.get("ACT", "act"), event, "--workflows", only,
            "--platform", "ubuntu-latest=-self-hosted",
            "--eventpath", str(event_file),
            "--local-repository", f"tta/orchestrate@v1={self.action}",
            "--local-repository", f"{UPLOAD}={ROOT / 'tests' / 'e2e' / 'upload-artifact'}",
            "--local-repository", f"{CHECKOUT}={ROOT / 'tests' / 'e2e' / 'checkout'}",
            "--secret", f"GITHUB_TOKEN={TOKEN}",
            *(word for name, value in self.secrets.items() for word in ("--secret", f"{name}={value}")),
            "--action-offline-mode", "--no-cache-server",
            *(word for name, value in environ.items() if value for word in ("--env", f"{name}={value}")),
        ]  # fmt: skip
        path = f"{ROOT / 'tests' / 'e2e' / 'bin'}:{os.environ['PATH']}"
        home = {
            **os.environ,
            "PATH": path,
            "HOME": str(work),
            "XDG_CACHE_HOME": str(work / "cache"),
            "XDG_CONFIG_HOME": str(work),
        }
        done = subprocess.run(argv, cwd=self.folder, env=home, capture_output=True, text=True, timeout=300, check=False)
        outputs = json.loads(results.read_text()) if results.exists() else {}
        found = {one.name: sorted(str(file.relative_to(one)) for file in one.rglob("*")) for one in artifacts.iterdir()}
        return Run(done.returncode, done.stdout + done.stderr, outputs, found)

    def start_launcher(self, event, payload, **environ):
        """Start the launcher as the runner does; returns the process, and the file of its outputs."""
        work = self.folder.parent
        files = {name: work / name for name in ("output", "summary", "event.json")}
        for file in files.values():
            file.touch()
        files["event.json"].write_text(json.dumps(payload))
        facts = os.environ | {
            "GITHUB_WORKSPACE": str(self.folder), "GITHUB_OUTPUT": str(files["output"]), "GITHUB_RUN_ID": "1",
            "GITHUB_STEP_SUMMARY": str(files["summary"]), "GITHUB_EVENT_PATH": str(files["event.json"]),
            "GITHUB_EVENT_NAME": event, "GITHUB_API_URL": self.api_url, "GITHUB_REPOSITORY": REPOSITORY,
            "GITHUB_SHA": self.head, "GITHUB_JOB": "tta", "TTA_IMAGE": self.image, "TTA_NETWORK": "host",
            "INPUT_MODE": "review", "INPUT_GITHUB-TOKEN": TOKEN,
            "RUNNER_TEMP": str(work),
        }  # fmt: skip
        argv = [sys.executable, "-I", str(self.action / "launcher")]
        process = subprocess.Popen(
            argv, env=facts | environ, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        return process, files["output"]

    def give_to(self, owner):
        """Make the workspace and the runner's files another user's, as they are on a hosted runner."""
        names = ("output", "summary", "event.json")
        for name in names:
            (self.folder.parent / name).touch()
        paths = [str(self.folder), *(str(self.folder.parent / name) for name in names)]
        subprocess.run(["chown", "-R", f"{owner}:{owner}", *paths], check=True)

    def cancel_launcher(self, event, payload):
        """Send the launcher SIGINT while the program waits for GitHub."""
        waiting = threading.Event()

        def hold(method, path):
            if not waiting.is_set():
                waiting.set()
                time.sleep(2)
            return False

        self.server.faults = [Fault(hold)]
        process, output = self.start_launcher(event, payload)
        assert waiting.wait(60)
        process.send_signal(signal.SIGINT)
        log, _ = process.communicate(timeout=60)
        return Run(process.returncode, log, runner.read_file(output.read_text()), {})

    def cancel_box(self, event, payload):
        """Send the launcher SIGINT while the box runs tests."""
        process, output = self.start_launcher(event, payload, INPUT_MODE="test-gen")
        log = ""
        for line in process.stdout:
            log += line
            if line.startswith("box: starting"):
                break
        time.sleep(3)
        process.send_signal(signal.SIGINT)
        rest, _ = process.communicate(timeout=60)
        return Run(process.returncode, log + rest, runner.read_file(output.read_text()), {})


@pytest.fixture
def caller(tmp_path, action, image):
    server = GitHubServer(repository=REPOSITORY)
    with server.serve() as api_url:
        folder = tmp_path / "caller"
        folder.mkdir()
        caller = Caller(folder, action, server, api_url, image)
        caller.git("init", "--quiet", "--initial-branch", "main")
        workflows = {f".github/workflows/{name}.yml": workflow(name) for name in EVENTS}
        caller.base = caller.commit({**workflows, "shop.py": BEFORE}, "base")
        caller.head = caller.commit({"shop.py": AFTER}, "head")
        yield caller
    assert server.violations == []


def workflow(event, mode="review", **inputs):
    more = "".join(f"\n          {name.replace('_', '-')}: {value}" for name, value in inputs.items())
    trigger = {"schedule": "schedule: [{cron: '17 3 * * 1'}]"}.get(event, f"{event}:")
    return f"""\
name: {event}
on:
  {trigger}
permissions: {{}}
jobs:
  tta:
    runs-on: ubuntu-latest
    timeout-minutes: 5
    permissions:
      contents: read
      checks: write
      pull-requests: write
    steps:
      - uses: actions/checkout@3d3c42e5aac5ba805825da76410c181273ba90b1 # v7.0.1
        with:
          fetch-depth: 0
          persist-credentials: false
      - id: tta
        uses: tta/orchestrate@v1
        with:
          mode: {mode}
          github-token: ${{{{ secrets.GITHUB_TOKEN }}}}{more}
      - if: always()
        env:
          OUTPUTS: ${{{{ toJSON(steps.tta.outputs) }}}}
        run: printf '%s' "$OUTPUTS" > "$E2E_RESULTS"
"""


@pytest.fixture
def models(caller):
    """Two vendors on the loopback, named by the configuration of the base; their keys are secrets of the workflow."""
    with Loopback(answer) as server:
        told = settings(server.url).model_dump(mode="json", include={"executors", "orchestrator", "fallback_strategy"})
        told["executors"] = [one for one in told["executors"] if one["provider"] == "google-ai-studio"]
        keys = {name: f"${{{{ secrets.{name.upper()} }}}}" for name in ("anthropic_api_key", "google_api_key")}
        files = {
            ".tta/orchestration-config.yaml": json.dumps({"orchestration": told}),
            ".github/workflows/pull_request.yml": workflow("pull_request", **keys),
        }
        caller.base = caller.commit(files, "config", at=caller.base)
        caller.head = caller.commit({"shop.py": AFTER}, "head")
        caller.secrets = {name: KEYS[name] for name in ("ANTHROPIC_API_KEY", "GOOGLE_API_KEY")}
        yield server


def answer(question):
    """What a model says that reads well: one defect of AFTER that no rule finds; and a judge that is content."""
    shown = "\n".join(question.parts)
    if "verdicts" in question.schema.get("properties", {}):
        return {"verdicts": [verdict(n) for n in range(1, len(re.findall(r"^claim \d+ \|", shown, re.MULTILINE)) + 1)]}
    line = "        return sum(prices)"
    number = AFTER.split("\n").index(line) + 1
    return {"findings": [claim("shop.py", number, line, title="Sums what was seen before")] if line in shown else []}


@pytest.fixture
def documented(caller):
    """The same, with docgen as the mode; its GitHub has the very objects of this clone, as with ``fetch-depth: 0``."""
    caller.server.git_dir = caller.folder / ".git"
    docgen = {
        f".github/workflows/{name}.yml": workflow(name, "docgen").replace("contents: read", "contents: write")
        for name in EVENTS
    }
    config = "orchestration:\n  docgen:\n    publish: pull-request\n"
    caller.head = caller.commit({**docgen, ".tta/orchestration-config.yaml": config}, "docs")
    return caller


@pytest.fixture
def shallow(caller):
    """The same, in a checkout of depth 1; the rest is to be had from the server, by git."""
    origin = caller.folder.parent / "server" / REPOSITORY
    caller.git("update-ref", "refs/pull/7/head", caller.head)
    caller.git("clone", "--quiet", "--mirror", str(caller.folder), str(origin))
    caller.server.repositories = origin.parents[1]
    caller.extra["GITHUB_SERVER_URL"] = caller.web_url
    (caller.folder / ".git" / "shallow").write_text(caller.head + "\n")
    caller.git("update-ref", "-d", "refs/pull/7/head")
    caller.git("reflog", "expire", "--expire=now", "--all")
    caller.git("gc", "--quiet", "--prune=now")
    return caller


@pytest.fixture
def kept_books(caller, models):
    """The same with models, on a server that also takes pushes of git: the books lie on a branch of its repository."""
    bare = caller.folder.parent / "server" / f"{REPOSITORY}.git"
    caller.git("init", "--quiet", "--bare", str(bare))
    caller.server.repositories, caller.server.push_token = bare.parents[1], TOKEN
    caller.extra["GITHUB_SERVER_URL"] = caller.web_url
    file = caller.folder / ".tta" / "orchestration-config.yaml"
    told = json.loads(file.read_text())
    flow = caller.folder / ".github" / "workflows" / "pull_request.yml"
    text = flow.read_text().replace("contents: read", "contents: write # the branch tta-ledger")

    def with_limit(usd):
        told["orchestration"]["cost_tracking"] = {"budget_limit_usd": usd}
        files = {".tta/orchestration-config.yaml": json.dumps(told), ".github/workflows/pull_request.yml": text}
        caller.base = caller.commit(files, "the limit of the month", at=caller.base)

    def push_and_run(number):
        changed = f"{AFTER}\n\ndef change_{number}(a=[]):\n    return a\n"
        caller.head = caller.commit({"shop.py": changed}, "a change", at=caller.base)
        caller.extra["GITHUB_RUN_ID"] = str(number)
        caller.server.check_runs.clear()
        return caller.run("pull_request", caller.pull_request())

    caller.with_limit, caller.push_and_run, caller.ledger = with_limit, push_and_run, bare
    return caller


@pytest.fixture(scope="session")
def door_image(action):
    """The image that `container/action.yml` names, built as the runner builds it: the whole Dockerfile."""
    subprocess.run(
        ["docker", "build", "--quiet", "--network", "host", "--tag", "tta-orchestrate:door", str(action)],
        check=True,
        stdout=sys.stderr,
    )
    return "tta-orchestrate:door"


@dataclass
class Door:
    """The second door as the runner starts a container action: its mounts, its variables, as root, no more flags."""

    image: str
    caller: Caller
    owner: int = 1001

    def run(self, event, payload):
        work = self.caller.folder.parent / "runner"
        folders = {"/github/workspace": self.caller.folder, "/github/home": work / "home",
                   "/github/workflow": work / "workflow", "/github/file_commands": work / "files"}  # fmt: skip
        for folder in folders.values():
            folder.mkdir(parents=True, exist_ok=True)
        (work / "workflow" / "event.json").write_text(json.dumps(payload))
        for name in ("output", "summary"):
            (work / "files" / name).touch()
        subprocess.run(["chown", "-R", f"{self.owner}:{self.owner}", str(self.caller.folder), str(work)], check=True)
        declared = yaml.safe_load((self.caller.action / "container" / "action.yml").read_text())
        environ = {f"INPUT_{name.upper()}": str(one.get("default", "")) for name, one in declared["inputs"].items()} | {
            "INPUT_GITHUB-TOKEN": TOKEN, "HOME": "/github/home", "GITHUB_EVENT_NAME": event, "GITHUB_SHA": self.caller.head,
            "GITHUB_EVENT_PATH": "/github/workflow/event.json", "GITHUB_WORKSPACE": "/github/workspace",
            "GITHUB_OUTPUT": "/github/file_commands/output", "GITHUB_STEP_SUMMARY": "/github/file_commands/summary",
            "GITHUB_API_URL": self.caller.api_url, "GITHUB_REPOSITORY": REPOSITORY, "GITHUB_RUN_ID": "1",
            "GITHUB_RUN_ATTEMPT": "1", "GITHUB_JOB": "tta", "GITHUB_ACTIONS": "true",
        }  # fmt: skip
        argv = ["docker", "run", "--network", "host", "--workdir", "/github/workspace"]
        argv += [word for name in environ for word in ("-e", name)]
        argv += [word for inside, outside in folders.items() for word in ("-v", f"{outside}:{inside}")]
        argv += [self.image, *declared["runs"]["args"]]
        done = subprocess.run(argv, env=os.environ | environ, capture_output=True, text=True, timeout=120, check=False)
        log = runner.read_log(done.stdout + done.stderr)
        outputs = runner.read_file((work / "files" / "output").read_text())
        return Run(done.returncode, "\n".join(log.text) + (work / "files" / "summary").read_text(), outputs, {})


@pytest.fixture
def door(caller, door_image):
    return Door(door_image, caller)
