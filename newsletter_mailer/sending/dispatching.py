"""A dispatch of a campaign by a project's settings: its letters, its transport, its rules."""

import datetime as dt
from collections.abc import Callable

from sqlalchemy import Engine

from newsletter_mailer.errors import UsageError
from newsletter_mailer.sending.campaign import Campaign
from newsletter_mailer.sending.letters import Letters
from newsletter_mailer.sending.personal_links import PersonalLinks
from newsletter_mailer.sending.rate import hold
from newsletter_mailer.sending.rules import rules_of, wall_clock
from newsletter_mailer.sending.running import Dispatch
from newsletter_mailer.sending.transports.choosing import transport_of
from newsletter_mailer.sending.transports.sendgrid.mailing import Mailing, mailing_of
from newsletter_mailer.settings import Settings
from newsletter_mailer.signing_key import signing_key
from newsletter_mailer.store.engine import reading, writing


def dispatch_of(
    engine: Engine,
    campaign: Campaign,
    settings: Settings,
    clock: Callable[[], dt.datetime] = wall_clock,
) -> Dispatch:
    """What it takes to send a campaign.

    Raises:
        UsageError: the campaign was frozen for another transport than the settings name.
        SettingsError: the settings of the transport are missing or malformed.
    """
    if campaign.transport != settings.transport:
        raise UsageError(
            f"Campaign {campaign.name} was frozen for the transport {campaign.transport}, and the "
            f"settings say {settings.transport}. Set NEWSLETTER_TRANSPORT={campaign.transport} to "
            f"finish it, or end it: newsletter cancel {campaign.name}."
        )
    key = signing_key(settings)
    rules = rules_of(campaign, settings, clock=clock)
    links = PersonalLinks(settings.base_url, key)

    def mailing() -> Mailing:
        with reading(engine) as connection:
            return mailing_of(connection, campaign, settings)

    def slow(seconds: float) -> None:
        with writing(engine) as connection:
            hold(connection, seconds, rules.clock())

    folder = settings.outbox / campaign.name
    transport = transport_of(settings, campaign.id, folder, key, mailing=mailing, slow=slow)
    with reading(engine) as connection:
        letters = Letters(connection, campaign, settings, links)
    return Dispatch(engine, campaign.id, transport, letters, settings.state / "journals", rules)
