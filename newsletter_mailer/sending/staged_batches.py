"""Staged batches as the store holds them: what a provider holds back of a campaign."""

import datetime as dt
from dataclasses import dataclass

from sqlalchemy import Connection, func, insert, select, update

from newsletter_mailer.sending.doubt import in_doubt
from newsletter_mailer.store.staging_tables import staged_batch

RECALL_UNTIL = dt.timedelta(minutes=10)
"""Before a batch leaves; after that the provider recalls nothing."""


@dataclass(frozen=True, slots=True)
class StagedBatch:
    """A batch at the provider, and how far it is. `send_at` is when it leaves."""

    campaign_id: int
    number: int
    batch_id: str
    state: str
    send_at: dt.datetime
    doubtful: tuple[int, ...]


def newest(connection: Connection, campaign_id: int) -> StagedBatch | None:
    """The last batch of a campaign; None where it never had one."""
    row = connection.execute(
        select(
            staged_batch.c.campaign_id,
            staged_batch.c.number,
            staged_batch.c.batch_id,
            staged_batch.c.state,
            staged_batch.c.send_at,
            staged_batch.c.doubtful,
        )
        .where(staged_batch.c.campaign_id == campaign_id)
        .order_by(staged_batch.c.number.desc())
        .limit(1)
    ).one_or_none()
    if row is None:
        return None
    return StagedBatch(**{**row._mapping, "doubtful": tuple(row.doubtful)})  # noqa: SLF001 - SQLAlchemy's documented name


def is_open(connection: Connection, campaign_id: int) -> bool:
    """Whether a batch was begun of which it is not settled whether it leaves."""
    found = newest(connection, campaign_id)
    return found is not None and found.state in {"staging", "releasing"}


def leaves_at(connection: Connection, campaign_id: int, now: dt.datetime) -> dt.datetime | None:
    """When the provider sends what was released to it; None where nothing waits there."""
    found = newest(connection, campaign_id)
    waits = found is not None and found.state == "released" and found.send_at > now
    return found.send_at if found and waits else None


def add(
    connection: Connection,
    campaign_id: int,
    batch_id: str,
    send_at: dt.datetime,
    now: dt.datetime,
) -> StagedBatch:
    """Write down a new batch, which the provider knows as `batch_id`."""
    mine = staged_batch.c.campaign_id == campaign_id
    last = connection.scalar(select(func.max(staged_batch.c.number)).where(mine))
    doubtful = tuple(each.subscriber_id for each in in_doubt(connection, campaign_id))
    moment = send_at.replace(microsecond=0)
    made = StagedBatch(campaign_id, (last or 0) + 1, batch_id, "staging", moment, doubtful)
    connection.execute(
        insert(staged_batch).values(
            campaign_id=campaign_id,
            number=made.number,
            batch_id=batch_id,
            state=made.state,
            send_at=moment,
            begun_at=now,
            doubtful=list(doubtful),
        )
    )
    return made


def move(connection: Connection, staged: StagedBatch, state: str) -> None:
    """Write down that a batch is in this state by now."""
    connection.execute(
        update(staged_batch)
        .where(
            staged_batch.c.campaign_id == staged.campaign_id,
            staged_batch.c.number == staged.number,
        )
        .values(state=state)
    )
