"""Addresses whose domain belongs to other agencies than the one that was chosen."""

import datetime as dt
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from sqlalchemy import Connection, delete, insert, select

from newsletter_mailer.audience.audit import record
from newsletter_mailer.audience.subscriber import ACTIVE
from newsletter_mailer.reading.agencies import Registry
from newsletter_mailer.store.office_tables import agency_confirmed
from newsletter_mailer.store.tables import subscriber

_PAGE = 5_000


@dataclass(frozen=True, slots=True)
class Mismatch:
    """A subscriber at an agency that their domain does not suggest, and those that it does."""

    subscriber_id: int
    email: str
    name: str
    agency: str
    suggested: tuple[str, ...]


class Domains:
    """Which agencies the domain of an address suggests."""

    def __init__(self, registry: Registry) -> None:
        known: dict[str, list[str]] = {}
        for agency in registry.agencies:
            for domain in agency.domains:
                known.setdefault(domain.casefold(), []).append(agency.id)
        self._known: Mapping[str, tuple[str, ...]] = {d: tuple(ids) for d, ids in known.items()}

    def suggest(self, email: str) -> tuple[str, ...]:
        """The agencies of the address's domain, or of the nearest one above that has any."""
        labels = email.rpartition("@")[2].casefold().split(".")
        for at in range(len(labels) - 1):
            found = self._known.get(".".join(labels[at:]))
            if found:
                return found
        return ()


def mismatches(connection: Connection, registry: Registry) -> Iterator[Mismatch]:
    """The queue, the oldest subscriber first: active people nobody has said it is right of.

    They are read in pages, so memory does not grow with their number.
    """
    domains = Domains(registry)
    columns = (subscriber.c.id, subscriber.c.email, subscriber.c.name, subscriber.c.agency)
    statement = (
        select(*columns, agency_confirmed.c.agency.label("right"))
        .outerjoin(agency_confirmed, agency_confirmed.c.subscriber_id == subscriber.c.id)
        .where(subscriber.c.status == ACTIVE)
        .order_by(subscriber.c.id)
        .limit(_PAGE)
    )
    last = 0
    while rows := connection.execute(statement.where(subscriber.c.id > last)).all():
        for row in rows:
            suggested = domains.suggest(row.email)
            if suggested and row.agency not in suggested and row.right != row.agency:
                yield Mismatch(row.id, row.email, row.name, row.agency, suggested)
        last = rows[-1].id


def keep(connection: Connection, subscriber_id: int, *, way: str, by: str, now: dt.datetime) -> str:
    """Say that somebody's agency is right as it is, until it changes; its id."""
    agency: str = connection.execute(
        select(subscriber.c.agency).where(subscriber.c.id == subscriber_id)
    ).scalar_one()
    connection.execute(
        delete(agency_confirmed).where(agency_confirmed.c.subscriber_id == subscriber_id)
    )
    connection.execute(
        insert(agency_confirmed).values(subscriber_id=subscriber_id, agency=agency, by=by, at=now)
    )
    record(connection, subscriber_id, f"agency {agency} looked at, and right", way, by, now)
    return agency
