"""Notices: mails to one person, which wait in the database until they are sent.

Whoever asks for one does so in the transaction that makes it necessary, so a crash loses
none. One that was being sent when a process died is sent again: a confirmation that comes
twice does less harm than one that never comes.
"""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import Connection, delete, insert, or_, select, update

from newsletter_mailer.store.web_tables import notice

_TAKEN_FOR = dt.timedelta(minutes=5)
_FIRST_RETRY = dt.timedelta(minutes=2)
_MOST_ATTEMPTS = 8
"""With a wait that doubles, some four hours; by then a link may be of no use any more."""


@dataclass(frozen=True, slots=True)
class Notice:
    """A notice to send. `details` say what it is about; `kind` chooses its words."""

    id: int
    kind: str
    email: str
    name: str
    details: Mapping[str, int | str]
    attempts: int


def queue(
    connection: Connection,
    kind: str,
    email: str,
    name: str,
    details: Mapping[str, int | str],
    *,
    due_at: dt.datetime,
) -> None:
    """Let a notice be sent from `due_at` on."""
    connection.execute(
        insert(notice).values(
            kind=kind, email=email, name=name, details=dict(details), due_at=due_at
        )
    )


def take_due(connection: Connection, now: dt.datetime, most: int = 20) -> list[Notice]:
    """Take notices that are due, so that nobody else sends them for the next minutes."""
    rows = connection.execute(
        select(notice)
        .where(
            notice.c.due_at <= now,
            or_(notice.c.taken_until.is_(None), notice.c.taken_until <= now),
        )
        .order_by(notice.c.due_at, notice.c.id)
        .limit(most)
        .with_for_update(skip_locked=True)
    ).all()
    if rows:
        connection.execute(
            update(notice)
            .where(notice.c.id.in_([row.id for row in rows]))
            .values(taken_until=now + _TAKEN_FOR, attempts=notice.c.attempts + 1)
        )
    return [
        Notice(row.id, row.kind, row.email, row.name, row.details, row.attempts + 1) for row in rows
    ]


def drop(connection: Connection, notice_id: int) -> None:
    """Forget a notice that was sent, or is of no use any more."""
    connection.execute(delete(notice).where(notice.c.id == notice_id))


def put_off(connection: Connection, failed: Notice, error: str, now: dt.datetime) -> bool:
    """Try a notice again later; False where it was tried often enough, and is forgotten."""
    if failed.attempts >= _MOST_ATTEMPTS:
        drop(connection, failed.id)
        return False
    wait = _FIRST_RETRY * 2 ** (failed.attempts - 1)
    connection.execute(
        update(notice)
        .where(notice.c.id == failed.id)
        .values(due_at=now + wait, taken_until=None, error=error)
    )
    return True
