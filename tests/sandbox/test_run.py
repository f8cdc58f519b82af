"""Jobs in the real sandbox of this machine."""

import sys
from pathlib import Path

import pytest

from tta_orchestrate.errors import SandboxError
from tta_orchestrate.sandbox.run import Sandbox
from tta_orchestrate.sandbox.spec import Bind, End, Job, JobResult, Level, Limits

PYTHON = "/usr/bin/python3" if Path("/usr/bin/python3").exists() else sys.executable
ANSWER = "import os; nonce = os.read(3, 4096).split(b'\\n')[0]; os.write(4, nonce + b' done\\n'); "


def run(code: str, *, level: Level = Level.PRIVATE, **options) -> JobResult:
    limits = Limits(seconds=options.pop("seconds", 20), memory_mib=512, output_kib=options.pop("output_kib", 256))
    job = Job(argv=(PYTHON, "-I", "-c", code), cwd="/", limits=limits, env={"PATH": "/usr/bin:/bin"}, **options)
    return Sandbox(level=level).run(job)


def test_a_job_answers_on_its_own_pipe_and_exits():
    result = run(ANSWER + "print('hello'); raise SystemExit(3)")
    assert (result.end, result.code, result.lines, result.stdout) == (End.EXIT, 3, ("done",), "hello\n")


def test_answers_without_the_nonce_are_dropped_and_counted():
    result = run("import os; os.write(4, b'passed\\nall of them\\n')")
    assert (result.lines, result.forged) == ((), 2)


def test_a_job_sees_the_environment_it_was_given_and_nothing_else():
    result = run("import os; print(sorted(os.environ))")
    assert result.stdout.strip() == "['HOME', 'LC_CTYPE', 'LOGNAME', 'PATH', 'TMPDIR', 'USER']"


def test_a_job_is_alone_in_its_process_table():
    result = run("import os; print(sorted(int(p) for p in os.listdir('/proc') if p.isdigit()))")
    assert result.stdout.strip() == "[1, 2]"


def test_a_bound_folder_is_there_to_read_but_not_to_write(tmp_path):
    (tmp_path / "data").write_text("inside")
    tmp_path.chmod(0o755)
    bind = Bind(source=str(tmp_path), target="/work-here")
    result = run("print(open('/work-here/data').read()); open('/work-here/new', 'w')", binds=(bind,))
    assert result.stdout == "inside\n"
    assert "Error" in result.stderr
    assert [p.name for p in tmp_path.iterdir()] == ["data"]


def test_scratch_space_is_writable_and_gone_afterwards():
    code = "import os; print(os.path.exists(os.environ['TMPDIR'] + '/x')); open(os.environ['TMPDIR'] + '/x', 'w')"
    assert [run(code).stdout for _ in range(2)] == ["False\n", "False\n"]


def test_an_endless_job_is_killed_at_its_deadline():
    result = run(
        ANSWER + "import itertools; list(zip(itertools.count())) if 0 else [None for _ in iter(int, 1)]", seconds=1
    )
    assert (result.end, result.lines) == (End.TIMEOUT, ("done",))


def test_a_flood_of_output_ends_the_job_and_keeps_only_the_tail():
    result = run("while True: print('x' * 1000)", output_kib=64)
    assert result.end is End.FLOOD
    assert len(result.stdout) <= 64 * 1024


def test_a_crash_is_told_apart_from_an_exit():
    assert run("import os; os.kill(os.getpid(), 11)", level=Level.OFF).end is End.SIGNAL


def test_asyncio_works_without_sockets():
    assert run("import asyncio; print(asyncio.run(asyncio.sleep(0, 'woke')))").stdout == "woke\n"


def test_loopback_is_the_jobs_own():
    code = (
        "import socket; s = socket.create_server(('127.0.0.1', 0)); c = socket.create_connection(s.getsockname()); "
        "c.sendall(b'hi'); print(s.accept()[0].recv(9))"
    )
    assert run(code, loopback=True).stdout == "b'hi'\n"
    assert "PermissionError" in run(code).stderr


def test_a_program_that_does_not_exist_is_refused_by_name():
    with pytest.raises(SandboxError, match="incomplete here: FileNotFoundError"):
        Sandbox().run(Job(argv=("/no/such/program",), cwd="/"))


def test_a_refusal_says_what_to_do():
    with pytest.raises(SandboxError) as caught:
        Sandbox().run(Job(argv=("/bin/true",), cwd="/no/such/folder"))
    assert "sandbox: off" in caught.value.remedy


def test_the_sandbox_can_be_built_here():
    Sandbox().check()


def test_records_survive_the_pipe():
    job = Job(argv=("a", "b"), cwd="/", binds=(Bind(source="/x", target="/y"),), level=Level.BOX, input="naïve \udcff")
    assert Job.from_json(job.to_json()) == job
