"""The ledger: one delivery a subscriber and campaign, and the only places that move it.

A delivery is `pending`; claiming makes it `sending`, or `suppressed` where its reader has
left since; a receipt makes it `sent` or `failed`. What was `sending` when a process died
becomes `sent` where the transport has taken it, else `pending` again.
"""

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, bindparam, func, select, update

from newsletter_mailer.sending.transports.contract import Outcome, Receipt
from newsletter_mailer.store.tables import batch, campaign, delivery, subscriber

GROUP = 50
"""Deliveries claimed by one durable write. Larger is faster, smaller leaves less to settle."""

_STATUS = {Outcome.ACCEPTED: "sent", Outcome.REJECTED: "failed"}


@dataclass(frozen=True, slots=True)
class Delivery:
    """A claimed delivery: whom it goes to, and in which variant."""

    subscriber_id: int
    variant: str
    email: str
    name: str
    agency: str


@dataclass(frozen=True, slots=True)
class Counts:
    """How many deliveries of a campaign stand where. Their sum is the audience."""

    pending: int = 0
    sending: int = 0
    sent: int = 0
    failed: int = 0
    suppressed: int = 0

    @property
    def all(self) -> int:
        """Everyone in the frozen audience."""
        return self.pending + self.sending + self.settled

    @property
    def settled(self) -> int:
        """Those whose fate is known."""
        return self.sent + self.failed + self.suppressed


def open_batches(connection: Connection, campaign_id: int) -> list[int]:
    """The numbers of the batches that are not done."""
    found = select(batch.c.number).where(
        batch.c.campaign_id == campaign_id, batch.c.state != "done"
    )
    return list(connection.scalars(found.order_by(batch.c.number)))


@dataclass(frozen=True, slots=True)
class Claim:
    """A group to be sent, empty when its batch is through, and how many were suppressed."""

    group: tuple[Delivery, ...]
    suppressed: int


def claim(connection: Connection, campaign_id: int, number: int, now: dt.datetime) -> Claim:
    """Mark the next group of a batch `sending`.

    Readers who have left since the campaign was frozen are marked `suppressed` instead.
    The caller commits before anything is sent.
    """
    suppressed = 0
    while True:
        rows = connection.execute(
            select(
                delivery.c.subscriber_id,
                delivery.c.variant,
                delivery.c.email,
                delivery.c.name,
                delivery.c.agency,
                subscriber.c.status.label("now"),
            )
            .outerjoin(subscriber, subscriber.c.id == delivery.c.subscriber_id)
            .where(
                delivery.c.campaign_id == campaign_id,
                delivery.c.batch == number,
                delivery.c.status == "pending",
            )
            .order_by(delivery.c.subscriber_id)
            .limit(GROUP)
        ).all()
        gone = [row.subscriber_id for row in rows if row.now != "active"]
        here = [row for row in rows if row.now == "active"]
        _move(
            connection, campaign_id, gone, "suppressed", now, "left after the campaign was frozen"
        )
        _move(connection, campaign_id, [row.subscriber_id for row in here], "sending", None)
        suppressed += len(gone)
        if here or not rows:
            break
    state = "running" if here else "done"
    connection.execute(
        update(batch)
        .where(batch.c.campaign_id == campaign_id, batch.c.number == number)
        .values(state=state)
    )
    group = (Delivery(r.subscriber_id, r.variant, r.email, r.name, r.agency) for r in here)
    return Claim(tuple(group), suppressed)


def settle(
    connection: Connection, campaign_id: int, receipts: Sequence[Receipt], now: dt.datetime
) -> None:
    """Write down what became of deliveries that were `sending`."""
    if receipts:
        connection.execute(
            update(delivery)
            .where(
                delivery.c.campaign_id == campaign_id,
                delivery.c.subscriber_id == bindparam("subscriber"),
                delivery.c.status == "sending",
            )
            .values(
                status=bindparam("becomes"),
                error=bindparam("reason"),
                attempts=delivery.c.attempts + 1,
                settled_at=now,
            ),
            [
                {"subscriber": r.subscriber_id, "becomes": _STATUS[r.outcome], "reason": r.detail}
                for r in receipts
            ],
        )


def unsettled(connection: Connection, campaign_id: int) -> list[int]:
    """The deliveries left `sending` by a process that died."""
    found = select(delivery.c.subscriber_id).where(
        delivery.c.campaign_id == campaign_id, delivery.c.status == "sending"
    )
    return list(connection.scalars(found))


def release(connection: Connection, campaign_id: int, subscriber_ids: Iterable[int]) -> None:
    """Make deliveries `pending` again that were `sending` and surely have not left."""
    _move(connection, campaign_id, list(subscriber_ids), "pending", None)


def finish(connection: Connection, campaign_id: int, now: dt.datetime) -> bool:
    """Close a campaign if nothing is open; True when it is closed."""
    counts = count(connection, campaign_id)
    if counts.settled != counts.all:
        return False
    connection.execute(
        update(campaign)
        .where(campaign.c.id == campaign_id, campaign.c.state != "done")
        .values(state="done", finished_at=now)
    )
    return True


def count(connection: Connection, campaign_id: int) -> Counts:
    """The counts of a campaign."""
    rows = connection.execute(
        select(delivery.c.status, func.count().label("number"))
        .where(delivery.c.campaign_id == campaign_id)
        .group_by(delivery.c.status)
    )
    return Counts(**{row.status: row.number for row in rows})


def count_by_agency(connection: Connection, campaign_id: int) -> dict[str, int]:
    """How many readers of each agency are in the frozen audience."""
    rows = connection.execute(
        select(delivery.c.agency, func.count().label("number"))
        .where(delivery.c.campaign_id == campaign_id)
        .group_by(delivery.c.agency)
    )
    return {row.agency: row.number for row in rows}


def failures(connection: Connection, campaign_id: int) -> list[tuple[str, str]]:
    """The addresses whose delivery failed, each with the reason."""
    found = select(delivery.c.email, delivery.c.error).where(
        delivery.c.campaign_id == campaign_id, delivery.c.status == "failed"
    )
    return [(email, error) for email, error in connection.execute(found)]


def _move(  # noqa: PLR0917
    connection: Connection,
    campaign_id: int,
    subscriber_ids: list[int],
    status: str,
    settled_at: dt.datetime | None,
    error: str = "",
) -> None:
    if subscriber_ids:
        connection.execute(
            update(delivery)
            .where(
                delivery.c.campaign_id == campaign_id,
                delivery.c.subscriber_id.in_(subscriber_ids),
            )
            .values(status=status, settled_at=settled_at, error=error)
        )
