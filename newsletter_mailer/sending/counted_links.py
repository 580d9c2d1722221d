"""The links of a campaign whose clicks are counted: frozen with it, and numbered.

A redirect leads to one of them by its number, and nowhere else.
"""

from collections.abc import Sequence

from sqlalchemy import Connection, insert, select

from newsletter_mailer.compiling.merge import Segments
from newsletter_mailer.sending.counted import countable
from newsletter_mailer.store.tracking_tables import tracked_link


def count_links(
    connection: Connection, campaign_id: int, mails: Sequence[Segments], base_url: str
) -> None:
    """Number the links of a campaign's mails, so that clicks on them can be counted."""
    urls = dict.fromkeys(url for mail in mails for url in countable(mail, base_url))
    if urls:
        connection.execute(
            insert(tracked_link),
            [
                {"campaign_id": campaign_id, "number": number, "url": url}
                for number, url in enumerate(urls)
            ],
        )


def counted_links(connection: Connection, campaign_id: int) -> list[str]:
    """The links of a campaign, by their numbers from 0; none where clicks are not counted."""
    rows = connection.scalars(
        select(tracked_link.c.url)
        .where(tracked_link.c.campaign_id == campaign_id)
        .order_by(tracked_link.c.number)
    )
    return list(rows)
