"""Leaving the list of subscribers."""

import datetime as dt

from sqlalchemy import Connection, select, update

from newsletter_mailer.audience.subscriber import ACTIVE, UNSUBSCRIBED
from newsletter_mailer.mailbox import address_key, checked_address
from newsletter_mailer.store.tables import subscriber


def unsubscribe(connection: Connection, address: str, *, now: dt.datetime) -> bool:
    """Unsubscribe the person with this address; False if there is none.

    Who has left already stays as they are. `now` has its zone.
    """
    try:
        key = address_key(checked_address(address))
    except ValueError:
        return False
    whose = subscriber.c.email_key == key
    connection.execute(
        update(subscriber)
        .where(whose, subscriber.c.status == ACTIVE)
        .values(status=UNSUBSCRIBED, changed_at=now)
    )
    return connection.scalar(select(subscriber.c.id).where(whose)) is not None
