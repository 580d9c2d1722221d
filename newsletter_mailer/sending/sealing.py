"""Taking people out of the ledger, so that nothing names them and every count still adds up.

A delivery stays as it is but for the name, the address, and a server's words that repeat
them. The hash of the frozen audience is over the addresses, so it cannot hold any longer.
Where it held until then, it is worked out anew and both are kept: the certificate says how
many people were taken out, and still finds a change that was made outside the program.
"""

import datetime as dt
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, insert, select, update

from newsletter_mailer.sending.recipients import audience_hash
from newsletter_mailer.sending.transitions import DeliveryStep, may, taking
from newsletter_mailer.store.office_tables import audience_seal
from newsletter_mailer.store.tables import campaign, delivery

ERASED = "(erased)"
"""Stands where an address stood."""

WORDS_ERASED = "the server's words named the person, and were erased with them"

_AT_ONCE = 500

Entry = Row[*tuple[Any, ...]]
"""A delivery's row."""


@dataclass(frozen=True, slots=True)
class Erasures:
    """How many people were taken out of a campaign's ledger, and the hash as it was frozen.

    `unbroken` says that each hash follows on from the one before.
    """

    people: int
    hash_when_frozen: str
    unbroken: bool


def take_out(connection: Connection, subscriber_ids: Collection[int], *, now: dt.datetime) -> None:
    """Take these people out of every campaign's ledger.

    Letters that have not left are suppressed. One that is on its way at this moment keeps
    its address, which its sender may still need: `newsletter tidy` sees to it later.
    """
    ids = sorted(subscriber_ids)
    for campaign_id in connection.scalars(select(campaign.c.id)).all():
        rows = [
            row
            for begin in range(0, len(ids), _AT_ONCE)
            for row in connection.execute(
                _ENTRIES.where(
                    delivery.c.campaign_id == campaign_id,
                    delivery.c.subscriber_id.in_(ids[begin : begin + _AT_ONCE]),
                )
            )
        ]
        if rows:
            take_out_of(connection, campaign_id, rows, now=now)


_ENTRIES = select(
    delivery.c.campaign_id,
    delivery.c.subscriber_id,
    delivery.c.email,
    delivery.c.name,
    delivery.c.error,
).where(delivery.c.email != ERASED, delivery.c.status != "sending")


def take_out_of(
    connection: Connection, campaign_id: int, rows: Collection[Entry], *, now: dt.datetime
) -> None:
    """Take these entries out of one campaign's ledger, and seal its audience anew."""
    frozen = connection.scalar(select(campaign.c.audience_hash).where(campaign.c.id == campaign_id))
    held = bool(frozen) and audience_hash(connection, campaign_id) == frozen
    for row in rows:
        whose = (
            delivery.c.campaign_id == campaign_id,
            delivery.c.subscriber_id == row.subscriber_id,
        )
        connection.execute(
            update(delivery)
            .where(*whose, may(DeliveryStep.SUPPRESS))
            .values(
                taking(DeliveryStep.SUPPRESS)
                | {"settled_at": now, "error": "left after the campaign was frozen"}
            )
        )
        words = {"error": WORDS_ERASED} if _named(row) else {}
        connection.execute(
            update(delivery)
            .where(*whose)
            .values({"email": ERASED, "name": "", "provider_id": ""} | words)
        )
    if held:
        seal(connection, campaign_id, str(frozen), len(rows), now)


def seal(
    connection: Connection, campaign_id: int, before: str, people: int, now: dt.datetime
) -> None:
    """Work out the hash of a campaign's audience anew, and keep the one that held before."""
    after = audience_hash(connection, campaign_id)
    connection.execute(
        insert(audience_seal).values(
            campaign_id=campaign_id, people=people, hash_before=before, hash_after=after, at=now
        )
    )
    connection.execute(
        update(campaign).where(campaign.c.id == campaign_id).values(audience_hash=after)
    )


def _named(entry: Entry) -> bool:
    """Whether what a server said of a letter names its reader."""
    if entry.error.startswith("settled by "):
        return False  # our own words, which name an operator
    words = entry.error.casefold()
    local = entry.email.partition("@")[0]
    return any(part.casefold() in words for part in (entry.email, local, entry.name) if part)


def erasures_in(connection: Connection, campaign_id: int) -> Erasures | None:
    """What was taken out of a campaign's ledger since it was frozen; None where nothing was."""
    seals = connection.execute(
        select(audience_seal)
        .where(audience_seal.c.campaign_id == campaign_id)
        .order_by(audience_seal.c.id)
    ).all()
    if not seals:
        return None
    last = connection.scalar(select(campaign.c.audience_hash).where(campaign.c.id == campaign_id))
    befores = [*(seal.hash_before for seal in seals[1:]), last]
    return Erasures(
        sum(seal.people for seal in seals),
        seals[0].hash_before,
        all(seal.hash_after == before for seal, before in zip(seals, befores, strict=True)),
    )
