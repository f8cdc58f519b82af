"""Every channel against a real server on the loopback: HTTP by the standard library, mail by aiosmtpd."""

import hashlib
import hmac
import json
import threading
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult

from authority import authority
from tta_orchestrate import registry
from tta_orchestrate.alerts import smtp
from tta_orchestrate.alerts._post import checked
from tta_orchestrate.cli import alerting
from tta_orchestrate.domain.alarm import Alert
from tta_orchestrate.ports.alerting import Address, Message
from tta_orchestrate.settings.alerts import Channel, Recipient, Security

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
ALERT = Alert(
    rule="month at 80 %",
    period="2026-11",
    title="Spend of the month is at 80 %",
    text="$80.00 of $100.00",
    severe=False,
)
MESSAGE = Message(repository="acme/shop", alerts=(ALERT,), url="https://github.com/acme/shop/actions/runs/7", sent_at=1)


@contextmanager
def receiver(*statuses):
    """A web server that answers with *statuses* in turn, the last one for ever; yields address and requests."""
    answers, requests = list(statuses or (200,)), []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            content = self.rfile.read(int(self.headers["content-length"]))
            requests.append((self.path, dict(self.headers), content))
            status = answers.pop(0) if len(answers) > 1 else answers[0]
            self.send_response(status)
            if status == 302:
                self.send_header("location", "/elsewhere")
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *args):
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/hook/T0P-SECRET", requests
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def send(channel, url, **more):
    registry.load("alerts", channel).send(MESSAGE, Address(url=url, **more))


@pytest.mark.parametrize(
    ("channel", "words"),
    [
        ("slack", lambda doc: doc["text"]),
        ("teams", lambda doc: json.dumps(doc["attachments"][0]["content"]["body"])),
        ("discord", lambda doc: doc["embeds"][0]["title"]),
        ("webhook", lambda doc: doc["alerts"][0]["title"]),
    ],
)
def test_each_webhook_gets_the_alert_in_its_own_shape(channel, words):
    with receiver() as (url, requests):
        send(channel, url)
    [(path, headers, content)] = requests
    assert path == "/hook/T0P-SECRET"
    assert headers["content-type"] == "application/json"
    assert "Spend of the month is at 80 %" in words(json.loads(content))


def test_slack_mentions_nobody():
    with receiver() as (url, requests):
        evil = Message(repository="<!channel>", alerts=(ALERT,))
        registry.load("alerts", "slack").send(evil, Address(url=url))
    assert "&lt;!channel&gt;" in json.loads(requests[0][2])["text"]


def test_discord_mentions_nobody():
    with receiver() as (url, requests):
        send("discord", url)
    assert json.loads(requests[0][2])["allowed_mentions"] == {"parse": []}


def test_the_generic_webhook_signs_time_and_body():
    with receiver() as (url, requests):
        send("webhook", url, secret="k3y")
    [(_, headers, content)] = requests
    expected = hmac.new(b"k3y", headers["x-tta-timestamp"].encode() + b"." + content, hashlib.sha256).hexdigest()
    assert headers["x-tta-signature-256"] == f"sha256={expected}"
    assert b"k3y" not in content
    assert len(headers["x-tta-delivery"]) == 32


def test_an_overloaded_receiver_is_asked_once_more():
    with receiver(503, 200) as (url, requests):
        send("slack", url)
    assert len(requests) == 2


def test_redirects_are_not_followed():
    with receiver(302) as (url, requests), pytest.raises(OSError, match="answered 302"):
        send("slack", url)
    assert [path for path, _, _ in requests] == ["/hook/T0P-SECRET"]


@pytest.mark.parametrize("url", ["", "http://example.com/x", "ftp://127.0.0.1/x", "file:///etc/passwd"])
def test_only_encrypted_addresses_are_used(url):
    with pytest.raises(ValueError, match="not https"):
        checked(url)


class Mailbox:
    def __init__(self):
        self.letters = []

    async def handle_DATA(self, server, session, envelope):  # noqa: N802 -- aiosmtpd's name
        self.letters.append(envelope)
        return "250 OK"


class AnyPort(Controller):
    """Listens on whichever port is free."""

    def _trigger_server(self):
        self.port = self.server.sockets[0].getsockname()[1]
        super()._trigger_server()


@contextmanager
def mail_server(**options):
    box = Mailbox()
    controller = AnyPort(box, hostname="127.0.0.1", port=0, **options)
    controller.start()
    try:
        yield controller.port, box
    finally:
        controller.stop()


def mail_address(port, **more):
    return Address(
        host="127.0.0.1", port=port, security="none", sender="tta@example.com", to=("a@example.com",), **more
    )


def test_mail_arrives_at_a_real_server():
    with mail_server() as (port, box):
        smtp.SENDER.send(MESSAGE, mail_address(port))
    [letter] = box.letters
    assert letter.rcpt_tos == ["a@example.com"]
    assert b"Subject: [tta] acme/shop: Spend of the month is at 80 %" in letter.content
    assert b"$80.00 of $100.00" in letter.content


PASSWORD = "c0rrect-horse"


@pytest.fixture(scope="module")
def own_authority(tmp_path_factory):
    return authority(tmp_path_factory.mktemp("tls"))


