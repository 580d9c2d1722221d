"""Who says that they have read an article: how many people of which agency, and nobody by name.

The numbers are exact, small ones too. Whoever shows them hides what could point to a person.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import Connection, func, select, union_all

from newsletter_mailer.store.read_tables import asking_article, has_read, read_total
from newsletter_mailer.store.tables import delivery


@dataclass(frozen=True, slots=True)
class ReadArticle:
    """An article with a button, and how many people of each agency pressed it.

    `article` is its id in the issue's files. An agency of which nobody did is left out.
    """

    article: str
    title: str
    people: Mapping[str, int]


def read_articles(connection: Connection, campaign_id: int) -> tuple[ReadArticle, ...]:
    """The articles of a campaign that have a button, in the issue's order."""
    pressed = (
        select(has_read.c.number, delivery.c.agency, func.count().label("people"))
        .join(
            delivery,
            (delivery.c.campaign_id == has_read.c.campaign_id)
            & (delivery.c.subscriber_id == has_read.c.subscriber_id),
        )
        .where(has_read.c.campaign_id == campaign_id)
        .group_by(has_read.c.number, delivery.c.agency)
    )
    counted = select(read_total.c.number, read_total.c.agency, read_total.c.people).where(
        read_total.c.campaign_id == campaign_id
    )
    people: dict[int, Counter[str]] = {}
    for number, agency, some in connection.execute(union_all(pressed, counted)):
        people.setdefault(number, Counter())[agency] += some
    rows = connection.execute(
        select(asking_article.c.number, asking_article.c.article, asking_article.c.title)
        .where(asking_article.c.campaign_id == campaign_id)
        .order_by(asking_article.c.number)
    )
    return tuple(
        ReadArticle(article, title, people.get(number, {})) for number, article, title in rows
    )
