"""When letters may leave: the scheduled start, and the office's hours."""

import datetime as dt
from zoneinfo import ZoneInfo

from newsletter_mailer.errors import UsageError
from newsletter_mailer.settings import Send

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_LONGEST_SEARCH = 8


def start_time(text: str, zone: ZoneInfo, now: dt.datetime) -> dt.datetime:
    """The moment that `--at` names, in UTC.

    `text` is `2026-11-23 09:00` or `09:00`, for the next time that it is so late, in the
    office's time zone, or with a zone of its own such as `2026-11-23T09:00+00:00`.

    Raises:
        UsageError: it is no time, a time that a clock change leaves out, or lies behind.
    """
    here = now.astimezone(zone)
    try:
        if len(text.strip()) <= len("00:00:00"):
            clock = dt.time.fromisoformat(text.strip())
            if clock.tzinfo:
                raise ValueError
            asked = _to_come(dt.datetime.combine(here.date(), clock, zone), now)
            if asked.astimezone(dt.UTC) <= now:
                asked = dt.datetime.combine(here.date() + dt.timedelta(days=1), clock, zone)
        else:
            asked = dt.datetime.fromisoformat(text.strip())
            asked = asked if asked.tzinfo else _to_come(asked.replace(tzinfo=zone), now)
        moment = asked.astimezone(dt.UTC)
    except (ValueError, OverflowError) as error:
        raise UsageError(
            f"--at {text!r} is not a time. Write it as 2026-11-23 09:00, or as 09:00."
        ) from error
    if moment.astimezone(asked.tzinfo).replace(tzinfo=None) != asked.replace(tzinfo=None):
        raise UsageError(f"--at {text!r}: the clocks go forward then, and leave that time out.")
    if moment <= now:
        raise UsageError(f"--at {text!r} lies behind: it is {here:%Y-%m-%d %H:%M} now.")
    return moment


def _to_come(asked: dt.datetime, now: dt.datetime) -> dt.datetime:
    """Of a time that comes twice, since the clocks go back, the first that is to come."""
    return asked if asked.astimezone(dt.UTC) > now else asked.replace(fold=1)


def opens(send: Send, zone: ZoneInfo, now: dt.datetime) -> dt.datetime:
    """The first moment, from `now` on, at which letters may leave; in UTC."""
    if send.hours is None:
        return now
    begin, _, end = send.hours.partition("-")
    here = now.astimezone(zone)
    for days in range(_LONGEST_SEARCH):
        day = here.date() + dt.timedelta(days=days)
        if _DAYS[day.weekday()] not in send.days:
            continue
        first = dt.datetime.combine(day, dt.time.fromisoformat(begin), zone)
        last = dt.datetime.combine(day, dt.time.fromisoformat(end), zone)
        if here < last:
            return max(now, first.astimezone(dt.UTC))
    return now
