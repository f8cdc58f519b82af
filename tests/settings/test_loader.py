"""The configuration as its writers meet it: what is accepted, what is refused and in which words."""

from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tta_orchestrate.domain.finding import Severity
from tta_orchestrate.errors import ConfigError
from tta_orchestrate.settings.document import MAX_BYTES, MAX_DEPTH, MAX_NODES, ConfigSource
from tta_orchestrate.settings.loader import Loaded, load
from tta_orchestrate.settings.model import Settings
from tta_orchestrate.settings.overrides import ENVIRONMENT
from tta_orchestrate.settings.review import Scope

PROMISED = """\
orchestration:
  enabled: true
  prefer_free_models: true
  quality_threshold: 0.85
  orchestrator:
    model: claude-sonnet-4.5
    api_key_env: ANTHROPIC_API_KEY
  executors:
    - model: gemini-2.5-pro
      provider: google-ai-studio
      api_key_env: GOOGLE_API_KEY
      use_cases: [moderate, complex]
    - model: llama-3.3-70b-versatile
      provider: groq
      api_key_env: GROQ_API_KEY
      use_cases: [simple, speed-critical]
    - model: deepseek/deepseek-r1:free
      provider: openrouter
      api_key_env: OPENROUTER_API_KEY
      use_cases: [complex, reasoning]
  fallback_strategy:
    models: [gemini-2.5-pro, llama-3.3-70b-versatile, claude-sonnet-4.5]
  cost_tracking:
    enabled: true
    budget_limit_usd: 100.0
    alert_threshold: 0.8
"""


def read(text, env=None, flags=None):
    data = text if isinstance(text, bytes) else text.encode()
    return load(ConfigSource(name="f.yaml", data=data), env=env or {}, flags=flags or {})


def complaint(text, env=None, flags=None):
    with pytest.raises(ConfigError) as caught:
        read(text, env, flags)
    assert caught.value.exit_code == 2
    assert caught.value.remedy
    return str(caught.value)


def test_the_promised_file_is_accepted_verbatim_and_says_what_it_says():
    settings = read(PROMISED).settings
    assert [executor.provider for executor in settings.executors] == ["google-ai-studio", "groq", "openrouter"]
    assert settings.fallback_strategy.models[-1] == "claude-sonnet-4.5"
    assert settings.cost_tracking.budget_limit_usd == Decimal("100.0")


