"""Joining: asking for the newsletter, and confirming it from the address itself.

Whoever asks learns nothing of whether the address is known: the owner gets a mail that
says so. Nothing that is known of anybody changes before they confirm.
"""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from sqlalchemy import Connection, Row, delete, insert, select, update

from newsletter_mailer.audience import states
from newsletter_mailer.audience.audit import THEMSELVES, record
from newsletter_mailer.audience.consent import Kind, decide, prefer, words
from newsletter_mailer.audience.erased import forget_erasure
from newsletter_mailer.audience.notices import queue
from newsletter_mailer.audience.states import SubscriberStep
from newsletter_mailer.audience.subscriber import ACTIVE, UNSUBSCRIBED
from newsletter_mailer.mailbox import address_key
from newsletter_mailer.store.tables import subscriber, suppression
from newsletter_mailer.store.web_tables import signup

GOOD_FOR = dt.timedelta(days=7)
REMIND_AFTER = dt.timedelta(days=3)
A_DAY = dt.timedelta(days=1)
APART = dt.timedelta(minutes=10)
"""Between two mails to one address that somebody types in."""

AGAIN_APART = dt.timedelta(minutes=1)
"""Between two, where somebody says that the first has not come."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What somebody typed in. `network` is a keyed hash, `wording` a version of `consent`."""

    email: str
    name: str
    agency: str
    role: str
    tracking: bool
    wording: str
    network: str


class Joined(Enum):
    """What came of a link that confirms."""

    CONFIRMED = "confirmed"
    BEFORE = "confirmed before"
    EXPIRED = "expired"
    UNKNOWN = "unknown"


def ask(
    connection: Connection,
    wish: Wish,
    *,
    nonce: str,
    now: dt.datetime,
    most_a_day: int,
    again: bool = False,
) -> None:
    """Take down a wish, and queue the mail that lets the owner of the address confirm it.

    An address gets a mail at most every ten minutes (every minute with `again`), and
    `most_a_day`. Somebody who complained, or whom the office keeps off the list, gets none.
    """
    key = address_key(wish.email)
    known = connection.execute(
        select(subscriber.c.id, subscriber.c.status).where(subscriber.c.email_key == key)
    ).one_or_none()
    before = connection.execute(select(signup).where(signup.c.email_key == key)).one_or_none()
    if kept_off(connection, key) or (before and _too_soon(before, now, most_a_day, again=again)):
        return
    if known is None:
        connection.execute(insert(subscriber).values(_new(wish, key, now)))
    fresh = before is None or now - before.asked_at >= A_DAY
    values = {
        "email_key": key,
        "email": wish.email,
        "name": wish.name,
        "agency": wish.agency,
        "role": wish.role,
        "tracking": wish.tracking,
        "wording": wish.wording,
        "network": wish.network,
        "nonce": nonce,
        "asked_at": now if before is None or fresh else before.asked_at,
        "expires_at": now + GOOD_FOR,
        "mailed_at": now,
        "mails": 1 if before is None or fresh else before.mails + 1,
        "confirmed_at": None,
    }
    if before is None:
        made = connection.execute(insert(signup).values(values)).inserted_primary_key
        signup_id: int = made[0] if made else 0
    else:
        connection.execute(update(signup).where(signup.c.id == before.id).values(values))
        signup_id = before.id
    if known is not None and known.status == ACTIVE:
        queue(connection, "already", wish.email, "", {"subscriber": known.id}, due_at=now)
        return
    details: dict[str, int | str] = {"signup": signup_id, "nonce": nonce}
    queue(connection, "confirm", wish.email, wish.name, details, due_at=now)
    if known is None or known.status != UNSUBSCRIBED:  # who left is not asked a second time
        queue(connection, "reminder", wish.email, wish.name, details, due_at=now + REMIND_AFTER)


def kept_off(connection: Connection, email_key: str) -> bool:
    """Whether an address gets no mail of any kind: its owner complained, or the office says so."""
    found = select(suppression.c.reason).where(
        suppression.c.email_key == email_key, suppression.c.reason != "bounce"
    )
    return connection.scalar(found) is not None


