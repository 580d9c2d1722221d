"""Requests to the provider's Mail Send: the people of one variant, up to a limit of each kind."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Self

from newsletter_mailer.sending.transports.sendgrid.merging import Variant

LARGEST = 25_000_000
"""Bytes of a request. The provider's limit for a mail is 30 MB; this stays clear of it."""


class Post(NamedTuple):
    """A letter's number and its personalization."""

    number: int
    content: bytes


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
    """People of one variant."""

    variant: Variant
    posts: list[Post]

    def body(self) -> Body:
        """What is posted."""
        people = b",".join([post.content for post in self.posts])
        return Body((self.variant.head, people, self.variant.tail))

    def halves(self) -> tuple["Request", "Request"]:
        """The same in two requests."""
        middle = len(self.posts) // 2
        return (
            Request(self.variant, self.posts[:middle]),
            Request(self.variant, self.posts[middle:]),
        )


class Gathering:
    """Letters of one variant that wait until they are enough for a request."""

    def __init__(self, variant: Variant) -> None:
        self.variant = variant
        self.posts: list[Post] = []
        self.since = 0.0
        """When the first of them came, on the monotonic clock."""
        self._bytes = len(variant.head) + len(variant.tail)
        self._own = self._bytes

    def add(self, post: Post) -> None:
        """One more."""
        if not self.posts:
            self.since = time.monotonic()
        self.posts.append(post)
        self._bytes += len(post.content) + 1

    def full(self, most: int) -> bool:
        """Whether there is no room for another; a personalization has less than 20 KB."""
        return len(self.posts) >= most or self._bytes + 20_000 > LARGEST

    def take(self) -> Request:
        """A request of all of them; it begins anew."""
        request = Request(self.variant, self.posts)
        self.posts, self._bytes = [], self._own
        return request
