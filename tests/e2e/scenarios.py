"""The action in a real runner, in a real container, against a server that holds GitHub's contract: `make e2e`."""

import hashlib
import json
import os
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import pytest
from rooms import Rooms, box

import boxed
from github_server import FORBIDDEN, Fault
from tta_orchestrate.ledger.forms.markdown import money

EXAMPLES = Path(__file__).parents[2] / "examples" / "workflows"

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


@pytest.mark.parametrize(
    ("example", "event", "name"),
    [
        ("pr-review", "pull_request", "tta / review"),
        ("cost-report", "pull_request", "tta / review"),
        ("manual", "workflow_dispatch", "tta / review"),
        ("docs-refresh", "schedule", "tta / docgen"),
    ],
)
def test_an_example_runs_as_it_stands(caller, example, event, name):
    text = (EXAMPLES / f"{example}.yml").read_text()
    caller.base = caller.commit({f".github/workflows/{example}.yml": text}, "the example", at=caller.base)
    caller.head = caller.commit({"shop.py": "def add(item, basket=[]):\n    return undefined\n"}, "a change")
    payload = caller.pull_request() if event == "pull_request" else {"inputs": {"mode": "review", "base": ""}}
    run = caller.run(event, payload, only=f".github/workflows/{example}.yml")
    check, _annotations = check_run(caller)
    assert (check["name"], check["status"]) == (name, "completed"), run.log
    assert (run.code == 0) == (check["conclusion"] != "failure"), run.log
    assert len(run.artifacts) == 1
    assert caller.server.violations == []


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


def books(caller):
    """Every line of the ledger's branch."""
    names = caller.git(f"--git-dir={caller.ledger}", "ls-tree", "--name-only", "tta-ledger").split()
    texts = (caller.git(f"--git-dir={caller.ledger}", "show", f"tta-ledger:{name}") for name in names)
    return [json.loads(line) for text in texts for line in text.splitlines()]


def settled(caller):
    """What the books say each run has cost, in nano-dollars."""
    return {line["run"]: line["cash"] for line in books(caller) if line["phase"] == "settle"}


def test_three_runs_and_the_third_is_stopped_by_the_limit_of_the_month(kept_books, models):
    caller = kept_books
    caller.with_limit(0.05)
    first = caller.push_and_run(1)
    assert settled(caller) == {"1": models.charged}
    second = caller.push_and_run(2)
    assert first.outputs["outcome"] == second.outputs["outcome"] == "findings"
    assert sum(settled(caller).values()) == models.charged > settled(caller)["1"] > 0
    assert Decimal(first.outputs["cost-usd"]) == Decimal(settled(caller)["1"]) / 10**9

    caller.with_limit(float(Decimal(models.charged) / 10**9))  # the month is used up to the last cent
    known, asked, pushes = books(caller), models.requests, caller.server.pushes
    third = caller.push_and_run(3)
    assert third.code == 0, third.log
    assert (third.outputs["outcome"], third.outputs["conclusion"]) == ("partial", "neutral")
    assert models.requests == asked
    assert Decimal(third.outputs["cost-usd"]) == 0
    assert (books(caller), caller.server.pushes) == (known, pushes)
    check, annotations = check_run(caller)
    assert check["conclusion"] == "neutral"
    summary = check["output"]["summary"]
    assert summary in third.log
    for words in ("the limit of the month is used up", "cost_tracking.budget_limit_usd", "or wait until"):
        assert words in summary.replace("\\", ""), summary
    assert "Mutable default argument" in " ".join(item["title"] for item in annotations)
    assert "Sums what was seen before" not in " ".join(item["title"] for item in annotations)
    for run in (first, second, third):
        assert_no_key(caller, run)
    held = json.dumps(known) + caller.git(f"--git-dir={caller.ledger}", "log", "--format=%B", "tta-ledger")
    assert not any(key in held for key in (*caller.secrets.values(), caller.token, "shop"))


