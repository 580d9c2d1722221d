"""Staged commit: the provider holds a whole campaign back, and lets it go at one word.

A provider without idempotency cannot say what it took when a request breaks off. So a
campaign is posted into a batch of which nothing leaves before it is released, and that
happens once all of it is there and counted. Whatever breaks off before is recalled whole
and staged anew under another id: nobody is in doubt, and nobody can get it twice.

    staging → releasing → released        staging, releasing, released → recalled
"""

import contextlib
import datetime as dt
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Protocol

from sqlalchemy import Connection, Engine, exists, update

from newsletter_mailer.errors import NewsletterError, SendingError
from newsletter_mailer.sending import control
from newsletter_mailer.sending.counting import count
from newsletter_mailer.sending.doubt import in_doubt
from newsletter_mailer.sending.running import Dispatch, Ending, run
from newsletter_mailer.sending.staged_batches import StagedBatch, add, move, newest
from newsletter_mailer.sending.transitions import BatchStep, DeliveryStep, may, taking
from newsletter_mailer.sending.transports.contract import Transport
from newsletter_mailer.store.engine import reading, writing
from newsletter_mailer.store.tables import batch, delivery

_TRIES = 5
"""Batches that may break off in one run before it gives up."""

_FEW = 10
"""People who may be refused before a campaign pauses by itself."""

_KEPT_PAUSED = dt.timedelta(hours=71)
"""After its time; the provider throws away what is paused for 72 hours."""

_SLICE = 1.0


class Holder(Protocol):
    """A provider that holds batches back; see `transports/sendgrid/holding.py`."""

    def new_batch(self) -> str:
        """An id for a batch."""
        ...

    def pause(self, batch_id: str) -> None:
        """Have nothing of it leave until it is released."""
        ...

    def release(self, batch_id: str) -> None:
        """Let it leave at its time."""
        ...

    def recall(self, batch_id: str) -> bool:
        """See that nothing of it leaves; False where it is too late."""
        ...

    def status(self, batch_id: str) -> str:
        """`pause`, `cancel` or nothing."""
        ...


@dataclass(frozen=True, slots=True)
class Stage:
    """What staging needs of a provider: the one who holds, and the way into a batch.

    A batch leaves `ahead` after it was begun.
    """

    holder: Holder
    transport: Callable[[str, dt.datetime], Transport]
    ahead: dt.timedelta


def run_staged(
    dispatch: Dispatch,
    stage: Stage,
    *,
    stop: threading.Event,
    progress: Callable[[int], None],
    waiting: Callable[[dt.datetime], None],
) -> Ending:
    """Stage what is left of a campaign, as the sole sender, and release it.

    What an earlier run left behind is settled first. It ends as `run` does; where it
    returns or raises before the release, nothing has left.

    Raises:
        TransportError: the provider cannot be asked, or refuses us.
        SendingError: one batch after the other broke off.
        StoreError: the database refused.
    """
    engine, number = dispatch.engine, dispatch.campaign_id
    settle(dispatch, stage)
    for _ in range(_TRIES):
        _wait(dispatch, stop, waiting)
        with writing(engine) as connection:
            control.skip_rest(connection, number, dispatch.rules.clock())
            control.finish(connection, number, dispatch.rules.clock())
            counts, state = count(connection, number), control.state_of(connection, number)
        if not counts.open or state not in {"scheduled", "sending"} or stop.is_set():
            return Ending(counts, None)
        staged = _begin(dispatch, stage)
        # What is in doubt inside a batch is no failure: the batch is taken back for it.
        inside = replace(
            dispatch,
            transport=stage.transport(staged.batch_id, staged.send_at),
            rules=replace(dispatch.rules, failure_limit=1.0),
        )
        try:
            ending = run(inside, stop=stop, progress=progress, waiting=waiting)
        except NewsletterError:
            with contextlib.suppress(NewsletterError):  # else the next run sees to it
                take_back(engine, stage.holder, staged, dispatch.rules.clock())
            raise
        if not stop.is_set() and _whole(engine, staged, dispatch.rules.failure_limit):
            _release(engine, stage.holder, staged)
            with writing(engine) as connection:
                control.finish(connection, number, dispatch.rules.clock())
            return ending
        take_back(engine, stage.holder, staged, dispatch.rules.clock())
    raise SendingError(
        f"{_TRIES} times the campaign broke off before the provider had it whole, and was taken "
        "back. Nothing has left. Run the same command again when the provider is well."
    )


