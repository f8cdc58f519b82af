"""Sections ``orchestrator``, ``executors``, ``fallback_strategy``: which models, where, with whose key."""

from enum import StrEnum
from typing import Final

from pydantic import Field

from tta_orchestrate.ports.model import UseCase
from tta_orchestrate.settings.section import Section

ENV_NAME: Final = r"^[A-Z_][A-Z0-9_]{0,127}$"
"""Upper case only, so that a key pasted in the place of its variable's name is refused."""
BASE_URL: Final = r"^https?://[^@\s]+$"
"""No user, no password: credentials never stand in a file."""


class ProviderName(StrEnum):
    """The providers that ship; ``openai-compatible`` takes any ``base_url``."""

    ANTHROPIC = "anthropic"
    GOOGLE_AI_STUDIO = "google-ai-studio"
    GROQ = "groq"
    OPENROUTER = "openrouter"
    OLLAMA = "ollama"
    OPENAI = "openai"
    OPENAI_COMPATIBLE = "openai-compatible"
    LOCAL = "local"


class Orchestrator(Section):
    """The strong model: it judges evidence and never does bulk work."""

    model: str = Field(default="claude-sonnet-4.5", min_length=1)
    """Catalogue name or alias."""
    provider: ProviderName = ProviderName.ANTHROPIC
    """Who serves it."""
    api_key_env: str = Field(default="ANTHROPIC_API_KEY", pattern=ENV_NAME)
    """Name of the environment variable that holds the key; the key itself never stands in a file."""
    base_url: str | None = Field(default=None, pattern=BASE_URL)
    """Another endpoint that speaks the same protocol."""


class Executor(Section):
    """One cheap or free model for the bulk work."""

    model: str = Field(min_length=1)
    """Catalogue name or alias."""
    provider: ProviderName
    """Who serves it."""
    api_key_env: str | None = Field(default=None, pattern=ENV_NAME)
    """Name of the environment variable that holds the key; none for ``ollama`` and ``local``."""
    base_url: str | None = Field(default=None, pattern=BASE_URL)
    """Another endpoint that speaks the same protocol."""
    use_cases: tuple[UseCase, ...] = ()
    """What it is asked to do; empty means everything."""
    free_tier: bool = False
    """The key belongs to a project without billing: calls cost no cash. Leave it off when in doubt."""
    requests_per_minute: int | None = Field(default=None, ge=1)
    """Start at this pace; otherwise it is learned from the provider's answers."""
    tokens_per_minute: int | None = Field(default=None, ge=1)
    """Input tokens; likewise."""
    requests_per_day: int | None = Field(default=None, ge=1)
    """Daily quota (midnight Pacific) of a free tier."""


class Calls(Section):
    """How models are called. Times in seconds."""

    concurrency: int = Field(default=4, ge=1, le=64)
    """Calls on their way at one provider."""
    workers: int = Field(default=8, ge=1, le=64)
    """Tasks worked on at a time."""
    connect_seconds: float = Field(default=10.0, gt=0)
    """Longest wait for a connection."""
    idle_seconds: float = Field(default=120.0, gt=0)
    """Longest silence inside an answer."""
    total_seconds: float = Field(default=300.0, gt=0)
    """Longest answer."""
    deadline_seconds: float = Field(default=1500.0, gt=0)
    """All model work of a run."""
    cache_dir: str | None = None
    """Folder of paid answers, shareable by ``actions/cache``; none by default."""
    allow_free_tier_for_private_repositories: bool = False
    """Free tiers may train on what they are sent."""


class FallbackStrategy(Section):
    """Who is asked, in order, when the routed executors failed."""

    models: tuple[str, ...] = ("gemini-2.5-pro", "llama-3.3-70b-versatile", "claude-sonnet-4.5")
    """Model names in order."""
