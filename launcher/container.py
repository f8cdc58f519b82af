"""The argv of every container, built here and nowhere else, by pure functions: what is not listed does not get in.

Works on Python 3.9 and newer, with nothing but the standard library: it runs on the runner, outside any container.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

INPUTS = (
    "mode",
    "config",
    "base",
    "head",
    "paths",
    "fail-on",
    "budget-usd",
    "comments",
    "allow-untrusted",
    "github-token",
    "anthropic-api-key",
    "google-api-key",
    "openai-api-key",
    "groq-api-key",
    "openrouter-api-key",
)
"""The action's inputs that the program reads; ``image`` is for the step before."""

RUN_FACTS = (
    "GITHUB_ACTIONS",
    "GITHUB_ACTOR",
    "GITHUB_API_URL",
    "GITHUB_BASE_REF",
    "GITHUB_EVENT_NAME",
    "GITHUB_EVENT_PATH",
    "GITHUB_GRAPHQL_URL",
    "GITHUB_HEAD_REF",
    "GITHUB_JOB",
    "GITHUB_OUTPUT",
    "GITHUB_REF",
    "GITHUB_REF_NAME",
    "GITHUB_REPOSITORY",
    "GITHUB_RETENTION_DAYS",
    "GITHUB_RUN_ATTEMPT",
    "GITHUB_RUN_ID",
    "GITHUB_RUN_NUMBER",
    "GITHUB_SERVER_URL",
    "GITHUB_SHA",
    "GITHUB_STEP_SUMMARY",
    "GITHUB_WORKFLOW",
    "GITHUB_WORKSPACE",
    "RUNNER_ARCH",
    "RUNNER_DEBUG",
    "RUNNER_OS",
)

SETTINGS = (
    "TTA_BUDGET_LIMIT_USD",
    "TTA_DEBUG",
    "TTA_ORCHESTRATION_ENABLED",
    "TTA_ORCHESTRATOR_MODEL",
    "TTA_PREFER_FREE_MODELS",
    "TTA_QUALITY_THRESHOLD",
)

PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy")

SECRET_INPUTS = tuple(name for name in INPUTS if name.endswith(("-token", "-api-key")))


def variable(name: str) -> str:
    """Return the environment variable in which the runner's convention passes input *name*."""
    return f"INPUT_{name.upper()}"


KEYLESS = (
    "ANTHROPIC_FEDERATION_RULE_ID",
    "ANTHROPIC_ORGANIZATION_ID",
    "ANTHROPIC_SERVICE_ACCOUNT_ID",
    "ANTHROPIC_WORKSPACE_ID",
    "ACTIONS_ID_TOKEN_REQUEST_URL",
    "ACTIONS_ID_TOKEN_REQUEST_TOKEN",
)
"""Claude without a key, by the job's own identity (``id-token: write``)."""

BRAIN_ENVIRONMENT = (*(variable(name) for name in INPUTS), *RUN_FACTS, *SETTINGS, *PROXIES)
"""Every variable that may enter the container that holds keys: by name, so no value stands on a command line."""


def keyless(environment: Mapping[str, str]) -> tuple[str, ...]:
    """Return the variables of the keyless sign-in; none of them enters unless a federation rule is named."""
    return KEYLESS if environment.get(KEYLESS[0]) else ()


@dataclass(frozen=True)
class Mount:
    """A bind mount at the same path on both sides, so that no path ever needs translation."""

    path: Path
    writable: bool = False

    def argument(self) -> str:
        """Return the value of ``--mount``.

        Raises:
            ValueError: the path cannot be said in this syntax.
        """
        text = str(self.path)
        if any(character in text for character in ',"\n'):
            raise ValueError(f"cannot mount a path with a comma, a quote or a line feed: {text!r}")
        return f"type=bind,source={text},target={text}" + ("" if self.writable else ",readonly")


@dataclass(frozen=True)
class Limits:
    """What one container may use; memory and sizes in the engine's notation."""

    memory: str = "3g"
    processes: int = 512
    scratch: str = "1g"
    scratch_runs: bool = False
    """Whether programs in the scratch space can be started: compilers and tests do that."""


@dataclass(frozen=True)
class Container:
    """One container to start: the program's image, what it sees, and what it may do."""

    image: str
    name: str
    user: str
    """``uid:gid``, the owner of the workspace."""
    arguments: tuple[str, ...]
    environment: tuple[str, ...] = ()
    """Names only; the engine takes the values from its own environment."""
    mounts: tuple[Mount, ...] = ()
    network: str = "none"
    workdir: str = "/tmp"  # noqa: S108 -- the container's own tmpfs
    limits: Limits = Limits()
    entrypoint: str = ""
    """Another program of the image than its own."""
    capabilities: tuple[str, ...] = ()
    """What root keeps; without root there is nothing to keep."""


def run_argv(engine: str, container: Container) -> list[str]:
    """Return the argv that starts *container* with *engine* (``docker`` or ``podman``), hardened.

    Without ``--init``: not every engine has the helper for it, and the program handles its signals as process 1.
    Without ``--rm``: behind podman's Docker socket it turns every exit code into 0; see :func:`remove_argv`.
    """
    limits = container.limits
    argv = [
        engine,
        "run",
        "--name",
        container.name,
        "--pull=missing",
        "--cap-drop=ALL",
        *(f"--cap-add={name}" for name in container.capabilities),
        "--security-opt=no-new-privileges",
        "--read-only",
        f"--tmpfs=/tmp:rw,nosuid,nodev,size={limits.scratch}" + (",exec" if limits.scratch_runs else ""),
        f"--pids-limit={limits.processes}",
        f"--memory={limits.memory}",
        f"--memory-swap={limits.memory}",
        f"--user={container.user}",
        f"--network={container.network}",
        f"--workdir={container.workdir}",
        "--env=HOME=/tmp",
    ]
    argv += [f"--env={name}" for name in container.environment]
    argv += [f"--entrypoint={container.entrypoint}"] if container.entrypoint else []
    for mount in container.mounts:
        argv += ["--mount", mount.argument()]
    return [*argv, container.image, *container.arguments]


def kill_argv(engine: str, name: str, signal: str = "KILL") -> list[str]:
    """Return the argv that sends *signal* to the first process of container *name*."""
    return [engine, "kill", f"--signal={signal}", name]


def remove_argv(engine: str, name: str) -> list[str]:
    """Return the argv that ends container *name*, if it still runs, and removes it."""
    return [engine, "rm", "--force", name]
