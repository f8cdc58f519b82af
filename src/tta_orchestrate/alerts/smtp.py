"""Mail by SMTP: STARTTLS or TLS with a checked certificate; in the clear only to this machine, without a password."""

import smtplib
import ssl
from email.message import EmailMessage
from typing import Final

from tta_orchestrate.ports.alerting import Address, Message, Sender

SECONDS: Final = 10.0
_LOCAL: Final = frozenset({"127.0.0.1", "::1", "localhost"})


class Smtp:
    """Sends one mail."""

    def send(self, message: Message, address: Address) -> None:
        """Send *message*. Raises ``OSError`` (as ``smtplib`` does) or ``ValueError``."""
        if not address.host or not address.sender or not address.to:
            raise ValueError("host, sender and to are needed")
        if address.security == "none" and address.host not in _LOCAL:
            raise ValueError("mail in the clear goes to this machine alone")
        if address.user and address.security == "none":
            raise ValueError("a password goes over TLS alone")
        with _connected(address) as server:
            if address.user:
                server.login(address.user, address.secret)
            server.send_message(mail(message, address))


def _connected(address: Address) -> smtplib.SMTP:
    context = ssl.create_default_context()
    if address.security == "tls":
        return smtplib.SMTP_SSL(address.host, address.port, timeout=SECONDS, context=context)
    server = smtplib.SMTP(address.host, address.port, timeout=SECONDS)
    if address.security == "starttls":
        try:
            server.starttls(context=context)
        except BaseException:
            server.close()
            raise
    return server


def mail(message: Message, address: Address) -> EmailMessage:
    """Return the mail: plain text, no header that a name could break out of."""
    letter = EmailMessage()
    first = message.alerts[0].title if message.alerts else "nothing to tell"
    letter["Subject"] = f"[tta] {message.repository}: {first}"[:200]
    letter["From"] = address.sender
    letter["To"] = ", ".join(address.to)
    letter["Auto-Submitted"] = "auto-generated"
    lines = [f"{alert.title}\n{alert.text}\n" for alert in message.alerts]
    letter.set_content("\n".join([*lines, message.url]))
    return letter


SENDER: Final[Sender] = Smtp()
