"""Opening a connection: address, TLS, EHLO and AUTH, by the standard library's smtplib."""

import contextlib
import ipaddress
import smtplib
import socket
import ssl
from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import unquote, urlsplit

from newsletter_mailer.errors import SettingsError
from newsletter_mailer.sending.transports.smtp.post import Offer
from newsletter_mailer.settings import Settings

_SCHEMES: dict[str, tuple[Literal["plain", "starttls", "tls"], int]] = {
    "smtp": ("plain", 25),
    "smtp+starttls": ("starttls", 587),
    "smtps": ("tls", 465),
}
_FORMS = "smtp://HOST, smtp+starttls://USER:PASSWORD@HOST or smtps://USER:PASSWORD@HOST"
_ESCAPES = "Write /, ?, # and @ in a password as %2F, %3F, %23 and %40"
_UNKNOWN_COMMAND = (500, 501, 502, 504)


@dataclass(frozen=True, slots=True)
class Relay:
    """The server that takes our mail: where it is, and how it is spoken to.

    `plain` never uses TLS; `starttls` asks for it and goes no further without it; `tls`
    begins with it (RFC 8314, 3.3).
    """

    host: str
    port: int
    security: Literal["plain", "starttls", "tls"] = "plain"
    user: str = ""
    password: str = field(default="", repr=False)

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"


def relay_of(settings: Settings) -> Relay:
    """The relay that NEWSLETTER_SMTP_URL names.

    Raises:
        SettingsError: it is not set or malformed. The message never shows the password.
    """
    if settings.smtp_url is None:
        raise SettingsError(
            f"The transport is smtp, but NEWSLETTER_SMTP_URL is not set. Expected {_FORMS}, "
            "with :PORT after the host where it is not the usual one."
        )
    return read_url(settings.smtp_url.get_secret_value())


def read_url(url: str) -> Relay:
    """The relay of a URL such as `smtp+starttls://user:password@mail.example.org:587`.

    User and password are percent-decoded. The ports are 25, 587 and 465 where none is given.

    Raises:
        SettingsError: the URL is malformed; the message never shows the password.
    """
    try:
        parts = urlsplit(url.strip())
        port = parts.port
    except ValueError:
        # Without its cause, which would show a piece of the password.
        raise _malformed(f"its host or port makes no sense. {_ESCAPES}") from None
    if parts.scheme not in _SCHEMES:
        raise _malformed("it does not begin with smtp://, smtp+starttls:// or smtps://")
    if not parts.hostname:
        raise _malformed("it names no host")
    if parts.path.strip("/") or parts.query or parts.fragment:
        raise _malformed(f"something follows the host. {_ESCAPES}")
    if port == 0:
        raise _malformed("its port is 0")
    try:
        parts.hostname.encode("idna")
    except UnicodeError as error:
        raise _malformed("its host is no name that DNS could know") from error
    security, usual = _SCHEMES[parts.scheme]
    user, password = unquote(parts.username or ""), unquote(parts.password or "")
    login = user + password
    if login and not (user.strip() and login.isascii() and login.isprintable()):
        raise _malformed("its user is empty, or user or password are not plain ASCII")
    if user and security == "plain" and not _is_here(parts.hostname):
        raise _malformed(
            "with smtp:// the password would travel unprotected. Use smtp+starttls:// or smtps://"
        )
    return Relay(parts.hostname, port or usual, security, user, password)


def _malformed(what: str) -> SettingsError:
    return SettingsError(f"NEWSLETTER_SMTP_URL cannot be used: {what}. Expected {_FORMS}.")


