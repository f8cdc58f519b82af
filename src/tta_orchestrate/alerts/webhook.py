"""Any receiver: a JSON document, signed with HMAC-SHA256 in the manner of GitHub's webhooks.

``X-TTA-Signature-256: sha256=HEX`` is over ``TIMESTAMP.BODY``, where TIMESTAMP is the header ``X-TTA-Timestamp``: an
old message cannot be sent again. ``X-TTA-Delivery`` is the same for the same alerts.
"""

import hashlib
import hmac
from typing import Any, Final

from tta_orchestrate.alerts._post import body, post
from tta_orchestrate.ports.alerting import Address, Message, Sender


class Webhook:
    """Posts one document."""

    def send(self, message: Message, address: Address) -> None:
        """Post *message*, signed when there is a key."""
        content = body(document(message))
        moment = str(message.sent_at)
        headers = {"x-tta-timestamp": moment, "x-tta-delivery": delivery(message)}
        if address.secret:
            headers["x-tta-signature-256"] = signature(address.secret, moment, content)
        post(address.url, content, headers)


def document(message: Message) -> dict[str, Any]:
    """Return what is sent."""
    alerts = [
        {"rule": a.rule, "period": a.period, "title": a.title, "text": a.text, "severe": a.severe}
        for a in message.alerts
    ]
    return {"version": 1, "repository": message.repository, "run_url": message.url, "alerts": alerts}


def signature(key: str, moment: str, content: bytes) -> str:
    """Return the signature of *content* sent at *moment*."""
    return "sha256=" + hmac.new(key.encode(), f"{moment}.".encode() + content, hashlib.sha256).hexdigest()


def delivery(message: Message) -> str:
    """Return a name for these alerts."""
    names = "\n".join(f"{message.repository}\t{alert.rule}\t{alert.period}" for alert in message.alerts)
    return hashlib.sha256(names.encode()).hexdigest()[:32]


SENDER: Final[Sender] = Webhook()
