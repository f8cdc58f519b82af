"""Slack: an incoming webhook, ``{"text": mrkdwn}``."""

from typing import Final

from tta_orchestrate.alerts._post import body, post
from tta_orchestrate.ports.alerting import Address, Message, Sender


class Slack:
    """Posts one message."""

    def send(self, message: Message, address: Address) -> None:
        """Post *message*."""
        post(address.url, body({"text": text(message)}))


def text(message: Message) -> str:
    """Return mrkdwn with Slack's three control characters escaped, so that nothing mentions or links."""
    lines = [f"*{_escaped(message.repository)}*"]
    for alert in message.alerts:
        mark = ":red_circle:" if alert.severe else ":warning:"
        lines.append(f"{mark} *{_escaped(alert.title)}* {_escaped(alert.text)}")
    if message.url:
        lines.append(f"<{_escaped(message.url)}|the run>")
    return "\n".join(lines)


def _escaped(words: str) -> str:
    return words.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


SENDER: Final[Sender] = Slack()
