"""What the launcher must know of the runner, read once from its environment and checked."""

from __future__ import annotations

import json
import secrets
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from cache import Cache
from container import BRAIN_ENVIRONMENT, Container, Limits, Mount, keyless, variable
from rescue import CheckSlot
from rooms import Rooms, box, prep

ENGINES = ("docker", "podman")
NETWORKS = ("bridge", "host")
MODES = ("review", "test-gen", "docgen")
OUTPUTS = ("outcome", "conclusion", "findings", "cost-usd", "savings-percent", "report-dir", "artifact-name", "sarif")
OWN_VARIABLES = ("TTA_NONCE", "TTA_REPORT_DIR", "TTA_ROOMS", "TTA_RUN_KEY")


class LaunchError(Exception):
    """The container cannot be started here; the text says why and what to do."""


@dataclass(frozen=True)
class Host:
    """One step of one job on this runner."""

    engine: str
    image: str
    workspace: Path
    report_dir: Path
    user: str
    network: str
    nonce: str
    run_key: str
    environ: Mapping[str, str]
    rooms: Rooms | None = None
    """Only where the mode executes something."""

    @property
    def mode(self) -> str:
        """The mode that was asked for; the program judges whether it exists."""
        return self.environ.get(variable("mode"), "").strip() or MODES[0]

    def brain(self) -> Container:
        """Return the container that holds keys and has a network, and never executes what a repository brings."""
        files = (("GITHUB_EVENT_PATH", False), ("GITHUB_OUTPUT", True), ("GITHUB_STEP_SUMMARY", True))
        mounts = [Mount(self.workspace), Mount(self.report_dir, writable=True)]
        mounts += [Mount(Path(self.environ[name]), writable) for name, writable in files if self.environ.get(name)]
        mounts += self.rooms.brain_mounts() if self.rooms else []
        return Container(
            image=self.image,
            name=f"tta-brain-{self.nonce[:12]}",
            user=self.user,
            arguments=("action",),
            environment=(*BRAIN_ENVIRONMENT, *OWN_VARIABLES, *keyless(self.environ)),
            mounts=tuple(mounts),
            network=self.network,
            workdir=str(self.workspace),
            limits=Limits(memory=self.environ.get("TTA_MEMORY", "") or Limits.memory),
        )

    def engine_environment(self) -> dict[str, str]:
        """Return the environment of the engine's client: the runner's, and the facts that are ours."""
        own = {"TTA_NONCE": self.nonce, "TTA_REPORT_DIR": str(self.report_dir), "TTA_RUN_KEY": self.run_key}
        return {**self.environ, **own, "TTA_ROOMS": str(self.rooms.folder) if self.rooms else ""}

    def beside(self, role: str) -> Container | None:
        """Return the container *role* (``prep``, ``build`` or ``box``) that the program may ask for, if it may."""
        if self.rooms is None:
            return None
        name = f"tta-{role}-{self.nonce[:12]}"
        if role != "box":
            return prep(self.image, name, self.user, self.rooms, role, network=self.network, environ=self.environ)
        return box(self.image, name, self.user, self.rooms)

    def cache(self) -> Cache | None:
        """Return where installed dependencies are kept between runs, if the workflow names a folder for it."""
        folder = Path(self.environ.get("TTA_DEPS_CACHE", ""))
        if self.rooms is None or not folder.is_absolute():
            return None
        user, _, group = self.user.partition(":")
        return Cache(folder, self.image, (int(user), int(group)))

    def slot(self) -> CheckSlot | None:
        """Return where a verdict could be posted, or ``None`` when that is not known."""
        token = self.environ.get(variable("github-token"), "").strip()
        facts = [self.environ.get(f"GITHUB_{name}", "") for name in ("API_URL", "REPOSITORY", "SHA")]
        if not token or not all(facts) or self.mode not in MODES:
            return None
        head = _head_of(self.environ.get("GITHUB_EVENT_PATH", "")) or facts[2]
        return CheckSlot(facts[0].rstrip("/"), facts[1], token, head, f"tta / {self.mode}", self.run_key)