def test_the_monthly_report_reads_the_books_and_keeps_one_issue(kept_books, models):
    caller, example = kept_books, "monthly-report.yml"
    caller.with_limit(5)
    caller.commit({f".github/workflows/{example}": (EXAMPLES / example).read_text()}, "the example", at=caller.base)
    caller.base = caller.git("rev-parse", "HEAD")
    for number in (1, 2):
        assert caller.push_and_run(number).code == 0
        run = caller.run("schedule", {}, only=f".github/workflows/{example}")
        assert run.code == 0, run.log
        [issue] = caller.server.issues.values()
        runs = f"{number} run{'s' * (number > 1)}"
        spent = money(str(Decimal(models.charged) / 10**9))
        assert issue["title"] == "tta: spend and quality"
        assert f"**{spent}** billed or set aside in {runs}" in issue["body"]
        assert issue["body"].split("\n")[-2] in run.log  # the job summary says the same
    assert not any(key in issue["body"] + run.log for key in (*caller.secrets.values(), caller.token))


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


def test_a_schedule_refreshes_the_docs_in_one_rolling_pull_request(documented):
    page = "docs/tta/pages/shop.md"
    first = documented.run("schedule", {})
    assert first.code == 0, first.log
    assert first.outputs["outcome"] == "clean"
    assert "changes.patch" in first.artifacts[first.outputs["artifact-name"]]
    (pull,) = documented.server.pulls.values()
    assert (pull["head"]["ref"], pull["base"]["ref"], pull["state"]) == ("tta/docs", "main", "open")
    assert "same(a)" in documented.git("show", f"tta/docs:{page}")
    written = documented.git("rev-parse", "tta/docs")
    again = documented.run("schedule", {})
    assert again.code == 0, again.log
    assert again.outputs["outcome"] == "clean"
    assert len(documented.server.pulls) == 1
    assert documented.git("rev-parse", "tta/docs") == written
    assert not (documented.folder / page).exists()


def test_a_pull_request_is_checked_for_stale_docs_and_nothing_is_written(documented):
    documented.run("schedule", {})
    documented.git("merge", "--quiet", "--ff-only", "tta/docs")
    documented.base = documented.git("rev-parse", "HEAD")
    documented.head = documented.commit({"shop.py": "def same(a):\n    return a is None\n"}, "change")
    documented.server.check_runs.clear()
    run = documented.run("pull_request", documented.pull_request())
    assert run.code == 0, run.log
    check, annotations = check_run(documented)
    assert check["name"] == "tta / docgen"
    assert "Documentation is stale (docgen/stale)" in {item["title"] for item in annotations}
    assert documented.git("rev-parse", "tta/docs") == documented.base


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


@pytest.fixture
def hostile(caller):
    """A pull request with code to test, a conftest that looks for secrets, and a test that forges its verdict."""
    inputs = {"anthropic_api_key": "${{ secrets.CANARY }}", "budget_usd": '"0"'}
    flow = caller.workflow("pull_request", "test-gen", **inputs)
    files = {".github/workflows/pull_request.yml": flow, ".tta/orchestration-config.yaml": boxed.CONFIG}
    caller.base = caller.commit({**files, "shop.py": boxed.SHOP, "tests/.keep": ""}, "base", at=caller.base)
    with boxed.listener() as (port, heard):
        names = f"PORT, ROOMS, WORKSPACE = {port}, '/tmp', {str(caller.folder)!r}\n"
        caller.head = caller.commit(
            {
                "shop.py": boxed.CHANGED,
                "conftest.py": names + boxed.CONFTEST,
                "tests/test_forger.py": boxed.FORGER,
                "tests/test_shop.py": "import shop\n\n\ndef test_price():\n    assert shop.price(100) == 120\n",
            },
            "head",
        )
        caller.secrets = {"CANARY": boxed.CANARY}
        caller.heard = heard
        yield caller


