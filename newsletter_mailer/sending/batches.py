"""Batches: who works on which, under a lease, with a fence against those who lost theirs."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, and_, bindparam, func, or_, select, update

from newsletter_mailer.sending.transitions import BatchStep, DeliveryStep, may, taking
from newsletter_mailer.store.postgres import on_postgres
from newsletter_mailer.store.tables import batch, campaign, delivery


@dataclass(frozen=True, slots=True)
class Hold:
    """A batch that one owner works on. Whoever takes it later has a higher epoch."""

    campaign_id: int
    number: int
    epoch: int


def take(
    connection: Connection, campaign_id: int, owner: str, now: dt.datetime, lease: dt.timedelta
) -> Hold | None:
    """Take the next batch that is free: ready and due, or running with its lease run out.

    What its last owner left `sending` goes into doubt: only that owner could know more,
    and a mark of its own at the old epoch still counts. So that its journal can be asked
    later, its name is kept in `provider_id` meanwhile. None where no batch is free.
    """
    here = {"campaign": campaign_id, "now": now}
    found = connection.execute(_FREE, here | {"taker": owner}).one_or_none()
    if found is None:
        return None
    hold = Hold(campaign_id, found.number, found.epoch + 1)
    here["which"] = hold.number
    connection.execute(_TAKING, here | {"at": hold.epoch, "taker": owner, "until": now + lease})
    if found.epoch:  # else nobody has had it before
        connection.execute(_DOUBTING, here | {"holder": found.owner})
    return hold


def keep(connection: Connection, campaign_id: int, *numbers: int) -> None:
    """Keep batches to this transaction: others who would change them wait for its end.

    SQLite has one writer at a time anyway.
    """
    if on_postgres(connection):
        connection.execute(
            select(batch.c.number)
            .where(batch.c.campaign_id == campaign_id, batch.c.number.in_(numbers))
            .order_by(batch.c.number)
            .with_for_update()
        ).all()


def renew(connection: Connection, hold: Hold, now: dt.datetime, lease: dt.timedelta) -> bool:
    """Prolong the lease; False where somebody else has taken the batch since."""
    done = connection.execute(
        _RENEWING,
        {
            "campaign": hold.campaign_id,
            "which": hold.number,
            "at": hold.epoch,
            "until": now + lease,
        },
    )
    return done.rowcount == 1


def close(connection: Connection, hold: Hold) -> None:
    """Let go of a batch: done where nothing in it is open, else ready to be taken again."""
    keep(connection, hold.campaign_id, hold.number)
    here = {"campaign": hold.campaign_id, "which": hold.number}
    rows = connection.execute(_LEFT, here)
    left: Mapping[str, dt.datetime | None] = {row.status: row.next_try for row in rows}
    step = BatchStep.REOPEN if left else BatchStep.CLOSE
    waits = None if "pending" in left else left.get("deferred")
    connection.execute(_CLOSING[step], here | {"at": hold.epoch, "waits": waits})


def reopen(connection: Connection, hold: Hold) -> bool:
    """Have a batch looked at again that was closed, since letters of it came back.

    False where it was not closed: whoever works on it finds them.
    """
    keep(connection, hold.campaign_id, hold.number)
    done = connection.execute(
        update(batch)
        .where(*_of(hold), batch.c.state == "done", may(BatchStep.REOPEN))
        .values(taking(BatchStep.REOPEN) | {"owner": "", "lease_until": None})
    )
    return done.rowcount == 1


def next_due(connection: Connection, campaign_id: int, owner: str) -> dt.datetime | None:
    """When the next batch may be taken: at its retry, or when another's lease runs out.

    None where no batch waits.
    """
    due = func.coalesce(batch.c.next_at, batch.c.lease_until, campaign.c.frozen_at)
    found: dt.datetime | None = connection.scalar(
        select(due)
        .join(campaign, campaign.c.id == batch.c.campaign_id)
        .where(
            batch.c.campaign_id == campaign_id,
            batch.c.state != "done",
            batch.c.owner != owner,
        )
        .order_by(due)
        .limit(1)
    )
    return found


def _of(hold: Hold) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return batch.c.campaign_id == hold.campaign_id, batch.c.number == hold.number


# At each group or batch, and so put together once.
_THIS = (batch.c.campaign_id == bindparam("campaign"), batch.c.number == bindparam("which"))

_RENEWING = (
    update(batch)
    .where(*_THIS, batch.c.epoch == bindparam("at"), batch.c.state == "running")
    .values(lease_until=bindparam("until"))
)

_FREE = (
    select(batch.c.number, batch.c.epoch, batch.c.owner)
    .join(campaign, campaign.c.id == batch.c.campaign_id)
    .where(
        batch.c.campaign_id == bindparam("campaign"),
        campaign.c.state == "sending",
        or_(
            and_(
                batch.c.state == "ready",
                or_(batch.c.next_at.is_(None), batch.c.next_at <= bindparam("now")),
            ),
            # Never one's own: its lease seems to run out when the clock is put forward.
            and_(
                batch.c.state == "running",
                batch.c.lease_until < bindparam("now"),
                batch.c.owner != bindparam("taker"),
            ),
        ),
    )
    .order_by(batch.c.number)
    .limit(1)
    .with_for_update(skip_locked=True, of=batch)
)

_TAKING = (
    update(batch)
    .where(*_THIS, may(BatchStep.TAKE))
    .values(
        taking(BatchStep.TAKE)
        | {
            "epoch": bindparam("at"),
            "owner": bindparam("taker"),
            "lease_until": bindparam("until"),
            "next_at": None,
        }
    )
)

_DOUBTING = (
    update(delivery)
    .where(
        delivery.c.campaign_id == bindparam("campaign"),
        delivery.c.batch == bindparam("which"),
        may(DeliveryStep.DOUBT),
    )
    .values(
        taking(DeliveryStep.DOUBT)
        | {
            "settled_at": bindparam("now"),
            "error": "whoever was sending it was cut off",
            "provider_id": bindparam("holder"),
        }
    )
)

_LEFT = (
    select(delivery.c.status, func.min(delivery.c.next_try).label("next_try"))
    .where(
        delivery.c.campaign_id == bindparam("campaign"),
        delivery.c.batch == bindparam("which"),
        may(DeliveryStep.CLAIM),
    )
    .group_by(delivery.c.status)
)

_CLOSING = {
    step: update(batch)
    .where(*_THIS, batch.c.epoch == bindparam("at"), may(step))
    .values(taking(step) | {"owner": "", "lease_until": None, "next_at": bindparam("waits")})
    for step in (BatchStep.CLOSE, BatchStep.REOPEN)
}
