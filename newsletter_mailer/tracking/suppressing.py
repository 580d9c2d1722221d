"""Addresses that get nothing more, and people who left, for what was reported of their mail."""

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, select

from newsletter_mailer.audience import leaving
from newsletter_mailer.mailbox import address_key
from newsletter_mailer.sending.sealing import ERASED
from newsletter_mailer.store.tables import campaign, delivery, suppression
from newsletter_mailer.store.tracking_tables import feedback
from newsletter_mailer.store.upsert import among, insert_into

BOUNCE, COMPLAINT = "bounce", "complaint"

WAY = "mail provider"
"""In the audit trail."""

GIVES_WAY = {COMPLAINT: (BOUNCE,), BOUNCE: ()}
"""Which reasons a reason takes the place of. The office's own word stands above both."""

_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class SoftLimit:
    """How many letters to an address may come back for now within a time, before it is dead."""

    letters: int
    within: dt.timedelta

    def reached(self, moments: Sequence[dt.datetime]) -> bool:
        """Whether so many of these moments lie within the time. Their order does not matter."""
        ordered = sorted(moments)
        spans = zip(ordered, ordered[self.letters - 1 :], strict=False)
        return any(last - first <= self.within for first, last in spans)


@dataclass(frozen=True, slots=True)
class Dead:
    """An address that gets nothing more, and why: `reason` is the suppression's."""

    email: str
    reason: str
    code: str
    detail: str
    campaign_id: int


def suppress(connection: Connection, dead: Iterable[Dead], now: dt.datetime) -> None:
    """Suppress addresses. One that is suppressed already only gets a stronger reason."""
    for each in sorted(dead, key=lambda one: (one.email, one.reason, one.code)):
        row = {
            "email_key": address_key(each.email),
            "reason": each.reason,
            "code": each.code,
            "detail": each.detail,
            "campaign_id": each.campaign_id,
        }
        changing = {name: value for name, value in row.items() if name != "email_key"}
        connection.execute(
            insert_into(suppression)
            .values(**row, since=now)
            .on_conflict_do_update(
                index_elements=["email_key"],
                set_=changing,
                where=among(suppression.c.reason, GIVES_WAY[each.reason]),
            )
        )


def leave(connection: Connection, subscriber_ids: Sequence[int], now: dt.datetime) -> None:
    """Unsubscribe people who left with the provider. Who has left already stays as they are."""
    for number in subscriber_ids:
        leaving.leave(connection, number, now=now, way=WAY)


def softly_dead(
    connection: Connection, subscriber_ids: Sequence[int], limit: SoftLimit
) -> list[Dead]:
    """Of these people, the addresses to which too many letters came back for now.

    A letter counts once, however often it was reported, and only for the address that it
    was sent to. Its time is when its campaign was frozen, and not that of any report: so the
    order in which reports come makes no difference.
    """
    moments: dict[tuple[int, str], list[dt.datetime]] = {}
    latest: dict[tuple[int, str], tuple[dt.datetime, int]] = {}
    for begin in range(0, len(subscriber_ids), _AT_ONCE):
        rows = connection.execute(
            select(
                feedback.c.subscriber_id,
                feedback.c.campaign_id,
                campaign.c.frozen_at,
                delivery.c.email,
            )
            .join(
                delivery,
                (delivery.c.campaign_id == feedback.c.campaign_id)
                & (delivery.c.subscriber_id == feedback.c.subscriber_id),
            )
            .join(campaign, campaign.c.id == feedback.c.campaign_id)
            .where(
                feedback.c.subscriber_id.in_(subscriber_ids[begin : begin + _AT_ONCE]),
                feedback.c.soft_at.is_not(None),
                delivery.c.email != ERASED,
            )
        )
        for row in rows:
            key = (row.subscriber_id, row.email)
            moments.setdefault(key, []).append(row.frozen_at)
            latest[key] = max(latest.get(key, (row.frozen_at, 0)), (row.frozen_at, row.campaign_id))
    return [
        Dead(
            email,
            BOUNCE,
            "",
            f"{len(times)} letters came back for now, the last of "
            f"{latest[number, email][0]:%Y-%m-%d}",
            latest[number, email][1],
        )
        for (number, email), times in moments.items()
        if limit.reached(times)
    ]
