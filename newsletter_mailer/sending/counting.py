"""How far a campaign is: its deliveries, counted."""

from dataclasses import dataclass

from sqlalchemy import Connection, exists, func, select

from newsletter_mailer.store.tables import batch, delivery


@dataclass(frozen=True, slots=True)
class Counts:
    """How many deliveries of a campaign stand where. Their sum is the frozen audience."""

    pending: int = 0
    sending: int = 0
    deferred: int = 0
    sent: int = 0
    failed: int = 0
    suppressed: int = 0
    in_doubt: int = 0
    skipped: int = 0

    @property
    def all(self) -> int:
        """Everyone in the frozen audience."""
        return self.open + self.settled

    @property
    def open(self) -> int:
        """Those with whom something still happens."""
        return self.pending + self.sending + self.deferred

    @property
    def settled(self) -> int:
        """Those of whom the ledger says how it ended, were it only that nobody knows."""
        return self.sent + self.failed + self.suppressed + self.in_doubt + self.skipped


def count(connection: Connection, campaign_id: int) -> Counts:
    """The counts of a campaign."""
    rows = connection.execute(
        select(delivery.c.status, func.count().label("number"))
        .where(delivery.c.campaign_id == campaign_id)
        .group_by(delivery.c.status)
    )
    return Counts(**{row.status: row.number for row in rows})


def count_settled(connection: Connection, campaign_id: int) -> int:
    """How many deliveries have ended; at once where nobody has taken a batch yet."""
    begun = exists().where(batch.c.campaign_id == campaign_id, batch.c.epoch > 0)
    return count(connection, campaign_id).settled if connection.scalar(select(begun)) else 0


def count_by_error(connection: Connection, campaign_id: int) -> list[tuple[str, str, str, int]]:
    """What went wrong, most frequent first: status, code, words, and how often."""
    number = func.count().label("number")
    rows = connection.execute(
        select(delivery.c.status, delivery.c.code, func.min(delivery.c.error), number)
        .where(
            delivery.c.campaign_id == campaign_id,
            delivery.c.status.in_(("failed", "deferred", "in_doubt")),
        )
        .group_by(delivery.c.status, delivery.c.code)
        .order_by(number.desc(), delivery.c.status, delivery.c.code)
    )
    return [(status, code, error, times) for status, code, error, times in rows]


def failures(
    connection: Connection, campaign_id: int, most: int | None = None
) -> list[tuple[str, str]]:
    """The addresses whose delivery failed, each with the reason; only the first `most`."""
    found = (
        select(delivery.c.email, delivery.c.error)
        .where(delivery.c.campaign_id == campaign_id, delivery.c.status == "failed")
        .order_by(delivery.c.subscriber_id)
        .limit(most)
    )
    return [(email, error) for email, error in connection.execute(found)]
