"""What is typed into forms: cleaned, checked, and explained where it is wrong."""

import datetime as dt
import re
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from newsletter_mailer.audience.address import quickly_checked
from newsletter_mailer.audience.candidate import LONGEST_TEXT
from newsletter_mailer.mailbox import LONGEST_ADDRESS

LONGEST_PAUSE = dt.timedelta(days=366)

_GAPS = re.compile(r"[\s\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]+")
_DATE = re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2})|(\d{1,2})[/. ](\d{1,2})[/. ](\d{4})")


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with a field, in words for the person who filled it in."""

    field: str
    message: str


def line(text: str) -> str:
    """What was typed, on one line and without control characters."""
    return _GAPS.sub(" ", text).strip()


def address(text: str) -> str | Problem:
    """An e-mail address, or why it is none."""
    typed = line(text)
    if not typed:
        return Problem("email", "Enter your work e-mail address")
    if len(typed) > LONGEST_ADDRESS:
        return Problem("email", f"Enter an address of at most {LONGEST_ADDRESS} characters")
    try:
        return quickly_checked(typed)
    except ValueError:
        return Problem(
            "email", "Enter an e-mail address in the right form, such as name@example.org"
        )


def short(text: str, field: str, label: str) -> str | Problem:
    """A line that may be empty, or why it is too long."""
    typed = line(text)
    if len(typed) > LONGEST_TEXT:
        return Problem(field, f"{label} must have {LONGEST_TEXT} characters or fewer")
    return typed


def day_to_come(text: str, now: dt.datetime, zone: ZoneInfo) -> dt.datetime | Problem:
    """The beginning of a day within the next year, written `2031-05-07` or `7/5/2031`."""
    match = _DATE.fullmatch(line(text))
    if match is None:
        return Problem("until", "Enter a date, such as 27/3/2031")
    year, month, day, day_b, month_b, year_b = match.groups()
    try:
        numbers = (int(year or year_b), int(month or month_b), int(day or day_b))
        begin = dt.datetime(*numbers, tzinfo=zone)
    except ValueError:
        return Problem("until", "Enter a date that is in the calendar, such as 27/3/2031")
    if begin <= now:
        return Problem("until", "Enter a date in the future")
    if begin > now + LONGEST_PAUSE:
        return Problem("until", "Enter a date within the next 12 months")
    return begin.astimezone(dt.UTC)
