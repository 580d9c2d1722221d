"""Handing a campaign over to the workers, in the transaction that freezes it or after."""

import datetime as dt

from sqlalchemy import Connection

from newsletter_mailer.sending.campaign import Campaign
from newsletter_mailer.sending.distributed.queue import start_at, wake_for, workers_alive
from newsletter_mailer.sending.distributed.sweeping import open_batches, wake


def hand_over(connection: Connection, campaign: Campaign) -> None:
    """Put a fresh campaign's jobs into the queue: one for each batch, or one for its start."""
    if campaign.state == "scheduled" and campaign.scheduled_at is not None:
        start_at(connection, campaign.id, campaign.scheduled_at)
    else:
        wake_for(connection, campaign.id, open_batches(connection, campaign.id))


def remind(connection: Connection, campaign: Campaign, now: dt.datetime, lease: float) -> int:
    """See to it that somebody is woken for a campaign under way; how many workers are alive."""
    if campaign.state == "sending":
        wake(connection, campaign.id, now, lease / 2)
    return workers_alive(connection, lease / 2)
