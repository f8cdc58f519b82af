"""``tta-orchestrate config`` from the outside."""

import json
import os
import subprocess
import sys

import pytest
import yaml

from tta_orchestrate.cli.app import run
from tta_orchestrate.settings.model import Settings
from tta_orchestrate.settings.shape import not_yet_acting

DEFAULT = ".tta/orchestration-config.yaml"


@pytest.fixture(autouse=True)
def _clean_place(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith("TTA_")]:
        monkeypatch.delenv(name)


@pytest.fixture
def write(tmp_path):
    def _write(text, name=DEFAULT):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    return _write


def test_init_writes_a_file_that_check_accepts(tmp_path, capsys):
    assert run(["config", "init"]) == 0
    assert run(["config", "check"]) == 0
    assert f"ok: {DEFAULT}" in capsys.readouterr().out
    assert list(yaml.safe_load((tmp_path / DEFAULT).read_text())) == ["orchestration"]


def test_init_replaces_a_file_only_when_forced(write, capsys):
    path = write("mine")
    assert run(["config", "init"]) == 2
    assert "already there" in capsys.readouterr().err
    assert path.read_text() == "mine"
    assert run(["config", "init", "--force"]) == 0
    assert path.read_text() != "mine"


def test_init_says_why_it_cannot_write(write, capsys):
    write("a file", "folder")
    assert run(["config", "init", "--path", "folder/x.yaml"]) == 2
    assert "folder/x.yaml" in capsys.readouterr().err


def test_check_lists_exactly_the_marked_keys_as_not_yet_acting(capsys):
    assert run(["config", "check"]) == 0
    listed = [line.strip() for line in capsys.readouterr().out.splitlines() if line.startswith("  ")]
    assert listed == list(not_yet_acting())


def test_a_typo_is_told_with_line_and_nearest_key(write, capsys):
    write("orchestration:\n  quality_treshold: 0.9\n")
    assert run(["config", "check"]) == 2
    expected = f"error: {DEFAULT}:2:3: orchestration.quality_treshold: unknown key; did you mean quality_threshold?"
    assert capsys.readouterr().err.splitlines()[0] == expected


def test_the_second_default_name_is_found(write, capsys):
    write("orchestration: {enabled: false}\n", ".tta/orchestration-config.yml")
    assert run(["config", "check"]) == 0
    out = capsys.readouterr().out
    assert "ok: .tta/orchestration-config.yml" in out
    assert "warning: orchestration.enabled is false" in out


@pytest.mark.parametrize(
    ("name", "expected"),
    [("none.yaml", "there is no configuration file"), (".", "is not a file")],
)
def test_a_named_file_that_cannot_be_read_is_an_error_with_a_remedy(name, expected, capsys):
    assert run(["config", "check", "--config", name]) == 2
    err = capsys.readouterr().err
    assert expected in err
    assert "  -> " in err


def test_an_unknown_check_is_refused(write, capsys):
    write("orchestration:\n  review:\n    checks: {disable: [no-such-check]}\n")
    assert run(["config", "check"]) == 2
    assert (
        f"{DEFAULT}:3: orchestration.review.checks.disable.0: there is no check no-such-check"
        in capsys.readouterr().err
    )


def test_show_gives_every_value_with_its_origin(write, capsys, monkeypatch):
    write("orchestration:\n  quality_threshold: 0.5\n")
    monkeypatch.setenv("TTA_BUDGET_LIMIT_USD", "7.10")
    assert run(["config", "show", "--format", "json"]) == 0
    shown = {row["key"]: row for row in json.loads(capsys.readouterr().out)["settings"]}
    assert shown["quality_threshold"] == {"key": "quality_threshold", "value": 0.5, "origin": f"{DEFAULT}:2"}
    assert shown["cost_tracking.budget_limit_usd"]["value"] == "7.10"
    assert shown["cost_tracking.budget_limit_usd"]["origin"] == "environment TTA_BUDGET_LIMIT_USD"
    assert shown["review.scope"]["origin"] == "default"


def test_show_as_json_holds_no_command_for_the_runner_and_still_says_the_same(write, capsys):
    write('orchestration: {orchestrator: {model: "##[error]x"}}\n')
    assert run(["config", "show", "--format", "json"]) == 0
    out = capsys.readouterr().out
    assert "##[" not in out
    assert "##[error]x" in [row["value"] for row in json.loads(out)["settings"]]


def test_show_prints_a_table_in_which_markup_and_control_characters_are_text(write, capsys):
    write('orchestration: {orchestrator: {model: "[red]\\e[1m"}}\n')
    assert run(["config", "show"]) == 0
    out = capsys.readouterr().out
    assert "[red]\\x1b[1m" in out
    assert "\x1b" not in out


def test_schema_prints_the_schema(capsys):
    assert run(["config", "schema"]) == 0
    schema = json.loads(capsys.readouterr().out)
    assert schema["$schema"].endswith("2020-12/schema")
    assert set(schema["properties"]["orchestration"]["properties"]) == set(Settings.model_fields)


def test_the_real_process_prints_one_clear_message_and_loads_nothing_heavy(write):
    write("orchestration:\n  enabled: maybe\n")
    command = [sys.executable, "-X", "importtime", "-m", "tta_orchestrate", "config", "check"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    said = [line for line in done.stderr.splitlines() if not line.startswith("import time:")]
    assert done.returncode == 2
    assert said[0] == f'error: {DEFAULT}:2:3: orchestration.enabled: expected true or false, found text "maybe"'
    assert "Traceback" not in done.stderr
    loaded = {line.rsplit("|", 1)[-1].strip() for line in done.stderr.splitlines() if line.startswith("import time:")}
    assert not {"rich.table", "anthropic", "httpx2", "griffe", "pathspec"} & loaded
