"""A campaign as the store holds it: an issue frozen for sending."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, select

from newsletter_mailer.compiling.merge import Segments
from newsletter_mailer.errors import UsageError
from newsletter_mailer.reading.headers import Waiver
from newsletter_mailer.settings import Greeting
from newsletter_mailer.store.tables import campaign, campaign_image, variant


@dataclass(frozen=True, slots=True)
class Campaign:
    """What is known of a campaign besides its content and its ledger.

    `name` is its issue's, with a number behind where the issue went out in several
    campaigns. `audience` holds the names of the segments it is for, none for everyone;
    `excluded` counts by reason those of them who were left out when it was frozen.
    """

    id: int
    name: str
    issue: str
    number: int
    title: str
    state: str
    reason: str
    token: str
    content_hash: str
    audience_hash: str
    audience: tuple[str, ...]
    excluded: Mapping[str, int]
    transport: str
    sender_name: str
    sender_address: str
    reply_to: str | None
    greeting: Greeting
    frozen_at: dt.datetime
    frozen_by: str
    scheduled_at: dt.datetime | None
    started_at: dt.datetime | None
    finished_at: dt.datetime | None
    canary: int
    canary_until: dt.datetime | None
    waivers: tuple[Waiver, ...]


@dataclass(frozen=True, slots=True)
class FrozenVariant:
    """A variant as it was frozen; `agencies` maps the ids of its agencies to their names."""

    name: str
    agencies: Mapping[str, str]
    subject: Segments
    html: Segments
    text: Segments


@dataclass(frozen=True, slots=True)
class FrozenImage:
    """A picture as it was frozen."""

    name: str
    media_type: str
    content: bytes


def campaigns_of_issue(connection: Connection, issue: str) -> list[Campaign]:
    """The campaigns of the issue in the folder `issue`, oldest first."""
    return [each for each in all_campaigns(connection) if each.issue == issue]


def find_campaign(connection: Connection, name: str) -> Campaign:
    """The campaign that `name` names: by its own name, or the newest of an issue's number.

    Raises:
        UsageError: there is none.
    """
    for known in reversed(all_campaigns(connection)):
        if name == known.name or (name.isdigit() and int(name) == known.number):
            return known
    raise UsageError(
        f"No campaign {name!r} was started yet. `newsletter send {name}` starts one; "
        "`newsletter status` lists those there are."
    )


def all_campaigns(connection: Connection) -> list[Campaign]:
    """Every campaign, oldest first."""
    return [_campaign(row) for row in connection.execute(select(campaign).order_by(campaign.c.id))]


def variants_of(connection: Connection, campaign_id: int) -> list[FrozenVariant]:
    """The frozen variants, in the registry's order."""
    rows = connection.execute(
        select(variant).where(variant.c.campaign_id == campaign_id).order_by(variant.c.position)
    )
    return [
        FrozenVariant(
            row.name, row.agencies, _segments(row.subject), _segments(row.html), _segments(row.text)
        )
        for row in rows
    ]


def images_of(connection: Connection, campaign_id: int) -> list[FrozenImage]:
    """The frozen pictures."""
    rows = connection.execute(
        select(campaign_image)
        .where(campaign_image.c.campaign_id == campaign_id)
        .order_by(campaign_image.c.name)
    )
    return [FrozenImage(row.name, row.media_type, row.content) for row in rows]


def stored(segments: Segments) -> dict[str, list[str]]:
    """Segments as the store keeps them."""
    return {"literals": list(segments.literals), "fields": list(segments.fields)}


def _segments(kept: Mapping[str, list[str]]) -> Segments:
    return Segments(tuple(kept["literals"]), tuple(kept["fields"]))


def _campaign(row: Row[Any]) -> Campaign:
    values = dict(row._mapping)  # noqa: SLF001 - SQLAlchemy's documented name
    greeting = Greeting(**values["greeting"])
    waivers = tuple(Waiver.model_construct(**waiver) for waiver in values["waivers"])
    audience = tuple(values["audience"])
    return Campaign(**{**values, "greeting": greeting, "waivers": waivers, "audience": audience})
