"""The action in a real runner, in a real container, against a server that holds GitHub's contract: `make e2e`."""

import json
import subprocess
from decimal import Decimal

from github_server import FORBIDDEN, Fault

FILES = {"findings.json", "findings.sarif", "summary.md", "cost-report.json", "cost-report.md"}


def check_run(caller):
    assert len(caller.server.check_runs) == 1
    number, run = next(iter(caller.server.check_runs.items()))
    return run, caller.server.annotations[number]


def assert_reviewed(caller, run, *, uploaded=True):
    """The whole of what a run with findings leaves behind."""
    assert run.code == 0, run.log
    check, annotations = check_run(caller)
    assert (check["name"], check["status"], check["conclusion"]) == ("tta / review", "completed", "neutral")
    assert check["head_sha"] == caller.head
    assert check["output"]["summary"] in run.log
    assert {item["path"] for item in annotations} == {"shop.py"}
    assert run.outputs["outcome"] == "findings"
    assert int(run.outputs["findings"]) == len(annotations) > 0
    assert run.outputs["cost-usd"] == "0.00"
    assert run.artifacts.keys() == ({run.outputs["artifact-name"]} if uploaded else set())
    assert all(set(files) >= FILES for files in run.artifacts.values())


def test_pull_request_check_run_annotations_summary_outputs_artifact(caller):
    assert_reviewed(caller, caller.run("pull_request", caller.pull_request()))


def test_workflow_dispatch_reviews_the_last_commit(caller):
    assert_reviewed(caller, caller.run("workflow_dispatch", {"inputs": {}}))


def test_schedule_reviews_the_last_commit(caller):
    assert_reviewed(caller, caller.run("schedule", {}))


def test_a_second_run_on_the_same_head_repeats_nothing(caller):
    assert_reviewed(caller, caller.run("pull_request", caller.pull_request()))
    assert_reviewed(caller, caller.run("pull_request", caller.pull_request() | {"action": "reopened"}))


def assert_no_key(caller, run):
    seen = (
        run.log + json.dumps(caller.server.check_runs) + json.dumps(caller.server.annotations) + json.dumps(run.outputs)
    )
    files = [file for file in (caller.folder.parent / "artifacts").rglob("*") if file.is_file()]
    seen += "".join(file.read_text(errors="replace") for file in files)
    assert not any(key in seen for key in caller.secrets.values())


def test_review_with_models_both_sdks_in_the_container_and_a_second_run_that_pays_nothing(caller, models):
    first = caller.run("pull_request", caller.pull_request())
    assert first.code == 0, first.log
    _, annotations = check_run(caller)
    assert "Sums what was seen before" in "".join(item["title"] for item in annotations)
    assert any("google-genai-sdk" in agent for agent in models.user_agents), models.user_agents
    assert any(agent.startswith("Anthropic/Python") for agent in models.user_agents), models.user_agents
    assert Decimal(first.outputs["cost-usd"]) > 0
    report = next((caller.folder.parent / "artifacts").rglob("cost-report.json"))
    assert Decimal(json.loads(report.read_text())["totals"]["cash_usd"]) == Decimal(first.outputs["cost-usd"])
    assert_no_key(caller, first)
    asked = models.requests
    second = caller.run("pull_request", caller.pull_request() | {"action": "reopened"})
    assert second.code == 0, second.log
    assert models.requests == asked
    assert Decimal(second.outputs["cost-usd"]) == 0
    assert second.outputs["findings"] == first.outputs["findings"]
    assert check_run(caller)[1] == annotations
    assert_no_key(caller, second)


def test_a_fork_with_a_read_only_token_is_reviewed_in_the_log_and_never_red(caller):
    caller.server.faults = [Fault(lambda method, path: method != "GET", FORBIDDEN, times=99)]
    fork = {"sha": caller.head, "ref": "topic", "repo": {"full_name": "stranger/caller"}}
    run = caller.run("pull_request", caller.pull_request(head=fork))
    assert run.code == 0, run.log
    assert caller.server.check_runs == {}
    assert run.outputs["outcome"] == "findings"
    assert "Mutable default argument" in run.log
    assert set(run.artifacts[run.outputs["artifact-name"]]) >= FILES


def test_a_hostile_title_and_file_name_are_only_text(caller):
    title = "x ##[set-output name=cost-usd]9 \u202e::add-mask::shop ]]> `</details>@all"
    name = "a ##[set-output name=outcome]clean %0A::error::\u202eyp.py"
    caller.head = caller.commit({name: "def f(a=[]):\n    return a\n"}, "hostile")
    run = caller.run("pull_request", caller.pull_request(title=title))
    assert run.code == 0, run.log
    _, annotations = check_run(caller)
    assert name in {item["path"] for item in annotations}
    assert (run.outputs["outcome"], run.outputs["cost-usd"]) == ("findings", "0.00")
    assert "##[" not in run.log
    assert "\u202e" not in run.log


