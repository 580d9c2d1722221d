"""Forgetting: who opened what, and what was reported, is kept for a while only."""

import datetime as dt

from sqlalchemy import Connection, Table, delete, func, insert, literal, select, update

from newsletter_mailer.store.read_tables import asking_article, has_read, read_total
from newsletter_mailer.store.tables import campaign, delivery
from newsletter_mailer.store.tracking_tables import clicked, opened, provider_event, reach_total
from newsletter_mailer.store.upsert import insert_into

OPENS = -1
"""Stands for opens in `reach_total`, where clicks have their link's number."""


def tidy(connection: Connection, before: dt.date) -> int:
    """Put counts in the place of opens and clicks of days before this; how many rows went.

    Of campaigns that were frozen before that day, nobody knows any more who said that they
    have read an article. What was reported before it goes as well; what followed stays.
    """
    gone = sum(_add_up(connection, table, before) for table in (opened, clicked))
    midnight = dt.datetime.combine(before, dt.time(), dt.UTC)
    gone += _close(connection, midnight)
    gone += connection.execute(
        delete(provider_event).where(provider_event.c.at < midnight)
    ).rowcount
    return gone


def _close(connection: Connection, midnight: dt.datetime) -> int:
    """Count who said that they have read what, once and for all; how many rows went.

    Whoever pressed later could be counted twice, so their page says that it is over.
    """
    old = select(asking_article.c.campaign_id).join(
        campaign, campaign.c.id == asking_article.c.campaign_id
    )
    old = old.where(campaign.c.frozen_at < midnight, ~asking_article.c.closed).distinct()
    numbers = connection.scalars(old).all()
    groups = (has_read.c.campaign_id, has_read.c.number, delivery.c.agency)
    gone = 0
    for number in numbers:
        connection.execute(
            insert(read_total).from_select(
                ["campaign_id", "number", "agency", "people"],
                select(*groups, func.count())
                .join(
                    delivery,
                    (delivery.c.campaign_id == has_read.c.campaign_id)
                    & (delivery.c.subscriber_id == has_read.c.subscriber_id),
                )
                .where(has_read.c.campaign_id == number)
                .group_by(*groups),
            )
        )
        gone += connection.execute(
            delete(has_read).where(has_read.c.campaign_id == number)
        ).rowcount
        connection.execute(
            update(asking_article).where(asking_article.c.campaign_id == number).values(closed=True)
        )
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
