"""How dates, times and lengths are written for readers."""

import datetime as dt
import math

from newsletter_mailer.reading.document import EventDate
from newsletter_mailer.reading.headers import IssueHead

WORDS_A_MINUTE = 230
"""Words of ordinary prose that an adult reads silently in a minute (about 238 in M. Brysbaert,
'How many words do we read per minute?', 2019), a little less for a working text."""


def full_date(day: dt.date) -> str:
    """`Monday 5 November 2018`."""
    return f"{day:%A} {day.day} {day:%B} {day.year}"


def short_date(day: dt.date) -> str:
    """`5 November 2018`."""
    return f"{day.day} {day:%B} {day.year}"


def issue_date(head: IssueHead) -> str:
    """The issue's season, or its day."""
    return head.season or short_date(head.date)


def times(date: EventDate) -> str:
    """`9.30am to 12.30pm`, `from 9.30am`, or nothing where no time is known."""
    if date.start is None:
        return ""
    return (
        f"{_clock(date.start)} to {_clock(date.end)}" if date.end else f"from {_clock(date.start)}"
    )


def _clock(time: dt.time) -> str:
    hour = time.hour % 12 or 12
    minutes = f".{time.minute:02}" if time.minute else ""
    return f"{hour}{minutes}{'am' if time.hour < 12 else 'pm'}"  # noqa: PLR2004 - noon


def reading_minutes(words: int) -> int:
    """Minutes that reading so many words takes, at least one."""
    return max(1, math.ceil(words / WORDS_A_MINUTE))
