"""Forgetting: who opened what, and what was reported, is kept for a while only."""

import datetime as dt

from sqlalchemy import Connection, Table, delete, func, literal, select

from newsletter_mailer.store.tables import delivery
from newsletter_mailer.store.tracking_tables import clicked, opened, provider_event, reach_total
from newsletter_mailer.store.upsert import insert_into

OPENS = -1
"""Stands for opens in `reach_total`, where clicks have their link's number."""


def tidy(connection: Connection, before: dt.date) -> int:
    """Put counts in the place of opens and clicks of days before this; how many rows went.

    What was reported before that day goes as well; what followed from it stays.
    """
    gone = sum(_add_up(connection, table, before) for table in (opened, clicked))
    midnight = dt.datetime.combine(before, dt.time(), dt.UTC)
    gone += connection.execute(
        delete(provider_event).where(provider_event.c.at < midnight)
    ).rowcount
    return gone


def _add_up(connection: Connection, table: Table, before: dt.date) -> int:
    """Move the old rows of a table into the totals."""
    link = table.c.link if "link" in table.c else literal(OPENS)
    groups = (table.c.campaign_id, delivery.c.agency, link, table.c["class"], table.c.day)
    rows = connection.execute(
        select(*groups, func.count())
        .join(
            delivery,
            (delivery.c.campaign_id == table.c.campaign_id)
            & (delivery.c.subscriber_id == table.c.subscriber_id),
        )
        .where(table.c.day < before)
        .group_by(*groups)
    ).all()
    if rows:
        statement = insert_into(reach_total)
        names = [column.name for column in reach_total.c]
        connection.execute(
            statement.on_conflict_do_update(
                index_elements=[column.name for column in reach_total.primary_key],
                set_={"people": reach_total.c.people + statement.excluded.people},
            ),
            [dict(zip(names, row, strict=True)) for row in rows],
        )
    return connection.execute(delete(table).where(table.c.day < before)).rowcount
