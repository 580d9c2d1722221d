"""A project whose campaign was sent, for measuring what comes back: made by SQL, with no mail."""

import datetime as dt
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Engine, text

from benchmarks.report import ROOT
from newsletter_mailer.reading.agencies import read_registry
from newsletter_mailer.settings import Settings
from newsletter_mailer.store.engine import open_store, writing
from newsletter_mailer.web.pages import Pages
from newsletter_mailer.web.site import Site

KEY = "only for benchmarks, and nobody's secret"
NOW = dt.datetime(2026, 3, 2, 9, 30, tzinfo=dt.UTC)

# Numbers from 1, made by the database itself.
_PEOPLE = """
WITH RECURSIVE counted(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM counted WHERE n < :people)
INSERT INTO subscriber (id, email, email_key, name, agency, status, source, created_at, changed_at)
SELECT n, 'reader' || n || '@example.org', 'reader' || n || '@example.org', 'Reader', 'gp',
    'active', 'benchmark', :now, :now FROM counted"""
_AGREED = "INSERT INTO preference (subscriber_id, tracking) SELECT id, true FROM subscriber"
_DELIVERIES = """
INSERT INTO delivery (campaign_id, subscriber_id, batch, variant, email, name, agency, status,
    epoch, attempts, settled_at)
SELECT 1, id, 1 + id / 500, 'a', email, name, agency, 'sent', 1, 1, :now FROM subscriber"""
_CAMPAIGN = """
INSERT INTO campaign (id, name, issue, number, title, state, token, content_hash, transport,
    sender_name, sender_address, greeting, frozen_at)
VALUES (1, 'issue', 'issue', 1, 'News', 'done', 'token1', '', 'smtp', 'Office',
    'office@example.org', '{}', :now)"""


@dataclass(frozen=True)
class Sent:
    """A project with such a campaign."""

    engine: Engine
    settings: Settings
    keys: tuple[str, ...] = (KEY,)

    @staticmethod
    def clock() -> dt.datetime:
        """A day after everything was sent, so that no load comes too soon."""
        return NOW + dt.timedelta(days=1)

    def site(self) -> Site:
        """What the web application works with."""
        looks = self.settings.model_copy(update={"root": ROOT})
        registry = read_registry(looks.agencies_file, "subscribers/agencies.yaml")
        return Site(
            looks,
            registry,
            self.engine,
            Pages(looks),
            self.keys,
            self.clock,
            lambda: "random",
        )


def settings_in(folder: Path) -> Settings:
    """The settings of the project in a folder."""
    office = {
        "name": "Office",
        "address": ["1 High Street"],
        "phone": "0116 000 0000",
        "email": "office@example.org",
        "website": "https://office.example.org/",
    }
    return Settings.model_validate(
        {
            "root": folder,
            "base_url": "https://newsletter.example.org",
            "office": office,
            "sender": {"name": "Office", "address": "office@example.org"},
        }
    )


def make_sent(folder: Path, people: int) -> Sent:
    """A campaign that was sent to so many people, who all agree that opens are counted."""
    settings = settings_in(folder)
    engine = open_store(settings)
    with writing(engine) as connection:
        for statement in (_PEOPLE, _AGREED, _CAMPAIGN, _DELIVERIES):
            connection.execute(
                text(statement), {"people": people, "now": "2026-03-02 09:30:00.000000"}
            )
    return Sent(engine, settings)
