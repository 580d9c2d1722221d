"""Leaving the list of subscribers, by a link, by the office or by a mail; and taking it back."""

import datetime as dt
from collections.abc import Mapping

from sqlalchemy import Connection, insert, select

from newsletter_mailer.audience.audit import THEMSELVES, record
from newsletter_mailer.audience.having_read import forget_said
from newsletter_mailer.audience.states import SubscriberStep, take
from newsletter_mailer.audience.subscriber import ACTIVE, UNSUBSCRIBED
from newsletter_mailer.mailbox import address_key, checked_address
from newsletter_mailer.store.tables import subscriber
from newsletter_mailer.store.web_tables import audit, leaving_reason

UNDO_WITHIN = dt.timedelta(hours=1)

REASONS: Mapping[str, str] = {
    "too-often": "It comes too often",
    "not-relevant": "It is not about my work",
    "new-job": "I have changed jobs",
    "other-way": "I read it another way",
    "never-asked": "I never asked for it",
    "other": "Another reason",
}

_LEFT = "left"
_LEFT_UNCONFIRMED = "left before confirming"
_BACK = "took leaving back"


def unsubscribe(
    connection: Connection,
    address: str,
    *,
    now: dt.datetime,
    way: str = "newsletter subscribers unsubscribe",
    by: str = "office",
) -> bool:
    """Unsubscribe the person with this address; False if there is none.

    Who has left already stays as they are. `now` has its zone.
    """
    try:
        key = address_key(checked_address(address))
    except ValueError:
        return False
    id_ = connection.scalar(select(subscriber.c.id).where(subscriber.c.email_key == key))
    return id_ is not None and leave(connection, id_, now=now, way=way, by=by)


def leave(
    connection: Connection, subscriber_id: int, *, now: dt.datetime, way: str, by: str = THEMSELVES
) -> bool:
    """Unsubscribe a subscriber; False if there is none. Doing it twice changes nothing.

    What they said they have read is forgotten, and stays so if they take leaving back.
    """
    status = connection.scalar(select(subscriber.c.status).where(subscriber.c.id == subscriber_id))
    if status is None:
        return False
    if take(connection, subscriber_id, SubscriberStep.UNSUBSCRIBE, now):
        change = _LEFT if status == ACTIVE else _LEFT_UNCONFIRMED
        record(connection, subscriber_id, change, way, by, now)
        forget_said(connection, subscriber_id)
    return True


def can_undo(connection: Connection, subscriber_id: int, now: dt.datetime) -> bool:
    """Whether somebody got the newsletter until they left, less than an hour ago."""
    last = connection.execute(
        select(subscriber.c.status, audit.c.change, audit.c.at)
        .join(audit, audit.c.subscriber_id == subscriber.c.id)
        .where(subscriber.c.id == subscriber_id)
        .order_by(audit.c.id.desc())
        .limit(1)
    ).one_or_none()
    if last is None or last.status != UNSUBSCRIBED or last.change != _LEFT:
        return False
    return bool(last.at <= now < last.at + UNDO_WITHIN)


def undo(connection: Connection, subscriber_id: int, *, now: dt.datetime, way: str) -> bool:
    """Take leaving back, while `can_undo` allows it; False where it does not."""
    if not can_undo(connection, subscriber_id, now):
        return False
    take(connection, subscriber_id, SubscriberStep.UNDO, now)
    record(connection, subscriber_id, _BACK, way, THEMSELVES, now)
    return True


def give_reason(
    connection: Connection, reason: str, agency: str, campaign_id: int | None, *, now: dt.datetime
) -> None:
    """Keep why somebody of this agency left, one of `REASONS`; who it was is not kept."""
    connection.execute(
        insert(leaving_reason).values(
            reason=reason, agency=agency, campaign_id=campaign_id or None, at=now
        )
    )
