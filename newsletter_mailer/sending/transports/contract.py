"""What every transport is: it takes messages, and says of each what became of it."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Message:
    """A message ready to leave: its delivery, its one recipient, its ID and its bytes."""

    subscriber_id: int
    recipient: str
    message_id: str
    content: bytes


class Outcome(StrEnum):
    """What became of a message."""

    ACCEPTED = "accepted"
    REJECTED = "rejected"


@dataclass(frozen=True, slots=True)
class Receipt:
    """What a transport says of one message; `detail` is its reason for a rejection."""

    subscriber_id: int
    outcome: Outcome
    detail: str = ""


class Transport(Protocol):
    """A way for messages to leave."""

    name: str

    def send(self, messages: Sequence[Message]) -> Iterator[Receipt]:
        """Take messages, and yield a receipt for each as soon as its fate is sure.

        Raises:
            TransportError: no message can leave now. Those without a receipt may or may
                not have left; `accepted` tells.
        """
        ...

    def accepted(self, subscriber_ids: Iterable[int]) -> set[int]:
        """Those of these deliveries that the transport has taken already.

        This settles what was on its way when a process died, so that nobody gets a
        message twice.
        """
        ...
