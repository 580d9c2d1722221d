"""What subscribers see and change of themselves, behind the link in each mail."""

import datetime as dt
from dataclasses import dataclass

from sqlalchemy import Connection, select, update

from newsletter_mailer.audience.audit import THEMSELVES, record
from newsletter_mailer.audience.consent import Kind, Shown, decide, prefer
from newsletter_mailer.audience.listing import COLUMNS
from newsletter_mailer.store.tables import subscriber
from newsletter_mailer.store.web_tables import preference

_WAY = "preferences page"


@dataclass(frozen=True, slots=True)
class Preferences:
    """A subscriber's own view of themselves."""

    id: int
    email: str
    name: str
    agency: str
    role: str
    status: str
    tracking: bool
    paused_until: dt.datetime | None


def find(connection: Connection, subscriber_id: int, now: dt.datetime) -> Preferences | None:
    """The preferences of a subscriber; None where nobody has this number. A past pause is none."""
    row = connection.execute(
        select(*COLUMNS, preference.c.tracking, preference.c.paused_until)
        .outerjoin(preference, preference.c.subscriber_id == subscriber.c.id)
        .where(subscriber.c.id == subscriber_id)
    ).one_or_none()
    if row is None:
        return None
    paused = row.paused_until if row.paused_until and row.paused_until > now else None
    return Preferences(
        row.id,
        row.email,
        row.name,
        row.agency,
        row.role,
        row.status,
        bool(row.tracking),
        paused,
    )


def change_name(
    connection: Connection, who: Preferences, name: str, role: str, now: dt.datetime
) -> None:
    """Write down a new name and role; both may be empty."""
    if (name, role) != (who.name, who.role):
        _change(connection, who.id, "name or role", now, name=name, role=role)


def change_agency(connection: Connection, who: Preferences, agency: str, now: dt.datetime) -> None:
    """Write down a new agency, an id of the registry."""
    if agency != who.agency:
        _change(connection, who.id, f"agency: {who.agency} to {agency}", now, agency=agency)


def choose_tracking(
    connection: Connection,
    who: Preferences,
    allowed: bool,
    shown: Shown,
    *,
    network: str,
    now: dt.datetime,
) -> None:
    """Give or withdraw consent to open tracking. It counts at once, for every mail ever sent."""
    if allowed != who.tracking:
        decide(
            connection,
            who.id,
            Kind.TRACKING,
            allowed,
            shown,
            source=_WAY,
            now=now,
            network=network,
            confirmed_at=now,
        )
        _note(connection, who.id, f"tracking {'allowed' if allowed else 'withdrawn'}", now)


def pause(
    connection: Connection, who: Preferences, until: dt.datetime | None, now: dt.datetime
) -> None:
    """Send nothing before this moment; None ends a pause."""
    if until != who.paused_until:
        prefer(connection, who.id, paused_until=until)
        _note(connection, who.id, f"paused until {until:%Y-%m-%d}" if until else "pause ended", now)


def _change(
    connection: Connection, subscriber_id: int, change: str, now: dt.datetime, **values: str
) -> None:
    connection.execute(
        update(subscriber).where(subscriber.c.id == subscriber_id).values(changed_at=now, **values)
    )
    _note(connection, subscriber_id, change, now)


def _note(connection: Connection, subscriber_id: int, change: str, now: dt.datetime) -> None:
    prefer(connection, subscriber_id, seen_at=now)
    record(connection, subscriber_id, change, _WAY, THEMSELVES, now)