PIPX = """\
#!/bin/sh
# Stands in for `pipx run tta-orchestrate ...`: the same program from its image, which sees the artifact and no more.
case "$1 $2" in "run tta-orchestrate=="*) shift 2 ;; *) exit 64 ;; esac
exec docker run --rm --network host --read-only --tmpfs /tmp --cap-drop ALL --user "$(id -u):$(id -g)" \\
  --env GITHUB_TOKEN --env GITHUB_REPOSITORY --env GITHUB_API_URL --env GITHUB_EVENT_NAME --env GITHUB_EVENT_PATH \\
  --env GITHUB_SHA --env GITHUB_SERVER_URL={url} --mount "type=bind,source=$PWD/report,target=/report,readonly" \\
  --mount "type=bind,source=$GITHUB_EVENT_PATH,target=$GITHUB_EVENT_PATH,readonly" --workdir / {image} "$@"
"""
GH = """\
#!/bin/sh
# Stands in for `gh run download ID --repo NAME --name ARTIFACT --dir FOLDER`.
test "$1 $2 $6" = "run download --name" && exec cp -r "$E2E_ARTIFACTS/$7" "$9"
exit 64
"""


@pytest.fixture
def second_job(hostile):
    """The example with two jobs, as it stands but for *form*; the repository is served by git and by the API."""
    origin = hostile.folder.parent / "server" / "octo" / "caller"

    def prepare(form):
        text = (EXAMPLES / "test-gen-deliver.yml").read_text().replace("--as pull-request", f"--as {form}")
        flow = text.replace('budget-usd: "1.00"', 'budget-usd: "0"')
        hostile.git("rm", "--quiet", ".github/workflows/pull_request.yml")
        hostile.head = hostile.commit({".github/workflows/deliver.yml": flow}, "two jobs")
        hostile.git("branch", "--force", "topic", hostile.head)
        hostile.git("clone", "--quiet", "--mirror", str(hostile.folder), str(origin))
        hostile.server.repositories, hostile.server.git_dir = origin.parents[1], origin
        pull = hostile.pull_request()["pull_request"] | {"state": "open"}
        hostile.server.pulls[7] = pull | {
            side: pull[side] | {"label": f"octo:{pull[side]['ref']}"} for side in ("base", "head")
        }
        tools = hostile.folder.parent / "tools"
        tools.mkdir()
        (tools / "pipx").write_text(PIPX.format(url=hostile.web_url, image=hostile.image))
        (tools / "gh").write_text(GH)
        for tool in tools.iterdir():
            tool.chmod(0o755)
        hostile.extra["PATH"] = f"{tools}:{os.environ['PATH']}"

    return prepare


def test_generated_tests_run_in_a_box_that_has_neither_key_nor_network(hostile):
    with boxed.watched(hostile.folder.parent) as seen:
        run = hostile.run("pull_request", hostile.pull_request())
    assert run.code == 0, run.log
    assert seen.keys() == {"brain", "prep", "box"}, run.log
    assert boxed.containers(hostile.folder.parent) == {}
    assert boxed.CANARY in json.dumps(seen["brain"]["Config"]["Env"])
    mounts = {role: {m["Source"].rpartition("/")[2]: m["RW"] for m in one["Mounts"]} for role, one in seen.items()}
    assert mounts["prep"] == {"source": False, "plan": False, "deps": True}
    assert mounts["box"] == {"source": False, "deps": False, "in": False, "out": True}
    assert "deps" not in mounts["brain"]
    assert seen["box"]["HostConfig"]["NetworkMode"] == "none"
    for role in ("prep", "box"):
        everything = json.dumps(seen[role])
        assert boxed.CANARY not in everything
        assert hostile.token not in everything
        names = {pair.partition("=")[0] for pair in seen[role]["Config"]["Env"]}
        assert not {name for name in names if name.startswith(("INPUT_", "GITHUB_", "ACTIONS_", "TTA_"))}

    assert hostile.heard == []
    assert [word for word in (boxed.CANARY, hostile.token, "##[") if word in run.log] == []
    assert hostile.git("status", "--porcelain", "--untracked-files=no") == ""
    assert not (hostile.folder / "forged").exists()

    (artifact,) = run.artifacts
    report = json.loads((hostile.folder.parent / "artifacts" / artifact / "findings.json").read_text())
    (target,) = report["targets"]
    outcomes = {one["test"]: one["outcome"] for one in target["baseline"]["set_aside"]}
    assert outcomes == {"tests/test_forger.py::test_forged": "crashed"}
    assert target["baseline"]["passed"] == 1
    assert target["kept"], target
    assert set(run.artifacts[artifact]) >= FILES - {"findings.sarif"} | {"changes.patch"}


