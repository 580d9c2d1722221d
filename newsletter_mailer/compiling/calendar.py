"""Calendar files for an issue's events (RFC 5545), one for each date."""

import datetime as dt
from dataclasses import dataclass

from newsletter_mailer.reading.document import Event as EventBlock
from newsletter_mailer.reading.document import EventDate
from newsletter_mailer.reading.headers import IssueHead
from newsletter_mailer.settings import Settings


@dataclass(frozen=True, slots=True)
class CalendarFile:
    """A calendar file: its name, and its bytes."""

    name: str
    content: bytes


def file_name(event: EventBlock, date: EventDate) -> str:
    """The name of the calendar file of one date of an event."""
    return f"{event.slug}-{date.day:%Y-%m-%d}.ics"


def calendar_url(settings: Settings, issue: str, event: EventBlock, date: EventDate) -> str:
    """The address of the calendar file of one date of an event."""
    return f"{settings.base_url}/archive/{issue}/events/{file_name(event, date)}"


def calendar_files(
    event: EventBlock, head: IssueHead, settings: Settings
) -> tuple[CalendarFile, ...]:
    """The calendar files of an event."""
    return tuple(
        CalendarFile(file_name(event, date), _calendar(event, date, head, settings))
        for date in event.dates
    )


def _calendar(event: EventBlock, date: EventDate, head: IssueHead, settings: Settings) -> bytes:
    # Large, and needed only where an issue has events: all who know mails import this file.
    from icalendar import Calendar, Event  # noqa: PLC0415

    entry = Event()
    host = settings.base_url.partition("://")[2]
    entry.add("uid", f"{head.number}-{event.slug}-{date.day:%Y%m%d}@{host}")
    # The issue's day, so that the same issue always gives the same bytes.
    entry.add("dtstamp", dt.datetime.combine(head.date, dt.time(), tzinfo=dt.UTC))
    entry.add("summary", event.title)
    for key, value in (
        ("location", event.venue),
        ("description", event.about),
        ("url", event.book),
    ):
        if value:
            entry.add(key, value)
    if date.start is None:
        entry.add("dtstart", date.day)
        entry.add("dtend", date.day + dt.timedelta(days=1))
    else:
        start = dt.datetime.combine(date.day, date.start, tzinfo=settings.office.zone)
        end = (
            dt.datetime.combine(date.day, date.end, tzinfo=settings.office.zone)
            if date.end
            else start + dt.timedelta(hours=1)
        )
        # In UTC, so that the file needs no description of the time zone.
        entry.add("dtstart", start.astimezone(dt.UTC))
        entry.add("dtend", end.astimezone(dt.UTC))
    calendar = Calendar()
    calendar.add("version", "2.0")
    calendar.add("prodid", f"-//{settings.office.name}//{head.title}//EN")
    calendar.add("method", "PUBLISH")
    calendar.add_component(entry)
    content: bytes = calendar.to_ical()
    return content
