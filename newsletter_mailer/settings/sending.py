"""Settings of sending: how a campaign goes, and how each transport speaks."""

import datetime as dt
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, StringConstraints

from newsletter_mailer.mailbox import Address
from newsletter_mailer.settings.values import Day, Line, Part


def _hours(text: str) -> str:
    begin, dash, end = text.partition("-")
    try:
        if not dash or dt.time.fromisoformat(begin) >= dt.time.fromisoformat(end):
            raise ValueError
    except ValueError as error:
        message = f"{text!r} is not a stretch of the day such as 08:00-18:00"
        raise ValueError(message) from error
    return text


class Send(Part):
    """How a campaign is cut into batches, where its pictures are, and how fast it goes.

    `per_second` and `per_hour` limit the letters, `lease` is how many seconds a batch is
    one process's without a sign of life, and `retry_after` how many a letter waits that
    was refused for now. `patience` is how many seconds `send` stays to try such letters
    again. `failure_limit` is the share of failures at which a campaign pauses by itself,
    `canary_wait` how many seconds pass between a canary and the rest. `hours` are the
    office hours in which letters leave, such as `08:00-18:00`, and `days` the days.
    `staged` has the provider hold the whole campaign back until it has all of it, and send
    it `staged_minutes` after the first request.
    """

    batch_size: Annotated[int, Field(ge=1, le=10_000)] = 1_000
    images: Literal["inline", "hosted"] = "inline"
    per_second: Annotated[float, Field(gt=0, le=100_000)] | None = None
    per_hour: Annotated[int, Field(ge=1)] | None = None
    lease: Annotated[float, Field(ge=1, le=3_600)] = 60.0
    retry_after: Annotated[float, Field(gt=0, le=86_400)] = 60.0
    patience: Annotated[float, Field(ge=0)] = 600.0
    failure_limit: Annotated[float, Field(gt=0, le=1)] = 0.1
    canary_wait: Annotated[float, Field(ge=0)] = 300.0
    hours: Annotated[str, AfterValidator(_hours)] | None = None
    days: Annotated[tuple[Day, ...], Field(min_length=1)] = ("mon", "tue", "wed", "thu", "fri")
    staged: bool = False
    staged_minutes: Annotated[int, Field(ge=15, le=1_440)] = 30


class SavedSegment(Part):
    """A part of the list that `--audience` can name: agencies, sectors or groups, and roles."""

    agencies: Annotated[tuple[Line, ...], Field(min_length=1)]
    roles: tuple[Line, ...] = ()


class Smtp(Part):
    """How the `smtp` transport speaks to the relay. Times are in seconds.

    The defaults for `timeout` and `final_timeout` are the least that RFC 5321 (4.5.3.2)
    asks a client to wait for a reply: 5 minutes, and 10 for that to a whole message.
    """

    connections: Annotated[int, Field(ge=1, le=500)] = 10
    messages_per_connection: Annotated[int, Field(ge=1)] = 1_000
    connect_timeout: Annotated[float, Field(gt=0, le=600)] = 30.0
    timeout: Annotated[float, Field(gt=0, le=3_600)] = 300.0
    final_timeout: Annotated[float, Field(gt=0, le=3_600)] = 600.0
    ehlo_name: Annotated[str, StringConstraints(pattern=r"^[!-~]+$", max_length=255)] | None = None
    """The name this machine gives at EHLO; its own where none is set."""
    return_path: Address | None = None
    """Where bounces go; the sender's address where none is set."""
    verp: bool = False
    """Whether each delivery has a return path of its own, so that a bounce names it."""


class Sendgrid(Part):
    """How the `sendgrid` transport speaks to the provider.

    `batch` is how many people one request carries, 1,000 at most by the provider's rules,
    and `connections` how many requests are under way at a time: so many people at most are
    in doubt after a crash. `timeout` is in seconds, for each step of a request.
    `categories` name the newsletter in the provider's own statistics.
    """

    batch: Annotated[int, Field(ge=1, le=1_000)] = 1_000
    connections: Annotated[int, Field(ge=1, le=20)] = 1
    timeout: Annotated[float, Field(gt=0, le=600)] = 120.0
    categories: Annotated[
        tuple[Annotated[Line, StringConstraints(max_length=255)], ...], Field(max_length=10)
    ] = ()


class Dkim(Part):
    """The key that signs messages (RFC 6376), named in DNS as `selector._domainkey.domain`.

    `key_file` is a private key in PEM, RSA or Ed25519, seen from the project's folder.
    """

    domain: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)+$")]
    selector: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*$")]
    key_file: Line
