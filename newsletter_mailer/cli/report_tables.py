"""A report on the terminal: tables, bars for ranges, and lines of bars for time."""

import datetime as dt
from collections.abc import Iterable, Iterator

from newsletter_mailer.cli.console import say, table
from newsletter_mailer.reporting.report import Earlier, OverTime, Period, Report, Row
from newsletter_mailer.reporting.shown import Reach, Shown

_WIDTH = 20
_HEIGHTS = "▁▂▃▄▅▆▇█"
_MOST_LINKS = 15


def show(report: Report) -> None:
    """Print a report."""
    facts, overall = report.campaign, report.overall
    about = f": {', '.join(report.only)}" if report.only else ""
    say(f"Issue {facts.number}, {facts.title}{about}", *_opening(report))
    if report.only:
        say(*report.notes)
    say("")
    table(
        "Who it reached",
        "",
        "opened",
        "recipients",
        "did not arrive",
        "agreed",
        "opened",
        rows=[_row(name, row) for name, row in _by_sector(report)],
        numbers=4,
    )
    say(f"{'█' * 4} at least  {'▒' * 4} at most  {'·' * 4} of those who agreed to be counted")
    if report.over_time:
        say("")
        table(
            "When it was opened, for the last time by each reader",
            "",
            "",
            "",
            "people",
            rows=[
                line
                for strip in report.over_time
                for line in _strip(strip, report.drawn_up_at.date())
            ],
        )
    if report.classes:
        _counts("What opened it", ((each.name, each.people) for each in report.classes))
    if report.outcomes:
        _counts("What became of it", ((each.name, each.people) for each in report.outcomes))
    if report.earlier:
        _compare(report)
    _thin(report)
    _followed(report)
    _have_read(report)
    if report.to_mend:
        say("", "To mend")
        for each in report.to_mend:
            say(f"  {each.people.words} {each.name}. {each.advice}", f"    {each.command}")
    if report.notes and not report.only:
        say("", *report.notes)
    if not overall.recipients.hidden and not report.only:
        say("", f"Exact figures of what was sent: newsletter certificate {facts.name}")


def _opening(report: Report) -> Iterator[str]:
    facts, overall = report.campaign, report.overall
    when = f"Sent on {_day(facts.sent_on, year=True)}" if facts.sent_on else "Not sent yet"
    whom = f", for {', '.join(facts.audience)}" if facts.audience else ""
    lost = {0: "None of it is known to have been lost."}.get(
        overall.not_arrived.number if overall.not_arrived.number is not None else -1,
        f"Did not arrive: {overall.not_arrived.words}.",
    )
    yield f"{when}{whom}. Recipients: {overall.recipients.words}. {lost}"
    if not report.opens_counted:
        yield "No open was recorded."
        return
    yield overall.reach.sentence
    if report.consent_share is not None and overall.reach.agreed.number:
        yield (
            f"Those who agreed are {_percent(report.consent_share)} of all recipients. "
            "Nothing is known of the others."
        )


def _by_sector(report: Report) -> Iterator[tuple[str, Row]]:
    """Sectors with their agencies below; one line where a sector is a single row."""
    if len(report.sectors) > 1 or (len(report.agencies) > 1 and not report.sectors):
        yield ("Everybody" if not report.only else "Together"), report.overall
    elif not report.agencies:
        yield report.overall.name, report.overall
    shown = {row.id for row in report.sectors}
    for sector in report.sectors:
        inside = [row for row in report.agencies if row.sector == sector.id]
        if len(inside) == 1:
            yield f"{sector.name}: {inside[0].name}", inside[0]
            continue
        yield sector.name, sector
        for row in inside:
            yield f"  {row.name}", row
    for row in report.agencies:
        if row.sector not in shown:
            yield row.name, row


def _row(name: str, row: Row) -> tuple[str, ...]:
    return (
        name,
        _bar(row.reach),
        row.recipients.words,
        row.not_arrived.words,
        row.reach.agreed.words,
        row.reach.percent,
    )


