"""The `smtp` transport: letters to one relay, over a pool of pipelined connections."""

import socket
import ssl
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from newsletter_mailer.sending.transports.contract import (
    Begin,
    Capabilities,
    Letter,
    Message,
    Receipt,
)
from newsletter_mailer.sending.transports.smtp.connecting import Opening, Relay
from newsletter_mailer.sending.transports.smtp.pool import Pool
from newsletter_mailer.sending.transports.smtp.post import Post
from newsletter_mailer.sending.transports.smtp.work import Work
from newsletter_mailer.settings import Smtp

_LINE_END = b"\r\n"


class SmtpTransport:
    """Hands letters to one relay.

    `envelope` gives each letter's return path, without angle brackets; an empty one is
    the null path. `sign` makes the message that leaves from that which the letter holds.
    `first_wait` is in seconds, from the first failure to connect to the next attempt.
    """

    name = "smtp"
    capabilities = Capabilities()

    def __init__(
        self,
        relay: Relay,
        limits: Smtp,
        envelope: Callable[[Letter], str],
        *,
        sign: Callable[[bytes], bytes] | None = None,
        tls: ssl.SSLContext | None = None,
        first_wait: float = 0.5,
    ) -> None:
        self.relay = relay
        self.limits = limits
        self.envelope = envelope
        self.sign = sign
        self._tls = tls
        self._first_wait = first_wait

    def send(self, letters: Iterator[Letter | None], begin: Begin) -> Iterator[Sequence[Receipt]]:
        """Send letters over as many connections as are of use; see the contract.

        Raises:
            TransportError: the relay cannot be reached, refuses us, or does not keep to
                the protocol. By then every letter has its receipt.
        """
        tls = self._tls
        if tls is None and self.relay.security != "plain":
            tls = ssl.create_default_context()  # once: it reads every certificate of the system
        name = self.limits.ehlo_name or socket.getfqdn()
        limits = self.limits

        def attempt() -> Opening:
            return Opening(
                self.relay, tls, name=name, connect=limits.connect_timeout, reply=limits.timeout
            )

        pool = Pool(
            attempt,
            size=limits.connections,
            limit=limits.connect_timeout + limits.timeout,
            wait=self._first_wait,
        )
        work = Work(
            letters,
            begin,
            relay=self.relay,
            limits=limits,
            make_ready=self._made_ready,
            pool=pool,
        )
        try:
            yield from work.receipts()
        finally:
            work.close()

    def _made_ready(self, letter: Letter) -> Post:
        message = letter.message()
        if self.sign is not None:
            message = Message.of(self.sign(b"".join(message.pieces)))
        if not message.pieces[-1].endswith(_LINE_END):
            pieces = (*message.pieces, _LINE_END)
            message = message._replace(pieces=pieces, size=message.size + len(_LINE_END))
        return Post(letter, self.envelope(letter), message)

    def taken(self, subscriber_ids: Iterable[int]) -> Mapping[int, bool]:  # noqa: ARG002
        """Nothing: SMTP cannot be asked afterwards what it took."""
        return {}
