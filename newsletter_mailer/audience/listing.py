"""Who is subscribed."""

from collections.abc import Iterator

from sqlalchemy import Connection, func, select

from newsletter_mailer.audience.subscriber import ACTIVE, Subscriber
from newsletter_mailer.store.tables import subscriber

COLUMNS = (
    subscriber.c.id,
    subscriber.c.email,
    subscriber.c.name,
    subscriber.c.agency,
    subscriber.c.role,
    subscriber.c.status,
)
"""What a `Subscriber` is made of, in its order."""

_PAGE = 5_000
"""Subscribers read at once."""


def count_by_agency(connection: Connection) -> dict[str, int]:
    """The number of active subscribers of each agency that has any, by the agency's id."""
    statement = (
        select(subscriber.c.agency, func.count().label("people"))
        .where(subscriber.c.status == ACTIVE)
        .group_by(subscriber.c.agency)
        .order_by(subscriber.c.agency)
    )
    return dict(connection.execute(statement).all())


def list_subscribers(
    connection: Connection, *, agency: str | None = None, status: str | None = None
) -> Iterator[Subscriber]:
    """The subscribers in the order in which they came, of one agency or status if it is given.

    They are read in pages, so memory does not grow with their number.
    """
    statement = select(*COLUMNS).order_by(subscriber.c.id)
    if agency is not None:
        statement = statement.where(subscriber.c.agency == agency)
    if status is not None:
        statement = statement.where(subscriber.c.status == status)
    last = 0
    while page := connection.execute(statement.where(subscriber.c.id > last).limit(_PAGE)).all():
        for row in page:
            yield Subscriber(*row)
        last = page[-1].id
