"""After a process died: what was on its way is settled by what is known, and by nothing else."""

import datetime as dt
import os
import secrets
import socket
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

from sqlalchemy import ColumnElement, Connection, Engine, Row, and_, select, update

from newsletter_mailer.sending.batches import Hold, close
from newsletter_mailer.sending.fate import Mark, Retries
from newsletter_mailer.sending.journal import Testimony, journal_of, owners_in
from newsletter_mailer.sending.ledger import mark
from newsletter_mailer.sending.transports.contract import Outcome, Receipt, Transport
from newsletter_mailer.store.engine import writing
from newsletter_mailer.store.tables import batch, delivery

_CUT_OFF = "the process that was sending it died"
_PAGE = 500


def new_owner(campaign_id: int) -> str:
    """A name for one who is going to send letters of a campaign, like nobody else's."""
    return f"{_owners_of(campaign_id)}{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(4)}"


def recover(
    engine: Engine,
    campaign_id: int,
    transport: Transport,
    journals: Path,
    now: dt.datetime,
    *,
    alone: bool = True,
) -> int:
    """Settle what earlier owners left on its way; how many deliveries that were.

    `alone` is for one who knows that all earlier owners are gone, as the sole sender does.
    Else only owners are dealt with who surely are: those who have left a journal here, and
    hold it no more. What the transport is sure of counts first, then an owner's journal; what
    neither tells is in doubt. A journal also settles what somebody put in doubt who had taken
    the batch over.
    """
    if not alone and not owners_in(journals, _owners_of(campaign_id)):
        return 0
    settled = 0
    with ExitStack() as believed, writing(engine) as connection:
        running = connection.execute(
            select(batch.c.number, batch.c.epoch, batch.c.owner)
            .where(batch.c.campaign_id == campaign_id, batch.c.state == "running")
            .order_by(batch.c.number)
            .with_for_update()
        ).all()
        owners = owners_in(journals, _owners_of(campaign_id))
        if alone:
            owners |= {row.owner for row in running}
        told = {owner: believed.enter_context(journal_of(journals, owner)) for owner in owners}
        for row in running:
            if not alone and told.get(row.owner) is None:
                continue
            hold = Hold(campaign_id, row.number, row.epoch)
            marks = _left_sending(connection, hold, transport, told[row.owner])
            mark(connection, hold, marks, now, Retries(dt.timedelta(), now))
            # The epoch goes up, so that an owner who is not gone after all is fenced off.
            connection.execute(
                update(batch)
                .where(batch.c.campaign_id == campaign_id, batch.c.number == row.number)
                .values(epoch=row.epoch + 1)
            )
            close(connection, Hold(campaign_id, row.number, row.epoch + 1))
            settled += len(marks)
        for hold, marks in _put_in_doubt(connection, campaign_id, told):
            mark(connection, hold, marks, now, Retries(dt.timedelta(), now))
            settled += len(marks)
    return settled


def _owners_of(campaign_id: int) -> str:
    return f"{campaign_id}-"


def _left_sending(
    connection: Connection, hold: Hold, transport: Transport, told: Testimony | None
) -> list[Mark]:
    """What is known of each delivery of a batch that was left `sending`."""
    left = connection.execute(
        select(delivery.c.subscriber_id, delivery.c.attempts).where(
            delivery.c.campaign_id == hold.campaign_id,
            delivery.c.batch == hold.number,
            delivery.c.status == "sending",
        )
    ).all()
    sure = transport.taken([row.subscriber_id for row in left]) if left else {}
    marks = []
    for number, attempt in left:
        if number in sure:
            outcome = Outcome.ACCEPTED if sure[number] else Outcome.UNSENT
        elif told is not None:
            outcome = told.outcome(number, attempt)
        else:
            outcome = Outcome.IN_DOUBT
        detail = _CUT_OFF if outcome is Outcome.IN_DOUBT else ""
        marks.append(Mark(Receipt(number, outcome, detail=detail), attempt))
    return marks


def _put_in_doubt(
    connection: Connection, campaign_id: int, told: Mapping[str, Testimony | None]
) -> Iterator[tuple[Hold, list[Mark]]]:
    """What journals know of deliveries in doubt, by batch and the epoch of their claim.

    What an owner had claimed who was cut off, and its journal does not name, was never begun.
    """
    for owner, testimony in told.items():
        if testimony is None:
            continue
        found: defaultdict[Hold, list[Mark]] = defaultdict(list)
        numbers = sorted({number for number, _ in testimony.told})
        pages = [numbers[at : at + _PAGE] for at in range(0, len(numbers), _PAGE)]
        cut_off = delivery.c.provider_id == owner
        doubts: list[ColumnElement[bool]] = [
            and_(cut_off, delivery.c.subscriber_id.not_in(numbers)),
            *(delivery.c.subscriber_id.in_(page) for page in pages),
        ]
        for row in (row for doubt in doubts for row in _doubtful(connection, campaign_id, doubt)):
            if row.provider_id != owner and not testimony.knows(row.subscriber_id, row.attempts):
                continue
            outcome = testimony.outcome(row.subscriber_id, row.attempts)
            if outcome is not Outcome.IN_DOUBT:
                receipt = Receipt(row.subscriber_id, outcome)
                hold = Hold(campaign_id, row.batch, row.epoch)
                found[hold].append(Mark(receipt, row.attempts))
        yield from found.items()


def _doubtful(
    connection: Connection, campaign_id: int, which: ColumnElement[bool]
) -> Sequence[Row[int, int, int, int, str]]:
    return connection.execute(
        select(
            delivery.c.subscriber_id,
            delivery.c.batch,
            delivery.c.epoch,
            delivery.c.attempts,
            delivery.c.provider_id,
        ).where(delivery.c.campaign_id == campaign_id, delivery.c.status == "in_doubt", which)
    ).all()
