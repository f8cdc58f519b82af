"""Discord: a webhook, embeds, mentions switched off."""

from typing import Any, Final

from tta_orchestrate.alerts._post import body, post
from tta_orchestrate.ports.alerting import Address, Message, Sender

_MOST: Final = 10
"""Embeds that one message takes."""
_RED: Final = 0xB3261E
_AMBER: Final = 0xBC4C00


class Discord:
    """Posts one message."""

    def send(self, message: Message, address: Address) -> None:
        """Post *message*."""
        post(address.url, body(document(message)))


def document(message: Message) -> dict[str, Any]:
    """Return the message; lengths are Discord's own limits."""
    embeds = [
        {
            "title": _escaped(alert.title)[:256],
            "description": _escaped(alert.text)[:2000],
            "color": _RED if alert.severe else _AMBER,
            **({"url": message.url} if message.url else {}),
        }
        for alert in message.alerts[:_MOST]
    ]
    content = _escaped(message.repository)[:200]
    return {"content": content, "embeds": embeds, "allowed_mentions": {"parse": []}}


def _escaped(words: str) -> str:
    return "".join(f"\\{char}" if char in "*_~`|\\<>[]()#@" else char for char in words)


SENDER: Final[Sender] = Discord()
