"""Asking people who have been silent for long, once, whether they still want the newsletter."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, exists, insert, or_, select, update

from newsletter_mailer.audience.audit import THEMSELVES, record
from newsletter_mailer.audience.consent import CURRENT
from newsletter_mailer.audience.leaving import leave
from newsletter_mailer.audience.notices import queue
from newsletter_mailer.audience.subscriber import ACTIVE
from newsletter_mailer.store.office_tables import reconfirm_request
from newsletter_mailer.store.tables import subscriber, suppression
from newsletter_mailer.store.web_tables import audit, consent, preference, signup

KIND = "reconfirm"
"""Of the notice that asks."""

GOOD_FOR = dt.timedelta(days=90)
"""The link in it. People come back from long leave."""


@dataclass(frozen=True, slots=True)
class Silent:
    """Somebody who has given no sign of life."""

    id: int
    email: str
    name: str
    agency: str
    role: str


def silent(connection: Connection, since: dt.datetime, most: int) -> list[Silent]:
    """Active people of whom nothing was heard since then, and who were never asked.

    A sign of life is whatever they did themselves: signing up, confirming, changing
    something on their own page. Those who are kept off the list are left alone.
    """
    rows = connection.execute(
        select(
            subscriber.c.id,
            subscriber.c.email,
            subscriber.c.name,
            subscriber.c.agency,
            subscriber.c.role,
        )
        .where(
            subscriber.c.status == ACTIVE,
            subscriber.c.created_at < since,
            ~_heard_of(since),
            ~exists().where(reconfirm_request.c.subscriber_id == subscriber.c.id),
            ~exists().where(suppression.c.email_key == subscriber.c.email_key),
        )
        .order_by(subscriber.c.id)
        .limit(most)
    )
    return [Silent(*row) for row in rows]


def ask(
    connection: Connection, person: Silent, *, nonce: str, way: str, by: str, now: dt.datetime
) -> None:
    """Queue the mail that asks, and note that it was asked.

    Its link is that of a sign-up: pressing the button on its page confirms anew.
    """
    connection.execute(insert(reconfirm_request).values(subscriber_id=person.id, asked_at=now))
    tracking = connection.scalar(
        select(preference.c.tracking).where(preference.c.subscriber_id == person.id)
    )
    key = connection.execute(
        select(subscriber.c.email_key).where(subscriber.c.id == person.id)
    ).scalar_one()
    values = {
        "email_key": key,
        "email": person.email,
        "name": person.name,
        "agency": person.agency,
        "role": person.role,
        "tracking": bool(tracking),
        "wording": CURRENT,
        "network": "",
        "nonce": nonce,
        "asked_at": now,
        "expires_at": now + GOOD_FOR,
        "mailed_at": now,
        "mails": 1,
        "confirmed_at": None,
    }
    id_ = connection.scalar(select(signup.c.id).where(signup.c.email_key == key))
    if id_ is None:
        id_ = connection.execute(insert(signup).values(values).returning(signup.c.id)).scalar_one()
    else:
        connection.execute(update(signup).where(signup.c.id == id_).values(values))
    details: dict[str, int | str] = {"signup": id_, "nonce": nonce}
    queue(connection, KIND, person.email, person.name, details, due_at=now)
    record(connection, person.id, "asked to reconfirm", way, by, now)


def take_off_unanswered(
    connection: Connection, asked_before: dt.datetime, *, way: str, by: str, now: dt.datetime
) -> int:
    """Unsubscribe those who were asked before then and have given no sign; how many."""
    ids: Sequence[int] = connection.scalars(
        select(subscriber.c.id)
        .join(reconfirm_request, reconfirm_request.c.subscriber_id == subscriber.c.id)
        .where(
            subscriber.c.status == ACTIVE,
            reconfirm_request.c.asked_at < asked_before,
            ~_heard_of(reconfirm_request.c.asked_at),
        )
    ).all()
    for id_ in ids:
        leave(connection, id_, now=now, way=way, by=by)
    return len(ids)


def _heard_of(since: dt.datetime | ColumnElement[dt.datetime]) -> ColumnElement[bool]:
    return or_(
        exists().where(consent.c.subscriber_id == subscriber.c.id, consent.c.confirmed_at >= since),
        exists().where(
            preference.c.subscriber_id == subscriber.c.id, preference.c.seen_at >= since
        ),
        exists().where(
            audit.c.subscriber_id == subscriber.c.id,
            audit.c.by == THEMSELVES,
            audit.c.at >= since,
        ),
    )
