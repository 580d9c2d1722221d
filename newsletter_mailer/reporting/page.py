"""The report as a page to read, and on paper one sheet of A4 for a board meeting."""

import re
from collections.abc import Callable

from markupsafe import Markup, escape

from newsletter_mailer.reporting.charts import Bar, ranges, stacked
from newsletter_mailer.reporting.drawing import begun
from newsletter_mailer.reporting.report import Earlier, Report, Row
from newsletter_mailer.reporting.timeline import over_time
from newsletter_mailer.sending.paper import from_template
from newsletter_mailer.settings import Settings

_PER_CENT = re.compile(r"(\d+(?: – \d+)?) %")


def page(report: Report, settings: Settings) -> str:
    """One HTML file with all that it needs inside: no script, and nothing is fetched.

    Moments are written in the office's time zone, colours are its theme's. A server that
    sets a policy of its own must allow inline styles for it. Printed, it is one A4 sheet: the
    charts and what is most needed beside them; tables of single figures stay on the screen.

    Raises:
        TemplateError: `templates/report/report.html` or `report.css` is missing or broken.
    """
    zone = settings.office.zone
    filters: dict[str, Callable[..., object]] = {
        "day": lambda day: f"{day:%-d %B %Y}",
        "moment": lambda at: f"{at.astimezone(zone):%-d %B %Y, %H:%M %Z}",
        "tied": tied,
        "weighty": weighty,
        "begun": begun,
    }
    return from_template(
        "report.html",
        settings,
        filters,
        report=report,
        campaign=report.campaign,
        overall=report.overall,
        charts=charts(report),
    )


def charts(report: Report) -> dict[str, Markup]:
    """The charts by their names; empty where there is nothing for one."""
    made = dict.fromkeys(("agencies", "sectors", "earlier", "time", "outcomes"), Markup(""))
    if report.agencies:
        title = "How many opened it, by agency"
        made["agencies"] = ranges("agencies", title, "Agency", _known_first(report.agencies))
    if report.sectors:
        bars = [Bar(row.name, row.reach) for row in report.sectors]
        made["sectors"] = ranges("sectors", "How many opened it, by sector", "Sector", bars)
    if report.earlier:
        bars = [Bar(_issue(report), report.overall.reach, here=True)]
        bars += [Bar(_issue(each), each.reach) for each in report.earlier]
        made["earlier"] = ranges("earlier", "How many opened each issue", "Issue", bars)
    if any(strip.periods for strip in report.over_time):
        strips = [strip for strip in report.over_time if strip.periods]
        made["time"] = over_time("time", "When it was last opened", strips)
    if report.outcomes:
        everybody = report.overall.recipients.number
        made["outcomes"] = stacked(
            "outcomes", "What became of the letters", report.outcomes, everybody
        )
    return made


def _known_first(rows: tuple[Row, ...]) -> list[Bar]:
    """Those with a range first, in their order; then those of whom little or nothing is shown."""
    bars = [Bar(row.name, row.reach) for row in rows]
    return sorted(
        bars, key=lambda bar: (bar.reach.least_share is None, bar.reach.most_share is None)
    )


def _issue(of: Report | Earlier) -> str:
    campaign = of.campaign
    when = f", {campaign.sent_on:%b %Y}" if campaign.sent_on else ""
    return f"Issue {campaign.number}{when}"


def tied(words: str) -> str:
    """A share keeps its sign on its line."""
    return _PER_CENT.sub(lambda found: found[0].replace(" ", "\N{NO-BREAK SPACE}"), words)


def weighty(words: str) -> Markup:
    """A sentence whose shares stand out."""
    return Markup(_PER_CENT.sub(r"<b>\g<0></b>", str(escape(words)))).replace(" %", "\xa0%")  # noqa: S704 - escaped
