"""Starting, pausing, resuming, cancelling and finishing a campaign.

Whoever sends looks at the campaign's state before each group, so each of these takes
effect within one group.
"""

import datetime as dt

from sqlalchemy import ColumnElement, Connection, bindparam, exists, select, update

from newsletter_mailer.errors import UsageError
from newsletter_mailer.sending.campaign import Campaign, find_campaign
from newsletter_mailer.sending.transitions import CampaignStep, DeliveryStep, may, taking
from newsletter_mailer.store.staging_tables import staged_batch
from newsletter_mailer.store.tables import batch, campaign, delivery


def start(connection: Connection, campaign_id: int, now: dt.datetime) -> bool:
    """Let a scheduled campaign begin whose time has come; False for any other."""
    return _step(
        connection,
        campaign_id,
        CampaignStep.START,
        campaign.c.scheduled_at <= now,
        started_at=now,
    )


def pause(connection: Connection, campaign_id: int, reason: str) -> bool:
    """Stop a campaign for now; False where it is not under way."""
    return _step(connection, campaign_id, CampaignStep.PAUSE, reason=reason)


def resume(connection: Connection, campaign_id: int, now: dt.datetime) -> bool:
    """Let a paused campaign go on, or begin if it had not; False where it is not paused.

    One whose time has not come waits for it again. A canary that made it pause has done
    its work: the rest goes.
    """
    early = (campaign.c.started_at.is_(None), campaign.c.scheduled_at > now)
    if _step(connection, campaign_id, CampaignStep.AWAIT, *early, reason=""):
        return True
    changed = _step(connection, campaign_id, CampaignStep.RESUME, reason="", canary=0)
    if changed:
        connection.execute(
            update(campaign)
            .where(campaign.c.id == campaign_id, campaign.c.started_at.is_(None))
            .values(started_at=now)
        )
    return changed


def cancel(connection: Connection, campaign_id: int, now: dt.datetime, reason: str) -> int | None:
    """End a campaign for good: who has not got it will not get it.

    Returns how many deliveries were skipped by it, None where the campaign had ended.
    Letters that are on their way at this moment still arrive.
    """
    if not _step(connection, campaign_id, CampaignStep.CANCEL, reason=reason, finished_at=now):
        return None
    return skip_rest(connection, campaign_id, now)


def skip_rest(connection: Connection, campaign_id: int, now: dt.datetime) -> int:
    """Skip what is still to be sent of a cancelled campaign; how many that were.

    Letters that were on their way when it was cancelled may come back to it afterwards.
    """
    cancelled = exists().where(campaign.c.id == campaign_id, campaign.c.state == "cancelled")
    done = connection.execute(
        update(delivery)
        .where(delivery.c.campaign_id == campaign_id, may(DeliveryStep.CANCEL), cancelled)
        .values(taking(DeliveryStep.CANCEL) | {"settled_at": now, "error": "cancelled"})
    )
    return done.rowcount


def finish(connection: Connection, campaign_id: int, now: dt.datetime) -> bool:
    """Close a campaign of which no batch is open; True when it is closed by this.

    One that a provider still holds back is not over.
    """
    state_held(connection, campaign_id, alone=True)
    open_ = exists().where(batch.c.campaign_id == campaign_id, batch.c.state != "done")
    held = exists().where(
        staged_batch.c.campaign_id == campaign_id,
        staged_batch.c.state.in_(("staging", "releasing")),
    )
    return _step(
        connection, campaign_id, CampaignStep.FINISH, ~open_, ~held, finished_at=now, reason=""
    )


def reopen(connection: Connection, campaign_id: int) -> bool:
    """Let a campaign that was done send once more, since letters were given back to it."""
    return _step(connection, campaign_id, CampaignStep.REOPEN, finished_at=None)


def refuse_unless(changed: bool, connection: Connection, known: Campaign, what: str) -> None:
    """Tell the user why a campaign could not be moved.

    Raises:
        UsageError: `changed` is False.
    """
    if not changed:
        state = find_campaign(connection, known.name).state
        raise UsageError(
            f"Campaign {known.name} is {state}, so it cannot be {what}. "
            f"`newsletter status {known.name}` shows where it stands."
        )


def state_of(connection: Connection, campaign_id: int) -> str:
    """The state of a campaign at this moment."""
    state: str = connection.execute(_STATE, {"campaign": campaign_id}).scalar_one()
    return state


def state_held(connection: Connection, campaign_id: int, *, alone: bool = False) -> str:
    """The state of a campaign, which nobody changes until this transaction ends.

    Any number may hold it so, but only one `alone`. (SQLite has one writer at a time anyway.)
    """
    query = _STATE_ALONE if alone else _STATE_HELD
    state: str = connection.execute(query, {"campaign": campaign_id}).scalar_one()
    return state


def _step(
    connection: Connection,
    campaign_id: int,
    step: CampaignStep,
    *also: ColumnElement[bool],
    **values: object,
) -> bool:
    done = connection.execute(
        update(campaign)
        .where(campaign.c.id == campaign_id, may(step), *also)
        .values(taking(step) | values)
    )
    return done.rowcount == 1


def scheduled_at(connection: Connection, campaign_id: int) -> dt.datetime | None:
    """When a campaign is to begin, where that was said."""
    query = select(campaign.c.scheduled_at).where(campaign.c.id == campaign_id)
    moment: dt.datetime | None = connection.execute(query).scalar_one()
    return moment


# Asked at each group, and so put together once.
_STATE = select(campaign.c.state).where(campaign.c.id == bindparam("campaign"))
_STATE_HELD = _STATE.with_for_update(read=True)
_STATE_ALONE = _STATE.with_for_update()
