"""A letter made ready for the wire, and whether it fits what the server offers."""

import re
from dataclasses import dataclass
from functools import lru_cache

from newsletter_mailer.sending.transports.contract import Letter, Message

_ADDRESS = re.compile(r"[^\x00-\x20\x7f<>]+@[^\x00-\x20\x7f<>@]+")
"""What may stand in an envelope: nothing that could end it, or begin another command."""


@dataclass(frozen=True, slots=True)
class Offer:
    """What a server offers in its answer to EHLO.

    `size` is the largest message it takes, in bytes: None where it does not know SIZE, 0
    where it states no limit (RFC 1870).
    """

    pipelining: bool = False
    chunking: bool = False
    eight_bit: bool = False
    utf8: bool = False
    size: int | None = None


@dataclass(slots=True, eq=False)
class Post:
    """A letter made ready for the wire. `tries` counts the connections that broke under it.

    The message ends with CRLF, and none of its lines begins with a dot, so that nothing has
    to be looked for and doubled in it (RFC 5321, 4.5.2).
    """

    letter: Letter
    sender: str
    message: Message
    tries: int = 0

    def commands(self, offer: Offer) -> tuple[bytes, bytes]:
        """MAIL and RCPT, with what the server offers."""
        recipient = self.letter.recipient
        utf8 = not (recipient.isascii() and self.sender.isascii())
        mail = (
            f"MAIL FROM:<{self.sender}>"
            f"{f' SIZE={self.message.size}' if offer.size is not None else ''}"
            f"{'' if self.message.ascii else ' BODY=8BITMIME'}"
            f"{' SMTPUTF8' if utf8 else ''}\r\n"
        )
        return mail.encode(), f"RCPT TO:<{recipient}>\r\n".encode()


@dataclass(frozen=True, slots=True)
class Misfit:
    """Why a letter cannot be offered, with the code the server would have given.

    `ours` says that the reason lies with us, and would meet every letter.
    """

    code: str
    why: str
    ours: bool = False


@lru_cache(maxsize=8)
def _is_return_path(address: str) -> bool:
    """Whether mail can be returned to it; as a rule it is the same for every letter."""
    return bool(_ADDRESS.fullmatch(address))


def misfit(post: Post, offer: Offer) -> Misfit | None:
    """What keeps this letter from this server; None where nothing does."""
    recipient, sender, size = post.letter.recipient, post.sender, post.message.size
    if not _ADDRESS.fullmatch(recipient):
        return Misfit("5.1.3", "the address cannot stand in an envelope")
    if sender and not _is_return_path(sender):
        return Misfit("5.1.7", f"the return path {sender!r} is not an address", ours=True)
    if not offer.utf8 and not recipient.isascii():
        return Misfit("5.6.7", "the address is not ASCII, and the server offers no SMTPUTF8")
    if not offer.utf8 and not sender.isascii():
        why = f"the return path {sender} is not ASCII, and the server offers no SMTPUTF8"
        return Misfit("5.6.7", why, ours=True)
    if offer.size and size > offer.size:
        why = f"a message has {size:,} bytes, and the server takes {offer.size:,}"
        return Misfit("5.3.4", why, ours=True)
    if not offer.eight_bit and not post.message.ascii:
        return Misfit(
            "5.6.3", "a message is not ASCII, and the server offers no 8BITMIME", ours=True
        )
    return None
