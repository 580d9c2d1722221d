"""A report as a table for a spreadsheet: one row for each figure, hidden ones as words."""

import csv
from collections.abc import Iterator
from typing import TextIO

from newsletter_mailer.audience.formula_guard import guarded
from newsletter_mailer.reporting.report import Report, Row
from newsletter_mailer.reporting.shown import Reach, Shown

HEADER = (
    "section",
    "id",
    "name",
    "from",
    "to",
    "people",
    "not_arrived",
    "agreed",
    "at_least",
    "at_most",
)
"""`people` are the recipients where a row has them, and those who say that they have read an
article. `at_least` and `at_most` are those who
opened it, or followed a link."""


def write_csv(report: Report, stream: TextIO) -> None:
    """Write a report. A file for `stream` is opened with `newline=""`.

    No cell is a formula, whatever agencies, articles and links are called.
    """
    writer = csv.writer(stream)
    writer.writerow(HEADER)
    writer.writerows([guarded(cell) for cell in row] for row in _rows(report))


def _rows(report: Report) -> Iterator[tuple[str, ...]]:
    yield _row("overall", report.overall)
    for row in report.sectors:
        yield _row("sector", row)
    for row in report.agencies:
        yield _row("agency", row)
    for kind in report.classes:
        yield _line("class", kind.class_, kind.name, people=_cell(kind.people))
    for strip in report.over_time:
        for period in strip.periods:
            yield _line(
                "period",
                strip.class_,
                strip.name,
                begin=period.first.isoformat(),
                end=period.last.isoformat() if period.last else "",
                people=_cell(period.people),
            )
    for outcome in report.outcomes:
        yield _line("outcome", outcome.key, outcome.name, people=_cell(outcome.people))
    for each in report.earlier:
        day = each.campaign.sent_on
        yield _line(
            "earlier",
            each.campaign.name,
            each.campaign.title,
            begin=day.isoformat() if day else "",
            people=_cell(each.recipients),
            lost=_cell(each.not_arrived),
            reach=each.reach,
        )
    for thin in report.thin:
        yield _line("thin", "", thin.agency, people=thin.words)
    for link in report.followed:
        section = "event" if link.event else "link"
        yield _line(section, link.url, link.text, reach=link.reach)
    for article in report.have_read:
        yield _line("have read", article.article, article.title, people=_cell(article.people))
        for part in article.by_agency:
            yield _line(
                "have read by agency",
                f"{article.article} {part.id}",
                part.name,
                people=_cell(part.people),
            )
    for mend in report.to_mend:
        yield _line("to mend", mend.key, mend.name, people=_cell(mend.people))


def _row(section: str, row: Row) -> tuple[str, ...]:
    return _line(
        section,
        row.id,
        row.name,
        people=_cell(row.recipients),
        lost=_cell(row.not_arrived),
        reach=row.reach,
    )


def _line(
    section: str,
    id_: str,
    name: str,
    *,
    begin: str = "",
    end: str = "",
    people: str = "",
    lost: str = "",
    reach: Reach | None = None,
) -> tuple[str, ...]:
    opened = ("", "", "")
    if reach is not None:
        opened = (_cell(reach.agreed), _cell(reach.least), _cell(reach.most))
    return (section, id_, name, begin, end, people, lost, *opened)


def _cell(shown: Shown) -> str:
    """A number without marks for thousands, which spreadsheets read in different ways."""
    return shown.words if shown.number is None else str(shown.number)
