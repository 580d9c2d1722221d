"""How far a campaign is and how fast it goes, worked out from its ledger in one scan."""

import datetime as dt
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import Connection, and_, case, func, select

from newsletter_mailer.sending.campaign import Campaign
from newsletter_mailer.sending.counting import Counts
from newsletter_mailer.store.tables import delivery

WINDOW = dt.timedelta(minutes=1)
"""What lies further back says little about how fast it goes now."""

_ANSWERED = ("sent", "failed", "in_doubt")
_WRONG = ("failed", "deferred", "in_doubt")


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
    """Measure a campaign. One scan of its ledger: under a second for a million deliveries."""
    recent = and_(delivery.c.status.in_(_ANSWERED), delivery.c.settled_at > now - WINDOW)
    number = func.count().label("number")
    rows = connection.execute(
        select(
            delivery.c.status,
            delivery.c.agency,
            delivery.c.code,
            func.min(delivery.c.error).label("words"),
            number,
            func.sum(case((recent, 1), else_=0)).label("recent"),
            func.min(case((recent, delivery.c.settled_at))).label("first"),
        )
        .where(delivery.c.campaign_id == campaign.id)
        .group_by(delivery.c.status, delivery.c.agency, delivery.c.code)
    ).all()
    states: Counter[str] = Counter()
    recipients: Counter[str] = Counter()
    errors: dict[tuple[str, str], ErrorKind] = {}
    for row in rows:
        states[row.status] += row.number
        recipients[row.agency] += row.number
        if row.status in _WRONG:
            known = errors.get((row.status, row.code))
            errors[row.status, row.code] = ErrorKind(
                row.status,
                row.code,
                min(row.words, known.words) if known else row.words,
                row.number + (known.times if known else 0),
            )
    counts = Counts(**states)
    rate = None
    if campaign.state == "sending":
        first = min((row.first for row in rows if row.first), default=now)
        rate = sum(row.recent for row in rows) / max((now - first).total_seconds(), 1.0)
    return Progress(
        counts,
        dict(recipients),
        tuple(sorted(errors.values(), key=lambda each: (-each.times, each.status, each.code))),
        rate,
        (counts.pending + counts.sending) / rate if rate else None,
    )
