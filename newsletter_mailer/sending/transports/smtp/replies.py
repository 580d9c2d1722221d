"""What a server's reply means for a letter: the one table of reply and enhanced codes.

Sources: RFC 5321 (reply codes, 4.2), RFC 3463 and RFC 5248 (enhanced codes and their
registry), RFC 2034 (how the two go together), RFC 4954 (AUTH), RFC 1870 (SIZE) and RFC
6531 (SMTPUTF8).
"""

import re
from enum import Enum, StrEnum
from typing import NamedTuple

from newsletter_mailer.sending.transports.contract import Outcome, Receipt


class Step(StrEnum):
    """What was said last when a reply comes."""

    RSET = "RSET"
    MAIL = "MAIL"
    RCPT = "RCPT"
    DATA = "DATA"
    MESSAGE = "the message"
    NOTHING = "an empty message"
    """The lone dot that ends a DATA which should not have been let begin (RFC 2920, 3.1)."""


class Reply(NamedTuple):
    """A whole reply. `enhanced` is empty where the server gives none, or one of another class.

    The first figure of the reply code decides, and an enhanced code that contradicts it
    is not believed (RFC 2034, 4).
    """

    code: int
    enhanced: str
    text: str

    def __str__(self) -> str:
        return " ".join(filter(None, (str(self.code), self.enhanced, self.text)))


class Fate(Enum):
    """What a reply means."""

    TAKEN = "taken"
    LATER = "later"
    REFUSED = "refused"
    DEAD = "dead"
    """Refused, and the address itself is no good."""
    OURS = "ours"
    """Refused for something that lies with us, and would meet every letter."""


_DEAD = frozenset({"5.1.1", "5.1.2", "5.1.3", "5.1.6", "5.1.10", "5.2.1"})
"""No such mailbox or domain, bad syntax, moved away, null MX (RFC 7505), mailbox disabled."""

_OURS = frozenset(
    {
        "5.1.7",  # the sender's address is malformed
        "5.1.8",  # the sender's domain takes no mail
        "5.3.4",  # the message is too big for the system
        "5.5.1",  # a command that the server does not know, or not at this place
        "5.5.2",  # syntax
        "5.5.4",  # arguments
    }
)
_OURS_SUBJECT = "5.7."
"""Security and policy: relaying, authentication, DMARC, blocklists. Receivers use it about a
single recipient as well, but whom to blame cannot be told, so no address is."""

_OURS_PLAIN = frozenset({500, 502, 503, 504, 530, 534, 535, 538, 555})
"""Codes that say so by themselves: syntax and order of commands, AUTH (RFC 4954, 6)."""

_UTF8_REFUSED = frozenset({"5.6.7", "5.6.9"})
"""An address that is not ASCII (RFC 6531, 3.7): this letter's own trouble, even at MAIL."""


def judged(step: Step, reply: Reply) -> Fate:
    """What the reply means for the letter that this step was for.

    A 5yz without an enhanced code is REFUSED and never DEAD: 550 stands for a missing
    mailbox as well as for policy (RFC 5321, 4.2.3). At MAIL nothing but the sender has
    been named, so that what is refused there for good lies with us.
    """
    kind = reply.code // 100
    if kind == 2:  # noqa: PLR2004 - the first figure of a reply code
        return Fate.TAKEN
    if kind != 5:  # noqa: PLR2004
        return Fate.LATER
    enhanced = reply.enhanced
    if enhanced in _UTF8_REFUSED:
        return Fate.REFUSED
    if (
        step is Step.MAIL
        or reply.code in _OURS_PLAIN
        or enhanced in _OURS
        or enhanced.startswith(_OURS_SUBJECT)
    ):
        return Fate.OURS
    return Fate.DEAD if enhanced in _DEAD else Fate.REFUSED


def receipt(subscriber_id: int, step: Step, reply: Reply, fate: Fate) -> Receipt:
    """The receipt of a letter whose fate this reply decided, as `judged` says."""
    if fate is Fate.TAKEN:
        return Receipt(subscriber_id, Outcome.ACCEPTED, provider_id=_queue_id(reply.text))
    dead = fate is Fate.DEAD
    outcome = Outcome.REJECTED if dead or fate is Fate.REFUSED else Outcome.RETRY
    detail = f"at {step}: {reply.code} {reply.text}"
    return Receipt(subscriber_id, outcome, reply.enhanced or str(reply.code), detail, dead)


_QUEUED_AS = re.compile(r".*?queued as <?([\w.-]+)", re.IGNORECASE)
"""Postfix, and those who copy it."""

_QUEUE_ID = re.compile(
    r"\bid=([\w-]+)"  # Exim
    r"|InternalId=(\d+)"  # Exchange
    r"|^([\w.-]+) Message accepted"  # sendmail
    r"|^Ok ([0-9a-f-]{20,})$",  # Amazon SES
    re.IGNORECASE,
)


def _queue_id(text: str) -> str:
    """The server's own name for the message, where its reply holds one we know to read."""
    found = _QUEUED_AS.match(text) or _QUEUE_ID.search(text)
    return (found[found.lastindex or 0])[:100] if found else ""


_ENHANCED = re.compile(r"([245])\.(\d{1,3})\.(\d{1,3})(?:\s+|$)")
_LONGEST_TEXT = 300


def read_reply(lines: list[bytes]) -> Reply:
    """A reply from its lines, each with its three figures and without its line end."""
    code = int(lines[0][:3])
    text = lines[0][4:].decode("ascii", "replace")
    enhanced = ""
    found = _ENHANCED.match(text)
    given = found[0].rstrip() if found else ""
    if given[:1] == lines[0][:1].decode():
        enhanced = given
    text = text[len(given) :].strip()
    for line in lines[1:]:
        more = line[4:].decode("ascii", "replace").strip()
        text = f"{text} {more.removeprefix(given).strip()}"
    if not text.isprintable():
        text = "".join(letter if letter.isprintable() else "\ufffd" for letter in text)
    return Reply(code, enhanced, text[:_LONGEST_TEXT])
