"""Articles below which readers can say that they have read them: frozen, and numbered."""

from collections.abc import Iterable, Mapping, Sequence

from sqlalchemy import Connection, insert, select

from newsletter_mailer.compiling.merge import READ, Segments
from newsletter_mailer.reading.document import Issue
from newsletter_mailer.reading.inline import plain_text
from newsletter_mailer.sending.personal_links import PersonalLinks
from newsletter_mailer.settings import Greeting
from newsletter_mailer.store.read_tables import asking_article

NOBODY = 0
"""The campaign and the subscriber in a personal link that leads to nobody."""


def keep_asking(
    connection: Connection,
    campaign_id: int,
    issue: Issue,
    mails: Iterable[Segments],
    greeting: Greeting,
) -> None:
    """Number the articles with a button that somebody gets, by their place in the issue."""
    shown = {field.removeprefix(READ) for mail in mails for field in mail.read_fields}
    rows = [
        {
            "campaign_id": campaign_id,
            "number": number,
            "article": article.id,
            "title": _for_anybody(plain_text(article.title), greeting),
        }
        for number, article in enumerate(issue.every_article)
        if article.id in shown
    ]
    if rows:
        connection.execute(insert(asking_article), rows)


def asking(connection: Connection, campaign_id: int) -> Mapping[str, int]:
    """The number of each article of a campaign with a button, by the merge field of its link."""
    rows = connection.execute(
        select(asking_article.c.article, asking_article.c.number).where(
            asking_article.c.campaign_id == campaign_id
        )
    )
    return {f"{READ}{article}": number for article, number in rows}


def links_to_nobody(fields: Sequence[str], links: PersonalLinks) -> dict[str, str]:
    """The values of the personal links in a mail that belongs to no campaign."""
    return {
        "preferences_url": links.preferences(NOBODY, NOBODY),
        "unsubscribe_url": links.unsubscribe(NOBODY, NOBODY),
        **{field: links.read(NOBODY, NOBODY, 0) for field in fields},
    }


def _for_anybody(title: str, greeting: Greeting) -> str:
    """A title without anybody's data in it."""
    name = greeting.fallback_name
    known = {"first_name": name, "name": name, "agency_name": "your agency"}
    return Segments.of(title).fill({**known, "email": "your address"})
