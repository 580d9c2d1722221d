"""A campaign to draw up reports of, whatever its counts are."""

import datetime as dt
from collections.abc import Mapping, Sequence
from zoneinfo import ZoneInfo

from newsletter_mailer.reporting.choosing import Only
from newsletter_mailer.reporting.drawing_up import report
from newsletter_mailer.reporting.report import Report
from newsletter_mailer.reporting.tally import Exact, Tally
from newsletter_mailer.sending.campaign import Campaign
from newsletter_mailer.settings import Greeting
from newsletter_mailer.tracking.read import ReadArticle
from tests.projects import small_registry

ZONE = ZoneInfo("Europe/London")
SENT = dt.datetime(2026, 11, 2, 9, tzinfo=dt.UTC)
NOW = SENT + dt.timedelta(days=20)
AGENCIES = [each.id for each in small_registry().agencies]

CAMPAIGN = Campaign(
    id=1,
    name="06-autumn-2018",
    issue="06-autumn-2018",
    number=6,
    title="Autumn",
    state="done",
    audience=(),
    excluded={},
    transport="smtp",
    sender_name="Office",
    sender_address="office@example.org",
    reply_to=None,
    greeting=Greeting(),
    frozen_at=SENT,
    scheduled_at=None,
    started_at=SENT,
    finished_at=SENT,
    canary=0,
    canary_until=None,
    waivers=(),
    **dict.fromkeys(("reason", "token", "content_hash", "audience_hash", "frozen_by"), ""),
)


def drawn_up(tallies: Mapping[str, Tally], articles: Sequence[ReadArticle]) -> Report:
    """The report of these counts, and of articles with a button."""
    lost = sum(each.not_arrived for each in tallies.values())
    got = sum(each.recipients for each in tallies.values()) - lost
    found = Exact(tallies, {"failed": lost, "delivered": got}, {}, {})
    return report(
        CAMPAIGN,
        found,
        small_registry(),
        NOW,
        zone=ZONE,
        only=Only(),
        links=(),
        earlier=(),
        articles=articles,
    )
