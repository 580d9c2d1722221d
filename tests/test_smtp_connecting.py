"""Connecting to a relay: addresses, TLS, AUTH, and what goes wrong there."""

import socket
import ssl
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from newsletter_mailer.errors import SettingsError
from newsletter_mailer.sending.transports.contract import Outcome
from newsletter_mailer.sending.transports.smtp.connecting import Relay, read_url, relay_of
from newsletter_mailer.sending.transports.smtp.transport import SmtpTransport
from newsletter_mailer.settings import Settings, Smtp, load_settings
from tests.fake_smtp import FakeSmtp, Rule, certificate
from tests.letters import Sent, letters, message_for, send

LOGIN = ("office", "p@ss:w/rd")
USER = "office:p%40ss%3Aw%2Frd@"
TIMES = {"timeout": 2.0, "final_timeout": 3.0, "connect_timeout": 2.0}


@dataclass(frozen=True)
class Tls:
    """Both sides of a throw-away certificate for this machine, and one for another name."""

    server: ssl.SSLContext
    client: ssl.SSLContext
    misnamed: ssl.SSLContext
    misnamed_client: ssl.SSLContext


@pytest.fixture(scope="module")
def tls(tmp_path_factory: pytest.TempPathFactory) -> Tls:
    """Made once."""
    folder = tmp_path_factory.mktemp("certificates")
    here, elsewhere = certificate(folder, "127.0.0.1"), certificate(folder, "mail.example.net")
    return Tls(*here, *elsewhere)


def run(server: FakeSmtp, url: str, client: ssl.SSLContext | None = None, count: int = 20) -> Sent:
    """Send letters of 50 KB to the server over this URL; what arrives is what was sent."""
    transport = SmtpTransport(
        read_url(f"{url}127.0.0.1:{server.port}"),
        Smtp(connections=3, ehlo_name="client.example.org", **TIMES),
        lambda _: "bounces@example.org",
        tls=client,
        first_wait=0.01,
    )
    sent = send(transport, letters(count, size=50_000))
    for message in server.taken:
        number = int(message.recipient[6:].partition("@")[0])
        assert message.content == message_for(number, 50_000)
    return sent


@pytest.mark.parametrize("chunking", [False, True])
@pytest.mark.parametrize("pipelining", [True, False])
@pytest.mark.parametrize("scheme", ["smtp+starttls", "smtps"])
def test_tls_and_auth(scheme: str, pipelining: bool, chunking: bool, tls: Tls) -> None:
    """Both ways to TLS, with a password full of special characters, and every conversation."""
    with FakeSmtp(
        tls=tls.server,
        implicit_tls=scheme == "smtps",
        login=LOGIN,
        pipelining=pipelining,
        chunking=chunking,
        size=10_000_000,
    ) as server:
        sent = run(server, f"{scheme}://{USER}", tls.client)
    assert (sent.outcomes, sent.error) == ({Outcome.ACCEPTED: 20}, "")
    assert any(line.startswith("AUTH PLAIN") for line in server.commands)


def test_a_break_under_tls(tls: Tls) -> None:
    """A message that was taken without an answer is in doubt, the rest goes another way."""
    with FakeSmtp([Rule("message", "take-drop", nth=5)], tls=tls.server) as server:
        sent = run(server, "smtp+starttls://", tls.client)
    assert len(server.taken) == 20
    assert sent.outcomes == {Outcome.ACCEPTED: 19, Outcome.IN_DOUBT: 1}


def nothing_left(sent: Sent, server: FakeSmtp, words: str) -> None:
    """Not a letter has left, none is to blame, and the error says why in these words."""
    assert words in sent.error
    assert set(sent.outcomes) == {Outcome.UNSENT}
    assert not server.taken
    assert not any(line.startswith(("MAIL", "RCPT")) for line in server.commands)


def test_a_certificate_that_nobody_vouches_for(tls: Tls) -> None:
    """The system's authorities do not know it: nothing is sent, and no further attempt is made."""
    with FakeSmtp(tls=tls.server, implicit_tls=True) as server:
        sent = run(server, "smtps://")
        assert server.connections == 1
    nothing_left(sent, server, "self-signed certificate")


