"""A report for programs. docs/tracking.md describes the shape.

A count is an object: `number` (null where it is hidden), `words` (what a page prints), and what may
be known of it: `least`, and `most`, null where that is nothing.
"""

import datetime as dt
from collections.abc import Mapping

from newsletter_mailer.reporting.report import CampaignFacts, Report, Row
from newsletter_mailer.reporting.shown import Reach, Shown

FORMAT = 1
"""Goes up when a field changes its meaning."""


def as_dict(report: Report) -> dict[str, object]:
    """The report as JSON holds it. Days are the office's, the time is UTC."""
    return {
        "format": FORMAT,
        "campaign": _campaign(report.campaign),
        "drawn_up_at": report.drawn_up_at.astimezone(dt.UTC).isoformat(),
        "only": list(report.only),
        "overall": _row(report.overall),
        "consent_share": report.consent_share,
        "sectors": [_row(each) for each in report.sectors],
        "agencies": [_row(each) for each in report.agencies],
        "classes": [
            {"class": each.class_, "name": each.name, "people": _count(each.people)}
            for each in report.classes
        ],
        "over_time": [
            {
                "class": each.class_,
                "name": each.name,
                "periods": [
                    {
                        "first": period.first.isoformat(),
                        "last": period.last.isoformat() if period.last else None,
                        "people": _count(period.people),
                    }
                    for period in each.periods
                ],
            }
            for each in report.over_time
        ],
        "outcomes": [
            {
                "outcome": each.key,
                "name": each.name,
                "arrived": each.arrived,
                "people": _count(each.people),
            }
            for each in report.outcomes
        ],
        "earlier": [
            {
                "campaign": _campaign(each.campaign),
                "recipients": _count(each.recipients),
                "not_arrived": _count(each.not_arrived),
                "opened": _reach(each.reach),
            }
            for each in report.earlier
        ],
        "thin": [
            {
                "agency": each.agency,
                "sector": each.sector_name,
                "nobody": each.nobody,
                "words": each.words,
            }
            for each in report.thin
        ],
        "opens_counted": report.opens_counted,
        "clicks_counted": report.clicks_counted,
        "followed": [
            {
                "url": each.url,
                "text": each.text,
                "articles": list(each.articles),
                "event": each.event,
                "followed": _reach(each.reach),
            }
            for each in report.followed
        ],
        "have_read": [
            {
                "article": each.article,
                "title": each.title,
                "people": _count(each.people),
                "agencies": [
                    {"id": row.id, "name": row.name, "people": _count(row.people)}
                    for row in each.by_agency
                ],
            }
            for each in report.have_read
        ],
        "to_mend": [
            {
                "kind": each.key,
                "name": each.name,
                "people": _count(each.people),
                "advice": each.advice,
                "command": each.command,
            }
            for each in report.to_mend
        ],
        "notes": list(report.notes),
    }


def _campaign(facts: CampaignFacts) -> Mapping[str, object]:
    return {
        "name": facts.name,
        "number": facts.number,
        "title": facts.title,
        "state": facts.state,
        "sent_on": facts.sent_on.isoformat() if facts.sent_on else None,
        "audience": list(facts.audience),
    }


def _row(row: Row) -> Mapping[str, object]:
    return {
        "id": row.id,
        "name": row.name,
        "sector": row.sector,
        "members": list(row.members),
        "recipients": _count(row.recipients),
        "not_arrived": _count(row.not_arrived),
        "opened": _reach(row.reach),
    }


def _reach(reach: Reach) -> Mapping[str, object]:
    return {
        "agreed": _count(reach.agreed),
        "least": _count(reach.least),
        "most": _count(reach.most),
        "least_share": reach.least_share,
        "most_share": reach.most_share,
    }


def _count(shown: Shown) -> Mapping[str, object]:
    return {
        "number": shown.number,
        "words": shown.words,
        "least": shown.least,
        "most": shown.most,
    }
