"""When a mail was last opened, as a picture (SVG): a strip for each class, all on one scale.

Periods are as long as it takes to have enough people in them, so a column's area stands for
people: it is as wide as the period is long, and as high as people a day.
"""

import datetime as dt
import math
from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from newsletter_mailer.reporting.drawing import figure, fill, lines, patterns, per_cent, picture
from newsletter_mailer.reporting.report import OverTime, Period

_UP, _STEP = 28, 50
"""Pixels: the height of the highest column, and from one strip to the next."""

_SHORTEST, _LONGEST = 7, 28
"""Days that the picture shows: what is later stands in its table only."""

_MARK = 16
"""The width of a mark for what is hidden, in pixels."""

_FILLS = {"human": "", "proxied": "diagonal", "unknown": "dots", "machine": "lines"}

_LAST = 0.88
"""No date begins beyond this share of the width, where there is no room for it."""

_DIGIT = 2.4
"""The share of the width, in per cent, that a figure may need on a phone."""


@dataclass(frozen=True, slots=True)
class _Span:
    """The days that the picture shows, and the most people a day in it."""

    begin: dt.date
    days: int
    top: float

    def at(self, day: dt.date) -> float:
        """Where a day begins, from 0 to 1."""
        return min(max((day - self.begin).days / self.days, 0.0), 1.0)


def over_time(slug: str, title: str, strips: Sequence[OverTime], today: dt.date) -> Markup:
    """People by the day of their last open, a strip for each class.

    `today` ends the newest period. What falls after four weeks is in the table only.
    """
    span = _span(strips, today)
    fills = [_FILLS.get(strip.class_, "") for strip in strips]
    drawn = [
        _strip(slug, number, strip, fills[number], span, today)
        for number, strip in enumerate(strips)
    ]
    inside = lines(
        [
            patterns(slug, [*sorted({pattern for pattern in fills if pattern}), "hatch"]),
            *drawn,
            _dates(span, _STEP * len(strips) + 13),
        ]
    )
    words = ". ".join(
        f"{strip.name}: "
        + ", ".join(f"{each.people.words} {_days(each)}" for each in strip.periods)
        for strip in strips
    )
    made = picture(
        slug, title, f"{words}.", inside, kind="time", height=_STEP * len(strips) + 18
    )
    rows = (
        (f"{strip.name}, {_days(each)}", each.people.words)
        for strip in strips
        for each in strip.periods
    )
    return figure(made, title, ("Last opened", "People"), rows)


def _span(strips: Sequence[OverTime], today: dt.date) -> _Span:
    periods = [each for strip in strips for each in strip.periods]
    begin = min((each.first for each in periods), default=today)
    end = max((each.last or each.first for each in periods), default=today)
    days = min(max((end - begin).days + 1, _SHORTEST), _LONGEST)
    top = max((_a_day(each, today) for each in periods), default=0.0)
    return _Span(begin, days, top or 1.0)


def _a_day(period: Period, today: dt.date) -> float:
    """People a day; none where that is hidden."""
    return (period.people.number or 0) / _length(period, today)


def _length(period: Period, today: dt.date) -> int:
    return max(((period.last or today) - period.first).days + 1, 1)


def _strip(
    slug: str, number: int, strip: OverTime, pattern: str, span: _Span, today: dt.date
) -> Markup:
    parts: list[Markup] = []
    free = 0.0
    for period in strip.periods:
        left, right = span.at(period.first), span.at(_after(period, today))
        if left >= 1 or period.people.number == 0:
            continue
        middle = (left + right) / 2
        if period.people.number is None:
            parts.append(_hidden(slug, middle))
            continue
        height = max(2, round(_UP * _a_day(period, today) / span.top))
        parts.append(
            Markup('<rect class="column{}" x="{}" width="{}" y="{}" height="{}"{}/>').format(
                "" if pattern else " solid",
                per_cent(left),
                per_cent(right - left),
                _STEP - 8 - height,
                height,
                fill(slug, pattern),
            )
        )
        half = len(period.people.words) * _DIGIT / 200
        if middle - half >= free:
            free = middle + half
            parts.append(
                Markup('<text class="count" x="{}" y="{}">{}</text>').format(
                    per_cent(middle), _STEP - 12 - height, period.people.words
                )
            )
    return Markup(
        '<g class="strip" transform="translate(0 {0})"><text class="name" x="100%" y="14">{1}</text>\n{2}\n'
        '<rect class="floor" y="{3}" width="100%" height="1"/></g>'
    ).format(_STEP * number, strip.name, lines(parts), _STEP - 8)


def _hidden(slug: str, middle: float) -> Markup:
    return Markup(
        '<svg x="{}" overflow="visible"><rect class="hidden" x="-{}" y="{}" width="{}"'
        ' height="9"{}/></svg>'
    ).format(per_cent(middle), _MARK // 2, _STEP - 18, _MARK, fill(slug, "hatch"))


def _after(period: Period, today: dt.date) -> dt.date:
    return period.first + dt.timedelta(days=_length(period, today))


def _dates(span: _Span, y: int) -> Markup:
    """Five dates at most, so that they stand apart on a phone too."""
    step = math.ceil(span.days / 5)
    return lines(
        Markup('<text class="mark" x="{}" y="{}">{:%-d %b}</text>').format(
            per_cent(day / span.days), y, span.begin + dt.timedelta(days=day)
        )
        for day in range(0, span.days, step)
        if day / span.days < _LAST
    )


def _days(period: Period) -> str:
    if period.last is None:
        return f"since {period.first:%-d %B}"
    if period.last == period.first:
        return f"on {period.first:%-d %B}"
    return f"from {period.first:%-d %B} to {period.last:%-d %B}"
