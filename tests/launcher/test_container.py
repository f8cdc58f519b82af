"""The argv is the sandbox: what stands in it is all that a container gets."""

from pathlib import Path

import pytest
from container import BRAIN_ENVIRONMENT, KEYLESS, Container, Mount, keyless, run_argv


def brain(**changes):
    base = {"image": "tta:1", "name": "tta-1", "user": "1001:1001", "arguments": ("action",)}
    return Container(**base | changes)


@pytest.mark.parametrize("engine", ["docker", "podman"])
def test_every_container_is_hardened(engine):
    argv = run_argv(engine, brain())
    assert argv[:2] == [engine, "run"]
    assert {
        "--read-only", "--cap-drop=ALL", "--security-opt=no-new-privileges", "--pids-limit=512",
        "--memory=3g", "--memory-swap=3g", "--user=1001:1001", "--network=none",
    } <= set(argv)  # fmt: skip
    assert argv[-2:] == ["tta:1", "action"]


def test_no_argv_gives_power_over_the_host():
    argv = run_argv("docker", brain(mounts=(Mount(Path("/w")),), environment=BRAIN_ENVIRONMENT))
    text = " ".join(argv)
    for forbidden in ("docker.sock", "--privileged", "--cap-add", "--pid=host", "--ipc", "--device", "RUNTIME_TOKEN",
                      "GITHUB_ENV", "GITHUB_PATH", "GITHUB_STATE", "ID_TOKEN", "RESULTS_URL"):  # fmt: skip
        assert forbidden not in text


def test_the_environment_goes_in_by_name_and_no_value_stands_on_the_command_line():
    argv = run_argv("docker", brain(environment=("INPUT_GITHUB-TOKEN", "GITHUB_SHA")))
    assert [one for one in argv if one.startswith("--env")] == [
        "--env=HOME=/tmp",
        "--env=INPUT_GITHUB-TOKEN",
        "--env=GITHUB_SHA",
    ]


def test_a_mount_is_read_only_unless_said_otherwise():
    argv = run_argv("docker", brain(mounts=(Mount(Path("/a b")), Mount(Path("/c"), writable=True))))
    values = [argv[n + 1] for n, one in enumerate(argv) if one == "--mount"]
    assert values == ["type=bind,source=/a b,target=/a b,readonly", "type=bind,source=/c,target=/c"]


@pytest.mark.parametrize("path", ["/a,readonly=false", '/a"b', "/a\nb"])
def test_a_path_that_would_change_the_mount_is_refused(path):
    with pytest.raises(ValueError, match="cannot mount"):
        Mount(Path(path)).argument()


def test_the_jobs_identity_enters_only_when_a_federation_rule_is_named():
    asked = {"ACTIONS_ID_TOKEN_REQUEST_TOKEN": "t", "ACTIONS_ID_TOKEN_REQUEST_URL": "u"}
    assert keyless(asked) == ()
    assert keyless({**asked, "ANTHROPIC_FEDERATION_RULE_ID": "rule"}) == KEYLESS
