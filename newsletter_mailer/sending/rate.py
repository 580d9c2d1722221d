"""How fast letters may leave: the generic cell rate algorithm, one row a limit.

The row is in the database, so several processes share it. Each reserves a stretch of time
for a group of letters before it sends them.
"""

import datetime as dt
from dataclasses import dataclass

from sqlalchemy import Connection, insert, select, update

from newsletter_mailer.store.tables import rate_bucket

_HOUR = 3600.0
_BURST = 0.1
"""Of an hour's letters, a tenth may go at once; the rest is spread, so no hour has more."""

_SKEW = 5.0
"""Seconds by which clocks may differ; a row from further ahead is from before a jump back."""


@dataclass(frozen=True, slots=True)
class Limit:
    """`rate` in letters a second, of which so many as come in `slack` seconds may go at once."""

    key: str
    rate: float
    slack: float


@dataclass(frozen=True, slots=True)
class Reservation:
    """When the first letter of a group may go, and how far apart they are, in seconds."""

    wait: float = 0.0
    apart: float = 0.0


def limits(per_second: float | None, per_hour: int | None) -> tuple[Limit, ...]:
    """The limits that the settings name."""
    found = []
    if per_second:
        found.append(Limit("second", per_second, 0.0))
    if per_hour:
        found.append(Limit("hour", per_hour * (1 - _BURST) / _HOUR, _HOUR * _BURST / (1 - _BURST)))
    return tuple(found)


def reserve(
    connection: Connection, wanted: tuple[Limit, ...], number: int, now: dt.datetime
) -> Reservation:
    """Reserve the time of so many letters under all limits, in the caller's transaction.

    A row that was written well after `now` comes from before the clock was put back; it is
    put back by as much.
    """
    apart = 0.0
    moment = start = now.timestamp()
    begins = []
    for limit in wanted:
        row = connection.execute(
            select(rate_bucket).where(rate_bucket.c.key == limit.key).with_for_update()
        ).one_or_none()
        if row is None:
            connection.execute(
                insert(rate_bucket).values(key=limit.key, tat=moment, written=moment)
            )
            known = moment - limit.slack
        else:
            back = row.written - moment
            known = row.tat - (back if back > _SKEW else 0.0)
        begin = max(known, moment - limit.slack)
        begins.append(begin)
        start = max(start, begin)
        if begin + number / limit.rate > moment:
            apart = max(apart, 1 / limit.rate)
    for limit, begin in zip(wanted, begins, strict=True):
        # One limit may make letters leave later than another reserved time for.
        last = start + (number - 1) * apart - limit.slack + 1 / limit.rate
        connection.execute(
            update(rate_bucket)
            .where(rate_bucket.c.key == limit.key)
            .values(tat=max(begin + number / limit.rate, last), written=moment)
        )
    return Reservation(start - moment, apart)
