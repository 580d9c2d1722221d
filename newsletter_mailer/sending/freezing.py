"""Freezing: an issue and its audience become a campaign, all at once or not at all."""

import datetime as dt
import hashlib
import json
import secrets
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, func, insert, literal, select, update

from newsletter_mailer.compiling.email import CompiledEmail
from newsletter_mailer.errors import SendingError
from newsletter_mailer.reading.agencies import Registry
from newsletter_mailer.reading.document import Image, Issue
from newsletter_mailer.reading.headers import Waiver
from newsletter_mailer.sending.asking import keep_asking
from newsletter_mailer.sending.campaign import (
    Campaign,
    campaigns_of_issue,
    find_campaign,
    stored,
)
from newsletter_mailer.sending.counted_links import count_links
from newsletter_mailer.sending.recipients import Recipients, audience_hash, count_excluded
from newsletter_mailer.settings import Settings
from newsletter_mailer.store.postgres import make_partition
from newsletter_mailer.store.tables import (
    batch,
    campaign,
    campaign_image,
    delivery,
    subscriber,
    variant,
)


@dataclass(frozen=True, slots=True)
class Order:
    """What was asked for besides the content: for whom, by whom, when, and how carefully.

    `start` is None for at once. The first `canary` letters are watched before the rest.
    """

    recipients: Recipients
    by: str
    start: dt.datetime | None = None
    canary: int = 0
    waivers: tuple[Waiver, ...] = ()


def content_hash(emails: Sequence[CompiledEmail]) -> str:
    """A SHA-256 over what all variants say, by which two states of an issue are compared."""
    content = [(email.name, email.agencies, email.content_hash) for email in emails]
    return hashlib.sha256(json.dumps(content).encode()).hexdigest()


def freeze(
    connection: Connection,
    issue: Issue,
    emails: Sequence[CompiledEmail],
    registry: Registry,
    settings: Settings,
    *,
    order: Order,
    now: dt.datetime,
) -> Campaign:
    """Write the campaign, its content and one pending delivery for each recipient.

    Runs in the caller's transaction. What is written here is never changed by later
    edits of the issue's files or the settings.

    Raises:
        SendingError: nobody would get it.
    """
    sender = issue.head.sender
    earlier = len(campaigns_of_issue(connection, issue.name))
    name = f"{issue.name}-{earlier + 1}" if earlier else issue.name
    excluded = count_excluded(connection, order.recipients)
    values = {
        "name": name,
        "issue": issue.name,
        "number": issue.head.number,
        "title": issue.head.title,
        "state": "scheduled" if order.start else "sending",
        "token": secrets.token_hex(16),
        "content_hash": content_hash(emails),
        "audience": list(order.recipients.segment.names),
        "excluded": excluded,
        "transport": settings.transport,
        "sender_name": sender.name or settings.sender.name,
        "sender_address": settings.sender.address,
        "reply_to": sender.reply_to or settings.sender.reply_to,
        "greeting": settings.greeting.model_dump(),
        "frozen_at": now,
        "frozen_by": order.by,
        "scheduled_at": order.start,
        "started_at": None if order.start else now,
        "canary": order.canary,
        "waivers": [waiver.model_dump() for waiver in order.waivers],
    }
    key = connection.execute(insert(campaign).values(values)).inserted_primary_key
    campaign_id: int = key[0] if key else 0
    make_partition(connection, campaign_id)
    hosted = settings.send.images == "hosted"
    pictures = f"{settings.base_url}/archive/{issue.name}/images/" if hosted else None
    _freeze_content(connection, campaign_id, emails, registry, pictures)
    if settings.tracking.clicks:
        count_links(connection, campaign_id, [each.html for each in emails], settings.base_url)
    keep_asking(connection, campaign_id, issue, [each.html for each in emails], settings.greeting)
    if not _freeze_audience(connection, campaign_id, order.recipients, settings.send.batch_size):
        raise SendingError(_nobody(excluded))
    connection.execute(
        update(campaign)
        .where(campaign.c.id == campaign_id)
        .values(audience_hash=audience_hash(connection, campaign_id))
    )
    return find_campaign(connection, name)


def _nobody(excluded: dict[str, int]) -> str:
    if not excluded:
        return (
            "Nobody is subscribed, so there is nobody to send to. "
            "Import subscribers first: newsletter subscribers import FILE.csv"
        )
    reasons = ", ".join(f"{number:,} {reason}" for reason, number in excluded.items())
    return f"Nobody would get this: {reasons}. Choose another audience, or import more subscribers."


def _freeze_content(
    connection: Connection,
    campaign_id: int,
    emails: Sequence[CompiledEmail],
    registry: Registry,
    pictures: str | None,
) -> None:
    """Keep what is sent. `pictures` is where hosted pictures are; None keeps them too."""
    connection.execute(
        insert(variant),
        [
            {
                "campaign_id": campaign_id,
                "name": email.name,
                "position": position,
                "content_hash": email.content_hash,
                "agencies": {id_: registry.agency(id_).name for id_ in email.agencies},
                "subject": stored(email.subject),
                "html": stored(email.html_with_images(pictures) if pictures else email.html),
                "text": stored(email.text),
            }
            for position, email in enumerate(emails)
        ],
    )
    images: dict[str, Image] = {image.name: image for email in emails for image in email.images}
    for image in () if pictures else images.values():
        connection.execute(
            insert(campaign_image).values(
                campaign_id=campaign_id,
                name=image.name,
                media_type=image.media_type,
                content=image.path.read_bytes(),
            )
        )


def _freeze_audience(
    connection: Connection, campaign_id: int, wanted: Recipients, batch_size: int
) -> int:
    """One delivery for each recipient, batches of one variant's readers together."""
    order = func.row_number().over(order_by=(wanted.position, subscriber.c.id))
    chosen = {
        "campaign_id": literal(campaign_id),
        "subscriber_id": subscriber.c.id,
        "batch": (order - 1) // batch_size + 1,
        "variant": wanted.variant,
        "email": subscriber.c.email,
        "name": subscriber.c.name,
        "agency": wanted.agency,
        "status": literal("pending"),
    }
    made = connection.execute(
        insert(delivery).from_select(
            list(chosen),
            select(*(value.label(f"of_{name}") for name, value in chosen.items())).where(
                wanted.chosen
            ),
        )
    )
    numbers = (
        select(literal(campaign_id).label("id"), delivery.c.batch, literal("ready").label("state"))
        .where(delivery.c.campaign_id == campaign_id)
        .distinct()
    )
    connection.execute(insert(batch).from_select(["campaign_id", "number", "state"], numbers))
    return made.rowcount
