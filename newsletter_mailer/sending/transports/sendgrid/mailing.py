"""What a mailing says to everybody: the frozen content, for a provider that merges by itself."""

import html
import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from newsletter_mailer.compiling.email import CompiledEmail
from newsletter_mailer.compiling.merge import Segments
from newsletter_mailer.reading.document import Issue
from newsletter_mailer.sending import headers
from newsletter_mailer.sending.campaign import Campaign, FrozenImage, images_of, variants_of
from newsletter_mailer.sending.counted import countable_html
from newsletter_mailer.sending.counted_links import counted_links
from newsletter_mailer.sending.letters import list_id
from newsletter_mailer.settings import Settings

MOST_COUNTED = 5_000
"""Bytes that the counted links of a mail may take of a recipient's values, which are limited.

Links to say "I have read this" take theirs from it first: nothing can stand in their place.
"""

_TOKEN_AND_TAGS = 160
"""Bytes of such a link behind the host, and of the tag that stands for it."""


@dataclass(frozen=True, slots=True)
class VariantContent:
    """One variant, open at its merge fields, and the pictures that travel with it."""

    subject: Segments
    html: Segments
    text: Segments
    images: Sequence[FrozenImage] = ()


@dataclass(frozen=True, slots=True)
class Mailing:
    """Everything that the recipients of a campaign, or of test letters, have in common.

    `token` is the mailing's own: no text and no reader's name holds it by chance.
    `list_header` is the value of List-Id (RFC 2919); empty for mails that go to no list, but
    answer what somebody did. `plain` are the fields whose values have nothing to escape, in
    HTML or in JSON. Mails that ask to leave come in at `unsubscribe_address`.
    """

    token: str
    sender_name: str
    sender_address: str
    reply_to: str | None
    list_header: str
    variants: Mapping[str, VariantContent]
    plain: frozenset[str] = frozenset()
    unsubscribe_address: str | None = None


def mailing_of(connection: Connection, campaign: Campaign, settings: Settings) -> Mailing:
    """What was frozen of a campaign, with fields for what is counted of who agreed."""
    images = images_of(connection, campaign.id)
    found = variants_of(connection, campaign.id)
    asking = max((len(each.html.read_fields) for each in found), default=0)
    room = MOST_COUNTED - asking * (len(settings.base_url) + _TOKEN_AND_TAGS)
    numbers = _that_fit(counted_links(connection, campaign.id), settings.base_url, room)
    variants = {}
    for each in found:
        used = {name.partition(":")[2] for name in each.html.fields}
        pictures = [image for image in images if image.name in used]
        body = countable_html(each.html, numbers, pixel=settings.tracking.opens)
        variants[each.name] = VariantContent(each.subject, body, each.text, pictures)
    return Mailing(
        campaign.token,
        campaign.sender_name,
        campaign.sender_address,
        campaign.reply_to,
        _list_header(campaign.title, settings),
        variants,
        _plain(settings, variants),
        settings.sender.unsubscribe_address,
    )


def mailing_of_emails(
    issue: Issue, emails: Sequence[CompiledEmail], settings: Settings, *, mark: str = ""
) -> Mailing:
    """What compiled mails say that are no campaign; `mark` goes before each subject."""
    sender = issue.head.sender
    variants = {
        email.name: VariantContent(
            email.subject.after(mark),
            email.html,
            email.text,
            [
                FrozenImage(image.name, image.media_type, image.path.read_bytes())
                for image in email.images
            ],
        )
        for email in emails
    }
    return Mailing(
        secrets.token_hex(16),
        sender.name or settings.sender.name,
        settings.sender.address,
        sender.reply_to or settings.sender.reply_to,
        _list_header(issue.head.title, settings),
        variants,
        _plain(settings, variants),
        settings.sender.unsubscribe_address,
    )


def _that_fit(urls: Sequence[str], base_url: str, room: int) -> dict[str, int]:
    """The links of a campaign that can be counted, by their numbers; the others stay plain."""
    numbers = {}
    for number, url in enumerate(urls):
        taken = max(len(json.dumps(html.escape(url))), len(base_url)) + _TOKEN_AND_TAGS
        if taken <= room:
            numbers[url] = number
            room -= taken
    return numbers


def _list_header(title: str, settings: Settings) -> str:
    """The value of List-Id as it may stand in a header: ASCII, on one line."""
    folded = headers.mailbox("List-Id", title, list_id(settings)).decode("ascii")
    return folded.partition(":")[2].replace("\r\n", "").strip()


def _plain(settings: Settings, variants: Mapping[str, VariantContent]) -> frozenset[str]:
    """The personal links: what stands behind the host in them is safe anywhere."""
    url = settings.base_url
    if html.escape(url) != url or json.dumps(url) != f'"{url}"':
        return frozenset()
    asking = {field for each in variants.values() for field in each.html.read_fields}
    return frozenset({"preferences_url", "unsubscribe_url", *asking})
