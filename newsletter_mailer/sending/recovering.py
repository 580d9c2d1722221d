"""After a process died: what was on its way is settled by what is known, and by nothing else."""

import datetime as dt
from contextlib import ExitStack
from pathlib import Path

from sqlalchemy import Connection, Engine, select, update

from newsletter_mailer.sending.batches import Hold, close
from newsletter_mailer.sending.journal import Testimony, journal_of
from newsletter_mailer.sending.ledger import Mark, Retries, mark
from newsletter_mailer.sending.transports.contract import Outcome, Receipt, Transport
from newsletter_mailer.store.engine import writing
from newsletter_mailer.store.tables import batch, delivery

_CUT_OFF = "the process that was sending it died"


def recover(
    engine: Engine, campaign_id: int, transport: Transport, journals: Path, now: dt.datetime
) -> int:
    """Settle what earlier owners of running batches left `sending`; how many there were.

    Only for one who knows that all earlier owners are gone, as the sole sender does. What
    the transport is sure of counts first; then the owner's journal; what neither tells is
    in doubt.
    """
    settled = 0
    with ExitStack() as believed, writing(engine) as connection:
        running = connection.execute(
            select(batch.c.number, batch.c.epoch, batch.c.owner).where(
                batch.c.campaign_id == campaign_id, batch.c.state == "running"
            )
        ).all()
        told = {
            owner: believed.enter_context(journal_of(journals, owner))
            for owner in {row.owner for row in running}
        }
        for row in running:
            hold = Hold(campaign_id, row.number, row.epoch)
            marks = _marks(connection, hold, transport, told[row.owner])
            # The epoch goes up, so that an owner who is not gone after all is fenced off.
            mark(connection, hold, marks, now, Retries(dt.timedelta(), now))
            connection.execute(
                update(batch)
                .where(batch.c.campaign_id == campaign_id, batch.c.number == row.number)
                .values(epoch=row.epoch + 1)
            )
            close(connection, Hold(campaign_id, row.number, row.epoch + 1))
            settled += len(marks)
    return settled


def _marks(
    connection: Connection, hold: Hold, transport: Transport, told: Testimony | None
) -> list[Mark]:
    """What is known of each delivery of a batch that was left `sending`."""
    left = connection.execute(
        select(delivery.c.subscriber_id, delivery.c.attempts, delivery.c.epoch).where(
            delivery.c.campaign_id == hold.campaign_id,
            delivery.c.batch == hold.number,
            delivery.c.status == "sending",
        )
    ).all()
    sure = transport.taken([row.subscriber_id for row in left]) if left else {}
    marks = []
    for row in left:
        number, attempt = row.subscriber_id, row.attempts
        if number in sure:
            outcome = Outcome.ACCEPTED if sure[number] else Outcome.UNSENT
        elif told is not None:
            outcome = told.outcome(number, attempt)
        else:
            outcome = Outcome.IN_DOUBT
        detail = _CUT_OFF if outcome is Outcome.IN_DOUBT else ""
        marks.append(Mark(Receipt(number, outcome, detail=detail), attempt))
    return marks