def test_a_certificate_for_another_host(tls: Tls) -> None:
    """A trusted certificate with the wrong name is refused, at STARTTLS and at once."""
    for implicit, scheme in ((True, "smtps"), (False, "smtp+starttls")):
        with FakeSmtp(tls=tls.misnamed, implicit_tls=implicit) as server:
            sent = run(server, f"{scheme}://", tls.misnamed_client)
        nothing_left(sent, server, "IP address mismatch")
        assert "127.0.0.1" in sent.error


def test_starttls_is_missing() -> None:
    """Nothing is said in clear where TLS was asked for, the password least of all."""
    with FakeSmtp(login=LOGIN) as server:
        sent = run(server, f"smtp+starttls://{USER}")
    nothing_left(sent, server, "does not offer STARTTLS")
    assert not any(line.startswith("AUTH") for line in server.commands)


def test_starttls_is_refused(tls: Tls) -> None:
    """The same where it is offered and then refused."""
    with FakeSmtp([Rule("starttls", "454 4.7.0 Not now")], tls=tls.server, login=LOGIN) as server:
        sent = run(server, f"smtp+starttls://{USER}", tls.client)
    nothing_left(sent, server, "454 4.7.0 Not now")
    assert not any(line.startswith("AUTH") for line in server.commands)


def test_tls_on_the_wrong_port() -> None:
    """smtps:// to a server that speaks in clear ends with a hint about ports."""
    with FakeSmtp() as server:
        sent = run(server, "smtps://")
    nothing_left(sent, server, "smtps:// is for 465")


def test_a_wrong_password_is_tried_once() -> None:
    """No hammering: one connection, and an error that does not show the password."""
    with FakeSmtp(login=("office", "other")) as server:
        sent = run(server, f"smtp://{USER}")
        assert server.connections == 1
    nothing_left(sent, server, "535 5.7.8")
    assert LOGIN[1] not in sent.error
    assert "w%2Frd" not in sent.error


def test_auth_is_not_offered() -> None:
    """A user in the URL and no AUTH at the server: nothing is sent."""
    with FakeSmtp() as server:
        sent = run(server, f"smtp://{USER}")
    nothing_left(sent, server, "offers no AUTH")


def test_auth_refused_for_now_is_tried_again() -> None:
    """A 454 at the log-in is no verdict on the password."""
    with FakeSmtp([Rule("auth", "454 4.7.0 Later", nth=1)], login=LOGIN) as server:
        sent = run(server, f"smtp://{USER}")
    assert sent.outcomes == {Outcome.ACCEPTED: 20}


def test_auth_refused_in_mid_campaign() -> None:
    """From the fourth connection on the password is wrong: a stop, and no letter is lost."""
    with FakeSmtp(login=LOGIN, logins=range(1, 4), cap=5) as server:
        sent = run(server, f"smtp://{USER}", count=200)
    assert "535 5.7.8" in sent.error
    assert sent.ids(Outcome.ACCEPTED) == {
        int(address[6:].partition("@")[0]) for address in server.recipients()
    }
    assert set(sent.outcomes) == {Outcome.ACCEPTED, Outcome.UNSENT}


@dataclass
class Office:
    """A handler for aiosmtpd that keeps what comes, and may offer PIPELINING."""

    pipelining: bool
    taken: dict[str, bytes] = field(default_factory=dict)

    async def handle_EHLO(  # noqa: N802 - aiosmtpd's name
        self,
        server: SMTP,  # noqa: ARG002
        session: Session,
        envelope: Envelope,  # noqa: ARG002
        hostname: str,
        responses: list[str],
    ) -> list[str]:
        """Answer EHLO."""
        session.host_name = hostname
        return [*responses[:-1], *(["250-PIPELINING"] if self.pipelining else []), responses[-1]]

    async def handle_DATA(  # noqa: N802
        self,
        server: SMTP,  # noqa: ARG002
        session: Session,  # noqa: ARG002
        envelope: Envelope,
    ) -> str:
        """Take a message."""
        assert isinstance(envelope.content, bytes)
        self.taken[envelope.rcpt_tos[0]] = envelope.content
        return "250 2.0.0 Ok: queued as X"