def settle(dispatch: Dispatch, stage: Stage) -> None:
    """Recall the batch that an earlier run left, or finish releasing it.

    Raises:
        TransportError: the provider cannot be asked.
    """
    engine, now = dispatch.engine, dispatch.rules.clock()
    with reading(engine) as connection:
        left = newest(connection, dispatch.campaign_id)
    if left is None or left.state not in {"staging", "releasing"}:
        return
    wanted = left.state == "releasing" and now < left.send_at + _KEPT_PAUSED
    if wanted and stage.holder.status(left.batch_id) != "cancel":
        _release(engine, stage.holder, left)
    else:
        take_back(engine, stage.holder, left, now)


def take_back(engine: Engine, holder: Holder, staged: StagedBatch, now: dt.datetime) -> bool:
    """Recall a batch, and make all of its deliveries pending again; False where it is too late.

    Only for one who knows that nobody is sending the campaign.

    Raises:
        TransportError: the provider cannot be asked; the batch is as it was.
    """
    recalled = holder.recall(staged.batch_id)
    with writing(engine) as connection:
        move(connection, staged, "recalled" if recalled else "released")
        if recalled:
            _back(connection, staged)
            control.reopen(connection, staged.campaign_id)
            control.skip_rest(connection, staged.campaign_id, now)
    return recalled


def _begin(dispatch: Dispatch, stage: Stage) -> StagedBatch:
    """A new batch, of which nothing leaves until it is released."""
    now = dispatch.rules.clock()
    made = stage.holder.new_batch()
    with writing(dispatch.engine) as connection:
        staged = add(connection, dispatch.campaign_id, made, now + stage.ahead, now)
    stage.holder.pause(made)
    return staged


def _whole(engine: Engine, staged: StagedBatch, limit: float) -> bool:
    """Whether everybody is either in the batch, or for a reason of their own not.

    Where more than `limit` of them failed, the campaign pauses.
    """
    with writing(engine) as connection:
        counts = count(connection, staged.campaign_id)
        if counts.failed >= _FEW and counts.failed > limit * (counts.failed + counts.sent):
            reason = f"the provider refused {counts.failed:,} people, more than {limit:.0%}"
            control.pause(connection, staged.campaign_id, reason)
        state = control.state_of(connection, staged.campaign_id)
        doubts = {each.subscriber_id for each in in_doubt(connection, staged.campaign_id)}
    return state == "sending" and not counts.sending and doubts <= set(staged.doubtful)


def _release(engine: Engine, holder: Holder, staged: StagedBatch) -> None:
    """Let a batch leave. It is on disk first that this is wanted, so that it can be repeated."""
    with writing(engine) as connection:
        move(connection, staged, "releasing")
    holder.release(staged.batch_id)
    with writing(engine) as connection:
        move(connection, staged, "released")


def _back(connection: Connection, staged: StagedBatch) -> None:
    """Make the deliveries of a batch that never leaves pending again."""
    mine = delivery.c.campaign_id == staged.campaign_id
    inside = delivery.c.provider_id.startswith(f"{staged.batch_id}:", autoescape=True)
    for which in (
        (delivery.c.status == "sent") & inside,
        delivery.c.status == "sending",
        (delivery.c.status == "in_doubt") & delivery.c.subscriber_id.not_in(staged.doubtful),
    ):
        connection.execute(
            update(delivery)
            .where(mine, which, may(DeliveryStep.RECALL))
            .values(
                taking(DeliveryStep.RECALL)
                | {"provider_id": "", "code": "", "error": "", "settled_at": None}
            )
        )
    pending = exists().where(
        mine, delivery.c.batch == batch.c.number, delivery.c.status == "pending"
    )
    connection.execute(
        update(batch)
        .where(batch.c.campaign_id == staged.campaign_id, pending, may(BatchStep.REOPEN))
        .values(
            taking(BatchStep.REOPEN)
            | {"epoch": batch.c.epoch + 1, "owner": "", "lease_until": None, "next_at": None}
        )
    )


def _wait(
    dispatch: Dispatch, stop: threading.Event, waiting: Callable[[dt.datetime], None]
) -> None:
    """Wait for the campaign's start and for office hours: the batch's time runs from its making."""
    rules, told = dispatch.rules, False
    while not stop.is_set():
        with reading(dispatch.engine) as connection:
            state = control.state_of(connection, dispatch.campaign_id)
            start = control.scheduled_at(connection, dispatch.campaign_id)
        now = rules.clock()
        until = rules.opens(now)
        if state == "scheduled" and start is not None:
            until = max(until, start)
        if state not in {"scheduled", "sending"} or until <= now:
            return
        if not told:
            waiting(until)
            told = True
        stop.wait(min(_SLICE, (until - now).total_seconds()))
