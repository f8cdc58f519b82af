"""The door to people outside: what a plug-in of ``alerts/`` promises."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from tta_orchestrate.domain.alarm import Alert


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """Where a sender sends to. What is secret is kept out of ``repr``."""

    url: str = field(default="", repr=False)
    secret: str = field(default="", repr=False)
    """Key of a signature, or password."""
    host: str = ""
    port: int = 0
    security: str = "starttls"
    user: str = ""
    sender: str = ""
    to: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """What is told: some alerts about one repository. All text is one line, visible, without secrets."""

    repository: str
    alerts: Sequence[Alert]
    url: str = ""
    """The run, for a link; ``""`` when there is none."""
    sent_at: int = 0
    """Seconds since 1970, for signatures."""


class Sender(Protocol):
    """One channel. Raises ``OSError`` or ``ValueError`` when the message could not be handed over."""

    def send(self, message: Message, address: Address) -> None:
        """Hand *message* over, within a few seconds."""
        ...
