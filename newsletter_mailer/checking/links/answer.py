"""What came back from asking for a URL, before anybody judges it."""

from dataclasses import dataclass
from enum import StrEnum

from newsletter_mailer.checking.links.guard import Ground
from newsletter_mailer.checking.links.page import Page
from newsletter_mailer.checking.links.verdict import Hop


class Trouble(StrEnum):
    """Why there is no answer that counts."""

    GUARD = "refused by the guard"
    NAME = "no such name"
    NAME_SERVER = "name servers silent"
    REFUSED = "connection refused"
    UNREACHABLE = "no way there"
    CONNECT_TIMEOUT = "no connection in time"
    TIMEOUT = "no answer in time"
    DROPPED = "connection dropped"
    MALFORMED = "answer malformed"
    TLS = "certificate or TLS"
    LOOP = "redirects in a circle"
    REDIRECTS = "too many redirects"
    REDIRECT = "redirect to nowhere"


TRANSIENT = frozenset(
    {
        Trouble.NAME_SERVER,
        Trouble.UNREACHABLE,
        Trouble.CONNECT_TIMEOUT,
        Trouble.TIMEOUT,
        Trouble.DROPPED,
        Trouble.MALFORMED,
    }
)
"""What may be over a moment later, and is tried again."""

OF_THE_HOST = frozenset(
    {
        Trouble.NAME,
        Trouble.NAME_SERVER,
        Trouble.REFUSED,
        Trouble.UNREACHABLE,
        Trouble.CONNECT_TIMEOUT,
    }
)
"""What is the same for every link to the host."""

OF_THE_NETWORK = OF_THE_HOST - {Trouble.REFUSED}
"""What happens to every link on a machine without a network."""


@dataclass(frozen=True, slots=True)
class Failure:
    """No answer. `words` says more where there is more to say; `ground` is the guard's."""

    trouble: Trouble
    words: str = ""
    ground: Ground | None = None
    may_need_cookies: bool = False


@dataclass(frozen=True, slots=True)
class Answer:
    """A server's answer. `size` is in bytes, `wait` the seconds that Retry-After asks for.

    `challenge` says that the server wants to know whether a person asks. `page` is there
    where a page was asked for and could be read.
    """

    status: int
    media_type: str = ""
    size: int | None = None
    location: str | None = None
    wait: float | None = None
    challenge: bool = False
    sets_cookie: bool = False
    page: Page | None = None


@dataclass(frozen=True, slots=True)
class Trail:
    """The way from a link to its end. `seconds` counts what the servers took."""

    url: str
    end: Answer | Failure
    chain: tuple[Hop, ...] = ()
    seconds: float = 0.0
