"""How far a campaign is and how fast it goes, worked out from its ledger."""

import datetime as dt
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import Connection, func, select

from newsletter_mailer.sending.campaign import Campaign
from newsletter_mailer.sending.counting import Counts, count_by_error
from newsletter_mailer.store.tables import delivery

WINDOW = dt.timedelta(minutes=1)
"""What lies further back says little about how fast it goes now."""

_ANSWERED = ("sent", "failed", "in_doubt")


@dataclass(frozen=True, slots=True)
class ErrorKind:
    """Deliveries that went wrong in the same way: their state, the reply's code, and how many.

    `words` are those of one of them.
    """

    status: str
    code: str
    words: str
    times: int


@dataclass(frozen=True, slots=True)
class Progress:
    """A campaign's counts, its readers by agency, what went wrong, and how fast it goes.

    `rate` is in letters per second over the last minute; None unless it is being sent.
    `seconds_left` is the time that those still to be sent take at that rate, None where
    there is no rate to go by; letters that wait for another try are not in it.
    """

    counts: Counts
    recipients: Mapping[str, int]
    errors: tuple[ErrorKind, ...]
    rate: float | None
    seconds_left: float | None


def measure(connection: Connection, campaign: Campaign, now: dt.datetime) -> Progress:
    """Measure a campaign, in at most three scans of its ledger."""
    states: Counter[str] = Counter()
    recipients: Counter[str] = Counter()
    for row in connection.execute(
        select(delivery.c.status, delivery.c.agency, func.count().label("number"))
        .where(delivery.c.campaign_id == campaign.id)
        .group_by(delivery.c.status, delivery.c.agency)
    ):
        states[row.status] += row.number
        recipients[row.agency] += row.number
    counts = Counts(**states)
    wrong = counts.failed or counts.deferred or counts.in_doubt
    errors = count_by_error(connection, campaign.id) if wrong else []
    rate = _rate(connection, campaign.id, now) if campaign.state == "sending" else None
    return Progress(
        counts,
        dict(recipients),
        tuple(ErrorKind(*each) for each in errors),
        rate,
        (counts.pending + counts.sending) / rate if rate else None,
    )


def _rate(connection: Connection, campaign_id: int, now: dt.datetime) -> float:
    """Letters a second, over the last minute or since the first that was answered in it."""
    number, first = connection.execute(
        select(func.count(), func.min(delivery.c.settled_at)).where(
            delivery.c.campaign_id == campaign_id,
            delivery.c.status.in_(_ANSWERED),
            delivery.c.settled_at > now - WINDOW,
        )
    ).one()
    rate: float = number / max((now - first).total_seconds(), 1.0) if first else 0.0
    return rate
