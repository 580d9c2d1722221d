"""Consent: the words that are shown, and the record of what was agreed to or withdrawn."""

import datetime as dt
from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import Connection, insert, update

from newsletter_mailer.audience.tracking_consent import forget_opens
from newsletter_mailer.store.web_tables import consent, preference


class Kind(StrEnum):
    """What somebody can agree to."""

    NEWSLETTER = "newsletter"
    TRACKING = "tracking"


CURRENT = "2026-1"
"""The version of the words that is shown now. Who changes them adds a version."""

_WORDS = {
    "2026-1": {
        Kind.NEWSLETTER: (
            "Yes, send me the newsletter of {office} by e-mail. I can stop it at any time."
        ),
        Kind.TRACKING: (
            "You may also record when I open an issue. It helps {office} to see which parts are "
            "read. I get the newsletter just the same if I say no."
        ),
    }
}


@dataclass(frozen=True, slots=True)
class Shown:
    """The words of one version, as one office shows them."""

    version: str
    newsletter: str
    tracking: str

    def of(self, kind: Kind) -> str:
        """The words for one of the two."""
        return self.newsletter if kind is Kind.NEWSLETTER else self.tracking


def words(office: str, version: str = CURRENT) -> Shown:
    """The words of a version; those of today for one that there never was."""
    found = _WORDS.get(version)
    chosen = found or _WORDS[CURRENT]
    return Shown(
        version if found else CURRENT,
        chosen[Kind.NEWSLETTER].format(office=office),
        chosen[Kind.TRACKING].format(office=office),
    )


def decide(
    connection: Connection,
    subscriber_id: int,
    kind: Kind,
    given: bool,
    shown: Shown,
    *,
    source: str,
    now: dt.datetime,
    network: str = "",
    confirmed_at: dt.datetime | None = None,
) -> None:
    """Add a decision to the record. `source` is the page or the import that it came by."""
    connection.execute(
        insert(consent).values(
            subscriber_id=subscriber_id,
            kind=kind.value,
            given=given,
            wording=shown.version,
            shown=shown.of(kind),
            source=source,
            network=network,
            at=now,
            confirmed_at=confirmed_at,
        )
    )
    if kind is Kind.TRACKING:
        prefer(connection, subscriber_id, tracking=given)


def prefer(connection: Connection, subscriber_id: int, **values: bool | dt.datetime | None) -> None:
    """Set preferences of a subscriber: `tracking`, `paused_until`, `seen_at`.

    Without `tracking` nothing is kept of what they opened, either.
    """
    done = connection.execute(
        update(preference).where(preference.c.subscriber_id == subscriber_id).values(**values)
    )
    if not done.rowcount:
        connection.execute(insert(preference).values(subscriber_id=subscriber_id, **values))
    if values.get("tracking") is False:
        forget_opens(connection, subscriber_id)
