"""Microsoft Teams: a Workflows webhook, an Adaptive Card."""

from typing import Any, Final

from tta_orchestrate.alerts._post import body, post
from tta_orchestrate.ports.alerting import Address, Message, Sender


class Teams:
    """Posts one card."""

    def send(self, message: Message, address: Address) -> None:
        """Post *message*."""
        post(address.url, body(card(message)))


def card(message: Message) -> dict[str, Any]:
    """Return the message with its card; ``RichTextBlock`` reads no Markdown, so words stay words."""
    blocks: list[dict[str, Any]] = [_line(message.repository, bold=True)]
    for alert in message.alerts:
        blocks += [_line(alert.title, bold=True, color="attention" if alert.severe else "warning"), _line(alert.text)]
    content = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "body": blocks,
        **({"actions": [{"type": "Action.OpenUrl", "title": "The run", "url": message.url}]} if message.url else {}),
    }
    attachment = {"contentType": "application/vnd.microsoft.card.adaptive", "contentUrl": None, "content": content}
    return {"type": "message", "attachments": [attachment]}


def _line(words: str, *, bold: bool = False, color: str = "default") -> dict[str, Any]:
    run = {"type": "TextRun", "text": words, "weight": "bolder" if bold else "default", "color": color}
    return {"type": "RichTextBlock", "inlines": [run]}


SENDER: Final[Sender] = Teams()