def _is_here(host: str) -> bool:
    """Whether what is sent to `host` stays on this machine."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


@dataclass(frozen=True, slots=True)
class Opened:
    """A connection that is ready for its first MAIL.

    `early` is what the server has already said beyond its answers.
    """

    connection: socket.socket
    offer: Offer
    early: bytes


@dataclass(frozen=True, slots=True)
class Failed:
    """Why there is no connection. `lasting` says that trying again would change nothing."""

    why: str
    lasting: bool = False


class Opening:
    """One attempt at a connection, made in a thread of its own and abandoned from another.

    `tls` is the system's default where it is None. `name` is what EHLO says; `connect` and
    `reply` are the seconds that connecting and each reply may take.
    """

    def __init__(
        self, relay: Relay, tls: ssl.SSLContext | None, *, name: str, connect: float, reply: float
    ) -> None:
        self._relay = relay
        self._tls = tls
        self._name = name
        self._connect = connect
        self._reply = reply
        self._socket: socket.socket | None = None
        self._client: smtplib.SMTP | None = None
        self._abandoned = False

    def abandon(self) -> None:
        """Break the attempt off; `run` then ends soon, with nothing left open."""
        self._abandoned = True
        connection = self._socket
        if connection is not None:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def run(self) -> Opened | Failed:
        """Connect, greet, secure and authorise, each step within its limit."""
        relay = self._relay
        result: Opened | Failed
        try:
            result = self._speak()
        except ssl.SSLCertVerificationError as error:
            result = Failed(
                f"the certificate of {relay} is not to be trusted: {error.verify_message}. "
                "Check the name in NEWSLETTER_SMTP_URL; for a private authority, name its "
                "certificate in the environment variable SSL_CERT_FILE",
                lasting=True,
            )
        except ssl.SSLError as error:
            result = Failed(
                f"{relay} does not speak TLS as expected ({error.reason or error}). Check that "
                "the port fits: smtps:// is for 465, smtp+starttls:// for 587",
                lasting=True,
            )
        except smtplib.SMTPException as error:
            result = Failed(f"{relay} broke the conversation off: {error}")
        except TimeoutError:
            result = Failed(f"{relay} gave no answer in time")
        except OSError as error:
            result = Failed(f"{relay} cannot be reached: {error.strerror or error}")
        if self._abandoned or isinstance(result, Failed):
            self._close()
        return Failed(f"{relay} gave no answer in time") if self._abandoned else result

    def _close(self) -> None:
        if self._client is not None:
            self._client.close()  # its file would hold the socket open
        if self._socket is not None:
            self._socket.close()

    def _speak(self) -> Opened | Failed:
        relay = self._relay
        self._socket = socket.create_connection((relay.host, relay.port), self._connect)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket.settimeout(self._reply)
        if relay.security == "tls":
            self._secure()
        client = self._client = smtplib.SMTP(local_hostname=self._name)
        client.sock = self._socket
        code, words = client.getreply()
        if code != 220:  # noqa: PLR2004 - RFC 5321, 4.3.1
            return self._refused("greets with", code, words)
        refused = self._greet(client)
        if refused:
            return refused
        if relay.security == "starttls":
            if not client.has_extn("starttls"):
                return Failed(
                    f"{relay} does not offer STARTTLS, and nothing is sent in clear. Check host "
                    "and port, or whether something on the way removes the offer",
                    lasting=True,
                )
            code, words = client.docmd("STARTTLS")
            if code != 220:  # noqa: PLR2004
                refusal = self._refused("answers STARTTLS with", code, words)
                lasting = code // 100 != 4  # noqa: PLR2004 - 454 is for now (RFC 3207, 4)
                return Failed(f"{refusal.why}; nothing is sent in clear", lasting=lasting)
            self._secure()
            # What came in clear is forgotten, replies as well as offers (RFC 3207, 4.2).
            client.sock, client.file = self._socket, None
            client.ehlo_resp, client.esmtp_features, client.does_esmtp = None, {}, False
            refused = self._greet(client)
            if refused:
                return refused
        if relay.user:
            refused = self._authorise(client)
            if refused:
                return refused
        return self._taken_over(client)

    def _secure(self) -> None:
        if self._socket is not None:
            tls = self._tls or ssl.create_default_context()
            self._socket = tls.wrap_socket(self._socket, server_hostname=self._relay.host)
        if self._abandoned:
            self.abandon()

    def _greet(self, client: smtplib.SMTP) -> Failed | None:
        code, words = client.ehlo()
        if code in _UNKNOWN_COMMAND:
            code, words = client.helo()
        return None if code == 250 else self._refused("answers EHLO with", code, words)  # noqa: PLR2004

    def _authorise(self, client: smtplib.SMTP) -> Failed | None:
        relay = self._relay
        try:
            client.login(relay.user, relay.password)
        except smtplib.SMTPNotSupportedError:
            return Failed(
                f"{relay} offers no AUTH, but NEWSLETTER_SMTP_URL has a user. Take user and "
                "password out, or use smtp+starttls:// or smtps://, where it may be offered",
                lasting=True,
            )
        except smtplib.SMTPResponseException as error:
            refusal = self._refused("refuses the log-in:", error.smtp_code, error.smtp_error)
            if error.smtp_code // 100 == 4:  # noqa: PLR2004
                return refusal
            return Failed(
                f"{refusal.why}. Check user and password in NEWSLETTER_SMTP_URL", lasting=True
            )
        except smtplib.SMTPServerDisconnected:
            raise
        except smtplib.SMTPException as error:
            return Failed(f"{relay} and this program share no way to log in: {error}", lasting=True)
        return None

    def _refused(self, how: str, code: int, words: bytes | str) -> Failed:
        text = words.decode("ascii", "replace") if isinstance(words, bytes) else words
        said = " ".join(f"{code} {text}".split())[:300]
        return Failed(f"{self._relay} {how} {said}" if code > 0 else f"{self._relay} hung up")

    def _taken_over(self, client: smtplib.SMTP) -> Opened | Failed:
        """The bare connection, not blocking any more."""
        connection = self._socket
        if connection is None:
            return Failed("there is no connection")
        connection.setblocking(False)
        early = b""
        if client.file is not None:
            # What smtplib had read ahead would be lost with its file.
            with contextlib.suppress(ssl.SSLWantReadError, OSError):
                early = client.file.peek()
            client.file.close()
        client.sock = client.file = None
        return Opened(connection, _offer(client), early)


def _offer(client: smtplib.SMTP) -> Offer:
    size = client.esmtp_features.get("size")
    return Offer(
        pipelining=client.has_extn("pipelining"),
        chunking=client.has_extn("chunking"),
        eight_bit=client.has_extn("8bitmime"),
        utf8=client.has_extn("smtputf8"),
        size=None if size is None else int(size) if size.isdigit() else 0,
    )