@pytest.fixture(params=["starttls", "tls"])
def secure(request, own_authority):
    """A mail server that wants TLS, from the start or by STARTTLS, and then a password; with what clients showed it."""
    shown = []

    def check(server, session, envelope, mechanism, data):
        shown.append((session.ssl is not None or request.param == "tls", data.password.decode()))
        right = data.password == PASSWORD.encode()
        return AuthResult(success=right, handled=right, message=None if right else f"535 no: {data.password.decode()}")

    context = own_authority.server_context()
    how = (
        {"tls_context": context, "require_starttls": True} if request.param == "starttls" else {"ssl_context": context}
    )
    with mail_server(**how, authenticator=check, auth_required=True, auth_require_tls=request.param == "starttls") as (
        port,
        box,
    ):
        yield _recipient(port, security=Security(request.param)), box, shown


def _recipient(port, **changes):
    told = {"channel": "smtp", "host": "127.0.0.1", "port": port, "user": "ada", "secret_env": "MAIL_PASSWORD",
            "sender": "tta@example.com", "to": ("a@example.com",), **changes}  # fmt: skip
    return Recipient.model_validate(told)


@pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS:UserWarning")
def test_mail_over_tls_signs_in_when_the_certificate_is_trusted(secure, own_authority, monkeypatch):
    recipient, box, shown = secure
    monkeypatch.setenv("SSL_CERT_FILE", str(own_authority.ca))
    assert alerting.tell([ALERT], [recipient], {"MAIL_PASSWORD": PASSWORD}, NOW) == ()
    assert len(box.letters) == 1
    assert shown == [(True, PASSWORD)]


@pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS:UserWarning")
def test_a_mail_server_whose_certificate_nobody_vouches_for_gets_no_password(secure, monkeypatch):
    recipient, box, shown = secure
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    [note] = alerting.tell([ALERT], [recipient], {"MAIL_PASSWORD": PASSWORD}, NOW)
    assert "certificate" in note.lower()
    assert (box.letters, shown) == ([], [])


@pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS:UserWarning")
def test_a_refused_password_is_in_no_note_even_if_the_server_repeats_it(secure, own_authority, monkeypatch, capfd):
    recipient, box, shown = secure
    monkeypatch.setenv("SSL_CERT_FILE", str(own_authority.ca))
    [note] = alerting.tell([ALERT], [recipient], {"MAIL_PASSWORD": "wr0ng-battery"}, NOW)
    assert shown
    assert box.letters == []
    written = capfd.readouterr()
    assert not any("wr0ng-battery" in text for text in (note, written.out, written.err))


def test_a_password_is_never_sent_in_the_clear():
    seen = []
    with mail_server(authenticator=lambda *args: seen.append(args), auth_require_tls=False) as (port, box):
        for security in ("none", "starttls"):  # a server that does not offer STARTTLS, or somebody who hides it
            [note] = alerting.tell([ALERT], [_recipient(port, security=security)], {"MAIL_PASSWORD": PASSWORD}, NOW)
            assert "could not be sent by smtp" in note
            assert PASSWORD not in note
    assert (seen, box.letters) == ([], [])


def test_a_name_cannot_break_out_of_a_mail_header():
    evil = Message(repository="x\nBcc: b@example.com", alerts=(ALERT,))
    with pytest.raises(ValueError, match="Header values"):
        smtp.mail(evil, mail_address(25))


def test_mail_in_the_clear_stays_on_this_machine():
    with pytest.raises(ValueError, match="this machine"):
        smtp.SENDER.send(MESSAGE, Address(host="mail.example.com", port=25, security="none", sender="a@b", to=("c@d",)))


def test_failures_to_send_become_notes_without_the_address():
    slack = Recipient(channel=Channel.SLACK, url_env="HOOK")
    with receiver(500) as (url, _):
        notes = alerting.tell([ALERT], [slack], {"HOOK": url}, NOW)
    gone = alerting.tell([ALERT], [slack], {"HOOK": url}, NOW)
    unset = alerting.tell([ALERT], [slack], {}, NOW)
    nobody = Recipient(
        channel=Channel.SMTP, host="127.0.0.1", port=1, security=Security.NONE, sender="a@b", to=("c@d",)
    )
    refused = alerting.tell([ALERT], [nobody], {}, NOW)
    for found in (notes, gone, unset, refused):
        assert len(found) == 1
        assert "could not be sent" in found[0]
        assert "T0P-SECRET" not in found[0]


def test_secrets_are_masked_in_what_is_sent():
    leaking = Alert(rule="r", period="p", title="the key is sk-very-secret", text="sk-very-secret\n##[error]x")
    webhook = Recipient(channel=Channel.WEBHOOK, url_env="HOOK")
    with receiver() as (url, requests):
        assert not alerting.tell([leaking], [webhook], {"HOOK": url}, NOW, secrets=["sk-very-secret"])
    content = requests[0][2].decode()
    assert "sk-very-secret" not in content
    assert "\\n" not in content


def test_nothing_is_sent_when_nothing_is_due():
    assert alerting.tell([], [Recipient(channel=Channel.SLACK, url_env="HOOK")], {}, NOW) == ()
