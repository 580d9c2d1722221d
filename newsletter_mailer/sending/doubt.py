"""Deliveries in doubt: listed, and settled by somebody who knows or decides.

The program never settles one by a guess.
"""

import datetime as dt
from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import Connection, select, update

from newsletter_mailer.errors import UsageError
from newsletter_mailer.sending import batches, control
from newsletter_mailer.sending.transitions import BatchStep, DeliveryStep, may, taking
from newsletter_mailer.store.tables import batch, delivery


class Settlement(StrEnum):
    """What an operator decides about letters in doubt."""

    SENT = "sent"
    FAILED = "failed"
    RESEND = "resend"
    SKIP = "skip"


_STEPS = {
    Settlement.SENT: DeliveryStep.SETTLE_SENT,
    Settlement.FAILED: DeliveryStep.SETTLE_FAILED,
    Settlement.RESEND: DeliveryStep.SETTLE_RESEND,
    Settlement.SKIP: DeliveryStep.SETTLE_SKIP,
}


@dataclass(frozen=True, slots=True)
class Doubtful:
    """A delivery of which nobody knows whether it arrived."""

    subscriber_id: int
    email: str
    since: dt.datetime | None
    error: str


def in_doubt(connection: Connection, campaign_id: int) -> list[Doubtful]:
    """The deliveries of a campaign that are in doubt."""
    rows = connection.execute(
        select(delivery.c.subscriber_id, delivery.c.email, delivery.c.settled_at, delivery.c.error)
        .where(delivery.c.campaign_id == campaign_id, delivery.c.status == "in_doubt")
        .order_by(delivery.c.subscriber_id)
    )
    return [Doubtful(*row) for row in rows]


def settle(
    connection: Connection,
    campaign_id: int,
    how: Settlement,
    now: dt.datetime,
    *,
    emails: Collection[str] = (),
    by: str,
) -> int:
    """Settle those in doubt, or of them only those with these addresses; how many there were.

    `resend` makes them pending again, and opens their batches and the campaign: some of
    them may get it a second time, which is why a person has to ask for it.

    Raises:
        UsageError: `resend`, and the campaign was cancelled.
    """
    state = control.state_held(connection, campaign_id, alone=True)
    if how is Settlement.RESEND and state == "cancelled":
        raise UsageError(
            "The campaign was cancelled, so nothing of it is sent again. Settle these as sent, "
            "failed or skip; who was skipped can get the issue in another campaign."
        )
    step = _STEPS[how]
    chosen = [delivery.c.campaign_id == campaign_id, may(step)]
    if emails:
        chosen.append(delivery.c.email.in_(list(emails)))
    if how is Settlement.RESEND:
        numbers = connection.scalars(select(delivery.c.batch).where(*chosen).distinct()).all()
        batches.keep(connection, campaign_id, *numbers)
        connection.execute(
            update(batch)
            .where(
                batch.c.campaign_id == campaign_id,
                batch.c.number.in_(numbers),
                batch.c.state == "done",
                may(BatchStep.REOPEN),
            )
            .values(taking(BatchStep.REOPEN))
        )
        control.reopen(connection, campaign_id)
    done = connection.execute(
        update(delivery)
        .where(*chosen)
        .values(
            taking(step)
            | {
                "error": f"settled by {by} as {how}",
                "settled_at": None if how is Settlement.RESEND else now,
            }
        )
    )
    return done.rowcount