def test_without_a_file_everything_has_its_default():
    loaded = load(None, env={}, flags={})
    assert loaded.settings == Settings()
    assert {str(origin) for origin in loaded.origins.values()} == {"default"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "orchestration:\n  quality_treshold: 0.9\n",
            "f.yaml:2:3: orchestration.quality_treshold: unknown key; did you mean quality_threshold?",
        ),
        ("", "f.yaml:1:1: the file is empty; the root key orchestration is missing"),
        ("# only\n# comments\n", "f.yaml:1:1: the file is empty; the root key orchestration is missing"),
        ("---\n", "f.yaml:1:1: the file is empty; the root key orchestration is missing"),
        ("{}\n", "f.yaml:1:1: the root key orchestration is missing"),
        ("- a\n", "f.yaml:1:1: expected a mapping with the root key orchestration, found a list"),
        ("orchestrator:\n  enabled: true\n", "f.yaml:1:1: orchestrator: unknown key; did you mean orchestration?"),
        (
            "orchestration: {}\nother: 1\n",
            "f.yaml:2:1: other: unknown key; everything belongs below the root key orchestration",
        ),
        ("orchestration:\n", "f.yaml:1:15: orchestration: expected a mapping, found nothing (null)"),
        (
            "orchestration:\n  enabled: true\n  enabled: false\n",
            "f.yaml:3:3: duplicate key enabled; it stands on line 2 already",
        ),
        ("orchestration: {}\n---\norchestration: {}\n", "f.yaml:2:1: a second document starts here"),
        (
            "orchestration:\n\tenabled: true\n",
            "f.yaml:2:1: this is no YAML: while scanning for the next token, found character '\\t' that cannot start any token; indent with spaces, not tabs",
        ),
        ("orchestration: !!python/object:os.system {}\n", "f.yaml:1:16: tags are not allowed"),
        ("orchestration: &a [*a]\n", "f.yaml:1:20: alias *a has no finished anchor before it"),
        ("orchestration: [unclosed", "f.yaml:1:25: this is no YAML"),
        ("? [a]\n: b\n", "f.yaml:1:3: a key must be plain text"),
        ('orchestration: "\\UFFFFFFFF"\n', "f.yaml:1:1: an escape or directive is out of range"),
        ('orchestration: "\\uD800"\n', "f.yaml:1:16: half of a surrogate pair is no character"),
        ("orchestration: \x07\n", "f.yaml:1:16: this character is not allowed"),
    ],
)
def test_a_broken_file_is_told_with_its_place(text, expected):
    assert complaint(text).startswith(expected)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("enabled: yes", 'enabled: expected true or false, found text "yes"'),
        ("enabled: 1", "enabled: expected true or false, found 1"),
        ("quality_threshold: 1.5", "quality_threshold: must be within 0..1, found 1.5"),
        ("quality_threshold: high", 'quality_threshold: expected a number, found text "high"'),
        ("quality_threshold: true", "quality_threshold: expected a number, found true"),
        ("quality_threshold: .nan", "a finite number is needed, found .nan"),
        ("quality_threshold: 1e999", "the number is too large, found 1e999"),
        ("executors: gemini", 'executors: expected a list, found text "gemini"'),
        ("executors: [{model: x}]", "executors.0.provider: this key is required"),
        ("executors: [{model: x, provider: grok}]", "did you mean groq?"),
        ("review: {scope: [changed]}", "review.scope: expected one of changed, file, found a list"),
        ("review: {max_line_length: 10}", "review.max_line_length: must be at least 80, found 10"),
        ("review: {max_file_bytes: 10.5}", "review.max_file_bytes: expected a whole number, found 10.5"),
        ("review: {ignore: ['[z-a]']}", "review.ignore.0: is no pattern that .gitignore would understand"),
        ("review: {rules: [{paths: []}]}", "review.rules.0.paths: must not be empty"),
        ("review: {baseline: ../../etc/passwd}", "review.baseline: must stay inside the repository"),
        ("cost_tracking: {budget_limit_usd: '5'}", 'budget_limit_usd: expected a number, found text "5"'),
        ("cost_tracking: {budget_limit_usd: -1}", "budget_limit_usd: must be at least 0, found -1"),
        ("review:", "review: expected a mapping, found nothing (null)"),
    ],
)
def test_a_wrong_value_is_told_with_what_was_expected_and_what_was_found(line, expected):
    message = complaint(f"orchestration:\n  {line}\n")
    assert message.startswith("f.yaml:2:")
    assert expected in message


def test_all_problems_of_a_file_are_told_at_once_in_the_order_of_the_file():
    message = complaint("orchestration:\n  enabled: 1\n  review:\n    scop: file\n  quality_threshold: 7\n")
    assert [line.split(":")[1] for line in message.splitlines()] == ["2", "4", "5"]


def test_a_flood_of_problems_is_cut():
    assert complaint("a: 1\n" * 1_000).splitlines()[-1] == "... and more"
    keys = "".join(f"  key{number}: 1\n" for number in range(5_000))
    lines = complaint("orchestration:\n" + keys).splitlines()
    assert (len(lines), lines[-1]) == (51, "... and more")


def test_bytes_that_are_not_utf8_are_named_with_line_and_offset():
    assert complaint(b"orchestration:\n  # caf\xe9\n").startswith("f.yaml:2:8: byte 22 (0xe9) is not UTF-8")
    assert complaint(b"\xef\xbb\xbfa\xff").startswith("f.yaml:1:2: byte 4 (0xff) is not UTF-8")
    assert "is not UTF-8" in complaint("orchestration: {}".encode("utf-16"))


def test_a_byte_order_mark_and_windows_line_ends_are_fine():
    assert read(b"\xef\xbb\xbforchestration:\r\n  enabled: false\r\n").settings.enabled is False


def test_aliases_and_merges_work_and_what_is_written_wins():
    text = (
        "orchestration:\n  executors:\n    - &base {model: a, provider: groq, api_key_env: KEY}\n"
        "    - <<: *base\n      model: b\n"
    )
    first, second = read(text).settings.executors
    assert (first.model, second.model, second.provider) == ("a", "b", "groq")


