"""When a mail was last opened, as a picture (SVG): a strip for each class, all on one scale."""

from collections.abc import Sequence

from markupsafe import Markup

from newsletter_mailer.reporting.drawing import (
    begun,
    figure,
    fill,
    lines,
    patterns,
    per_cent,
    picture,
)
from newsletter_mailer.reporting.report import OverTime, Period

_UP, _STEP = 28, 50
"""Pixels: the height of the highest column, and from one strip to the next."""

_FLOOR = _STEP - 8

_MARK = 16
"""The width of a mark for what is hidden, in pixels."""

_FILLS = {"human": "", "machine": "lines", "unknown": "dots"}
_OTHER = "diagonal"


def over_time(slug: str, title: str, strips: Sequence[OverTime]) -> Markup:
    """People by when they last opened it, a strip for each class.

    Periods are of different lengths, and each takes the same room. One that a class has in
    one piece and another in several is as wide as these.
    """
    begins = sorted({period.first for strip in strips for period in strip.periods})
    top = max((each.people.number or 0 for strip in strips for each in strip.periods), default=0)
    fills = [_FILLS.get(strip.class_, _OTHER) for strip in strips]
    parts = [patterns(slug, [*sorted({pattern for pattern in fills if pattern}), "hatch"])]
    for number, strip in enumerate(strips):
        ends = [begins.index(period.first) / len(begins) for period in strip.periods]
        columns = lines(
            _column(slug, period, (left, right), fills[number], top)
            for period, left, right in zip(strip.periods, ends, [*ends[1:], 1.0], strict=True)
        )
        parts.append(
            Markup(
                '<g class="strip" transform="translate(0 {})"><text class="name" x="100%" y="14">'
                '{}</text>\n{}\n<rect class="floor" y="{}" width="100%" height="1"/></g>'
            ).format(_STEP * number, begun(strip.name), columns, _FLOOR)
        )
    parts += [
        Markup('<text class="mark" x="{}" y="{}">{:%-d %b}</text>').format(
            per_cent(at / len(begins)), _STEP * len(strips) + 12, day
        )
        for at, day in enumerate(begins)
    ]
    words = ". ".join(
        f"{begun(strip.name)}: "
        + ", ".join(f"{each.people.words} {_days(each)}" for each in strip.periods)
        for strip in strips
    )
    height = _STEP * len(strips) + 18
    drawn = picture(slug, title, f"{words}.", lines(parts), kind="time", height=height)
    rows = (
        (f"{begun(strip.name)}, {_days(each)}", each.people.words)
        for strip in strips
        for each in strip.periods
    )
    return figure(drawn, title, ("Last opened", "People"), rows)


def _column(slug: str, period: Period, ends: tuple[float, float], pattern: str, top: int) -> Markup:
    left, right = ends
    middle, people = per_cent((left + right) / 2), period.people.number
    if people == 0:
        return Markup("")
    if people is None:
        return Markup(
            '<svg x="{}" overflow="visible"><rect class="hidden" x="-{}" y="{}" width="{}"'
            ' height="9"{}/></svg>'
        ).format(middle, _MARK // 2, _FLOOR - 10, _MARK, fill(slug, "hatch"))
    height = max(2, round(_UP * people / top))
    return Markup(
        '<rect class="column{}" x="{}" width="{}" y="{}" height="{}"{}/>'
        '<text class="count" x="{}" y="{}">{}</text>'
    ).format(
        "" if pattern else " solid",
        per_cent(left),
        per_cent(right - left),
        _FLOOR - height,
        height,
        fill(slug, pattern),
        middle,
        _FLOOR - 4 - height,
        period.people.words,
    )


def _days(period: Period) -> str:
    if period.last is None:
        return f"since {period.first:%-d %B}"
    if period.last == period.first:
        return f"on {period.first:%-d %B}"
    return f"from {period.first:%-d %B} to {period.last:%-d %B}"
