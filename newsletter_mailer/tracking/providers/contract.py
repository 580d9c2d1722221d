"""What a provider's events are to the rest of the program: a request that proves itself."""

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Protocol

from newsletter_mailer.tracking.events import Event


class NotTrustedError(Exception):
    """A request that did not come from the provider, came too late, or was altered.

    It never reaches a user: whoever sent it gets a plain refusal.
    """


class MalformedError(Exception):
    """A request that the provider signed, and that holds something other than events.

    It never reaches a user: it is refused, and noted in the log.
    """


class Provider(Protocol):
    """A provider that reports by posting to `/hooks/NAME`."""

    name: str

    def verify(self, headers: Mapping[str, str], body: bytes, now: dt.datetime) -> None:
        """See that the provider itself made this request, of late. Headers' names are small.

        Raises:
            NotTrustedError: it did not, or nobody can tell.
        """
        ...

    def read(self, body: bytes) -> Sequence[Event]:
        """The events in a verified request. What is not understood is an event of kind OTHER.

        Raises:
            MalformedError: nothing in it can be read.
        """
        ...
