"""Drawing up a report: exact figures in, a report without small groups out."""

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, select

from newsletter_mailer.reading.agencies import Registry
from newsletter_mailer.reporting.choosing import Only, choose
from newsletter_mailer.reporting.classes import classes, over_time
from newsletter_mailer.reporting.disclosure import range_of
from newsletter_mailer.reporting.having_read import have_read
from newsletter_mailer.reporting.outcomes import outcomes, to_mend
from newsletter_mailer.reporting.report import CampaignFacts, Earlier, Followed, Report, Row
from newsletter_mailer.reporting.shown import HIDDEN, Reach
from newsletter_mailer.reporting.table import overall, published, table, thin
from newsletter_mailer.reporting.tally import Exact, exact
from newsletter_mailer.sending.campaign import Campaign, all_campaigns
from newsletter_mailer.sending.counted_links import counted_links
from newsletter_mailer.store.archive_tables import archive_article
from newsletter_mailer.store.tables import campaign_link
from newsletter_mailer.tracking.figures import figures
from newsletter_mailer.tracking.read import ReadArticle, read_articles

EARLIER = 5
"""How many earlier issues a campaign is compared with."""

_BOOKING = "Book a place: "
"""How the words of a link begin that an event has for booking."""


@dataclass(frozen=True, slots=True)
class Link:
    """A counted link as it stands in an issue."""

    number: int
    url: str
    words: str
    articles: tuple[str, ...]


def draw_up(
    connection: Connection,
    campaign: Campaign,
    registry: Registry,
    now: dt.datetime,
    *,
    zone: ZoneInfo,
    only: Only | None = None,
) -> Report:
    """Draw up the report of a campaign, or of some of its agencies and sectors.

    `now` has its zone; days are those of the office's `zone`. It takes three scans of the
    ledger, and as many for each of the `EARLIER` issues that it is compared with.
    """
    links = _links(connection, campaign.id)
    wanted = only or Only()
    return report(
        campaign,
        exact(figures(connection, campaign.id), registry),
        registry,
        now,
        zone=zone,
        only=wanted,
        links=links,
        earlier=() if wanted else _earlier(connection, campaign, registry, zone),
        articles=read_articles(connection, campaign.id),
    )


def report(
    campaign: Campaign,
    found: Exact,
    registry: Registry,
    now: dt.datetime,
    *,
    zone: ZoneInfo,
    only: Only,
    links: Sequence[Link],
    earlier: Sequence[Earlier],
    articles: Sequence[ReadArticle] = (),
) -> Report:
    """The report of these exact counts."""
    made = table(found.by_agency, registry)
    chosen = choose(made, only, registry)
    facts = _facts(campaign, zone)
    cut = published(found.whole)
    opens_counted = any(found.days.values()) or any(found.clicks.values())
    notes = [*chosen.notes, *_notes(campaign, chosen.rows)]
    if only:
        notes.append(
            "Classes, days, outcomes, links and earlier issues are shown for a whole campaign "
            f"only: newsletter report {campaign.name}"
        )
        return Report(
            facts, now, chosen.names, chosen.overall, chosen.blocks, chosen.rows,
            (), (), (), (), (), opens_counted, bool(links), (), (), tuple(notes),
        )  # fmt: skip
    shown = outcomes(found.outcomes, found.whole, cut)
    return Report(
        facts,
        now,
        (),
        chosen.overall,
        chosen.blocks,
        chosen.rows,
        classes(found, cut),
        over_time(found, cut, facts.sent_on, now.astimezone(zone).date()) if facts.sent_on else (),
        shown,
        tuple(earlier),
        () if campaign.audience else thin(found.by_agency, made, registry),
        opens_counted,
        bool(links),
        tuple(_followed(links, found, made.whole)),
        to_mend(shown, campaign.name),
        tuple(notes),
        have_read(articles, found.by_agency, made, registry),
    )


def _facts(campaign: Campaign, zone: ZoneInfo) -> CampaignFacts:
    begun = campaign.started_at
    if begun is None and campaign.state != "scheduled":
        begun = campaign.frozen_at
    return CampaignFacts(
        campaign.name,
        campaign.number,
        campaign.title,
        campaign.state,
        begun.astimezone(zone).date() if begun else None,
        campaign.audience,
    )


def _earlier(
    connection: Connection, campaign: Campaign, registry: Registry, zone: ZoneInfo
) -> list[Earlier]:
    """The campaigns of other issues before this one, the newest first."""
    before = [
        each
        for each in all_campaigns(connection)
        if each.id < campaign.id and each.issue != campaign.issue and each.state != "scheduled"
    ]
    made = []
    for each in reversed(before[-EARLIER:]):
        row = overall(exact(figures(connection, each.id), registry).whole)
        made.append(Earlier(_facts(each, zone), row.recipients, row.not_arrived, row.reach))
    return made


def _links(connection: Connection, campaign_id: int) -> list[Link]:
    """The counted links of a campaign, with the words and articles that readers saw them in."""
    urls = counted_links(connection, campaign_id)
    if not urls:
        return []
    titles: dict[str, str] = {}
    for anchor, title in connection.execute(
        select(archive_article.c.anchor, archive_article.c.title)
        .where(archive_article.c.campaign_id == campaign_id)
        .order_by(archive_article.c.id)
    ):
        titles.setdefault(anchor, title)
    standing: dict[str, Sequence[Mapping[str, str]]] = dict(
        connection.execute(
            select(campaign_link.c.url, campaign_link.c.mentions).where(
                campaign_link.c.campaign_id == campaign_id
            )
        ).all()
    )
    return [_link(number, url, standing.get(url, ()), titles) for number, url in enumerate(urls)]


def _link(
    number: int, url: str, mentions: Sequence[Mapping[str, str]], titles: Mapping[str, str]
) -> Link:
    booking = [each["words"] for each in mentions if each["words"].startswith(_BOOKING)]
    words = booking or [each["words"] for each in mentions if each["words"]]
    articles = dict.fromkeys(titles.get(each["article"], each["article"]) for each in mentions)
    return Link(number, url, words[0] if words else url, tuple(articles))


def _followed(links: Iterable[Link], found: Exact, whole: Row) -> list[Followed]:
    """How many followed each link, the most first; those that are hidden as they stand."""
    agreed = whole.reach.agreed
    made = []
    for link in links:
        least, most = found.clicks.get(link.number, (0, 0))
        if agreed.number is None:
            shown = Reach(agreed, HIDDEN, HIDDEN)
        else:
            most = min(most, agreed.number)
            high, low = range_of(agreed.number, most, min(least, most))
            shown = Reach(agreed, low, high)
        event = link.words.startswith(_BOOKING)
        text = link.words.removeprefix(_BOOKING)
        made.append(Followed(link.url, text, link.articles, event, shown))
    return sorted(made, key=lambda each: -(each.reach.most.number or 0))


def _notes(campaign: Campaign, rows: Sequence[Row]) -> list[str]:
    notes = []
    if campaign.state not in {"done", "cancelled"}:
        notes.append(
            f"The campaign is {campaign.state}: what is still to be sent counts as not arrived."
        )
    elif campaign.state == "cancelled":
        notes.append("The campaign was cancelled: not everybody was sent it.")
    notes += [
        f"{row.name}: {', '.join(row.members)}. They are counted together, since some of them "
        "are so small that a figure would point to single people."
        for row in rows
        if len(row.members) > 1
    ]
    if any(shown.hidden for row in rows for shown in (row.reach.agreed, row.reach.most)):
        notes.append(
            "Groups of fewer than five people are hidden, and others from which they could be "
            "worked out."
        )
    return notes
