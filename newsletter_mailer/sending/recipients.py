"""Who gets a campaign, and who is left out and why, worked out by the database itself."""

import datetime as dt
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, and_, case, exists, func, literal, select

from newsletter_mailer.audience.segment import Segment
from newsletter_mailer.compiling.email import CompiledEmail
from newsletter_mailer.reading.agencies import Registry
from newsletter_mailer.store.tables import campaign, delivery, subscriber, suppression
from newsletter_mailer.store.web_tables import preference

CHOSEN = ""
"""Stands where others have the reason for which they are left out."""

_PAGE = 5_000


@dataclass(frozen=True)
class Recipients:
    """The expressions that say of each subscriber what a campaign does with them.

    `reason` is empty for those who get it. `agency` is the default's for an agency that
    the registry does not know; `variant` and `position` follow from it.
    """

    segment: Segment
    reason: ColumnElement[str]
    agency: ColumnElement[str]
    variant: ColumnElement[str]
    position: ColumnElement[int]

    @property
    def chosen(self) -> ColumnElement[bool]:
        """Who gets the campaign."""
        return and_(self.segment.holds(self.agency), self.reason == CHOSEN)


def recipients(
    issue: str,
    segment: Segment,
    emails: Sequence[CompiledEmail],
    registry: Registry,
    *,
    now: dt.datetime,
) -> Recipients:
    """Work out the recipients of an issue's next campaign, as it is frozen at `now`.

    Those who are in an earlier campaign of the same issue are left out, whatever became of
    their delivery there: nobody gets an issue twice.
    """
    variants = {id_: email.name for email in emails for id_ in email.agencies}
    positions = {id_: at for at, email in enumerate(emails) for id_ in email.agencies}
    agency = case(
        {id_: id_ for id_ in variants}, value=subscriber.c.agency, else_=registry.default.id
    )
    had = (
        exists()
        .where(
            delivery.c.subscriber_id == subscriber.c.id,
            delivery.c.campaign_id == campaign.c.id,
            campaign.c.issue == issue,
            delivery.c.status != "skipped",
        )
        .correlate(subscriber)
    )
    bounced, complained, asked = (
        exists().where(
            suppression.c.email_key == subscriber.c.email_key, suppression.c.reason == reason
        )
        for reason in ("bounce", "complaint", "office")
    )
    paused = exists().where(
        preference.c.subscriber_id == subscriber.c.id, preference.c.paused_until > now
    )
    reason = case(
        (subscriber.c.status == "unsubscribed", "unsubscribed"),
        (subscriber.c.status == "unconfirmed", "not confirmed"),
        (complained, "complained"),
        (bounced, "bounced before"),
        (asked, "suppressed by the office"),
        (paused, "paused by themselves"),
        (had, "in an earlier campaign of this issue"),
        else_=CHOSEN,
    )
    return Recipients(
        segment, reason, agency, case(variants, value=agency), case(positions, value=agency)
    )


def count_recipients(connection: Connection, wanted: Recipients) -> dict[str, int]:
    """How many of each agency get the campaign, by the agency's id."""
    rows = connection.execute(
        # Under a name of its own: PostgreSQL would group by the subscriber's column first.
        select(wanted.agency.label("agency_got"), func.count().label("people"))
        .where(wanted.chosen)
        .group_by("agency_got")
        .order_by("agency_got")
    )
    return {row.agency_got: row.people for row in rows}


def count_excluded(connection: Connection, wanted: Recipients) -> dict[str, int]:
    """How many subscribers are left out, by reason, most first."""
    outside = "outside the chosen audience"
    reason = case((~wanted.segment.holds(wanted.agency), outside), else_=wanted.reason)
    rows = connection.execute(
        select(reason.label("reason"), func.count().label("people"))
        .where(reason != CHOSEN)
        .group_by("reason")
    )
    found: Mapping[str, int] = {row.reason: row.people for row in rows}
    return dict(sorted(found.items(), key=lambda item: (-item[1], item[0])))


def audience_hash(connection: Connection, campaign_id: int) -> str:
    """A SHA-256 over all addresses of a frozen audience, each with its variant, by number."""
    digest = hashlib.sha256()
    columns = select(delivery.c.subscriber_id, delivery.c.email, delivery.c.variant)
    last = -1
    while rows := connection.execute(
        columns.where(
            delivery.c.campaign_id == literal(campaign_id), delivery.c.subscriber_id > last
        )
        .order_by(delivery.c.subscriber_id)
        .limit(_PAGE)
    ).all():
        for number, email, variant in rows:
            digest.update(f"{number} {email} {variant}\n".encode())
        last = rows[-1].subscriber_id
    return digest.hexdigest()
