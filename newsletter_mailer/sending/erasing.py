"""Erasing people: everything that names them goes, and a keyed hash of the address stays."""

import datetime as dt
from collections.abc import Collection, Iterator
from pathlib import Path

from sqlalchemy import Connection, delete, exists, select, update

from newsletter_mailer.audience.audit import record
from newsletter_mailer.audience.erased import remember
from newsletter_mailer.audience.having_read import forget_said
from newsletter_mailer.audience.tracking_consent import forget_opens
from newsletter_mailer.mailbox import address_key
from newsletter_mailer.sending.sealing import ERASED, take_out, take_out_of
from newsletter_mailer.sending.transports.outbox import Outbox
from newsletter_mailer.settings import Settings
from newsletter_mailer.store.scrubbing import overwrite_what_is_deleted
from newsletter_mailer.store.tables import campaign, delivery, subscriber, suppression
from newsletter_mailer.store.tracking_tables import feedback, provider_event
from newsletter_mailer.store.web_tables import notice, signup

_AT_ONCE = 500
_LEFT_BEHIND = 5_000
_HEAD = 4_096
"""Bytes of a message in which its recipient stands."""


def erase(  # noqa: PLR0917 - as `audit.record`
    connection: Connection,
    subscriber_ids: Collection[int],
    key: str,
    way: str,
    by: str,
    now: dt.datetime,
) -> int:
    """Erase people in the caller's transaction; how many there were.

    Whoever imports one of these addresses again, or enters it anywhere, is recognised by
    the hash that stays. The audit trail keeps what was done, which never names anybody.

    After the transaction, `outbox_copies` names files to delete, and `scrub` or the next
    `newsletter tidy` sees to what the database's file still holds.

    Args:
        connection: the transaction.
        subscriber_ids: their numbers.
        key: the signing key in use.
        way: the page or command, for the audit trail.
        by: who does it.
        now: the moment to write down.
    """
    overwrite_what_is_deleted(connection)
    ids = sorted(subscriber_ids)
    erased = 0
    for begin in range(0, len(ids), _AT_ONCE):
        some = ids[begin : begin + _AT_ONCE]
        people = connection.execute(
            select(subscriber.c.id, subscriber.c.email, subscriber.c.email_key).where(
                subscriber.c.id.in_(some)
            )
        ).all()
        for person in people:
            _forget_address(connection, person.email_key, key, now)
            connection.execute(delete(notice).where(notice.c.email == person.email))
            _forget_reports(connection, person.id)
            record(connection, person.id, "erased", way, by, now)
        connection.execute(delete(subscriber).where(subscriber.c.id.in_(some)))
        erased += len(people)
    take_out(connection, ids, now=now)
    return erased


def erase_left_behind(connection: Connection, *, now: dt.datetime) -> int:
    """See to entries of the ledger that were on their way when their reader was erased."""
    overwrite_what_is_deleted(connection)
    seen_to = 0
    for campaign_id in connection.scalars(select(campaign.c.id)).all():
        rows = connection.execute(
            select(
                delivery.c.campaign_id,
                delivery.c.subscriber_id,
                delivery.c.email,
                delivery.c.name,
                delivery.c.error,
            )
            .outerjoin(subscriber, subscriber.c.id == delivery.c.subscriber_id)
            .where(
                delivery.c.campaign_id == campaign_id,
                delivery.c.email != ERASED,
                delivery.c.status != "sending",
                subscriber.c.id.is_(None),
            )
            .limit(_LEFT_BEHIND)
        ).all()
        if rows:
            for row in rows:
                _forget_bounce(connection, address_key(row.email))
                _forget_reports(connection, row.subscriber_id)
            take_out_of(connection, campaign_id, rows, now=now)
            seen_to += len(rows)
    return seen_to


def outbox_copies(connection: Connection, settings: Settings, subscriber_id: int) -> Iterator[Path]:
    """The files in which the outbox holds messages of one person, to be deleted with them.

    They are to be listed before the person is erased.
    """
    for name in connection.scalars(select(campaign.c.name)):
        path = Outbox(settings.outbox / name).path(subscriber_id)
        if path.is_file():
            yield path
    address = connection.scalar(select(subscriber.c.email).where(subscriber.c.id == subscriber_id))
    notices = settings.outbox / "notices"
    if address and notices.is_dir():
        needle = address.casefold().encode()
        for path in notices.glob("*.eml"):
            with path.open("rb") as file:
                if needle in file.read(_HEAD).lower():
                    yield path


def _forget_bounce(connection: Connection, email_key: str) -> None:
    """Drop what the end of a letter wrote down of an address that nobody has any more."""
    somebody = exists().where(subscriber.c.email_key == email_key)
    connection.execute(delete(suppression).where(suppression.c.email_key == email_key, ~somebody))


def _forget_reports(connection: Connection, subscriber_id: int) -> None:
    """Drop what somebody opened and read, and reported words that may hold their address."""
    forget_opens(connection, subscriber_id)
    forget_said(connection, subscriber_id)
    connection.execute(
        update(provider_event)
        .where(provider_event.c.subscriber_id == subscriber_id)
        .values(raw=None)
    )
    connection.execute(
        update(feedback).where(feedback.c.subscriber_id == subscriber_id).values(detail="")
    )


def _forget_address(connection: Connection, email_key: str, key: str, now: dt.datetime) -> None:
    connection.execute(delete(suppression).where(suppression.c.email_key == email_key))
    connection.execute(delete(signup).where(signup.c.email_key == email_key))
    remember(connection, email_key, key, now=now)