@pytest.mark.parametrize("merge", ["<<: *a", "<<: [*a, *a]"])
def test_an_alias_bomb_is_refused_before_it_grows(merge):
    lines = ["a0: &a0 {" + ", ".join(f"k{i}: 1" for i in range(10)) + "}"]
    lines += [f"a{n}: &a{n} [" + ", ".join([f"*a{n - 1}"] * 10) + "]" for n in range(1, 9)]
    assert f"more than {MAX_NODES} values" in complaint("\n".join(lines))
    lines = ["a: &a {x: 1}", *(f"b{i}: {{{merge}}}" for i in range(MAX_NODES))]
    assert f"more than {MAX_NODES} values" in complaint("\n".join(lines[:12_000]))


def test_deep_nesting_and_large_files_are_refused():
    assert f"nested deeper than {MAX_DEPTH}" in complaint("orchestration: " + "[" * 5_000)
    assert f"at most {MAX_BYTES} are read" in complaint(b"#" * (MAX_BYTES + 1))


def test_money_keeps_every_digit_that_was_written():
    text = "orchestration: {cost_tracking: {budget_limit_usd: 123456789.123456789123456789, run_limit_usd: 0.1}}"
    costs = read(text).settings.cost_tracking
    assert (costs.budget_limit_usd, costs.run_limit_usd) == (Decimal("123456789.123456789123456789"), Decimal("0.1"))


def test_control_characters_and_log_commands_of_a_file_are_shown_escaped():
    message = complaint('orchestration: {"\\e[31m##[error]\\u202e": 1}')
    assert "\\x1b[31m" in message
    assert "\\u202e" in message
    assert not {"\x1b", "\u202e"} & set(message)
    assert "##[" not in message


@pytest.mark.parametrize("secret", ["sk-ant-123", "gsk_abcDEF", "AIzaSyA"])
def test_a_key_pasted_in_the_place_of_its_name_is_refused_and_not_repeated(secret):
    assert secret not in complaint(f"orchestration: {{orchestrator: {{api_key_env: {secret}}}}}")
    assert secret not in complaint(f"orchestration: {{orchestrator: {{api_key: {secret}}}}}")
    assert secret not in complaint(f"orchestration: {{orchestrator: {{base_url: 'https://u:{secret}@host'}}}}")


def test_a_flag_wins_over_the_environment_which_wins_over_the_file():
    text = "orchestration:\n  quality_threshold: 0.1\n  review: {scope: file}\n"
    loaded = read(text, {"TTA_QUALITY_THRESHOLD": "0.2"}, {"--scope": Scope.CHANGED, "--budget-usd": 0.1})
    assert loaded.settings.quality_threshold == 0.2
    assert loaded.settings.review.scope is Scope.CHANGED
    assert loaded.settings.cost_tracking.run_limit_usd == Decimal("0.1")
    assert str(loaded.origins["quality_threshold"]) == "environment TTA_QUALITY_THRESHOLD"
    assert str(loaded.origins["review.scope"]) == "flag --scope"


def test_every_value_of_a_file_has_its_line():
    origins = read(PROMISED).origins
    assert str(origins["executors.1.provider"]) == "f.yaml:14"
    assert str(origins["executors.2.use_cases.1"]) == "f.yaml:20"
    assert str(origins["executors.0.base_url"]) == "default"
    assert str(origins["cost_tracking.run_limit_usd"]) == "default"


def test_an_empty_variable_and_a_flag_that_was_not_given_change_nothing():
    loaded = load(None, env=dict.fromkeys(ENVIRONMENT, ""), flags={"--scope": None})
    assert loaded.settings == Settings()


@pytest.mark.parametrize(("word", "value"), [("YES", True), ("1", True), ("On", True), ("off", False), ("0", False)])
def test_the_environment_knows_more_words_for_true_and_false(word, value):
    assert load(None, env={"TTA_ORCHESTRATION_ENABLED": word}, flags={}).settings.enabled is value


