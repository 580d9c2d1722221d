"""Asking the domain name system, in a time that is bounded whatever it does."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto
from ipaddress import ip_address
from typing import Any, Generic, TypeVar

import dns.exception
import dns.name
import dns.rdatatype
import dns.resolver

from newsletter_mailer.errors import UsageError

T = TypeVar("T")

SECONDS = 8.0
"""For all questions of one run together."""

_PATIENCE = 3.5
"""Seconds for one question, its repeats included."""

_REPEAT = 1.2
"""Seconds after which a question is asked again: a datagram may be lost."""

_PAYLOAD = 1232
"""Bytes of a datagram that fits every usual network (DNS flag day 2020)."""


class Reply(Enum):
    """How a question was answered."""

    FOUND = auto()
    NOTHING = auto()
    """The name is there, and has no record of this kind."""

    NO_SUCH_NAME = auto()
    UNANSWERED = auto()
    """No name server gave an answer that settles it."""


@dataclass(frozen=True, slots=True)
class Answer(Generic[T]):
    """What came back; `reason` says why nothing did."""

    reply: Reply
    records: tuple[T, ...] = ()
    reason: str = ""

    @property
    def settled(self) -> bool:
        """Whether it is known what the records are, or that there are none."""
        return self.reply is not Reply.UNANSWERED


@dataclass(frozen=True, slots=True, order=True)
class Exchanger:
    """A host that takes a domain's mail; the smallest preference comes first (RFC 5321, 5.1)."""

    preference: int
    host: str


@dataclass(frozen=True, slots=True)
class NameServer:
    """A name server to ask instead of the machine's own."""

    address: str
    port: int = 53

    @classmethod
    def of(cls, text: str) -> "NameServer":
        """The name server that `ADDRESS`, `ADDRESS:PORT` or `[ADDRESS]:PORT` names.

        Raises:
            UsageError: it is not an IP address, or not a port.
        """
        address, port = text, "53"
        if text.startswith("[") or text.count(":") == 1:
            address, _, port = text.rpartition(":") if not text.endswith("]") else (text, "", "53")
        try:
            number = int(port)
            if not 0 < number < 2**16:
                raise ValueError
            return cls(str(ip_address(address.strip("[]"))), number)
        except ValueError as error:
            raise UsageError(
                f"{text!r} is not the address of a name server. Expected an IP address, with a "
                "port after a colon if it is not 53, such as 192.0.2.53 or 127.0.0.1:5353."
            ) from error


class Names:
    """Asks for records, each once. A name server that says nothing is not waited for again.

    Without a `server` the machine's own is asked. Networks that are closed off often have
    one that denies every name; it is believed only if it is `public`, which is to say that
    it knows the root of all names. A named server may be one that knows its own zones only.
    """

    def __init__(
        self,
        server: NameServer | None = None,
        *,
        public: bool | None = None,
        seconds: float = SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._clock = clock
        self._end = clock() + seconds
        self._known: dict[tuple[str, str], Answer[Any]] = {}
        self._heard = False
        self._doubted = server is None if public is None else public
        self._dead = ""
        try:
            self._resolver = dns.resolver.Resolver(configure=server is None)
        except dns.exception.DNSException:
            self._resolver = dns.resolver.Resolver(configure=False)
            self._dead = "this machine knows no name server"
        if server:
            self._resolver.nameservers = [server.address]
            self._resolver.port = server.port
        self._resolver.timeout = _REPEAT
        self._resolver.use_edns(0, 0, _PAYLOAD)

    def texts(self, name: str) -> Answer[str]:
        """The TXT records of a name, the strings of each joined without a space."""
        return self._ask(
            name, "TXT", lambda data: b"".join(data.strings).decode("utf-8", "replace")
        )

    def exchangers(self, name: str) -> Answer[Exchanger]:
        """The MX records of a name, first choice first; the host of a null MX is empty."""
        found: Answer[Exchanger] = self._ask(
            name, "MX", lambda data: Exchanger(data.preference, _shown(data.exchange))
        )
        return Answer(found.reply, tuple(sorted(found.records)), found.reason)

    def addresses(self, name: str) -> Answer[str]:
        """The IPv4 and IPv6 addresses of a name."""
        four: Answer[str] = self._ask(name, "A", lambda data: str(data.address))
        if not four.settled or four.reply is Reply.NO_SUCH_NAME:
            return four
        six: Answer[str] = self._ask(name, "AAAA", lambda data: str(data.address))
        if four.records or six.records:
            return Answer(Reply.FOUND, four.records + six.records)
        return six

    def _ask(self, name: str, kind: str, read: Callable[[Any], T]) -> Answer[T]:
        key = (name.lower().rstrip("."), kind)
        if key not in self._known:
            self._known[key] = self._fresh(key[0], kind, read)
        return self._known[key]

    def _fresh(self, name: str, kind: str, read: Callable[[Any], T]) -> Answer[T]:
        left = self._end - self._clock()
        if self._dead or left <= 0:
            return Answer(Reply.UNANSWERED, reason=self._dead or "the time for asking was used up")
        try:
            asked = dns.name.from_text(name)
        except (dns.exception.DNSException, UnicodeError):
            return Answer(Reply.NO_SUCH_NAME, reason=f"{name!r} is not a name")
        try:
            answer = self._resolver.resolve(
                asked, kind, lifetime=min(left, _PATIENCE), search=False
            )
        except dns.resolver.NXDOMAIN:
            self._heard = True
            if self._doubted and not self._knows_root(left):
                self._dead = "this machine's name server denies every name, as without a network"
                return Answer(Reply.UNANSWERED, reason=self._dead)
            self._doubted = False
            return Answer(Reply.NO_SUCH_NAME)
        except dns.resolver.NoAnswer:
            self._heard = True
            return Answer(Reply.NOTHING)
        except dns.resolver.NoNameservers:
            return Answer(Reply.UNANSWERED, reason="the name server refused or could not find out")
        except dns.exception.Timeout:
            reason = "no name server answered in time"
            if not self._heard:
                self._dead = reason
            return Answer(Reply.UNANSWERED, reason=reason)
        except (dns.exception.DNSException, OSError) as error:
            return Answer(Reply.UNANSWERED, reason=f"asking failed ({type(error).__name__})")
        self._heard = True
        return Answer(Reply.FOUND, tuple(read(data) for data in answer))

    def _knows_root(self, left: float) -> bool:
        try:
            self._resolver.resolve(dns.name.root, "NS", lifetime=min(left, _PATIENCE))
        except (dns.exception.DNSException, OSError):
            return False
        return True


def _shown(name: dns.name.Name) -> str:
    return name.to_text(omit_final_dot=True).lower() if name != dns.name.root else ""