@pytest.mark.parametrize("form", ["pull-request", "commit"])
def test_a_second_job_delivers_the_tests_and_nothing_else(hostile, second_job, form):
    second_job(form)
    run = hostile.run("pull_request", hostile.pull_request(action="labeled") | {"label": {"name": "generate tests"}})
    assert run.code == 0, run.log
    branch = {"pull-request": "tta/tests-7", "commit": "topic"}[form]
    assert hostile.server.git("rev-parse", f"{branch}^") == hostile.head, run.log
    (line,) = hostile.server.git("diff", "--raw", hostile.head, branch).splitlines()
    assert line.startswith(":000000 100644 ")
    assert line.endswith("A\ttests/test_shop_characterisation.py")
    opened = [(one["head"]["ref"], one["base"]["ref"]) for number, one in hostile.server.pulls.items() if number != 7]
    assert opened == ([("tta/tests-7", "topic")] if form == "pull-request" else [])
    assert hostile.server.git("rev-parse", "topic") == hostile.head or form == "commit"
    assert hostile.heard == []


INSTALL = (
    "pip install --quiet --no-index --find-links vendor pytest && "
    "cd $VIRTUAL_ENV/lib/python3*/site-packages && cp $OLDPWD/fees.txt fees.py"
)
CONFIG = "orchestration:\n  test_gen:\n    seconds_per_target: 15\n    mutants: 10\n"
SHOP = "import fees\n\n\ndef price(net: int) -> int:\n    return net + fees.FEE\n"


@pytest.fixture
def vendored(hostile):
    """The caller, harmless again, with pytest's wheels in the repository: nothing is downloaded by the containers."""
    folder = hostile.folder / "vendor"
    argv = [sys.executable, "-m", "pip", "download", "--quiet", "--only-binary", ":all:", "--python-version", "3.13"]
    hostile.git("checkout", "--quiet", hostile.base)
    subprocess.run([*argv, "--dest", str(folder), "pytest"], check=True)
    hostile.extra["TTA_DEPS_CACHE"] = str(hostile.folder.parent / "kept")
    hostile.kept = hostile.folder.parent / "kept"
    return hostile


def generated(caller):
    """Run the step; returns its log and its report."""
    run = caller.run("pull_request", caller.pull_request())
    assert run.code == 0, run.log
    (artifact,) = run.artifacts
    report = json.loads((caller.folder.parent / "artifacts" / artifact / "findings.json").read_text())
    assert report["targets"][0]["kept"], run.log + json.dumps(report["targets"])
    assert report["targets"][0]["gates"]["passes"] == "run"
    return run.log, report


def test_the_setup_of_the_base_installs_what_tests_need_once_and_the_change_has_no_say(vendored):
    setup = CONFIG + "    setup: [sh, -c, '%s']\n"
    base = {".tta/orchestration-config.yaml": setup % f"echo base; {INSTALL}", "fees.txt": "FEE = 7\n", "shop.py": SHOP}
    vendored.base = vendored.commit(base, "base")
    evil = {
        ".tta/orchestration-config.yaml": setup % "echo change; exit 9",
        "shop.py": SHOP.replace("+ fees", "- fees"),
    }
    vendored.head = vendored.commit(evil, "change")
    log, _ = generated(vendored)
    assert "prep: base" in log
    assert "prep: change" not in log
    assert "prep: kept in the cache" in log
    log, report = generated(vendored)
    assert "prep: taken from the cache" in log
    assert "prep: starting" not in log
    assert "Dependencies were installed by the prep container." in report["notices"]