def test_every_promised_variable_acts():
    env = dict(zip(ENVIRONMENT, ["no", "off", "0.5", "another", "7.25"], strict=True))
    settings = load(None, env=env, flags={}).settings
    assert (settings.enabled, settings.prefer_free_models, settings.quality_threshold) == (False, False, 0.5)
    assert (settings.orchestrator.model, settings.cost_tracking.budget_limit_usd) == ("another", Decimal("7.25"))


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("TTA_ORCHESTRATION_ENABLED", "maybe", 'expected true or false, found text "maybe"'),
        ("TTA_QUALITY_THRESHOLD", "2", "orchestration.quality_threshold: must be within 0..1, found 2"),
        ("TTA_QUALITY_THRESHOLD", "nan", "expected a number"),
        ("TTA_QUALITY_THRESHOLD", ".inf", "a finite number is needed"),
        ("TTA_BUDGET_LIMIT_USD", "lots", 'expected a number, found text "lots"'),
        ("TTA_BUDGET_LIMIT_USD", "-1", "must be at least 0, found -1"),
    ],
)
def test_a_wrong_variable_is_blamed_by_its_name(name, value, expected):
    message = complaint("orchestration: {}", {name: value})
    assert message.startswith(f"environment {name}: ")
    assert expected in message


def test_a_wrong_flag_is_blamed_by_its_name():
    assert complaint("orchestration: {}", flags={"--scope": "all"}).startswith(
        "flag --scope: orchestration.review.scope"
    )


def test_bytes_of_the_environment_that_are_no_text_are_refused():
    name = "TTA_ORCHESTRATOR_MODEL"
    assert (
        complaint("orchestration: {}", {name: "a\udcff"}) == f'environment {name}: is not UTF-8, found text "a\\udcff"'
    )


def test_flags_may_be_paths_and_words_that_are_no_text():
    assert read("orchestration: {}", flags={"--baseline": Path("a/b.json")}).settings.review.baseline == "a/b.json"
    assert "flag --scope" in complaint("orchestration: {}", flags={"--scope": "\udcff"})
    assert "flag --budget-usd" in complaint("orchestration: {}", flags={"--budget-usd": float("nan")})


def test_a_misspelt_variable_is_warned_about():
    loaded = load(None, env={"TTA_QUALITY_TRESHOLD": "0.5", "TTA_DEBUG": "1"}, flags={})
    assert loaded.warnings == ("environment TTA_QUALITY_TRESHOLD is not read; did you mean TTA_QUALITY_THRESHOLD?",)


def test_fail_on_can_be_set_raised_and_switched_off_by_its_flag():
    text = "orchestration: {review: {fail_on: {severity: low, min_confidence: 0.5}}}"
    raised = read(text, flags={"--fail-on": Severity.HIGH}).settings.review.fail_on
    assert (raised.severity, raised.min_confidence) == (Severity.HIGH, 0.5)
    assert read(text, flags={"--fail-on": "never"}).settings.review.fail_on is None
    assert load(None, env={}, flags={"--fail-on": "high"}).settings.review.fail_on.severity is Severity.HIGH


def outcome_of(data, env=None):
    try:
        return load(ConfigSource(name="f", data=data), env=env or {}, flags={})
    except ConfigError as error:
        return error


@settings(deadline=None)
@given(st.binary(max_size=200))
def test_arbitrary_bytes_give_settings_or_a_config_error(data):
    outcome = outcome_of(data)
    assert isinstance(outcome, Loaded | ConfigError)
    assert all(line.isprintable() for line in str(outcome).split("\n"))


@settings(deadline=None)
@given(st.text(alphabet="orchestain:{}[]&*!|>-?'\"\\%@`#,~<\n\t 0123.eExU\ud7ff", max_size=80))
def test_arbitrary_yaml_marks_give_settings_or_a_config_error(text):
    assert isinstance(outcome_of(b"orchestration: " + text.encode()), Loaded | ConfigError)


@settings(deadline=None)
@given(st.dictionaries(st.sampled_from(sorted(ENVIRONMENT)), st.text(max_size=12)))
def test_arbitrary_variables_give_settings_or_a_config_error(env):
    assert isinstance(outcome_of(b"orchestration: {}", env), Loaded | ConfigError)
