"""The brain's side of test generation: what leaves git, what is asked of the launcher, what is read back."""

import subprocess
import threading
import time
from dataclasses import replace

import pytest

from tta_orchestrate.cli.boxes import Rooms, _prepare, export, generate
from tta_orchestrate.cli.modes import run_mode
from tta_orchestrate.cli.request import RunRequest
from tta_orchestrate.domain.outcome import Outcome
from tta_orchestrate.errors import SandboxError
from tta_orchestrate.sandbox import box
from tta_orchestrate.sandbox.run import Sandbox
from tta_orchestrate.sandbox.spec import Level
from tta_orchestrate.settings.model import Settings
from tta_orchestrate.workspace.git import Repository

BEFORE = "def half(n: int) -> int:\n    return n // 2\n"
AFTER = BEFORE + "\n\ndef sign(n: int) -> int:\n    if n < 0:\n        return -1\n    return 1\n"


def git(folder, *words):
    identity = ("-c", "user.name=n", "-c", "user.email=e@localhost")
    done = subprocess.run(["git", *identity, *words], cwd=folder, check=True, capture_output=True, text=True)
    return done.stdout.strip()


@pytest.fixture
def work(tmp_path):
    """A repository of two commits, and the request to test the second; it brings a link as well."""
    folder = tmp_path / "work"
    folder.mkdir()
    git(folder, "init", "-q", ".")
    (folder / "half.py").write_text(BEFORE)
    git(folder, "add", "-A")
    git(folder, "commit", "-qm", "base")
    (folder / "half.py").write_text(AFTER)
    (folder / "link").symlink_to("/etc/passwd")
    git(folder, "add", "-A")
    git(folder, "commit", "-qm", "head")
    rooms = tmp_path / "rooms"
    for name in ("source", "plan", "deps", "in", "out", "state"):
        (rooms / name).mkdir(parents=True)
    return RunRequest(
        mode="test-gen", workspace=folder, objects=folder, output=tmp_path / "out", config="", base=git(folder, "rev-parse", "HEAD~1"),
        head=git(folder, "rev-parse", "HEAD"), paths=(), fail_on=None, budget_usd=None, trusted=True, title="T", repository="o/r",
        server_url="", environ={"TTA_ROOMS": str(rooms), "PATH": "/usr/bin:/bin"},
    )  # fmt: skip


class Launcher:
    """Does what the launcher and its containers do, in this process and its sandbox."""

    def __init__(self, rooms, *, prep=0, box_code=None):
        self.rooms, self.orders, self._prep, self._box = rooms, [], prep, box_code
        self.over = threading.Event()

    def __call__(self, words):
        self.orders.append(words)
        if words in {"start prep", "start build"}:
            self.tell(words.removeprefix("start "), self._prep)
        elif words == "start box" and self._box is not None:
            self.tell("box", self._box)
        elif words == "start box":
            threading.Thread(target=self.serve, daemon=True).start()

    def tell(self, role, code):
        (self.rooms / "state" / role).write_text(str(code))

    def serve(self):
        number = 0
        while not self.over.is_set():
            if box.answer(self.rooms, number, Sandbox(level=Level.OFF)):  # the real layers are the end-to-end's
                number += 1
            time.sleep(0.01)


def launched(work, **options):
    launcher = Launcher(work.objects.parent / "rooms", **options)
    request = replace(work, order=launcher)
    settings = Settings.model_validate({"test_gen": {"seconds_per_target": 8, "mutants": 20}})
    try:
        return launcher, run_mode(request, settings)
    finally:
        launcher.over.set()


@pytest.mark.slow
def test_a_change_gets_tests_and_only_files_went_to_and_fro(work):
    launcher, report = launched(replace(work, trusted=False))
    assert launcher.orders == ["start box"]
    assert report.verdict.outcome is Outcome.CLEAN, report.failures
    assert "half" in report.patch
    assert report.subject.head == work.head
    assert any("the change comes from outside" in notice for notice in report.notices)
    assert not (launcher.rooms / "source" / "head" / "link").exists()
    assert [one.name for one in (launcher.rooms / "source").iterdir()] == ["head"]


def test_a_box_that_does_not_start_makes_the_run_unavailable(work):
    with pytest.raises(SandboxError, match="exit code 125"):
        launched(work, prep=125, box_code=125)


def test_a_trusted_change_is_prepared_with_the_command_of_the_base(work):
    launcher = Launcher(work.objects.parent / "rooms", box_code=1)
    settings = Settings.model_validate({"test_gen": {"setup": ["make", "deps"], "sandbox": "off"}})
    with Repository.open(work.objects, work.environ) as repository, pytest.raises(SandboxError):
        generate(replace(work, order=launcher), settings, repository)
    assert launcher.orders == ["start prep", "start box"]
    assert (launcher.rooms / "plan" / "prep.json").read_text() == '{"tree": "head", "setup": ["make", "deps"]}'


def prepared(work, *, trusted=True, **section):
    launcher = Launcher(work.objects.parent / "rooms", box_code=1)
    settings = Settings.model_validate({"test_gen": section})
    with Repository.open(work.objects, work.environ) as repository, pytest.raises(SandboxError):
        generate(replace(work, order=launcher, trusted=trusted), settings, repository)
    return launcher, (launcher.rooms / "plan" / "key").read_text()


def test_a_project_is_built_after_its_dependencies_are_there(work):
    (work.objects / "pyproject.toml").write_text("[build-system]\n")
    git(work.objects, "add", "-A")
    git(work.objects, "commit", "-qm", "built")
    work = replace(work, head=git(work.objects, "rev-parse", "HEAD"))
    launcher, key = prepared(work)
    assert launcher.orders == ["start prep", "start build", "start box"]
    assert key.startswith("own-")


def test_what_strangers_have_installed_is_kept_apart(work):
    launcher, key = prepared(work, trusted=False, setup_for_forks=True)
    assert launcher.orders == ["start prep", "start box"]
    assert key.startswith("forks-")


@pytest.mark.parametrize(("python", "told"), [("python2.1", True), (".venv/bin/python", True), ("", False)])
def test_an_interpreter_that_the_containers_do_not_have_is_said(work, python, told):
    launcher = Launcher(work.objects.parent / "rooms", prep=5)
    settings = Settings.model_validate({"test_gen": {"python": python}})
    _environment, said = _prepare(Rooms(launcher.rooms, launcher), work, settings)
    assert any("for the command line" in one for one in said) == told


def test_without_a_launcher_nothing_is_executed(work):
    with pytest.raises(SandboxError, match="no container"):
        run_mode(replace(work, environ={"PATH": "/usr/bin:/bin"}), Settings())


def test_what_leaves_git_lies_inside_the_folder_and_is_no_repository(tmp_path):
    names = ["a.py", "../x", "/etc/x", ".git/config", "sub/.GIT/hooks/x", ".gitignore", "a/../../y", "a.py/b", "run.sh"]
    export(tmp_path / "tree", iter([(name, b"x", name == "run.sh") for name in names]))
    found = {str(one.relative_to(tmp_path)) for one in tmp_path.rglob("*") if one.is_file()}
    assert found == {"tree/a.py", "tree/.gitignore", "tree/run.sh"}
    assert (tmp_path / "tree" / "run.sh").stat().st_mode & 0o777 == 0o755