def waiting(connection: Connection, signup_id: int, nonce: str) -> Row[tuple[object, ...]] | None:
    """The wish that a link confirms; None where a newer link, or none, has taken its place."""
    return connection.execute(
        select(signup).where(signup.c.id == signup_id, signup.c.nonce == nonce)
    ).one_or_none()


def look(connection: Connection, signup_id: int, nonce: str, now: dt.datetime) -> Joined:
    """What pressing the button behind a link would come to. Changes nothing."""
    row = waiting(connection, signup_id, nonce)
    if row is None:
        return Joined.UNKNOWN
    if row.confirmed_at is not None:
        return Joined.BEFORE
    return Joined.EXPIRED if row.expires_at <= now else Joined.CONFIRMED


def confirm(
    connection: Connection,
    signup_id: int,
    nonce: str,
    *,
    office: str,
    keys: Sequence[str],
    now: dt.datetime,
) -> tuple[Joined, int]:
    """Subscribe whoever pressed the button; also the subscriber's number, 0 for nobody.

    The address has just shown that mail reaches it, so a bounce is forgiven; so is an
    erasure, since its owner asks anew. `keys` are the signing keys.
    """
    found = look(connection, signup_id, nonce, now)
    row = waiting(connection, signup_id, nonce)
    if row is None or found is not Joined.CONFIRMED:
        return found, 0
    details = {"name": row.name, "agency": row.agency, "role": row.role}
    whose = subscriber.c.email_key == row.email_key
    id_ = connection.scalar(select(subscriber.c.id).where(whose))
    if id_ is None:
        wish = Wish(row.email, row.name, row.agency, row.role, row.tracking, "", "")
        made = connection.execute(insert(subscriber).values(_new(wish, row.email_key, now)))
        id_ = made.inserted_primary_key[0] if made.inserted_primary_key else 0
    states.take(connection, id_, SubscriberStep.CONFIRM, now, **details)
    shown = words(office, row.wording)
    for kind in (Kind.NEWSLETTER, Kind.TRACKING) if row.tracking else (Kind.NEWSLETTER,):
        decide(
            connection,
            id_,
            kind,
            True,
            shown,
            source="sign-up page",
            now=row.asked_at,
            network=row.network,
            confirmed_at=now,
        )
    prefer(connection, id_, tracking=row.tracking, paused_until=None, seen_at=now)
    connection.execute(update(signup).where(signup.c.id == row.id).values(confirmed_at=now))
    connection.execute(
        delete(suppression).where(
            suppression.c.email_key == row.email_key, suppression.c.reason == "bounce"
        )
    )
    forget_erasure(connection, row.email_key, keys)
    record(connection, id_, "signed up and confirmed", "web", THEMSELVES, now)
    return Joined.CONFIRMED, id_


def ask_again(connection: Connection, signup_id: int, *, nonce: str, now: dt.datetime) -> None:
    """Send a new link in the place of one that has expired, as its own button asks."""
    row = connection.execute(select(signup).where(signup.c.id == signup_id)).one_or_none()
    if row is None or row.confirmed_at is not None or now - row.mailed_at < AGAIN_APART:
        return
    connection.execute(
        update(signup)
        .where(signup.c.id == signup_id)
        .values(nonce=nonce, mailed_at=now, expires_at=now + GOOD_FOR, mails=row.mails + 1)
    )
    details: dict[str, int | str] = {"signup": signup_id, "nonce": nonce}
    queue(connection, "confirm", row.email, row.name, details, due_at=now)


def _too_soon(
    before: Row[tuple[object, ...]], now: dt.datetime, most_a_day: int, *, again: bool
) -> bool:
    apart = AGAIN_APART if again else APART
    if now - before.mailed_at < apart and before.confirmed_at is None:
        return True
    return bool(before.mails >= most_a_day and now - before.asked_at < A_DAY)


def _new(wish: Wish, key: str, now: dt.datetime) -> dict[str, object]:
    return {
        "email": wish.email,
        "email_key": key,
        "name": wish.name,
        "agency": wish.agency,
        "role": wish.role,
        "status": states.BORN["sign-up"],
        "source": "sign-up",
        "created_at": now,
        "changed_at": now,
    }
