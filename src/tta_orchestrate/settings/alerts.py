"""Section ``alerts``: who is told, and of what."""

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from tta_orchestrate.settings.models import ENV_NAME
from tta_orchestrate.settings.section import Section


class Channel(StrEnum):
    """How somebody is told."""

    SLACK = "slack"
    TEAMS = "teams"
    DISCORD = "discord"
    WEBHOOK = "webhook"
    SMTP = "smtp"


class Security(StrEnum):
    """How a mail server is talked to."""

    STARTTLS = "starttls"
    TLS = "tls"
    NONE = "none"


class Recipient(Section):
    """One place that is told. Addresses with a secret in them stand in the environment, never in a file."""

    channel: Channel
    """`slack`, `teams`, `discord`, `webhook` or `smtp`."""
    url_env: str | None = Field(default=None, pattern=ENV_NAME)
    """Name of the environment variable that holds the webhook's address."""
    secret_env: str | None = Field(default=None, pattern=ENV_NAME)
    """`webhook`: variable that holds the key of the HMAC signature. `smtp`: variable that holds the password."""
    host: str = Field(default="", max_length=253)
    """`smtp`: the mail server."""
    port: int = Field(default=587, ge=1, le=65535)
    """`smtp`: its port."""
    security: Security = Security.STARTTLS
    """`smtp`: `none` only on this machine, and without `user`."""
    user: str = Field(default="", max_length=254)
    """`smtp`: who signs in; nobody when it is empty."""
    sender: str = Field(default="", max_length=254)
    """`smtp`: the address that it comes from."""
    to: tuple[str, ...] = ()
    """`smtp`: the addresses that it goes to."""


Share = Annotated[float, Field(gt=0, le=10)]


class Alerts(Section):
    """Who is told, and of what: each alert once a period, over all runs."""

    thresholds: tuple[Share, ...] = (0.5, 1.0)
    """Shares of each limit at which an alert goes out, besides `cost_tracking.alert_threshold`."""
    forecast: bool = True
    """Alert when the month will pass its limit at this pace."""
    quality_drop: float = Field(default=0.1, ge=0, le=1)
    """Alert when the smoothed gate pass rate falls this far below the month's best; 0 is never."""
    retirement_days: int = Field(default=30, ge=0, le=365)
    """Alert this long before a model that was used is retired; 0 is never."""
    prices: bool = True
    """Alert when the price data changed since the run before."""
    breaker: bool = True
    """Alert when a provider was given up during a run."""
    recipients: tuple[Recipient, ...] = Field(
        default=(), examples=[[{"channel": "slack", "url_env": "SLACK_WEBHOOK_URL"}]]
    )
    """Who is told besides the job summary."""
