"""The launcher as the runner sees it: a process that starts a container, relays, and has the last word."""

import ast
import signal
import subprocess
import sys
from pathlib import Path

import host
import pytest

import runner
from github_server import FORBIDDEN, Fault, GitHubServer

LAUNCHER = Path(host.__file__).parent
HEAD = "a" * 40


def start(job, **environ):
    return subprocess.Popen(
        [sys.executable, "-I", str(LAUNCHER)],
        env=job.environ | environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def run(job, **environ):
    process = start(job, **environ)
    text, _ = process.communicate(timeout=60)
    return process.returncode, runner.read_log(text), runner.read_file(job.output.read_text())


@pytest.mark.parametrize("code", [0, 1, 2, 3])
def test_the_programs_exit_code_is_the_steps(job, code):
    job.engine(f"done({code})")
    assert run(job)[0] == code


@pytest.mark.parametrize("code", [0, 1, 2, 3, 70])
def test_a_program_that_ends_without_a_word_is_never_green(job, code):
    job.engine(f"print('Traceback'); sys.exit({code})")
    assert run(job)[0] == 3


def test_an_engine_that_contradicts_the_program_is_not_believed(job):
    job.engine("print(os.environ['TTA_NONCE'] + 'exit 0'); sys.exit(125)")
    assert run(job)[0] == 3


def test_all_outputs_are_written_before_the_container_starts(job):
    job.engine("done(0)")
    outputs = run(job)[2]
    assert set(outputs) == set(host.OUTPUTS)
    assert outputs["outcome"] == "unavailable"
    assert (job.workspace / outputs["report-dir"]).is_dir()


def test_what_the_program_writes_wins_over_the_defaults(job):
    job.engine("open(os.environ['GITHUB_OUTPUT'], 'a').write('outcome=clean\\n'); done(0)")
    assert run(job)[2]["outcome"] == "clean"


def test_the_log_is_neutralised_and_the_programs_commands_are_not(job):
    job.engine("""
        print("title ##[set-output name=cost-usd]0")
        print("::add-mask::the")
        print(os.environ["TTA_NONCE"] + "::warning::ours")
        done(0)
    """)
    _, log, outputs = run(job)
    assert [(one.name, one.data) for one in log.commands] == [("warning", "ours")]
    assert outputs["cost-usd"] == "0.00"


def test_the_engine_gets_names_and_not_values(job):
    job.engine("print(json.dumps(args)); done(0)")
    code, log, _ = run(job, **{"INPUT_GITHUB-TOKEN": "not-for-the-log"})
    assert code == 0
    assert "not-for-the-log" not in "\n".join(log.text)
    assert "--env=INPUT_GITHUB-TOKEN" in "\n".join(log.text)


def test_a_folder_or_link_that_the_repository_brought_is_not_used_for_results(job):
    (job.workspace / "tta-report").symlink_to("/etc")
    job.engine("done(0)")
    report_dir = job.workspace / run(job)[2]["report-dir"]
    assert report_dir.name.startswith("tta-report-")
    assert not report_dir.is_symlink()


def test_no_engine_is_one_error_that_names_the_second_door(job):
    code, log, _ = run(job, PATH="/nowhere", TTA_CONTAINER_ENGINE="")
    assert code == 2
    assert len(log.issues) == 1
    assert "container/action.yml" in log.issues[0].data


@pytest.mark.parametrize("platform", ["darwin", "win32"])
def test_only_linux_is_served(job, platform):
    with pytest.raises(host.LaunchError, match="Linux"):
        host.read_host(job.environ, platform=platform)


@pytest.mark.parametrize(
    "changes",
    [{"TTA_IMAGE": ""}, {"TTA_IMAGE": "--privileged"}, {"TTA_NETWORK": "container:x"}, {"GITHUB_WORKSPACE": "no"}],
)
def test_what_cannot_be_right_is_refused(job, changes):
    job.engine("done(0)")
    assert run(job, **changes)[0] == 2


class TestADeadContainer:
    """GitHub gets an answer even when the program cannot give it any more."""

    @pytest.fixture
    def server(self, job):
        state = GitHubServer()
        with state.serve() as url:
            job.environ |= {
                "GITHUB_API_URL": url,
                "GITHUB_REPOSITORY": "o/r",
                "GITHUB_SHA": HEAD,
                "INPUT_GITHUB-TOKEN": "t",
            }
            yield state
        assert state.violations == []

    def test_makes_an_unavailable_check_run(self, job, server):
        job.engine("print('so far'); sys.exit(137)")
        code, log, outputs = run(job)
        assert (code, outputs["outcome"]) == (3, "unavailable")
        assert server.check_runs[100]["conclusion"] == "action_required"
        assert server.check_runs[100]["external_id"] == "tta:7:1:job:0"
        assert "137" in log.issues[0].data
        assert "unavailable" in job.summary.read_text()

    def test_completes_the_one_that_the_program_had_opened(self, job, server):
        server.create_check_run(
            {"name": "tta / review", "head_sha": HEAD, "external_id": "tta:7:1:job:0", "status": "in_progress"}, {}
        )
        job.engine("sys.exit(139)")
        run(job)
        assert list(server.check_runs) == [100]
        assert server.check_runs[100]["status"] == "completed"

    def test_belongs_to_the_head_of_the_pull_request(self, job, server):
        job.event.write_text('{"pull_request": {"head": {"sha": "%s"}}}' % ("b" * 40))
        job.engine("sys.exit(137)")
        run(job)
        assert server.check_runs[100]["head_sha"] == "b" * 40

    def test_is_red_by_exit_code_when_checks_may_not_be_written(self, job, server):
        server.faults = [Fault(lambda method, path: True, FORBIDDEN, times=9)]
        job.engine("sys.exit(137)")
        assert run(job)[0] == 3

    def test_is_what_a_cancelled_step_leaves_when_the_program_does_not_stop(self, job, server):
        job.engine("""
            if args[0] == "kill":
                os.kill(int(open(os.environ["HOME_PID"]).read()), signal.SIGKILL if "KILL" in args[1] else signal.SIGTERM)
                sys.exit()
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            open(os.environ["HOME_PID"], "w").write(str(os.getpid()))
            print("started", flush=True)
            time.sleep(60)
        """)
        process = start(job, HOME_PID=str(job.folder / "pid"))
        assert process.stdout.readline() == "started\n"
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=30)
        assert process.returncode == 130
        assert server.check_runs[100]["conclusion"] == "cancelled"


def test_a_cancelled_program_may_say_its_own_last_words(job):
    job.engine("""
        if args[0] == "kill":
            os.kill(int(open(os.environ["HOME_PID"]).read()), signal.SIGTERM)
            sys.exit()
        def stop(*_):
            print("partial results kept", flush=True)
            done(130)
        signal.signal(signal.SIGTERM, stop)
        open(os.environ["HOME_PID"], "w").write(str(os.getpid()))
        print("started", flush=True)
        time.sleep(60)
    """)
    process = start(job, HOME_PID=str(job.folder / "pid"))
    assert process.stdout.readline() == "started\n"
    process.send_signal(signal.SIGINT)
    text, _ = process.communicate(timeout=30)
    assert "partial results kept" in text
    assert process.returncode == 130


@pytest.mark.parametrize("file", sorted(LAUNCHER.glob("*.py")), ids=lambda file: file.name)
def test_the_launcher_runs_on_an_old_python_with_nothing_installed(file):
    tree = ast.parse(file.read_text(), feature_version=(3, 9))
    names = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    names |= {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    own = {one.stem for one in LAUNCHER.glob("*.py")}
    assert {name.split(".")[0] for name in names} <= sys.stdlib_module_names | own
