"""Inputs: empty means unset, everything else is checked, no secret is quoted."""

from decimal import Decimal

import pytest

from tta_orchestrate.errors import ConfigError
from tta_orchestrate.github.inputs import FailOn, Mode, read_inputs


def read(**given):
    named = {name.replace("_", "-"): value for name, value in given.items()}
    return read_inputs(lambda name: named.get(name, ""))


def test_nothing_given_means_defaults():
    inputs = read()
    assert (inputs.mode, inputs.config, inputs.fail_on, inputs.budget_usd, inputs.comments) == (
        Mode.REVIEW,
        "",
        None,
        None,
        None,
    )
    assert not inputs.allow_untrusted
    assert inputs.secrets == ()


def test_everything_given_is_read():
    inputs = read(
        mode="test-gen",
        fail_on="high",
        budget_usd="0.50",
        comments="True",
        paths="src/**\n\n docs/** \n",
        base="main~2",
    )
    assert (inputs.mode, inputs.fail_on, inputs.budget_usd, inputs.comments) == (
        Mode.TEST_GEN,
        FailOn.HIGH,
        Decimal("0.50"),
        True,
    )
    assert inputs.paths == ("src/**", "docs/**")
    assert inputs.base == "main~2"


@pytest.mark.parametrize(
    ("name", "value"),
    [("mode", "revue"), ("fail_on", "bad"), ("budget_usd", "-1"), ("budget_usd", "NaN"), ("budget_usd", "1e99"),
     ("comments", "perhaps"), ("allow_untrusted", "1.5"), ("base", "--upload-pack=x"), ("head", "a b"), ("head", "a\nb")],
)  # fmt: skip
def test_what_is_wrong_is_named(name, value):
    with pytest.raises(ConfigError, match=name.replace("_", "-")):
        read(**{name: value})


def test_keys_get_the_names_that_providers_use():
    inputs = read(anthropic_api_key="a-key", groq_api_key="g-key", github_token="t")
    assert inputs.keys == {"ANTHROPIC_API_KEY": "a-key", "GROQ_API_KEY": "g-key"}
    assert set(inputs.secrets) == {"a-key", "g-key", "t"}
    assert "a-key" not in repr(inputs)
