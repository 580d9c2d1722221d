"""Test letters: chosen variants to chosen addresses, marked, and written down nowhere."""

import datetime as dt
import secrets
from collections.abc import Sequence
from itertools import chain

from newsletter_mailer.compiling.email import CompiledEmail
from newsletter_mailer.reading.agencies import Registry
from newsletter_mailer.reading.document import Issue
from newsletter_mailer.sending.asking import NOBODY, links_to_nobody
from newsletter_mailer.sending.campaign import FrozenImage
from newsletter_mailer.sending.ledger import Delivery
from newsletter_mailer.sending.letters import list_id, merge_values
from newsletter_mailer.sending.message import Letterhead, MessageMaker
from newsletter_mailer.sending.personal_links import PersonalLinks
from newsletter_mailer.sending.transports.choosing import transport_of
from newsletter_mailer.sending.transports.contract import Letter, Receipt
from newsletter_mailer.sending.transports.sendgrid.mailing import mailing_of_emails
from newsletter_mailer.settings import Settings
from newsletter_mailer.signing_key import signing_key

MARK = "[TEST] "


FOLDER = "test"
"""Where in the outbox they go, where that is the transport."""


def send_trial(
    issue: Issue,
    emails: Sequence[CompiledEmail],
    registry: Registry,
    settings: Settings,
    *,
    addresses: Sequence[str],
    agencies: Sequence[str],
    now: dt.datetime,
) -> list[tuple[Letter, Receipt]]:
    """Send one letter to each address for each agency, and say what became of it.

    Raises:
        TransportError: the transport can take nothing.
    """
    key = signing_key(settings)
    links = PersonalLinks(settings.base_url, key)
    letters = trial_letters(
        issue,
        emails,
        registry,
        settings,
        addresses=addresses,
        agencies=agencies,
        links=links,
        now=now,
    )
    transport = transport_of(
        settings,
        NOBODY,
        settings.outbox / FOLDER,
        key,
        mailing=lambda: mailing_of_emails(issue, emails, settings, mark=MARK),
    )
    told = chain.from_iterable(transport.send(iter(letters), lambda *_: None))
    receipts = {receipt.subscriber_id: receipt for receipt in told}
    return [(letter, receipts[letter.subscriber_id]) for letter in letters]


def trial_letters(
    issue: Issue,
    emails: Sequence[CompiledEmail],
    registry: Registry,
    settings: Settings,
    *,
    addresses: Sequence[str],
    agencies: Sequence[str],
    links: PersonalLinks,
    now: dt.datetime,
) -> list[Letter]:
    """One letter for each address and agency, as a person there would get it."""
    letterhead = letterhead_of(issue, settings)
    by_agency = {id_: email for email in emails for id_ in email.agencies}
    letters: list[Letter] = []
    for address in addresses:
        for agency in agencies:
            email = by_agency[agency]
            number = -1 - len(letters)
            delivery = Delivery(number, email.name, address, "", agency, 1)
            urls = links_to_nobody(email.html.read_fields, links)
            name = registry.agency(agency).name
            values = merge_values(delivery, name, settings.greeting, urls)
            make = maker_of(letterhead, email, MARK).at(now)
            letters.append(Letter(number, address, "", email.name, values, make))
    return letters


def letterhead_of(issue: Issue, settings: Settings) -> Letterhead:
    """What the header says of letters that belong to no campaign."""
    sender = issue.head.sender
    return Letterhead(
        secrets.token_hex(16),
        sender.name or settings.sender.name,
        settings.sender.address,
        sender.reply_to or settings.sender.reply_to,
        issue.head.title,
        list_id(settings),
        settings.sender.unsubscribe_address,
    )


def maker_of(letterhead: Letterhead, email: CompiledEmail, mark: str = "") -> MessageMaker:
    """What makes the letters of a compiled mail; `mark` goes before each subject."""
    images = [
        FrozenImage(image.name, image.media_type, image.path.read_bytes()) for image in email.images
    ]
    return MessageMaker(letterhead, email.subject.after(mark), email.text, email.html, images)