def test_a_shallow_checkout_on_an_enterprise_server_is_completed_by_fetching(caller, shallow):
    assert_reviewed(caller, shallow.run("pull_request", caller.pull_request()), uploaded=False)


def test_a_draft_is_skipped_neutrally(caller):
    run = caller.run("pull_request", caller.pull_request(draft=True))
    assert run.code == 0, run.log
    assert (run.outputs["outcome"], run.outputs["conclusion"]) == ("skipped", "neutral")
    assert caller.server.check_runs == {}


def test_a_wrong_configuration_of_the_base_is_red_and_named(caller):
    caller.git("checkout", "--quiet", caller.base)
    caller.base = caller.commit({".tta/orchestration-config.yaml": "orchestration:\n  quality_treshold: 1\n"}, "config")
    caller.head = caller.commit({"shop.py": "x = 1\n"}, "head")
    run = caller.run("pull_request", caller.pull_request())
    assert run.code != 0
    assert run.outputs["outcome"] == "config-error"
    assert "quality_threshold" in run.log
    check, _ = check_run(caller)
    assert check["conclusion"] == "failure"


def test_a_configuration_in_the_pull_request_changes_nothing(caller):
    caller.head = caller.commit(
        {".tta/orchestration-config.yaml": "orchestration:\n  enabled: false\n"}, "switch it off"
    )
    run = caller.run("pull_request", caller.pull_request())
    assert run.outputs["outcome"] == "findings"


def test_pull_request_target_is_refused(caller):
    run = caller.run("pull_request_target", caller.pull_request())
    assert run.code != 0
    assert run.outputs["outcome"] == "config-error"
    assert "allow-untrusted" in run.log


def test_review_comments_with_suggestions_and_a_sticky_comment_once(caller):
    caller.git("checkout", "--quiet", caller.base)
    config = "orchestration:\n  run:\n    comments: true\n    sticky_comment: true\n"
    caller.base = caller.commit({".tta/orchestration-config.yaml": config}, "config")
    caller.head = caller.commit({"shop.py": "def f(a, b=[]):\n    return a == None\n"}, "head")
    patch = "@@ -1,2 +1,2 @@\n-def total(prices):\n-    return sum(prices)\n+def f(a, b=[]):\n+    return a == None"
    caller.server.files[7] = [{"filename": "shop.py", "status": "modified", "patch": patch, "sha": "1" * 40}]
    for _ in range(2):
        run = caller.run("pull_request", caller.pull_request())
        assert run.code == 0, run.log
        assert len(caller.server.review_comments) == int(run.outputs["findings"]) > 0
        assert len(caller.server.reviews) == len(caller.server.comments) == 1


def test_a_killed_container_leaves_an_unavailable_check(caller):
    caller.extra["TTA_MEMORY"] = "16m"
    run = caller.run("pull_request", caller.pull_request())
    assert run.code != 0
    assert run.outputs["outcome"] == "unavailable"
    check, _ = check_run(caller)
    assert (check["status"], check["conclusion"]) == ("completed", "action_required")


def test_the_second_door_does_the_same_and_leaves_nothing_that_is_roots(door, caller):
    run = door.run("pull_request", caller.pull_request())
    assert run.code == 0, run.log
    check, annotations = check_run(caller)
    assert (check["status"], check["conclusion"]) == ("completed", "neutral")
    assert int(run.outputs["findings"]) == len(annotations) > 0
    assert check["output"]["summary"] in run.log
    report = caller.folder / run.outputs["report-dir"]
    assert {file.name for file in report.iterdir()} >= FILES
    assert {file.stat().st_uid for file in [report, *report.iterdir()]} == {door.owner}


def test_the_image_is_whole_without_a_network(image):
    argv = [
        "docker",
        "run",
        "--network",
        "none",
        "--read-only",
        "--tmpfs",
        "/tmp",
        "--cap-drop",
        "ALL",
        image,
        "selftest",
    ]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_image_holds_no_tool_to_build_with_and_no_tests_of_others(image):
    left = "/opt/tta/lib/python3*/site-packages/tests /opt/tta/bin/pip /source /wheels"
    script = f"! ls -d {left} && ! command -v cc gcc make && id -u"
    argv = ["docker", "run", "--network", "none", "--entrypoint", "sh", image, "-c", script]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=120, check=False)
    assert done.stdout.strip() == "65532", done.stdout + done.stderr


def test_a_cancelled_run_ends_by_itself_and_says_so(caller):
    cancelled = caller.cancel_launcher("pull_request", caller.pull_request() | {"action": "reopened"})
    assert cancelled.code == 130, cancelled.log
    check, _ = check_run(caller)
    assert (check["status"], check["conclusion"]) == ("completed", "cancelled")
    assert cancelled.outputs["conclusion"] == "cancelled"
