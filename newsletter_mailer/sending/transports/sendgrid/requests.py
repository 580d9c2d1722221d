"""Requests to the provider's Mail Send: the people of one variant, up to a limit of each kind."""

import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Self

from newsletter_mailer.sending.transports.sendgrid.merging import Variant

LARGEST = 25_000_000
"""Bytes of a request. The provider's limit for a mail is 30 MB; this stays clear of it."""

_LARGEST_PERSON = 20_000
"""Bytes that a personalization never has."""


class Body:
    """A request's JSON, in pieces.

    The package would write what it posts into its debug log: of this it has only the size.
    """

    def __init__(self, pieces: Sequence[bytes]) -> None:
        self._pieces = pieces
        self.size = sum(map(len, pieces))

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._pieces)

    def __repr__(self) -> str:
        return f"<{self.size:,} bytes>"

    def encode(self, _charset: str) -> Self:
        """Itself: it is encoded. The package asks for this of any body that is no JSON yet."""
        return self


@dataclass(slots=True)
class Request:
    """People of one variant: the numbers of their letters, and each one's personalization."""

    variant: Variant
    numbers: list[int]
    people: list[bytes]

    def body(self) -> Body:
        """What is posted."""
        return Body((self.variant.head, b",".join(self.people), self.variant.tail))

    def halves(self) -> tuple["Request", "Request"]:
        """The same in two requests."""
        middle = len(self.numbers) // 2
        return self.only(range(middle)), self.only(range(middle, len(self.numbers)))

    def only(self, places: Iterable[int]) -> "Request":
        """The same with only the people in these places."""
        chosen = list(places)
        return Request(
            self.variant, [self.numbers[at] for at in chosen], [self.people[at] for at in chosen]
        )


class Gathering:
    """Letters of one variant that wait until they are enough for a request."""

    def __init__(self, variant: Variant) -> None:
        self.variant = variant
        self.numbers: list[int] = []
        self.since = 0.0
        """When the first of them came, on the monotonic clock."""
        self._people: list[bytes] = []
        self._room = self._all = LARGEST - len(variant.head) - len(variant.tail)

    def add(self, number: int, personalization: bytes) -> bool:
        """One more; whether there is no room for another."""
        if not self.numbers:
            self.since = time.monotonic()
        self.numbers.append(number)
        self._people.append(personalization)
        self._room -= len(personalization) + 1
        return self._room < _LARGEST_PERSON

    def full(self, most: int) -> bool:
        """Whether there is no room for another, or there are so many already."""
        return self._room < _LARGEST_PERSON or len(self.numbers) >= most

    def take(self) -> Request:
        """A request of all of them; it begins anew."""
        request = Request(self.variant, self.numbers, self._people)
        self.numbers, self._people, self._room = [], [], self._all
        return request
