"""The Action's inputs, validated: an input that is not set and an empty one are the same, as the runner has it."""

from collections.abc import Callable
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any, Final

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, SecretStr, ValidationError

from tta_orchestrate.errors import ConfigError

NO_REVISION_FLAG: Final = r"^(?:[^\s\x00-\x1f-][^\s\x00-\x1f]*)?$"
"""A revision never starts like an option, and holds no blanks."""


class Mode(StrEnum):
    """What the action does."""

    REVIEW = "review"
    TEST_GEN = "test-gen"
    DOCGEN = "docgen"


class FailOn(StrEnum):
    """From which severity on a finding fails the check."""

    CRITICAL = "critical"
    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"
    NEVER = "never"


def _flag(text: object) -> object:
    words = {"true": True, "false": False}
    return words.get(text.lower(), text) if isinstance(text, str) else text


def _lines(text: object) -> object:
    return tuple(line.strip() for line in text.splitlines() if line.strip()) if isinstance(text, str) else text


Flag = Annotated[bool, BeforeValidator(_flag)]
Lines = Annotated[tuple[str, ...], BeforeValidator(_lines)]


class Inputs(BaseModel):
    """Field ``fail_on`` is input ``fail-on``, and so on; ``None`` means that the configuration decides."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=False)

    mode: Mode = Mode.REVIEW
    config: str = Field(default="", max_length=500)
    base: str = Field(default="", pattern=NO_REVISION_FLAG, max_length=500)
    head: str = Field(default="", pattern=NO_REVISION_FLAG, max_length=500)
    paths: Lines = ()
    fail_on: FailOn | None = None
    budget_usd: Annotated[Decimal, Field(ge=0, max_digits=12, decimal_places=9, allow_inf_nan=False)] | None = None
    comments: Flag | None = None
    allow_untrusted: Flag = False
    github_token: SecretStr = SecretStr("")
    anthropic_api_key: SecretStr = SecretStr("")
    google_api_key: SecretStr = SecretStr("")
    openai_api_key: SecretStr = SecretStr("")
    groq_api_key: SecretStr = SecretStr("")
    openrouter_api_key: SecretStr = SecretStr("")

    @property
    def keys(self) -> dict[str, str]:
        """The providers' keys that are there, by the name of the environment variable that usually holds each."""
        held = ((name, getattr(self, name).get_secret_value()) for name in KEY_FIELDS)
        return {name.upper(): value for name, value in held if value}

    @property
    def secrets(self) -> tuple[str, ...]:
        """Everything that must never be shown."""
        token = self.github_token.get_secret_value()
        return (*((token,) if token else ()), *self.keys.values())


KEY_FIELDS: Final = tuple(name for name in Inputs.model_fields if name.endswith("_api_key"))
NAMES: Final = tuple(name.replace("_", "-") for name in Inputs.model_fields)
"""The inputs as ``action.yml`` spells them."""


def read_inputs(text_input: Callable[[str], str]) -> Inputs:
    """Return the inputs that *text_input* gives.

    Raises:
        ConfigError: one of them is wrong; the message names it and never quotes a secret.
    """
    given: dict[str, Any] = {}
    for name in NAMES:
        value = text_input(name)
        if value:
            given[name.replace("-", "_")] = value
    try:
        return Inputs(**given)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        name = str(first["loc"][0]).replace("_", "-")
        raise ConfigError(f"input {name!r}: {first['msg']}", remedy="see the table of inputs in the README") from None
