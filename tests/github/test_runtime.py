"""The adapter around actions-toolkit, judged by the runner's own rules: the real package, real files."""

import base64
import io
import sys
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import runner
from tta_orchestrate.domain.annotation import Annotation, Level
from tta_orchestrate.github.runtime import OUTPUTS, SUMMARY_LIMIT, Guard, Runtime, artifact_name, disguises


@pytest.fixture
def step(tmp_path, monkeypatch):
    """A runtime with its files; the toolkit reads the process's environment, so it must be there."""
    for name in ("OUTPUT", "STEP_SUMMARY"):
        (tmp_path / name).touch()
        monkeypatch.setenv(f"GITHUB_{name}", str(tmp_path / name))
    return Step(tmp_path, monkeypatch)


class Step:
    def __init__(self, folder, monkeypatch):
        self.folder, self.monkeypatch = folder, monkeypatch
        self.out = io.StringIO()
        self.environ = {"GITHUB_STEP_SUMMARY": str(folder / "STEP_SUMMARY")}
        self.runtime = Runtime(self.environ, self.out)

    @property
    def log(self):
        return runner.read_log(self.out.getvalue())

    @property
    def outputs(self):
        return runner.read_file((self.folder / "OUTPUT").read_text())


def note(number, level=Level.WARNING, **changes):
    base = {"path": "a.py", "start_line": 1, "end_line": 2, "title": f"n{number}", "message": "m"}
    return Annotation(**base | {"level": level} | changes)


def test_all_outputs_are_always_written(step):
    step.runtime.set_outputs({"outcome": "clean", "stranger": "x"})
    assert step.outputs == dict.fromkeys(OUTPUTS, "") | {"outcome": "clean"}


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50)
@given(st.text(st.sampled_from("\n\r=<>ghadelimiter_:#[]% \u202ex")))
def test_no_value_of_an_output_can_add_another_one(step, value):
    (step.folder / "OUTPUT").write_text("")
    step.runtime.set_outputs({"outcome": value})
    assert set(step.outputs) == set(OUTPUTS)


def test_an_input_is_found_with_hyphens_and_with_underscores(step):
    step.monkeypatch.setenv("INPUT_FAIL-ON", " high ")
    step.monkeypatch.setenv("INPUT_BUDGET_USD", "1")
    assert step.runtime.text_input("fail-on") == "high"
    assert step.runtime.text_input("budget-usd") == "1"
    assert step.runtime.text_input("base") == ""


def test_a_secret_is_masked_in_its_usual_disguises(step):
    secret = "p@ss/word+key"
    step.runtime.mask(secret)
    masks = step.log.masks
    for text in (
        secret,
        quote(secret, safe=""),
        secret.encode().hex(),
        base64.b64encode(f"x-access-token:{secret}".encode()).decode(),
    ):
        assert any(mask in text for mask in masks)
    for before in ("", "a", "ab", "abc"):
        encoded = base64.b64encode((before + secret + "tail").encode()).decode()
        assert any(mask in encoded for mask in masks)


@pytest.mark.parametrize("secret", ["", "  ", "abc"])
def test_what_would_mask_half_of_the_log_is_not_masked(step, secret):
    step.runtime.mask(secret)
    assert step.log.masks == []


@given(st.text(min_size=6, max_size=40))
def test_every_disguise_is_long_enough_to_be_masked(secret):
    assert all(len(form) >= 6 for form in disguises(secret))


def test_of_many_annotations_the_worst_are_shown_and_the_rest_is_counted(step):
    items = [note(n, level) for level in (Level.NOTICE, Level.WARNING, Level.FAILURE) for n in range(15)]
    assert step.runtime.annotate(items) == 28
    by_name = {name: [one for one in step.log.issues if one.name == name] for name in ("error", "warning", "notice")}
    assert {name: len(found) for name, found in by_name.items()} == {"error": 10, "warning": 9, "notice": 10}
    assert by_name["notice"][-1].data.startswith("17 more findings")
    assert step.log.issues[0].name == "error"


def test_few_annotations_are_all_shown_and_nothing_is_said_of_more(step):
    step.runtime.annotate([note(1), note(2)])
    assert [one.properties["title"] for one in step.log.issues] == ["n1", "n2"]
    assert step.log.issues[0].properties["line"] == "1"


HOSTILE = st.lists(
    st.sampled_from(
        ["::", "##[", "set-output name=a", "]", "::add-mask::x", "\r", "\n", "\u2028", ",", "%0A", ":", "=", "x"]
    )
).map("".join)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(HOSTILE, HOSTILE, HOSTILE)
def test_hostile_words_in_an_annotation_make_one_annotation(step, path, title, message):
    step.out.truncate(0)
    step.out.seek(0)
    step.runtime.annotate([note(0, path=path, title=title, message=message)])
    assert [one.name for one in step.log.commands] == ["warning"]
    assert step.log.commands[0].properties["line"] == "1"


@settings(max_examples=60)
@given(st.lists(HOSTILE))
def test_nothing_that_is_printed_past_the_guard_is_a_command(texts):
    out = io.StringIO()
    guard = Guard(out)
    for text in texts:
        guard.write(text)
    guard.flush()
    assert runner.read_log(out.getvalue()).commands == []


def test_groups_fold_what_is_printed_meanwhile(step):
    with step.runtime.group("work ##[error]x"):
        step.runtime.say("inside")
    assert [one.name for one in step.log.commands] == ["group", "endgroup"]
    assert step.log.text[0] == "inside"


def test_behind_the_launcher_every_command_carries_the_nonce(step):
    runtime = Runtime({"TTA_NONCE": "n0nce"}, step.out)
    runtime.error("wrong")
    assert runtime.declare_exit(2) == 2
    assert [line.startswith("n0nce") for line in step.out.getvalue().splitlines()] == [True, True]


def test_without_a_launcher_no_exit_is_declared(step):
    step.runtime.declare_exit(0)
    assert step.out.getvalue() == ""


def test_the_summary_is_appended_within_its_budget(step):
    assert step.runtime.append_summary("# one")
    assert not step.runtime.append_summary("x" * SUMMARY_LIMIT)
    assert (step.folder / "STEP_SUMMARY").read_text() == "# one\n"


def test_without_a_summary_file_nothing_breaks(step):
    assert not Runtime({}, step.out).append_summary("x")
    assert not Runtime({"GITHUB_STEP_SUMMARY": str(step.folder)}, step.out).append_summary("x")


@pytest.mark.parametrize("text", [None, "", "[]", "{", "\xff"])
def test_an_event_that_cannot_be_read_is_an_empty_one(step, text):
    file = step.folder / "event"
    if text is not None:
        file.write_bytes(text.encode("latin-1"))
    assert Runtime({"GITHUB_EVENT_PATH": str(file)}, step.out).event() == {}


def test_starting_puts_the_guard_before_everything_that_prints(step):
    step.monkeypatch.setattr(sys, "stdout", step.out)
    step.monkeypatch.setattr(sys, "stderr", step.out)
    runtime = Runtime.start()
    print("##[error]forged")
    print("::error::forged", file=sys.stderr)
    runtime.error("ours")
    assert [one.data for one in step.log.commands] == ["ours"]


@given(st.text(max_size=300), st.text(max_size=30))
def test_an_artifacts_name_holds_only_what_artifacts_allow(job, index):
    name = artifact_name("review", {"GITHUB_JOB": job, "TTA_JOB_INDEX": index, "GITHUB_RUN_ATTEMPT": "2"})
    assert not set(name) & set('":<>|*?\\/\r\n')
    assert name.startswith("tta-review-")
    assert len(name) <= 200
