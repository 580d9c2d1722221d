"""The frozen content of a campaign, hashed anew, to be held against the hashes of its freezing."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, select

from newsletter_mailer.compiling.merge import IMAGE
from newsletter_mailer.sending.campaign import Campaign, FrozenVariant, images_of, variants_of
from newsletter_mailer.store.tables import variant


@dataclass(frozen=True, slots=True)
class Hashed:
    """A hash that was stored at freezing, and the same worked out from what is there now.

    `now` is None where it cannot be worked out.
    """

    stored: str
    now: str | None

    @property
    def holds(self) -> bool | None:
        """Whether nothing was changed since; None where nobody can tell."""
        return None if self.now is None or not self.stored else self.now == self.stored


@dataclass(frozen=True, slots=True)
class HashedVariant:
    """A variant, the names of its agencies by their ids, and its content's hash."""

    name: str
    agencies: Mapping[str, str]
    content: Hashed


def hash_content(
    connection: Connection, campaign: Campaign
) -> tuple[Hashed, tuple[HashedVariant, ...]]:
    """The hash of a campaign's whole content, and that of each variant.

    Hosted pictures are linked and were not frozen, so a variant that shows one cannot be
    hashed anew, and neither can the whole.
    """
    frozen = variants_of(connection, campaign.id)
    rows = connection.execute(
        select(variant.c.name, variant.c.content_hash).where(variant.c.campaign_id == campaign.id)
    )
    kept = {row.name: row.content_hash for row in rows}
    pictures = {
        image.name: hashlib.sha256(image.content).hexdigest()
        for image in images_of(connection, campaign.id)
    }
    hosted = f"/archive/{campaign.issue}/images/"
    found = tuple(
        HashedVariant(
            each.name,
            each.agencies,
            Hashed(
                kept[each.name],
                None if not pictures and hosted in str(each.html) else _hash(each, pictures),
            ),
        )
        for each in frozen
    )
    return Hashed(campaign.content_hash, _whole(found)), found


def _hash(frozen: FrozenVariant, pictures: Mapping[str, str]) -> str:
    """As `CompiledEmail.content_hash`: the texts, and the pictures in their order."""
    shown = dict.fromkeys(name for name in frozen.html.fields if name.startswith(IMAGE))
    content = [str(frozen.subject), str(frozen.html), str(frozen.text)]
    content += [pictures.get(name.removeprefix(IMAGE), "") for name in shown]
    return hashlib.sha256(json.dumps(content).encode()).hexdigest()


def _whole(variants: Sequence[HashedVariant]) -> str | None:
    """As `freezing.content_hash`: every variant's name, agencies and hash."""
    if any(each.content.now is None for each in variants):
        return None
    content = [(each.name, tuple(each.agencies), each.content.now) for each in variants]
    return hashlib.sha256(json.dumps(content).encode()).hexdigest()
