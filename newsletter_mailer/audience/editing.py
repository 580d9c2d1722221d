"""What the office changes of single people: adding, moving to an agency, keeping off the list."""

import datetime as dt
from collections.abc import Sequence
from enum import Enum

from sqlalchemy import Connection, delete, insert, select, update

from newsletter_mailer.audience.audit import record
from newsletter_mailer.audience.candidate import Candidate
from newsletter_mailer.audience.consent import Kind, Shown, decide
from newsletter_mailer.audience.erased import erased_among, forget_erasure
from newsletter_mailer.audience.subscriber import ACTIVE
from newsletter_mailer.store.tables import subscriber, suppression

_BY_HAND = "office"
"""Where a person's row and their consent came from, and the version of the words."""


class Added(Enum):
    """What came of adding somebody, and why it was not done."""

    DONE = "added"
    KNOWN = "on the list already"
    LEFT = "left the list"
    ERASED = "left, and was erased"
    KEPT_OFF = "kept off the list"


def add(
    connection: Connection,
    person: Candidate,
    consent: str,
    *,
    keys: Sequence[str],
    way: str,
    by: str,
    now: dt.datetime,
) -> Added:
    """Add somebody who agreed in another way than on the sign-up page.

    `consent` says how, in the office's words; it is kept with the record. Nobody who left,
    was erased or is kept off the list is brought back: they can sign up themselves.
    """
    known = connection.scalar(
        select(subscriber.c.status).where(subscriber.c.email_key == person.key)
    )
    if known is not None:
        return Added.LEFT if known == "unsubscribed" else Added.KNOWN
    if erased_among(connection, [person.key], keys):
        return Added.ERASED
    if kept_off(connection, person.key):
        return Added.KEPT_OFF
    id_: int = connection.execute(
        insert(subscriber)
        .values(
            email=person.email,
            email_key=person.key,
            name=person.name,
            agency=person.agency,
            role=person.role,
            status=ACTIVE,
            source=_BY_HAND,
            created_at=now,
            changed_at=now,
        )
        .returning(subscriber.c.id)
    ).scalar_one()
    shown = Shown(_BY_HAND, consent, "")
    decide(
        connection,
        id_,
        Kind.NEWSLETTER,
        True,
        shown,
        source=_BY_HAND,
        now=now,
        confirmed_at=now,
    )
    record(connection, id_, "added", way, by, now)
    return Added.DONE


def move(
    connection: Connection, subscriber_id: int, agency: str, *, way: str, by: str, now: dt.datetime
) -> str:
    """Move a subscriber to an agency of the registry; the id of the one they were in.

    Moved to where they are, nothing changes and nothing is written down.
    """
    before: str = connection.execute(
        select(subscriber.c.agency).where(subscriber.c.id == subscriber_id)
    ).scalar_one()
    if before != agency:
        connection.execute(
            update(subscriber)
            .where(subscriber.c.id == subscriber_id)
            .values(agency=agency, changed_at=now)
        )
        record(connection, subscriber_id, f"agency: {before} to {agency}", way, by, now)
    return before


def kept_off(connection: Connection, email_key: str) -> str | None:
    """Why an address gets nothing, whoever asks: bounce, complaint or office."""
    return connection.scalar(
        select(suppression.c.reason).where(suppression.c.email_key == email_key)
    )


def suppress(
    connection: Connection, email_key: str, words: str, *, way: str, by: str, now: dt.datetime
) -> bool:
    """Keep an address from getting anything; False if it was kept off before.

    It need not be on the list. `words` say why, for the office itself.
    """
    if kept_off(connection, email_key):
        return False
    connection.execute(
        insert(suppression).values(email_key=email_key, reason="office", detail=words, since=now)
    )
    _note(connection, email_key, "kept off the list", way=way, by=by, now=now)
    return True


def lift(
    connection: Connection,
    email_key: str,
    *,
    keys: Sequence[str],
    way: str,
    by: str,
    now: dt.datetime,
) -> str | None:
    """Let an address get mail again; what held it back, None for nothing.

    That of a complaint is never lifted: its owner told their provider, and not the office.
    """
    reason = kept_off(connection, email_key)
    if reason == "complaint":
        return reason
    if reason:
        connection.execute(delete(suppression).where(suppression.c.email_key == email_key))
        _note(connection, email_key, f"no longer kept off for {reason}", way=way, by=by, now=now)
        return reason
    return "erased" if forget_erasure(connection, email_key, keys) else None


def _note(
    connection: Connection, email_key: str, change: str, *, way: str, by: str, now: dt.datetime
) -> None:
    id_ = connection.scalar(select(subscriber.c.id).where(subscriber.c.email_key == email_key))
    if id_ is not None:
        record(connection, id_, change, way, by, now)
