"""Letters between the brain and the box: whatever lies in the box's folder, the brain reads a result or says why not."""

import json
import os
import socket
import threading
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tta_orchestrate.errors import SandboxError
from tta_orchestrate.sandbox import box
from tta_orchestrate.sandbox.mailbox import LARGEST, LetterError, Mailbox, fetch, post, read_job, read_result
from tta_orchestrate.sandbox.spec import Bind, End, Job, JobResult, Level, Limits

JOB = Job(argv=("/bin/true",), cwd="/", level=Level.BOX, input="naïve \udcff", env={"A": "b"}, limits=Limits(seconds=5))
RESULT = JobResult(end=End.EXIT, code=0, lines=('{"event": "end"}', "\u2028"), stdout="x", seconds=0.5)


@pytest.fixture
def folder(tmp_path):
    for name in ("source", "in", "out", "state"):
        (tmp_path / name).mkdir()
    return tmp_path


def mailbox(folder, **options):
    ticks = iter(range(10_000))
    return Mailbox(folder=folder, clock=lambda: next(ticks), sleep=lambda _: None, **options)


def test_letters_arrive_as_they_were_sent(folder):
    post(folder, 0, RESULT.to_json())
    assert read_result(fetch(folder, 0)) == RESULT
    job = replace(JOB, binds=(Bind(source="/a", target="/b"),))
    assert read_job(job.to_json().encode()) == job


@settings(max_examples=60)
@given(st.builds(JobResult, end=st.sampled_from(End), code=st.integers(), lines=st.lists(st.text()).map(tuple),
                 stdout=st.text(), seconds=st.floats(allow_nan=False, allow_infinity=False)))  # fmt: skip
def test_every_result_survives_the_post(result):
    assert read_result(result.to_json().encode()) == result


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


@settings(max_examples=80)
@given(st.sampled_from(list(json.loads(RESULT.to_json()))), JSON)
def test_a_field_of_another_type_is_refused_or_is_plain_data(name, value):
    raw = json.loads(RESULT.to_json()) | {name: value}
    try:
        result = read_result(json.dumps(raw).encode())
    except LetterError:
        return
    assert isinstance(result.end, End)
    assert all(isinstance(line, str) for line in result.lines)


@settings(max_examples=80)
@given(st.binary(max_size=60) | JSON.map(lambda value: json.dumps(value).encode()))
def test_what_is_no_result_is_refused_and_nothing_else_happens(data):
    with pytest.raises(LetterError):
        read_result(data)


@pytest.mark.parametrize(
    "text",
    [
        RESULT.to_json().replace('"code": 0', '"code": 0, "code": 1'),
        RESULT.to_json().replace('"code": 0', '"code": true'),
        RESULT.to_json().replace("0.5", "NaN"),
        RESULT.to_json().replace("0.5", "-Infinity"),
        RESULT.to_json().replace("0.5", "1e999"),
        RESULT.to_json().replace('"exit"', '"won"'),
        RESULT.to_json().replace('"stdout"', '"__class__"'),
        RESULT.to_json().replace('"lines": [', '"lines": [[], '),
        RESULT.to_json().replace("{", '{"more": 1, ', 1),
        '{"lines": ' + "[" * 200_000 + "]" * 200_000 + "}",
        '{"a":' * 200_000 + "1" + "}" * 200_000,
        "9" * 5000,
        "null",
        "",
    ],
)
def test_hostile_json_is_refused(text):
    with pytest.raises(LetterError):
        read_result(text.encode())


def _fifo(path, _):
    os.mkfifo(path)


def _link(path, folder):
    (folder / "true").write_text(RESULT.to_json())
    path.symlink_to(folder / "true")


def _hard_link(path, folder):
    (folder / "true").write_text(RESULT.to_json())
    path.hardlink_to(folder / "true")


def _folder(path, _):
    path.mkdir()


def _sparse(path, _):
    with path.open("wb") as file:
        file.truncate(2 << 30)


def _socket(path, folder):
    here = os.open(folder, os.O_RDONLY)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(f"/proc/self/fd/{here}/{path.name}")
    os.close(here)


def _device(path, _):
    path.symlink_to("/dev/zero")


@pytest.mark.parametrize(
    "make", [_fifo, _link, _hard_link, _folder, _sparse, _socket, _device], ids=lambda f: f.__name__
)
def test_what_is_no_plain_small_file_is_never_read(folder, make):
    make(folder / "out" / "0.json", folder / "out")
    with pytest.raises(LetterError):
        fetch(folder / "out", 0)


def test_nothing_is_posted_over_what_lies_there_already(folder):
    (folder / "out" / ".0.draft").symlink_to(folder / "elsewhere")
    with pytest.raises(FileExistsError):
        post(folder / "out", 0, "{}")
    assert not (folder / "elsewhere").exists()


def test_a_letter_that_is_too_large_is_not_posted(folder):
    with pytest.raises(LetterError):
        post(folder / "out", 0, "x" * (LARGEST + 1))


@pytest.mark.parametrize("changes", [{"argv": ()}, {"level": Level.OFF}, {"level": Level.PRIVATE}, {"argv": (1,)}])
def test_the_box_takes_only_jobs_for_a_box(changes):
    with pytest.raises(LetterError):
        read_job(replace(JOB, **changes).to_json().encode())


class Canned:
    """A sandbox that gives the answer it was made with."""

    def __init__(self, answer):
        self.answer, self.jobs = answer, []

    def run(self, job):
        self.jobs.append(job)
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


def served(folder, sandbox, job, **options):
    """What the brain gets for *job* from a box that runs it in *sandbox*."""
    over = threading.Event()

    def serve():
        while not box.answer(folder, 0, sandbox) and not over.is_set():
            over.wait(0.005)

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        return Mailbox(folder=folder, **options).run(job)
    finally:
        over.set()
        thread.join()


def test_a_job_is_run_in_the_box_and_its_result_comes_back(folder):
    sandbox = Canned(RESULT)
    assert served(folder, sandbox, JOB) == RESULT
    assert sandbox.jobs == [JOB]


def test_a_layer_that_is_missing_in_the_box_is_named(folder):
    with pytest.raises(SandboxError, match="no Landlock here"):
        served(folder, Canned(SandboxError("no Landlock here")), JOB)


def test_a_result_that_is_too_large_is_a_flood(folder):
    assert served(folder, Canned(replace(RESULT, lines=("x" * LARGEST,))), JOB).end is End.FLOOD


def test_a_box_that_is_gone_is_not_waited_for(folder):
    with pytest.raises(SandboxError, match="exit code 137"):
        mailbox(folder, gone=lambda: "its container ended with exit code 137").run(JOB)


def test_a_box_that_does_not_answer_is_given_up(folder):
    with pytest.raises(SandboxError, match="does not answer"):
        mailbox(folder).run(JOB)


def test_an_answer_that_cannot_be_read_is_an_error_and_no_result(folder):
    (folder / "out" / "0.json").symlink_to("/dev/zero")
    with pytest.raises(SandboxError, match="letter 0"):
        mailbox(folder).run(JOB)


def test_only_what_a_job_reads_is_opened_to_other_users(folder):
    tree = folder / "source" / "closed" / "tree"
    tree.mkdir(parents=True)
    for one in (folder / "source" / "closed", folder):
        one.chmod(0o700)
    served(folder, Canned(RESULT), replace(JOB, binds=(Bind(source=str(tree), target=str(tree)),)))
    assert (folder / "source" / "closed").stat().st_mode & 0o777 == 0o711
    assert folder.stat().st_mode & 0o777 == 0o700
