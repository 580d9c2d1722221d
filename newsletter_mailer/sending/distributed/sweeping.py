"""Sweeping: every batch that could go has somebody who is woken up for it.

Jobs get lost: their worker stops or dies, a retry comes due, a campaign is resumed. Here the
ledger says what there is to do, and the queue is brought into line with it.
"""

import datetime as dt
from collections.abc import Callable

from sqlalchemy import Connection, Engine, and_, or_, select

from newsletter_mailer.sending import control
from newsletter_mailer.sending.distributed.queue import jobs_under_way, wake_for, workers_alive
from newsletter_mailer.store.engine import writing
from newsletter_mailer.store.tables import batch, campaign

_SPARE = 2
"""Jobs more than there are workers alive: one of those may be new."""


def sweep(
    engine: Engine, opens: Callable[[dt.datetime], dt.datetime], now: dt.datetime, stall: float
) -> int:
    """Wake workers up for campaigns that could go on and for which too few jobs are there.

    Outside office hours, before `opens`, nobody is woken. Campaigns whose time has come are
    started, and those that have nothing left to do are closed. Returns how many jobs were added.
    """
    added = 0
    with writing(engine) as connection:
        for number in connection.scalars(
            select(campaign.c.id)
            .where(campaign.c.state.in_(("scheduled", "sending")))
            .order_by(campaign.c.id)
        ).all():
            control.start(connection, number, now)
            if control.state_of(connection, number) != "sending":
                continue
            control.finish(connection, number, now)
            if opens(now) <= now:
                added += wake(connection, number, now, stall)
    return added


def free_batches(
    connection: Connection, campaign_id: int, now: dt.datetime, most: int
) -> list[int]:
    """Batches that could be taken at this moment, the first `most`."""
    due = or_(batch.c.next_at.is_(None), batch.c.next_at <= now)
    free = or_(
        and_(batch.c.state == "ready", due),
        and_(batch.c.state == "running", batch.c.lease_until < now),
    )
    return list(
        connection.scalars(
            select(batch.c.number)
            .where(batch.c.campaign_id == campaign_id, free)
            .order_by(batch.c.number)
            .limit(most)
        )
    )


def open_batches(connection: Connection, campaign_id: int) -> list[int]:
    """The batches of a campaign that are not done."""
    return list(
        connection.scalars(
            select(batch.c.number)
            .where(batch.c.campaign_id == campaign_id, batch.c.state != "done")
            .order_by(batch.c.number)
        )
    )


def wake(connection: Connection, campaign_id: int, now: dt.datetime, stall: float) -> int:
    """Add as many jobs as there could be workers for, of a campaign under way; how many."""
    wanted = workers_alive(connection, stall) + _SPARE - jobs_under_way(connection, campaign_id)
    if wanted <= 0:
        return 0
    numbers = free_batches(connection, campaign_id, now, wanted)
    wake_for(connection, campaign_id, numbers)
    return len(numbers)
