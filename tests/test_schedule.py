"""When letters may leave: what `--at` names, and office hours, over all clock changes."""

import datetime as dt
from contextlib import suppress
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsletter_mailer.errors import UsageError
from newsletter_mailer.sending.schedule import opens, start_time
from newsletter_mailer.settings import Send

LONDON = ZoneInfo("Europe/London")
UTC = dt.UTC


def utc(text: str) -> dt.datetime:
    """A moment in UTC."""
    return dt.datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "now", "expected"),
    [
        ("2026-07-01 09:00", "2026-06-01 12:00", "2026-07-01 08:00"),  # summer time
        ("2026-12-01 09:00", "2026-06-01 12:00", "2026-12-01 09:00"),
        ("2026-12-01T09:00:30", "2026-06-01 12:00", "2026-12-01 09:00:30"),
        ("2026-12-01T09:00+05:00", "2026-06-01 12:00", "2026-12-01 04:00"),
        ("2026-12-01T09:00Z", "2026-06-01 12:00", "2026-12-01 09:00"),
        ("2026-12-01", "2026-06-01 12:00", "2026-12-01 00:00"),
        (" 13:30 ", "2026-06-01 12:00", "2026-06-01 12:30"),
        ("09:00", "2026-06-01 12:00", "2026-06-02 08:00"),
        ("13:00", "2026-06-01 12:00", "2026-06-02 12:00"),  # it is 13:00 at this moment
        ("09:00", "2026-10-24 12:00", "2026-10-25 09:00"),  # over the end of summer time
        ("00:30", "2026-06-01 23:15", "2026-06-01 23:30"),  # past midnight in London already
    ],
)
def test_a_time_is_the_offices(text: str, now: str, expected: str) -> None:
    """Without a zone of its own it is meant in the office's; an hour alone is the next such."""
    assert start_time(text, LONDON, utc(now)) == utc(expected)


def test_an_hour_that_comes_twice_is_the_first() -> None:
    """When the clocks go back, 01:30 means the earlier one; with a zone, the other can be named."""
    now = utc("2026-10-24 12:00")
    assert start_time("2026-10-25 01:30", LONDON, now) == utc("2026-10-25 00:30")
    assert start_time("2026-10-25 01:30+00:00", LONDON, now) == utc("2026-10-25 01:30")


def test_an_hour_that_comes_twice_can_be_the_second() -> None:
    """Where the first is over, the second is still to come."""
    now = utc("2026-10-25 00:45")
    assert start_time("2026-10-25 01:30", LONDON, now) == utc("2026-10-25 01:30")
    assert start_time("01:30", LONDON, now) == utc("2026-10-25 01:30")


@pytest.mark.parametrize(
    ("text", "now"), [("2026-03-29 01:30", "2026-03-01 12:00"), ("01:30", "2026-03-28 12:00")]
)
def test_a_time_that_is_left_out_is_refused(text: str, now: str) -> None:
    """When the clocks go forward there is no 01:30."""
    with pytest.raises(UsageError, match="clocks go forward"):
        start_time(text, LONDON, utc(now))


@pytest.mark.parametrize("text", ["2026-06-01 12:59", "2026-06-01T13:00", "1999-01-01 00:00"])
def test_a_time_that_is_over_is_refused(text: str) -> None:
    """The message says what time it is in the office."""
    with pytest.raises(UsageError, match=r"lies behind: it is 2026-06-01 13:00"):
        start_time(text, LONDON, utc("2026-06-01 12:00"))


@pytest.mark.parametrize(
    "text",
    ["", "now", "9", "25:00", "2026-13-01 09:00", "09:00 tomorrow", "2026-11", "0001-01-01 00:00"],
)
def test_what_is_no_time_is_refused(text: str) -> None:
    """The message shows how to write it."""
    zone = ZoneInfo("Asia/Tokyo")
    with pytest.raises(UsageError, match="is not a time"):
        start_time(text, zone, utc("2026-06-01 12:00"))


@given(text=st.text(max_size=30) | st.text("0123456789-:+TZW .", max_size=25))
def test_any_words_give_a_time_to_come_or_a_message(text: str) -> None:
    """Nothing that somebody types after --at ends in a traceback, or in the past."""
    now = utc("2026-06-01 12:00")
    moment = None
    with suppress(UsageError):
        moment = start_time(text, LONDON, now)
    assert moment is None or moment > now


HOURS = Send(hours="08:00-18:00")
SATURDAYS = Send(hours="08:00-18:00", days=("sat",))


@pytest.mark.parametrize(
    ("send", "now", "expected"),
    [
        (Send(), "2026-06-06 03:00", "2026-06-06 03:00"),  # no hours are set
        (HOURS, "2026-06-01 06:59", "2026-06-01 07:00"),  # Monday, summer time
        (HOURS, "2026-06-01 07:00", "2026-06-01 07:00"),
        (HOURS, "2026-06-01 16:59:59", "2026-06-01 16:59:59"),
        (HOURS, "2026-06-01 17:00", "2026-06-02 07:00"),
        (HOURS, "2026-06-05 17:00", "2026-06-08 07:00"),  # Friday evening: Monday
        (HOURS, "2026-06-07 12:00", "2026-06-08 07:00"),
        (HOURS, "2026-03-27 18:00", "2026-03-30 07:00"),  # summer time began in between
        (SATURDAYS, "2026-06-06 17:00", "2026-06-13 07:00"),
    ],
)
def test_letters_leave_in_office_hours(send: Send, now: str, expected: str) -> None:
    """At this moment if they are open, else when they open next, in the office's zone."""
    assert opens(send, LONDON, utc(now)) == utc(expected)


@given(
    now=st.datetimes(dt.datetime(2026, 1, 1), dt.datetime(2027, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001 - bounds without a zone are the strategy's
    days=st.lists(
        st.sampled_from(["mon", "tue", "wed", "thu", "fri", "sat", "sun"]), min_size=1, unique=True
    ),
)
def test_what_opens_is_open(now: dt.datetime, days: list[str]) -> None:
    """The moment that is named lies within a week, in hours, and is the first such."""
    send = Send.model_validate({"hours": "08:00-18:00", "days": days})
    opening = opens(send, LONDON, now)
    assert dt.timedelta() <= opening - now <= dt.timedelta(days=7, hours=1)
    assert opens(send, LONDON, opening) == opening
    here = opening.astimezone(LONDON)
    assert here.strftime("%a").lower() in days
    assert dt.time(8) <= here.time() < dt.time(18)