def _bar(reach: Reach) -> str:
    """A range as a bar: full up to its lower end, half up to its upper."""
    least, most = reach.least_share, reach.most_share
    if least is None and most is None:
        return ""
    low = round((least or 0) * _WIDTH)
    high = max(low, round((most if most is not None else least or 0) * _WIDTH))
    return "█" * low + "▒" * (high - low) + "·" * (_WIDTH - high)


def _strip(strip: OverTime, today: dt.date) -> Iterator[tuple[str, str, str, str]]:
    highest = max(period.people.number or 0 for period in strip.periods)
    for at, period in enumerate(strip.periods):
        people = period.people.number or 0
        full = "█" * max(1, round(_WIDTH * people / highest)) if people else ""
        line = sparkline(strip, today) if at == 0 else ""
        yield (
            f"{strip.name} {line}".rstrip() if at == 0 else "",
            _when(period),
            full,
            f"{people:,}",
        )


def sparkline(strip: OverTime, today: dt.date) -> str:
    """People a day in each period, as a row of small bars; the newest lasts until today."""
    rates = [
        (each.people.number or 0) / max(((each.last or today) - each.first).days + 1, 1)
        for each in strip.periods
    ]
    top = max(rates) or 1
    return "".join(_HEIGHTS[round(rate / top * (len(_HEIGHTS) - 1))] for rate in rates)


def _counts(title: str, rows: Iterable[tuple[str, Shown]]) -> None:
    """A table of counts, without those that are nought."""
    said = [(name, shown.words) for name, shown in rows if shown.number != 0]
    if said:
        say("")
        table(title, "", "people", rows=said)


def _compare(report: Report) -> None:
    say("")
    mine = Earlier(
        report.campaign,
        report.overall.recipients,
        report.overall.not_arrived,
        report.overall.reach,
    )
    table(
        "Compared with earlier issues",
        "issue",
        "sent on",
        "opened",
        "recipients",
        "did not arrive",
        "agreed",
        "opened",
        rows=[
            (
                f"{each.campaign.number}, {each.campaign.title}",
                _day(each.campaign.sent_on, year=True) if each.campaign.sent_on else "",
                _bar(each.reach),
                each.recipients.words,
                each.not_arrived.words,
                each.reach.agreed.words,
                each.reach.percent,
            )
            for each in (mine, *report.earlier)
        ],
        numbers=4,
    )


def _thin(report: Report) -> None:
    few = [(each.agency, each.words) for each in report.thin if not each.nobody]
    nobody = [each.agency for each in report.thin if each.nobody]
    if few:
        say("")
        table("Agencies that it hardly reaches", "agency", "recipients", rows=few)
    if nobody:
        say("", f"Nobody gets it at {len(nobody)} of the agencies: {'; '.join(nobody)}.")


def _followed(report: Report) -> None:
    if not report.followed:
        return
    say("")
    ordered = sorted(report.followed, key=lambda each: not each.event)
    table(
        "Events and links that people followed",
        "",
        "in",
        "at least",
        "at most",
        rows=[
            (
                f"Event: {each.text}" if each.event else each.text,
                ", ".join(each.articles),
                each.reach.least.words,
                each.reach.most.words,
            )
            for each in ordered[:_MOST_LINKS]
        ],
        numbers=2,
    )
    if len(ordered) > _MOST_LINKS:
        say(f"… and {len(ordered) - _MOST_LINKS} more: --json, --csv and --page have all of them.")


def _have_read(report: Report) -> None:
    for article in report.have_read:
        rows = [("Everybody", article.people.words)]
        rows += [
            (f"  {row.name}", row.people.words)
            for row in article.by_agency
            if not row.people.hidden and row.people.number
        ]
        say("")
        table(f"They say that they have read: {article.title}", "", "people", rows=rows)


def _when(period: Period) -> str:
    if period.last is None:
        return f"from {_day(period.first)}"
    if period.last == period.first:
        return _day(period.first)
    return f"{_day(period.first)} to {_day(period.last)}"


def _day(day: dt.date, *, year: bool = False) -> str:
    return f"{day:%-d %b %Y}" if year else f"{day:%-d %b}"


def _percent(share: float) -> str:
    return f"{share:.0%}".replace("%", " %")
