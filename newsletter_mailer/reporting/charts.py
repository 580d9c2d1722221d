"""Charts as pictures (SVG) with their figures beside them: pure functions of what is shown.

What is hidden is drawn as a hatched mark whose size is always the same, so that no length
gives a small group away, and the words beside it say so.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from newsletter_mailer.reporting.drawing import (
    begun,
    figure,
    fill,
    lines,
    patterns,
    picture,
    shortened,
    two_lines,
)
from newsletter_mailer.reporting.report import Outcome
from newsletter_mailer.reporting.shown import Reach

_WIDE, _NARROW, _PAPER = 56, 44, 37
"""Characters of a name that fit beside its bar, above it on a phone, and on a line on paper."""

_STEP = 28
"""Pixels from one bar to the next on a screen."""

_MARK = 28
"""The width of a mark for what is hidden, in pixels."""


@dataclass(frozen=True, slots=True)
class Bar:
    """A name, and the range of those who opened it. `here` marks one among its likes."""

    name: str
    reach: Reach
    here: bool = False

    @property
    def words(self) -> str:
        """`34 – 61 % of 80`, or what is hidden of it."""
        if self.reach.agreed.number is None:
            return "hidden"
        if self.reach.agreed.number == 0:
            return "nobody agreed"
        if self.reach.least.hidden and self.reach.most.hidden:
            return f"hidden, of {self.reach.agreed.words}"
        return f"{self.reach.percent} of {self.reach.agreed.words}".replace(" %", "\xa0%")


def ranges(slug: str, title: str, kind: str, bars: Sequence[Bar]) -> Markup:
    """A bar for each agency or issue: from the fewest to the most who opened it.

    The scale is from nobody to everybody who agreed to be counted. `kind` says what the
    bars are, as the head of a column.
    """
    inside = lines(
        [
            patterns(slug, ["hatch"]),
            _scale(),
            *(_row(slug, number, bar) for number, bar in enumerate(bars)),
        ]
    )
    drawn = picture(
        slug,
        title,
        "; ".join(f"{bar.name}: {bar.words}" for bar in bars) + ".",
        inside,
        kind="ranges",
        height=_STEP * len(bars) + _STEP,
        style=f"--rows: {len(bars)}",
    )
    heads = (kind, "Agreed to be counted", "Opened it: at least", "at most")
    figures = (
        (bar.name, bar.reach.agreed.words, bar.reach.least.words, bar.reach.most.words)
        for bar in bars
    )
    return figure(drawn, title, heads, figures)


def _scale() -> Markup:
    """Thin lines at every quarter, with the share above every half."""
    quarters = lines(
        Markup('<rect class="grid" style="--at: {0}" x="{0}%" y="20" width="1"/>').format(at)
        for at in (0, 25, 50, 75, 100)
    )
    marks = lines(
        Markup('<text class="mark {}" style="--at: {}" y="12">{}\xa0%</text>').format(
            {0: "first", 100: "last"}.get(at, "middle"), at, at
        )
        for at in (0, 50, 100)
    )
    return Markup("{}\n{}").format(quarters, marks)


def _row(slug: str, number: int, bar: Bar) -> Markup:
    return Markup(
        '<g class="row{}" style="--row: {}">{}<g class="bar">'
        '<rect class="track" y="-3" height="6"/>{}</g>'
        '<text class="says" x="100%">{}</text></g>'
    ).format(" here" if bar.here else "", number, _name(bar.name), _bar(slug, bar.reach), bar.words)


def _name(name: str) -> Markup:
    """A name as it fits beside a bar; a long one also as it fits on a phone and on paper."""
    if len(name) <= _PAPER:
        return Markup('<text class="name">{}</text>').format(name)
    return Markup(
        '<text class="name wide">{}</text><text class="name narrow">{}</text>'
        '<text class="name paper"><tspan x="0" dy="-.55em">{}</tspan>'
        '<tspan x="0" dy="1.1em">{}</tspan></text>'
    ).format(shortened(name, _WIDE), shortened(name, _NARROW), *two_lines(name, _PAPER))


def _bar(slug: str, reach: Reach) -> Markup:
    least, most = reach.least_share, reach.most_share
    if reach.agreed.number == 0:
        return Markup("")
    hatch = fill(slug, "hatch")
    if least is None or most is None:
        mark = Markup('<rect class="hidden {}" style="--at: {}" width="{}" y="-6" height="12"{}/>')
        known = least if most is None else most
        if known is None:
            return mark.format("whole", 0, _MARK, hatch)
        side = "after" if most is None else "before"
        return mark.format(side, round(100 * known, 2), _MARK // 2, hatch) + _end(known)
    return (
        Markup('<rect class="range" style="--at: {}; --long: {}" y="-7" height="14" rx="2"/>')
    ).format(round(100 * least, 2), round(100 * (most - least), 2)) + _end(least)


def _end(share: float) -> Markup:
    """A thin line at an end of a range, so that one without length is seen too."""
    return Markup('<rect class="end" style="--at: {}" width="3" y="-7" height="14"/>').format(
        round(100 * share, 2)
    )


_LEAST = 0.012
"""The share of the bar that the smallest part takes, so that it is seen at all."""

_ARRIVED = ("", "diagonal", "lines")
_LOST = ("cross", "dots", "upright")


def stacked(slug: str, title: str, outcomes: Sequence[Outcome], recipients: int | None) -> Markup:
    """What became of everybody's mail: one bar, whose parts are named and counted below it.

    Outcomes that nobody had are left out. One mark behind the bar stands for all that are
    hidden, and the bar is made of the others alone. `recipients` is everybody, of whom shares
    are told; None where that is hidden.
    """
    outcomes = [each for each in outcomes if each.people.number != 0]
    looks = _looks(outcomes)
    known = [(each, each.people.number) for each in outcomes if each.people.number]
    total = sum(number for _, number in known)
    widths = [max(_LEAST, number / total) for _, number in known]
    whole = sum(widths)
    shapes, at = [], 0.0
    for (each, _), width in zip(known, widths, strict=True):
        shapes.append(_part(slug, looks[each.key], at, width / whole))
        at += width / whole
    room, mark = 0, Markup("")
    if len(known) < len(outcomes):
        room = _MARK + 3
        mark = Markup(
            '<svg x="100%" overflow="visible"><rect class="hidden" x="-{0}" y="2" width="{0}"'
            ' height="28"{1}/></svg>'
        ).format(_MARK, fill(slug, "hatch"))
    used = sorted({pattern for _, pattern in looks.values() if pattern})
    inside = lines(
        [
            patterns(slug, [*used, "hatch"]),
            Markup('<g class="stack" style="--room: {}px">{}</g>').format(room, lines(shapes)),
            mark,
        ]
    )
    words = "; ".join(f"{each.name}: {each.people.words}" for each in outcomes) + "."
    drawn = picture(slug, title, words, inside, kind="stacked", height=32)
    key = _key(slug, title, [(each, looks[each.key]) for each in outcomes], recipients)
    return Markup("<figure>\n{}\n{}\n</figure>").format(drawn, key)


def _looks(outcomes: Sequence[Outcome]) -> dict[str, tuple[str, str]]:
    """Tone and pattern of each outcome: two that are the same in neither, as far as they go."""
    looks: dict[str, tuple[str, str]] = {}
    for arrived, kinds, tone in ((True, _ARRIVED, "good"), (False, _LOST, "bad")):
        keys = [each.key for each in outcomes if each.arrived is arrived]
        looks |= {key: (tone, kinds[at % len(kinds)]) for at, key in enumerate(keys)}
    return looks


def _part(slug: str, look: tuple[str, str], at: float, width: float) -> Markup:
    tone, pattern = look
    return Markup(
        '<g class="{}"><rect class="part{}" style="--at: {:.3f}; --long: {:.3f}" y="2"'
        ' height="28"{}/></g>'
    ).format(tone, "" if pattern else " solid", 100 * at, 100 * width, fill(slug, pattern))


def _key(
    slug: str,
    title: str,
    outcomes: Sequence[tuple[Outcome, tuple[str, str]]],
    recipients: int | None,
) -> Markup:
    """The parts' looks, names and counts, always in sight."""
    rows = lines(
        Markup(
            '<tr><th scope="row"><svg class="swatch {}" width="16" height="16" viewBox="0 0 16 16"'
            ' aria-hidden="true"><rect class="{}" x="1" y="1" width="14" height="14"{}/></svg>'
            "<span>{}</span></th><td>{}</td><td>{}</td></tr>"
        ).format(
            tone,
            "hidden" if each.people.hidden else "swatch solid" if not pattern else "swatch",
            fill(slug, "hatch" if each.people.hidden else pattern),
            begun(each.name),
            each.people.words,
            _share(each.people.number, recipients),
        )
        for each, (tone, pattern) in outcomes
    )
    return Markup(
        '<table class="key"><caption>{}</caption>\n<thead><tr><th scope="col">Outcome</th>'
        '<th scope="col">Letters</th><th scope="col">Share</th></tr></thead>\n'
        "<tbody>\n{}\n</tbody></table>"
    ).format(title, rows)


def _share(part: int | None, whole: int | None) -> str:
    return f"{part / whole:.1%}".replace("%", "\xa0%") if part is not None and whole else "–"