def test_dependencies_bound_by_hashes_are_kept_over_a_change_of_the_source_and_never_used_when_damaged(vendored):
    wheels = sorted((vendored.folder / "vendor").iterdir())
    names = ["==".join(one.name.split("-")[:2]) for one in wheels]
    digests = [hashlib.sha256(one.read_bytes()).hexdigest() for one in wheels]
    rows = [f"{name} --hash=sha256:{digest}" for name, digest in zip(names, digests, strict=True)]
    needed = "\n".join(["--no-index", "--find-links vendor", *rows, ""])
    base = {
        ".tta/orchestration-config.yaml": CONFIG,
        "requirements.txt": needed,
        "shop.py": SHOP,
        "fees.py": "FEE = 7\n",
    }
    vendored.base = vendored.commit(base, "base")
    vendored.head = vendored.commit({"shop.py": SHOP.replace("+ fees", "- fees")}, "change")
    log, _ = generated(vendored)
    assert "prep: kept in the cache" in log
    vendored.head = vendored.commit({"shop.py": SHOP.replace("+ fees", "* fees")}, "another change")
    assert "prep: taken from the cache" in generated(vendored)[0]
    (module,) = vendored.kept.glob("own-*/deps/venv/lib/python3*/site-packages/pytest/__init__.py")
    module.write_text("raise SystemExit('poisoned')")
    log, _ = generated(vendored)
    assert "the kept entry is damaged and was removed" in log
    assert "prep: kept in the cache" in log
    wrong = needed.replace(digests[0], digests[1])
    vendored.head = vendored.commit({"requirements.txt": wrong, "shop.py": SHOP.replace("+ fees", "- fees")}, "forged")
    run = vendored.run("pull_request", vendored.pull_request())
    assert "HASHES" in run.log.upper()
    assert "prep: ended with exit code 1" in run.log


def test_nothing_is_installed_for_a_fork_and_its_tests_run_with_the_plain_interpreter(hostile):
    fork = {"sha": hostile.head, "ref": "topic", "repo": {"full_name": "stranger/caller"}}
    hostile.give_to(1001)  # on a hosted runner the workspace is not root's
    with boxed.watched(hostile.folder.parent) as seen:
        process, _ = hostile.start_launcher(
            "pull_request", hostile.pull_request(head=fork), **{"INPUT_MODE": "test-gen", "INPUT_BUDGET-USD": "0"}
        )
        log, _ = process.communicate(timeout=200)
    assert process.returncode == 0, log
    assert {role: one["Config"]["User"] for role, one in seen.items()} == {"brain": "1001:1001", "box": "0:1001"}
    assert hostile.heard == []
    report = json.loads((hostile.folder / "tta-report" / "findings.json").read_text())
    assert any("the change comes from outside" in notice for notice in report["notices"])
    assert report["targets"][0]["kept"], report
    assert (hostile.folder / "tta-report" / "changes.patch").stat().st_uid == 1001


def test_a_cancelled_box_is_gone_and_the_check_says_cancelled(hostile):
    cancelled = hostile.cancel_box("pull_request", hostile.pull_request())
    assert cancelled.code == 130, cancelled.log
    assert boxed.containers(hostile.folder.parent) == {}
    check, _ = check_run(hostile)
    assert (check["status"], check["conclusion"]) == ("completed", "cancelled")


def test_no_probe_escapes_from_the_box(image, tmp_path):
    outside = tmp_path / "outside"
    outside.write_text("a file of the host")
    rooms = Rooms.make(str(tmp_path), owner=(1001, 1001))
    done = boxed.escapes(box(image, "", "1001:1001", rooms), outside)
    assert done.returncode == 0, done.stdout + done.stderr
    assert " probes tried, 0 reached" in done.stdout
    assert int(done.stdout.split()[-5]) >= 40
