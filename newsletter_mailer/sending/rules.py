"""The rules by which one campaign is sent: limits, times, and the clocks they are read from."""

import datetime as dt
import time
from collections.abc import Callable
from dataclasses import dataclass

from newsletter_mailer.sending.campaign import Campaign
from newsletter_mailer.sending.fate import Retries
from newsletter_mailer.sending.rate import Limit, limits
from newsletter_mailer.sending.schedule import opens
from newsletter_mailer.settings import Settings

GIVE_UP_AFTER = dt.timedelta(hours=72)
"""From the campaign's start; RFC 5321, 4.5.4.1, lets a sender give up after some days."""


def wall_clock() -> dt.datetime:
    """The time of day, in UTC."""
    return dt.datetime.now(dt.UTC)


@dataclass(frozen=True, slots=True)
class Rules:
    """What holds for each letter of a campaign. `clock` can jump; `monotonic` cannot."""

    lease: dt.timedelta
    limits: tuple[Limit, ...]
    retries: Retries
    patience: dt.timedelta
    failure_limit: float
    canary_wait: dt.timedelta
    opens: Callable[[dt.datetime], dt.datetime]
    clock: Callable[[], dt.datetime]
    monotonic: Callable[[], float]


def rules_of(
    campaign: Campaign,
    settings: Settings,
    *,
    clock: Callable[[], dt.datetime] = wall_clock,
    monotonic: Callable[[], float] = time.monotonic,
) -> Rules:
    """The rules of a campaign, by the settings of this moment."""
    send = settings.send
    began = campaign.started_at or campaign.scheduled_at or clock()
    return Rules(
        dt.timedelta(seconds=send.lease),
        limits(send.per_second, send.per_hour),
        Retries(dt.timedelta(seconds=send.retry_after), began + GIVE_UP_AFTER),
        dt.timedelta(seconds=send.patience),
        send.failure_limit,
        dt.timedelta(seconds=send.canary_wait),
        lambda now: opens(send, settings.office.zone, now),
        clock,
        monotonic,
    )
