"""Asking people who have been silent for long, once, whether they still want the newsletter."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import (
    ColumnElement,
    Connection,
    Date,
    Select,
    Table,
    exists,
    func,
    insert,
    or_,
    select,
    update,
)

from newsletter_mailer.audience.audit import THEMSELVES, record
from newsletter_mailer.audience.consent import CURRENT
from newsletter_mailer.audience.leaving import leave
from newsletter_mailer.audience.notices import queue
from newsletter_mailer.audience.subscriber import ACTIVE
from newsletter_mailer.audience.tracking_consent import agreed
from newsletter_mailer.store.office_tables import reconfirm_request
from newsletter_mailer.store.read_tables import has_read
from newsletter_mailer.store.tables import subscriber, suppression
from newsletter_mailer.store.tracking_tables import clicked, opened
from newsletter_mailer.store.web_tables import audit, consent, preference, signup

KIND = "reconfirm"
"""Of the notice that asks."""

_HUMAN = "human"
"""The class of loads that were likely a person's, as `tracking/agents.py` has it."""

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
    something on their own page, saying that they have read an article; and of those who agreed
    that opens are counted, an open or a followed link that was likely a person's. Those who
    are kept off the list are left alone.
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
            ~_heard_of(None),
        )
    ).all()
    for id_ in ids:
        leave(connection, id_, now=now, way=way, by=by)
    return len(ids)


def _heard_of(since: dt.datetime | None) -> ColumnElement[bool]:
    """The condition that a subscriber gave a sign of life; None: since they were asked."""
    begin = reconfirm_request.c.asked_at if since is None else since
    return or_(
        exists().where(consent.c.subscriber_id == subscriber.c.id, consent.c.confirmed_at >= begin),
        exists().where(
            preference.c.subscriber_id == subscriber.c.id, preference.c.seen_at >= begin
        ),
        exists().where(
            audit.c.subscriber_id == subscriber.c.id,
            audit.c.by == THEMSELVES,
            audit.c.at >= begin,
        ),
        subscriber.c.id.in_(_since(has_read, since)),
        agreed()
        & or_(
            *(
                subscriber.c.id.in_(_since(table, since).where(table.c["class"] == _HUMAN))
                for table in (opened, clicked)
            )
        ),
    )


def _since(table: Table, since: dt.datetime | None) -> Select[int]:
    """Who did something on that day or later; days are all that these tables hold.

    It is worked out once for everybody: there is no index by subscriber.
    """
    who = select(table.c.subscriber_id)
    if since is not None:
        return who.where(table.c.day >= since.date())
    asked = reconfirm_request.alias("asked")
    return who.join(asked, asked.c.subscriber_id == table.c.subscriber_id).where(
        table.c.day >= func.date(asked.c.asked_at, type_=Date)
    )
