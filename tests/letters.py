"""Letters to send in tests, and what a transport made of them."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from newsletter_mailer.errors import TransportError
from newsletter_mailer.sending.transports.contract import (
    Letter,
    Message,
    Outcome,
    Receipt,
    Transport,
)


def message_for(number: int, size: int = 0) -> bytes:
    """A message, all of ASCII, at least `size` bytes long."""
    head = (
        f"From: Office <office@example.org>\r\nTo: reader{number}@example.org\r\n"
        f"Subject: News {number}\r\nMessage-ID: <t.{number}@example.org>\r\n\r\n"
        f"Dear reader {number},\r\n"
    ).encode("ascii")
    line = b"=2E starts this line, and it has a dot.\r\n" + b"x" * 990 + b"\r\n"
    return head + line * (1 + max(0, size - len(head)) // len(line))


def letter(number: int, recipient: str = "", content: bytes = b"") -> Letter:
    """A letter to one reader."""
    whole = content or message_for(number)
    return Letter(
        subscriber_id=number,
        recipient=recipient or f"reader{number}@example.org",
        name=f"Reader {number}",
        variant="a",
        values={
            "name": f"Reader {number}",
            "unsubscribe_url": f"https://news.example.org/unsubscribe/{number}",
        },
        make=lambda _: Message.of(whole),
    )


def letters(count: int, size: int = 0) -> Iterator[Letter]:
    """So many letters, numbered from 1."""
    return (letter(number, content=message_for(number, size)) for number in range(1, count + 1))


@dataclass
class Sent:
    """What a transport said, in the order it was said."""

    receipts: list[Receipt] = field(default_factory=list)
    begun: list[int] = field(default_factory=list)
    error: str = ""

    def ids(self, *outcomes: Outcome) -> set[int]:
        """The letters with one of these outcomes."""
        return {one.subscriber_id for one in self.receipts if one.outcome in outcomes}

    @property
    def outcomes(self) -> Counter[Outcome]:
        """How many letters had each outcome."""
        return Counter(one.outcome for one in self.receipts)

    def of(self, number: int) -> Receipt:
        """The one receipt of a letter."""
        (found,) = (one for one in self.receipts if one.subscriber_id == number)
        return found


def send(
    transport: Transport,
    given: Iterable[Letter | None],
    watch: Callable[[Receipt], None] = lambda _: None,
) -> Sent:
    """Send letters; each that was taken from `given` must have got exactly one receipt."""
    sent = Sent()
    out: list[int] = []

    def begin(*numbers: int) -> None:
        sent.begun.extend(numbers)

    def handing_over() -> Iterator[Letter | None]:
        for one in given:
            if one is not None:
                out.append(one.subscriber_id)
            yield one

    try:
        for receipts in transport.send(handing_over(), begin):
            for receipt in receipts:
                sent.receipts.append(receipt)
                watch(receipt)
    except TransportError as error:
        sent.error = str(error)
    assert sorted(one.subscriber_id for one in sent.receipts) == sorted(out)
    return sent
