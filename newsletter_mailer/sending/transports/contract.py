"""What every transport is: it takes letters, and says of each what became of it."""

import datetime as dt
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple, Protocol, Self


class Outcome(StrEnum):
    """What became of a letter. Each moves its delivery; see `ledger.py`."""

    ACCEPTED = "accepted"
    """The other side has taken it, and answers for it from now on."""

    REJECTED = "rejected"
    """Refused for good, for a reason that lies with this letter or its address."""

    RETRY = "retry"
    """Refused for now. It has surely not left, and is tried again later."""

    UNSENT = "unsent"
    """Nothing was tried, or broke off before it could count. It has surely not left."""

    IN_DOUBT = "in doubt"
    """It was handed over whole, and no answer came. It is never sent again by itself."""


class Receipt(NamedTuple):
    """What a transport says of one letter.

    `code` is the other side's own, such as `5.1.1`, and `detail` its words. `dead` says
    that the address itself cannot take mail, so that it is suppressed from now on.
    `provider_id` is the other side's name for the letter. `retry_after` is in seconds,
    where the other side asked for a time.
    """

    subscriber_id: int
    outcome: Outcome
    code: str = ""
    detail: str = ""
    dead: bool = False
    provider_id: str = ""
    retry_after: float | None = None


class Message(NamedTuple):
    """A message (RFC 5322, CRLF line ends, no line that begins with a dot) in pieces.

    Whoever writes them one after the other spares a copy of the whole, which is long.
    `size` is in bytes, of all of them, and `ascii` says whether every byte is ASCII: who
    makes a message knows both, and nobody has to look it through for them.
    """

    pieces: Sequence[bytes]
    size: int
    ascii: bool = True

    @classmethod
    def of(cls, content: bytes) -> Self:
        """A message that is in one piece."""
        return cls((content,), len(content), content.isascii())


class Letter(NamedTuple):
    """One delivery on its way: whom it is for, in which variant, and what fills its fields.

    `make` makes its message; a transport that merges by itself never asks for one.
    """

    subscriber_id: int
    recipient: str
    name: str
    variant: str
    values: Mapping[str, str]
    make: "Callable[[Letter], Message]"

    def message(self) -> Message:
        """The message."""
        return self.make(self)

    def content(self) -> bytes:
        """The same in one piece."""
        return b"".join(self.message().pieces)


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a transport can do.

    `largest_batch` is how many letters one request may carry, and `largest_message` how
    many bytes a message may have (None where it is not known before connecting).
    `idempotency` is how long the other side remembers a key, None where it does not.
    """

    largest_batch: int = 1
    largest_message: int | None = None
    scheduling: bool = False
    cancel: bool = False
    idempotency: dt.timedelta | None = None
    signed_events: bool = False


class Begin(Protocol):
    """Notes in the local journal that letters are about to be handed over whole.

    A transport calls it after the last moment at which it could still take them back, and
    before the first at which the other side might have one.
    """

    def __call__(self, *subscriber_ids: int) -> None:
        """Note it."""
        ...


class Transport(Protocol):
    """A way for letters to leave."""

    name: str
    capabilities: Capabilities

    def send(self, letters: Iterator[Letter | None], begin: Begin) -> Iterator[Sequence[Receipt]]:
        """Take letters as they come, and yield receipts for them as soon as their fate is known.

        `letters` yields None where none is ready yet: the transport goes on with what it
        has, and asks again within a tenth of a second. Every letter taken from it gets
        exactly one receipt, in any order, before this ends or raises; closing this
        generator early is the one exception. While there is no receipt, it yields none
        at least every tenth of a second: the ledger is tended in between. `letters` and
        `begin` belong to the thread that runs this.

        Raises:
            TransportError: no letter can leave now, for a reason that lies with us or the
                way there: the campaign stops, and no address is to blame.
        """
        ...

    def taken(self, subscriber_ids: Iterable[int]) -> Mapping[int, bool]:
        """Which of these deliveries the transport is sure to have taken, or not to have.

        It settles what was on its way when a process died. Those of which it cannot tell
        are left out, which is all of them for most transports.
        """
        ...
