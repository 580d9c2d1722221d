"""A rehearsal: letters to everybody who would get a campaign, for a provider's sandbox."""

import datetime as dt
from collections.abc import Iterator, Sequence

from sqlalchemy import Connection, select

from newsletter_mailer.compiling.email import CompiledEmail
from newsletter_mailer.reading.agencies import Registry
from newsletter_mailer.reading.document import Issue
from newsletter_mailer.sending.asking import links_to_nobody
from newsletter_mailer.sending.ledger import Delivery
from newsletter_mailer.sending.letters import merge_values
from newsletter_mailer.sending.personal_links import PersonalLinks
from newsletter_mailer.sending.recipients import Recipients
from newsletter_mailer.sending.transports.contract import Letter
from newsletter_mailer.sending.trying import letterhead_of, maker_of
from newsletter_mailer.settings import Settings
from newsletter_mailer.store.tables import subscriber

_PAGE = 1_000


def rehearsal(
    connection: Connection,
    issue: Issue,
    emails: Sequence[CompiledEmail],
    wanted: Recipients,
    *,
    registry: Registry,
    settings: Settings,
    links: PersonalLinks,
    now: dt.datetime,
) -> Iterator[Letter]:
    """The letter of each recipient, one variant after the other; their links lead to nobody."""
    letterhead = letterhead_of(issue, settings)
    makes = {email.name: maker_of(letterhead, email).at(now) for email in emails}
    urls = {email.name: links_to_nobody(email.html.read_fields, links) for email in emails}
    rows = connection.execution_options(yield_per=_PAGE).execute(
        select(
            subscriber.c.id,
            wanted.variant.label("variant"),
            subscriber.c.email,
            subscriber.c.name,
            wanted.agency.label("agency_id"),
        )
        .where(wanted.chosen)
        .order_by(wanted.position, subscriber.c.id)
    )
    for number, variant, email, name, agency in rows:
        delivery = Delivery(number, variant, email, name, agency, 1)
        values = merge_values(
            delivery, registry.agency(agency).name, settings.greeting, urls[variant]
        )
        yield Letter(number, email, name, variant, values, makes[variant])
