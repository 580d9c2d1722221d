"""Who agreed to have their opens counted: asked before a pixel is sent, and when it loads."""

from sqlalchemy import ColumnElement, Connection, delete, exists

from newsletter_mailer.store.tables import subscriber
from newsletter_mailer.store.tracking_tables import clicked, opened
from newsletter_mailer.store.web_tables import preference


def agreed() -> ColumnElement[bool]:
    """The condition that a row of `subscriber` is somebody who agreed, and has not left."""
    return (subscriber.c.status == "active") & exists().where(
        preference.c.subscriber_id == subscriber.c.id, preference.c.tracking
    ).correlate(subscriber)


def forget_opens(connection: Connection, subscriber_id: int) -> None:
    """Forget what somebody opened and followed: they withdrew their consent, or are erased."""
    for table in (opened, clicked):
        connection.execute(delete(table).where(table.c.subscriber_id == subscriber_id))
