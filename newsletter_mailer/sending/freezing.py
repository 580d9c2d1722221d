"""Freezing: an issue and its audience become a campaign, all at once or not at all."""

import datetime as dt
import hashlib
import json
import secrets
from collections.abc import Sequence

from sqlalchemy import Connection, case, func, insert, literal, select

from newsletter_mailer.compiling.email import CompiledEmail
from newsletter_mailer.errors import SendingError
from newsletter_mailer.reading.agencies import Registry
from newsletter_mailer.reading.document import Image, Issue
from newsletter_mailer.reading.headers import Waiver
from newsletter_mailer.sending.campaign import Campaign, find_campaign, stored
from newsletter_mailer.settings import Settings
from newsletter_mailer.store.tables import (
    batch,
    campaign,
    campaign_image,
    delivery,
    subscriber,
    variant,
)


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
    now: dt.datetime,
    waivers: Sequence[Waiver] = (),
) -> Campaign:
    """Write the campaign, its content and one pending delivery for each active subscriber.

    Runs in the caller's transaction. What is written here is never changed by later
    edits of the issue's files or the settings. `waivers` are those that the checks needed.

    Raises:
        SendingError: nobody is subscribed.
    """
    sender = issue.head.sender
    values = {
        "issue": issue.name,
        "number": issue.head.number,
        "title": issue.head.title,
        "state": "sending",
        "token": secrets.token_hex(16),
        "content_hash": content_hash(emails),
        "transport": settings.transport,
        "sender_name": sender.name or settings.sender.name,
        "sender_address": settings.sender.address,
        "reply_to": sender.reply_to or settings.sender.reply_to,
        "greeting": settings.greeting.model_dump(),
        "frozen_at": now,
        "waivers": [waiver.model_dump() for waiver in waivers],
    }
    key = connection.execute(insert(campaign).values(values)).inserted_primary_key
    campaign_id: int = key[0] if key else 0
    hosted = settings.send.images == "hosted"
    pictures = f"{settings.base_url}/archive/{issue.name}/images/" if hosted else None
    _freeze_content(connection, campaign_id, emails, registry, pictures)
    deliveries = _freeze_audience(connection, campaign_id, emails, registry, settings)
    if not deliveries:
        raise SendingError(
            "Nobody is subscribed, so there is nobody to send to. "
            "Import subscribers first: newsletter subscribers import FILE.csv"
        )
    return find_campaign(connection, issue.name)


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
    connection: Connection,
    campaign_id: int,
    emails: Sequence[CompiledEmail],
    registry: Registry,
    settings: Settings,
) -> int:
    """One delivery for each active subscriber, batches of one variant's readers together."""
    variants = {id_: email.name for email in emails for id_ in email.agencies}
    positions = {id_: at for at, email in enumerate(emails) for id_ in email.agencies}
    default = registry.default.id
    agency = case({id_: id_ for id_ in variants}, value=subscriber.c.agency, else_=default)
    position = case(positions, value=agency)
    order = func.row_number().over(order_by=(position, subscriber.c.id))
    chosen = select(
        literal(campaign_id),
        subscriber.c.id,
        (order - 1) // settings.send.batch_size + 1,
        case(variants, value=agency),
        subscriber.c.email,
        subscriber.c.name,
        agency,
        literal("pending"),
    ).where(subscriber.c.status == "active")
    columns = [
        "campaign_id",
        "subscriber_id",
        "batch",
        "variant",
        "email",
        "name",
        "agency",
        "status",
    ]
    connection.execute(insert(delivery).from_select(columns, chosen))
    numbers = select(delivery.c.batch).where(delivery.c.campaign_id == campaign_id).distinct()
    connection.execute(
        insert(batch).from_select(
            ["campaign_id", "number", "state"],
            numbers.add_columns(literal("ready")).with_only_columns(
                literal(campaign_id), delivery.c.batch, literal("ready")
            ),
        )
    )
    return (
        connection.scalar(
            select(func.count()).select_from(delivery).where(delivery.c.campaign_id == campaign_id)
        )
        or 0
    )
