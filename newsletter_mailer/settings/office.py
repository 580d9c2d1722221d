"""Settings of the office: who sends, and how a mail begins."""

from typing import Annotated
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, Field, HttpUrl

from newsletter_mailer.mailbox import Address
from newsletter_mailer.settings.values import Line, Part


def _known_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError) as error:
        message = f"{name!r} is not a known time zone such as Europe/London"
        raise ValueError(message) from error
    return name


class Office(Part):
    """Who sends: shown in each mail's footer, as the law on electronic mail asks."""

    name: Line
    address: tuple[Line, ...]
    phone: Line
    email: Address
    website: Annotated[str, AfterValidator(lambda url: str(HttpUrl(url)))]
    timezone: Annotated[str, AfterValidator(_known_zone)] = "Europe/London"

    @property
    def zone(self) -> ZoneInfo:
        """The office's time zone, in which pages and event times are written."""
        return ZoneInfo(self.timezone)


class Sender(Part):
    """The From line, and where replies go if elsewhere.

    `unsubscribe_address` is where mails that ask to leave come in, for `newsletter inbound`
    to read. Each message names it then beside the reader's own page (RFC 2369, 3.2).
    """

    name: Line
    address: Address
    reply_to: Address | None = None
    unsubscribe_address: Address | None = None


class Greeting(Part):
    """How a reader is addressed. `fallback_name` replaces a name nobody gave."""

    named: Line = "Dear {{first_name}},"
    unnamed: Line = "Hello,"
    fallback_name: Line = "colleague"


class Logo(Part):
    """The office's sign in the masthead. `file` is in the project's folder `images`.

    `width` is in pixels as readers see it; a file of twice that looks sharp on phones.
    """

    file: Line
    alt: Line
    width: Annotated[int, Field(ge=16, le=536)] = 160
