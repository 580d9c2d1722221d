"""The audit trail: who changed what of a subscriber, when, and through which way."""

import datetime as dt
from dataclasses import dataclass

from sqlalchemy import Connection, insert, select

from newsletter_mailer.store.web_tables import audit

THEMSELVES = "the subscriber"
"""Who did it, where a page or a mail of their own was the way."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the trail."""

    subscriber_id: int
    change: str
    way: str
    by: str
    at: dt.datetime


def record(  # noqa: PLR0917 - in the order in which a line of the trail is read
    connection: Connection, subscriber_id: int, change: str, way: str, by: str, now: dt.datetime
) -> None:
    """Write down a change in the caller's transaction.

    `change` says what in a few words, such as `agency: gp to police`, and never a name or
    an address: the trail outlives the person. `way` is the page or the command, and `by`
    a member of the office or `THEMSELVES`.
    """
    connection.execute(
        insert(audit).values(subscriber_id=subscriber_id, change=change, way=way, by=by, at=now)
    )


def trail(connection: Connection, subscriber_id: int) -> list[Entry]:
    """Every change of one subscriber, the oldest first."""
    rows = connection.execute(
        select(audit).where(audit.c.subscriber_id == subscriber_id).order_by(audit.c.id)
    )
    return [Entry(row.subscriber_id, row.change, row.way, row.by, row.at) for row in rows]