def read_host(environ: Mapping[str, str], *, platform: str) -> Host:
    """Return the facts, with a fresh nonce and an empty report folder made.

    Raises:
        LaunchError: this runner cannot start the container.
    """
    if platform != "linux":
        raise LaunchError("the action runs on Linux runners only; use `runs-on: ubuntu-latest`")
    workspace = Path(environ.get("GITHUB_WORKSPACE", ""))
    if not workspace.is_absolute() or not workspace.is_dir():
        raise LaunchError("GITHUB_WORKSPACE is no folder; run `actions/checkout` first")
    image = environ.get("TTA_IMAGE", "")
    if not image or image.startswith("-"):
        raise LaunchError("the step that gets the image named none")
    network = environ.get("TTA_NETWORK", "") or NETWORKS[0]
    if network not in NETWORKS:
        raise LaunchError(f"TTA_NETWORK must be one of {', '.join(NETWORKS)}")
    nonce = secrets.token_hex(16)
    owner = workspace.stat()
    executes = environ.get(variable("mode"), "").strip() == "test-gen"
    return Host(
        engine=find_engine(environ),
        image=image,
        workspace=workspace,
        report_dir=fresh_folder(workspace, nonce[:8], owner=(owner.st_uid, owner.st_gid)),
        user=f"{owner.st_uid}:{owner.st_gid}",
        network=network,
        nonce=nonce,
        run_key=run_key(environ),
        environ=environ,
        rooms=Rooms.make(environ.get("RUNNER_TEMP", ""), owner=(owner.st_uid, owner.st_gid)) if executes else None,
    )


def find_engine(environ: Mapping[str, str]) -> str:
    """Return the path of docker or podman.

    Raises:
        LaunchError: there is neither.
    """
    asked = environ.get("TTA_CONTAINER_ENGINE", "")
    for name in (asked,) if asked else ENGINES:
        if name in ENGINES and (found := shutil.which(name, path=environ.get("PATH"))):
            return found
    raise LaunchError(
        "this runner has no docker and no podman; use the second door of the action, tta/orchestrate/container@v1 "
        "(container/action.yml), which needs no docker command"
    )


def fresh_folder(workspace: Path, suffix: str, *, owner: tuple[int, int]) -> Path:
    """Make and return a new folder for the results: never one that the repository brought, be it a symbolic link."""
    folder = workspace / "tta-report"
    try:
        folder.mkdir()
    except FileExistsError:
        folder = workspace / f"tta-report-{suffix}"
        folder.mkdir()
    if folder.stat().st_uid != owner[0]:
        shutil.chown(folder, *owner)
    return folder


def run_key(environ: Mapping[str, str]) -> str:
    """Return what is the same for every try of this step and different for any other step: the ``external_id``."""
    facts = ("GITHUB_RUN_ID", "GITHUB_RUN_ATTEMPT", "GITHUB_JOB", "TTA_JOB_INDEX")
    return "tta:" + ":".join(environ.get(name, "") or "0" for name in facts)


def default_outputs(host: Host) -> dict[str, str]:
    """Return what every output is until the program says better: an output left unwritten could be forged."""
    known = {"outcome": "unavailable", "conclusion": "action_required", "findings": "0", "cost-usd": "0.00"}
    known |= {"report-dir": host.report_dir.name, "artifact-name": f"tta-{host.nonce[:8]}"}
    return {name: known.get(name, "") for name in OUTPUTS}


def write_outputs(path: Path, outputs: Mapping[str, str]) -> None:
    """Append *outputs* to the runner's file, with delimiters that no value can contain."""
    with path.open("a", encoding="utf-8") as file:
        for name, value in outputs.items():
            delimiter = f"tta_{secrets.token_hex(16)}"
            file.write(f"{name}<<{delimiter}\n{value}\n{delimiter}\n")


def _head_of(event_path: str) -> str:
    """Return the head commit of the pull request that the event tells of, or the empty string."""
    try:
        event = json.loads(Path(event_path).read_bytes())
        head = event["pull_request"]["head"]["sha"]
    except (OSError, ValueError, KeyError, TypeError):
        return ""
    return head if isinstance(head, str) else ""