@pytest.fixture(params=[True, False], ids=["pipelining", "one-by-one"])
def other_server(request: pytest.FixtureRequest) -> Iterator[Controller]:
    """Somebody else's SMTP server."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    controller = Controller(Office(request.param), hostname="127.0.0.1", port=port)
    controller.start()
    yield controller
    controller.stop()


def test_another_server(other_server: Controller) -> None:
    """The server of aiosmtpd takes the same letters, byte for byte, pipelined or not."""
    transport = SmtpTransport(
        read_url(f"smtp://127.0.0.1:{other_server.port}"),
        Smtp(connections=3, ehlo_name="client.example.org"),
        lambda _: "bounces@example.org",
    )
    sent = send(transport, letters(30))
    assert (sent.outcomes, sent.error) == ({Outcome.ACCEPTED: 30}, "")
    assert other_server.handler.taken == {
        f"reader{number}@example.org": message_for(number) for number in range(1, 31)
    }


@pytest.mark.parametrize(
    ("url", "relay"),
    [
        ("smtp://mail.example.org", Relay("mail.example.org", 25)),
        ("smtp://localhost:1025/", Relay("localhost", 1025)),
        ("smtp+starttls://mail.example.org", Relay("mail.example.org", 587, "starttls")),
        (
            "smtps://office%40example.org:a%2Fb%3A%25@mail.example.org",
            Relay("mail.example.org", 465, "tls", "office@example.org", "a/b:%"),
        ),
        ("smtps://[::1]:4465", Relay("::1", 4465, "tls")),
        ("smtp://user:word@127.0.0.1:25", Relay("127.0.0.1", 25, "plain", "user", "word")),
    ],
)
def test_urls(url: str, relay: Relay) -> None:
    """The three forms, their ports, and percent-encoded users and passwords."""
    assert read_url(url) == relay


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("http://mail.example.org", "does not begin with"),
        ("mail.example.org:25", "does not begin with"),
        ("smtp://", "names no host"),
        ("smtp://mail.example.org:99999", "port"),
        ("smtp://mail.example.org:0", "port"),
        ("smtps://user:s3cr/et@mail.example.org", "%2F"),
        ("smtps://user:s3cr#et@mail.example.org", "%23"),
        ("smtps://:s3cret@mail.example.org", "empty"),
        ("smtp://user:s3cret@mail.example.org", "unprotected"),
    ],
)
def test_urls_that_are_refused(url: str, words: str) -> None:
    """The error says what to mend, and never shows the password."""
    with pytest.raises(SettingsError) as raised:
        read_url(url)
    assert words in str(raised.value)
    assert "s3cr" not in str(raised.value)


def test_the_url_comes_from_the_environment(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """NEWSLETTER_SMTP_URL is a secret: never in the file, and never in what is printed."""
    monkeypatch.setenv("NEWSLETTER_TRANSPORT", "smtp")
    with pytest.raises(SettingsError, match="NEWSLETTER_SMTP_URL is not set"):
        relay_of(load_settings(project))
    monkeypatch.setenv("NEWSLETTER_SMTP_URL", "smtps://office:s3cret@mail.example.org")
    settings: Settings = load_settings(project)
    assert "s3cret" not in repr(settings)
    assert "s3cret" not in repr(relay_of(settings))
    assert relay_of(settings).password == "s3cret"  # noqa: S105 - invented
    file = project / "newsletter.toml"
    text = file.read_text(encoding="utf-8")
    file.write_text('smtp_url = "smtp://localhost"\n' + text, encoding="utf-8")
    with pytest.raises(SettingsError, match="NEWSLETTER_SMTP_URL"):
        load_settings(project)
