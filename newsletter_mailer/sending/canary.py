"""The canary: the first few of a campaign, watched for a while before the rest may go."""

import datetime as dt
from dataclasses import dataclass

from sqlalchemy import Connection, bindparam, select, update

from newsletter_mailer.sending import control
from newsletter_mailer.sending.counting import Counts, count
from newsletter_mailer.store.tables import campaign


@dataclass(frozen=True, slots=True)
class Leave:
    """How many letters may be claimed now (None: no limit), and when to ask again if none."""

    most: int | None = None
    next_at: dt.datetime | None = None
    paused: bool = False


def leave(
    connection: Connection,
    campaign_id: int,
    now: dt.datetime,
    *,
    wait: dt.timedelta,
    limit: float,
    out: int,
) -> Leave:
    """What the canary allows at this moment; `out` letters are claimed and unanswered.

    When all of the canary are answered, `wait` begins. After it the rest may go, if no
    more than `limit` of them went wrong; else the campaign pauses and says why.
    """
    row = connection.execute(_CANARY, {"campaign": campaign_id}).one()
    if row.canary:
        # One at a time counts and claims; by now another may have ended it.
        control.state_held(connection, campaign_id, alone=True)
        row = connection.execute(_CANARY, {"campaign": campaign_id}).one()
    if not row.canary:
        return Leave()
    counts = count(connection, campaign_id)
    tried = counts.all - counts.pending
    if tried < row.canary and counts.pending:
        return Leave(row.canary - tried)
    if out or counts.sending:
        return Leave(0)
    if row.canary_until is None or row.canary_until > now + wait:  # the clock was put back
        _set(connection, campaign_id, canary_until=now + wait)
        return Leave(0, now + wait)
    if now < row.canary_until:
        return Leave(0, row.canary_until)
    wrong = _wrong(counts)
    if wrong > limit * tried:
        control.pause(
            connection,
            campaign_id,
            f"{wrong:,} of the first {tried:,} letters went wrong, more than {limit:.0%}",
        )
        return Leave(0, paused=True)
    _set(connection, campaign_id, canary=0)
    return Leave()


def _wrong(counts: Counts) -> int:
    return counts.failed + counts.deferred + counts.in_doubt


def _set(connection: Connection, campaign_id: int, **values: object) -> None:
    connection.execute(update(campaign).where(campaign.c.id == campaign_id).values(values))


# Asked at each group, and so put together once.
_CANARY = select(campaign.c.canary, campaign.c.canary_until).where(
    campaign.c.id == bindparam("campaign")
)
