"""What readers say of themselves: that they have read an article. They may, and can take it back.

Pressing the button is the consent, so nothing is kept of who does not press it, and nothing
but the day of who does.
"""

import datetime as dt
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, Row, and_, delete, exists, select

from newsletter_mailer.store.read_tables import asking_article, has_read
from newsletter_mailer.store.tables import campaign, delivery, subscriber
from newsletter_mailer.store.upsert import insert_new


@dataclass(frozen=True, slots=True)
class Asked:
    """An article that a reader got with a button, and what they said.

    `closed` is whether only numbers are kept of it by now; `said` is then always False.
    `agency` is the one that the reader is counted for.
    """

    campaign_id: int
    article: int
    subscriber_id: int
    title: str
    issue: str
    issue_title: str
    issue_number: int
    agency: str
    status: str
    closed: bool
    said: bool


def find_asked(
    connection: Connection, campaign_id: int, subscriber_id: int, article: int
) -> Asked | None:
    """The article with this number in a campaign; None where this reader never got it."""
    row: Row[*tuple[object, ...]] | None = connection.execute(
        select(
            asking_article.c.campaign_id,
            asking_article.c.number,
            subscriber.c.id,
            asking_article.c.title,
            campaign.c.issue,
            campaign.c.title,
            campaign.c.number,
            delivery.c.agency,
            subscriber.c.status,
            asking_article.c.closed,
            exists().where(_said(campaign_id, subscriber_id, article)),
        )
        .join(campaign, campaign.c.id == asking_article.c.campaign_id)
        .join(delivery, delivery.c.campaign_id == asking_article.c.campaign_id)
        .join(subscriber, subscriber.c.id == delivery.c.subscriber_id)
        .where(
            asking_article.c.campaign_id == campaign_id,
            asking_article.c.number == article,
            delivery.c.subscriber_id == subscriber_id,
        )
    ).one_or_none()
    return Asked(*row) if row else None  # type: ignore[arg-type]


def say(connection: Connection, asked: Asked, day: dt.date) -> None:
    """Note that a reader has read it; saying so twice changes nothing."""
    if asked.closed or asked.status != "active":
        return
    row = {
        "campaign_id": asked.campaign_id,
        "number": asked.article,
        "subscriber_id": asked.subscriber_id,
        "day": day,
    }
    connection.execute(insert_new(has_read, row))


def take_back(connection: Connection, asked: Asked) -> None:
    """Forget that a reader said so."""
    said = _said(asked.campaign_id, asked.subscriber_id, asked.article)
    connection.execute(delete(has_read).where(said))


def forget_said(connection: Connection, subscriber_id: int) -> None:
    """Forget all that somebody said they have read: they leave, or are erased."""
    connection.execute(delete(has_read).where(has_read.c.subscriber_id == subscriber_id))


def _said(campaign_id: int, subscriber_id: int, article: int) -> ColumnElement[bool]:
    return and_(
        has_read.c.campaign_id == campaign_id,
        has_read.c.number == article,
        has_read.c.subscriber_id == subscriber_id,
    )
