"""How fast letters may leave: the generic cell rate algorithm, one row a limit.

The row is in the database, so several processes share it. Each reserves a stretch of time
for a group of letters before it sends them.
"""

import datetime as dt
from dataclasses import dataclass

from sqlalchemy import Connection, Row, select, text, update

from newsletter_mailer.store.postgres import on_postgres
from newsletter_mailer.store.tables import rate_bucket
from newsletter_mailer.store.upsert import insert_new

_HOUR = 3600.0
_BURST = 0.1
"""Of an hour's letters, a tenth may go at once; the rest is spread, so no hour has more."""

_SKEW = 5.0
"""Seconds by which clocks may differ; a row from further ahead is from before a jump back."""

_HOLD = "hold"
"""The row of a hold; the others are named as their limits."""


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

    On PostgreSQL its clock is gone by, which is the same for all hosts, and not `now`. A row
    that was written well after that moment comes from before the clock was put back; it is
    put back by as much. Nothing is reserved before the end of a `hold`.
    """
    apart = 0.0
    moment = _moment(connection, now)
    rows = {limit.key: _row(connection, limit.key, now) for limit in wanted}
    start = max(moment, _held_until(connection, moment))
    begins = []
    for limit in wanted:
        row = rows[limit.key]
        if row is None:
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


def _row(connection: Connection, key: str, now: dt.datetime) -> Row[str, float, float] | None:
    """A limit's row, locked; None for one that was made by this."""
    query = select(rate_bucket).where(rate_bucket.c.key == key).with_for_update()
    row = connection.execute(query).one_or_none()
    if row is None:
        fresh = {"key": key, "tat": now.timestamp(), "written": now.timestamp()}
        if not connection.execute(insert_new(rate_bucket, fresh)).rowcount:
            row = connection.execute(query).one()  # another host was quicker
    return row


def _moment(connection: Connection, now: dt.datetime) -> float:
    if not on_postgres(connection):
        return now.timestamp()
    found: float = connection.execute(
        text("SELECT extract(epoch FROM clock_timestamp())::float8")
    ).scalar_one()
    return found


def hold(connection: Connection, seconds: float, now: dt.datetime) -> None:
    """Let nobody reserve anything for so many seconds, since the provider asked for it.

    It counts for all processes that send from this database. What they reserved before
    stays theirs.
    """
    _row(connection, _HOLD, now)
    moment = _moment(connection, now)
    until = max(moment + seconds, _held_until(connection, moment))
    connection.execute(
        update(rate_bucket).where(rate_bucket.c.key == _HOLD).values(tat=until, written=moment)
    )


def _held_until(connection: Connection, moment: float) -> float:
    """When a hold ends, in seconds since 1970; 0 where there is none."""
    row = connection.execute(_HOLDING).one_or_none()
    if row is None:
        return 0.0
    back = row.written - moment
    until: float = row.tat - (back if back > _SKEW else 0.0)
    return until


_HOLDING = select(rate_bucket).where(rate_bucket.c.key == _HOLD)
"""Asked at each group, and so put together once."""
